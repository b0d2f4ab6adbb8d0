"""Configuration as one process last read it: made anew when the ``live`` row carries another revision."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import scoped_session

from models.base import new_id
from models.compliance import Policy
from models.partners import Live
from models.session import AnySession
from portal.deadlines.document import PolicyDocument, parse_policy
from portal.vocabulary import VersionState

T = TypeVar("T")
_cache: WeakKeyDictionary[Engine, dict[str, tuple[str, Any]]] = WeakKeyDictionary()


def revision(session: AnySession) -> str:
    """The live revision as this transaction first saw it: one unit of work goes by one configuration."""
    session = session() if isinstance(session, scoped_session) else session
    seen = session.info.get("revision")
    if seen is None or seen[0] is not session.get_transaction():
        found = session.execute(select(Live.revision).where(Live.id == 1)).scalar_one()
        seen = session.info["revision"] = (session.get_transaction(), found)
    return str(seen[1])


def read_already(session: AnySession, found: str) -> None:
    """Say which live revision this transaction has read on its own way, so that it is not read once more."""
    session = session() if isinstance(session, scoped_session) else session
    session.info["revision"] = (session.get_transaction(), found)


def cached(session: AnySession, name: str, load: Callable[[AnySession], T], at: str | None = None) -> T:
    """``load(session)`` once a revision and process. ``at``: the revision, where the caller has read it already."""
    at = at or revision(session)
    held = _cache.setdefault(session.get_bind().engine, {})
    known = held.get(name)
    if known is None or known[0] != at:
        known = held[name] = (at, load(session))
    return known[1]


def changed(session: AnySession, **columns: Any) -> None:
    """Say that configuration changed: every process reads it afresh from this commit on."""
    session.info.pop("revision", None)
    session.execute(update(Live).where(Live.id == 1).values(revision=new_id(), **columns))


@dataclass(frozen=True)
class LivePolicy:
    """A published policy and the instant from which it rules."""

    id: str
    number: int
    effective_from: datetime
    document: PolicyDocument
    body: dict[str, Any]


@dataclass(frozen=True)
class Timeline:
    """All published policies in the order in which they came to rule."""

    policies: tuple[LivePolicy, ...]

    def at(self, now: datetime) -> LivePolicy:
        """The policy that rules at ``now``."""
        index = bisect_right([p.effective_from for p in self.policies], now) - 1
        return self.policies[max(index, 0)]

    def by_id(self, policy_id: str) -> LivePolicy:
        return next(p for p in self.policies if p.id == policy_id)


def policies(session: AnySession, at: str | None = None) -> Timeline:
    """The timeline of published policies, cached by revision."""
    return cached(session, "policies", _load_policies, at)


def _load_policies(session: AnySession) -> Timeline:
    rows = session.scalars(
        select(Policy).where(Policy.state != VersionState.DRAFT).order_by(Policy.effective_from, Policy.number)
    ).all()
    return Timeline(
        tuple(
            LivePolicy(p.id, p.number, p.effective_from, parse_policy(p.body), p.body)
            for p in rows
            if p.effective_from is not None
        )
    )

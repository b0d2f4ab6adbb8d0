"""Lists that rules name (``list:strategic-accounts``): kept by admins, read as they are when a lead is placed.

A change counts from its commit on, like a partner's new tag, and no rule version is published for it; what a list held
before is kept with its valid-from. A list that the live rules or a draft name cannot be dropped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from models.allocation import RuleVersion
from models.base import new_id
from models.lists import NamedList, NamedListVersion
from models.partners import Live
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.deadlines.live import changed
from portal.errors import Conflict, Invalid, NotFound
from portal.qualification.conditions import READ, ConditionError, parse_condition
from portal.vocabulary import VersionState

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MOST, LONGEST = 20_000, 200


@dataclass(frozen=True)
class Use:
    """Where a list is named: ``place`` of the rule from 0, in a version that is live or a draft."""

    version_id: str
    number: int
    state: VersionState
    place: int
    rule: str

    @property
    def sentence(self) -> str:
        """ "rule Germany of version 12"."""
        return f"rule {self.rule} of version {self.number}"


def all_lists(session: AnySession) -> Sequence[NamedList]:
    """Every list, by name."""
    return session.scalars(select(NamedList).order_by(NamedList.name)).all()


def values_of(session: AnySession) -> Mapping[str, frozenset[str]]:
    """What every list holds now, by name."""
    return {name: frozenset(items) for name, items in session.execute(select(NamedList.name, NamedList.items))}


def checked(name: str, items: Sequence[Any]) -> list[str]:
    """What a list is to hold: stripped, each once, in order. Raises Invalid."""
    errors = []
    if not NAME.fullmatch(name or ""):
        errors.append(("name", "Name the list in small letters, digits and dashes, such as strategic-accounts."))
    texts = [item.strip() for item in items if isinstance(item, str)]
    if len(texts) != len(items) or any("\x00" in text or len(text) > LONGEST for text in texts):
        errors.append(("items", f"Give texts of at most {LONGEST} characters."))
    if len(texts) > MOST:
        errors.append(("items", f"Give at most {MOST:,} values."))
    if errors:
        raise Invalid(errors)
    once = {text.casefold(): text for text in reversed(texts) if text}
    return sorted(once.values(), key=lambda text: (text.casefold(), text))


def save(
    session: AnySession, name: str, items: Sequence[Any], now: datetime, actor: Actor, revision: int | None = None
) -> NamedList:
    """Make a list, or put other values in it. ``revision``: the one that was read; None: whatever it is.

    0: none, so that a list of that name is never overwritten unread. Leads that wait are tried again under it.
    Raises Invalid, Conflict where it changed or was dropped meanwhile.
    """
    wanted = checked(name, items)
    held = _locked(session, name)
    if held is None:
        if revision:
            raise Conflict(f"The list {name} was dropped meanwhile: look again first.")
        held = NamedList(id=new_id(), name=name, items=wanted, revision=0, changed_at=now)
        session.add(held)
    elif revision is not None and held.revision != revision:
        raise Conflict(
            f"{held.changed_by_name or 'Somebody else'} changed the list {name} meanwhile: look again first."
        )
    held.items, held.revision, held.changed_at, held.changed_by_name = wanted, held.revision + 1, now, actor.name
    _keep(session, name, wanted, now, actor)
    record(session, actor, "list.save", "list", held.id, now, facts={"name": name, "values": len(wanted)})
    return held


def drop(session: AnySession, name: str, now: datetime, actor: Actor) -> None:
    """Drop a list. Raises NotFound, and Conflict while live rules or a draft name it."""
    held = _locked(session, name)
    if held is None:
        raise NotFound
    if named := uses(session).get(name):
        told = ", ".join(use.sentence for use in named[:5])
        raise Conflict(f"The list {name} is named by {told}: change that first.")
    session.execute(delete(NamedList).where(NamedList.id == held.id))
    session.expunge(held)
    _keep(session, name, None, now, actor)
    record(session, actor, "list.drop", "list", held.id, now, facts={"name": name})


def uses(session: AnySession) -> Mapping[str, list[Use]]:
    """Where the live rules and drafts name lists, by list; the earliest version first."""
    versions = session.scalars(
        select(RuleVersion).where(RuleVersion.state != VersionState.RETIRED).order_by(RuleVersion.number)
    )
    found: dict[str, list[Use]] = {}
    for version in versions:
        for place, rule in enumerate(version.rules):
            for name in _lists_in(rule):
                use = Use(version.id, version.number, version.state, place, rule["name"])
                found.setdefault(name, []).append(use)
    return found


def _lists_in(rule: Mapping[str, Any]) -> frozenset[str]:
    try:
        return parse_condition(rule.get("when"), terms=READ).lists()
    except ConditionError:
        return frozenset()


def _locked(session: AnySession, name: str) -> NamedList | None:
    return session.scalars(select(NamedList).where(NamedList.name == name).with_for_update()).one_or_none()


def _keep(session: AnySession, name: str, items: list[str] | None, now: datetime, actor: Actor) -> None:
    """Keep what it held from now on, have every process read it afresh, and waiting leads tried again."""
    session.add(NamedListVersion(id=new_id(), name=name, valid_from=now, items=items, changed_by=actor.id))
    session.flush()
    live = session.scalars(select(Live).where(Live.id == 1)).one()
    live.changed_at = max(live.changed_at, now)
    session.flush()
    changed(session)

"""Rule versions: drafted, checked, published. A published one never changes; a publish never rewrites the past."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select, update

from models.allocation import RuleVersion
from models.base import new_id
from models.leads import Lead
from models.partners import Live, Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation.difference import Change, difference
from portal.allocation.document import Known, RuleError, RuleSet, parse_rules
from portal.allocation.lists import values_of
from portal.allocation.live import known, load_roster
from portal.allocation.places import partner_places
from portal.deadlines.live import changed
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState


def checked(session: AnySession, rules: Sequence[Any]) -> list[str]:
    """The warnings of a rule list. Raises Invalid with a sentence for each thing that makes it unusable."""
    return list(parsed(session, rules).warnings)


def parsed(session: AnySession, rules: Sequence[Any]) -> RuleSet:
    """A rule list, checked against the partners, lists and leads of now. Raises Invalid."""
    try:
        return parse_rules(list(rules), known_now(session))
    except RuleError as error:
        raise Invalid(error.errors) from error


def known_now(session: AnySession) -> Known:
    """What a rule may name now."""
    roster = load_roster(session)
    return replace(
        known(roster), lists=values_of(session), heard_of=partial(_heard_of, session),
        located=frozenset(partner_places(session)),
    )  # fmt: skip


def _heard_of(session: AnySession, field: str, value: str) -> bool:
    """Whether a lead ever named such a value; asked only of what no partner knows."""
    column = getattr(Lead, field)
    return session.scalars(select(Lead.id).where(func.lower(column) == value.lower()).limit(1)).first() is not None


def numbered(session: AnySession, number: int | None) -> RuleVersion:
    """The version of that number; None: the live one. Raises NotFound."""
    of = RuleVersion.state == VersionState.PUBLISHED if number is None else RuleVersion.number == number
    version = session.scalars(select(RuleVersion).where(of)).first()
    if version is None:
        raise NotFound(f"There is no version {number}." if number is not None else "No rules are live yet.")
    return version


def names(session: AnySession) -> dict[str, str]:
    """Partners' names by id, in the order of their slots."""
    return {row.id: row.name for row in session.execute(select(Partner.id, Partner.name).order_by(Partner.slot))}


def changes(session: AnySession, old: RuleVersion | None, new: RuleVersion) -> list[Change]:
    """What one version says that another does not; None: against no rules at all."""
    return difference(old.rules if old else [], new.rules, names(session))


def draft(session: AnySession, rules: Sequence[Any], note: str, now: datetime, actor: Actor) -> RuleVersion:
    """Store a checked draft as the next version. Raises Invalid and stores nothing where it is wrong."""
    warnings = checked(session, rules)
    number = (session.scalar(select(func.max(RuleVersion.number))) or 0) + 1
    version = RuleVersion(
        id=new_id(), number=number, state=VersionState.DRAFT, rules=list(rules), warnings=warnings, note=note,
        created_at=now, created_by=actor.id, created_by_name=actor.name,
    )  # fmt: skip
    session.add(version)
    record(session, actor, "rules.draft", "rule_version", version.id, now, facts={"number": number})
    return version


def publish(session: AnySession, version_id: str, now: datetime, actor: Actor) -> RuleVersion:
    """Make a draft (or, to roll back, a retired version) the live one from this commit on.

    1. It is checked once more, against the partners of now. 2. The live version retires.
    3. A retired version is brought back under a new number: history stays as it was.
    """
    live = session.scalars(select(Live).where(Live.id == 1).with_for_update()).one()
    version = session.get(RuleVersion, version_id)
    if version is None:
        raise NotFound
    if version.state is VersionState.PUBLISHED:
        raise Conflict(f"Version {version.number} is live already.")
    if version.state is VersionState.RETIRED:
        version = draft(session, version.rules, f"Back to version {version.number}", now, actor)
    version.warnings = checked(session, version.rules)
    session.execute(
        update(RuleVersion)
        .where(RuleVersion.state == VersionState.PUBLISHED)
        .values(state=VersionState.RETIRED, retired_at=now)
    )
    version.state, version.published_at = VersionState.PUBLISHED, now
    live.changed_at = now
    session.flush()
    changed(session, rule_version_id=version.id)
    record(session, actor, "rules.publish", "rule_version", version.id, now, facts={"number": version.number})
    return version

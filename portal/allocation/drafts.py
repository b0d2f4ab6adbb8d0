"""A draft of the rules, edited in place: each change names the revision that it was made from, so none is lost."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from models.allocation import RuleVersion
from models.base import new_id
from models.partners import Live
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation import versions
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState

Rules = list[Any]
Mistakes = list[tuple[str, str]]
LONGEST_NAME = 200


class Overtaken(Conflict):
    """Another change of the draft came first; nothing of this one is stored."""


def mistakes(session: AnySession, rules: Sequence[Any]) -> Mistakes:
    """What keeps these rules from being published: (dotted path, sentence), empty where nothing does."""
    try:
        versions.checked(session, rules)
    except Invalid as refusal:
        return list(refusal.errors)
    return []


def begin(session: AnySession, source_id: str | None, now: datetime, actor: Actor) -> RuleVersion:
    """A draft that says what a version says, or for the first rules nothing yet. Raises NotFound.

    What was published once may be copied even where it could not be published today: that is what the draft mends.
    """
    source = session.get(RuleVersion, source_id) if source_id else None
    if source_id and source is None:
        raise NotFound
    rules = list(source.rules) if source else []
    number = (session.scalar(select(func.max(RuleVersion.number))) or 0) + 1
    draft = RuleVersion(
        id=new_id(), number=number, state=VersionState.DRAFT, rules=rules, warnings=_told(session, rules),
        note="", created_at=now, created_by=actor.id, created_by_name=actor.name,
        changed_at=now, changed_by_name=actor.name,
    )  # fmt: skip
    session.add(draft)
    facts = {"number": number, "from": source.number if source else None}
    record(session, actor, "rules.draft", "rule_version", draft.id, now, facts=facts)
    return draft


def _told(session: AnySession, rules: Rules) -> list[str]:
    """The warnings of rules that may still hold mistakes: those are told when it is published."""
    try:
        return versions.checked(session, rules)
    except Invalid:
        return []


def revise(
    session: AnySession, version_id: str, revision: int, rules: Rules, now: datetime, actor: Actor
) -> RuleVersion:
    """Put other rules in a draft's place. Raises NotFound, Conflict, Overtaken, Invalid; then nothing is stored.

    1. It is a draft still. 2. Nobody changed it since ``revision``. 3. The rules have no mistake that the draft did
    not have before: what somebody else's change of partners broke does not hinder an edit beside it, only a publish.
    """
    draft = _held(session, version_id, revision)
    found = mistakes(session, rules)
    before = {_told_apart(draft.rules, each) for each in mistakes(session, draft.rules)} if found else set()
    fresh = [each for each in found if _told_apart(rules, each) not in before]
    if fresh:
        raise Invalid(fresh)
    draft.rules, draft.warnings = list(rules), _told(session, rules)
    draft.revision, draft.changed_at, draft.changed_by_name = revision + 1, now, actor.name
    record(session, actor, "rules.revise", "rule_version", draft.id, now, facts={"revision": draft.revision})
    return draft


def _told_apart(rules: Sequence[Any], mistake: tuple[str, str]) -> tuple[str, str, str]:
    """A mistake by its rule's name: places change where rules move."""
    path, sentence = mistake
    parts = path.split(".", 2)
    place = int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else None
    rule = rules[place] if place is not None and place < len(rules) else None
    name = str(rule.get("name")) if isinstance(rule, dict) else ""
    return name, parts[2] if len(parts) > 2 else "", re.sub(r"\b([Rr]ule) \d+", r"\1", sentence)


def _held(session: AnySession, version_id: str, revision: int) -> RuleVersion:
    """The draft, its row locked. What is published is locked first, as a publish does, so that none waits in a ring."""
    session.scalars(select(Live).where(Live.id == 1).with_for_update()).one()
    row = session.scalars(select(RuleVersion).where(RuleVersion.id == version_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound
    if row.state is not VersionState.DRAFT:
        raise Conflict(f"Version {row.number} is published: it no longer changes. Start a new draft from it.")
    if row.revision != revision:
        raise Overtaken(f"{row.changed_by_name or 'Somebody else'} changed draft {row.number} meanwhile.")
    return row


def discard(session: AnySession, version_id: str, revision: int, now: datetime, actor: Actor) -> int:
    """Throw a draft away; its number. Raises NotFound, Conflict, Overtaken."""
    draft = _held(session, version_id, revision)
    number = draft.number
    session.execute(delete(RuleVersion).where(RuleVersion.id == version_id, RuleVersion.state == VersionState.DRAFT))
    record(session, actor, "rules.discard", "rule_version", version_id, now, facts={"number": number})
    return number


def publish(
    session: AnySession, version_id: str, revision: int | None, note: str, now: datetime, actor: Actor
) -> RuleVersion:
    """Publish a draft as it was read, or an earlier version anew. Raises NotFound, Conflict, Overtaken, Invalid.

    ``revision`` is the one that was read; None for a version that is no draft, which cannot have changed.
    """
    if revision is not None:
        _held(session, version_id, revision)
    made = versions.publish(session, version_id, now, actor)
    if note:
        made.note = note
    return made


def moved(rules: Rules, place: int, to: int) -> Rules:
    """The rules with the one at ``place`` (from 0) at another place; places beyond the ends mean the ends."""
    rest = without(rules, place)
    return put_in(rest, max(0, min(to, len(rest))), rules[place])


def put_in(rules: Rules, place: int, rule: Any) -> Rules:
    """The rules with one more before ``place``."""
    return [*rules[:place], rule, *rules[place:]]


def without(rules: Rules, place: int) -> Rules:
    """The rules but for one."""
    return [*rules[:place], *rules[place + 1 :]]


def copied(rules: Rules, place: int) -> Any:
    """A copy of a rule under a name that none of the rules has."""
    taken, name = {rule["name"] for rule in rules}, rules[place]["name"]
    numbers = (f"{name[: LONGEST_NAME - 9]} copy{f' {n}' if n > 1 else ''}" for n in range(1, len(rules) + 2))
    return {**rules[place], "name": next(each for each in numbers if each not in taken)}

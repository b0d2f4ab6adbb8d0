"""What the rules screens read: versions, and each as its page tells it."""

from typing import Any

from sqlalchemy import func, select

from models.allocation import RuleVersion
from models.base import db
from models.trials import Trial
from portal.allocation import drafts
from portal.errors import NotFound
from portal.vocabulary import VersionState
from portal.web.admin import rule_words
from portal.web.admin.rules_choices import Choices


def live() -> RuleVersion | None:
    """The version that decides now."""
    return db.session.scalars(select(RuleVersion).where(RuleVersion.state == VersionState.PUBLISHED)).first()


def newest_draft() -> RuleVersion | None:
    """The draft that was begun last."""
    query = select(RuleVersion).where(RuleVersion.state == VersionState.DRAFT).order_by(RuleVersion.number.desc())
    return db.session.scalars(query.limit(1)).first()


def clean(text: str | None) -> str:
    """What was typed without the one character that no database keeps."""
    return (text or "").replace("\x00", "")


def found(version_id: str | None) -> RuleVersion:
    """A version. Raises NotFound."""
    version = db.session.get(RuleVersion, clean(version_id)) if version_id else None
    if version is None:
        raise NotFound
    return version


def last_trial(version: RuleVersion) -> Trial | None:
    """The latest answered what-if of a version as it is now."""
    asked = select(Trial).where(Trial.rule_version_id == version.id, Trial.revision == version.revision)
    return db.session.scalars(asked.where(Trial.result.is_not(None)).order_by(Trial.id.desc()).limit(1)).first()


def next_number() -> int:
    """The number that the next version gets."""
    return (db.session.scalar(select(func.max(RuleVersion.number))) or 0) + 1


def told(version: RuleVersion, against: RuleVersion | None, choices: Choices) -> dict[str, Any]:
    """A version in words, with what differs from another one: cards, rules that go, how many changes."""
    before = version.rules if against is version else against.rules if against else []
    cards, dropped = rule_words.compared(version.rules, before, choices)
    return {"version": version, "cards": cards, "dropped": dropped, "changes": rule_words.count(cards, dropped)}


def obstacles(version: RuleVersion) -> list[str]:
    """What keeps a version from being published as partners are now, in sentences that name the rule."""
    return [named(version.rules, each) for each in drafts.mistakes(db.session, version.rules)]


def named(rules: list[Any], mistake: tuple[str, str]) -> str:
    """A mistake with the rule it is about: "Rule 3 (Germany): ..."."""
    path, sentence = mistake
    parts = path.split(".")
    place = int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else None
    if place is None or place >= len(rules) or not isinstance(rules[place], dict):
        return sentence
    return f"Rule {place + 1} ({rules[place].get('name') or 'no name'}): {sentence}"

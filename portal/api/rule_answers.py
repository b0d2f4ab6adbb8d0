"""What the API answers about rules beside their versions: changes, lists, the vendor's own hours."""

from typing import Literal

from portal.api.answers import AnId, Answer, At
from portal.api.bodies import Closure, Holidays, QuietPeriod


class RuleChange(Answer):
    """One difference between two versions of the rules."""

    kind: Literal["added", "removed", "renamed", "moved", "changed"]
    rule: str
    place: int
    part: Literal["leads", "partners", "shared", "else"] | None
    before: str | None
    after: str | None
    sentence: str


class RuleChanges(Answer):
    """All differences, and the version that it is compared with; null: there was none."""

    from_version: int | None
    items: list[RuleChange]


class RuleList(Answer):
    """A list that rules can name."""

    id: AnId
    name: str
    items: list[str]
    revision: int
    changed_at: At
    changed_by: str | None


class Vendor(Answer):
    """The vendor's own hours and quiet periods."""

    timezone: str
    country: str | None
    opening_hours: dict[str, list[list[str]]] | None
    holidays: Holidays | None
    closures: list[Closure]
    quiet_periods: list[QuietPeriod]

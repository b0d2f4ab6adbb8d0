"""What the API answers about rules beside their versions: changes, lists, the vendor's own hours."""

from typing import Literal

from pydantic import ConfigDict, Field

from portal.api.answers import AnId, Answer, At
from portal.api.bodies import Closure, Holidays, QuietPeriod
from portal.vocabulary import TrialState


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


class BothWays(Answer):
    """How many as it was, and as it would have been."""

    before: int
    after: int


class TrialPartner(Answer):
    """What one partner got and would have got. `moved`: of the latter, those that really went elsewhere.

    `late_after` counts those by how often the partner was late itself; `late_known` is false where it has no such past.
    `caps_before` and `caps_after`: how often a cap alone kept it off a lead.
    """

    id: AnId
    name: str
    before: int
    after: int
    moved: int
    late_before: int
    late_after: int
    late_known: bool
    caps_before: dict[str, int]
    caps_after: dict[str, int]


class TrialNobody(BothWays):
    """Leads that wait with nobody at the end, and why: `no_rule`, or the gate that keeps the most off.

    `new`: those that somebody really had. `leads`: ids with their reason, these first, at most 200.
    """

    new: int
    leads: list[list[str]]
    causes_before: dict[str, int]
    causes_after: dict[str, int]


class Uncovered(BothWays):
    """A place and product of which leads wait because no rule takes them or no partner covers or knows them."""

    country: str | None
    region: str | None
    product: str | None
    cause: str


class TrialResult(Answer):
    """What came of a what-if. `elsewhere`: leads that end with another partner, or with none, or with one after all."""

    leads: int
    decisions: int
    elsewhere: int
    partners: list[TrialPartner]
    nobody: TrialNobody
    pool: BothWays
    uncovered: list[Uncovered]


class Trial(Answer):
    """A what-if. `as_it_was`: replayed by what was live at each moment. `done` of `whole` steps."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: AnId
    rule_version_id: AnId
    number: int
    state: TrialState
    from_: At = Field(alias="from")
    to: At
    as_it_was: bool
    asked_at: At
    asked_by: str | None
    begun_at: At | None
    ended_at: At | None
    done: int
    whole: int
    result: TrialResult | None
    problem: str | None

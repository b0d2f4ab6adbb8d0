"""What the API is asked and answers about allocation as a whole: why a partner got none, fairness, coverage."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from portal.api.answers import AnId, Answer, At
from portal.api.bodies import LAX
from portal.api.kinds import From, Sent, To
from portal.vocabulary import AssignmentOrigin


class Places(StrEnum):
    """How places are told apart."""

    COUNTRY = "country"
    REGION = "region"


class DaysQuery(Sent):
    """Which days."""

    from_: From | None = Field(None, alias="from", description="At or after this instant or day (UTC); 30 days.")
    to: To | None = Field(None, description="Before this instant, or on this day or earlier (UTC); now.")


class CoverageQuery(DaysQuery):
    """Which days, and how places are told apart."""

    by: Annotated[Places, LAX] = Field(Places.COUNTRY, description="country or region.")


class Detail(Answer):
    """One particular, and how many leads it concerned."""

    name: str
    leads: int


class CauseOfNone(Answer):
    """What kept a partner from leads. `leads` is null where a partner is told no count: others were due first."""

    cause: str
    leads: int | None
    sentence: str
    change: str
    details: list[Detail]


class WhyNone(Answer):
    """Why a partner got no more leads in some days; for a partner its own causes only."""

    partner_id: AnId
    from_: At = Field(alias="from")
    to: At
    got: int
    sentence: str
    causes: list[CauseOfNone]


class Share(Answer):
    """One partner in one rotation; `share`, `difference` and `balance` in leads."""

    partner_id: AnId
    share: float
    offers: int
    difference: float
    balance: float
    shared: int
    kept_off: list[Detail]
    not_for_it: int
    unused: list[Detail]


class FairRotation(Answer):
    """One rotation: a rule, and the value where the rule keeps one for each."""

    rule: str
    value: str | None
    drawn: int
    steady: bool
    partners: list[Share]


class Outside(Answer):
    """Leads that a partner got outside the rotations."""

    partner_id: AnId
    origin: AssignmentOrigin
    leads: int


class FairnessReport(Answer):
    """Exact shares beside the offers that were made."""

    from_: At = Field(alias="from")
    to: At
    definition: str
    rotations: list[FairRotation]
    outside: list[Outside]


class CoverageCell(Answer):
    """One place and product; null where leads do not say. `budget`: what those that found nobody said they spend."""

    country: str | None
    region: str | None
    product: str | None
    leads: int
    found_nobody: int
    waiting: int
    budget: float
    cause: str | None
    partners_able: int
    partners_covering: int


class CoverageReport(Answer):
    """Where leads find a partner and where they do not, worst first."""

    from_: At = Field(alias="from")
    to: At
    definition: str
    cells: list[CoverageCell]

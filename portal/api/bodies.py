"""What callers send, call by call."""

from typing import Annotated, Any

from pydantic import Field

from portal.api.cursors import Page
from portal.api.kinds import Block, Day, From, Id, Instant, Line, Money, Reason, Sent, To, Whole, Yes
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AppealKind,
    AppealState,
    DealStage,
    DeclineReason,
    Disposition,
    LeadStatus,
    ObligationKind,
    ObligationState,
    Role,
)

LAX = Field(strict=False)


class LeadQuery(Page):
    """Which leads."""

    status: Annotated[LeadStatus | None, LAX] = Field(
        None, description="For a partner `pooled` lists what it may claim."
    )
    partner: Id | None = Field(None, description="In the hands of this partner.")
    q: str | None = Field(None, max_length=200, description="Part of e-mail, name, company or external id.")
    from_: From | None = Field(None, alias="from", description="Received at or after this instant or day (UTC).")
    to: To | None = Field(None, description="Received before this instant, or on this day or earlier (UTC).")


class ObligationQuery(Page):
    """Which obligations."""

    state: Annotated[ObligationState | None, LAX] = None
    kind: Annotated[ObligationKind | None, LAX] = None
    partner: Id | None = None
    due_before: From | None = Field(None, description="Due before this instant or day (UTC).")


class AuditQuery(Page):
    """Which acts."""

    object_type: Line | None = Field(None, description="lead, assignment, partner, obligation, user, key, …")
    object_id: Line | None = None
    partner: Id | None = None
    action: Line | None = Field(None, description="Such as partner.change.")
    from_: From | None = Field(None, alias="from")
    to: To | None = None


class AppealQuery(Page):
    """Which appeals."""

    state: Annotated[AppealState | None, LAX] = None
    partner: Id | None = None


class AppealIn(Sent):
    """A partner's case about one deadline."""

    obligation_id: Id
    case: Annotated[Block, Field(min_length=1)]
    kind: Annotated[AppealKind, LAX] = Field(
        AppealKind.APPEAL,
        description="Left out: an appeal against a miss. The others say what went wrong at the vendor.",
    )


class AppealAnswer(Sent):
    """The answer to an appeal."""

    granted: Yes
    reason: Reason
    due_at: Instant | None = Field(
        None, description="Where the deadline is still open: until when it is extended. Left out: it is waived."
    )


class WithReason(Sent):
    """An act that says why."""

    reason: Reason


class Assign(WithReason):
    """To whom, and why."""

    partner_id: Id


class Merge(Sent):
    """The lead that this one repeats."""

    into: Id


class Decline(Sent):
    """Why an offer is declined."""

    reason: Annotated[DeclineReason, LAX]
    note: Block | None = None


class ActivityIn(Sent):
    """One touch or note."""

    kind: Annotated[ActivityKind, LAX]
    outcome: Annotated[ActivityOutcome, LAX]
    occurred_at: Instant | None = Field(None, description="Left out: now.")
    note: Block | None = None
    next_step_at: Instant | None = None


class FeedbackIn(Sent):
    """The partner's verdict."""

    rating: Annotated[Whole, Field(ge=1, le=5)]
    disposition: Annotated[Disposition, LAX]
    reason: Line | None = None
    objections: Annotated[list[Line], Field(max_length=50)] = Field(default_factory=list)
    competitor: Line | None = None
    note: Block | None = None


class DealChange(Sent):
    """What changes of a deal; what is left out stays."""

    name: Line | None = None
    stage: Annotated[DealStage | None, LAX] = None
    value: Money | None = None
    expected_close: Day | None = None
    closed_at: Instant | None = Field(None, description="With won or lost only; left out: now.")
    lost_reason: Line | None = Field(None, description="With lost only.")


class DealIn(DealChange):
    """A deal as it is registered."""

    stage: Annotated[DealStage, LAX]
    value: Money


class Until(WithReason):
    """A measure by hand with its end."""

    until: Instant


class Extend(WithReason):
    """More time."""

    due_at: Instant


class PersonIn(Sent):
    """A person of a partner's team."""

    email: Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]
    name: Line
    role: Annotated[Role, LAX]
    timezone: Annotated[str | None, Field(max_length=64, examples=["Europe/Berlin"])] = None


class StaffIn(PersonIn):
    """A person of the vendor."""

    portfolio: Annotated[list[Id], Field(max_length=5000)] = Field(
        [], description="The partners that a channel manager sees; empty: all."
    )


class KeyIn(Sent):
    """A key's name."""

    name: Line


class RulesIn(Sent):
    """A draft of the rules."""

    rules: list[Any] = Field(description="In order; the first that matches wins.")
    note: Line = ""


class PeriodIn(Sent):
    """A period of the past."""

    from_: From = Field(alias="from", description="From this instant or day (UTC) on.")
    to: To = Field(description="Before this instant, or to the end of this day (UTC).")


class RuleListIn(Sent):
    """A list that rules can name."""

    name: Line = Field(description="Small letters, digits and dashes.", examples=["strategic-accounts"])
    items: list[str] = Field(max_length=20_000, description="Compared without regard to case.")
    revision: int | None = Field(None, ge=1, description="The one that was read. Left out: whatever it is.")


class VersionQuery(Sent):
    """Against which version."""

    from_: Id | None = Field(None, alias="from", description="Left out: the live one.")


class PublishPolicy(Sent):
    """From when a policy rules."""

    effective_from: Instant | None = Field(None, description="Left out: at once.")


class Territory(Sent):
    """A country, or a part of it."""

    country: str
    region: str | None = None
    postcode_prefix: str | None = None


class QuietPeriod(Sent):
    """Days before the end of a month or quarter on which no leads are wanted."""

    kind: str
    days: int


class Closure(Sent):
    """Days on which the partner is away, both included."""

    from_: Day = Field(alias="from")
    to: Day
    note: str | None = None


class Holidays(Sent):
    """Whose public holidays are observed."""

    country: str
    subdivision: str | None = None


HOURS_EXAMPLE = {"mon": [["09:00", "12:30"], ["13:30", "18:00"]], "fri": [["22:00", "06:00"]], "sun": []}


class PartnerChange(Sent):
    """A partner's settings; what is left out stays."""

    name: str | None = Field(None, max_length=200)
    tier: str | None = Field(None, max_length=64)
    weight: int | None = Field(None, ge=1, le=100)
    timezone: str | None = Field(None, examples=["Europe/Berlin"])
    country: str | None = Field(None, examples=["DE"])
    opening_hours: dict[str, list[list[str]]] | None = Field(
        None, examples=[HOURS_EXAMPLE], description="An end not after its start runs past midnight."
    )
    holidays: Holidays | None = Field(None, description="null: none are observed.")
    closures: list[Closure] | None = None
    quiet_periods: list[QuietPeriod] | None = None
    territories: list[Territory] | None = Field(None, description="Empty: everywhere.")
    products: list[str] | None = Field(None, description="Certified for these; empty: all.")
    tags: list[str] | None = None
    open_lead_cap: int | None = Field(None, ge=0)
    daily_cap: int | None = Field(None, ge=1)
    weekly_cap: int | None = Field(None, ge=1)
    product_caps: dict[str, int] | None = Field(
        None,
        examples=[{"Widget Pro": 3}],
        description="Open leads of a product at most; others have no cap of their own.",
    )
    postcode: str | None = Field(None, max_length=16, description="Where it is, for rules that look for the nearest.")
    wants_early_leads: bool | None = None
    active: bool | None = None


class PartnerIn(PartnerChange):
    """A new partner."""

    name: str = Field(max_length=200)
    timezone: str = Field(examples=["Europe/Berlin"])
    country: str = Field(examples=["DE"])


class VendorChange(Sent):
    """The vendor's own hours; what is left out stays, null takes it back."""

    timezone: str | None = Field(None, examples=["Europe/Berlin"], description="Unsaid: UTC.")
    country: str | None = Field(None, examples=["DE"])
    opening_hours: dict[str, list[list[str]]] | None = Field(None, description="Unsaid: Monday to Friday 09:00-17:00.")
    holidays: Holidays | None = Field(None, description="Unsaid: none.")
    closures: list[Closure] | None = None
    quiet_periods: list[QuietPeriod] | None = Field(None, description="They bind every partner.")


class PolicyIn(Sent):
    """A draft of a policy; what is left out is as in the default policy."""

    obligations: list[dict[str, Any]] = Field(
        description="{kind, when?, within: {value, unit, clock}, warn_before?, on_breach?, touches?, repeat?}"
    )
    ladder: dict[str, Any] = Field(
        {}, description="window_days, minimum_sample, warn_below, reduce_below, stop_below, …"
    )
    hand_overs: int = Field(5, ge=0, le=100)
    grace_minutes: int = Field(0, ge=0)
    vendor: dict[str, Any] = Field({}, description="hand_over_within, appeal_within")
    note: Line = ""

"""What the API answers, for the documentation; the tests hold every answer against these."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from portal.api.bodies import Closure, Holidays, QuietPeriod, Territory
from portal.api.kinds import Money
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AppealKind,
    AppealState,
    AssignmentState,
    DealStage,
    DecisionOutcome,
    Disposition,
    LeadStatus,
    ObligationKind,
    ObligationState,
    Role,
    Standing,
    VersionState,
)

At = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-09T16:30:00Z"])]
AnId = Annotated[str, Field(examples=["01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"])]


class Answer(BaseModel):
    """An answer's object: nothing beyond what is named here."""

    model_config = ConfigDict(extra="forbid")


class Obligation(Answer):
    """One deadline and what became of it."""

    id: AnId
    kind: ObligationKind
    state: ObligationState
    assignment_id: AnId
    lead_id: AnId
    partner_id: AnId
    opened_at: At
    warn_at: At | None
    due_at: At
    met_at: At | None
    breached_at: At | None
    cured_at: At | None
    waived_at: At | None
    cancelled_at: At | None
    policy_version: int


class Assignment(Answer):
    """A lead in the hands of one partner."""

    id: AnId
    lead_id: AnId
    partner_id: AnId
    state: AssignmentState
    offered_at: At | None
    respond_by: At | None
    accepted_at: At | None
    ended_at: At | None
    obligations: list[Obligation]


class Pooled(Answer):
    """How a pooled lead stands: until when, and what keeps the calling partner from claiming it now."""

    until: At
    hindrance: str | None


class Lead(Answer):
    """A lead. For a partner an offer or a pooled lead lacks what tells who enquired."""

    id: AnId
    status: LeadStatus
    reason: str | None
    score: int | None
    grade: str
    received_at: At
    country: str | None
    region: str | None
    product: str | None
    source: str | None
    campaign: str | None
    employees: int | None
    budget: float | None
    language: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    assignment: Assignment | None
    duplicate_of: AnId | None
    pool: Pooled | None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    phone_suspect: bool = False
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    postcode: str | None = None
    city: str | None = None
    message: str | None = None
    custom: dict[str, Any] = {}


class GateAnswer(Answer):
    """One gate's yes or no."""

    gate: str
    passed: bool
    sentence: str


class Candidate(Answer):
    """One partner as a candidate."""

    partner_id: AnId
    name: str | None = None
    eligible: bool
    gates: list[GateAnswer]
    rank: int | None = None


class Decision(Answer):
    """Why a lead went where it went."""

    id: AnId
    decided_at: At
    rule_version: int | None
    rule: str | None = None
    outcome: DecisionOutcome
    partner_id: AnId | None
    sentence: str
    candidates: list[Candidate]
    path: list[dict[str, Any]] = []


class Activity(Answer):
    """One recorded touch; `sentence` says what it met, or why it does not count."""

    id: AnId
    assignment_id: AnId
    lead_id: AnId
    kind: ActivityKind
    outcome: ActivityOutcome
    occurred_at: At
    recorded_at: At
    note: str | None
    next_step_at: At | None
    counted: bool
    sentence: str


class Feedback(Answer):
    """A verdict as recorded."""

    id: AnId
    assignment_id: AnId
    lead_id: AnId
    rating: int
    disposition: Disposition
    reason: str | None
    objections: list[str]
    competitor: str | None
    note: str | None
    given_at: At


class Deal(Answer):
    """The opportunity that a lead became."""

    id: AnId
    assignment_id: AnId
    lead_id: AnId
    partner_id: AnId
    name: str | None
    stage: DealStage
    value: Money
    expected_close: str | None
    closed_at: At | None
    lost_reason: str | None
    created_at: At
    changed_at: At


class Partner(Answer):
    """A partner's settings and standing."""

    id: AnId
    name: str
    tier: str
    weight: int
    timezone: str
    country: str
    opening_hours: dict[str, list[list[str]]]
    holidays: Holidays | None
    closures: list[Closure]
    quiet_periods: list[QuietPeriod]
    territories: list[Territory]
    products: list[str]
    tags: list[str]
    open_lead_cap: int
    daily_cap: int | None
    weekly_cap: int | None
    product_caps: dict[str, int]
    postcode: str | None
    wants_early_leads: bool
    active: bool
    reachable: bool
    standing: Standing
    standing_since: At
    standing_until: At | None
    open_leads: int
    created_at: At


class Person(Answer):
    """A person; `invitation` is the secret of the link that lets this person choose a password, told once."""

    id: AnId
    email: str
    name: str
    role: Role
    partner_id: AnId | None
    timezone: str
    active: bool
    created_at: At
    invitation: str | None


class Key(Answer):
    """A key; `key` is the secret, told once."""

    id: AnId
    name: str
    role: Role
    partner_id: AnId | None
    created_at: At
    key: str | None


class Because(Answer):
    """One thing that pulled the standing down."""

    obligation_id: AnId
    sentence: str


class Ahead(Answer):
    """What comes if nothing is done."""

    at: At
    sentence: str


class RateAnswer(Answer):
    """Kept of due; `value` is null while too few are due."""

    kept: float
    due: float
    value: float | None


class StandingAnswer(Answer):
    """A partner's place on the ladder, the way back and the forecast."""

    standing: Standing
    since: At
    sentence: str
    reasons: list[Because]
    way_back: list[str]
    forecast: list[Ahead]
    rate: RateAnswer


class Appeal(Answer):
    """A case about one deadline, and its answer. `decide_by`: by when the vendor promises one."""

    id: AnId
    kind: AppealKind
    state: AppealState
    partner_id: AnId
    obligation_id: AnId
    lead_id: AnId
    case: str
    file: str | None
    opened_at: At
    opened_by: str | None
    decide_by: At | None
    decided_at: At | None
    decided_by: str | None
    reason: str | None


class RuleVersion(Answer):
    """A version of the rules."""

    id: AnId
    number: int
    state: VersionState
    rules: list[Any]
    warnings: list[str]
    note: str
    created_at: At
    created_by: str | None
    published_at: At | None
    retired_at: At | None


class PolicyVersion(Answer):
    """A version of the policy, every value written out."""

    id: AnId
    number: int
    state: VersionState
    obligations: list[Any]
    ladder: dict[str, Any]
    hand_overs: int
    grace_minutes: int
    vendor: dict[str, Any]
    note: str
    created_at: At
    created_by: str | None
    published_at: At | None
    effective_from: At | None


class AuditRow(Answer):
    """Who did what to which object."""

    id: AnId
    at: At
    actor_kind: str
    actor_id: str | None
    actor_name: str | None
    action: str
    object_type: str
    object_id: str
    partner_id: AnId | None
    facts: dict[str, Any]


class FieldError(Answer):
    """One field and what is wrong with it."""

    field: str
    message: str


class Problem(Answer):
    """A refusal (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class ListOf:
    """A page of ``item``: ``{"items": […], "next": cursor or null}``."""

    def __init__(self, item: type[BaseModel]) -> None:
        self.item = item

"""A lead in one partner's hands, what that partner owes it, and what it did."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AssignmentOrigin,
    AssignmentState,
    DealStage,
    DeclineReason,
    Disposition,
    ObligationKind,
    ObligationState,
)

LIVE = "state IN ('offered', 'accepted')"
OPEN = "state = 'open' AND set_aside_at IS NULL"
#: Which instants each state of an obligation must and must not have.
OBLIGATION_INSTANTS = (
    "(state = 'open' AND met_at IS NULL AND breached_at IS NULL AND waived_at IS NULL AND cancelled_at IS NULL)"
    " OR (state = 'met' AND met_at IS NOT NULL AND breached_at IS NULL)"
    " OR (state = 'breached' AND breached_at IS NOT NULL AND cured_at IS NULL)"
    " OR (state = 'cured' AND breached_at IS NOT NULL AND cured_at IS NOT NULL)"
    " OR (state = 'waived' AND waived_at IS NOT NULL)"
    " OR (state = 'cancelled' AND cancelled_at IS NOT NULL AND breached_at IS NULL)"
)


class Assignment(Model):
    """One lead in the hands of one partner, from offer to end. A lead has at most one live one."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint(one_of("state", AssignmentState), name="state"),
        CheckConstraint("state != 'offered' OR respond_by IS NOT NULL", name="offer_has_respond_by"),
        CheckConstraint("state != 'accepted' OR accepted_at IS NOT NULL", name="accepted_at"),
        CheckConstraint(f"({LIVE}) = (ended_at IS NULL)", name="ended_at"),
        Index("uq_assignment_live", "lead_id", unique=True, postgresql_where=text(LIVE), sqlite_where=text(LIVE)),
        Index("ix_assignment_lead_id", "lead_id"),
        Index("ix_assignment_partner_id_state", "partner_id", "state"),
        Index("ix_assignment_partner_id_offered_at", "partner_id", "offered_at"),
    )

    id: Mapped[str] = primary_key()
    lead_id: Mapped[str] = mapped_column(IdType, ForeignKey("lead.id"))
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))
    state: Mapped[AssignmentState] = mapped_column(WordType(AssignmentState))
    origin: Mapped[AssignmentOrigin] = mapped_column(WordType(AssignmentOrigin))
    policy_id: Mapped[str] = mapped_column(IdType, ForeignKey("policy.id"))
    offered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    respond_by: Mapped[datetime | None] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    end_reason: Mapped[str | None] = mapped_column(Text)
    decline_reason: Mapped[DeclineReason | None] = mapped_column(WordType(DeclineReason))
    disposition: Mapped[Disposition | None] = mapped_column(WordType(Disposition))
    touches: Mapped[int] = mapped_column(default=0)
    last_touch_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Declined, expired or returned: skipped when the lead is placed again.
    earlier_holder: Mapped[bool] = mapped_column(default=False)
    #: Whether it stands in the partner's ``open_leads`` (offered, or accepted without a counted touch).
    counts_open: Mapped[bool] = mapped_column(default=True)


class Obligation(Model):
    """One deadline that an assignment puts on a partner: one state, true instants.

    ``grace_until`` is the instant from which it is breached if nothing was done; the breach instant is ``due_at``.
    ``settled_at``: from here on a breach no longer counts as overdue (the lead moved on, or staff released).
    """

    __tablename__ = "obligation"
    __table_args__ = (
        CheckConstraint(one_of("kind", ObligationKind), name="kind"),
        CheckConstraint(one_of("state", ObligationState), name="state"),
        CheckConstraint(OBLIGATION_INSTANTS, name="instants"),
        CheckConstraint("breached_at IS NULL OR breached_at = due_at", name="breach_is_due"),
        CheckConstraint("grace_until >= due_at AND due_at >= opened_at", name="order"),
        Index("ix_obligation_assignment_id", "assignment_id"),
        Index("ix_obligation_partner_id_due_at", "partner_id", "due_at"),
        Index(
            "ix_obligation_open",
            "grace_until",
            "partner_id",
            postgresql_where=text(OPEN),
            sqlite_where=text(OPEN),
        ),
        Index(
            "ix_obligation_warn",
            "warn_at",
            postgresql_where=text("state = 'open' AND warned_at IS NULL"),
            sqlite_where=text("state = 'open' AND warned_at IS NULL"),
        ),
        Index(
            "ix_obligation_owed",
            "partner_id",
            "due_at",
            postgresql_where=text("state IN ('open', 'breached')"),
            sqlite_where=text("state IN ('open', 'breached')"),
        ),
    )

    id: Mapped[str] = primary_key()
    assignment_id: Mapped[str] = mapped_column(IdType, ForeignKey("assignment.id"))
    lead_id: Mapped[str] = mapped_column(IdType)
    partner_id: Mapped[str] = mapped_column(IdType)
    kind: Mapped[ObligationKind] = mapped_column(WordType(ObligationKind))
    state: Mapped[ObligationState] = mapped_column(WordType(ObligationState), default=ObligationState.OPEN)
    policy_id: Mapped[str] = mapped_column(IdType, ForeignKey("policy.id"))
    policy_version: Mapped[int]
    #: Which entry of that policy opened it, and for touches which one of how many.
    entry: Mapped[int] = mapped_column(default=0)
    number: Mapped[int] = mapped_column(default=1)
    reassign: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    warn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    warned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    grace_until: Mapped[datetime] = mapped_column(UTCDateTime)
    met_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    breached_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cured_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    waived_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    set_aside_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    set_aside_why: Mapped[str | None] = mapped_column(Text)


class Activity(Model):
    """One recorded touch, or a note. ``counted`` says whether it met a deadline, ``sentence`` why or why not.

    ``undo_until``: before this instant it may be taken back; None where it never could. Taken back it counts nowhere.
    """

    __tablename__ = "activity"
    __table_args__ = (
        CheckConstraint(one_of("kind", ActivityKind), name="kind"),
        CheckConstraint(one_of("outcome", ActivityOutcome), name="outcome"),
        CheckConstraint("taken_back_at IS NULL OR NOT counted", name="taken_back_counts_nowhere"),
        Index("ix_activity_assignment_id_recorded_at", "assignment_id", "recorded_at"),
        Index("ix_activity_lead_id", "lead_id"),
    )

    id: Mapped[str] = primary_key()
    assignment_id: Mapped[str] = mapped_column(IdType, ForeignKey("assignment.id"))
    lead_id: Mapped[str] = mapped_column(IdType)
    partner_id: Mapped[str] = mapped_column(IdType)
    kind: Mapped[ActivityKind] = mapped_column(WordType(ActivityKind))
    outcome: Mapped[ActivityOutcome] = mapped_column(WordType(ActivityOutcome))
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    note: Mapped[str | None] = mapped_column(Text)
    next_step_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    counted: Mapped[bool] = mapped_column(default=False)
    sentence: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str | None] = mapped_column(IdType)
    actor_name: Mapped[str | None] = mapped_column(String(200))
    undo_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    taken_back_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Feedback(Model):
    """The partner's verdict on the lead. ``undo_until`` and ``taken_back_at`` as of an activity."""

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint(one_of("disposition", Disposition), name="disposition"),
        Index("ix_feedback_assignment_id", "assignment_id"),
        Index("ix_feedback_lead_id", "lead_id"),
    )

    id: Mapped[str] = primary_key()
    assignment_id: Mapped[str] = mapped_column(IdType, ForeignKey("assignment.id"))
    lead_id: Mapped[str] = mapped_column(IdType)
    partner_id: Mapped[str] = mapped_column(IdType)
    rating: Mapped[int]
    disposition: Mapped[Disposition] = mapped_column(WordType(Disposition))
    reason: Mapped[str | None] = mapped_column(String(200))
    objections: Mapped[list[Any]] = mapped_column(Document, default=list)
    competitor: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[str | None] = mapped_column(IdType)
    actor_name: Mapped[str | None] = mapped_column(String(200))
    undo_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    taken_back_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Deal(Model):
    """The opportunity that a lead became. ``amount_cents`` is in hundredths of the currency's unit."""

    __tablename__ = "deal"
    __table_args__ = (
        CheckConstraint(one_of("stage", DealStage), name="stage"),
        CheckConstraint("(stage IN ('won', 'lost')) = (closed_at IS NOT NULL)", name="closed_at"),
        Index("ix_deal_partner_id_stage", "partner_id", "stage"),
        Index("ix_deal_lead_id", "lead_id"),
    )

    id: Mapped[str] = primary_key()
    assignment_id: Mapped[str] = mapped_column(IdType, ForeignKey("assignment.id"), unique=True)
    lead_id: Mapped[str] = mapped_column(IdType)
    partner_id: Mapped[str] = mapped_column(IdType)
    name: Mapped[str | None] = mapped_column(String(200))
    stage: Mapped[DealStage] = mapped_column(WordType(DealStage))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    expected_close: Mapped[str | None] = mapped_column(String(10))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lost_reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)

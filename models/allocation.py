"""Rule versions, the rotations' credits, and the stored explanation of every allocation."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import DecisionOutcome, VersionState


class RuleVersion(Model):
    """An ordered list of rules. One is live; a published one never changes."""

    __tablename__ = "rule_version"
    __table_args__ = (
        CheckConstraint(one_of("state", VersionState), name="state"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_at"),
        Index(
            "uq_rule_version_live",
            "state",
            unique=True,
            postgresql_where=text("state = 'published'"),
            sqlite_where=text("state = 'published'"),
        ),
    )

    id: Mapped[str] = primary_key()
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[VersionState] = mapped_column(WordType(VersionState), default=VersionState.DRAFT)
    rules: Mapped[list[Any]] = mapped_column(Document)
    warnings: Mapped[list[Any]] = mapped_column(Document, default=list)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[str | None] = mapped_column(IdType)
    created_by_name: Mapped[str | None] = mapped_column(String(200))
    #: How often a draft was changed: who edits it names the one it read, so that nothing is lost between two admins.
    revision: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    changed_by_name: Mapped[str | None] = mapped_column(String(200))
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Rotation(Model):
    """Credits of one rotation, packed by partner slot: one read and one write a lead."""

    __tablename__ = "rotation"

    key: Mapped[str] = mapped_column(String(420), primary_key=True)
    credits: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    turns: Mapped[int] = mapped_column(default=0)


class Decision(Model):
    """Why a lead went where it went: every candidate with its gates and rank, as things were."""

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint(one_of("outcome", DecisionOutcome), name="outcome"),
        CheckConstraint("(outcome = 'offered') = (partner_id IS NOT NULL)", name="partner"),
        Index("ix_decision_lead_id_decided_at", "lead_id", "decided_at"),
        Index("ix_decision_assignment_id", "assignment_id"),
        Index("ix_decision_decided_at", "decided_at"),
    )

    id: Mapped[str] = primary_key()
    lead_id: Mapped[str] = mapped_column(IdType, ForeignKey("lead.id"))
    assignment_id: Mapped[str | None] = mapped_column(IdType)
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)
    rule_version_id: Mapped[str | None] = mapped_column(IdType)
    rule_version: Mapped[int | None]
    rule: Mapped[str | None] = mapped_column(String(200))
    strategy: Mapped[str | None] = mapped_column(String(32))
    origin: Mapped[str | None] = mapped_column(String(32))
    outcome: Mapped[DecisionOutcome] = mapped_column(WordType(DecisionOutcome))
    partner_id: Mapped[str | None] = mapped_column(IdType)
    sentence: Mapped[str] = mapped_column(Text)
    #: Every candidate, as portal.allocation.record packs them; ``path``: the rules asked, in order.
    candidates: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    path: Mapped[list[Any]] = mapped_column(Document, default=list)

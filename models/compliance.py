"""Policies by version, and the ledger: every step of a partner's standing with who, when, why."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import LedgerKind, Standing, VersionState


class Policy(Model):
    """A versioned set of deadlines and thresholds. The live one at t is the published one last effective by t."""

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint(one_of("state", VersionState), name="state"),
        CheckConstraint("(state = 'draft') = (effective_from IS NULL)", name="effective_from"),
        Index("ix_policy_effective_from", "effective_from"),
    )

    id: Mapped[str] = primary_key()
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[VersionState] = mapped_column(WordType(VersionState), default=VersionState.DRAFT)
    body: Mapped[dict[str, Any]] = mapped_column(Document)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[str | None] = mapped_column(IdType)
    created_by_name: Mapped[str | None] = mapped_column(String(200))
    #: How often a draft was changed: who edits it names the one it read, so that nothing is lost between two admins.
    revision: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    changed_by_name: Mapped[str | None] = mapped_column(String(200))
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    effective_from: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LedgerEntry(Model):
    """A line of a partner's ledger. Hand measures feed the fold; changes of standing come from it."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint(one_of("kind", LedgerKind), name="kind"),
        Index("ix_ledger_entry_partner_id_at", "partner_id", "at"),
    )

    id: Mapped[str] = primary_key()
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[LedgerKind] = mapped_column(WordType(LedgerKind))
    from_standing: Mapped[Standing | None] = mapped_column(WordType(Standing))
    to_standing: Mapped[Standing | None] = mapped_column(WordType(Standing))
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    obligation_ids: Mapped[list[Any]] = mapped_column(Document, default=list)
    actor_id: Mapped[str | None] = mapped_column(IdType)
    actor_name: Mapped[str | None] = mapped_column(String(200))

"""When the portal was away or the vendor closed, and which deadlines that excused."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import ExcuseEffect, OutageKind, OutageOrigin

FOUND = "origin = 'heartbeat'"
UNDONE = "done_at IS NULL"


class Heartbeat(Model):
    """One serving process and when it last said that it serves.

    ``boot`` and ``ticks`` (milliseconds) are the machine's own count of time since it started: a clock that was
    put forward is no outage.
    """

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    beat_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    boot: Mapped[str] = mapped_column(String(64), default="")
    ticks: Mapped[int] = mapped_column(BigInteger, default=0)


class Outage(Model):
    """A stretch of time that is nobody's fault but the vendor's. Still going on while ``ends_at`` is not known.

    ``applied_at``: every deadline there was has been looked at once; ``done_at``: and again after its end.
    """

    __tablename__ = "outage"
    __table_args__ = (
        CheckConstraint(one_of("kind", OutageKind), name="kind"),
        CheckConstraint(one_of("origin", OutageOrigin), name="origin"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="order"),
        CheckConstraint(f"ends_at IS NOT NULL OR {FOUND}", name="declared_ends"),
        Index("uq_outage_found", "starts_at", unique=True, postgresql_where=text(FOUND), sqlite_where=text(FOUND)),
        Index("ix_outage_undone", "starts_at", postgresql_where=text(UNDONE), sqlite_where=text(UNDONE)),
    )

    id: Mapped[str] = primary_key()
    kind: Mapped[OutageKind] = mapped_column(WordType(OutageKind))
    origin: Mapped[OutageOrigin] = mapped_column(WordType(OutageOrigin))
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[str | None] = mapped_column(IdType)
    created_by_name: Mapped[str | None] = mapped_column(String(200))
    applied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_by_name: Mapped[str | None] = mapped_column(String(200))
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)


class Excuse(Model):
    """One deadline excused for one cause. ``key`` names both, so that nothing is excused twice for the same."""

    __tablename__ = "excuse"
    __table_args__ = (
        CheckConstraint(one_of("effect", ExcuseEffect), name="effect"),
        Index("ix_excuse_obligation_id", "obligation_id"),
        Index("ix_excuse_outage_id", "outage_id"),
    )

    id: Mapped[str] = primary_key()
    key: Mapped[str] = mapped_column(String(120), unique=True)
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))
    obligation_id: Mapped[str] = mapped_column(IdType, ForeignKey("obligation.id"))
    outage_id: Mapped[str | None] = mapped_column(IdType, ForeignKey("outage.id"))
    effect: Mapped[ExcuseEffect] = mapped_column(WordType(ExcuseEffect))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    was_due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)

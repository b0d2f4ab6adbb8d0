"""What a partner says against a deadline, with its evidence and the answer; and what it has acknowledged."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import AgreementKind, AppealKind, AppealState, Standing

OPEN = "state = 'open'"


class Appeal(Model):
    """One case about one obligation. At most one is open for it; an answer is never changed."""

    __tablename__ = "appeal"
    __table_args__ = (
        CheckConstraint(one_of("kind", AppealKind), name="kind"),
        CheckConstraint(one_of("state", AppealState), name="state"),
        CheckConstraint(f"({OPEN}) = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("state NOT IN ('granted', 'refused') OR reason IS NOT NULL", name="reason"),
        Index("uq_appeal_open", "obligation_id", unique=True, postgresql_where=text(OPEN), sqlite_where=text(OPEN)),
        Index("ix_appeal_obligation_id", "obligation_id"),
        Index("ix_appeal_partner_id_opened_at", "partner_id", "opened_at"),
        Index("ix_appeal_waiting", "decide_by", postgresql_where=text(OPEN), sqlite_where=text(OPEN)),
    )

    id: Mapped[str] = primary_key()
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))
    obligation_id: Mapped[str] = mapped_column(IdType, ForeignKey("obligation.id"))
    lead_id: Mapped[str] = mapped_column(IdType)
    kind: Mapped[AppealKind] = mapped_column(WordType(AppealKind))
    state: Mapped[AppealState] = mapped_column(WordType(AppealState), default=AppealState.OPEN)
    statement: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_by: Mapped[str | None] = mapped_column(IdType)
    opened_by_name: Mapped[str | None] = mapped_column(String(200))
    #: By when the vendor has promised to answer; None where the policy promises nothing.
    decide_by: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_by: Mapped[str | None] = mapped_column(IdType)
    decided_by_name: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(Text)
    #: The partner's standing just before and just after the answer.
    standing_before: Mapped[Standing | None] = mapped_column(WordType(Standing))
    standing_after: Mapped[Standing | None] = mapped_column(WordType(Standing))


class AppealFile(Model):
    """The evidence of an appeal, as it was sent; handed out only as a download."""

    __tablename__ = "appeal_file"

    appeal_id: Mapped[str] = mapped_column(IdType, ForeignKey("appeal.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Acknowledgement(Model):
    """A partner admin has read one version of the policy or of the lead definition."""

    __tablename__ = "acknowledgement"
    __table_args__ = (
        CheckConstraint(one_of("kind", AgreementKind), name="kind"),
        UniqueConstraint("partner_id", "kind", "version"),
    )

    id: Mapped[str] = primary_key()
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))
    kind: Mapped[AgreementKind] = mapped_column(WordType(AgreementKind))
    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[str | None] = mapped_column(IdType)
    user_name: Mapped[str | None] = mapped_column(String(200))

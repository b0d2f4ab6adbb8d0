"""What carries the rest: audit and its seals, outbox and mails, idempotent answers, leases."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import NoticeKind, NoticeTopic

AutoNumber = BigInteger().with_variant(Integer, "sqlite")


class Audit(Model):
    """Who did what to which object, written with its cause. UPDATE and DELETE are refused by trigger."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_object", "object_type", "object_id"),
        Index("ix_audit_at", "at"),
    )

    id: Mapped[str] = primary_key()
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(IdType)
    actor_name: Mapped[str | None] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(String(64))
    partner_id: Mapped[str | None] = mapped_column(IdType)
    #: Never contact data: what is erased elsewhere must not live on here.
    facts: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)


class AuditSeal(Model):
    """A link of the hash chain: sha-256 over the link before and the audit row's canonical text."""

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(AutoNumber, primary_key=True)
    audit_id: Mapped[str] = mapped_column(IdType, unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class Outbox(Model):
    """A notice to be given, written in the transaction of its cause. ``once`` keeps one for each event."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint(one_of("topic", NoticeTopic), name="topic"),
        CheckConstraint("state IN ('pending', 'posted', 'dropped')", name="state"),
        Index(
            "ix_outbox_pending",
            "created_at",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index("ix_outbox_partner_id_created_at", "partner_id", "created_at"),
    )

    id: Mapped[str] = primary_key()
    topic: Mapped[NoticeTopic] = mapped_column(WordType(NoticeTopic))
    #: partner: its active users; manager: its channel managers; admin: the admins; user: the one named.
    audience: Mapped[str] = mapped_column(String(16))
    partner_id: Mapped[str | None] = mapped_column(IdType)
    user_id: Mapped[str | None] = mapped_column(IdType)
    assignment_id: Mapped[str | None] = mapped_column(IdType)
    lead_id: Mapped[str | None] = mapped_column(IdType)
    once: Mapped[str | None] = mapped_column(String(120), unique=True)
    facts: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    posted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Mail(Model):
    """One message to one reader. A sender holds ``lease_token`` while it sends; a later token fences out an older.

    Links that act are in its words by their ids; they are signed when it is sent. ``kind``: what its reader may turn
    off, where it is of nothing else.
    """

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'sent', 'kept', 'undeliverable')", name="state"),
        UniqueConstraint("outbox_id", "user_id"),
        Index(
            "ix_mail_waiting",
            "not_before",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index("ix_mail_user_id", "user_id"),
        Index(
            "ix_mail_undeliverable",
            "outbox_id",
            postgresql_where=text("state = 'undeliverable'"),
            sqlite_where=text("state = 'undeliverable'"),
        ),
    )

    id: Mapped[str] = primary_key()
    outbox_id: Mapped[str] = mapped_column(IdType, ForeignKey("outbox.id"))
    user_id: Mapped[str] = mapped_column(IdType, ForeignKey("user_account.id"))
    address: Mapped[str] = mapped_column(String(254))
    message_id: Mapped[str] = mapped_column(String(254), unique=True)
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[NoticeKind | None] = mapped_column(WordType(NoticeKind))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[int] = mapped_column(BigInteger, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


class IdempotentAnswer(Model):
    """The first answer to a key of a caller, given again to the same request."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: Mapped[str] = primary_key()
    caller: Mapped[str] = mapped_column(IdType)
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
    #: What the answer shows, so that access is checked again before it is replayed.
    object_id: Mapped[str | None] = mapped_column(IdType)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Lease(Model):
    """Who leads: one owner at a time holds a name until ``until``."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    beat_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SweepProblem(Model):
    """A row the sweep could not process: set aside, reported, tried again later while the others proceed."""

    __tablename__ = "sweep_problem"
    __table_args__ = (UniqueConstraint("step", "object_id"),)

    id: Mapped[str] = primary_key()
    step: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(IdType)
    problem: Mapped[str] = mapped_column(Text)
    first_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)
    times: Mapped[int] = mapped_column(default=1)
    retry_at: Mapped[datetime] = mapped_column(UTCDateTime)

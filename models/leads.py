"""Leads, the campaigns that brought them, the definition that scored them, and their timeline."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import LeadEventKind, LeadStatus, VersionState


class Campaign(Model):
    """Where leads come from. One that a lead names and nobody knows is created bare."""

    __tablename__ = "campaign"

    id: Mapped[str] = primary_key()
    name: Mapped[str] = mapped_column(String(200), unique=True)
    starts_on: Mapped[str | None] = mapped_column(String(10))
    ends_on: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LeadDefinition(Model):
    """A published, versioned statement of what a good lead is; scoring is its measurement."""

    __tablename__ = "lead_definition"
    __table_args__ = (CheckConstraint(one_of("state", VersionState), name="state"),)

    id: Mapped[str] = primary_key()
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[VersionState] = mapped_column(WordType(VersionState), default=VersionState.DRAFT)
    body: Mapped[dict[str, Any]] = mapped_column(Document)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[str | None] = mapped_column(IdType)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


def _index_of(column: str) -> Index:
    """An index of the leads that have a value there: where most have none, it is still worth using."""
    there = text(f"{column} IS NOT NULL")
    return Index(f"ix_lead_{column}", column, postgresql_where=there, sqlite_where=there)


class Lead(Model):
    """One inbound enquiry. ``reason`` says why it waits, was disqualified or came back."""

    __tablename__ = "lead"
    __table_args__ = (
        CheckConstraint(one_of("status", LeadStatus), name="status"),
        CheckConstraint("status = 'erased' OR email IS NOT NULL OR phone IS NOT NULL", name="has_contact"),
        CheckConstraint("(status = 'pooled') = (pool_until IS NOT NULL)", name="pooled_until"),
        CheckConstraint("status != 'unallocated' OR reason IS NOT NULL", name="queue_reason"),
        *(_index_of(column) for column in ("email_norm", "phone_norm", "company_domain")),
        Index("ix_lead_status_id", "status", "id"),
        Index("ix_lead_received_at", "received_at"),
        Index(
            "ix_lead_waiting",
            "grade",
            "received_at",
            postgresql_where=text("status = 'unallocated'"),
            sqlite_where=text("status = 'unallocated'"),
        ),
        Index(
            "ix_lead_pool_until",
            "pool_until",
            postgresql_where=text("status = 'pooled'"),
            sqlite_where=text("status = 'pooled'"),
        ),
    )

    id: Mapped[str] = primary_key()
    external_id: Mapped[str | None] = mapped_column(String(200), unique=True)
    status: Mapped[LeadStatus] = mapped_column(WordType(LeadStatus))
    reason: Mapped[str | None] = mapped_column(String(200))
    score: Mapped[int | None]
    grade: Mapped[str] = mapped_column(String(1), default="C")
    definition_id: Mapped[str | None] = mapped_column(IdType)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    email: Mapped[str | None] = mapped_column(String(254))
    email_norm: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(200))
    phone_norm: Mapped[str | None] = mapped_column(String(32))
    #: The phone as sent is kept even where it cannot be one; the lead page says so.
    phone_suspect: Mapped[bool] = mapped_column(default=False)
    first_name: Mapped[str | None] = mapped_column(String(200))
    last_name: Mapped[str | None] = mapped_column(String(200))
    company: Mapped[str | None] = mapped_column(String(200))
    company_domain: Mapped[str | None] = mapped_column(String(254))
    country: Mapped[str | None] = mapped_column(String(2))
    region: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(200))
    product: Mapped[str | None] = mapped_column(String(200))
    source: Mapped[str | None] = mapped_column(String(200))
    campaign_id: Mapped[str | None] = mapped_column(IdType, ForeignKey("campaign.id"), index=True)
    campaign: Mapped[str | None] = mapped_column(String(200))
    message: Mapped[str | None] = mapped_column(Text)
    employees: Mapped[int | None] = mapped_column(BigInteger)
    budget: Mapped[float | None]
    language: Mapped[str | None] = mapped_column(String(200))
    utm_source: Mapped[str | None] = mapped_column(String(200))
    utm_medium: Mapped[str | None] = mapped_column(String(200))
    utm_campaign: Mapped[str | None] = mapped_column(String(200))
    utm_term: Mapped[str | None] = mapped_column(String(200))
    utm_content: Mapped[str | None] = mapped_column(String(200))
    custom: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)

    duplicate_of: Mapped[str | None] = mapped_column(IdType, ForeignKey("lead.id"), index=True)
    hand_overs: Mapped[int] = mapped_column(default=0)
    pool_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: The rule that pooled it and what that rule says comes then.
    pool: Mapped[dict[str, Any] | None] = mapped_column(Document)
    tried_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    retry_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Who is asked first, outside the rotation: the last holder or the company's partner.
    prefer_partner_id: Mapped[str | None] = mapped_column(IdType)
    prefer_origin: Mapped[str | None] = mapped_column(String(32))


class LeadEvent(Model):
    """A line of the timeline. One with a ``partner_id`` is that partner's and staff's alone."""

    __tablename__ = "lead_event"
    __table_args__ = (
        CheckConstraint(one_of("kind", LeadEventKind), name="kind"),
        Index("ix_lead_event_lead_id_at", "lead_id", "at"),
    )

    id: Mapped[str] = primary_key()
    lead_id: Mapped[str] = mapped_column(IdType, ForeignKey("lead.id"))
    assignment_id: Mapped[str | None] = mapped_column(IdType)
    partner_id: Mapped[str | None] = mapped_column(IdType)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[LeadEventKind] = mapped_column(WordType(LeadEventKind))
    facts: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    actor_id: Mapped[str | None] = mapped_column(IdType)
    actor_name: Mapped[str | None] = mapped_column(String(200))

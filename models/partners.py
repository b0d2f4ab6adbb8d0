"""Partners: what the vendor sets, and the counters and standing that allocation's guard reads."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Document, IdType, Model, UTCDateTime, WordType, one_of, primary_key
from portal.vocabulary import Standing


class Partner(Model):
    """A channel partner.

    ``slot`` is its place in packed rotation credits. ``cap_now`` and ``weight_now_x2`` follow
    from settings and standing and change in the same transaction; the guard of an offer is one UPDATE on them.
    """

    __tablename__ = "partner"
    __table_args__ = (
        CheckConstraint(one_of("standing", Standing), name="standing"),
        CheckConstraint("weight BETWEEN 1 AND 100", name="weight"),
        CheckConstraint("open_leads >= 0", name="open_leads"),
        CheckConstraint("open_lead_cap >= 0", name="open_lead_cap"),
        Index("ix_partner_standing_next_at", "standing_next_at"),
        Index("ix_partner_freed_at", "freed_at"),
    )

    id: Mapped[str] = primary_key()
    slot: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    tier: Mapped[str] = mapped_column(String(64), default="standard")
    weight: Mapped[int] = mapped_column(default=1)
    timezone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2))
    #: Where it is: with its country, what a rule that looks for the nearest partner measures from.
    postcode: Mapped[str | None] = mapped_column(String(16))
    #: opening_hours, holidays, closures as in the API; a key left out means its default.
    hours: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    quiet_periods: Mapped[list[Any]] = mapped_column(Document, default=list)
    territories: Mapped[list[Any]] = mapped_column(Document, default=list)
    products: Mapped[list[Any]] = mapped_column(Document, default=list)
    tags: Mapped[list[Any]] = mapped_column(Document, default=list)
    open_lead_cap: Mapped[int] = mapped_column(default=10)
    daily_cap: Mapped[int | None]
    weekly_cap: Mapped[int | None]
    #: Open leads at most, by product; a product that is not named has no cap of its own.
    product_caps: Mapped[dict[str, Any]] = mapped_column(Document, default=dict, server_default="{}")
    wants_early_leads: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    reachable: Mapped[bool] = mapped_column(default=False)
    standing: Mapped[Standing] = mapped_column(WordType(Standing), default=Standing.GOOD)
    standing_since: Mapped[datetime] = mapped_column(UTCDateTime)
    standing_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: The fold's state after ``folded_until`` (portal.compliance.policy.State as JSON).
    standing_state: Mapped[dict[str, Any]] = mapped_column(Document)
    folded_until: Mapped[datetime] = mapped_column(UTCDateTime)
    standing_next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cap_now: Mapped[int] = mapped_column(default=10)
    weight_now_x2: Mapped[int] = mapped_column(default=2)
    open_leads: Mapped[int] = mapped_column(default=0)
    #: Offers in the partner's own day and week; the keys are ordinals of the local day and of its Monday.
    day_key: Mapped[int] = mapped_column(default=0)
    day_offers: Mapped[int] = mapped_column(default=0)
    week_key: Mapped[int] = mapped_column(default=0)
    week_offers: Mapped[int] = mapped_column(default=0)
    #: When room or eligibility last grew: waiting leads tried before this are tried again.
    freed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class PartnerVersion(Model):
    """What a partner's settings were from ``valid_from`` on, so that the past is judged by its own facts."""

    __tablename__ = "partner_version"
    __table_args__ = (Index("ix_partner_version_partner_id_valid_from", "partner_id", "valid_from"),)

    id: Mapped[str] = primary_key()
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    facts: Mapped[dict[str, Any]] = mapped_column(Document)
    changed_by: Mapped[str | None] = mapped_column(IdType)


class Live(Model):
    """One row: which configuration is live. A new ``revision`` makes every process read it afresh."""

    __tablename__ = "live"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    revision: Mapped[str] = mapped_column(IdType)
    rule_version_id: Mapped[str | None] = mapped_column(IdType)
    definition_id: Mapped[str | None] = mapped_column(IdType)
    #: The vendor's own hours and quiet periods: timezone, country, opening_hours, holidays, closures, quiet_periods.
    vendor: Mapped[dict[str, Any]] = mapped_column(Document, default=dict, server_default="{}")
    #: The last publish of rules or definition: leads that found nobody before it are tried again.
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)

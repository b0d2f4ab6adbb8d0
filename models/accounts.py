"""People and keys: who may come in, and for whom they act."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import IdType, Model, UTCDateTime, WordType, one_of, primary_key
from models.partners import Partner
from portal.vocabulary import Role

PARTNER_ROLES = "('partner_rep', 'partner_admin')"


class User(Model):
    """A person who signs in. ``session_epoch`` goes up at sign-out and password change: old sessions die."""

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        CheckConstraint(f"(role IN {PARTNER_ROLES}) = (partner_id IS NOT NULL)", name="partner_role"),
    )

    id: Mapped[str] = primary_key()
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(WordType(Role))
    partner_id: Mapped[str | None] = mapped_column(IdType, ForeignKey("partner.id"), index=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    active: Mapped[bool] = mapped_column(default=True)
    bounced_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    session_epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    partner: Mapped[Partner | None] = relationship(lazy="raise_on_sql")


class UserToken(Model):
    """A one-time link, kept as a hash: invitation or password reset."""

    __tablename__ = "user_token"

    id: Mapped[str] = primary_key()
    user_id: Mapped[str] = mapped_column(IdType, ForeignKey("user_account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Portfolio(Model):
    """A channel manager's own partners; a manager without a row sees all."""

    __tablename__ = "portfolio"
    __table_args__ = (UniqueConstraint("user_id", "partner_id"),)

    id: Mapped[str] = primary_key()
    user_id: Mapped[str] = mapped_column(IdType, ForeignKey("user_account.id"))
    partner_id: Mapped[str] = mapped_column(IdType, ForeignKey("partner.id"))


class ApiKey(Model):
    """A key for the API. Only its hash is kept; ``role`` is one of admin, channel_manager, marketer, partner_admin."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint(f"(role IN {PARTNER_ROLES}) = (partner_id IS NOT NULL)", name="partner_role"),
        Index("ix_api_key_partner_id", "partner_id"),
    )

    id: Mapped[str] = primary_key()
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(WordType(Role))
    partner_id: Mapped[str | None] = mapped_column(IdType, ForeignKey("partner.id"))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[str | None] = mapped_column(IdType)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

"""Keys for the API: made, shown once, recognised, revoked."""

import secrets
from datetime import datetime

from sqlalchemy import bindparam, select

from models.accounts import ApiKey
from models.base import new_id
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.accounts.errors import AccountError
from portal.accounts.fields import name_of, role_of
from portal.accounts.tokens import hash_of
from portal.errors import Forbidden, NotFound
from portal.vocabulary import Role

PREFIX = "fl_"
LENGTH = len(PREFIX) + 43
ROLES = (Role.ADMIN, Role.CHANNEL_MANAGER, Role.MARKETER, Role.PARTNER_ADMIN)

#: Asked by every call of the API, so it is put together once and makes no object: {hashed}
BY_HASH = select(ApiKey.id, ApiKey.name, ApiKey.role, ApiKey.partner_id).where(
    ApiKey.secret_hash == bindparam("hashed"), ApiKey.revoked_at.is_(None)
)


def create_key(
    session: AnySession, actor: Actor, name: str, role: Role, partner_id: str | None, now: datetime
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is nowhere kept: "fl_" and 43 characters (256 random bits).

    1. An admin makes any key; a partner admin makes keys of its own partner. Others: Forbidden.
    2. A key of a partner has the role partner_admin and names the partner; a key of the vendor names none.
    Raises AccountError, NotFound for a partner that is not there or not the caller's, Forbidden.
    """
    _refuse_others(actor)
    role = role_of(role, ROLES if actor.role is Role.ADMIN else (Role.PARTNER_ADMIN,))
    _check_partner(session, actor, role, partner_id)
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=new_id(), name=name_of(name), role=role, partner_id=partner_id, secret_hash=hash_of(secret),
        created_at=now, created_by=actor.id,
    )  # fmt: skip
    session.add(key)
    session.flush()
    facts = {"name": key.name, "role": role.value}
    record(session, actor, "key.created", "key", key.id, now, partner_id=partner_id, facts=facts)
    return key, secret


def authenticate_key(session: AnySession, secret: str) -> Actor | None:
    """For whom a key acts; None where it is unknown or revoked."""
    if len(secret) != LENGTH or not secret.startswith(PREFIX):
        return None
    key = session.execute(BY_HASH, {"hashed": hash_of(secret)}).first()
    if key is None:
        return None
    return Actor(kind="key", id=key.id, name=key.name, role=key.role, partner_id=key.partner_id)


def revoke_key(session: AnySession, actor: Actor, key_id: str, now: datetime) -> ApiKey:
    """End a key at once; one that has ended stays as it is. Raises NotFound, Forbidden."""
    _refuse_others(actor)
    key = session.get(ApiKey, key_id)
    if key is None or (actor.is_partner and key.partner_id != actor.partner_id):
        raise NotFound
    if key.revoked_at is None:
        key.revoked_at = now
        record(
            session,
            actor,
            "key.revoked",
            "key",
            key.id,
            now,
            partner_id=key.partner_id,
            facts={"name": key.name},
        )
    return key


def _refuse_others(actor: Actor) -> None:
    if actor.role not in (Role.ADMIN, Role.PARTNER_ADMIN):
        raise Forbidden("Keys are made by an admin, or by a partner admin for its own partner.")


def _check_partner(session: AnySession, actor: Actor, role: Role, partner_id: str | None) -> None:
    if role.is_partner != (partner_id is not None):
        needed = (
            "Name the partner that this key acts for." if role.is_partner else "A key of the vendor names no partner."
        )
        raise AccountError("partner", needed)
    if partner_id is None:
        return
    if session.get(Partner, partner_id) is None or (actor.is_partner and partner_id != actor.partner_id):
        raise NotFound("There is no partner by that id.")

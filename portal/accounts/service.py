"""People: created, invited, signed in, turned away. Nothing here commits; a secret is returned once."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from models.accounts import Portfolio, User
from models.base import new_id
from models.partners import Partner
from models.session import AnySession
from portal.accounts import notices, tokens
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.accounts.errors import AccountError
from portal.accounts.fields import email_of, name_of, role_of, timezone_of
from portal.accounts.passwords import check_password, hash_password, needs_rehash, verify_password
from portal.accounts.reach import refresh_reachable
from portal.errors import Conflict, Forbidden, NotFound
from portal.vocabulary import Role

PARTNER_ROLES = (Role.PARTNER_REP, Role.PARTNER_ADMIN)
WRONG = "The e-mail address or the password is not right."


def create_user(session: AnySession, actor: Actor, data: Mapping[str, object], now: datetime) -> tuple[User, str]:
    """A new user, active and invited, and the secret of the invitation (7 days). The caller sends it.

    ``data``: email, name, role; partner_id for partner roles; timezone (left out: the partner's);
    portfolio, a channel manager's partner ids (left out: all).
    1. An admin creates any role, a partner admin partner roles of its own partner. Others: Forbidden.
    2. A partner role names a partner, a vendor's role none.
    3. An e-mail address has one account.
    Raises AccountError by field, NotFound for a partner that is not there or not the caller's, Forbidden.
    """
    if actor.role not in (Role.ADMIN, Role.PARTNER_ADMIN):
        raise Forbidden("People are invited by an admin, or by a partner admin for its own team.")
    role = role_of(data.get("role"), tuple(Role) if actor.role is Role.ADMIN else PARTNER_ROLES)
    partner = _partner(session, actor, role, data.get("partner_id"))
    email = _free_email(session, actor, data.get("email"))
    user = User(
        id=new_id(), email=email, name=name_of(data.get("name")), role=role,
        partner_id=partner.id if partner else None,
        timezone=timezone_of(data, partner.timezone if partner else "UTC"), created_at=now,
    )  # fmt: skip
    session.add(user)
    session.flush()
    set_portfolio(session, actor, user, data.get("portfolio") or (), now)
    _record(session, actor, "created", user, now, role=role.value)
    refresh_reachable(session, user.partner_id, now)
    return user, tokens.issue(session, user, tokens.INVITATION, now)


def _partner(session: AnySession, actor: Actor, role: Role, partner_id: object) -> Partner | None:
    if actor.is_partner:
        partner_id = partner_id or actor.partner_id
    if role.is_partner != bool(partner_id):
        needed = (
            "Name the partner that this person belongs to." if role.is_partner else "This role belongs to no partner."
        )
        raise AccountError("partner_id", needed)
    if not partner_id:
        return None
    partner = session.get(Partner, str(partner_id))
    if partner is None or (actor.is_partner and partner.id != actor.partner_id):
        raise NotFound("There is no partner by that id.")
    return partner


def _free_email(session: AnySession, actor: Actor, text: object) -> str:
    """The address, where it is free. A partner does not learn of users outside its own team."""
    email = email_of(text)
    holder = session.scalars(select(User).where(User.email == email)).first()
    if holder is None:
        return email
    if actor.is_staff or holder.partner_id == actor.partner_id:
        raise AccountError("email", "Someone with this e-mail address has an account already.")
    raise AccountError("email", "This e-mail address cannot be used here. Use another one.")


def set_portfolio(session: AnySession, actor: Actor, user: User, partner_ids: object, now: datetime) -> None:
    """The partners that a channel manager sees; none named means all. Raises AccountError."""
    wanted = set(partner_ids) if isinstance(partner_ids, list | tuple | set | frozenset) else set()
    if wanted and user.role is not Role.CHANNEL_MANAGER:
        raise AccountError("portfolio", "Only a channel manager has a portfolio.")
    if wanted - set(session.scalars(select(Partner.id).where(Partner.id.in_(wanted)))):
        raise AccountError("portfolio", "One of these partners does not exist.")
    held = {row.partner_id: row for row in session.scalars(select(Portfolio).where(Portfolio.user_id == user.id))}
    if wanted == set(held):
        return
    for gone in set(held) - wanted:
        session.delete(held[gone])
    session.add_all(Portfolio(id=new_id(), user_id=user.id, partner_id=each) for each in sorted(wanted - set(held)))
    _record(session, actor, "portfolio_set", user, now, partners=sorted(wanted))


def invite_again(session: AnySession, actor: Actor, user: User, now: datetime) -> str:
    """A new invitation secret; the one before ends. Raises Conflict where there is a password already."""
    _refuse_others(actor, user)
    if user.password_hash is not None:
        raise Conflict("This person has signed in before: send a new password link instead.")
    if not user.active:
        raise Conflict("This account is switched off: switch it on first.")
    _record(session, actor, "invited_again", user, now)
    return tokens.issue(session, user, tokens.INVITATION, now)


def request_reset(session: AnySession, email: str, now: datetime) -> tuple[User, str] | None:
    """A reset secret (2 hours) for an active user; None for any other, which no visitor is told."""
    user = session.scalars(select(User).where(User.email == email.strip().lower(), User.active)).first()
    if user is None:
        return None
    _record(session, actor_for_user(session, user), "reset_requested", user, now)
    return user, tokens.issue(session, user, tokens.RESET, now)


def accept_invitation(session: AnySession, secret: str, password: str, now: datetime) -> User:
    """Take up an invitation with a password of one's own. Raises AccountError for link or password."""
    return _by_link(session, tokens.INVITATION, "invitation_accepted", secret, password, now)


def set_password(session: AnySession, secret: str, password: str, now: datetime) -> User:
    """A new password by a reset link; every session ends. Raises AccountError for link or password."""
    return _by_link(session, tokens.RESET, "password_set", secret, password, now)


def _by_link(session: AnySession, kind: str, action: str, secret: str, password: str, now: datetime) -> User:
    known = tokens.find(session, kind, secret, now)
    if known is not None:
        check_password(password, known.email)
    user = tokens.redeem(session, kind, secret, now)
    user.password_hash = hash_password(password)
    # The link came by mail, so mail arrives there.
    user.bounced_at = None
    tokens.end_all(session, user, now)
    _end_sessions(user)
    _record(session, actor_for_user(session, user), action, user, now)
    refresh_reachable(session, user.partner_id, now)
    return user


def change_password(session: AnySession, user: User, old: str, new: str, now: datetime) -> None:
    """Change one's own password; every session ends. Raises AccountError."""
    if not verify_password(user.password_hash, old):
        raise AccountError("old_password", "This is not the password in use.")
    check_password(new, user.email)
    user.password_hash = hash_password(new)
    _end_sessions(user)
    tokens.end_all(session, user, now)
    _record(session, actor_for_user(session, user), "password_changed", user, now)


def sign_in(session: AnySession, email: str, password: str, now: datetime) -> User:
    """The user, where the password is right. Otherwise AccountError, the same after the same time.

    Refused alike: unknown address, wrong password, no password yet, account switched off.
    """
    user = session.scalars(select(User).where(User.email == email.strip().lower())).first()
    right = verify_password(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        raise AccountError("email", WRONG)
    if user.password_hash and needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    _record(session, actor_for_user(session, user), "signed_in", user, now)
    return user


def sign_out_everywhere(session: AnySession, actor: Actor, user: User, now: datetime) -> None:
    """End every session of ``user``. Another needs the right: Forbidden, NotFound."""
    if actor.id != user.id:
        _refuse_others(actor, user)
    _end_sessions(user)
    _record(session, actor, "signed_out_everywhere", user, now)


def deactivate_user(session: AnySession, actor: Actor, user: User, now: datetime) -> None:
    """Switch an account off: sessions and links end, no mail is sent. Raises Conflict for the last admin."""
    _refuse_others(actor, user)
    if not user.active:
        return
    if user.role is Role.ADMIN and not _other_admin(session, user):
        raise Conflict("This is the last admin. Make another one first.")
    user.active = False
    _end_sessions(user)
    tokens.end_all(session, user, now)
    notices.end_links(session, user, now)
    _record(session, actor, "deactivated", user, now)
    refresh_reachable(session, user.partner_id, now)


def reactivate_user(session: AnySession, actor: Actor, user: User, now: datetime) -> None:
    """Switch an account on again; its password still works. Raises Forbidden, NotFound."""
    _refuse_others(actor, user)
    if user.active:
        return
    user.active = True
    _record(session, actor, "reactivated", user, now)
    refresh_reachable(session, user.partner_id, now)


def actor_for_user(session: AnySession, user: User) -> Actor:
    """For whom a signed-in user acts; a channel manager with its portfolio (None: all partners)."""
    portfolio = None
    if user.role is Role.CHANNEL_MANAGER:
        held = session.scalars(select(Portfolio.partner_id).where(Portfolio.user_id == user.id)).all()
        portfolio = frozenset(held) or None
    return Actor(
        kind="user", id=user.id, name=user.name, role=user.role, partner_id=user.partner_id,
        portfolio=portfolio, timezone=user.timezone,
    )  # fmt: skip


def _refuse_others(actor: Actor, user: User) -> None:
    """An admin manages everyone, a partner admin its own team; to other partners a user does not exist."""
    if actor.is_partner and user.partner_id != actor.partner_id:
        raise NotFound
    if actor.role not in (Role.ADMIN, Role.PARTNER_ADMIN):
        raise Forbidden("Accounts are managed by an admin, or by a partner admin for its own team.")


def _other_admin(session: AnySession, user: User) -> bool:
    others = select(User.id).where(User.role == Role.ADMIN, User.active, User.id != user.id).limit(1)
    return session.scalars(others).first() is not None


def _end_sessions(user: User) -> None:
    user.session_epoch = User.session_epoch + 1


def _record(session: AnySession, actor: Actor, action: str, user: User, now: datetime, **facts: object) -> None:
    """``facts`` without the address and the name: what is erased elsewhere must not live on in the audit."""
    record(session, actor, f"user.{action}", "user", user.id, now, partner_id=user.partner_id, facts=facts)

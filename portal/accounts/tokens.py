"""One-time links: invitation and password reset. The secret goes out once; only its hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update

from models.accounts import User, UserToken
from models.base import new_id
from models.session import AnySession
from portal.accounts.errors import AccountError

INVITATION, RESET = "invitation", "reset"
LIFETIME = {INVITATION: timedelta(days=7), RESET: timedelta(hours=2)}


def hash_of(secret: str) -> str:
    """What is stored of a secret: sha-256, hex. Secrets are random and long: no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(session: AnySession, user: User, kind: str, now: datetime) -> str:
    """A new secret of ``kind`` for ``user``; earlier ones of that kind end."""
    end_all(session, user, now, kind)
    secret = secrets.token_urlsafe(32)
    session.add(
        UserToken(
            id=new_id(), user_id=user.id, kind=kind, secret_hash=hash_of(secret), created_at=now,
            expires_at=now + LIFETIME[kind],
        )
    )  # fmt: skip
    return secret


def find(session: AnySession, kind: str, secret: str, now: datetime) -> User | None:
    """Whom an unused, unexpired secret was made for; None for any other. For the page that the link opens."""
    return session.scalars(
        select(User)
        .join(UserToken, UserToken.user_id == User.id)
        .where(UserToken.secret_hash == hash_of(secret), UserToken.kind == kind, UserToken.used_at.is_(None))
        .where(UserToken.expires_at > now, User.active)
    ).first()


def redeem(session: AnySession, kind: str, secret: str, now: datetime) -> User:
    """Use a secret up; of two at the same moment one wins. Raises AccountError where it does not work."""
    user = find(session, kind, secret, now)
    used = session.execute(
        update(UserToken)
        .where(UserToken.secret_hash == hash_of(secret), UserToken.kind == kind, UserToken.used_at.is_(None))
        .values(used_at=now)
    )
    if user is None or used.rowcount != 1:  # type: ignore[attr-defined]
        raise AccountError("link", "This link no longer works. Ask for a new one.")
    return user


def end_all(session: AnySession, user: User, now: datetime, kind: str | None = None) -> None:
    """End the unused secrets of ``user``, of ``kind`` or of all."""
    which = update(UserToken).where(UserToken.user_id == user.id, UserToken.used_at.is_(None))
    session.execute((which.where(UserToken.kind == kind) if kind else which).values(used_at=now))

"""Who is signed in, as Flask-Login keeps it: a user's id and session epoch, so that sign-out kills every session."""

from datetime import datetime
from functools import cached_property
from typing import Any, cast

from flask import g, session
from flask_login import LoginManager, UserMixin, current_user

from models.accounts import User
from models.base import db
from models.partners import Partner
from portal.accounts.actor import Actor
from portal.accounts.service import actor_for_user
from portal.clock import utc_now

manager = LoginManager()
manager.login_view = "entry.sign_in"
manager.login_message = "Sign in to see this page."
manager.session_protection = "basic"


class Visitor(UserMixin):  # type: ignore[misc]
    """A signed-in user for the length of a request."""

    def __init__(self, user: User, actor: Actor) -> None:
        self.user, self.actor = user, actor
        self.name = user.name

    def get_id(self) -> str:
        return f"{self.user.id}:{self.user.session_epoch}"

    @cached_property
    def organisation(self) -> Partner | None:
        """The partner the visitor belongs to; None for the vendor's people. Kept for the length of the request."""
        return db.session.get(Partner, self.user.partner_id) if self.user.partner_id else None


@manager.user_loader  # type: ignore[untyped-decorator]
def load(session_id: str) -> Visitor | None:
    """The visitor of a session cookie; None where the account is off or the session was ended."""
    user_id, _, epoch = session_id.partition(":")
    user = db.session.get(User, user_id)
    if user is None or not user.active or str(user.session_epoch) != epoch:
        session.clear()
        return None
    return Visitor(user, actor_for_user(db.session, user))


def visitor() -> Visitor:
    """The signed-in visitor of this request."""
    return cast(Visitor, current_user)


def actor() -> Actor:
    """For whom this request acts."""
    return visitor().actor


def now() -> datetime:
    """The instant of this request, read once."""
    if "now" not in g:
        g.now = utc_now()
    return cast(datetime, g.now)


def signed_in() -> Any:
    """Whether somebody is signed in."""
    return current_user.is_authenticated

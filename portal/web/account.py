"""One's own account, whatever the role: which mails come, a new password, and ending every session."""

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectMultipleField
from wtforms.validators import DataRequired, EqualTo, Length

from models.accounts import User
from models.base import db
from models.session import unit
from portal.accounts import notices
from portal.accounts import service as accounts
from portal.accounts.errors import AccountError
from portal.notifications.kinds import EXPLAINED, always, offered_to
from portal.vocabulary import NoticeKind
from portal.web.shell import saved
from portal.web.visitor import Visitor, actor, now, visitor

account = Blueprint("account", __name__, url_prefix="/account")


class ChangePasswordForm(FlaskForm):  # type: ignore[misc]
    old_password = PasswordField("Password in use", [DataRequired("Give the password in use."), Length(max=1000)])
    password = PasswordField("New password", [DataRequired("Choose a password."), Length(max=1000)])
    again = PasswordField("The new one again", [EqualTo("password", "The two are not the same.")])


class NoticesForm(FlaskForm):  # type: ignore[misc]
    """The kinds of mail that one may turn off; those that are ticked come."""

    wanted = SelectMultipleField("Mails that come", coerce=str)


@account.get("")
def page() -> ResponseReturnValue:
    """Who one is here, and the form for a new password."""
    return _shown(ChangePasswordForm())


@account.post("/password")
def password() -> ResponseReturnValue:
    """Change the password: every other session ends, this one goes on."""
    form = ChangePasswordForm()
    if not form.validate_on_submit():
        return _shown(form, 422)
    user_id, old, new = visitor().user.id, form.old_password.data or "", form.password.data or ""
    try:
        unit(
            db.session, lambda: accounts.change_password(db.session, db.session.get_one(User, user_id), old, new, now())
        )
    except AccountError as error:
        field = form.old_password if error.field == "old_password" else form.password
        field.errors = [*field.errors, error.message]
        return _shown(form, 422)
    user = db.session.get_one(User, user_id, populate_existing=True)
    login_user(Visitor(user, accounts.actor_for_user(db.session, user)))
    saved("Your password is changed. Every other session has ended.")
    return redirect(url_for("account.page"))


@account.post("/notices")
def choose_notices() -> ResponseReturnValue:
    """Keep which kinds of mail come; the others are off from the next notice on."""
    form, user_id = _notices_form(), visitor().user.id
    if not form.validate_on_submit():
        return _shown(ChangePasswordForm(formdata=None), 422, form)
    off = [kind for kind in offered_to(actor().role) if kind.value not in (form.wanted.data or ())]
    unit(db.session, lambda: notices.mute(db.session, actor(), db.session.get_one(User, user_id), off, now()))
    saved(f"{_listed(off)} will not come any more." if off else "Every kind of mail comes.")
    return redirect(url_for("account.page", _anchor="notices"))


def _listed(kinds: list[NoticeKind]) -> str:
    return ", ".join(kind.label for kind in kinds)


def _notices_form() -> NoticesForm:
    form = NoticesForm()
    form.wanted.choices = [(kind.value, kind.label) for kind in offered_to(actor().role)]
    return form


@account.post("/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session, this one too."""
    who, user_id = actor(), visitor().user.id
    unit(db.session, lambda: accounts.sign_out_everywhere(db.session, who, db.session.get_one(User, user_id), now()))
    logout_user()
    saved("You are signed out everywhere.")
    return redirect(url_for("entry.sign_in"))


def _shown(form: ChangePasswordForm, status: int = 200, choice: NoticesForm | None = None) -> ResponseReturnValue:
    user = db.session.get(User, visitor().user.id) or abort(404)
    kinds = offered_to(user.role)
    if choice is None:
        off = notices.muted(db.session, user.id)
        choice = _notices_form()
        choice.wanted.data = [kind.value for kind in kinds if kind not in off]
    return render_template(
        "entry/account.html",
        form=form,
        user=user,
        choice=choice,
        kinds=[{"kind": kind, "about": EXPLAINED[kind]} for kind in kinds],
        always=always(user.role),
    ), status

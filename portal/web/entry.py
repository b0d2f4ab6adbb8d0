"""Coming in and going out: sign-in, sign-out, invitations and forgotten passwords."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from models.accounts import User
from models.base import db
from models.session import unit
from portal.accounts import service as accounts
from portal.accounts import tokens
from portal.accounts.errors import AccountError
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic
from portal.web.shell import safe_next, saved
from portal.web.visitor import Visitor, actor, now, signed_in, visitor

entry = Blueprint("entry", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    email = StringField("E-mail address", validators=[DataRequired("Give your e-mail address."), Length(max=254)])
    password = PasswordField("Password", validators=[DataRequired("Give your password."), Length(max=1000)])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    password = PasswordField("New password", validators=[DataRequired("Choose a password."), Length(max=1000)])
    again = PasswordField("The same again", validators=[EqualTo("password", "The two are not the same.")])


class ForgottenForm(FlaskForm):  # type: ignore[misc]
    email = StringField("E-mail address", validators=[DataRequired("Give your e-mail address."), Length(max=254)])


def home() -> str:
    """Where a role starts its day."""
    if actor().is_partner:
        return url_for("work.index")
    return url_for("morning.index") if actor().manages_partners else url_for("leads.index")


@entry.get("/")
def index() -> ResponseReturnValue:
    """To the role's first screen, or to the door."""
    return redirect(home() if signed_in() else url_for("entry.sign_in"))


@entry.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in by address and password."""
    if signed_in():
        return redirect(home())
    form = SignInForm()
    if form.validate_on_submit():
        try:
            user = unit(
                db.session, lambda: accounts.sign_in(db.session, form.email.data or "", form.password.data or "", now())
            )
            return _welcome(user)
        except AccountError as error:
            form.email.errors = [*form.email.errors, error.message]
    return render_template("entry/sign_in.html", form=form), 422 if form.errors else 200


def _welcome(user: User) -> ResponseReturnValue:
    login_user(Visitor(user, accounts.actor_for_user(db.session, user)))
    return redirect(safe_next(request.args.get("next"), url_for("entry.index")))


@entry.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End every session of this user."""
    if signed_in():
        who, user_id = actor(), visitor().user.id
        unit(
            db.session,
            lambda: accounts.sign_out_everywhere(db.session, who, db.session.get_one(User, user_id), now()),
        )
        logout_user()
        saved("You are signed out.")
    return redirect(url_for("entry.sign_in"))


@entry.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> ResponseReturnValue:
    """Ask for a link to set a new password. The answer is the same whether or not the address is known."""
    form = ForgottenForm()
    if form.validate_on_submit():
        unit(db.session, lambda: _send_reset(form.email.data or ""))
        flash("If that address has an account, a link is on its way. It works for 2 hours.", "saved")
        return redirect(url_for("entry.sign_in"))
    return render_template("entry/forgotten.html", form=form), 422 if form.errors else 200


def _send_reset(email: str) -> None:
    asked = accounts.request_reset(db.session, email, now())
    if asked is not None:
        user, secret = asked
        until = (now() + tokens.LIFETIME[tokens.RESET]).isoformat()
        facts = {"url": url_for("entry.new_password", secret=secret), "until": until}
        notify(db.session, NoticeTopic.PASSWORD_RESET, "user", now(), user_id=user.id, facts=facts)


@entry.route("/invitation/<secret>", methods=["GET", "POST"])
def invitation(secret: str) -> ResponseReturnValue:
    """Take up an invitation by choosing a password."""
    return _by_link(secret, tokens.INVITATION)


@entry.route("/new-password/<secret>", methods=["GET", "POST"])
def new_password(secret: str) -> ResponseReturnValue:
    """Set a new password by a link."""
    return _by_link(secret, tokens.RESET)


def _by_link(secret: str, kind: str) -> ResponseReturnValue:
    form, known = PasswordForm(), tokens.find(db.session, kind, secret, now()) is not None
    if known and form.validate_on_submit():
        take_up = accounts.accept_invitation if kind == tokens.INVITATION else accounts.set_password
        try:
            return _welcome(unit(db.session, lambda: take_up(db.session, secret, form.password.data or "", now())))
        except AccountError as error:
            form.password.errors = [*form.password.errors, error.message]
    status = 410 if not known else 422 if form.errors else 200
    return render_template("entry/by_link.html", form=form, known=known, invited=kind == tokens.INVITATION), status

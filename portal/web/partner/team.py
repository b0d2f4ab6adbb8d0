"""Team and hours: the partner's people, opening hours, and keys. A rep reads it, a partner admin changes it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from models.accounts import ApiKey, User
from models.base import db
from models.session import unit
from portal.accounts import access, keys
from portal.accounts import service as accounts
from portal.compliance import partners
from portal.compliance.settings import parse_settings
from portal.enforcement.acts import settled
from portal.enforcement.placing import place_freed
from portal.errors import Conflict, Invalid
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic, Role
from portal.web import gate
from portal.web.partner import acting
from portal.web.partner.forms import options
from portal.web.partner.hours import HoursForm, field_of, filled
from portal.web.partner.strip import own_partner, strip
from portal.web.shell import attempt, saved
from portal.web.visitor import actor, now, visitor

team = Blueprint("team", __name__, url_prefix="/team")
gate.only(team, *gate.PARTNER)

ROLES = (Role.PARTNER_REP, Role.PARTNER_ADMIN)


class InviteForm(FlaskForm):  # type: ignore[misc]
    email = StringField("E-mail address", [DataRequired("Give an e-mail address."), Length(max=254)])
    name = StringField("Name", [DataRequired("Give a name."), Length(max=200)], id="invite-name")
    role = SelectField("Role", choices=options((role.value, role.label) for role in ROLES))


class KeyForm(FlaskForm):  # type: ignore[misc]
    name = StringField(
        "What is the key for?", [DataRequired("Say what the key is for."), Length(max=200)], id="key-name"
    )


def page(status: int = 200, **shown: Any) -> ResponseReturnValue:
    """The whole screen; ``shown`` replaces a form by the one that was sent."""
    partner = own_partner()
    people = db.session.scalars(access.users(actor()).order_by(User.active.desc(), User.name, User.id)).all()
    made = db.session.scalars(access.keys(actor()).order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())).all()
    forms = {"hours": shown.pop("hours", None) or filled(partner), "invite": None, "key": None, **shown}
    if manages():
        forms = {
            **forms,
            "invite": forms["invite"] or InviteForm(formdata=None),
            "key": forms["key"] or KeyForm(formdata=None),
        }
    return render_template(
        "team/index.html",
        partner=partner,
        people=people,
        keys=made,
        manages=manages(),
        me=visitor().user.id,
        strip=strip(),
        secret=shown.get("secret"),
        **{k: v for k, v in forms.items() if k != "secret"},
    ), status


def manages() -> bool:
    """Whether the visitor may change what is shown."""
    return actor().role is Role.PARTNER_ADMIN


@team.before_request
def only_admins_change() -> None:
    """To a rep the forms of this screen do not exist."""
    from flask import request

    if request.method == "POST" and not manages():
        abort(404)


@team.get("")
def index() -> ResponseReturnValue:
    """People, hours and keys as they are."""
    return page()


@team.post("/hours")
def hours() -> ResponseReturnValue:
    """Change hours, closures, holidays, quiet periods and whether early leads are wanted."""
    form = HoursForm()
    if not form.validate_on_submit():
        return page(422, hours=form)
    try:
        _change(form.settings())
    except Invalid as refusal:
        named = Invalid([(field_of(name), sentence) for name, sentence in refusal.errors])
        return page(422, hours=acting.with_errors(form, named))
    saved("Saved. Deadlines that run keep their time; new ones follow these hours.")
    return acting.back_to("team.index", "hours")


def _change(sent: dict[str, Any]) -> None:
    partner, at = own_partner(), now()
    current = {"hours": partner.hours, "timezone": partner.timezone, "country": partner.country}
    settings = parse_settings(sent, current)
    _, freed = settled(db.session, at, lambda: partners.change(db.session, partner.id, settings, at, actor()))
    place_freed(db.session, freed, at)


@team.post("/people")
def invite() -> ResponseReturnValue:
    """Invite a colleague by e-mail."""
    form = InviteForm()
    if not form.validate_on_submit():
        return page(422, invite=form)
    data = {"email": form.email.data, "name": form.name.data, "role": form.role.data}
    try:
        user = unit(db.session, lambda: _invited(*accounts.create_user(db.session, actor(), data, now())))
    except Invalid as refusal:
        return page(422, invite=acting.with_errors(form, refusal))
    saved(f"{user.name} is invited. The link in the mail works for 7 days.")
    return acting.back_to("team.index", "people")


def _invited(user: User, secret: str) -> User:
    from portal.accounts.tokens import INVITATION, LIFETIME

    facts = {
        "url": url_for("entry.invitation", secret=secret),
        "partner": own_partner().name,
        "until": (now() + LIFETIME[INVITATION]).isoformat(),
    }
    notify(db.session, NoticeTopic.INVITATION, "user", now(), user_id=user.id, facts=facts)
    return user


@team.post("/people/<user_id>/<any(off, on, again):what>")
def person(user_id: str, what: str) -> ResponseReturnValue:
    """Switch a colleague off or on, or send the invitation again."""
    found = access.one(db.session, access.users(actor()), User.id, user_id)
    deeds: dict[str, tuple[Callable[[User], Any], str]] = {
        "off": (_switch_off, f"{found.name} is switched off: sessions and links have ended."),
        "on": (
            lambda it: accounts.reactivate_user(db.session, actor(), it, now()),
            f"{found.name} is switched on again.",
        ),
        "again": (
            lambda it: _invited(it, accounts.invite_again(db.session, actor(), it, now())),
            f"A new invitation is on its way to {found.name}.",
        ),
    }
    deed, sentence = deeds[what]
    act = lambda: unit(db.session, lambda: deed(db.session.get_one(User, user_id)))  # noqa: E731
    return attempt(act, sentence, url_for("team.index", _anchor="people"))


def _switch_off(user: User) -> None:
    if user.id == visitor().user.id:
        raise Conflict("You cannot switch yourself off: a colleague who is partner admin can.")
    accounts.deactivate_user(db.session, actor(), user, now())


@team.post("/keys")
def make_key() -> ResponseReturnValue:
    """Make a key. Its secret is on this answer and nowhere else."""
    form = KeyForm()
    if not form.validate_on_submit():
        return page(422, key=form)
    who = actor()
    try:
        key, secret = unit(
            db.session,
            lambda: keys.create_key(db.session, who, form.name.data or "", Role.PARTNER_ADMIN, who.partner_id, now()),
        )
    except Invalid as refusal:
        return page(422, key=acting.with_errors(form, refusal))
    return page(secret={"name": key.name, "text": secret})


@team.post("/keys/<key_id>/revoke")
def revoke_key(key_id: str) -> ResponseReturnValue:
    """End a key at once."""
    found = access.one(db.session, access.keys(actor()), ApiKey.id, key_id)
    act = lambda: unit(db.session, lambda: keys.revoke_key(db.session, actor(), key_id, now()))  # noqa: E731
    return attempt(
        act, f"The key “{found.name}” is revoked: it opens nothing any more.", url_for("team.index", _anchor="keys")
    )

"""People and keys: who may come in, for whom they act, which partners a manager sees; on, off, invited, revoked."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, or_, select

from models.accounts import ApiKey, Portfolio, User
from models.base import db
from models.partners import Partner
from models.session import unit
from portal.accounts import access, keys
from portal.accounts import service as accounts
from portal.accounts.tokens import INVITATION, LIFETIME
from portal.errors import Conflict, Invalid
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic, Role
from portal.web import gate
from portal.web.admin.people_forms import ConfirmForm, InviteForm, KeyForm, PortfolioForm, partner_choices
from portal.web.shell import saved
from portal.web.staff import paging
from portal.web.staff.forms import refused_on
from portal.web.visitor import actor, now, visitor

people = Blueprint("people", __name__, url_prefix="/people")
gate.only(people, *gate.ADMINS)


@people.get("")
def index() -> ResponseReturnValue:
    """Everyone, by name; filters stay in the address."""
    text, role = paging.words(), request.args.get("role", "")
    query = access.users(actor()).outerjoin(Partner, Partner.id == User.partner_id).add_columns(Partner)
    if text:
        query = query.where(
            or_(*(c.ilike(paging.like(text), escape="\\") for c in (User.name, User.email, Partner.name)))
        )
    if role in set(Role):
        query = query.where(User.role == Role(role))
    query = (
        query.order_by(func.lower(User.name), User.id)
        .limit(paging.SIZE + 1)
        .offset((paging.page_number() - 1) * paging.SIZE)
    )
    rows, more = paging.cut([(user, partner) for user, partner in db.session.execute(query)])
    return render_template(
        "people/index.html",
        rows=rows,
        portfolios=_portfolios([user.id for user, _ in rows]),
        q=text,
        role=role,
        roles=list(Role),
        me=visitor().user.id,
        **paging.numbered(more),
    )


def _portfolios(user_ids: Sequence[str]) -> dict[str, list[str]]:
    query = select(Portfolio.user_id, Partner.name).join(Partner, Partner.id == Portfolio.partner_id)
    found: dict[str, list[str]] = defaultdict(list)
    for user_id, name in db.session.execute(query.where(Portfolio.user_id.in_(user_ids)).order_by(Partner.name)):
        found[user_id].append(name)
    return found


@people.route("/invite", methods=["GET", "POST"])
def invite() -> ResponseReturnValue:
    """Create an account and send its invitation."""
    form = InviteForm()
    form.partner_id.choices = partner_choices("The vendor")
    form.portfolio.choices = partner_choices()
    if request.method == "GET" and request.args.get("partner"):
        form.partner_id.data, form.role.data = request.args["partner"], Role.PARTNER_ADMIN.value
    if form.validate_on_submit():
        try:
            user = unit(db.session, lambda: _invited(*accounts.create_user(db.session, actor(), form.account(), now())))
            saved(f"{user.name} is invited. The link in the mail works for {LIFETIME[INVITATION].days} days.")
            return redirect(url_for("people.index"))
        except Invalid as refusal:
            refused_on(form, refusal)
    return render_template("people/invite.html", form=form), 422 if form.errors else 200


def _invited(user: User, secret: str) -> User:
    """The invitation goes by mail, in the transaction of its cause."""
    partner = db.session.get(Partner, user.partner_id) if user.partner_id else None
    facts = {
        "url": url_for("entry.invitation", secret=secret),
        "until": (now() + LIFETIME[INVITATION]).isoformat(),
        **({"partner": partner.name} if partner else {}),
    }
    notify(db.session, NoticeTopic.INVITATION, "user", now(), user_id=user.id, facts=facts)
    return user


def _user(user_id: str) -> User:
    return access.one(db.session, access.users(actor()), User.id, user_id)


@people.post("/<user_id>/again")
def again(user_id: str) -> ResponseReturnValue:
    """Send the invitation once more; the link before ends."""
    user = _user(user_id)

    def work() -> None:
        found = _user(user_id)
        _invited(found, accounts.invite_again(db.session, actor(), found, now()))

    return _tried(work, f"{user.name} is invited again. The link in the mail before no longer works.")


@people.post("/<user_id>/on")
def on(user_id: str) -> ResponseReturnValue:
    """Switch an account on again."""
    user = _user(user_id)
    return _tried(
        lambda: accounts.reactivate_user(db.session, actor(), _user(user_id), now()),
        f"{user.name} is switched on. The password from before works.",
    )


@people.route("/<user_id>/off", methods=["GET", "POST"])
def off(user_id: str) -> ResponseReturnValue:
    """Switch an account off."""
    user, form = _user(user_id), ConfirmForm()
    if form.validate_on_submit():
        return _tried(
            lambda: accounts.deactivate_user(db.session, actor(), _user(user_id), now()),
            f"{user.name} is switched off.",
        )
    return _confirm(form, "Switch off", user.name, _off_effect(user))


def _off_effect(user: User) -> str:
    told = f"Switch {user.name} off: sessions and links end at once, and no mail is sent any more."
    if user.partner_id is None:
        return told
    others = access.users(actor()).where(
        User.partner_id == user.partner_id, User.id != user.id, User.active, User.bounced_at.is_(None)
    )
    if db.session.scalars(others.limit(1)).first() is not None:
        return told
    partner = db.session.get_one(Partner, user.partner_id)
    return f"{told} {partner.name} then has nobody who can be reached, and gets no new leads."


@people.route("/<user_id>/portfolio", methods=["GET", "POST"])
def portfolio(user_id: str) -> ResponseReturnValue:
    """Which partners a channel manager sees; none chosen: all."""
    user, form = _user(user_id), PortfolioForm()
    form.portfolio.choices = partner_choices()
    if user.role is not Role.CHANNEL_MANAGER:
        flash("Only a channel manager has a portfolio.", "stop")
        return redirect(url_for("people.index"))
    if form.validate_on_submit():
        chosen = form.portfolio.data or []
        seen = f"{len(chosen)} partner{'' if len(chosen) == 1 else 's'}" if chosen else "all partners"
        return _tried(
            lambda: accounts.set_portfolio(db.session, actor(), _user(user_id), chosen, now()),
            f"{user.name} sees {seen}.",
        )
    if request.method == "GET":
        form.portfolio.data = list(db.session.scalars(select(Portfolio.partner_id).where(Portfolio.user_id == user_id)))
    return render_template("people/portfolio.html", form=form, user=user), 422 if form.errors else 200


@people.get("/keys")
def key_list() -> ResponseReturnValue:
    """All keys, those in use first."""
    return _key_page(_key_form())


def _key_form() -> KeyForm:
    form = KeyForm()
    form.partner_id.choices = partner_choices("The vendor")
    return form


def _key_page(form: KeyForm, secret: str | None = None, made: str = "") -> ResponseReturnValue:
    query = access.keys(actor()).outerjoin(Partner, Partner.id == ApiKey.partner_id).add_columns(Partner)
    query = query.order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())
    found = db.session.execute(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE))
    rows, more = paging.cut([(key, partner) for key, partner in found])
    prev_next = paging.numbered(more) if request.method == "GET" else {}
    return render_template(
        "people/keys.html", rows=rows, form=form, secret=secret, made=made, **prev_next
    ), 422 if form.errors else 200


@people.post("/keys")
def key_new() -> ResponseReturnValue:
    """Make a key; its secret is on this answer's page and nowhere else."""
    form = _key_form()
    if not form.validate_on_submit():
        return _key_page(form)
    role, partner_id = Role(form.role.data), form.partner_id.data or None
    try:
        key, secret = unit(
            db.session, lambda: keys.create_key(db.session, actor(), form.key_name.data or "", role, partner_id, now())
        )
    except Invalid as refusal:
        return _key_page(refused_on(form, refusal, {"partner": "partner_id", "name": "key_name"}))
    empty = KeyForm(formdata=None)
    empty.partner_id.choices = form.partner_id.choices
    return _key_page(empty, secret, key.name)


@people.route("/keys/<key_id>/revoke", methods=["GET", "POST"])
def revoke(key_id: str) -> ResponseReturnValue:
    """End a key."""
    key, form = access.one(db.session, access.keys(actor()), ApiKey.id, key_id), ConfirmForm()
    if form.validate_on_submit():
        return _tried(
            lambda: keys.revoke_key(db.session, actor(), key_id, now()),
            f"The key {key.name} is revoked.",
            "people.key_list",
        )
    effect = f"Revoke the key {key.name}: whatever uses it is refused from now on. It cannot be brought back."
    return _confirm(form, "Revoke", key.name, effect, "people.key_list")


def _confirm(form: Any, verb: str, name: str, effect: str, back: str = "people.index") -> ResponseReturnValue:
    return render_template("people/confirm.html", form=form, verb=verb, name=name, effect=effect, back=url_for(back))


def _tried(work: Callable[[], object], sentence: str, target: str = "people.index") -> ResponseReturnValue:
    """Do an act as one unit; the reason where it is refused."""
    try:
        unit(db.session, work)
        saved(sentence)
    except (Conflict, Invalid) as refusal:
        flash(str(refusal), "stop")
    return redirect(url_for(target))

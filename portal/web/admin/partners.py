"""Partners as the vendor sets them up: list, create, edit, switch off."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from models.assignments import Assignment
from models.base import db
from models.partners import Partner
from models.session import unit
from portal.accounts import access
from portal.compliance import partners as service
from portal.compliance.settings import parse_settings
from portal.enforcement.acts import settled
from portal.enforcement.placing import place_freed
from portal.errors import Invalid
from portal.vocabulary import LIVE_ASSIGNMENT
from portal.web import gate
from portal.web.admin.partner_form import PartnerForm, changed, checked, form_of
from portal.web.partner.hours import field_of
from portal.web.shell import saved
from portal.web.staff import paging
from portal.web.staff.forms import with_errors
from portal.web.staff.partner_reading import places, some
from portal.web.staff.partner_search import searched
from portal.web.visitor import actor, now

partners = Blueprint("partners", __name__, url_prefix="/partners")
gate.only(partners, *gate.ADMINS)


@partners.get("")
def index() -> ResponseReturnValue:
    """All partners by name."""
    text = paging.words()
    query = access.partners(actor()).order_by(func.lower(Partner.name), Partner.id)
    query = searched(query, db.session, actor(), text)
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    rows, more = paging.cut(found)
    return render_template("partners/index.html", rows=[_row(row) for row in rows], q=text, **paging.numbered(more))


def _row(partner: Partner) -> dict[str, Any]:
    return {
        "partner": partner,
        "covers": some(places(partner), 3) or "Everywhere",
        "tags": some(partner.tags, 4),
    }


@partners.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Set a partner up."""
    form = PartnerForm()
    values = checked(form)
    if values is not None:
        try:
            columns = parse_settings(values)
            made = unit(db.session, lambda: service.create(db.session, columns, now(), actor()))
            saved(f"{made.name} is set up. Invite someone there: without a person to reach it gets no leads.")
            return redirect(url_for("people.invite", partner=made.id))
        except Invalid as refusal:
            _show(form, refusal)
    return render_template("partners/form.html", form=form, partner=None, holds=0), 422 if form.errors else 200


@partners.route("/<partner_id>/edit", methods=["GET", "POST"])
def edit(partner_id: str) -> ResponseReturnValue:
    """Change a partner's settings from now on."""
    found = access.one(db.session, access.partners(actor()), Partner.id, partner_id)
    form = PartnerForm()
    values = checked(form)
    if values is not None:
        try:
            return _change(
                found, parse_settings(values, {"timezone": values["timezone"], "country": values["country"]})
            )
        except Invalid as refusal:
            _show(form, refusal)
    shown = form if form.is_submitted() else form_of(found)
    return render_template(
        "partners/form.html", form=shown, partner=found, holds=_holds(partner_id)
    ), 422 if form.errors else 200


def _change(found: Partner, columns: dict[str, object]) -> ResponseReturnValue:
    partner_id, wanted, at = found.id, changed(columns, found), now()
    if not wanted:
        saved("Nothing was changed.")
        return redirect(url_for("partner.page", partner_id=partner_id))
    _, freed = settled(db.session, at, lambda: service.change(db.session, partner_id, wanted, at, actor()))
    placed = place_freed(db.session, freed, at)
    moved = f" {placed} of {len(freed)} leads it held found another place." if freed else ""
    saved(f"Saved.{moved} Deadlines that run keep their time.")
    return redirect(url_for("partner.page", partner_id=partner_id))


def _show(form: PartnerForm, refusal: Invalid) -> None:
    with_errors(form, [(field_of(name), sentence) for name, sentence in refusal.errors])


def _holds(partner_id: str) -> int:
    """How many leads it would lose if it were switched off."""
    live = (Assignment.partner_id == partner_id, Assignment.state.in_(LIVE_ASSIGNMENT))
    return db.session.scalar(select(func.count()).select_from(Assignment).where(*live)) or 0

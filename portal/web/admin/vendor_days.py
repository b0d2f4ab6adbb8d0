"""Days off of the vendor: declared once for all partners, no deadline that opens afterwards counts them."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Length

from models.base import db
from models.calendars import VendorDay
from models.session import unit
from portal.calendars.describe import day_name
from portal.deadlines import vendor_days as service
from portal.errors import Invalid, NotFound
from portal.web import gate
from portal.web.shell import attempt, saved
from portal.web.staff import paging
from portal.web.staff.forms import refused_on
from portal.web.visitor import actor, now

vendor_days = Blueprint("vendor_days", __name__, url_prefix="/vendor-days")
gate.only(vendor_days, *gate.ADMINS)
UNTOUCHED = "Deadlines that are open keep their time."


class DayForm(FlaskForm):  # type: ignore[misc]
    """A day, and what partners read it is."""

    day = DateField("Day", [InputRequired("Give the day, such as 2026-12-24.")])
    name = StringField(
        "What day is it?",
        [Length(max=service.LONGEST_NAME, message=f"Use at most {service.LONGEST_NAME} characters.")],
    )


@vendor_days.get("")
def index() -> ResponseReturnValue:
    """The days off to come, and those that are past."""
    return _page(DayForm())


def _page(form: DayForm) -> ResponseReturnValue:
    query = select(VendorDay).order_by(VendorDay.day.desc())
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    listed, more = paging.cut(found)
    today = now().date()
    rows = [
        {"id": row.id, "day": day_name(row.day, today.year), "row": row, "to_come": row.day >= today} for row in listed
    ]
    return render_template(
        "vendor_days/index.html", form=form, rows=rows, **paging.numbered(more)
    ), 422 if form.errors else 200


@vendor_days.post("")
def declare() -> ResponseReturnValue:
    """Declare a day."""
    form = DayForm()
    day = form.day.data
    if not form.validate_on_submit() or day is None:
        return _page(form)
    try:
        row = unit(db.session, lambda: service.declare(db.session, day, form.name.data or "", now(), actor()))
    except Invalid as refusal:
        return _page(refused_on(form, refusal))
    saved(f"{day_name(row.day, now().year)} is a day off: no deadline that opens from now on counts it. {UNTOUCHED}")
    return redirect(url_for("vendor_days.index"))


@vendor_days.post("/<day_id>/withdraw")
def withdraw(day_id: str) -> ResponseReturnValue:
    """Withdraw a day that is still to come."""
    row = db.session.get(VendorDay, day_id)
    if row is None:
        raise NotFound
    sentence = f"{day_name(row.day, now().year)} counts again in what opens from now on. {UNTOUCHED}"
    work = lambda: unit(db.session, lambda: service.withdraw(db.session, day_id, now(), actor()))  # noqa: E731
    return attempt(work, sentence, url_for("vendor_days.index"))

"""The vendor's own hours: when a lead arrived in hours, and in which quiet periods no partner gets leads."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from models.base import db
from models.session import unit
from portal.allocation import vendor
from portal.errors import Conflict, Invalid
from portal.web import gate
from portal.web.partner.hours import WeekForm, field_of, typed, week_of
from portal.web.shell import saved
from portal.web.staff.forms import with_errors
from portal.web.visitor import actor, now

vendor_hours = Blueprint("vendor_hours", __name__, url_prefix="/our-hours")
gate.only(vendor_hours, *gate.ADMINS)


class VendorForm(WeekForm):
    """The hours that a partner has too, and where they are told."""

    read = HiddenField()
    timezone = StringField("Time zone", [InputRequired("Give a time zone such as Europe/Berlin.")])
    country = StringField("Country")

    def values(self) -> dict[str, Any]:
        """What was said, by the names of the API. Raises Invalid where hours cannot be read."""
        return {
            **self.settings(),
            "timezone": (self.timezone.data or "").strip(),
            "country": (self.country.data or "").strip().upper() or None,
        }


@vendor_hours.get("")
def page() -> ResponseReturnValue:
    """The hours as they are."""
    set_ = vendor.settings(db.session)
    shown = typed(set_, set_["holidays"] or {}, set_["quiet_periods"])
    told = {**shown, "timezone": set_["timezone"], "country": set_["country"], "read": vendor.mark(set_)}
    return _page(VendorForm(formdata=None, **told))


def _page(form: VendorForm, status: int = 200) -> ResponseReturnValue:
    return render_template("vendor_hours/index.html", form=form), 422 if form.errors and status == 200 else status


@vendor_hours.post("")
def change() -> ResponseReturnValue:
    """Change what is said otherwise, unless somebody else did since the page was read."""
    form = VendorForm()
    if not form.validate_on_submit():
        return _page(form)
    try:
        sent = _changed(form.values())
        if sent:
            unit(db.session, lambda: vendor.change(db.session, sent, now(), actor(), form.read.data or ""))
    except Conflict:
        return _overtaken(form)
    except Invalid as refusal:
        return _page(with_errors(form, [(field_of(name), sentence) for name, sentence in refusal.errors]))
    saved("Saved. The next lead goes by it; leads that wait are tried again." if sent else "Nothing was changed.")
    return redirect(url_for("vendor_hours.page"))


def _overtaken(form: VendorForm) -> ResponseReturnValue:
    """Somebody was first: what was typed stays, and saving it is a choice made."""
    set_ = vendor.settings(db.session)
    form.read.data = vendor.mark(set_)
    others = ", ".join(name.replace("_", " ") for name in _changed(form.values()))
    form.form_errors = [
        f"Somebody else changed the hours meanwhile. Nothing was saved. Saving now sets, as you typed: {others}."
    ]
    return _page(form, 409)


def _changed(values: dict[str, Any]) -> dict[str, Any]:
    """What differs from what counts now."""
    set_ = vendor.settings(db.session)
    counts = {**set_, "opening_hours": week_of(set_)}
    return {name: value for name, value in values.items() if counts[name] != value}

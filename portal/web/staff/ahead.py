"""The next 48 hours: every partner that comes down a rung if nobody does anything, and what prevents it."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.compliance.ahead import falls
from portal.vocabulary import Standing
from portal.web import gate
from portal.web.shell import due
from portal.web.staff import morning_reading
from portal.web.staff.fall_words import fall_sentence
from portal.web.staff.morning_reading import ToBeStopped
from portal.web.visitor import actor, now

ahead = Blueprint("ahead", __name__, url_prefix="/ahead")
gate.only(ahead, *gate.MANAGERS)


@ahead.get("")
def index() -> ResponseReturnValue:
    """Stops and other steps down, the first one first."""
    rows = morning_reading.with_leads(db.session, actor(), falls(db.session, actor(), now()))
    return render_template("ahead/index.html", rows=[_row(row) for row in rows])


def _row(row: ToBeStopped) -> dict[str, Any]:
    page, ids = url_for("partner.page", partner_id=row.partner.id), list(row.fall.misses)
    actions: list[dict[str, Any]] = [{"label": "See the partner", "url": page}]
    if row.contact is not None:
        name = row.contact.name.split()[0]
        actions = [{"label": f"Write to {name}", "url": morning_reading.mail_address(row.contact)}]
    if ids:
        extend = url_for("partner.extend", partner_id=row.partner.id, ids=ids)
        actions.append({"label": "Extend…", "url": extend, "plain": True})
    return {
        "title": row.partner.name, "url": page, "from": row.partner.standing.value, "to": row.fall.to.value,
        "stop": row.fall.to is Standing.STOPPED, "detail": fall_sentence(row), "due": due(row.fall.at),
        "actions": actions,
    }  # fmt: skip

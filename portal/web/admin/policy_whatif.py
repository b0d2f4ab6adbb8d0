"""Policy what-if: a past period under another policy, partner by partner. Reads only; nothing is stored or sent."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, Form
from wtforms.validators import InputRequired

from models.base import db
from models.compliance import Policy
from models.leads import Lead
from portal.accounts import access
from portal.compliance.replaying import PartnerReplay, Replay, replay
from portal.deadlines.document import parse_policy
from portal.errors import Invalid
from portal.web import gate
from portal.web.admin.policies import found_version
from portal.web.shell import zone
from portal.web.staff.forms import LAST_YEAR, end_of_day, refused_on, start_of_day
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

policy_whatif = Blueprint("policy_whatif", __name__, url_prefix="/policies")
gate.only(policy_whatif, *gate.ADMINS)
USUAL = timedelta(days=89)
GIVE = "Give a day, such as 2026-03-20."
LEADS_SHOWN = 20


class PeriodForm(Form):
    """The first and the last day, both whole, in the reader's zone."""

    first = DateField("From", [InputRequired(GIVE)])
    last = DateField("To", [InputRequired(GIVE)])

    @property
    def since(self) -> datetime:
        return start_of_day(_in_range(self.first.data, "first"))

    @property
    def until(self) -> datetime:
        """A day that is not over counts to this moment."""
        return min(end_of_day(_in_range(self.last.data, "last")), now())


def _in_range(day: date | None, name: str) -> date:
    if day is None or not 1970 <= day.year <= LAST_YEAR:
        raise Invalid([(name, GIVE)])
    return day


@policy_whatif.get("/<version_id>/what-if")
def page(version_id: str) -> ResponseReturnValue:
    """The period asked for (else the last 90 days are offered) under one version."""
    found, asked = found_version(version_id), bool(request.args)
    form = PeriodForm(request.args if asked else None)
    if not asked:
        today = now().astimezone(ZoneInfo(zone())).date()
        form.first.data, form.last.data = today - USUAL, today
    result = _replayed(found, form) if asked and form.validate() else None
    shown = _told(result) if result is not None else None
    status = 422 if asked and result is None else 200
    return render_template("policies/what_if.html", version=found, form=form, result=shown), status


def _replayed(found: Policy, form: PeriodForm) -> Replay | None:
    try:
        return replay(db.session, actor(), parse_policy(found.body), form.since, form.until)
    except Invalid as refusal:
        refused_on(form, refusal, {"from": "first", "to": "last"})
        return None


def _told(result: Replay) -> dict[str, Any]:
    stayed, moved = [sorted({result.leads[id_] for row in result.rows for id_ in getattr(row, side)})
                     for side in ("stayed", "moved")]  # fmt: skip
    return {
        "sentence": _sentence(result), "deadlines": result.deadlines, "redated": result.redated,
        "unknown": [kind.label.lower() for kind in result.unknown],
        "figures": [
            (label, result.total(name, "was"), result.total(name, "then"))
            for label, name in (("Deadlines that ran out", "due"), ("Missed", "missed"), ("Stops", "stops"))
        ]
        + [("Leads moved on by a missed deadline", *_moves(result))],
        "rows": [_row(row) for row in result.rows if row.differs],
        "same": sum(not row.differs for row in result.rows),
        "stayed": _links(stayed), "moved": _links(moved), "meanwhile": sum(row.meanwhile for row in result.rows),
    }  # fmt: skip


def _moves(result: Replay) -> tuple[int, int]:
    return sum(len(row.was.moved) for row in result.rows), sum(len(row.then.moved) for row in result.rows)


def _sentence(result: Replay) -> str:
    differing = sum(row.differs for row in result.rows)
    if not result.deadlines:
        return "No deadline was opened in this period: there is nothing to replay."
    if not differing:
        return f"All {result.deadlines:,} deadlines of the period would have ended as they did."
    partners = f"{differing} partner{'' if differing == 1 else 's'}"
    return f"{result.deadlines:,} deadlines replayed. For {partners} it would have gone otherwise."


def _row(row: PartnerReplay) -> dict[str, Any]:
    pairs = {
        name: (getattr(row.was, name), getattr(row.then, name)) for name in ("missed", "stops", "due")
    }  # fmt: skip
    return {
        "name": row.partner.name, "url": url_for("partner.page", partner_id=row.partner.id),
        "was": row.was.standing.value, "then": row.then.standing.value, **pairs,
        "moved": (len(row.was.moved), len(row.then.moved)),
        "days": (_days(row.was.stopped), _days(row.then.stopped)), "meanwhile": row.meanwhile,
    }  # fmt: skip


def _days(spans: tuple[tuple[datetime, datetime], ...]) -> int:
    total = sum((end - start for start, end in spans), timedelta(0))
    return round(total / timedelta(days=1))


def _links(lead_ids: list[str]) -> dict[str, Any]:
    leads = db.session.scalars(access.leads(actor()).where(Lead.id.in_(lead_ids[:LEADS_SHOWN])).order_by(Lead.id))
    shown = [{"url": url_for("lead.page", lead_id=lead.id), "name": lead_name(lead)} for lead in leads]
    return {"count": len(lead_ids), "shown": shown}

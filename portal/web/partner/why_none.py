"""Why we got no leads, or few, in some days: our own causes with what would change each, nothing of anybody else."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from models.assignments import Assignment
from models.base import db
from portal.accounts import access
from portal.allocation import why_none as words
from portal.allocation.why_none import DUE_FIRST, POOLED
from portal.calendars.describe import MONTHS
from portal.reporting import decided
from portal.reporting.measures import day_words
from portal.reporting.period import Period, period
from portal.vocabulary import Gate
from portal.web import gate
from portal.web.partner.strip import own_partner
from portal.web.shell import when, zone
from portal.web.staff.forms import day_of
from portal.web.visitor import actor, now

our_why = Blueprint("our_why", __name__, url_prefix="/standing/leads")
gate.only(our_why, *gate.PARTNER)
#: Where each cause can be changed: the words of the link, the page, the place on it.
LINKS: dict[str, tuple[str, str, str | None]] = {
    Gate.STANDING: ("The way back", "standing.index", "way-back"),
    Gate.REACHABLE: ("People", "team.index", "people"),
    Gate.OPEN_CAP: ("My work", "work.index", None),
    Gate.CLOSURE: ("Hours", "team.index", "hours"),
    Gate.QUIET_PERIOD: ("Hours", "team.index", "hours"),
    Gate.WANTS_KIND: ("Team and hours", "team.index", None),
    POOLED: ("Open pool", "pool.index", None),
}


@our_why.get("")
def index() -> ResponseReturnValue:
    """This month, or the days that the address asks for."""
    partner, days = own_partner(), _asked()
    why = decided.why_of(db.session, partner, days.starts, days.ends)
    spans = decided.spans_without(db.session, actor(), partner.id, days.starts, days.ends)
    return render_template(
        "standing/why.html",
        days=days,
        words=[_day(days.first), _day(days.last)],
        months=_months(days),
        title="Why we got no leads" if not why.got else "Why we got no more leads",
        sentence=words.headline(why, "partner"),
        reasons=[_shown(reason, why.halved) for reason in words.reasons(why, "partner")],
        spans=[{"from": when(first), "to": when(last) if last else None} for first, last in spans],
    )


def this_month() -> dict[str, Any]:
    """For the page of our standing: how many leads we got this month, and the way to why."""
    month = _month(_today())
    since = func.coalesce(Assignment.offered_at, Assignment.accepted_at)
    got = access.assignments(actor()).where(since >= month.starts, since < month.ends)
    count = db.session.scalar(select(func.count(func.distinct(got.subquery().c.lead_id)))) or 0
    return {"count": count, "month": MONTHS[month.first.month - 1], "url": url_for("our_why.index")}


def _today() -> date:
    return now().astimezone(ZoneInfo(zone())).date()


def _shown(reason: words.Reason, halved: bool) -> dict[str, Any]:
    link = LINKS[Gate.STANDING] if reason.name == DUE_FIRST and halved else LINKS.get(reason.name)
    details = ", ".join(f"{told}: {count}" for told, count in reason.details.items())
    shown = {"sentence": reason.sentence, "change": reason.change, "details": details, "link": None}
    return {**shown, "link": {"label": link[0], "url": url_for(link[1], _anchor=link[2])}} if link else shown


def _asked() -> Period:
    first, last = (day_of(request.args.get(name)) for name in ("from", "to"))
    return period(first, last, now(), zone()) if first or last else _month(_today())


def _month(of: date) -> Period:
    """The calendar month of a day, in the reader's zone."""
    first = of.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1), zone())


def _months(days: Period) -> list[dict[str, Any]]:
    """This month and the two before it."""
    month, found = _month(_today()), []
    for _ in range(3):
        args: dict[str, Any] = {"from": month.first.isoformat(), "to": month.last.isoformat()}
        label = MONTHS[month.first.month - 1]
        found.append({"label": label, "url": url_for("our_why.index", **args), "on": month == days})
        month = _month(month.first - timedelta(days=1))
    return found[::-1]


def _day(of: date) -> str:
    return f"{day_words(of)} {of.year}"

"""The days that a page of figures is about: kept in the address, with the usual lengths beside them."""

from datetime import date, timedelta
from typing import Any

from flask import request, url_for

from portal.reporting.measures import day_words
from portal.reporting.period import Period, period
from portal.web.shell import zone
from portal.web.staff.forms import day_of
from portal.web.visitor import now

SPANS = (7, 30, 90, 365)


def asked() -> Period:
    """The days that the address asks for, in the reader's zone; the last 30 where it asks for none."""
    return period(day_of(request.args.get("from")), day_of(request.args.get("to")), now(), zone())


def address(days: Period) -> dict[str, Any]:
    """What an address says of these days."""
    return {"from": days.first.isoformat(), "to": days.last.isoformat()}


def spans(days: Period, **more: Any) -> list[dict[str, Any]]:
    """The usual lengths up to today, for this page with ``more`` in its address."""
    today = period(None, None, now(), zone()).last
    usual = [(length, Period(today - timedelta(days=length - 1), today, zone())) for length in SPANS]
    endpoint, args = str(request.endpoint), {**(request.view_args or {}), **more}
    return [
        {"label": f"{length} days", "url": url_for(endpoint, **args, **address(span)), "on": span == days}
        for length, span in usual
    ]


def day(of: date) -> str:
    """A day with its year."""
    return f"{day_words(of)} {of.year}"

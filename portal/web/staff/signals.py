"""Signals: what looks like keeping the letter of the policy and not its sense, with the rows behind. Staff alone."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.leads import Lead
from portal.accounts import access
from portal.compliance.signals import LOOKED_BACK, NAMES, Kind, Row, Signal
from portal.compliance.signals_read import partners_named, signals_of_all
from portal.web import gate
from portal.web.shell import when
from portal.web.staff import partner_words
from portal.web.staff.partner import found_or_404
from portal.web.visitor import actor, now

signals_screen = Blueprint("signals", __name__, url_prefix="/signals")
gate.only(signals_screen, *gate.MANAGERS)
#: So many of the latest rows behind a signal are shown.
SHOWN = 25
#: The numbered conditions of each rule, as the page tells them.
RULES = {
    Kind.ACCEPTS_ALL: "At least 10 offers answered, 95 % of them accepted, and fewer than half of those accepted a "
    "week ago or earlier touched.",
    Kind.LAST_MINUTE: "At least 5 declines, half of them in the last tenth of the time to answer.",
    Kind.COPIED_NOTES: "At least 8 notes, half of them empty or with the same words on three or more leads.",
    Kind.UNTOUCHED_FEEDBACK: "At least 5 final verdicts, 40 % of them without a counted touch before.",
    Kind.BACK_DATED: "At least 10 touches, 30 % of them dated more than 24 hours before they were logged.",
}


@signals_screen.get("")
def index() -> ResponseReturnValue:
    """Partners with a signal, most signals first, and what each rule looks for."""
    found = signals_of_all(db.session, actor(), now())
    partners = partners_named(db.session, actor(), list(found))
    rows = [_line(partners[id_].name, id_, each) for id_, each in found.items()]
    rows.sort(key=lambda row: (-len(row["signals"]), row["name"]))
    return render_template("signals/index.html", rows=rows, rules=_rules(), days=LOOKED_BACK.days)


@signals_screen.get("/<partner_id>")
def page(partner_id: str) -> ResponseReturnValue:
    """One partner's signals with the rows behind each."""
    found = found_or_404(partner_id)
    told = signals_of_all(db.session, actor(), now(), partner_id).get(partner_id, [])
    names = _names([row for signal in told for row in signal.rows[:SHOWN]])
    return render_template(
        "signals/page.html", partner=found, days=LOOKED_BACK.days,
        signals=[{**_told(each), "rows": [_row(row, names) for row in each.rows[:SHOWN]]} for each in told],
    )  # fmt: skip


def _line(name: str, partner_id: str, found: list[Signal]) -> dict[str, Any]:
    return {
        "name": name, "url": url_for("partner.page", partner_id=partner_id),
        "rows_url": url_for("signals.page", partner_id=partner_id), "signals": [_told(each) for each in found],
    }  # fmt: skip


def _told(signal: Signal) -> dict[str, Any]:
    return {
        "name": NAMES[signal.kind], "sentence": signal.sentence, "rule": RULES[signal.kind], "count": signal.count,
        "of": signal.of, "left": max(0, signal.count - SHOWN),
    }  # fmt: skip


def _rules() -> list[tuple[str, str]]:
    return [(NAMES[kind], RULES[kind]) for kind in Kind]


def _names(rows: list[Row]) -> dict[str, str]:
    """What the leads behind are called, by id."""
    leads = db.session.scalars(access.leads(actor()).where(Lead.id.in_({row.lead_id for row in rows})))
    return {lead.id: partner_words.lead_name(lead) for lead in leads}


def _row(row: Row, names: dict[str, str]) -> dict[str, str]:
    return {
        "lead": names[row.lead_id], "url": url_for("lead.page", lead_id=row.lead_id), "at": when(row.at),
        "detail": row.detail,
    }  # fmt: skip

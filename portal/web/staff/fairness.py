"""Fairness: each rotation's exact shares beside the offers that were made, and why they differ."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.partners import Partner
from portal.accounts import access
from portal.allocation.sentences import CAUSES
from portal.reporting import decided
from portal.reporting.fairness import Fairness, Line, Rotation, fairness
from portal.reporting.period import Period
from portal.vocabulary import AssignmentOrigin, AssignmentState, Gate
from portal.web import gate
from portal.web.staff import days as pages
from portal.web.staff.why_none import ORIGINS
from portal.web.visitor import actor

fair = Blueprint("fairness", __name__, url_prefix="/fairness")
gate.only(fair, *gate.MANAGERS)
MARKS = 6
LABEL = 12
USED = {
    AssignmentState.DECLINED: "declined", AssignmentState.EXPIRED: "not answered", AssignmentState.RECALLED: "recalled",
}  # fmt: skip
AWAY = {Gate.EARLIER_HOLDER.value: "held before"}
OUTSIDE = tuple(origin for origin in ORIGINS if origin != AssignmentOrigin.ROTATION)
Names = Mapping[int, Any]


@fair.get("")
def index() -> ResponseReturnValue:
    """Every rotation of some days; ``rotation=`` for the one that is looked at, the busiest otherwise."""
    days, names = pages.asked(), _partners()
    found = fairness(decided.offers(db.session, days.starts, days.ends), decided.weights(db.session))
    mine = [each for each in found.rotations if any(line.slot in names for line in each.lines)]
    wanted = request.args.get("rotation", "")
    chosen = next((each for each in mine if each.key == wanted), mine[0] if mine else None)
    return render_template(
        "fairness/index.html",
        days=days,
        words=[pages.day(days.first), pages.day(days.last)],
        lengths=pages.spans(days, **({"rotation": chosen.key} if chosen else {})),
        some=actor().portfolio is not None,
        rotations=[_listed(each, days, each is chosen) for each in mine],
        rotation=_shown(chosen, names, days) if chosen else None,
        outside=_outside(found, names),
    )


def _partners() -> Names:
    """The partners that the visitor sees, by slot."""
    query = access.partners(actor()).with_only_columns(Partner.slot, Partner.id, Partner.name)
    return {row.slot: row for row in db.session.execute(query)}


def title(rotation: Rotation) -> str:
    """The rule, and the value where it keeps one rotation for each."""
    return rotation.rule if rotation.value is None else f"{rotation.rule}, {rotation.value or 'none named'}"


def _listed(rotation: Rotation, days: Period, on: bool) -> dict[str, Any]:
    args = {**pages.address(days), "rotation": rotation.key}
    return {
        "title": title(rotation), "url": url_for("fairness.index", **args), "on": on, "key": rotation.key,
        "drawn": lead_words(rotation.drawn),
        "partners": f"{len(rotation.lines)} partner{'' if len(rotation.lines) == 1 else 's'}",
        "worst": leads(rotation.worst),
    }  # fmt: skip


def _shown(rotation: Rotation, names: Names, days: Period) -> dict[str, Any]:
    lines = [line for line in rotation.lines if line.slot in names]
    return {
        **_listed(rotation, days, True),
        "sentence": _sentence(rotation),
        "lines": [_line(line, names, days) for line in lines],
        "items": [_mark(line, names) for line in lines[:MARKS]],
        "more": max(0, len(lines) - MARKS),
    }


def _sentence(rotation: Rotation) -> str:
    """What the balances prove."""
    told = f"The largest balance is {leads(rotation.worst)} of a lead."
    if rotation.steady:
        return f"{told} The same partners with the same weights shared every lead: it can never reach one."
    return (
        f"{told} Who could take a lead, or a weight, changed on the way; in a pool that stays the same it is under one."
    )


def _line(line: Line, names: Names, days: Period) -> dict[str, Any]:
    partner = names[line.slot]
    return {
        "name": partner.name,
        "url": url_for("partner.page", partner_id=partner.id),
        "why_url": url_for("partner_why.index", partner_id=partner.id, **pages.address(days)),
        "share": leads(line.share),
        "got": line.got,
        "off": leads(line.off, signed=True),
        "balance": leads(line.balance, signed=True),
        "why": why(line),
    }


def why(line: Line) -> str:
    """Why what it got differs from a plain share of all leads."""
    parts = []
    if line.used:
        parts.append(f"{_counted(line.used, USED)}: the turn is used")
    if line.away:
        causes = {gate: AWAY.get(gate, CAUSES[Gate(gate)].replace("their", "its")) for gate in line.away}
        parts.append(f"no share of {lead_words(sum(line.away.values()))} ({_counted(line.away, causes)})")
    if line.not_for_it:
        parts.append(f"{line.not_for_it} not of its territory or products")
    told = "; ".join(parts)
    return f"{told[:1].upper()}{told[1:]}." if told else "It shared every lead."


def _counted(counts: Mapping[Any, int], words: Mapping[Any, str]) -> str:
    return ", ".join(f"{count} {words[key]}" for key, count in sorted(counts.items(), key=lambda pair: -pair[1]))


def _mark(line: Line, names: Names) -> dict[str, Any]:
    name = names[line.slot].name
    label = name if len(name) <= LABEL else name[: LABEL - 1].rstrip() + "…"
    return {
        "label": label,
        "value": line.got,
        "before": float(line.share),
        "text": f"{line.got:,}",
    }


def lead_words(count: int) -> str:
    """ "1 lead", "1,200 leads"."""
    return f"{count:,} lead{'' if count == 1 else 's'}"


def leads(of: Fraction, *, signed: bool = False) -> str:
    """Leads with two decimals; a balance with its sign."""
    text = f"{float(of):+,.2f}" if signed else f"{float(of):,.2f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else "0.00"


def _outside(found: Fairness, names: Names) -> dict[str, Any]:
    """Who got leads outside the rotations, and how."""
    used = [origin for origin in OUTSIDE if any(by == origin for _, by in found.outside)]
    rows = [
        {"name": row.name, "url": url_for("partner.page", partner_id=row.id),
         "counts": [found.outside.get((row.id, origin), 0) for origin in used]}
        for row in names.values()
    ]  # fmt: skip
    rows = [row for row in rows if any(row["counts"])]
    return {
        "heads": [ORIGINS[origin].capitalize() for origin in used],
        "rows": sorted(rows, key=lambda row: (-sum(row["counts"]), row["name"].casefold())),
    }

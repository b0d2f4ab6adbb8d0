"""Allocation as a whole, explained: why a partner got none, each rotation's shares, where leads find nobody."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from models.partners import Partner
from portal.accounts import access
from portal.allocation import why_none as words
from portal.api import insight_answers as answers
from portal.api.call import MANAGERS, READERS, STAFF, call, hidden_from_others
from portal.api.edge import Call
from portal.api.kinds import instant_json
from portal.api.partners import find_partner
from portal.errors import Invalid
from portal.reporting import decided
from portal.reporting.coverage import Cell
from portal.reporting.fairness import Line, Rotation, fairness
from portal.reporting.period import MOST_DAYS, USUAL_DAYS

TAG = "Reports"
FAIRNESS = (
    "Share: the sum of a partner's parts of each lead drawn by turns, by weight among those whose gates let it "
    "through. Balance: what it is owed since the rotation began, after the last lead of these days."
)
COVERAGE = (
    "Found nobody: at least once a decision about the lead had no partner to offer it to. Partners able: of those "
    "whose territory and products take such a lead, how many no gate keeps off now; rules aside."
)


def _days(this: Call) -> tuple[datetime, datetime]:
    """The period asked for: to now, and 30 days, where it is not said. Raises Invalid beyond two years."""
    to = this.query.to or this.now
    first = this.query.from_ or to - timedelta(days=USUAL_DAYS)
    if to - first > timedelta(days=MOST_DAYS):
        raise Invalid([("from", f"Ask for at most {MOST_DAYS} days.")])
    return first, to


def _edges(first: datetime, to: datetime) -> dict[str, Any]:
    return {"from": instant_json(first), "to": instant_json(to)}


@call(
    "GET", "/partners/<partner_id>/why-none", READERS, {200: answers.WhyNone}, tag=TAG, find=find_partner,
    query=answers.DaysQuery,
)  # fmt: skip
def why_none(this: Call) -> tuple[int, Any]:
    """Tell why a partner got no leads, or no more, of those decided about in some days. From the stored decisions.

    Each lead counts once. A partner reads its own causes; that others were due first is told without a count.
    """
    first, to = _days(this)
    why = decided.why_of(this.session, this.found, first, to)
    audience = "partner" if this.actor.is_partner else "staff"
    return 200, {
        "partner_id": this.found.id, **_edges(first, to), "got": len(why.got),
        "sentence": words.headline(why, audience, this.found.name),
        "causes": [
            {"cause": reason.name, "leads": reason.leads, "sentence": reason.sentence, "change": reason.change,
             "details": _details(reason.details)}
            for reason in words.reasons(why, audience)
        ],
    }  # fmt: skip


def _details(counts: Mapping[Any, int]) -> list[dict[str, Any]]:
    return [{"name": str(name), "leads": count} for name, count in counts.items()]


@call(
    "GET", "/reports/fairness", MANAGERS, {200: answers.FairnessReport}, tag=TAG, query=answers.DaysQuery,
    find=hidden_from_others(STAFF),
)  # fmt: skip
def report_fairness(this: Call) -> tuple[int, Any]:
    """Show each rotation's exact shares beside the offers that were made. A portfolio reads of its own partners."""
    first, to = _days(this)
    found = fairness(decided.offers(this.session, first, to), decided.weights(this.session))
    seen = access.partners(this.actor).with_only_columns(Partner.slot, Partner.id)
    ids: dict[int, str] = {row.slot: row.id for row in this.session.execute(seen)}
    own = frozenset(ids.values())
    rotations = [_rotation(each, ids) for each in found.rotations]
    outside = [
        {"partner_id": partner_id, "origin": origin, "leads": count}
        for (partner_id, origin), count in found.outside.items() if partner_id in own
    ]  # fmt: skip
    shown = [each for each in rotations if each["partners"]]
    return 200, {**_edges(first, to), "definition": FAIRNESS, "rotations": shown, "outside": outside}


def _rotation(of: Rotation, ids: Mapping[int, str]) -> dict[str, Any]:
    lines = [_line(line, ids[line.slot]) for line in of.lines if line.slot in ids]
    return {"rule": of.rule, "value": of.value, "drawn": of.drawn, "steady": of.steady, "partners": lines}


def _line(line: Line, partner_id: str) -> dict[str, Any]:
    return {
        "partner_id": partner_id, "share": _leads(line.share), "offers": line.got, "difference": _leads(line.off),
        "balance": _leads(line.balance), "shared": line.shared, "kept_off": _details(line.away),
        "not_for_it": line.not_for_it, "unused": _details(line.used),
    }  # fmt: skip


def _leads(of: Fraction) -> float:
    return round(float(of), 4)


@call(
    "GET", "/reports/coverage", STAFF, {200: answers.CoverageReport}, tag=TAG, query=answers.CoverageQuery,
    find=hidden_from_others(STAFF),
)  # fmt: skip
def report_coverage(this: Call) -> tuple[int, Any]:
    """Show where leads find a partner and where they do not, worst first, of the leads that came in in some days."""
    first, to = _days(this)
    regions = this.query.by is answers.Places.REGION
    found = decided.coverage(this.session, this.actor, first, to, this.now, regions=regions, everything=False)
    return 200, {**_edges(first, to), "definition": COVERAGE, "cells": [_cell(cell) for cell in found]}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "country": cell.spot.country or None, "region": cell.spot.region or None, "product": cell.product or None,
        "leads": len(cell.leads), "found_nobody": len(cell.nobody), "waiting": cell.waiting, "budget": cell.value,
        "cause": cell.cause, "partners_able": len(cell.able), "partners_covering": cell.covering,
    }  # fmt: skip

"""The compliance board: every partner by standing, its trend, what is overdue or soon due there, and acts on many."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.vocabulary import Standing
from portal.web import gate
from portal.web.shell import due, since, when
from portal.web.staff import board_reading, paging, partner_words
from portal.web.staff.board_reading import LISTED, SOON, SORTS, SPAN, SPANS, Row, Wanted
from portal.web.visitor import actor, now

board = Blueprint("board", __name__, url_prefix="/board")
gate.only(board, *gate.MANAGERS)


@board.get("")
def index() -> ResponseReturnValue:
    """The board; filters and order stay in the address."""
    wanted = _wanted()
    rows, more = board_reading.rows(db.session, actor(), now(), wanted, paging.page_number())
    counts = board_reading.counts(db.session, actor())
    return render_template(
        "board/index.html",
        rows=[shown(row) for row in rows],
        total=sum(counts.values()),
        wanted=wanted,
        tiers=board_reading.tiers(db.session, actor()),
        sorts=SORTS,
        filters=_filters(counts, wanted.standing),
        window=board_reading.window_days(db.session, now()),
        weeks=SPANS * SPAN.days // 7,
        soon_days=SOON.days,
        here=paging.here(),
        **paging.numbered(more),
    )


def _wanted() -> Wanted:
    standing, sort = request.args.get("standing", ""), request.args.get("sort", "")
    return Wanted(
        standing=Standing(standing) if standing in set(Standing) else None,
        tier=request.args.get("tier", "").replace("\x00", "")[:64],
        text=paging.words(),
        sort=sort if sort in SORTS else "standing",
    )


def _filters(counts: dict[Standing, int], on: Standing | None) -> list[dict[str, Any]]:
    """All, and each standing that some partner has, with how many."""
    listed: list[dict[str, Any]] = [
        {"label": f"All {sum(counts.values())}", "url": paging.here(standing=None, page=None), "on": on is None}
    ]
    return listed + [
        {"label": f"{each.label} {counts[each]}", "url": paging.here(standing=each.value, page=None), "on": on is each}
        for each in board_reading.WORST_FIRST
        if each in counts
    ]


def shown(row: Row) -> dict[str, Any]:
    """A row as the table shows it."""
    partner = row.partner
    return {
        "id": partner.id,
        "name": partner.name,
        "url": url_for("partner.page", partner_id=partner.id),
        "tier": partner.tier,
        "country": partner.country,
        "active": partner.active,
        "reachable": partner.reachable,
        "standing": partner.standing.value,
        "until": when(partner.standing_until) if partner.standing_until else None,
        "since": since(partner.standing_since),
        "kept": row.rate.kept,
        "due_count": row.rate.due,
        "few": not row.rate.counts,
        "trend": [round(100 * kept / of) if of else None for kept, of in row.trend],
        "trend_text": _trend(row),
        "overdue": row.overdue,
        "next": due(row.next_due) if row.next_due else None,
        "open": partner.open_leads,
        "cap": partner.cap_now,
        "soon": [partner_words.deadline(each.obligation, each.lead) for each in row.soon],
        "soon_text": soon_words(row.overdue, row.soon_count),
        "unlisted": max(0, row.soon_count - LISTED),
    }


def _trend(row: Row) -> str:
    told = [f"{kept} of {of}" if of else "nothing due" for kept, of in row.trend]
    return f"Kept of due, two weeks at a time, the oldest first: {', '.join(told)}"


def soon_words(overdue: int, count: int) -> str:
    """What the list under a partner holds: "2 overdue, 3 due in 7 days"."""
    ahead = count - overdue
    parts = [f"{overdue} overdue"] if overdue else []
    return ", ".join(parts + ([f"{ahead} due in {SOON.days} days"] if ahead > 0 else []))

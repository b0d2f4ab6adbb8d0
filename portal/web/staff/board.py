"""The compliance board: every partner by standing, and what is due there next."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.vocabulary import Standing
from portal.web import gate
from portal.web.shell import due, since, when
from portal.web.staff import board_reading, paging
from portal.web.staff.board_reading import Row
from portal.web.visitor import actor, now

board = Blueprint("board", __name__, url_prefix="/board")
gate.only(board, *gate.MANAGERS)


@board.get("")
def index() -> ResponseReturnValue:
    """The board; filters stay in the address."""
    standing, tier, text = _standing(), request.args.get("tier", "")[:64], paging.words()
    rows, more = board_reading.rows(db.session, actor(), now(), standing, tier, text, paging.page_number())
    counts = board_reading.counts(db.session, actor())
    return render_template(
        "board/index.html",
        rows=[shown(row) for row in rows],
        total=sum(counts.values()),
        standing=standing,
        tier=tier,
        q=text,
        tiers=board_reading.tiers(db.session, actor()),
        filters=_filters(counts, standing),
        window=board_reading.window_days(db.session, now()),
        filtered=bool(standing or tier or text),
        **paging.numbered(more),
    )


def _standing() -> Standing | None:
    text = request.args.get("standing", "")
    return Standing(text) if text in set(Standing) else None


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
        "overdue": row.overdue,
        "next": due(row.next_due) if row.next_due else None,
        "open": partner.open_leads,
        "cap": partner.cap_now,
    }

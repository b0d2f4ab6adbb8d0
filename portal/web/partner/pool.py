"""The open pool: what the partner may claim, and what keeps it from claiming."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.allocation import pool as open_pool
from portal.allocation.pool import Pooled
from portal.enforcement import acts
from portal.errors import Conflict
from portal.web import gate
from portal.web.partner import acting, words
from portal.web.partner.strip import strip
from portal.web.shell import due, saved, when
from portal.web.visitor import actor, now

pool = Blueprint("pool", __name__, url_prefix="/pool")
gate.only(pool, *gate.PARTNER)


def fitting() -> list[Pooled]:
    """The pooled leads that the visitor's partner sees."""
    return open_pool.shown_to(db.session, actor().partner_id or abort(404), now())


@pool.get("")
def index() -> ResponseReturnValue:
    """The leads that fit, best grade first."""
    found = fitting()
    open_ones = [row(item) for item in found if item.hindrance is None]
    barred = [row(item) for item in found if item.hindrance is not None]
    return render_template("pool/index.html", open_ones=open_ones, barred=barred, strip=strip())


def row(item: Pooled) -> dict[str, Any]:
    """One lead of the pool: what anyone may see of it, and the claim button or why not now."""
    lead = item.lead
    action = {"label": "Claim", "url": url_for("pool.claim", lead_id=lead.id), "post": True}
    return {
        "id": lead.id,
        "grade": lead.grade,
        "who": words.name_of(lead, False),
        "detail": words.detail_of(lead, False),
        "ask": words.present(item.hindrance or "") or words.origin_of(lead) or "Open to claim",
        "ask_detail": words.origin_of(lead) if item.hindrance else f"Asked {when(lead.received_at)}",
        "due": {**due(lead.pool_until), "level": "later"} if lead.pool_until else None,
        "action": None if item.hindrance else action,
        "url": None,
        "open": False,
    }


@pool.post("/<lead_id>/claim")
def claim(lead_id: str) -> ResponseReturnValue:
    """Claim a lead: then it is accepted, and its page opens."""
    try:
        assignment = acts.claim(db.session, actor(), lead_id, now())
    except Conflict as refusal:
        gone = str(refusal) == open_pool.GONE
        acting.refused(Conflict(_left() if gone else words.present(str(refusal))))
        return redirect(url_for("pool.index"))
    saved(f"Claimed: this lead is yours.{acting.owed(assignment.id)}")
    return redirect(url_for("lead.page", lead_id=lead_id))


def _left() -> str:
    """What whoever was second is told: neither who took it nor when."""
    count = len(fitting())
    fits = "No other lead" if not count else "1 other lead" if count == 1 else f"{count} other leads"
    return f"This lead has left the pool. {fits} {'fits' if count < 2 else 'fit'} you now."

"""The queue: leads that found nobody, why, since when; each can be assigned by hand or tried again."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.leads import Lead
from models.session import unit
from portal.accounts import access
from portal.enforcement.placing import place_waiting
from portal.vocabulary import LeadStatus, QueueReason
from portal.web import gate
from portal.web.shell import saved, since
from portal.web.staff import lead_reading, paging
from portal.web.staff.lead_reading import Waiting
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

queue = Blueprint("queue", __name__, url_prefix="/queue")
gate.only(queue, *gate.MANAGERS)
MOST_AT_ONCE = 200


@queue.get("")
def index() -> ResponseReturnValue:
    """Best grade first, then longest waiting."""
    rows, more = lead_reading.waiting(db.session, actor(), paging.page_number())
    total = lead_reading.waiting_count(db.session, actor())
    shown = [_row(row) for row in rows]
    return render_template("queue/index.html", rows=shown, total=total, here=paging.here(), **paging.numbered(more))


def _row(row: Waiting) -> dict[str, Any]:
    lead, reason = row.lead, reason_of(row.lead)
    return {
        "id": lead.id,
        "grade": lead.grade,
        "name": lead_name(lead),
        "url": url_for("lead.page", lead_id=lead.id),
        "detail": ", ".join(filter(None, (lead.product, lead.region, lead.country))) or "No product or place given",
        "reason": reason,
        "sentence": row.sentence if row.sentence.rstrip(".") != reason else "",
        "since": since(row.since),
        "again": retriable(lead),
    }


def reason_of(lead: Lead) -> str:
    """Why a lead waits, in a few words."""
    reason = lead.reason or ""
    return QueueReason(reason).label if reason in set(QueueReason) else reason or lead.status.label


def retriable(lead: Lead) -> bool:
    """Whether placing it by the rules again can change anything."""
    return lead.status is LeadStatus.UNALLOCATED and lead.reason != QueueReason.HAND_OVER_LIMIT


@queue.post("/run")
def run() -> ResponseReturnValue:
    """Try every lead that waits for a partner, each in its own transaction."""
    ids = [lead.id for lead in lead_reading.retriable(db.session, actor(), MOST_AT_ONCE)]
    placed = sum(_place(lead_id) for lead_id in ids)
    if not ids:
        flash("Nothing waits that the rules could place: assign by hand.", "stop")
    elif placed:
        saved(f"{placed} of {len(ids)} found a place.")
    else:
        flash(f"Tried {len(ids)}: nobody can take {'it' if len(ids) == 1 else 'them'} now.", "stop")
    return redirect(url_for("queue.index"))


@queue.post("/<lead_id>/run")
def run_one(lead_id: str) -> ResponseReturnValue:
    """Try one lead again."""
    lead = access.one(db.session, access.leads(actor()), Lead.id, lead_id)
    if not retriable(lead):
        flash(f"{reason_of(lead)}: the rules do not place it again. Assign it by hand.", "stop")
    elif _place(lead_id):
        saved(f"{lead_name(lead)} found a place.")
    else:
        flash(f"Nobody can take {lead_name(lead)} now.", "stop")
    return redirect(url_for("queue.index"))


def _place(lead_id: str) -> bool:
    return unit(db.session, lambda: place_waiting(db.session, lead_id, now(), by_hand=True))

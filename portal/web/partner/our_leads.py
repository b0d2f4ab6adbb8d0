"""All our leads: those in the partner's hands, and those it won or lost."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.assignments import Assignment, Obligation
from models.base import db
from models.leads import Lead
from portal.web import gate
from portal.web.partner import acting, reading, words
from portal.web.partner.reading import STATES
from portal.web.partner.strip import strip
from portal.web.shell import due, when
from portal.web.visitor import actor

our_leads = Blueprint("our_leads", __name__, url_prefix="/our-leads")
gate.only(our_leads, *gate.PARTNER)


@our_leads.get("")
def index() -> ResponseReturnValue:
    """A page of the list; the address keeps filter, search and place."""
    state = request.args.get("status")
    state = state if state in STATES else None
    words_ = request.args.get("q", "").strip()[:200]
    after = request.args.get("after")
    page = reading.own_leads(db.session, actor(), state, words_, after)
    kept: dict[str, Any] = {"status": state, "q": words_ or None}
    return render_template(
        "our_leads/index.html",
        rows=_rows(page),
        heading=(state or "all leads").capitalize(),
        state=state,
        q=words_,
        filters=_filters(state, words_),
        strip=strip(),
        first_url=url_for("our_leads.index", **kept) if after else None,
        next_url=url_for("our_leads.index", **kept, after=page.next) if page.next else None,
    )


def _filters(state: str | None, words_: str) -> list[dict[str, Any]]:
    """All, then each state; the one in force is marked."""
    named = [(None, "All"), *((name, name.capitalize()) for name in STATES)]
    return [
        {"label": label, "on": name == state, "url": url_for("our_leads.index", status=name, q=words_ or None)}
        for name, label in named
    ]


def _rows(page: reading.Page) -> list[dict[str, Any]]:
    owed = reading.due_next(db.session, actor(), [assignment.id for assignment, _ in page.rows])
    return [row(assignment, lead, owed.get(assignment.id)) for assignment, lead in page.rows]


def row(assignment: Assignment, lead: Lead, owed: Obligation | None) -> dict[str, Any]:
    """One lead of the list: who it is as far as we may know, how far it is, what is owed on it next."""
    known, url = words.knows(assignment), url_for("lead.page", lead_id=lead.id)
    state = words.state_of(assignment).capitalize()
    return {
        "id": assignment.id,
        "grade": lead.grade,
        "who": words.name_of(lead, known),
        "detail": words.detail_of(lead, known),
        "ask": f"{state} · {acting.lower(owed.kind.label)} is due" if owed else state,
        "ask_detail": f"Since {when(words.held_since(assignment))}",
        "due": due(owed.due_at) if owed else None,
        "url": url,
        "action": {"label": "Open", "url": url},
        "open": False,
    }

"""My work: everything the partner owes, by when it is due; each row with its one action, done without leaving."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.assignments import Assignment
from models.base import db
from models.leads import Lead
from portal.accounts import access
from portal.calendars.describe import exact
from portal.errors import Conflict, Invalid
from portal.follow_up.undo import Ask
from portal.vocabulary import AssignmentState, ObligationKind
from portal.web import gate
from portal.web.partner import acting, reading, words
from portal.web.partner.acting import LeadForm
from portal.web.partner.reading import Work
from portal.web.partner.strip import own_partner, strip
from portal.web.shell import due, safe_next, saved, when, zone
from portal.web.visitor import actor, now

work = Blueprint("work", __name__, url_prefix="/work")
gate.only(work, *gate.PARTNER)

SHOWN_LATER = 5
A_WEEK = timedelta(days=7)
BUTTONS = {
    ObligationKind.FIRST_CONTACT: ("log", "Log a touch"),
    ObligationKind.NEXT_TOUCH: ("log", "Log a touch"),
    ObligationKind.UPDATE: ("log", "Log a touch"),
    ObligationKind.FEEDBACK: ("feedback", "Give feedback"),
}


@work.get("")
def index() -> ResponseReturnValue:
    """The list; ``open`` and ``form`` name the row and the form that is open under it, ``later`` unfolds the rest."""
    return page(request.args.get("open", ""), request.args.get("form", ""))


def here(**more: Any) -> str:
    """The address of the list as it is shown, with what is to be added."""
    return url_for("work.index", later=request.args.get("later") and 1, **more)


@work.post("/<assignment_id>/accept")
def accept(assignment_id: str) -> ResponseReturnValue:
    """Accept an offer from its row."""
    _own(assignment_id)
    try:
        saved(acting.accept(assignment_id))
    except Conflict as refusal:
        acting.refused(refusal)
    return redirect(here())


@work.post("/<assignment_id>/<any(log, decline, feedback):name>")
def act(assignment_id: str, name: str) -> ResponseReturnValue:
    """Do what the form under a row says; the form again, with what is wrong, where it cannot be taken."""
    held = _own(assignment_id)
    owed = reading.owed(db.session, actor(), assignment_id)
    form = acting.form_for(name, held, db.session.get_one(Lead, held.lead_id), owed)
    if not form.validate_on_submit():
        return page(assignment_id, name, form, 422)
    try:
        acting.tell(acting.act(form, assignment_id), assignment_id, here())
    except Invalid as refusal:
        return page(assignment_id, name, acting.with_errors(form, refusal), 422)
    except Conflict as refusal:
        acting.refused(refusal)
    return redirect(here())


@work.post("/<assignment_id>/undo")
def undo(assignment_id: str) -> ResponseReturnValue:
    """Take back the touch or feedback that was recorded a moment ago."""
    _own(assignment_id)
    ask = Ask(request.form.get("activity"), request.form.get("feedback"))
    try:
        saved(acting.undo(assignment_id, ask))
    except Conflict as refusal:
        acting.refused(refusal)
    return redirect(safe_next(request.form.get("next"), url_for("work.index")))


def _own(assignment_id: str) -> Assignment:
    """To a partner another's assignment does not exist."""
    own = access.assignments(actor()).where(Assignment.id == assignment_id)
    return db.session.scalars(own).first() or abort(404)


def page(opened: str, name: str, form: LeadForm | None = None, status: int = 200) -> ResponseReturnValue:
    """The whole screen, with one form open under its row."""
    rows = reading.work(db.session, actor())
    groups = reading.grouped(rows, now(), zone())
    form = form or _new_form(opened, name, rows)
    return render_template(
        "work/index.html",
        partner=own_partner(),
        strip=strip(always=True),
        form=form,
        form_name=name,
        form_url=url_for("work.act", assignment_id=opened, name=name, later=request.args.get("later") and 1)
        if form
        else None,
        opened=opened,
        groups=with_one_primary([_group(title, found, opened) for title, found in groups.items() if found], form),
        day=exact(now(), zone(), now() - A_WEEK),
    ), status


def _new_form(opened: str, name: str, rows: list[Work]) -> LeadForm | None:
    """The form that the address asks for, where its row is there and takes it."""
    item = next((row for row in rows if row.assignment.id == opened), None)
    if item is None:
        return None
    offered = item.assignment.state is AssignmentState.OFFERED
    takes = ("decline",) if offered else ("log", "feedback")
    return acting.form_for(name, item.assignment, item.lead, item.owed) if name in takes else None


def with_one_primary(groups: list[dict[str, Any]], form: LeadForm | None) -> list[dict[str, Any]]:
    """The most urgent row's button is the filled one, unless a form is open: then its save is."""
    if groups and form is None:
        groups[0]["rows"][0]["action"]["primary"] = True
    return groups


def _group(title: str, found: list[Work], opened: str) -> dict[str, Any]:
    """A group of rows; what is due later shows its first few, unless asked for or a row among the rest is open."""
    folded = title == "Later" and len(found) > SHOWN_LATER and not request.args.get("later")
    folded = folded and all(item.assignment.id != opened for item in found[SHOWN_LATER:])
    shown = found[:SHOWN_LATER] if folded else found
    return {
        "title": title,
        "count": len(found),
        "late": title == "Overdue",
        "more_url": url_for("work.index", later=1) if folded else None,
        "rows": [row(work, opened) for work in shown],
    }


def row(item: Work, opened: str) -> dict[str, Any]:
    """What one row of the list shows."""
    known = words.knows(item.assignment)
    action, lesser = _actions(item, opened)
    return {
        "id": item.assignment.id,
        "grade": item.lead.grade,
        "who": words.name_of(item.lead, known),
        "detail": words.detail_of(item.lead, known),
        "ask": words.ASKS[item.first.kind].format(number=item.first.number),
        "ask_detail": _second(item),
        "due": due(item.first.due_at),
        "url": url_for("lead.page", lead_id=item.lead.id),
        "action": action,
        "lesser": lesser,
        "open": opened == item.assignment.id,
    }


def _second(item: Work) -> str:
    """The line under what is asked: what came last, and what else is owed on this lead."""
    if item.first.kind is ObligationKind.RESPOND:
        return words.origin_of(item.lead) or ("" if item.overdue(now()) else "A decline does not hurt your standing")
    others = [acting.lower(o.kind.label) for o in item.owed[1:] if o.due_at <= now()]
    parts = [f"Also late: {', '.join(others)}" if others else "", _before(item)]
    return " · ".join(part for part in parts if part)


def _before(item: Work) -> str:
    if item.last is not None:
        last = item.last
        return f"Last: {acting.lower(last.kind.label)}, {when(last.occurred_at)}, {acting.lower(last.outcome.label)}"
    accepted = item.assignment.accepted_at
    return f"Accepted {when(accepted)}" if accepted else ""


def _actions(item: Work, opened: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The row's one action, and the plain one beside it: declining an offer."""
    if opened == item.assignment.id:
        return {"label": "Close", "url": here()}, None
    if item.assignment.state is AssignmentState.OFFERED:
        accept_url = url_for("work.accept", assignment_id=item.assignment.id, later=request.args.get("later") and 1)
        return {"label": "Accept", "url": accept_url, "post": True}, {
            **_opens(item, "decline", "Decline"),
            "plain": True,
        }
    return _opens(item, *BUTTONS[item.first.kind]), None


def _opens(item: Work, name: str, label: str) -> dict[str, Any]:
    """The link that opens a form under the row."""
    anchor = f"row-{item.assignment.id}"
    return {"label": label, "url": here(open=item.assignment.id, form=name, _anchor=anchor)}

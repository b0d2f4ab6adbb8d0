"""My work: everything the partner owes, by when it is due; each row with its one action, done without leaving."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.assignments import Assignment
from models.base import db
from portal.accounts import access
from portal.calendars.describe import exact
from portal.errors import Conflict, Invalid
from portal.vocabulary import AssignmentState, ObligationKind
from portal.web import gate
from portal.web.partner import acting, reading, words
from portal.web.partner.acting import FORMS, LeadForm
from portal.web.partner.reading import Work
from portal.web.partner.strip import own_partner, strip
from portal.web.shell import due, saved, when, zone
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
    """The list; ``open`` and ``form`` name the row and the form that is open under it."""
    name = request.args.get("form", "")
    opened = request.args.get("open", "")
    form = FORMS[name]() if opened and name in ("log", "decline", "feedback") else None
    return page(opened, name, form)


@work.post("/<assignment_id>/accept")
def accept(assignment_id: str) -> ResponseReturnValue:
    """Accept an offer from its row."""
    _own(assignment_id)
    try:
        saved(acting.accept(assignment_id))
    except Conflict as refusal:
        acting.refused(refusal)
    return redirect(url_for("work.index"))


@work.post("/<assignment_id>/<any(log, decline, feedback):name>")
def act(assignment_id: str, name: str) -> ResponseReturnValue:
    """Do what the form under a row says; the form again, with what is wrong, where it cannot be taken."""
    _own(assignment_id)
    form = FORMS[name]()
    if not form.validate_on_submit():
        return page(assignment_id, name, form, 422)
    try:
        saved(acting.do(form, assignment_id))
    except Invalid as refusal:
        return page(assignment_id, name, acting.with_errors(form, refusal), 422)
    except Conflict as refusal:
        acting.refused(refusal)
    return redirect(url_for("work.index"))


def _own(assignment_id: str) -> None:
    """To a partner another's assignment does not exist."""
    if db.session.scalars(access.assignments(actor()).where(Assignment.id == assignment_id)).first() is None:
        abort(404)


def page(opened: str, name: str, form: LeadForm | None, status: int = 200) -> ResponseReturnValue:
    """The whole screen, with one form open under its row."""
    rows = reading.work(db.session, actor())
    groups = reading.grouped(rows, now(), zone())
    return render_template(
        "work/index.html",
        partner=own_partner(),
        strip=strip(always=True),
        form=form,
        form_name=name,
        opened=opened,
        groups=with_one_primary([_group(title, found, opened) for title, found in groups.items() if found], form),
        day=exact(now(), zone(), now() - A_WEEK),
    ), status


def with_one_primary(groups: list[dict[str, Any]], form: LeadForm | None) -> list[dict[str, Any]]:
    """The most urgent row's button is the filled one, unless a form is open: then its save is."""
    if groups and form is None:
        groups[0]["rows"][0]["action"]["primary"] = True
    return groups


def _group(title: str, found: list[Work], opened: str) -> dict[str, Any]:
    """A group of rows; what is due later shows its first few unless asked for."""
    folded = title == "Later" and len(found) > SHOWN_LATER and not request.args.get("later")
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
    close = {"label": "Close", "url": url_for("work.index")}
    if opened == item.assignment.id:
        return close, None
    if item.assignment.state is AssignmentState.OFFERED:
        accept_url = url_for("work.accept", assignment_id=item.assignment.id)
        return {"label": "Accept", "url": accept_url, "post": True}, {
            **_opens(item, "decline", "Decline"),
            "plain": True,
        }
    return _opens(item, *BUTTONS[item.first.kind]), None


def _opens(item: Work, name: str, label: str) -> dict[str, Any]:
    """The link that opens a form under the row."""
    anchor = f"row-{item.assignment.id}"
    return {"label": label, "url": url_for("work.index", open=item.assignment.id, form=name, _anchor=anchor)}

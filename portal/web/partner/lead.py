"""One lead: the partner's page with everything it owes and may do, the staff's with who held it and why."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.assignments import Assignment, Obligation
from models.base import db
from models.leads import Lead
from portal.accounts import access
from portal.allocation import why
from portal.allocation.hand import ASSIGNABLE, REOPENABLE
from portal.deadlines.service import TOUCH_KINDS
from portal.errors import Conflict, Invalid, NotFound
from portal.follow_up import deals
from portal.vocabulary import LIVE_LEAD, AssignmentState, LeadStatus, ObligationKind
from portal.web import gate
from portal.web.partner import acting, lead_facts, reading, words
from portal.web.partner.acting import LeadForm
from portal.web.partner.forms import DealForm
from portal.web.partner.strip import strip
from portal.web.partner.timeline import Story, lines, story_of
from portal.web.shell import saved, when
from portal.web.visitor import actor, now

lead = Blueprint("lead", __name__, url_prefix="/leads")
gate.only(lead, *gate.PARTNER, *gate.STAFF)


@lead.get("/<lead_id>")
def page(lead_id: str) -> ResponseReturnValue:
    """The page of a lead; ``form`` says which form is open."""
    if not actor().is_partner:
        return staff_page(lead_id)
    found, held = _held(lead_id)
    story = story_of(db.session, actor(), found)
    owed = reading.urgent(story.asked(held))
    name = _form_name(request.args.get("form", ""), usable_forms(held, owed), owed)
    return partner_page(found, held, name, _new_form(name, held, found, owed), story=story)


def _form_name(asked: str, usable: list[str], owed: list[Obligation]) -> str:
    """The form that is open: the one asked for, else the one that does what is most urgent."""
    if asked in usable:
        return asked
    urgent = "feedback" if owed and owed[0].kind is ObligationKind.FEEDBACK else "log"
    return urgent if urgent in usable else ""


def _held(lead_id: str) -> tuple[Lead, Assignment]:
    """The lead and the partner's own assignment on it. Where that has ended it is told so, without the lead."""
    own = access.assignments(actor()).where(Assignment.lead_id == lead_id).order_by(Assignment.id.desc())
    seen = own.join(Lead, Lead.id == Assignment.lead_id).add_columns(Lead).where(reading.visible(actor()))
    found = db.session.execute(seen).first()
    if found is None:
        raise NotFound(*_gone(db.session.scalars(own).first()))
    return found.Lead, found.Assignment


def _gone(last: Assignment | None) -> list[str]:
    if last is None or last.ended_at is None:
        return []
    how = "was closed" if last.state is AssignmentState.CLOSED else "moved on"
    return [f"You no longer hold this lead; it {how} {when(last.ended_at)}."]


def usable_forms(held: Assignment, owed: list[Obligation]) -> list[str]:
    """The forms that the assignment's state leaves open."""
    if held.state is AssignmentState.OFFERED:
        return ["decline"]
    if held.state is AssignmentState.ACCEPTED:
        return ["log", "feedback", "deal"]
    return ["feedback"] if owed else []


def _new_form(name: str, held: Assignment, found: Lead, owed: list[Obligation]) -> LeadForm | None:
    if name != "deal":
        return acting.form_for(name, held, found, owed) if name else None
    known = deals.of_assignment(db.session, held.id)
    if known is None:
        return DealForm(currency="EUR")
    return DealForm(
        name=known.name,
        stage=known.stage.value,
        amount=f"{known.amount_cents / 100:.2f}",
        currency=known.currency,
        expected_close=lead_facts.day_of(known.expected_close),
        lost_reason=known.lost_reason,
    )


@lead.post("/<lead_id>/accept")
def accept(lead_id: str) -> ResponseReturnValue:
    """Accept the offer from its page."""
    _, held = _own_or_404(lead_id)
    try:
        saved(acting.accept(held.id))
    except Conflict as refusal:
        return _refused(lead_id, refusal)
    return redirect(url_for("lead.page", lead_id=lead_id))


@lead.post("/<lead_id>/<any(log, decline, feedback, deal):name>")
def act(lead_id: str, name: str) -> ResponseReturnValue:
    """Do what the page's form says; the form again, with what is wrong, where it cannot be taken."""
    found, held = _own_or_404(lead_id)
    form = acting.form_for(name, held, found, reading.owed(db.session, actor(), held.id))
    if not form.validate_on_submit():
        return partner_page(found, held, name, form, 422)
    try:
        acting.tell(acting.act(form, held.id), held.id, url_for("lead.page", lead_id=lead_id))
    except Invalid as refusal:
        return partner_page(*_held(lead_id), name, acting.with_errors(form, refusal), 422)
    except Conflict as refusal:
        return _refused(lead_id, refusal)
    return redirect(url_for("lead.page", lead_id=lead_id) if _still_seen(held.id) else url_for("work.index"))


def _own_or_404(lead_id: str) -> tuple[Lead, Assignment]:
    if not actor().is_partner:
        abort(404)
    return _held(lead_id)


def _still_seen(assignment_id: str) -> bool:
    seen = access.assignments(actor()).where(Assignment.id == assignment_id, reading.visible(actor()))
    return db.session.scalars(seen).first() is not None


def _refused(lead_id: str, refusal: Conflict) -> ResponseReturnValue:
    """Back to the lead where it is still the partner's, else to its work, with the reason."""
    acting.refused(refusal)
    seen = db.session.scalars(
        access.assignments(actor()).where(Assignment.lead_id == lead_id, reading.visible(actor()))
    ).first()
    return redirect(url_for("lead.page", lead_id=lead_id) if seen else url_for("work.index"))


def partner_page(
    found: Lead, held: Assignment, name: str, form: LeadForm | None, status: int = 200, story: Story | None = None
) -> ResponseReturnValue:
    """The page of a lead in the partner's own hands. ``story``: where it was read already."""
    story = story or story_of(db.session, actor(), found)
    asked = story.asked(held)
    known, clocks = words.knows(held), lead_facts.clocks(db.session, asked)
    return render_template(
        "lead/partner.html",
        lead=found,
        held=held,
        known=known,
        name=words.name_of(found, known),
        state=words.state_of(held).capitalize(),
        late=sum(clock["state"] == "late" for clock in clocks),
        clocks=clocks,
        contact=lead_facts.contact(found) if known else [],
        facts=lead_facts.facts(found, known),
        since=words.held_since(held),
        lines=lines(db.session, actor(), found, held, story),
        deal=deals.of_assignment(db.session, held.id),
        form=form,
        form_name=name,
        usable=usable_forms(held, reading.urgent(asked)),
        clears=_clears(name, reading.urgent(asked)),
        why=_why(found.id),
        strip=strip(),
        reasons=lead_facts.reasons,
        deal_facts=lead_facts.deal_facts,
    ), status


def _clears(name: str, owed: list[Obligation]) -> str | None:
    """What is late and would be done by the form that is open."""
    kinds = TOUCH_KINDS if name == "log" else (ObligationKind.FEEDBACK,) if name == "feedback" else ()
    late = [acting.lower(row.kind.label) for row in owed if row.kind in kinds and row.due_at <= now()]
    return f"Clears the overdue {' and '.join(late)}" if late else None


def _why(lead_id: str) -> dict[str, Any] | None:
    try:
        return why.decision_for(db.session, actor(), lead_id)
    except NotFound:
        return None


def staff_page(lead_id: str) -> ResponseReturnValue:
    """The page for the vendor's people: facts, who holds it, why it went there, everything that happened."""
    found = access.one(db.session, access.leads(actor()), Lead.id, lead_id)
    held = lead_facts.holdings(db.session, actor(), found.id)
    live = next((row for row in held if row["live"]), None)
    return render_template(
        "lead/staff.html",
        lead=found,
        name=words.name_of(found, True),
        held=held,
        live=live,
        contact=lead_facts.contact(found),
        facts=lead_facts.facts(found, True),
        extra=lead_facts.staff_facts(found),
        lines=lines(db.session, actor(), found, None, story_of(db.session, actor(), found)),
        why=_why(found.id),
        reasons=lead_facts.reasons,
        hands=hand_actions(found) if actor().manages_partners else [],
        tries=actor().role in gate.ADMINS,
    )


def hand_actions(found: Lead) -> list[dict[str, str]]:
    """What staff can do to the lead by hand now; each opens a page that names its effect and asks why."""
    held = found.status in (LeadStatus.OFFERED, LeadStatus.ACCEPTED, LeadStatus.CONTACTED)
    possible = (
        ("assign", "Assign by hand", held or found.status in ASSIGNABLE),
        ("recall", "Take back", held),
        ("reopen", "Reopen", found.status in REOPENABLE),
        ("nurture", "Keep for nurture", found.status in LIVE_LEAD),
        ("disqualify", "Disqualify", found.status in LIVE_LEAD),
        ("merge", "Merge into another", found.status in LIVE_LEAD),
    )
    return [
        {"label": label, "url": url_for(f"lead_actions.{name}", lead_id=found.id)}
        for name, label, now_possible in possible
        if now_possible and f"lead_actions.{name}" in current_app.view_functions
    ]

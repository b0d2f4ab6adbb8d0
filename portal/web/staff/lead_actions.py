"""What staff do to a lead by hand: assign, take back, reopen, disqualify, nurture, merge; the effect named first."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from models.assignments import Assignment
from models.base import db
from models.leads import Lead
from models.partners import Partner
from portal.accounts import access
from portal.allocation.hand import barred, live_assignment
from portal.allocation.record import Candidate
from portal.allocation.sentences import gate_sentence
from portal.enforcement import acts
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import LeadStatus
from portal.web import gate
from portal.web.shell import saved
from portal.web.staff import lead_reading, paging
from portal.web.staff.forms import ReasonForm, refused_on, said
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor, now

lead_actions = Blueprint("lead_actions", __name__, url_prefix="/leads/<lead_id>")
gate.only(lead_actions, *gate.MANAGERS)


class AssignForm(ReasonForm):
    """To whom, and why."""

    partner_id = StringField("Partner", [InputRequired("Choose a partner.")])


class MergeForm(FlaskForm):  # type: ignore[misc]
    """Into which lead."""

    into = StringField("Id of the lead that stays", [InputRequired("Give the id of the lead that stays.")])


def _lead(lead_id: str) -> tuple[Lead, Assignment | None]:
    """The lead and its live assignment. One in the hands of a partner outside the portfolio is out of reach."""
    lead = access.one(db.session, access.leads(actor()), Lead.id, lead_id)
    held = live_assignment(db.session, lead_id)
    if held is not None:
        held = access.one(db.session, access.assignments(actor()), Assignment.id, held.id)
    return lead, held


def _leaves(held: Assignment | None) -> str:
    """Who loses the lead, as the end of an effect."""
    if held is None:
        return ""
    return f" {db.session.get_one(Partner, held.partner_id).name} loses it at once, without its fault."


@lead_actions.route("/assign", methods=["GET", "POST"])
def assign(lead_id: str) -> ResponseReturnValue:
    """Choose a partner by hand; its gates are shown as warnings, what bars it cannot be overridden."""
    lead, held = _lead(lead_id)
    form = AssignForm()
    if request.method == "POST" and "partner_id" not in request.form:
        return redirect(url_for("lead_actions.assign", lead_id=lead_id))
    if form.validate_on_submit():
        try:
            partner = access.one(db.session, access.partners(actor()), Partner.id, said(form.partner_id))
            acts.assign(db.session, actor(), lead_id, partner.id, said(form.reason), now())
            saved(f"Offered to {partner.name}. It has to answer in time as ever.")
            return redirect(url_for("lead.page", lead_id=lead_id))
        except Invalid as refusal:
            refused_on(form, refusal)
        except Conflict as refusal:
            form.form_errors = [*form.form_errors, str(refusal)]
    return _assign_page(lead, held, form)


def _assign_page(lead: Lead, held: Assignment | None, form: AssignForm) -> ResponseReturnValue:
    text = paging.words()
    found, total = lead_reading.candidates(db.session, actor(), lead, text, now())
    return render_template(
        "queue/assign.html",
        lead=lead,
        name=lead_name(lead),
        form=form,
        q=text,
        total=total,
        rows=[_choice(candidate, held) for candidate in found],
        leaves=_leaves(held),
    ), 422 if form.errors else 200


def _choice(candidate: Candidate, held: Assignment | None) -> dict[str, Any]:
    """One partner of the list: whether it can be chosen, and each gate that it does not pass."""
    missed = [gate for gate in candidate.gates if not gate.passed]
    has_it = held is not None and held.partner_id == candidate.facts.id
    now_ = candidate.now
    return {
        "id": candidate.facts.id,
        "name": candidate.facts.name,
        "tier": candidate.facts.tier,
        "open": now_.open_leads,
        "cap": now_.cap_now,
        "standing": now_.standing.value,
        "barred": barred(candidate) or has_it,
        "holds": has_it,
        "release": now_.active and not now_.standing.allows_leads,
        "warnings": [gate_sentence(g.gate, g.passed, g.facts, "staff", candidate.facts.name) for g in missed],
    }


@lead_actions.route("/recall", methods=["GET", "POST"])
def recall(lead_id: str) -> ResponseReturnValue:
    """Take the lead back; it is then placed by the rules."""
    lead, held = _lead(lead_id)
    if held is None:
        flash("Nobody holds this lead: there is nothing to take back.", "stop")
        return redirect(url_for("lead.page", lead_id=lead_id))
    return _act(
        lead,
        "Take back",
        f"Take {lead_name(lead)} back and place it by the rules again.{_leaves(held)}",
        lambda form: acts.recall(db.session, actor(), held.id, said(form.reason), now()),
        "Taken back.",
    )


@lead_actions.route("/reopen", methods=["GET", "POST"])
def reopen(lead_id: str) -> ResponseReturnValue:
    """Bring a closed lead back."""
    lead, _ = _lead(lead_id)
    effect = (
        f"Reopen {lead_name(lead)}: its last holder gets it back with fresh deadlines where nothing rules that out, "
        "else it is placed by the rules."
    )
    return _act(
        lead,
        "Reopen",
        effect,
        lambda form: acts.reopen(db.session, actor(), lead_id, said(form.reason), now()),
        "Reopened.",
    )


@lead_actions.route("/disqualify", methods=["GET", "POST"])
def disqualify(lead_id: str) -> ResponseReturnValue:
    """Close a lead as none."""
    return _take_out(lead_id, LeadStatus.DISQUALIFIED, "Disqualify", "is closed and goes to nobody.", "Disqualified.")


@lead_actions.route("/nurture", methods=["GET", "POST"])
def nurture(lead_id: str) -> ResponseReturnValue:
    """Put a lead aside."""
    return _take_out(
        lead_id, LeadStatus.NURTURE, "Keep for nurture", "is kept and waits; it is not handed out.", "Kept for nurture."
    )


def _take_out(lead_id: str, status: LeadStatus, verb: str, effect: str, done: str) -> ResponseReturnValue:
    lead, held = _lead(lead_id)
    return _act(
        lead,
        verb,
        f"{lead_name(lead)} {effect}{_leaves(held)}",
        lambda form: acts.take_out(db.session, actor(), lead_id, status, said(form.reason), now()),
        done,
    )


@lead_actions.route("/merge", methods=["GET", "POST"])
def merge(lead_id: str) -> ResponseReturnValue:
    """Make the lead a duplicate of another."""
    lead, held = _lead(lead_id)

    def work(form: Any) -> None:
        try:
            into, _ = _lead(said(form.into).rstrip("/").rpartition("/")[2])
        except NotFound:
            raise Invalid([("into", "There is no lead by that id.")]) from None
        acts.merge(db.session, actor(), lead_id, into.id, now())

    effect = f"{lead_name(lead)} becomes a duplicate and joins the other lead's timeline.{_leaves(held)}"
    return _act(lead, "Merge", effect, work, "Merged.", MergeForm)


def _act(
    lead: Lead, verb: str, effect: str, work: Callable[[Any], object], done: str, kind: type[FlaskForm] = ReasonForm
) -> ResponseReturnValue:
    """The page that names the effect and asks why, and the deed."""
    form = kind()
    if form.validate_on_submit():
        try:
            work(form)
            saved(done)
            return redirect(url_for("lead.page", lead_id=lead.id))
        except Invalid as refusal:
            refused_on(form, refusal)
        except Conflict as refusal:
            flash(str(refusal), "stop")
            return redirect(url_for("lead.page", lead_id=lead.id))
    return render_template(
        "queue/act.html", lead=lead, name=lead_name(lead), form=form, verb=verb, effect=effect
    ), 422 if form.errors else 200

"""The acts on a lead, from whichever screen they are done: each gives the sentence to show afterwards."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from models.assignments import Assignment
from models.base import db
from portal.enforcement import acts
from portal.errors import Invalid, Refusal
from portal.follow_up import deals
from portal.vocabulary import DeclineReason, ObligationKind
from portal.web.partner import reading
from portal.web.partner.forms import DealForm, DeclineForm, FeedbackForm, TouchForm, said
from portal.web.shell import when
from portal.web.visitor import actor, now

LeadForm = TouchForm | DeclineForm | FeedbackForm | DealForm
FORMS: dict[str, type[LeadForm]] = {
    "log": TouchForm,
    "decline": DeclineForm,
    "feedback": FeedbackForm,
    "deal": DealForm,
}


def accept(assignment_id: str) -> str:
    """Accept an offer."""
    acts.accept(db.session, actor(), assignment_id, now())
    return f"Accepted.{owed(assignment_id)} The contact details are on the lead."


def do(form: LeadForm, assignment_id: str) -> str:
    """Do what a checked form asks for. Raises portal.errors.Refusal."""
    if isinstance(form, TouchForm):
        return _log(form, assignment_id)
    if isinstance(form, DeclineForm):
        reason = DeclineReason(form.reason.data)
        acts.decline(db.session, actor(), assignment_id, reason, said(form.note.data), now())
        return "Declined. The lead goes to someone else."
    if isinstance(form, FeedbackForm):
        return _feedback(form, assignment_id)
    return _deal(form, assignment_id)


def _log(form: TouchForm, assignment_id: str) -> str:
    activity = acts.log(db.session, actor(), assignment_id, form.touch(), now())
    if not activity.counted:
        return f"Saved. {activity.sentence}"
    met, following = reading.met_by(db.session, actor(), activity)
    named = " and ".join(lower(kind.label) for kind in met)
    counts = f"Counts as {named}" if met else activity.sentence.rstrip(".")
    return f"{counts}; {lower(following.kind.label)} by {when(following.due_at)}." if following else f"{counts}."


def lower(label: str) -> str:
    """A label inside a sentence."""
    return label[:1].lower() + label[1:]


def owed(assignment_id: str, *kinds: ObligationKind) -> str:
    """What is owed next on the lead, as a sentence with a space before it; empty where nothing is."""
    owed = reading.due_next(db.session, actor(), [assignment_id], kinds or tuple(ObligationKind)).get(assignment_id)
    return f" {owed.kind.label} by {when(owed.due_at)}." if owed else ""


def _feedback(form: FeedbackForm, assignment_id: str) -> str:
    acts.feedback(db.session, actor(), assignment_id, form.verdict(), now())
    held = db.session.get_one(Assignment, assignment_id)
    if held.ended_at is not None:
        how = lower(held.disposition.label) if held.disposition else "closed"
        return f"Feedback given: {how}. The lead is closed."
    again = owed(assignment_id, ObligationKind.FEEDBACK)
    return f"Feedback given.{again.replace(' Feedback by', ' Feedback again by')}"


def _deal(form: DealForm, assignment_id: str) -> str:
    known, facts = deals.of_assignment(db.session, assignment_id), form.deal()
    if known is None:
        deal = acts.register_deal(db.session, actor(), assignment_id, facts, now())
    else:
        deal = acts.change_deal(db.session, actor(), known.id, facts, now())
    if not deal.stage.is_open:
        return f"Deal {deal.stage.value}: the lead is closed. Feedback stays due until you give it."
    return f"Deal saved.{owed(assignment_id, ObligationKind.UPDATE)}"


def refused(refusal: Refusal) -> None:
    """Tell, on the next page, why an act was not done."""
    flash(str(refusal), "refused")


def with_errors(form: LeadForm, refusal: Invalid) -> LeadForm:
    """A service's refusal beside the fields it names."""
    for name, sentence in refusal.errors:
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors.append(sentence)
    return form


def back_to(endpoint: str, anchor: str | None = None) -> Response:
    """A redirect to a screen, after something was done there."""
    return redirect(url_for(endpoint, _anchor=anchor))

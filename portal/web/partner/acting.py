"""The acts on a lead, from whichever screen they are done: each gives the sentence to show afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from models.assignments import Activity, Assignment, Feedback, Obligation
from models.base import db
from models.leads import Lead
from portal.enforcement import acts
from portal.errors import Invalid, Refusal
from portal.follow_up import deals
from portal.follow_up.queries import next_due
from portal.follow_up.undo import Ask
from portal.vocabulary import DeclineReason, ObligationKind
from portal.web.partner import reading
from portal.web.partner.forms import DealForm, DeclineForm, FeedbackForm, TouchForm, said
from portal.web.partner.strip import own_partner
from portal.web.shell import when
from portal.web.visitor import actor, now

LeadForm = TouchForm | DeclineForm | FeedbackForm | DealForm
FORMS: dict[str, type[LeadForm]] = {
    "log": TouchForm,
    "decline": DeclineForm,
    "feedback": FeedbackForm,
    "deal": DealForm,
}


@dataclass(frozen=True)
class Done:
    """What was done: the sentence that says so, and what of it may be taken back for a minute."""

    sentence: str
    ask: Ask | None = None


def form_for(name: str, held: Assignment, lead: Lead, owed: Sequence[Obligation]) -> LeadForm:
    """A form about a lead on which this is owed; a touch's knows when the next one is due and whether feedback is."""
    form = FORMS[name]()
    if isinstance(form, TouchForm):
        asked = any(row.kind is ObligationKind.FEEDBACK for row in owed)
        form.suggest(next_due(db.session, own_partner(), held, lead, owed, now()), asks_feedback=asked)
    return form


def tell(done: Done, assignment_id: str, back: str) -> None:
    """Say on the next page what was done, beside it Undo where that can be; ``back``: the page that Undo returns to."""
    if done.ask is None:
        return flash(done.sentence, "saved")
    ids = {"activity": done.ask.activity_id, "feedback": done.ask.feedback_id, "next": back}
    undo: dict[str, Any] = {
        "url": url_for("work.undo", assignment_id=assignment_id),
        "fields": {name: value for name, value in ids.items() if value},
    }
    return flash({"text": done.sentence, "undo": undo}, "saved")  # type: ignore[arg-type]


def undo(assignment_id: str, ask: Ask) -> str:
    """Take back what was recorded by mistake."""
    acts.undo(db.session, actor(), assignment_id, ask, now())
    return f"Taken back.{owed(assignment_id)}"


def _ask(*recorded: Activity | Feedback) -> Ask | None:
    """What may be taken back of what was recorded together: all of it or nothing."""
    if any(row.undo_until is None for row in recorded):
        return None
    ids = {type(row): row.id for row in recorded}
    return Ask(ids.get(Activity), ids.get(Feedback))


def accept(assignment_id: str, link: str | None = None) -> str:
    """Accept an offer. ``link``, here and below: the link of a mail that the act uses up."""
    acts.accept(db.session, actor(), assignment_id, now(), link)
    return f"Accepted.{owed(assignment_id)} The contact details are on the lead."


def do(form: LeadForm, assignment_id: str, link: str | None = None) -> str:
    """Do what a checked form asks for, where nothing can be taken back; the sentence. Raises portal.errors.Refusal."""
    return act(form, assignment_id, link).sentence


def act(form: LeadForm, assignment_id: str, link: str | None = None) -> Done:
    """Do what a checked form asks for. Raises portal.errors.Refusal."""
    if isinstance(form, TouchForm):
        return _log(form, assignment_id, link)
    if isinstance(form, DeclineForm):
        reason = DeclineReason(form.reason.data)
        acts.decline(db.session, actor(), assignment_id, reason, said(form.note.data), now(), link)
        return Done("Declined. The lead goes to someone else.")
    if isinstance(form, FeedbackForm):
        feedback = acts.feedback(db.session, actor(), assignment_id, form.verdict(), now(), link)
        return Done(_judged(assignment_id), _ask(feedback))
    return Done(_deal(form, assignment_id))


def _log(form: TouchForm, assignment_id: str, link: str | None) -> Done:
    verdict = form.verdict()
    if verdict is None:
        activity = acts.log(db.session, actor(), assignment_id, form.touch(), now(), link)
        return Done(_touched(activity), _ask(activity))
    both = acts.log_and_judge(db.session, actor(), assignment_id, form.touch(), verdict, now(), link)
    return Done(f"{_touched(both[0])} {_judged(assignment_id)}", _ask(*both))


def _touched(activity: Activity) -> str:
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


def _judged(assignment_id: str) -> str:
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

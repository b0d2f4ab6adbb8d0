"""Assignments: what a partner does with a lead in its hands, and staff taking it back."""

from typing import Any

from models.assignments import Assignment, Deal
from portal.accounts import access
from portal.api import answers, bodies
from portal.api.call import MANAGERS, PARTNER, call
from portal.api.edge import Call
from portal.api.shapes import activity_json, assignment_json, deal_json, feedback_json
from portal.enforcement import acts
from portal.errors import Invalid
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Touch, Verdict
from portal.vocabulary import DealStage

TAG = "Assignments"
GIVEN = answers.Assignment


def find_assignment(this: Call) -> Assignment:
    """The assignment that the path names, where the actor sees it."""
    return access.one(this.session, access.assignments(this.actor), Assignment.id, this.id("assignment_id"))


def find_deal(this: Call) -> Deal:
    """The deal that the path names, where the actor sees it."""
    return access.one(this.session, access.deals(this.actor), Deal.id, this.id("deal_id"))


@call("POST", "/assignments/<assignment_id>/accept", PARTNER, {200: GIVEN}, tag=TAG, find=find_assignment)
def accept(this: Call) -> tuple[int, Any]:
    """Accept an offer.

    From here on the lead shows who enquired. Accepting what is already yours changes nothing.
    """
    assignment = acts.accept(this.session, this.actor, this.id("assignment_id"), this.now)
    return 200, assignment_json(this.read(), assignment)


@call(
    "POST",
    "/assignments/<assignment_id>/decline",
    PARTNER,
    {200: GIVEN},
    tag=TAG,
    find=find_assignment,
    body=bodies.Decline,
)
def decline(this: Call) -> tuple[int, Any]:
    """Decline an offer; the lead goes on."""
    sent: bodies.Decline = this.body
    assignment = acts.decline(this.session, this.actor, this.id("assignment_id"), sent.reason, sent.note, this.now)
    return 200, assignment_json(this.read(), assignment)


@call(
    "POST",
    "/assignments/<assignment_id>/activities",
    PARTNER,
    {201: answers.Activity},
    tag=TAG,
    find=find_assignment,
    body=bodies.ActivityIn,
)
def log_activity(this: Call) -> tuple[int, Any]:
    """Log a touch or a note.

    `counted` says whether it met a deadline, `sentence` what it met or why it does not count.
    """
    sent: bodies.ActivityIn = this.body
    touch = Touch(sent.kind, sent.outcome, sent.occurred_at, sent.note, sent.next_step_at)
    activity = acts.log(this.session, this.actor, this.id("assignment_id"), touch, this.now)
    this.read()
    return 201, activity_json(activity)


@call(
    "POST",
    "/assignments/<assignment_id>/feedback",
    PARTNER,
    {201: answers.Feedback},
    tag=TAG,
    find=find_assignment,
    body=bodies.FeedbackIn,
)
def give_feedback(this: Call) -> tuple[int, Any]:
    """Give feedback on a lead.

    `won` and `lost` close it, `unqualified` returns it, `nurture` puts it aside; after `working` feedback is due
    again.
    """
    sent: bodies.FeedbackIn = this.body
    verdict = Verdict(sent.rating, sent.disposition, sent.reason, tuple(sent.objections), sent.competitor, sent.note)
    feedback = acts.feedback(this.session, this.actor, this.id("assignment_id"), verdict, this.now)
    this.read()
    return 201, feedback_json(feedback)


@call(
    "POST",
    "/assignments/<assignment_id>/deal",
    PARTNER,
    {201: answers.Deal},
    tag="Deals",
    find=find_assignment,
    body=bodies.DealIn,
)
def register_deal(this: Call) -> tuple[int, Any]:
    """Register a deal on an accepted lead. `won` and `lost` close the lead too."""
    facts = _facts(this.body, this, this.body.stage)
    deal = acts.register_deal(this.session, this.actor, this.id("assignment_id"), facts, this.now)
    this.read()
    return 201, deal_json(deal)


@call(
    "PATCH",
    "/deals/<deal_id>",
    PARTNER,
    {200: answers.Deal},
    tag="Deals",
    find=find_deal,
    body=bodies.DealChange,
)
def change_deal(this: Call) -> tuple[int, Any]:
    """Change an open deal. `won` and `lost` close the lead too."""
    stage = this.body.stage or this.read().get_one(Deal, this.id("deal_id")).stage
    facts = _facts(this.body, this, stage)
    this.session.rollback()
    deal = acts.change_deal(this.session, this.actor, this.id("deal_id"), facts, this.now)
    this.read()
    return 200, deal_json(deal)


def _facts(sent: bodies.DealChange, this: Call, stage: DealStage) -> DealFacts:
    """1. A closing instant belongs to won or lost, and is over. 2. A loss's reason belongs to lost."""
    errors = []
    if sent.closed_at is not None and stage.is_open:
        errors.append(("closed_at", "Only a deal that is won or lost has this."))
    elif sent.closed_at is not None and sent.closed_at > this.now:
        errors.append(("closed_at", "This lies in the future."))
    if sent.lost_reason is not None and stage is not DealStage.LOST:
        errors.append(("lost_reason", "Only a deal that is lost has this."))
    if errors:
        raise Invalid(errors)
    return DealFacts(
        name=sent.name, stage=sent.stage, amount_cents=sent.value.cents if sent.value else None,
        currency=sent.value.currency if sent.value else None, expected_close=sent.expected_close,
        closed_at=sent.closed_at, lost_reason=sent.lost_reason,
    )  # fmt: skip


@call(
    "POST",
    "/assignments/<assignment_id>/recall",
    MANAGERS,
    {200: GIVEN},
    tag=TAG,
    find=find_assignment,
    body=bodies.WithReason,
)
def recall(this: Call) -> tuple[int, Any]:
    """Recall a lead from its partner, without its fault; it is allocated again."""
    acts.recall(this.session, this.actor, this.id("assignment_id"), this.body.reason, this.now)
    return 200, assignment_json(this.read(), this.session.get_one(Assignment, this.id("assignment_id")))

"""A partner's acts on its own lead: accept, decline, log a touch, give feedback."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from models.assignments import Activity, Assignment, Feedback, Obligation
from models.base import new_id
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance.service import Folded, enter, refold
from portal.deadlines import assignments
from portal.deadlines import service as deadlines
from portal.deadlines.assignments import begin_work, event, free_place, locked_lead, open_one, send_on
from portal.deadlines.live import policies
from portal.deadlines.policy import entry_for, touch_counts
from portal.errors import Conflict, Invalid, NotFound
from portal.follow_up import deals
from portal.follow_up.policy import undo_until
from portal.notifications.outbox import drop_pending
from portal.qualification.facts import lead_facts
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    ActivityKind,
    ActivityOutcome,
    AssignmentState,
    DeclineReason,
    Disposition,
    LeadEventKind,
    LeadStatus,
    NoticeTopic,
    ObligationKind,
    QueueReason,
)

ENDED = "You no longer hold this lead; it has moved on."


@dataclass
class Held:
    """A partner's assignment, entered for an act: everything locked and read afresh."""

    partner: Partner
    assignment: Assignment
    lead: Lead
    at: datetime


def hold_of(session: AnySession, assignment_id: str, now: datetime, actor: Actor) -> Held:
    """Enter an act on the actor's own assignment. Raises NotFound where it is not its own, Unsettled.

    A lead that is no longer in these hands is only read: whoever places it may hold its lock and want this partner's.
    """
    found = session.get(Assignment, assignment_id)
    if found is None or found.partner_id != actor.partner_id:
        raise NotFound
    partner, at = enter(session, found.partner_id, now)
    session.refresh(found)
    live = found.state in LIVE_ASSIGNMENT
    lead = locked_lead(session, found.lead_id) if live else session.get_one(Lead, found.lead_id)
    return Held(partner, found, lead, at)


def accept(session: AnySession, assignment_id: str, now: datetime, actor: Actor) -> tuple[Assignment, list[str]]:
    """Accept an offer; accepting what is already accepted changes nothing. The ids of leads to place next.

    Raises NotFound (not its own), Conflict (it has ended), Unsettled.
    """
    held = hold_of(session, assignment_id, now, actor)
    if held.assignment.state is AssignmentState.ACCEPTED:
        return held.assignment, []
    if held.assignment.state is not AssignmentState.OFFERED:
        raise Conflict(ENDED)
    deadlines.meet(deadlines.owed(session, assignment_id, [ObligationKind.RESPOND]), held.at)
    begin_work(session, held.partner, held.assignment, held.lead, held.at)
    drop_pending(session, assignment_id, (NoticeTopic.OFFER, NoticeTopic.WARNING))
    event(session, held.lead.id, LeadEventKind.ACCEPTED, held.at, actor, assignment=held.assignment)
    _audit(session, actor, "assignment.accept", held)
    return held.assignment, refold(session, held.partner, held.at).freed_leads


def decline(
    session: AnySession,
    assignment_id: str,
    reason: DeclineReason,
    note: str | None,
    now: datetime,
    actor: Actor,
) -> tuple[Assignment, list[str]]:
    """Decline an offer: answered in time, the turn is used, the lead goes on. The ids of leads to place next."""
    held = hold_of(session, assignment_id, now, actor)
    if held.assignment.state is AssignmentState.ACCEPTED:
        raise Conflict("You have accepted this lead. If it is not one, say so in feedback.")
    if held.assignment.state is not AssignmentState.OFFERED:
        raise Conflict(ENDED)
    deadlines.meet(deadlines.owed(session, assignment_id, [ObligationKind.RESPOND]), held.at)
    assignments.end(session, held.partner, held.assignment, AssignmentState.DECLINED, held.at, actor, reason=note)
    held.assignment.decline_reason, held.assignment.earlier_holder = reason, True
    send_on(session, held.lead, held.at, counts=True)
    _audit(session, actor, "assignment.decline", held, reason=reason.value)
    return held.assignment, [held.lead.id, *refold(session, held.partner, held.at).freed_leads]


def _audit(session: AnySession, actor: Actor, action: str, held: Held, **facts: Any) -> None:
    record(
        session,
        actor,
        action,
        "assignment",
        held.assignment.id,
        held.at,
        partner_id=held.partner.id,
        facts=facts,
    )


@dataclass(frozen=True)
class Touch:
    """What a partner says of one touch; instants are aware."""

    kind: ActivityKind
    outcome: ActivityOutcome
    occurred_at: datetime | None = None
    note: str | None = None
    next_step_at: datetime | None = None


def log(
    session: AnySession, assignment_id: str, touch: Touch, now: datetime, actor: Actor
) -> tuple[Activity, list[str]]:
    """Record a touch or a note on an accepted lead, say whether it counts, and move the clocks where it does.

    1. It is kept in any case; whether it counts is PRODUCT's rule of touches.
    2. A counted touch meets or cures first contact, next touch and update; the lead is contacted and no longer
       stands among the partner's open leads; the next touch is opened until there were enough.
    """
    held = hold_of(session, assignment_id, now, actor)
    _check_workable(held.assignment)
    occurred = touch.occurred_at or held.at
    counts, sentence = touch_counts(
        kind=touch.kind, outcome=touch.outcome, recorded_at=held.at, occurred_at=occurred,
        accepted_at=held.assignment.accepted_at, ended_at=held.assignment.ended_at,
        last_counted_same_kind_at=_last_counted(session, assignment_id, touch.kind),
    )  # fmt: skip
    if counts:
        sentence = _count(session, held, sentence)
    activity = Activity(
        id=new_id(), assignment_id=assignment_id, lead_id=held.lead.id, partner_id=held.partner.id, kind=touch.kind,
        outcome=touch.outcome, occurred_at=occurred, recorded_at=held.at, note=touch.note, counted=counts,
        next_step_at=touch.next_step_at, sentence=sentence, actor_id=actor.id, actor_name=actor.name,
    )  # fmt: skip
    session.add(activity)
    _audit(session, actor, "assignment.touch", held, kind=touch.kind.value, counted=counts)
    folded = refold(session, held.partner, held.at) if counts else Folded()
    activity.undo_until = undo_until(held.at, turned=bool(folded.steps))
    return activity, folded.freed_leads


def _check_workable(assignment: Assignment) -> None:
    if assignment.state is AssignmentState.OFFERED:
        raise Conflict("Accept this lead first.")
    if assignment.state is not AssignmentState.ACCEPTED:
        raise Conflict(ENDED)


def _last_counted(session: AnySession, assignment_id: str, kind: ActivityKind) -> datetime | None:
    return session.scalars(
        select(func.max(Activity.recorded_at)).where(
            Activity.assignment_id == assignment_id, Activity.kind == kind, Activity.counted
        )
    ).first()


def _count(session: AnySession, held: Held, sentence: str) -> str:
    assignment = held.assignment
    owed = deadlines.owed(session, assignment.id, deadlines.TOUCH_KINDS)
    had_update = any(row.kind is ObligationKind.UPDATE for row in owed)
    deadlines.meet(owed, held.at)
    free_place(held.partner, assignment, held.at)
    assignment.touches, assignment.last_touch_at = assignment.touches + 1, held.at
    held.lead.status = LeadStatus.CONTACTED
    if had_update:
        open_one(session, held.partner, assignment, held.lead, ObligationKind.UPDATE, held.at)
    else:
        _open_next_touch(session, held)
    return sentence


def _open_next_touch(session: AnySession, held: Held) -> Obligation | None:
    """The next touch, until the policy's number of touches, a deal, or a disposition other than working."""
    done = held.assignment.touches
    if not asks_again(session, held.assignment, held.lead, done, held.at):
        return None
    return open_one(
        session, held.partner, held.assignment, held.lead, ObligationKind.NEXT_TOUCH, held.at, number=done + 1
    )


def asks_again(session: AnySession, assignment: Assignment, lead: Lead, done: int, at: datetime) -> bool:
    """Whether the policy that rules at ``at`` asks for another touch once ``done`` were counted."""
    entry = entry_for(policies(session).at(at).document, ObligationKind.NEXT_TOUCH, lead_facts(lead))
    wanted = entry.touches or 0 if entry else 0
    return done < wanted and deals.of_assignment(session, assignment.id) is None


@dataclass(frozen=True)
class Verdict:
    """What a partner says of a lead."""

    rating: int
    disposition: Disposition
    reason: str | None = None
    objections: Sequence[str] = ()
    competitor: str | None = None
    note: str | None = None


def give_feedback(
    session: AnySession, assignment_id: str, verdict: Verdict, now: datetime, actor: Actor
) -> tuple[Feedback, list[str]]:
    """Record the partner's verdict and what follows from its disposition. The ids of leads a stop freed.

    1. Feedback is met or cured; after ``working`` it is asked for again.
    2. Won and lost close the assignment and the deal. ``unqualified`` returns the lead to the manager's queue,
       ``nurture`` puts it aside; either ends what was open and cures what was overdue.
    3. On an assignment that a won or lost deal closed, feedback stays due and may be given once, with that outcome.
    """
    held = hold_of(session, assignment_id, now, actor)
    closed = held.assignment.state is AssignmentState.CLOSED
    _check_feedback(session, held, verdict, closed=closed)
    deadlines.meet(deadlines.owed(session, assignment_id, [ObligationKind.FEEDBACK]), held.at)
    feedback = Feedback(
        id=new_id(), assignment_id=assignment_id, lead_id=held.lead.id, partner_id=held.partner.id,
        rating=verdict.rating, disposition=verdict.disposition, reason=verdict.reason,
        objections=list(verdict.objections), competitor=verdict.competitor, note=verdict.note, given_at=held.at,
        actor_id=actor.id, actor_name=actor.name,
    )  # fmt: skip
    session.add(feedback)
    deal_closed = not closed and _follow(session, held, verdict, actor)
    _audit(
        session,
        actor,
        "assignment.feedback",
        held,
        rating=verdict.rating,
        disposition=verdict.disposition.value,
    )
    folded = refold(session, held.partner, held.at)
    feedback.undo_until = undo_until(held.at, turned=deal_closed or bool(folded.steps))
    return feedback, folded.freed_leads


def log_and_judge(
    session: AnySession, assignment_id: str, touch: Touch, verdict: Verdict, now: datetime, actor: Actor
) -> tuple[tuple[Activity, Feedback], list[str]]:
    """A touch and the feedback that it brought, as one form gives them: both or neither."""
    activity, freed = log(session, assignment_id, touch, now, actor)
    feedback, more = give_feedback(session, assignment_id, verdict, now, actor)
    return (activity, feedback), [*freed, *more]


def _check_feedback(session: AnySession, held: Held, verdict: Verdict, *, closed: bool) -> None:
    if not closed:
        _check_workable(held.assignment)
        return
    if held.assignment.disposition not in (Disposition.WON, Disposition.LOST):
        raise Conflict(ENDED)
    if not deadlines.owed(session, held.assignment.id, [ObligationKind.FEEDBACK]) and _given(session, held):
        raise Conflict("Feedback on this lead has been given.")
    if verdict.disposition is not held.assignment.disposition:
        outcome = held.assignment.disposition.value
        raise Invalid([("disposition", f"This lead was {outcome}: choose {outcome}.")])


def _given(session: AnySession, held: Held) -> bool:
    given = select(Feedback.id).where(
        Feedback.assignment_id == held.assignment.id,
        Feedback.disposition == held.assignment.disposition,
        Feedback.taken_back_at.is_(None),
    )
    return session.scalars(given.limit(1)).first() is not None


def _follow(session: AnySession, held: Held, verdict: Verdict, actor: Actor) -> bool:
    """What the disposition brings; whether it closed a deal."""
    disposition = verdict.disposition
    if disposition is Disposition.WORKING:
        _ask_again(session, held)
        return False
    if disposition in (Disposition.WON, Disposition.LOST):
        deal_closed = deals.close_with(session, held.assignment, disposition, verdict.reason, held.at)
        close_as(session, held, disposition, actor)
        return deal_closed
    close_as(session, held, disposition, actor)
    if disposition is Disposition.UNQUALIFIED:
        held.assignment.earlier_holder = True
        held.lead.status, held.lead.reason = LeadStatus.RETURNED, QueueReason.UNQUALIFIED.value
    else:
        held.lead.status, held.lead.reason = LeadStatus.NURTURE, None
    return False


def close_as(session: AnySession, held: Held, disposition: Disposition, actor: Actor) -> None:
    """Close the assignment by its outcome. Won and lost leave feedback due where it was not given."""
    outcome = disposition in (Disposition.WON, Disposition.LOST)
    assignments.end(
        session, held.partner, held.assignment, AssignmentState.CLOSED, held.at, actor, reason=disposition.value,
        keep_feedback=outcome,
    )  # fmt: skip
    held.assignment.disposition = disposition
    if outcome:
        held.lead.status = LeadStatus(disposition.value)


def _ask_again(session: AnySession, held: Held) -> None:
    """After ``working``, feedback is due again within the policy's ``repeat``."""
    policy = policies(session).at(held.at)
    row = deadlines.repeat_feedback(policy, held.lead, held.partner, held.assignment.id, held.at)
    if row is not None:
        session.add(Obligation(**row))


def is_live(assignment: Assignment) -> bool:
    """Whether the lead is still in this assignment's hands."""
    return assignment.state in LIVE_ASSIGNMENT

"""What must hold at every moment, read from the rows: each check gives a sentence for each thing that is wrong."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from models.allocation import Decision
from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.platform import SweepProblem
from models.session import AnySession
from portal.allocation.service import place
from portal.enforcement.verify import differences
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    AssignmentState,
    DecisionOutcome,
    LeadStatus,
    ObligationKind,
    ObligationState,
    QueueReason,
    Standing,
)

#: The state of the one live assignment by the lead's status; every other status has none.
HELD = {
    LeadStatus.OFFERED: AssignmentState.OFFERED,
    LeadStatus.ACCEPTED: AssignmentState.ACCEPTED,
    LeadStatus.CONTACTED: AssignmentState.ACCEPTED,
}


def wrong_now(session: AnySession) -> list[str]:
    """Everything that is wrong, whatever the hour; empty where all is well."""
    checks = (_places, _ended, _offers, _stopped, _explained, _moments)
    return [*differences(session), *(sentence for check in checks for sentence in check(session))]


def _places(session: AnySession) -> Iterator[str]:
    """A lead is in exactly one place: one pair of hands, the pool, the queue with its reason, or closed."""
    live: dict[str, list[Assignment]] = {}
    for one in session.scalars(select(Assignment).where(Assignment.state.in_(LIVE_ASSIGNMENT))):
        live.setdefault(one.lead_id, []).append(one)
    for lead in session.scalars(select(Lead)):
        states = [one.state for one in live.get(lead.id, [])]
        wanted = [HELD[lead.status]] if lead.status in HELD else []
        if states != wanted:
            yield f"lead {lead.id} is {lead.status} with live assignments {states}"
        if lead.status is LeadStatus.RECEIVED:
            yield f"lead {lead.id} was left as received"
        if (lead.status is LeadStatus.POOLED) != (lead.pool_until is not None and lead.pool is not None):
            yield f"lead {lead.id} is {lead.status} with pool {lead.pool}"
        if lead.status is LeadStatus.UNALLOCATED and not lead.reason:
            yield f"lead {lead.id} waits without a reason"


def _ended(session: AnySession) -> Iterator[str]:
    """Nothing is owed on what has ended, but feedback on a lead that was won or lost."""
    rows = session.execute(
        select(Obligation, Assignment)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .where(Assignment.state.not_in(LIVE_ASSIGNMENT), Obligation.settled_at.is_(None))
        .where(Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)))
    )
    for row, assignment in rows:
        if not (assignment.state is AssignmentState.CLOSED and row.kind is ObligationKind.FEEDBACK):
            yield f"{row.kind} is {row.state} on an assignment that is {assignment.state}"


def _offers(session: AnySession) -> Iterator[str]:
    """An offer has one respond obligation that was not waived, and what is in work none that is open."""
    for one in session.scalars(select(Assignment).where(Assignment.state.in_(LIVE_ASSIGNMENT))):
        responds = session.scalars(
            select(Obligation)
            .where(Obligation.assignment_id == one.id, Obligation.kind == ObligationKind.RESPOND)
            .where(Obligation.state != ObligationState.WAIVED)
        ).all()
        if one.state is AssignmentState.OFFERED:
            if len(responds) != 1 or responds[0].due_at != one.respond_by:
                yield f"offer {one.id} has respond obligations {[r.due_at for r in responds]}, due by {one.respond_by}"
        elif any(r.state is ObligationState.OPEN for r in responds):
            yield f"assignment {one.id} is accepted and still waits for an answer"


def _stopped(session: AnySession) -> Iterator[str]:
    """Who is stopped has nothing on offer."""
    count = session.scalar(
        select(func.count())
        .select_from(Assignment)
        .join(Partner, Partner.id == Assignment.partner_id)
        .where(Partner.standing == Standing.STOPPED, Assignment.state == AssignmentState.OFFERED)
    )
    if count:
        yield f"{count} offers lie with partners that are stopped"


def _explained(session: AnySession) -> Iterator[str]:
    """Each assignment has the one decision that gave it."""
    decisions = select(Decision.assignment_id, func.count()).where(Decision.outcome == DecisionOutcome.OFFERED)
    counted = {row[0]: row[1] for row in session.execute(decisions.group_by(Decision.assignment_id))}
    for assignment_id in session.scalars(select(Assignment.id)):
        if counted.get(assignment_id) != 1:
            yield f"assignment {assignment_id} has {counted.get(assignment_id, 0)} decisions"


def _moments(session: AnySession) -> Iterator[str]:
    """Instants come in their order."""
    for row in session.scalars(select(Obligation)):
        ends = [at for at in (row.met_at, row.waived_at, row.cancelled_at, row.cured_at) if at is not None]
        if any(at < row.opened_at for at in ends):
            yield f"{row.kind} {row.id} ended before it was opened"
        if row.met_at is not None and row.met_at >= row.grace_until:
            yield f"{row.kind} {row.id} was met at {row.met_at}, after its time {row.grace_until}"
        if row.cured_at is not None and row.cured_at < row.grace_until:
            yield f"{row.kind} {row.id} was cured at {row.cured_at}, before its time {row.grace_until}"


def wrong_after_sweep(session: AnySession, now: datetime) -> list[str]:
    """What a sweep at ``now`` should have left undone nowhere."""
    return [*_undone(session, now), *_could_be_placed(session, now)]


def _undone(session: AnySession, now: datetime) -> Iterator[str]:
    past = Obligation.state == ObligationState.OPEN, Obligation.grace_until <= now
    for row in session.scalars(select(Obligation).where(*past)):
        yield f"{row.kind} {row.id} is open past its time ({row.set_aside_why})"
    for partner in session.scalars(select(Partner).where(Partner.standing_next_at <= now)):
        yield f"{partner.name} has a change of standing at {partner.standing_next_at} that was not made"
    for problem in session.scalars(select(SweepProblem)):
        yield f"{problem.step} of {problem.object_id} was set aside: {problem.problem}"
    for lead in session.scalars(select(Lead).where(Lead.pool_until <= now)):
        yield f"lead {lead.id} is in the pool after its time"


def _could_be_placed(session: AnySession, now: datetime) -> Iterator[str]:
    """A lead that waits though a partner would get it now."""
    waiting = Lead.status == LeadStatus.UNALLOCATED, Lead.reason != QueueReason.HAND_OVER_LIMIT.value
    for lead_id in session.scalars(select(Lead.id).where(*waiting)).all():
        lead = session.get_one(Lead, lead_id)
        tried, retry = lead.tried_at, lead.retry_at
        if place(session, lead, now).outcome is DecisionOutcome.OFFERED:
            yield f"lead {lead_id} waits (tried {tried}, again {retry}) though a partner could take it"
        session.rollback()

"""Taking back a touch or feedback recorded by mistake: the row stays and says so, and counts nowhere any more.

Nothing is erased. What the slip met, cured or cancelled is as it was before, with the due times it had; what it opened
is cancelled. The fold of standing then gives what it gives without the slip, which is why some slips stay (``policy``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update

from models.assignments import Activity, Assignment, Deal, Feedback, Obligation
from models.leads import Lead
from models.partners import Partner
from models.platform import Outbox
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance.service import enter, refold
from portal.deadlines.assignments import event, locked_lead
from portal.errors import Conflict, NotFound
from portal.follow_up import policy
from portal.follow_up.service import ENDED, Held
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    AssignmentState,
    Disposition,
    LeadEventKind,
    LeadStatus,
    NoticeTopic,
    ObligationState,
)

Slip = Activity | Feedback
#: What a feedback made of its lead; anything else was somebody's doing since.
MADE = {
    Disposition.WON: LeadStatus.WON,
    Disposition.LOST: LeadStatus.LOST,
    Disposition.UNQUALIFIED: LeadStatus.RETURNED,
    Disposition.NURTURE: LeadStatus.NURTURE,
}


@dataclass(frozen=True)
class Ask:
    """What to take back of one assignment: a touch, feedback, or both as one form recorded them."""

    activity_id: str | None = None
    feedback_id: str | None = None


def take_back(
    session: AnySession, assignment_id: str, ask: Ask, now: datetime, actor: Actor
) -> tuple[Assignment, list[str]]:
    """Take back what ``ask`` names; the ids of leads that a stop freed meanwhile.

    Raises NotFound (not the actor's own, or of another lead), Conflict with the reason (``policy.refusal``), Unsettled.
    """
    slips = _slips(session, assignment_id, ask, actor)
    held = _enter(session, assignment_id, now)
    for slip in slips:
        session.refresh(slip)
    _check(session, held, slips)
    for slip in slips:
        _reverse(session, held, slip, actor)
    record(
        session, actor, "assignment.undo", "assignment", assignment_id, held.at, partner_id=held.partner.id,
        facts={"what": [type(slip).__name__.lower() for slip in slips]},
    )  # fmt: skip
    return held.assignment, refold(session, held.partner, held.at).freed_leads


def _slips(session: AnySession, assignment_id: str, ask: Ask, actor: Actor) -> list[Slip]:
    """The rows to take back, the later one first."""
    found: list[Slip | None] = []
    if ask.feedback_id:
        found.append(session.get(Feedback, ask.feedback_id))
    if ask.activity_id:
        found.append(session.get(Activity, ask.activity_id))
    own = [row for row in found if row and row.partner_id == actor.partner_id and row.assignment_id == assignment_id]
    if not own or len(own) != len(found):
        raise NotFound
    return own


def _enter(session: AnySession, assignment_id: str, now: datetime) -> Held:
    """Lock partner and lead, a lead in nobody's hands first (the order of placing one)."""
    assignment = session.get_one(Assignment, assignment_id)
    live = assignment.state in LIVE_ASSIGNMENT
    lead = None if live else locked_lead(session, assignment.lead_id)
    partner, at = enter(session, assignment.partner_id, now)
    session.refresh(assignment)
    if (assignment.state in LIVE_ASSIGNMENT) is not live:
        raise Conflict(ENDED)
    return Held(partner, assignment, lead or locked_lead(session, assignment.lead_id), at)


def moment(slip: Slip) -> datetime:
    """When it was recorded."""
    return slip.recorded_at if isinstance(slip, Activity) else slip.given_at


def _check(session: AnySession, held: Held, slips: Sequence[Slip]) -> None:
    backs = [row for slip in slips if _weighs(slip) for row in _answered(session, held, slip)]
    why_not = policy.refusal(
        [policy.Slip(moment(slip), slip.undo_until, slip.taken_back_at) for slip in slips],
        [policy.Back(row.due_at, None if row.breached_at else row.grace_until) for row in backs],
        later=_gone_on(session, held, slips),
        folded_until=held.partner.folded_until,
        room=_room(session, held, slips),
        at=held.at,
    )
    if why_not:
        raise Conflict(why_not)


def _weighs(slip: Slip) -> bool:
    """Whether it moved any deadline: a touch that does not count, and a note, did not."""
    return isinstance(slip, Feedback) or slip.counted


def _answered(session: AnySession, held: Held, slip: Slip) -> list[Obligation]:
    """The deadlines that it met, cured or, by closing the lead, cancelled. A partner's instants are never shared."""
    t = moment(slip)
    done = or_(Obligation.met_at == t, Obligation.cured_at == t, Obligation.cancelled_at == t)
    return list(session.scalars(select(Obligation).where(Obligation.assignment_id == held.assignment.id, done)))


def _opened(session: AnySession, held: Held, slip: Slip) -> list[Obligation]:
    at = Obligation.opened_at == moment(slip)
    return list(session.scalars(select(Obligation).where(Obligation.assignment_id == held.assignment.id, at)))


def _gone_on(session: AnySession, held: Held, slips: Sequence[Slip]) -> bool:
    """Whether anything came after the first of the slips on this lead.

    1. The assignment ended otherwise, or the lead is no longer what the feedback made of it.
    2. Another touch, note or feedback that still stands, or a change of the deal.
    3. What the slips opened is no longer open: it was waived, or missed.
    """
    return (
        _ended_otherwise(held, slips)
        or _recorded_since(session, held, slips)
        or any(
            row.state is not ObligationState.OPEN and row.cancelled_at not in {moment(slip) for slip in slips}
            for slip in slips
            if _weighs(slip)
            for row in _opened(session, held, slip)
        )
    )


def _ended_otherwise(held: Held, slips: Sequence[Slip]) -> bool:
    """Whether the assignment ended by something else since. Feedback may also be given on a closed one."""
    assignment, latest = held.assignment, slips[0]
    if assignment.ended_at is None:
        return False
    if isinstance(latest, Feedback) and _closed_by(held, latest):
        return held.lead.status is not MADE.get(latest.disposition)
    return not (isinstance(latest, Feedback) and assignment.ended_at < latest.given_at)


def _closed_by(held: Held, slip: Slip) -> bool:
    """Whether this feedback is what closed the assignment."""
    return isinstance(slip, Feedback) and held.assignment.ended_at == slip.given_at


def _recorded_since(session: AnySession, held: Held, slips: Sequence[Slip]) -> bool:
    first, ids, id_ = min(map(moment, slips)), [slip.id for slip in slips], held.assignment.id
    newer = (
        select(Activity.id).where(
            Activity.assignment_id == id_, Activity.recorded_at >= first, Activity.taken_back_at.is_(None),
            Activity.id.not_in(ids), Activity.id > min(ids),
        ),
        select(Feedback.id).where(
            Feedback.assignment_id == id_, Feedback.given_at >= first, Feedback.taken_back_at.is_(None),
            Feedback.id.not_in(ids),
        ),
        select(Deal.id).where(Deal.assignment_id == id_, Deal.changed_at >= first),
        select(Assignment.id).where(Assignment.lead_id == held.lead.id, Assignment.id > id_),
    )  # fmt: skip
    return any(session.scalars(query.limit(1)).first() is not None for query in newer)


def _room(session: AnySession, held: Held, slips: Sequence[Slip]) -> bool:
    """Whether the place that a slip freed is still free: there is room, or nothing has come since."""
    if not _freed_place(held, slips) or held.partner.open_leads < held.partner.cap_now:
        return True
    came = func.coalesce(Assignment.offered_at, Assignment.accepted_at) >= min(map(moment, slips))
    taken = select(Assignment.id).where(Assignment.partner_id == held.partner.id, Assignment.counts_open, came)
    return session.scalars(taken.limit(1)).first() is None


def _freed_place(held: Held, slips: Sequence[Slip]) -> bool:
    """Whether the lead counts as open again once these are gone."""
    assignment = held.assignment
    counted = sum(isinstance(slip, Activity) and slip.counted for slip in slips)
    in_hand = assignment.ended_at is None or _closed_by(held, slips[0])
    return in_hand and not assignment.counts_open and assignment.touches == counted


def _reverse(session: AnySession, held: Held, slip: Slip, actor: Actor) -> None:
    if _weighs(slip):
        _reverse_deadlines(session, held, slip)
    if isinstance(slip, Activity):
        _reverse_touch(session, held, slip)
    elif _closed_by(held, slip):
        _revive(session, held, actor)
    slip.taken_back_at = held.at


def _reverse_deadlines(session: AnySession, held: Held, slip: Slip) -> None:
    """What it answered is open or missed again as before; what it opened is cancelled."""
    for row in _answered(session, held, slip):
        missed = row.breached_at is not None
        row.state = ObligationState.BREACHED if missed else ObligationState.OPEN
        row.met_at = row.cured_at = row.cancelled_at = None
    for row in _opened(session, held, slip):
        row.state, row.cancelled_at = ObligationState.CANCELLED, held.at
    session.flush()


def _reverse_touch(session: AnySession, held: Held, touch: Activity) -> None:
    if not touch.counted:
        return
    assignment, touch.counted = held.assignment, False
    session.flush()
    assignment.touches -= 1
    assignment.last_touch_at = session.scalars(
        select(func.max(Activity.recorded_at)).where(Activity.assignment_id == assignment.id, Activity.counted)
    ).one()
    _back_in_hand(held.partner, assignment, held.lead)


def _back_in_hand(partner: Partner, assignment: Assignment, lead: Lead) -> None:
    """A lead that is worked: contacted where a touch counts, else accepted and among the partner's open leads."""
    if assignment.state is not AssignmentState.ACCEPTED:
        return
    lead.status, lead.reason = (LeadStatus.CONTACTED if assignment.touches else LeadStatus.ACCEPTED), None
    if not assignment.touches and not assignment.counts_open:
        assignment.counts_open = True
        partner.open_leads += 1


def _revive(session: AnySession, held: Held, actor: Actor) -> None:
    """The lead that the feedback closed is in the partner's hands again.

    Warnings that nobody was told yet wait again; whether they still hold is seen when they are told.
    """
    assignment = held.assignment
    assignment.state, assignment.ended_at, assignment.end_reason = AssignmentState.ACCEPTED, None, None
    assignment.disposition, assignment.earlier_holder = None, False
    _back_in_hand(held.partner, assignment, held.lead)
    session.execute(
        update(Outbox)
        .where(Outbox.assignment_id == assignment.id, Outbox.state == "dropped", Outbox.topic == NoticeTopic.WARNING)
        .values(state="pending")
    )
    facts = {"reason": "The feedback was taken back."}
    event(session, held.lead.id, LeadEventKind.REOPENED, held.at, actor, assignment=assignment, facts=facts)

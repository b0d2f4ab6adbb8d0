"""What staff do to a lead by hand: assign, recall, reopen, disqualify, nurture, merge. Each with its reason."""

from datetime import datetime

from sqlalchemy import select

from models.allocation import Decision
from models.assignments import Assignment
from models.base import new_id
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from models.writing import insert_now
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation.candidates import gate_facts, look_at, take_place
from portal.allocation.choosing import Placement
from portal.allocation.configuration import Snapshot
from portal.allocation.live import snapshot
from portal.allocation.record import Candidate
from portal.allocation.service import decision_of, make_offer
from portal.compliance.service import enter, refold
from portal.deadlines import assignments
from portal.deadlines.assignments import begin_work, event, locked_lead, send_on
from portal.deadlines.live import policies
from portal.errors import Conflict, Invalid, NotFound
from portal.notifications.outbox import tell_moved_on
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    AssignmentOrigin,
    AssignmentState,
    DecisionOutcome,
    Gate,
    LeadEventKind,
    LeadStatus,
)

ASSIGNABLE = (LeadStatus.UNALLOCATED, LeadStatus.RETURNED, LeadStatus.POOLED, LeadStatus.NURTURE)
REOPENABLE = (
    LeadStatus.WON,
    LeadStatus.LOST,
    LeadStatus.RETURNED,
    LeadStatus.NURTURE,
    LeadStatus.DISQUALIFIED,
)
BARRING = (Gate.ACTIVE, Gate.REACHABLE, Gate.STANDING)


def said(reason: str, field: str = "reason") -> str:
    """The reason, stripped. Raises Invalid where there is none."""
    if not (reason or "").strip():
        raise Invalid([(field, "Say why: it is kept with the lead.")])
    return reason.strip()


def live_assignment(session: AnySession, lead_id: str) -> Assignment | None:
    """The assignment in whose hands the lead is now."""
    return session.scalars(
        select(Assignment).where(Assignment.lead_id == lead_id, Assignment.state.in_(LIVE_ASSIGNMENT))
    ).first()


def candidate(session: AnySession, lead: Lead, partner_id: str, now: datetime) -> Candidate:
    """One partner with every gate asked for this lead: what is shown as a warning before a hand assignment."""
    config = snapshot(session)
    if partner_id not in config.roster:
        raise NotFound("There is no partner by that id.")
    return look_at(session, [config.roster[partner_id]], gate_facts(session, lead), now)[0]


def assign(session: AnySession, lead_id: str, partner_id: str, reason: str, now: datetime, actor: Actor) -> Assignment:
    """Offer a lead that is in nobody's hands to a partner of the manager's choice.

    1. The partner must be active and reachable and its standing must allow leads; other gates are only warnings.
    2. The offer is outside the rotation: it neither shares nor uses a turn.
    Raises Conflict, NotFound, Invalid.
    """
    reason, lead = said(reason), locked_lead(session, lead_id)
    if lead.status not in ASSIGNABLE:
        raise Conflict(f"This lead is {lead.status.label.lower()}: it cannot be assigned now.")
    chosen, config = candidate(session, lead, partner_id, now), snapshot(session)
    at = take_place(session, chosen.facts, now, caps=False)
    if at is None:
        raise Conflict(refusal(session, chosen))
    send_on(session, lead, now, counts=False)
    lead.tried_at = now
    offer, rows = make_offer(session, lead, chosen.facts, AssignmentOrigin.BY_HAND, at, actor)
    sentence = f"By hand, {actor.name}: {reason}"
    insert_now(session, *rows, by_hand(lead, chosen, config, now, offer, AssignmentOrigin.BY_HAND, sentence))
    record(session, actor, "lead.assign", "lead", lead.id, now, partner_id=partner_id, facts={"reason": reason})
    return session.get_one(Assignment, offer.id)


def refusal(session: AnySession, chosen: Candidate) -> str:
    """Why a partner cannot be given a lead even by hand."""
    partner = session.get_one(Partner, chosen.facts.id, populate_existing=True)
    if not partner.active:
        return f"{partner.name} is not active."
    if not partner.reachable:
        return f"{partner.name} has nobody who can be reached: add a user first."
    return f"{partner.name} is {partner.standing.label.lower()} and gets no leads. Release it first, or choose another."


def by_hand(
    lead: Lead, chosen: Candidate, config: Snapshot, now: datetime, assignment: Assignment, origin: AssignmentOrigin,
    sentence: str,
) -> Decision:  # fmt: skip
    """The decision that explains an assignment outside the rules."""
    placed = Placement(outcome=DecisionOutcome.OFFERED, winner=chosen.facts, origin=origin)
    placed.candidates = {chosen.facts.slot: chosen}
    decision = decision_of(lead, chosen.lead, placed, config, now, assignment.id)
    decision.sentence = sentence
    return decision


def recall(session: AnySession, assignment_id: str, reason: str, now: datetime, actor: Actor) -> list[str]:
    """Take a lead back from its partner, without its fault. The ids of leads to place next."""
    assignment = _held(session, assignment_id)
    partner, at = enter(session, assignment.partner_id, now)
    session.refresh(assignment)
    if assignment.state not in LIVE_ASSIGNMENT:
        raise Conflict("This assignment has ended: there is nothing to recall.")
    assignments.end(session, partner, assignment, AssignmentState.RECALLED, at, actor, reason=said(reason))
    tell_moved_on(session, partner.id, assignment.id, assignment.lead_id, at)
    send_on(session, locked_lead(session, assignment.lead_id), at, counts=False)
    record(session, actor, "assignment.recall", "assignment", assignment.id, at, partner_id=partner.id,
           facts={"reason": reason})  # fmt: skip
    return [assignment.lead_id, *refold(session, partner, at).freed_leads]


def _held(session: AnySession, assignment_id: str) -> Assignment:
    assignment = session.get(Assignment, assignment_id)
    if assignment is None:
        raise NotFound
    return assignment


def take_out(
    session: AnySession, lead_id: str, status: LeadStatus, reason: str, now: datetime, actor: Actor
) -> list[str]:
    """Disqualify a lead or put it aside for nurture, from whatever hands it is in. The ids of leads a stop freed."""
    reason, freed, at = said(reason), [], now
    if held := live_assignment(session, lead_id):
        partner, at = enter(session, held.partner_id, now)
        session.refresh(held)
        if held.state not in LIVE_ASSIGNMENT:
            raise Conflict("This lead changed hands just now. Look again, then decide.")
        assignments.end(session, partner, held, AssignmentState.RECALLED, at, actor, reason=status.value)
        tell_moved_on(session, partner.id, held.id, lead_id, at)
        freed = refold(session, partner, at).freed_leads
    lead = locked_lead(session, lead_id)
    if live_assignment(session, lead_id) is not None:
        raise Conflict("This lead changed hands just now. Look again, then decide.")
    if lead.status in (LeadStatus.ERASED, LeadStatus.DUPLICATE, status):
        raise Conflict(f"This lead is {lead.status.label.lower()} already.")
    lead.status, lead.reason, lead.pool_until, lead.pool = status, reason[:200], None, None
    kind = LeadEventKind.MERGED if status is LeadStatus.DUPLICATE else LeadEventKind(status.value)
    event(session, lead.id, kind, at, actor, facts={"reason": reason})
    record(session, actor, f"lead.{status.value}", "lead", lead.id, at, facts={"reason": reason})
    return freed


def merge(session: AnySession, lead_id: str, into: str, now: datetime, actor: Actor) -> list[str]:
    """Make a lead the duplicate of another: it joins that one's timeline. The ids of leads a stop freed."""
    target = session.get(Lead, into)
    if target is None or target.status in (LeadStatus.DUPLICATE, LeadStatus.ERASED):
        raise Invalid([("into", "Name a lead that exists and is not a duplicate itself.")])
    if into == lead_id:
        raise Invalid([("into", "A lead cannot be merged into itself.")])
    freed = take_out(session, lead_id, LeadStatus.DUPLICATE, f"Merged into {into}", now, actor)
    lead = locked_lead(session, lead_id)
    lead.duplicate_of = into
    event(session, into, LeadEventKind.MERGED, now, actor, facts={"lead": lead_id})
    return freed


def reopen(session: AnySession, lead_id: str, reason: str, now: datetime, actor: Actor) -> list[str]:
    """Bring a closed lead back to life; the ids of leads to place next.

    1. Its last holder gets it back, accepted, with fresh deadlines, where every gate lets it through.
    2. Otherwise, or where nobody held it, it is placed by the rules.
    """
    reason, lead = said(reason), locked_lead(session, lead_id)
    if lead.status not in REOPENABLE:
        raise Conflict(f"This lead is {lead.status.label.lower()}: only a closed one can be reopened.")
    record(session, actor, "lead.reopen", "lead", lead.id, now, facts={"reason": reason})
    last = session.scalars(
        select(Assignment).where(Assignment.lead_id == lead_id).order_by(Assignment.id.desc()).limit(1)
    ).first()
    if last is None or not _give_back(session, lead, last.partner_id, reason, now, actor):
        send_on(session, lead, now, counts=False)
        return [lead_id]
    return []


def _give_back(session: AnySession, lead: Lead, partner_id: str, reason: str, now: datetime, actor: Actor) -> bool:
    holder = candidate(session, lead, partner_id, now)
    if not holder.eligible:
        return False
    partner, at = enter(session, partner_id, now)
    if not take_place(session, holder.facts, at):
        return False
    session.refresh(partner)
    again = new_accepted(session, lead, partner_id, AssignmentOrigin.REOPENED, at)
    begin_work(session, partner, again, lead, at)
    event(session, lead.id, LeadEventKind.REOPENED, at, actor, assignment=again, facts={"reason": reason})
    why = by_hand(lead, holder, snapshot(session), at, again, AssignmentOrigin.REOPENED, f"Reopened: {reason}")
    insert_now(session, why)
    return True


def new_accepted(
    session: AnySession, lead: Lead, partner_id: str, origin: AssignmentOrigin, at: datetime
) -> Assignment:
    """An assignment that needs no answer: claimed or reopened. ``begin_work`` opens its deadlines."""
    assignment = Assignment(
        id=new_id(), lead_id=lead.id, partner_id=partner_id, state=AssignmentState.ACCEPTED, origin=origin,
        policy_id=policies(session).at(at).id, offered_at=None, accepted_at=at, counts_open=True,
    )  # fmt: skip
    lead.status, lead.reason, lead.pool_until, lead.pool, lead.retry_at = (
        LeadStatus.ACCEPTED,
        None,
        None,
        None,
        None,
    )
    session.add(assignment)
    session.flush()
    return assignment


def barred(chosen: Candidate) -> bool:
    """Whether not even a hand assignment may go to this partner: inactive, unreachable, or its standing."""
    return any(not gate.passed for gate in chosen.gates if gate.gate in BARRING)

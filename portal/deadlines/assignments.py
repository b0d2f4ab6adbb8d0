"""Ending an assignment: the one place where a lead leaves a partner's hands."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from models.assignments import Assignment, Obligation
from models.base import Model, new_id
from models.leads import Lead, LeadEvent
from models.partners import Partner
from models.platform import Outbox
from models.session import AnySession
from models.writing import bare, insert_now, tracked
from portal.accounts.actor import SYSTEM, Actor
from portal.deadlines import service as deadlines
from portal.deadlines.live import policies
from portal.errors import NotFound
from portal.notifications.outbox import drop_pending, notice_row
from portal.qualification.facts import lead_facts
from portal.vocabulary import (
    AssignmentState,
    LeadEventKind,
    LeadStatus,
    NoticeTopic,
    ObligationKind,
    QueueReason,
)

EVENT_OF_END = {
    AssignmentState.DECLINED: LeadEventKind.DECLINED,
    AssignmentState.EXPIRED: LeadEventKind.EXPIRED,
    AssignmentState.RECALLED: LeadEventKind.RECALLED,
    AssignmentState.CLOSED: LeadEventKind.CLOSED,
}


def locked_lead(session: AnySession, lead_id: str) -> Lead:
    """The lead, locked for this transaction and read afresh. Raises NotFound."""
    lead = session.scalars(
        select(Lead).where(Lead.id == lead_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if lead is None:
        raise NotFound
    return lead


def event(
    session: AnySession,
    lead_id: str,
    kind: LeadEventKind,
    at: datetime,
    actor: Actor,
    *,
    assignment: Assignment | None = None,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Add a line to the lead's timeline; with an assignment it is that partner's (and staff's) alone."""
    session.add(tracked(LeadEvent, line(lead_id, kind, at, actor, assignment=assignment, facts=facts)))


def line(
    lead_id: str,
    kind: LeadEventKind,
    at: datetime,
    actor: Actor,
    *,
    assignment: Assignment | None = None,
    facts: Mapping[str, object] | None = None,
) -> LeadEvent:
    """One line of a lead's timeline, not yet written."""
    return bare(
        LeadEvent, id=new_id(), lead_id=lead_id, kind=kind, at=at, facts=dict(facts or {}), actor_id=actor.id,
        actor_name=actor.name, assignment_id=assignment.id if assignment else None,
        partner_id=assignment.partner_id if assignment else None,
    )  # fmt: skip


def free_place(partner: Partner, assignment: Assignment, at: datetime) -> None:
    """The assignment no longer stands among the partner's open leads. The partner row is locked by the caller."""
    if assignment.counts_open:
        assignment.counts_open = False
        partner.open_leads -= 1
        partner.freed_at = at


def end(
    session: AnySession,
    partner: Partner,
    assignment: Assignment,
    state: AssignmentState,
    at: datetime,
    actor: Actor,
    *,
    reason: str | None = None,
    keep_feedback: bool = False,
) -> None:
    """End a live assignment. The caller holds the partner's lock and says what becomes of the lead.

    1. It gets its state, instant (never before it was offered) and reason, and frees its place among the partner's
       open leads; a deal's end may free the account too, so waiting leads are tried again in any case.
    2. Open obligations are cancelled. Breached ones are cured where the assignment is closed by its outcome,
       and stay breached without counting as overdue where the lead moves away.
    3. Feedback stays due where the caller says so (won or lost).
    4. Warnings and offers that nobody was told yet are taken back.
    """
    closed = state is AssignmentState.CLOSED
    ended_at = max(at, assignment.offered_at or at)
    assignment.state, assignment.ended_at, assignment.end_reason = state, ended_at, reason
    free_place(partner, assignment, at)
    partner.freed_at = at
    rows = deadlines.owed(session, assignment.id)
    kept = [row for row in rows if keep_feedback and row.kind is ObligationKind.FEEDBACK]
    deadlines.close([row for row in rows if row not in kept], at, cure=closed)
    for row in kept:
        row.reassign = False
    drop_pending(session, assignment.id, (NoticeTopic.OFFER, NoticeTopic.WARNING))
    event(
        session,
        assignment.lead_id,
        EVENT_OF_END[state],
        ended_at,
        actor,
        assignment=assignment,
        facts={"reason": reason},
    )


def send_on(session: AnySession, lead: Lead, at: datetime, *, counts: bool) -> None:
    """The lead waits to be placed again; past the policy's limit of moves it waits for a manager.

    1. A move that its holder caused (``counts``) is one of the policy's ``hand_overs``.
    2. When those are used up the lead's reason is the limit, nothing retries it by itself, and the vendor is told.
    """
    limit = policies(session).at(at).document.hand_overs
    lead.status, lead.tried_at, lead.retry_at = LeadStatus.UNALLOCATED, None, None
    lead.pool_until, lead.pool = None, None
    if counts and lead.hand_overs >= limit:
        lead.reason = QueueReason.HAND_OVER_LIMIT
        insert_now(session, *queued(lead, QueueReason.HAND_OVER_LIMIT, at))
    else:
        lead.reason = QueueReason.BEING_PLACED
        lead.hand_overs += 1 if counts else 0


def queued(lead: Lead, reason: QueueReason, at: datetime) -> list[Model]:
    """The line of the timeline, and the notice to the vendor, of a lead that comes to wait with nobody; not written.

    One for each time that it comes to wait, not for each time that it is tried there.
    """
    facts = {"grade": lead.grade, "reason": reason, "url": "/queue"}
    once = f"unallocated:{lead.id}:{at.isoformat()}"
    notice = notice_row(NoticeTopic.UNALLOCATED, "manager", at, lead_id=lead.id, once=once, facts=facts)
    return [line(lead.id, LeadEventKind.QUEUED, at, SYSTEM, facts={"reason": reason}), bare(Outbox, **notice)]


def begin_work(session: AnySession, partner: Partner, assignment: Assignment, lead: Lead, at: datetime) -> None:
    """The lead is accepted or claimed: first contact and feedback start, under the policy that rules now."""
    assignment.state, assignment.accepted_at = AssignmentState.ACCEPTED, at
    lead.status, lead.reason = LeadStatus.ACCEPTED, None
    for kind in (ObligationKind.FIRST_CONTACT, ObligationKind.FEEDBACK):
        open_one(session, partner, assignment, lead, kind, at)


def open_one(
    session: AnySession, partner: Partner, assignment: Assignment, lead: Lead, kind: ObligationKind, at: datetime,
    number: int = 1,
) -> Obligation | None:  # fmt: skip
    """Open one obligation under the policy that rules at ``at``; None where that asks for none."""
    row = deadlines.opening(
        policies(session).at(at), kind, lead_facts(lead), deadlines.calendar_of(partner), at,
        assignment_id=assignment.id, lead_id=lead.id, partner_id=partner.id, number=number,
    )  # fmt: skip
    if row is None:
        return None
    session.add(opened := Obligation(**row))
    return opened

"""Recording what time has decided for one partner: every breach at its true instant, with its consequences."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import SYSTEM
from portal.compliance import excuses
from portal.compliance import service as compliance
from portal.deadlines import assignments
from portal.deadlines import service as deadlines
from portal.deadlines.live import policies
from portal.notifications.outbox import notify
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, NoticeTopic

SetAside = Callable[[Obligation, Exception], None]


@dataclass
class Settled:
    """What settling a partner recorded."""

    breaches: int = 0
    changes: int = 0
    set_aside: int = 0
    freed_leads: list[str] = field(default_factory=list)


def settle(session: AnySession, partner_id: str, now: datetime) -> Settled:
    """Record everything that fell due for a partner up to ``now``. The caller commits, then places the freed leads.

    1. Events are taken in the order of their true instants: a deadline's end (grace included) and the instants at
       which time alone changes standing. A breach is recorded at its due instant.
    2. After each instant the standing is folded, and a stop takes effect before later deadlines are looked at: an
       offer that the stop recalls is not missed afterwards.
    3. An obligation that cannot be recorded is set aside with the reason; the others proceed.
    4. Room that this makes counts from now: leads that were tried since the true instant find it too.
    5. What an outage took of a deadline's time is given back first: nobody misses it for the vendor's fault.
    """
    partner, done = compliance.lock_partner(session, partner_id), Settled()
    freed_at = partner.freed_at
    excuses.give_back(session, partner, max(now, partner.folded_until + compliance.TICK))
    while (at := _next_instant(session, partner, now)) is not None:
        moved = [
            row for row in deadlines.due_now(session, partner.id, at) if _recorded(session, partner, row, done, now)
        ]
        for row in moved:
            done.freed_leads += _hand_on(session, partner, row)
        at = max(at, partner.folded_until)
        folded = compliance.refold(session, partner, at, recorded_at=max(at, now))
        done.changes += sum(step.from_ is not step.to for step in folded.steps)
        done.freed_leads += folded.freed_leads
        session.flush()
    if partner.freed_at != freed_at:
        partner.freed_at = now
    return done


def _next_instant(session: AnySession, partner: Partner, now: datetime) -> datetime | None:
    due = deadlines.due_now(session, partner.id, now)
    instants = [due[0].grace_until] if due else []
    if partner.standing_next_at is not None and partner.standing_next_at <= now:
        instants.append(partner.standing_next_at)
    return min(instants, default=None)


def _recorded(session: AnySession, partner: Partner, row: Obligation, done: Settled, now: datetime) -> bool:
    """Record one breach, or set it aside; whether its lead is to be handed on.

    All breaches of an instant are recorded before any lead moves: two deadlines of one lead may end together.
    """
    try:
        with session.begin_nested():
            assignment = session.get_one(Assignment, row.assignment_id)
            row.reassign = row.reassign and assignment.state in LIVE_ASSIGNMENT
            deadlines.breach(row)
            _tell(session, partner, row, session.get_one(Lead, row.lead_id), moved=row.reassign)
        done.breaches += 1
    except Exception as error:  # one bad row must not hold up a partner's others, whatever is wrong with it
        session.refresh(row)
        row.set_aside_at, row.set_aside_why = now, f"{type(error).__name__}: {error}"[:500]
        done.set_aside += 1
        return False
    return row.reassign


def _hand_on(session: AnySession, partner: Partner, row: Obligation) -> list[str]:
    """End the assignment that a missed deadline takes the lead from; the id of the lead to place next."""
    assignment = session.get_one(Assignment, row.assignment_id)
    if assignment.state not in LIVE_ASSIGNMENT:
        return []
    at = row.grace_until
    lead = assignments.locked_lead(session, row.lead_id)
    assignments.end(session, partner, assignment, AssignmentState.EXPIRED, at, SYSTEM, reason=row.kind.value)
    assignment.earlier_holder = True
    assignments.send_on(session, lead, at, counts=True)
    return [lead.id]


def _tell(session: AnySession, partner: Partner, row: Obligation, lead: Lead, *, moved: bool) -> None:
    entry = policies(session).by_id(row.policy_id).document.obligations[row.entry]
    facts = {
        "partner": partner.name, "kind": row.kind, "due_at": row.due_at.isoformat(), "grade": lead.grade,
        "moved": moved, "url": "/standing" if moved else f"/leads/{lead.id}",
    }  # fmt: skip
    for audience in entry.notify:
        notify(
            session, NoticeTopic.BREACH, audience.value, row.grace_until, partner_id=partner.id,
            assignment_id=row.assignment_id, lead_id=lead.id, once=f"breach:{row.id}:{audience.value}", facts=facts,
        )  # fmt: skip

"""Placing a lead: the live rules, the gates, the turn, the guard, and the decision that explains it."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.allocation import Decision
from models.assignments import Assignment, Obligation
from models.base import Model, new_id
from models.leads import Lead
from models.platform import Outbox
from models.session import AnySession
from models.writing import bare, insert_now
from portal.accounts.actor import SYSTEM, Actor
from portal.allocation import sentences
from portal.allocation.arrival import with_arrival
from portal.allocation.candidates import gate_facts, is_early
from portal.allocation.choosing import Asked, Desk, Placement, choose
from portal.allocation.configuration import Snapshot
from portal.allocation.desk import DatabaseDesk
from portal.allocation.gates import LeadFacts, PartnerFacts
from portal.allocation.live import snapshot
from portal.allocation.record import pack
from portal.deadlines import service as deadlines
from portal.deadlines.assignments import line, queued
from portal.deadlines.live import policies
from portal.notifications.outbox import notice_row
from portal.qualification.facts import lead_facts
from portal.vocabulary import (
    AssignmentOrigin,
    AssignmentState,
    DecisionOutcome,
    LeadEventKind,
    LeadStatus,
    NoticeTopic,
    ObligationKind,
)


def place(session: AnySession, lead: Lead, now: datetime, *, unclaimed_of: str | None = None) -> Placement:
    """Decide about a locked, waiting lead and write it down; see ``decide``."""
    facts, desk = gate_facts(session, lead), DatabaseDesk(session, now)
    placed, rows = decide(session, desk, lead, facts, now, unclaimed_of=unclaimed_of)
    insert_now(session, *rows)
    return placed


def decide(
    session: AnySession, desk: Desk, lead: Lead, facts: LeadFacts, now: datetime, *, unclaimed_of: str | None = None
) -> tuple[Placement, list[Model]]:
    """Choose where a lead goes (``choosing.choose``), the place and the turn taken; and the rows to write for it."""
    config = snapshot(session)
    placed = choose(desk, config, asked(config, lead, facts), unclaimed_of=unclaimed_of)
    return placed, carry_out(session, lead, facts, placed, config, now)


def asked(config: Snapshot, lead: Lead, facts: LeadFacts) -> Asked:
    """A lead as a choice asks about it."""
    values = lead_facts(lead)
    if config.rules is not None and config.rules.reads_arrival and config.vendor is not None:
        values = with_arrival(values, config.vendor, lead.received_at)
    origin = AssignmentOrigin(lead.prefer_origin) if lead.prefer_origin else None
    return Asked(facts, values, lead.prefer_partner_id, origin)


def carry_out(
    session: AnySession, lead: Lead, facts: LeadFacts, placed: Placement, config: Snapshot, now: datetime
) -> list[Model]:
    """Write down what was decided: the lead's own columns; the rows beside it, in the order of their foreign keys.

    Assignment and obligation, pool or queue; the timeline, the notices and the decision.
    """
    comes = lead.tried_at is None  # into the queue, where it ends there; otherwise it waits there already
    lead.tried_at, lead.retry_at = now, placed.retry_at
    assignment_id, rows = None, list[Model]()
    if placed.outcome is DecisionOutcome.OFFERED and placed.winner and placed.origin:
        offer, rows = make_offer(session, lead, placed.winner, placed.origin, placed.at or now)
        assignment_id = offer.id
    elif placed.outcome is DecisionOutcome.POOLED and placed.pool:
        lead.status, lead.reason, lead.pool = LeadStatus.POOLED, None, placed.pool
        lead.pool_until = datetime.fromisoformat(placed.pool["until"])
        rows.append(line(lead.id, LeadEventKind.POOLED, now, SYSTEM, facts={"rule": placed.pool["rule"]}))
    else:
        rows += _queue(session, lead, placed, now, comes=comes)
    decision = decision_of(lead, facts, placed, config, now, assignment_id)
    return [*rows, decision] if comes or not _said_already(session, decision) else rows


def _said_already(session: AnySession, decision: Decision) -> bool:
    """Whether a lead that waits was told to wait for the very same reasons last time: that decision still stands."""
    if decision.outcome is not DecisionOutcome.QUEUED:
        return False
    of_lead = select(Decision).where(Decision.lead_id == decision.lead_id)
    last = session.scalars(of_lead.order_by(Decision.decided_at.desc(), Decision.id.desc()).limit(1)).first()
    telling = ("outcome", "rule_version", "rule", "sentence", "candidates")
    return last is not None and all(getattr(last, name) == getattr(decision, name) for name in telling)


def _queue(session: AnySession, lead: Lead, placed: Placement, now: datetime, *, comes: bool) -> list[Model]:
    aside = lead.status is LeadStatus.RECEIVED and is_early(session, lead)  # kept for nurture: nobody is alarmed
    lead.status, lead.reason = LeadStatus.UNALLOCATED, placed.reason
    return queued(lead, placed.reason, now) if comes and not aside else []


def make_offer(
    session: AnySession, lead: Lead, partner: PartnerFacts, origin: AssignmentOrigin, now: datetime,
    actor: Actor = SYSTEM,
) -> tuple[Assignment, list[Model]]:  # fmt: skip
    """The assignment, and it with its respond obligation, the timeline's line and the notice, to be written.

    The guard took the place already.
    """
    policy = policies(session).at(now)
    assignment = bare(
        Assignment, id=new_id(), lead_id=lead.id, partner_id=partner.id, state=AssignmentState.OFFERED, origin=origin,
        policy_id=policy.id, offered_at=now, counts_open=True,
    )  # fmt: skip
    row = deadlines.opening(
        policy, ObligationKind.RESPOND, lead_facts(lead), partner.calendar, now,
        assignment_id=assignment.id, lead_id=lead.id, partner_id=partner.id,
    )  # fmt: skip
    assert row is not None, "a policy has a respond entry for every lead"
    assignment.respond_by = row["due_at"]
    lead.status, lead.reason = LeadStatus.OFFERED, None
    notice = notice_row(
        NoticeTopic.OFFER, "partner", now, partner_id=partner.id, assignment_id=assignment.id, lead_id=lead.id,
        once=f"offer:{assignment.id}", facts=offer_facts(lead, partner.name, row["due_at"]),
    )  # fmt: skip
    offered = line(lead.id, LeadEventKind.OFFERED, now, actor, assignment=assignment)
    return assignment, [assignment, bare(Obligation, **row), offered, bare(Outbox, **notice)]


def offer_facts(lead: Lead, partner_name: str, due_at: datetime) -> dict[str, Any]:
    """What a partner may read of a lead before it accepts."""
    names = ("grade", "product", "region", "country", "employees")
    known = {name: value for name in names if (value := getattr(lead, name)) is not None}
    return {"partner": partner_name, "due_at": due_at.isoformat(), "url": f"/leads/{lead.id}", **known}


def decision_of(
    lead: Lead, facts: LeadFacts, placed: Placement, config: Snapshot, now: datetime, assignment_id: str | None
) -> Decision:
    """The stored explanation of one allocation."""
    candidates = sorted(placed.candidates.values(), key=lambda c: (len(c.closed) > 0, c.rank or 0, c.facts.slot))
    return bare(
        Decision, id=new_id(), lead_id=lead.id, assignment_id=assignment_id, decided_at=now,
        rule_version_id=config.version_id, rule_version=config.number, rule=placed.rule.name if placed.rule else None,
        strategy=placed.strategy, origin=placed.origin, outcome=placed.outcome,
        partner_id=placed.winner.id if placed.winner else None, path=placed.path,
        candidates=pack(facts, candidates, placed.missed),
        sentence=sentences.decision_sentence(
            outcome=placed.outcome, origin=placed.origin, strategy=placed.strategy, reason=placed.reason,
            winner=placed.winner.name if placed.winner else None, seen=_seen(placed), audience="staff",
        ),
    )  # fmt: skip


def _seen(placed: Placement) -> sentences.Seen:
    """What a decision's sentence tells of all its candidates: how many fit, and what kept each of the others off."""
    shut = Counter(c.closed[0] for c in placed.candidates.values() if c.closed)
    shut.update({gate: slots.bit_count() for gate, slots in placed.missed.items() if slots})
    chosen = placed.candidates.get(placed.winner.slot) if placed.winner else None
    fit = sum(not c.closed for c in placed.candidates.values())
    return sentences.Seen(fit=fit, ranked=chosen is not None and chosen.rank is not None, closed=shut)

"""Placing a lead: the live rules, the gates, the turn, the guard, and the decision that explains it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from models.allocation import Decision, Rotation
from models.assignments import Assignment, Obligation
from models.base import Model, new_id
from models.leads import Lead
from models.platform import Outbox
from models.session import AnySession, insert_now
from portal.accounts.actor import SYSTEM, Actor
from portal.allocation import sentences
from portal.allocation.candidates import Candidate, Field, gate_facts, is_early, survey, take_place
from portal.allocation.document import Rule
from portal.allocation.gates import LeadFacts, PartnerFacts
from portal.allocation.live import Snapshot, snapshot
from portal.allocation.record import pack
from portal.allocation.rotation import Credits, turn
from portal.allocation.statements import LOCK_ROTATION, SAVE_TURN
from portal.allocation.strategies import least_loaded
from portal.deadlines import service as deadlines
from portal.deadlines.assignments import line
from portal.deadlines.live import policies
from portal.notifications.outbox import notice_row
from portal.notifications.queries import told
from portal.qualification.facts import lead_facts
from portal.vocabulary import (
    AssignmentOrigin,
    AssignmentState,
    DecisionOutcome,
    LeadEventKind,
    LeadStatus,
    NoticeTopic,
    ObligationKind,
    QueueReason,
    StrategyKind,
)


@dataclass
class Placement:
    """Where a lead went, and all that its decision must be able to tell."""

    outcome: DecisionOutcome = DecisionOutcome.QUEUED
    reason: QueueReason = QueueReason.NO_RULE
    winner: PartnerFacts | None = None
    origin: AssignmentOrigin | None = None
    rule: Rule | None = None
    strategy: StrategyKind | None = None
    pool: dict[str, Any] | None = None
    candidates: dict[str, Candidate] = field(default_factory=dict)
    path: list[dict[str, Any]] = field(default_factory=list)
    retry_at: datetime | None = None
    #: From when the winner has it.
    at: datetime | None = None
    #: What to write for it, in the order of its foreign keys.
    rows: list[Model] = field(default_factory=list)

    def saw(self, seen: Field) -> None:
        """Keep every candidate's latest answer, and the earliest instant at which time opens a gate."""
        self.candidates.update({c.facts.id: c for c in seen.candidates})
        self.retry_at = min((r for r in (self.retry_at, seen.retry_at) if r is not None), default=None)


def place(session: AnySession, lead: Lead, now: datetime, *, unclaimed_of: str | None = None) -> Placement:
    """Decide about a locked, waiting lead and write it down; see ``decide``."""
    placed = decide(session, lead, gate_facts(session, lead), now, unclaimed_of=unclaimed_of)
    insert_now(session, *placed.rows)
    return placed


def decide(
    session: AnySession, lead: Lead, facts: LeadFacts, now: datetime, *, unclaimed_of: str | None = None
) -> Placement:
    """Give a waiting lead to one partner, to the open pool or to the queue. The caller writes ``rows``.

    ``unclaimed_of`` names the rule in whose pool nobody claimed it: what that rule says comes next.

    1. Who is asked first (a returning person's or the company's partner) gets it where its gates allow, outside
       the rotation.
    2. Otherwise the first rule whose conditions hold decides; where it finds nobody, what the rule says comes next.
    3. No rule, or nobody: the queue, with the reason. Never silence.
    """
    config, placed = snapshot(session), Placement()
    pooled = config.rule_named(unclaimed_of)
    if pooled is not None:
        _after_pool(session, config, pooled, lead, facts, now, placed)
    elif not _preferred(session, config, lead, facts, now, placed):
        _by_rules(session, config, config.all_rules, lead, facts, now, placed)
    carry_out(session, lead, placed, config, now)
    return placed


def _preferred(
    session: AnySession, config: Snapshot, lead: Lead, facts: LeadFacts, now: datetime, placed: Placement
) -> bool:
    first = config.roster.get(lead.prefer_partner_id or "")
    if first is None or lead.prefer_origin is None:
        return False
    seen = survey(session, [first], facts, now)
    placed.saw(seen)
    return _offer_to(
        session,
        placed,
        seen.eligible[0] if seen.eligible else None,
        now,
        AssignmentOrigin(lead.prefer_origin),
    )


def _after_pool(
    session: AnySession,
    config: Snapshot,
    rule: Rule,
    lead: Lead,
    facts: LeadFacts,
    now: datetime,
    placed: Placement,
) -> None:
    """Nobody claimed it.

    1. A rule whose strategy is the pool says what comes then.
    2. Another rule had nobody, so it pooled the lead: it asks its partners once more, then the queue.
    """
    placed.rule, placed.strategy, placed.reason = rule, rule.strategy.kind, QueueReason.NOBODY_ELIGIBLE
    if rule.strategy.kind is not StrategyKind.OPEN_POOL:
        _by_rule(session, config, rule, lead, facts, now, placed)
    elif rule.then.kind == "next":
        later = config.all_rules[config.all_rules.index(rule) + 1 :]
        _by_rules(session, config, later, lead, facts, now, placed)
    else:
        _fall_back(session, config, rule, facts, now, placed)


def _by_rules(
    session: AnySession, config: Snapshot, rules: Sequence[Rule], lead: Lead, facts: LeadFacts, now: datetime,
    placed: Placement,
) -> None:  # fmt: skip
    for rule in _matching(rules, lead, placed):
        placed.rule, placed.strategy, placed.reason = rule, rule.strategy.kind, QueueReason.NOBODY_ELIGIBLE
        if _by_rule(session, config, rule, lead, facts, now, placed):
            return
        if rule.then.kind != "next":
            _fall_back(session, config, rule, facts, now, placed)
            return


def _matching(rules: Sequence[Rule], lead: Lead, placed: Placement) -> Iterator[Rule]:
    values = lead_facts(lead)
    for rule in rules:
        matches = rule.condition.matches(values)
        placed.path.append({"rule": rule.name, "matched": matches})
        if matches:
            yield rule


def _by_rule(
    session: AnySession,
    config: Snapshot,
    rule: Rule,
    lead: Lead,
    facts: LeadFacts,
    now: datetime,
    placed: Placement,
) -> bool:
    pool = config.pool(rule)
    if rule.strategy.kind is StrategyKind.WEIGHTED_ROUND_ROBIN:
        return _in_turn(session, rule, pool, lead, facts, now, placed)
    if rule.strategy.kind is StrategyKind.NAMED:
        pool = tuple(p for p in config.roster.values() if p.id == rule.strategy.partner)
    seen = survey(session, pool, facts, now)
    placed.saw(seen)
    if rule.strategy.kind is StrategyKind.OPEN_POOL:
        return bool(seen.eligible) and _to_pool(placed, rule, rule.strategy.hours, now)
    ranked = least_loaded((c.facts, c.now) for c in seen.eligible)
    by_id = {c.facts.id: c for c in seen.eligible}
    for rank, facts_of in enumerate(ranked, start=1):
        by_id[facts_of.id].rank = rank
    return any(_offer_to(session, placed, by_id[p.id], now, AssignmentOrigin.RULE) for p in ranked)


def _in_turn(
    session: AnySession, rule: Rule, pool: tuple[PartnerFacts, ...], lead: Lead, facts: LeadFacts, now: datetime,
    placed: Placement,
) -> bool:  # fmt: skip
    """Weighted round robin. The rotation's row is locked first, so that what is read next is the latest.

    A candidate whose guard finds no place is gated out, and the turn is worked out anew without it.
    """
    key = rotation_key(rule, lead)
    credits = locked_credits(session, key)
    seen = survey(session, pool, facts, now)
    placed.saw(seen)
    left = list(seen.eligible)
    while left:
        by_slot = {c.facts.slot: c for c in left}
        drawn = turn(credits, [(c.facts.slot, c.now.weight_now_x2) for c in left if c.now])
        for rank, slot in enumerate(drawn.order, start=1):
            by_slot[slot].rank, by_slot[slot].credit = rank, credits.get(slot)
        winner = by_slot[drawn.winner]
        if _offer_to(session, placed, winner, now, AssignmentOrigin.ROTATION):
            session.execute(SAVE_TURN, {"of": key, "after": drawn.credits.pack()})
            return True
        left.remove(winner)
    return False


def rotation_key(rule: Rule, lead: Lead) -> str:
    """One rotation a rule, or one for each country, region or product where the rule says ``by``."""
    return rule.name if rule.strategy.by is None else f"{rule.name}|{getattr(lead, rule.strategy.by) or ''}"


def locked_credits(session: AnySession, key: str) -> Credits:
    """The rotation's credits, its row locked; made where it is new (a race on that is begun again by the unit)."""
    packed = session.execute(LOCK_ROTATION, {"of": key}).scalar_one_or_none()
    if packed is None:
        insert_now(session, Rotation(key=key, credits=b"", turns=0))
    return Credits.unpack(packed)


def _offer_to(
    session: AnySession,
    placed: Placement,
    candidate: Candidate | None,
    now: datetime,
    origin: AssignmentOrigin,
) -> bool:
    """Take the place by the guard; where it is gone meanwhile, say so in the candidate's gates."""
    if candidate is None:
        return False
    placed.at = take_place(session, candidate.facts, now)
    if placed.at is None:
        candidate.found_no_place()
        return False
    placed.outcome, placed.winner, placed.origin = DecisionOutcome.OFFERED, candidate.facts, origin
    return True


def _fall_back(
    session: AnySession, config: Snapshot, rule: Rule, facts: LeadFacts, now: datetime, placed: Placement
) -> None:
    if rule.then.kind == "pool":
        _to_pool(placed, rule, None, now)
    elif rule.then.kind == "partner":
        seen = survey(session, [p for p in config.roster.values() if p.id == rule.then.partner], facts, now)
        placed.saw(seen)
        _offer_to(session, placed, seen.eligible[0] if seen.eligible else None, now, AssignmentOrigin.RULE)


def _to_pool(placed: Placement, rule: Rule, hours: int | None, now: datetime) -> bool:
    until = now + timedelta(hours=hours or 24)
    placed.outcome, placed.pool = DecisionOutcome.POOLED, {"rule": rule.name, "until": until.isoformat()}
    return True


def carry_out(session: AnySession, lead: Lead, placed: Placement, config: Snapshot, now: datetime) -> None:
    """Write down what was decided: the lead's own columns, and the rows beside it.

    Assignment and obligation, pool or queue; the timeline, the notices and the decision.
    """
    lead.tried_at, lead.retry_at = now, placed.retry_at
    assignment_id = None
    if placed.outcome is DecisionOutcome.OFFERED and placed.winner and placed.origin:
        offer, rows = make_offer(session, lead, placed.winner, placed.origin, placed.at or now)
        assignment_id = offer.id
        placed.rows += rows
    elif placed.outcome is DecisionOutcome.POOLED and placed.pool:
        lead.status, lead.reason, lead.pool = LeadStatus.POOLED, None, placed.pool
        lead.pool_until = datetime.fromisoformat(placed.pool["until"])
        placed.rows.append(line(lead.id, LeadEventKind.POOLED, now, SYSTEM, facts={"rule": placed.pool["rule"]}))
    else:
        placed.rows += _queue(session, lead, placed, now)
    decision = decision_of(lead, placed, config, now, assignment_id)
    placed.rows += [] if _said_already(session, decision) else [decision]


def _said_already(session: AnySession, decision: Decision) -> bool:
    """Whether a lead that waits was told to wait for the very same reasons last time: that decision still stands."""
    if decision.outcome is not DecisionOutcome.QUEUED:
        return False
    of_lead = select(Decision).where(Decision.lead_id == decision.lead_id)
    last = session.scalars(of_lead.order_by(Decision.decided_at.desc(), Decision.id.desc()).limit(1)).first()
    telling = ("outcome", "rule_version", "rule", "sentence", "candidates")
    return last is not None and all(getattr(last, name) == getattr(decision, name) for name in telling)


def _queue(session: AnySession, lead: Lead, placed: Placement, now: datetime) -> list[Model]:
    aside = lead.status is LeadStatus.RECEIVED and is_early(session, lead)  # kept for nurture: nobody is alarmed
    lead.status, lead.reason = LeadStatus.UNALLOCATED, placed.reason
    once = f"unallocated:{lead.id}"
    if aside or told(session, once):
        return []
    facts = {"grade": lead.grade, "reason": placed.reason, "url": "/queue"}
    notice = notice_row(NoticeTopic.UNALLOCATED, "manager", now, lead_id=lead.id, once=once, facts=facts)
    return [
        line(lead.id, LeadEventKind.QUEUED, now, SYSTEM, facts={"reason": placed.reason}),
        Outbox(**notice),
    ]


def make_offer(
    session: AnySession, lead: Lead, partner: PartnerFacts, origin: AssignmentOrigin, now: datetime,
    actor: Actor = SYSTEM,
) -> tuple[Assignment, list[Model]]:  # fmt: skip
    """The assignment, and it with its respond obligation, the timeline's line and the notice, to be written.

    The guard took the place already.
    """
    policy = policies(session).at(now)
    assignment = Assignment(
        id=new_id(), lead_id=lead.id, partner_id=partner.id, state=AssignmentState.OFFERED, origin=origin,
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
    return assignment, [assignment, Obligation(**row), offered, Outbox(**notice)]


def offer_facts(lead: Lead, partner_name: str, due_at: datetime) -> dict[str, Any]:
    """What a partner may read of a lead before it accepts."""
    names = ("grade", "product", "region", "country", "employees")
    known = {name: value for name in names if (value := getattr(lead, name)) is not None}
    return {"partner": partner_name, "due_at": due_at.isoformat(), "url": f"/leads/{lead.id}", **known}


def decision_of(lead: Lead, placed: Placement, config: Snapshot, now: datetime, assignment_id: str | None) -> Decision:
    """The stored explanation of one allocation."""
    candidates = sorted(placed.candidates.values(), key=lambda c: (not c.eligible, c.rank or 0, c.facts.slot))
    stored = [candidate.stored() for candidate in candidates]
    return Decision(
        id=new_id(), lead_id=lead.id, assignment_id=assignment_id, decided_at=now,
        rule_version_id=config.version_id, rule_version=config.number, rule=placed.rule.name if placed.rule else None,
        strategy=placed.strategy, origin=placed.origin, outcome=placed.outcome,
        partner_id=placed.winner.id if placed.winner else None, candidates=pack(stored), path=placed.path,
        sentence=sentences.decision_sentence(
            outcome=placed.outcome, origin=placed.origin, strategy=placed.strategy, reason=placed.reason,
            winner=placed.winner.name if placed.winner else None, candidates=stored, audience="staff",
        ),
    )  # fmt: skip

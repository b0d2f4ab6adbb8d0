"""The open pool: what a partner may claim, claiming it, and what comes when nobody does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from models.assignments import Assignment
from models.leads import Lead, LeadEvent
from models.session import AnySession
from models.writing import insert_now
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation import sentences
from portal.allocation.candidates import (
    facts_of_all,
    gate_facts,
    look_at,
    state_now,
    take_place,
)
from portal.allocation.configuration import Snapshot
from portal.allocation.gates import GateResult, PartnerFacts, evaluate, static_miss
from portal.allocation.hand import by_hand, new_accepted
from portal.allocation.live import snapshot
from portal.allocation.product_caps import has_room, open_by_product
from portal.allocation.record import Candidate
from portal.compliance.service import enter
from portal.deadlines.assignments import begin_work, event, locked_lead
from portal.errors import Conflict, NotFound
from portal.vocabulary import AssignmentOrigin, AssignmentState, Gate, LeadEventKind, LeadStatus

NO_ROOM = "You have no room for another lead now."
#: How many leads claimed from the pool a partner holds that it has not touched yet: {partner}.
CLAIMED_OPEN = select(func.count()).where(
    Assignment.partner_id == bindparam("partner"), Assignment.origin == AssignmentOrigin.CLAIM,
    Assignment.state == AssignmentState.ACCEPTED, Assignment.counts_open,
)  # fmt: skip
GONE = "This lead has left the pool: it is no longer available."
#: Gates whose answer decides whether a partner sees a pooled lead at all; the others only whether it may claim it now.
SEEING = (Gate.TERRITORY, Gate.CERTIFIED, Gate.WANTS_KIND, Gate.EARLIER_HOLDER, Gate.CONFLICT)


@dataclass(frozen=True)
class Pooled:
    """A lead that a partner may see in the pool, and what keeps it from claiming it now (None: nothing)."""

    lead: Lead
    hindrance: str | None


def shown_to(session: AnySession, partner_id: str, now: datetime, limit: int = 200) -> list[Pooled]:
    """The pooled leads that fit a partner, best grade first, then the one that leaves soonest."""
    leads = session.scalars(
        select(Lead)
        .where(Lead.status == LeadStatus.POOLED, Lead.pool_until > now)
        .order_by(Lead.grade, Lead.pool_until, Lead.id)
        .limit(1000)
    ).all()
    return looks(session, leads, partner_id, now)[:limit]


def look(session: AnySession, lead: Lead, partner_id: str, now: datetime) -> Pooled | None:
    """One pooled lead as one partner sees it; None where it is not shown to it."""
    return next(iter(looks(session, [lead], partner_id, now)), None)


def looks(session: AnySession, leads: Sequence[Lead], partner_id: str, now: datetime) -> list[Pooled]:
    """Those of these leads that are shown to a partner, as it sees them; a fixed number of queries."""
    config = snapshot(session)
    partner = config.roster.get(partner_id)
    if partner is None or not leads:
        return []
    state, facts = state_now(session, [partner], now).get(partner.slot), facts_of_all(session, leads)
    if state is None:
        return []
    mine = [lead for lead in leads if in_pool(config, lead, partner)]
    taken, full = open_by_product(session, partner), _full(session, config, partner)
    states = {lead.id: state._replace(open_of_product=taken.get((lead.product or "").casefold(), 0)) for lead in mine}
    seen = ((lead, evaluate(partner, states[lead.id], facts[lead.id], now)) for lead in mine)
    shown = [(lead, gates) for lead, gates in seen if all(g.passed for g in gates if g.gate in SEEING)]
    return [Pooled(lead, _hindrance(gates, partner.name) or full.get(_pooled_by(lead))) for lead, gates in shown]


def _pooled_by(lead: Lead) -> str:
    return str((lead.pool or {}).get("rule"))


def _full(session: AnySession, config: Snapshot, partner: PartnerFacts) -> dict[str, str]:
    """By rule, the sentence where the partner holds as many claimed leads without a touch as the rule's pool allows.

    One query where any rule has such a limit, none otherwise.
    """
    limits = {rule.name: rule.strategy.max_open for rule in config.all_rules if rule.strategy.max_open}
    if not limits:
        return {}
    held = session.execute(CLAIMED_OPEN, {"partner": partner.id}).scalar_one()
    return {
        name: f"Of leads from the pool you have {held} without a touch, and may have {most}. Log a touch first."
        for name, most in limits.items() if held >= most
    }  # fmt: skip


def in_pool(config: Snapshot, lead: Lead, partner: PartnerFacts) -> bool:
    """Whether the rule that pooled the lead asks this partner."""
    return asks(config, (lead.pool or {}).get("rule"), partner)


def asks(config: Snapshot, rule: object, partner: PartnerFacts) -> bool:
    """Whether a rule's pool holds this partner; where the rule is gone, everybody is asked."""
    return rule not in config.pools or partner in config.pools[str(rule)]


def _hindrance(gates: Sequence[GateResult], name: str) -> str | None:
    closed = next((g for g in gates if not g.passed), None)
    return sentences.gate_sentence(closed.gate, False, closed.facts, "partner", name) if closed else None


def _candidate(session: AnySession, lead: Lead, partner_id: str, now: datetime) -> Candidate | None:
    config = snapshot(session)
    partner = config.roster.get(partner_id)
    if partner is None or not in_pool(config, lead, partner):
        return None
    return look_at(session, [partner], gate_facts(session, lead), now)[0]


def claim(session: AnySession, lead_id: str, now: datetime, actor: Actor) -> Assignment:
    """Take a lead from the pool: the first one gets it, accepted. Raises NotFound, Conflict, Unsettled.

    1. A lead that is not shown to the partner does not exist for it.
    2. Who comes second is told that it has left the pool, not who took it or when.
    3. The partner's own gates (standing, caps, closure) bind as for an offer.
    """
    partner_id = actor.partner_id or ""
    lead = locked_lead(session, lead_id)
    if lead.status is not LeadStatus.POOLED or lead.pool_until is None or lead.pool_until <= now:
        raise Conflict(GONE) if was_shown(session, lead, partner_id) else NotFound()
    seen = look(session, lead, partner_id, now)
    if seen is None:
        raise NotFound
    if seen.hindrance is not None:
        raise Conflict(seen.hindrance)
    return _take(session, lead, partner_id, now, actor)


def was_shown(session: AnySession, lead: Lead, partner_id: str) -> bool:
    """Whether the lead was in a pool that this partner could see: only then is it told that it is gone."""
    config = snapshot(session)
    partner = config.roster.get(partner_id)
    pooled = session.scalars(
        select(LeadEvent)
        .where(LeadEvent.lead_id == lead.id, LeadEvent.kind == LeadEventKind.POOLED)
        .order_by(LeadEvent.at.desc(), LeadEvent.id.desc())
        .limit(1)
    ).first()
    if pooled is None or partner is None or not asks(config, pooled.facts.get("rule"), partner):
        return False
    return static_miss(partner, gate_facts(session, lead)) is None


def _take(session: AnySession, lead: Lead, partner_id: str, now: datetime, actor: Actor) -> Assignment:
    partner, at = enter(session, partner_id, now)
    candidate = _candidate(session, lead, partner_id, at)
    config = snapshot(session)
    # The partner's row is locked by now: what is counted here is what nobody else changes before the commit.
    if candidate is not None and (hindrance := _full(session, config, candidate.facts).get(_pooled_by(lead))):
        raise Conflict(hindrance)
    if candidate is not None and not has_room(session, candidate.facts, lead.product):
        raise Conflict(NO_ROOM)
    if candidate is None or not take_place(session, candidate.facts, at):
        raise Conflict(NO_ROOM)
    session.refresh(partner)
    assignment = new_accepted(session, lead, partner_id, AssignmentOrigin.CLAIM, at)
    begin_work(session, partner, assignment, lead, at)
    event(session, lead.id, LeadEventKind.CLAIMED, at, actor, assignment=assignment)
    insert_now(
        session,
        by_hand(lead, candidate, config, at, assignment, AssignmentOrigin.CLAIM,
                f"{partner.name} claimed it from the open pool.")
    )  # fmt: skip
    record(session, actor, "lead.claim", "lead", lead.id, at, partner_id=partner_id)
    return assignment


def due_back(session: AnySession, now: datetime, limit: int = 500) -> Sequence[str]:
    """The ids of pooled leads whose time in the pool is over."""
    return session.scalars(
        select(Lead.id)
        .where(Lead.status == LeadStatus.POOLED, Lead.pool_until <= now)
        .order_by(Lead.pool_until)
        .limit(limit)
    ).all()

"""Who could take a lead now: the pool's partners with every gate asked, from rows read after the rotation's lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select

from models.assignments import Assignment
from models.leads import Lead, LeadDefinition
from models.session import AnySession
from portal.allocation.gates import (
    GateResult,
    LeadFacts,
    PartnerFacts,
    PartnerNow,
    day_key,
    evaluate,
    retry_at,
    static_miss,
    week_key,
)
from portal.allocation.statements import COMPANY, OWNERS, STATE_NOW, TAKE_PLACE, TAKE_PLACE_BY_HAND
from portal.compliance.service import TICK
from portal.deadlines.live import cached
from portal.qualification.policy import Definition, parse_definition
from portal.vocabulary import Gate


@dataclass
class Candidate:
    """One partner of the pool: what it is, how it stands now, and each gate's answer."""

    facts: PartnerFacts
    now: PartnerNow | None
    gates: list[GateResult]
    rank: int | None = None
    credit: int | None = None
    eligible: bool = field(init=False)

    def __post_init__(self) -> None:
        self.eligible = all(gate.passed for gate in self.gates)

    def found_no_place(self) -> None:
        """The guard found its place taken meanwhile: the open-lead gate is closed after all."""
        self.gates = [GateResult(g.gate, g.gate is not Gate.OPEN_CAP and g.passed, g.facts) for g in self.gates]
        self.eligible, self.rank = False, None

    def stored(self) -> dict[str, Any]:
        """The candidate as a decision keeps it."""
        return {
            "partner": self.facts.id, "name": self.facts.name, "eligible": self.eligible, "rank": self.rank,
            "credit": self.credit, "gates": [[gate.gate.value, gate.passed, gate.facts] for gate in self.gates],
        }  # fmt: skip


@dataclass
class Field:
    """All candidates of one rule for one lead, and when time alone may open a gate."""

    candidates: list[Candidate]
    retry_at: datetime | None = None
    eligible: list[Candidate] = field(init=False)

    def __post_init__(self) -> None:
        self.eligible = [c for c in self.candidates if c.eligible]


def gate_facts(session: AnySession, lead: Lead) -> LeadFacts:
    """What the gates read of a lead: its earlier holders, the owner of its account, whether it is early."""
    holders = session.scalars(
        select(Assignment.partner_id).where(Assignment.lead_id == lead.id, Assignment.earlier_holder)
    )
    return facts_of_new(session, lead, at_company(session, lead)[1], frozenset(holders))


def facts_of_new(
    session: AnySession, lead: Lead, owner: str | None, holders: frozenset[str] = frozenset()
) -> LeadFacts:
    """The same of a lead that nobody held yet, whose account's owner is known already."""
    return LeadFacts(
        country=lead.country, region=lead.region, postcode=lead.postcode, product=lead.product,
        kind="early" if is_early(session, lead) else "qualified", earlier_holders=holders, conflict_owner=owner,
    )  # fmt: skip


def facts_of_all(session: AnySession, leads: Sequence[Lead]) -> dict[str, LeadFacts]:
    """What the gates read of many leads, by id, in two queries."""
    holders: dict[str, set[str]] = {lead.id: set() for lead in leads}
    held = select(Assignment.lead_id, Assignment.partner_id)
    for row in session.execute(held.where(Assignment.lead_id.in_(holders), Assignment.earlier_holder)):
        holders[row.lead_id].add(row.partner_id)
    domains = {lead.company_domain for lead in leads if lead.company_domain}
    owners: dict[str, str] = {}
    for row in session.execute(OWNERS, {"domains": sorted(domains)}):
        owners.setdefault(row.company_domain, row.partner_id)
    return {
        lead.id: facts_of_new(session, lead, owners.get(lead.company_domain or ""), frozenset(holders[lead.id]))
        for lead in leads
    }


def is_early(session: AnySession, lead: Lead) -> bool:
    """Whether its score left the lead to nurture, by the definition that scored it: every time it is placed, and in
    the pool, only who asked for early leads may get it."""
    if lead.definition_id is None or lead.score is None:
        return False
    definition = cached(session, f"definition {lead.definition_id}", partial(_definition, lead.definition_id))
    below, least = definition.nurture_below, definition.qualify_from
    return below is not None and lead.score < below and (least is None or lead.score >= least)


def _definition(definition_id: str, session: AnySession) -> Definition:
    return parse_definition(session.get_one(LeadDefinition, definition_id).body)


def at_company(session: AnySession, lead: Lead) -> tuple[str | None, str | None]:
    """The partner that works the lead's company now, and the one that owns its account by a live deal."""
    if lead.company_domain is None:
        return None, None
    rows = session.execute(COMPANY, {"domain": lead.company_domain, "but": lead.id})
    found = {row.what: row.partner_id for row in rows}
    return found.get("works"), found.get("owns")


def survey(
    session: AnySession, pool: Iterable[PartnerFacts], lead: LeadFacts, now: datetime, *, full: bool = False
) -> Field:
    """Ask every gate of every partner in ``pool``.

    A partner that never covers such a lead (territory, product) is answered from its settings alone, unless all its
    gates are asked for (``full``); only the others are read from the database, in one query.
    """
    pool = tuple(pool)
    misses = {facts.id: None if full else static_miss(facts, lead) for facts in pool}
    state = state_now(session, [facts for facts in pool if misses[facts.id] is None], now)
    candidates, retries = [], []
    for facts in pool:
        miss, current = misses[facts.id], state.get(facts.id)
        if miss is not None or current is None:
            candidates.append(Candidate(facts, None, [GateResult(miss, False, {})] if miss else []))
            continue
        gates = evaluate(facts, current, lead, now)
        candidates.append(candidate := Candidate(facts, current, gates))
        if not candidate.eligible:
            retries.append(retry_at(facts, gates, now))
    return Field(candidates, min((r for r in retries if r is not None), default=None))


def state_now(session: AnySession, partners: list[PartnerFacts], now: datetime) -> Mapping[str, PartnerNow]:
    """How partners stand now, by id, in one query."""
    by_id = {facts.id: facts for facts in partners}
    rows = session.execute(STATE_NOW, {"ids": list(by_id)})
    return {row.id: _state(by_id[row.id], row, now) for row in rows}


def _state(facts: PartnerFacts, row: Any, now: datetime) -> PartnerNow:
    zone = facts.calendar.zone
    return PartnerNow(
        active=row.active, standing=row.standing, reachable=row.reachable, open_leads=row.open_leads,
        cap_now=row.cap_now, weight_now_x2=row.weight_now_x2,
        offered_today=row.day_offers if row.day_key == day_key(zone, now) else 0,
        offered_this_week=row.week_offers if row.week_key == week_key(zone, now) else 0,
    )  # fmt: skip


def take_place(session: AnySession, facts: PartnerFacts, now: datetime, *, caps: bool = True) -> datetime | None:
    """The guard: one UPDATE that takes a place among the partner's open leads, or finds none and changes nothing.

    1. The partner is active and reachable, and its standing allows leads.
    2. It is below its open-lead cap, and below its day and week caps (``caps`` False: by hand, these do not bind).
    The instant from which the place is taken: ``now``, or just after what was last recorded of the partner where
    another process was ahead of our clock, so that no deadline opens in a past that is told already. None: no place.
    """
    zone = facts.calendar.zone
    values = {"of": facts.id, "day": day_key(zone, now), "week": week_key(zone, now)}
    folded_until = session.execute(TAKE_PLACE if caps else TAKE_PLACE_BY_HAND, values).scalar_one_or_none()
    return None if folded_until is None else max(now, folded_until + TICK)

"""Who could take a lead now: the pool's partners with every gate asked, from rows read after the rotation's lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models.assignments import Assignment
from models.leads import Lead, LeadDefinition
from models.session import AnySession
from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow, day_key, evaluate, product_cap, week_key
from portal.allocation.product_caps import open_of
from portal.allocation.record import Candidate
from portal.allocation.statements import (
    COMPANY,
    OWNERS,
    STANDINGS,
    TAKE_PLACE,
    TAKE_PLACE_BY_HAND,
    state_rows,
)
from portal.compliance.service import TICK
from portal.deadlines.live import cached
from portal.qualification.policy import Definition, parse_definition


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


def look_at(session: AnySession, partners: Sequence[PartnerFacts], lead: LeadFacts, now: datetime) -> list[Candidate]:
    """Partners with all their gates asked about a lead, whether it is one for them or not."""
    state = states_now(session, partners, lead, now)
    seen = [(facts, state[facts.slot]) for facts in partners if facts.slot in state]
    return [
        Candidate(facts, current, lead, now, tuple(g.gate for g in evaluate(facts, current, lead, now) if not g.passed))
        for facts, current in seen
    ]


def state_now(session: AnySession, partners: Sequence[PartnerFacts], now: datetime) -> Mapping[int, PartnerNow]:
    """How partners stand now, by slot, in one query."""
    zones: dict[ZoneInfo, tuple[int, int]] = {}
    zone_of = {facts.slot: facts.calendar.zone for facts in partners}
    for zone in {*zone_of.values()}:
        zones[zone] = day_key(zone, now), week_key(zone, now)
    found = {}
    for slot, standing, active, reachable, open_leads, cap, weight, day, today, week, this_week in (
        state_rows(session, zone_of)
    ):  # fmt: skip
        keys = zones[zone_of[slot]]
        found[slot] = PartnerNow(
            active, STANDINGS[standing], reachable, open_leads, cap, weight,
            today if day == keys[0] else 0, this_week if week == keys[1] else 0,
        )  # fmt: skip
    return found


def states_now(
    session: AnySession, partners: Sequence[PartnerFacts], lead: LeadFacts, now: datetime
) -> Mapping[int, PartnerNow]:
    """The same, with the open leads of the lead's product where one of them has a cap for it (one query more)."""
    found = state_now(session, partners, now)
    capped = [facts for facts in partners if product_cap(facts, lead.product) is not None]
    if not capped or lead.product is None:
        return found
    held = open_of(session, [facts.id for facts in capped], lead.product)
    counted = {p.slot: found[p.slot]._replace(open_of_product=held.get(p.id, 0)) for p in capped if p.slot in found}
    return {**found, **counted}


def take_place(session: AnySession, facts: PartnerFacts, now: datetime, *, caps: bool = True) -> datetime | None:
    """The guard: one UPDATE that takes a place among the partner's open leads, or finds none and changes nothing.

    1. The partner is active and reachable, and its standing allows leads.
    2. It is below its open-lead cap, and below its day and week caps (``caps`` False: by hand, these do not bind).
    The instant from which the place is taken: ``now``, or just after what was last recorded of the partner where
    another process was ahead of our clock, so that no deadline opens in a past that is told already. None: no place.
    """
    zone = facts.calendar.zone
    values = {"of": facts.id, "day": day_key(zone, now), "week": week_key(zone, now)}
    taken = (TAKE_PLACE if caps else TAKE_PLACE_BY_HAND).first(session, **values)
    return None if taken is None else max(now, taken.folded_until + TICK)

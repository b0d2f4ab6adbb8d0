"""Who could take a lead now: the pool's partners with every gate asked, from rows read after the rotation's lock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.engine import CursorResult

from models.assignments import Assignment, Deal
from models.leads import Lead
from models.partners import Partner
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
from portal.vocabulary import AssignmentState, DealStage, Standing

NO_LEADS = (Standing.STOPPED, Standing.HELD)
OPEN_STAGES = tuple(stage for stage in DealStage if stage.is_open)
COLUMNS = (
    Partner.id, Partner.standing, Partner.active, Partner.reachable, Partner.open_leads, Partner.cap_now,
    Partner.weight_now_x2, Partner.day_key, Partner.day_offers, Partner.week_key, Partner.week_offers,
)  # fmt: skip


@dataclass
class Candidate:
    """One partner of the pool: what it is, how it stands now, and each gate's answer."""

    facts: PartnerFacts
    now: PartnerNow | None
    gates: list[GateResult]
    rank: int | None = None
    credit: int | None = None

    @property
    def eligible(self) -> bool:
        return all(gate.passed for gate in self.gates)

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


def gate_facts(session: AnySession, lead: Lead, *, early: bool = False) -> LeadFacts:
    """What the gates read of a lead: its earlier holders and the owner of its account are looked up here."""
    holders = session.scalars(
        select(Assignment.partner_id).where(Assignment.lead_id == lead.id, Assignment.earlier_holder)
    )
    return LeadFacts(
        country=lead.country, region=lead.region, postcode=lead.postcode, product=lead.product,
        kind="early" if early else "qualified", earlier_holders=frozenset(holders),
        conflict_owner=account_owner(session, lead),
    )  # fmt: skip


def account_owner(session: AnySession, lead: Lead) -> str | None:
    """The partner with a live deal at the lead's company, by its e-mail domain; the earliest where several have.

    A deal is live while it is open and its partner still holds the lead that it came from.
    """
    if lead.company_domain is None:
        return None
    return session.scalars(
        select(Deal.partner_id)
        .join(Lead, Lead.id == Deal.lead_id)
        .join(Assignment, Assignment.id == Deal.assignment_id)
        .where(Lead.company_domain == lead.company_domain, Lead.id != lead.id, Deal.stage.in_(OPEN_STAGES))
        .where(Assignment.state == AssignmentState.ACCEPTED)
        .order_by(Deal.created_at, Deal.id)
        .limit(1)
    ).first()


def survey(
    session: AnySession, pool: Iterable[PartnerFacts], lead: LeadFacts, now: datetime, *, full: bool = False
) -> Field:
    """Ask every gate of every partner in ``pool``.

    A partner that never covers such a lead (territory, product) is answered from its settings alone, unless all its
    gates are asked for (``full``); only the others are read from the database, in one query.
    """
    pool = tuple(pool)
    misses = {facts.id: None if full else static_miss(facts, lead) for facts in pool}
    state = _now(session, [facts for facts in pool if misses[facts.id] is None], now)
    candidates, retries = [], []
    for facts in pool:
        miss, current = misses[facts.id], state.get(facts.id)
        if miss is not None or current is None:
            candidates.append(Candidate(facts, None, [GateResult(miss, False, {})] if miss else []))
            continue
        gates = evaluate(facts, current, lead, now)
        candidates.append(Candidate(facts, current, gates))
        retries.append(retry_at(facts, gates, now))
    return Field(candidates, min((r for r in retries if r is not None), default=None))


def _now(session: AnySession, partners: list[PartnerFacts], now: datetime) -> Mapping[str, PartnerNow]:
    by_id = {facts.id: facts for facts in partners}
    rows = session.execute(select(*COLUMNS).where(Partner.id.in_(by_id)))
    return {row.id: _state(by_id[row.id], row, now) for row in rows}


def _state(facts: PartnerFacts, row: Any, now: datetime) -> PartnerNow:
    zone = facts.calendar.zone
    return PartnerNow(
        active=row.active, standing=row.standing, reachable=row.reachable, open_leads=row.open_leads,
        cap_now=row.cap_now, weight_now_x2=row.weight_now_x2,
        offered_today=row.day_offers if row.day_key == day_key(zone, now) else 0,
        offered_this_week=row.week_offers if row.week_key == week_key(zone, now) else 0,
    )  # fmt: skip


def take_place(session: AnySession, facts: PartnerFacts, now: datetime, *, caps: bool = True) -> bool:
    """The guard: one UPDATE that takes a place among the partner's open leads, or finds none and changes nothing.

    1. The partner is active and reachable, and its standing allows leads.
    2. It is below its open-lead cap, and below its day and week caps (``caps`` False: by hand, these do not bind).
    """
    day, week = day_key(facts.calendar.zone, now), week_key(facts.calendar.zone, now)
    same_day, same_week = Partner.day_key == day, Partner.week_key == week
    query = update(Partner).where(
        Partner.id == facts.id, Partner.active, Partner.reachable, Partner.standing.not_in(NO_LEADS)
    )
    if caps:
        query = query.where(Partner.open_leads < Partner.cap_now)
        if facts.daily_cap is not None:
            query = query.where(~same_day | (Partner.day_offers < facts.daily_cap))
        if facts.weekly_cap is not None:
            query = query.where(~same_week | (Partner.week_offers < facts.weekly_cap))
    result = session.execute(
        query.values(
            open_leads=Partner.open_leads + 1,
            day_offers=_counted(same_day, Partner.day_offers), day_key=day,
            week_offers=_counted(same_week, Partner.week_offers), week_key=week,
        ).execution_options(synchronize_session=False)
    )  # fmt: skip
    return isinstance(result, CursorResult) and result.rowcount == 1


def _counted(same: Any, column: Any) -> Any:
    """One more in the same day or week; the first in another."""
    return case((same, column + 1), else_=1)

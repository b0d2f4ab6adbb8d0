"""Reading a past period for a replay: in bulk, a few queries, no object a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Select, and_, func, or_, select

from models.allocation import Decision, Rotation, RuleVersion
from models.assignments import Activity, Assignment, Deal, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.lists import NamedListVersion
from models.partners import Live, Partner, PartnerVersion
from models.session import AnySession
from portal.allocation.arrival import vendor_calendar
from portal.allocation.document import RuleSet, parse_rules
from portal.allocation.lists import values_of
from portal.allocation.live import known, load_roster, partner_facts
from portal.allocation.replay.past import (
    Effective,
    Enquiry,
    Event,
    Moment,
    Ownership,
    Past,
    Rulebook,
    Setting,
    Stay,
    Story,
    moment,
)
from portal.allocation.rotation import Credits
from portal.compliance import policy
from portal.compliance.service import derive, ladders
from portal.qualification.facts import FIELDS, lead_facts
from portal.vocabulary import (
    DecisionOutcome,
    LedgerKind,
    ObligationKind,
    ObligationState,
    Standing,
    StrategyKind,
)

#: Decisions that are read at once.
CHUNK = 500
LATE = (ObligationKind.RESPOND, ObligationKind.FIRST_CONTACT)
MISSED = (ObligationState.BREACHED, ObligationState.CURED)
LEAD_COLUMNS = tuple(getattr(Lead, name) for name in FIELDS if name not in ("received_at", "score", "grade"))
DECIDED = select(
    Decision.id, Decision.decided_at, Decision.assignment_id, Decision.rule_version_id, Decision.rule,
    Decision.strategy, Decision.origin, Decision.outcome, Decision.partner_id, Decision.candidates, Decision.path,
    Lead.id.label("lead_id"), Lead.email_norm, Lead.phone_norm, Lead.company_domain, Lead.prefer_partner_id,
    Lead.prefer_origin, Lead.custom, Lead.received_at, Lead.score, Lead.grade, *LEAD_COLUMNS,
).join(Lead, Lead.id == Decision.lead_id)  # fmt: skip


@dataclass(frozen=True)
class Period:
    """From an instant to another one, which does not belong to it."""

    start: datetime
    end: datetime

    def has(self, column: Any) -> Any:
        """The condition that a column's instant is in it."""
        return and_(column >= self.start, column < self.end)


def decisions_of(session: AnySession, period: Period) -> list[Moment]:
    """Every decision of the period by its moment, in order."""
    rows = session.execute(select(Decision.decided_at, Decision.id).where(period.has(Decision.decided_at)))
    return sorted(moment(at, row_id) for at, row_id in rows)


def events(session: AnySession, moments: Sequence[Moment]) -> list[Event]:
    """These decisions with their leads, in one query."""
    rows = {row.id: row for row in session.execute(DECIDED.where(Decision.id.in_([m[1] for m in moments])))}
    return [_event(rows[row_id]) for _, row_id in moments if row_id in rows]


def _event(row: Any) -> Event:
    keys = tuple(f"{what}:{key}" for what, key in (("e", row.email_norm), ("p", row.phone_norm)) if key)
    domain = row.company_domain
    lead = Enquiry(
        row.lead_id, lead_facts(row), row.grade, row.received_at, row.prefer_partner_id, row.prefer_origin, domain,
        f"c:{domain}" if domain else None, keys,
    )  # fmt: skip
    return Event(
        row.id, row.decided_at, lead, row.assignment_id, row.rule_version_id, row.rule, row.origin, row.outcome,
        row.partner_id, row.candidates, row.path,
    )  # fmt: skip


def read(session: AnySession, period: Period) -> Past:
    """Everything but the decisions and the rotations."""
    vendor = session.scalars(select(Live.vendor).where(Live.id == 1)).one() or {}
    slots = {row.id: row.slot for row in session.execute(select(Partner.id, Partner.slot))}
    stays = _stays(session, period, slots)
    late, judged = _kept(session, period)
    return Past(
        settings=_settings(session, slots, vendor), rules=_rules(session), stays=stays,
        standings=_standings(session, slots), reachable=_reachable(session), effective=_effective(session),
        owners=_owners(session, period), pooled=_pooled(session, period), late=late, judged=judged,
        vendor=vendor_calendar(vendor),
    )  # fmt: skip


def parsed(session: AnySession, rules: Sequence[Any]) -> RuleSet:
    """A version's rules, read without checking them anew. Lists count as they are now."""
    return parse_rules(list(rules), known(load_roster(session), values_of(session)), published=True)


def _rules(session: AnySession) -> Rulebook:
    rows = session.execute(select(RuleVersion.id, RuleVersion.rules).where(RuleVersion.published_at.is_not(None)))
    return Rulebook({row.id: row.rules for row in rows}, known(load_roster(session)), _lists(session))


def _lists(session: AnySession) -> list[tuple[Moment, dict[str, frozenset[str]]]]:
    """What all lists held after each change of one."""
    versions = select(NamedListVersion.id, NamedListVersion.name, NamedListVersion.valid_from, NamedListVersion.items)
    changes = sorted((moment(row.valid_from, row.id), row.name, row.items) for row in session.execute(versions))
    held: dict[str, frozenset[str]] = {}
    found = []
    for at, name, items in changes:
        held = {**held, name: frozenset(items)} if items is not None else {k: v for k, v in held.items() if k != name}
        found.append((at, held))
    return found


def _settings(session: AnySession, slots: Mapping[str, int], vendor: Mapping[str, Any]) -> list[Setting]:
    """Every change of settings, in order; a partner of which none was kept was always as it is now."""
    versions = select(PartnerVersion.id, PartnerVersion.partner_id, PartnerVersion.valid_from, PartnerVersion.facts)
    rows = session.execute(versions)
    found = []
    for row in rows:
        partner = Partner(id=row.partner_id, slot=slots[row.partner_id], **{"product_caps": {}, **row.facts})
        since = moment(row.valid_from, row.id)
        found.append(Setting(since, partner_facts(partner, vendor), partner.open_lead_cap))
    kept = {setting.facts.id for setting in found}
    found += [
        Setting((0, ""), partner_facts(partner, vendor), partner.open_lead_cap)
        for partner in session.scalars(select(Partner).where(Partner.id.not_in(kept)))
    ]
    return sorted(found, key=lambda setting: setting.since)


def _stays(session: AnySession, period: Period, slots: Mapping[str, int]) -> dict[str, list[Stay]]:
    """Stays that reach into the period, and earlier ones of the leads that were decided in it."""
    touched = _first_touches(session, period)
    begun = func.coalesce(Assignment.offered_at, Assignment.accepted_at)
    reaching = and_(begun < period.end, or_(Assignment.ended_at.is_(None), Assignment.ended_at >= period.start))
    decided = select(Decision.lead_id).where(period.has(Decision.decided_at))
    earlier = and_(Assignment.ended_at < period.start, Assignment.lead_id.in_(decided))
    rows = session.execute(
        select(
            Assignment.id, Assignment.lead_id, Assignment.partner_id, begun.label("at"), Assignment.ended_at,
            Assignment.earlier_holder, Assignment.counts_open, Lead.product,
        )
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(or_(reaching, earlier))
        .order_by(Assignment.id)
    )  # fmt: skip
    found: dict[str, list[Stay]] = {}
    for row in rows:
        freed = None if row.counts_open else _earliest(touched.get(row.id), row.ended_at) or row.at
        stay = Stay(row.id, row.lead_id, slots[row.partner_id], row.at, freed, row.product, row.earlier_holder)
        found.setdefault(row.lead_id, []).append(stay)
    return found


def _first_touches(session: AnySession, period: Period) -> dict[str, datetime]:
    rows = session.execute(
        select(Activity.assignment_id, func.min(Activity.recorded_at).label("first"))
        .join(Assignment, Assignment.id == Activity.assignment_id)
        .where(Activity.counted, or_(Assignment.ended_at.is_(None), Assignment.ended_at >= period.start))
        .group_by(Activity.assignment_id)
    )
    return {row.assignment_id: row.first for row in rows}


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)


def _kept(session: AnySession, period: Period) -> tuple[frozenset[str], frozenset[str]]:
    """Assignments whose answer or first contact was missed, and those of which it is known either way."""
    settled = and_(Obligation.kind.in_(LATE), Obligation.state.in_((*MISSED, ObligationState.MET)))
    rows = session.execute(
        select(Obligation.assignment_id, Obligation.state).where(settled, period.has(Obligation.opened_at))
    ).all()
    late = frozenset(row.assignment_id for row in rows if row.state in MISSED)
    return late, frozenset(row.assignment_id for row in rows)


def _standings(session: AnySession, slots: Mapping[str, int]) -> dict[int, Story]:
    now = {row.id: row.standing for row in session.execute(select(Partner.id, Partner.standing))}
    rows = session.execute(
        select(LedgerEntry.partner_id, LedgerEntry.recorded_at, LedgerEntry.from_standing, LedgerEntry.to_standing)
        .where(LedgerEntry.kind == LedgerKind.CHANGE)
        .order_by(LedgerEntry.recorded_at, LedgerEntry.at, LedgerEntry.id)
    )
    changes: dict[str, list[Any]] = {}
    for row in rows:
        changes.setdefault(row.partner_id, []).append(row)
    return {slot: _story(changes.get(partner, []), now[partner]) for partner, slot in slots.items()}


def _story(changes: Sequence[Any], now: Standing) -> Story:
    first = changes[0].from_standing if changes else now
    return Story([row.recorded_at for row in changes], [row.to_standing for row in changes], first or Standing.GOOD)


def _reachable(session: AnySession) -> frozenset[int]:
    return frozenset(session.scalars(select(Partner.slot).where(Partner.reachable)))


def _effective(session: AnySession) -> Effective:
    versions = ladders(session)

    def effective(standing: Standing, cap: int, weight: int, at: datetime) -> tuple[int, int]:
        partner = SimpleNamespace(standing=standing, open_lead_cap=cap, weight=weight, cap_now=0, weight_now_x2=0)
        derive(cast(Partner, partner), policy.ladder_at(versions, at))
        return partner.cap_now, partner.weight_now_x2

    return effective


def _owners(session: AnySession, period: Period) -> dict[str, list[Ownership]]:
    rows = session.execute(
        select(Lead.company_domain, Lead.id, Deal.created_at, Deal.closed_at, Deal.partner_id, Assignment.ended_at)
        .join(Lead, Lead.id == Deal.lead_id)
        .join(Assignment, Assignment.id == Deal.assignment_id)
        .where(Lead.company_domain.is_not(None), Deal.created_at < period.end,
               or_(Deal.closed_at.is_(None), Deal.closed_at >= period.start))
        .order_by(Deal.created_at, Deal.id)
    )  # fmt: skip
    found: dict[str, list[Ownership]] = {}
    for row in rows:
        deal = Ownership(row.created_at, _earliest(row.closed_at, row.ended_at), row.id, row.partner_id)
        found.setdefault(row.company_domain, []).append(deal)
    return found


def _pooled(session: AnySession, period: Period) -> dict[str, tuple[str, str | None]]:
    """By lead, the last decision before the period, where that put it into the pool."""
    decided = select(Decision.lead_id).where(period.has(Decision.decided_at))
    rows = session.execute(
        select(Decision.lead_id, Decision.id, Decision.outcome, Decision.rule)
        .where(Decision.decided_at < period.start, Decision.lead_id.in_(decided))
        .order_by(Decision.id)
    )
    last = {row.lead_id: row for row in rows}
    return {lead: (r.id, r.rule) for lead, r in last.items() if r.outcome is DecisionOutcome.POOLED}


# Rotations as they were when the period began.


@dataclass
class Beginnings:
    """Credits by rotation and slot at the first decision of the period in which that slot took part, and the turns
    that the period took. A credit changes by no other decision."""

    rules: Rulebook
    credits: dict[str, dict[int, int]]
    turns: dict[str, int]

    def look(self, row: Any) -> None:
        """One decision, in order."""
        ranked = [each for each in row.candidates.get("rows", ()) if each[2] is not None]
        key = self._key(row) if ranked else None
        if key is None:
            return
        if row.outcome is DecisionOutcome.OFFERED:
            self.turns[key] = self.turns.get(key, 0) + 1
        known = self.credits.setdefault(key, {})
        for slot, _, _, measure, *_ in ranked:
            credit = _credit(row.strategy, measure)
            if credit is not None:
                known.setdefault(slot, credit)

    def _key(self, row: Any) -> str | None:
        if row.strategy == StrategyKind.BEST_CONVERSION:
            return str(row.rule)
        if row.strategy != StrategyKind.WEIGHTED_ROUND_ROBIN:
            return None
        version = self.rules.at(row.rule_version_id, moment(row.decided_at, row.id))
        rule = next((r for r in version.rules if r.name == row.rule), None) if version else None
        by = rule.strategy.by if rule else None
        return str(row.rule) if by is None else f"{row.rule}|{row.candidates['lead'].get(by) or ''}"


def _credit(strategy: str, measure: Any) -> int | None:
    """Best conversion tells it only where the lead went round the others: with other leads it does not change."""
    if strategy == StrategyKind.BEST_CONVERSION:
        return measure[3] if isinstance(measure, list) and len(measure) == 4 else None
    return measure if isinstance(measure, int) else None


def turning(moments: Sequence[Moment]) -> Select[Any]:
    """What ``Beginnings`` looks at of these decisions."""
    kinds = (StrategyKind.WEIGHTED_ROUND_ROBIN.value, StrategyKind.BEST_CONVERSION.value)
    return select(
        Decision.id,
        Decision.decided_at,
        Decision.rule_version_id,
        Decision.rule,
        Decision.strategy,
        Decision.outcome,
        Decision.candidates,
    ).where(Decision.id.in_([m[1] for m in moments]), Decision.strategy.in_(kinds))


def rotations(session: AnySession, period: Period, begun: Beginnings) -> dict[str, tuple[Credits, int]]:
    """Every rotation as it was when the period began; one that nothing is known of since, as it is now."""
    later = _turns_since(session, period)
    found = {}
    for key, packed, turns in session.execute(select(Rotation.key, Rotation.credits, Rotation.turns)):
        now = Credits.unpack(packed)
        changes = {slot: was - now.get(slot) for slot, was in begun.credits.get(key, {}).items()}
        before = turns - begun.turns.get(key, 0) - later.get(key, 0)
        found[key] = now.with_changes(changes), max(0, before)
    return found


def _turns_since(session: AnySession, period: Period) -> dict[str, int]:
    """Turns of best conversion after the period; only of these does the number matter."""
    rows = session.execute(
        select(Decision.rule, func.count())
        .where(Decision.decided_at >= period.end, Decision.strategy == StrategyKind.BEST_CONVERSION.value,
               Decision.outcome == DecisionOutcome.OFFERED, Decision.origin.in_(("rule", "rotation")))
        .group_by(Decision.rule)
    )  # fmt: skip
    return {str(rule): count for rule, count in rows}


def chunks(moments: Sequence[Moment]) -> Iterator[Sequence[Moment]]:
    """As many decisions as are read at once."""
    return (moments[start : start + CHUNK] for start in range(0, len(moments), CHUNK))

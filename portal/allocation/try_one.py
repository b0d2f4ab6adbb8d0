"""What would become of one lead under some rules, now: each rule asked, each partner's gates, who would get it.

Nothing is stored and nothing is locked. The same choice decides as where a lead is placed; only the desk differs: it
reads everything and takes nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.allocation import Rotation
from models.base import new_id
from models.leads import Lead
from models.session import AnySession
from portal.allocation import sentences, versions
from portal.allocation.arrival import with_arrival
from portal.allocation.candidates import at_company, facts_of_new, gate_facts
from portal.allocation.choosing import Asked, Placement, choose
from portal.allocation.configuration import Snapshot
from portal.allocation.describe import otherwise
from portal.allocation.desk import DatabaseDesk
from portal.allocation.gates import LeadFacts, PartnerFacts
from portal.allocation.live import snapshot
from portal.allocation.rotation import Credits
from portal.allocation.strategies import measured
from portal.qualification.conditions import GRADES
from portal.qualification.facts import FIELDS, lead_facts
from portal.qualification.policy import DEFAULT_GRADE, score
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate

#: Of the partners that settings alone rule out, so many are told one by one.
MOST_MISSED = 200
TYPED = (*FIELDS, "email_domain", "custom")


@dataclass(frozen=True)
class Step:
    """One rule that was asked. ``place``: from 1. ``miss``: why it does not take the lead. ``sentence``: all of it."""

    rule: str
    place: int
    matched: bool
    miss: str | None
    sentence: str


@dataclass(frozen=True)
class SeenPartner:
    """One partner that was asked: each gate with its sentence, its rank and what the rank was given for."""

    partner_id: str
    name: str
    eligible: bool
    rank: int | None
    measure: str | None
    gates: tuple[tuple[Gate, bool, str], ...]


@dataclass(frozen=True)
class Tried:
    """Where a lead would go. ``asked_first``: who would be asked before any rule, in words. ``more``: how many
    partners beyond those in ``candidates`` settings alone rule out."""

    outcome: DecisionOutcome
    sentence: str
    rule: str | None
    partner_id: str | None
    partner: str | None
    asked_first: str | None
    steps: tuple[Step, ...]
    candidates: tuple[SeenPartner, ...]
    more: int


class LookingDesk(DatabaseDesk):
    """Reads as the database's desk does; takes no place, keeps no turn, waits for nobody."""

    def take(self, facts: PartnerFacts, lead: LeadFacts) -> datetime | None:
        return self.now

    def rotation(self, key: str) -> tuple[Credits, int]:
        row = self.session.execute(select(Rotation.credits, Rotation.turns).where(Rotation.key == key)).one_or_none()
        return (Credits.unpack(row.credits), row.turns) if row else (Credits(), 0)

    def turned(self, key: str, credits: Credits) -> None:
        """Nothing is kept."""


def try_one(session: AnySession, lead: Lead, rules: Sequence[Any] | None, now: datetime) -> Tried:
    """Try a lead: a stored one, or one of ``typed_lead``. ``rules``: a draft's; None for the live ones.

    Raises Invalid where the rules cannot be used.
    """
    live = snapshot(session)
    config = live if rules is None else _with(live, session, rules)
    facts, first = _asked_about(session, live, lead)
    placed = choose(LookingDesk(session, now), config, first)
    return _told(config, placed, first, facts)


def _with(live: Snapshot, session: AnySession, rules: Sequence[Any]) -> Snapshot:
    """The live configuration with other rules."""
    return Snapshot(
        roster=live.roster, rules=versions.parsed(session, rules), definition=live.definition,
        definition_id=live.definition_id, vendor=live.vendor,
    )  # fmt: skip


def typed_lead(facts: Mapping[str, Any], now: datetime) -> Lead:
    """A lead of typed facts (the names of a lead's fields, ``email_domain`` and ``custom``), that is never stored.

    ``email_domain`` counts as its company's own. Facts that are empty count as not given. Raises KeyError for others.
    """
    given = {name: value for name, value in facts.items() if value not in (None, "", {})}
    if unknown := sorted(set(given) - set(TYPED)):
        raise KeyError(unknown[0])
    domain = given.pop("email_domain", None)
    return Lead(
        id=new_id(), email_norm=f"someone@{domain}" if domain else None, company_domain=domain,
        **{"received_at": now, "custom": {}, **given},
    )  # fmt: skip


def _asked_about(session: AnySession, live: Snapshot, lead: Lead) -> tuple[LeadFacts, Asked]:
    """The lead as gates and conditions read it. One that was typed is scored as it would be; what was typed stands."""
    values, typed = lead_facts(lead), lead not in session
    works, owner = at_company(session, lead)
    facts = facts_of_new(session, lead, owner) if typed else gate_facts(session, lead)
    if typed:
        values, early = _scored(live, values)
        facts = replace(facts, kind="early" if early else "qualified")
    if live.vendor is not None:
        values = with_arrival(values, live.vendor, lead.received_at)
    prefer, origin = lead.prefer_partner_id, lead.prefer_origin
    if typed and works is not None:
        prefer, origin = works, AssignmentOrigin.SAME_COMPANY
    return facts, Asked(facts, values, prefer, AssignmentOrigin(origin) if origin else None)


def _scored(live: Snapshot, values: dict[str, object]) -> tuple[dict[str, object], bool]:
    """A typed lead's facts, score and grade by the live definition where they were not typed; whether it is early."""
    definition, points = live.definition, values.get("score")
    if isinstance(points, int):
        cuts = definition.grades if definition else ()
        grade = next((grade for grade, start in cuts if points >= start), GRADES[-1] if cuts else DEFAULT_GRADE)
        below = definition.nurture_below if definition else None
        return {"grade": grade, **values}, below is not None and points < below
    scored = score(definition, values)
    known = {} if scored.points is None else {"score": scored.points}
    return {"grade": scored.grade, **known, **values}, scored.nurture


def _told(config: Snapshot, placed: Placement, first: Asked, facts: LeadFacts) -> Tried:
    winner = placed.winner
    shown, more = _candidates(config, placed, facts)
    return Tried(
        outcome=placed.outcome, sentence=_sentence(placed), rule=placed.rule.name if placed.rule else None,
        partner_id=winner.id if winner else None, partner=winner.name if winner else None,
        asked_first=_asked_first(config, placed, first), steps=tuple(_steps(config, placed, first)),
        candidates=shown, more=more,
    )  # fmt: skip


def _sentence(placed: Placement) -> str:
    shut = Counter(c.closed[0] for c in placed.candidates.values() if c.closed)
    shut.update({gate: slots.bit_count() for gate, slots in placed.missed.items() if slots})
    chosen = placed.candidates.get(placed.winner.slot) if placed.winner else None
    fit = sum(not c.closed for c in placed.candidates.values())
    return sentences.decision_sentence(
        outcome=placed.outcome, origin=placed.origin, strategy=placed.strategy, reason=placed.reason,
        winner=placed.winner.name if placed.winner else None, audience="staff",
        seen=sentences.Seen(fit=fit, ranked=chosen is not None and chosen.rank is not None, closed=shut),
    )  # fmt: skip


def _asked_first(config: Snapshot, placed: Placement, first: Asked) -> str | None:
    if first.prefer not in config.roster or first.origin is None:
        return None
    name = config.roster[first.prefer or ""].name
    why = "works this company" if first.origin is AssignmentOrigin.SAME_COMPANY else "held this person's last lead"
    got = placed.winner is not None and placed.origin is first.origin
    return f"{name} {why} and is asked first: {'it gets the lead' if got else 'it cannot take it now'}."


def _steps(config: Snapshot, placed: Placement, first: Asked) -> Iterator[Step]:
    by_name = {rule.name: (place, rule) for place, rule in enumerate(config.all_rules, start=1)}
    matched = [each["rule"] for each in placed.path if each["matched"]]
    names = {partner.id: partner.name for partner in config.roster.values()}
    for each in placed.path:
        place, rule = by_name[each["rule"]]
        if not each["matched"]:
            miss = rule.condition.first_miss(first.values) or ""
            yield Step(rule.name, place, False, miss, f"It does not take this lead: {miss}.")
            continue
        then = {"partner": rule.then.partner} if rule.then.kind == "partner" else rule.then.kind
        found = rule.name == matched[-1] and _found(placed, rule.then.partner)
        told = _end(placed) if found else f"nobody whom it asks can take it now. Then: {otherwise(then, names)}."
        yield Step(rule.name, place, True, None, f"It takes this lead: {told}")


def _found(placed: Placement, fallback: str | None) -> bool:
    """Whether the rule itself found where to; a fallback's partner has no rank, and a fallback's pool asks nobody."""
    if placed.outcome is DecisionOutcome.POOLED:
        return any(not c.closed for c in placed.candidates.values())
    if placed.winner is None:
        return False
    return placed.winner.id != fallback or placed.candidates[placed.winner.slot].rank is not None


def _end(placed: Placement) -> str:
    return f"{placed.winner.name} gets it." if placed.winner else "it goes to the open pool."


def _candidates(config: Snapshot, placed: Placement, lead: LeadFacts) -> tuple[tuple[SeenPartner, ...], int]:
    """Those asked, by rank; then those that settings alone ruled out, up to ``MOST_MISSED``; and how many more."""
    asked = sorted(placed.candidates.values(), key=lambda c: (bool(c.closed), c.rank or 0, c.facts.slot))
    shown = [
        SeenPartner(
            c.facts.id, c.facts.name, not c.closed, c.rank,
            measured(placed.strategy, c.credit) if c.rank else None,
            tuple((g.gate, g.passed, _gate(g.gate, g.passed, g.facts, c.facts.name)) for g in c.gates),
        )
        for c in asked
    ]  # fmt: skip
    facts = {"country": lead.country, "region": lead.region, "postcode": lead.postcode, "product": lead.product}
    missed = [
        SeenPartner(p.id, p.name, False, None, None, ((gate, False, _gate(gate, False, facts, p.name)),))
        for p in config.roster.values() for gate, slots in placed.missed.items()
        if slots >> p.slot & 1 and p.slot not in placed.candidates
    ]  # fmt: skip
    return (*shown, *missed[:MOST_MISSED]), max(0, len(missed) - MOST_MISSED)


def _gate(gate: Gate, passed: bool, facts: Mapping[str, Any], name: str) -> str:
    return sentences.gate_sentence(gate, passed, facts, "staff", name)

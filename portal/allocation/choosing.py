"""Choosing where a lead goes: by who is asked first, then by the rules. Pure.

What a choice reads of partners and takes from them goes through a ``Desk``: the database where a lead is placed, a
copy in memory where many are placed at once or tried out. So one and the same rules decide everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from portal.allocation.configuration import Snapshot
from portal.allocation.document import Rule, Strategy
from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow, closed, retry_at
from portal.allocation.pools import Pool
from portal.allocation.record import Candidate
from portal.allocation.rotation import Credits, turn
from portal.allocation.strategies import Ranked
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate, QueueReason, StrategyKind

Pair = tuple[PartnerFacts, PartnerNow]


class Desk(Protocol):
    """Where a choice reads how partners stand now and takes a place among their open leads."""

    now: datetime

    def states(self, partners: Sequence[PartnerFacts], lead: LeadFacts) -> Mapping[int, PartnerNow]:
        """How partners stand now, by slot."""

    def take(self, facts: PartnerFacts, lead: LeadFacts) -> datetime | None:
        """Take a place, and from when; None where there is none after all."""

    def rotation(self, key: str) -> tuple[Credits, int]:
        """A rotation's credits and how many turns it has seen, nobody else changing it until this is decided."""

    def turned(self, key: str, credits: Credits) -> None:
        """Keep a rotation's credits after a turn."""

    def ranked(
        self, strategy: Strategy, eligible: Sequence[Pair], lead: LeadFacts, credits: Credits, turns: int
    ) -> Ranked:
        """The order that a strategy other than the round robin gives to those that fit, at least one."""


@dataclass(frozen=True)
class Asked:
    """A lead as it is asked about. ``values``: what conditions read. ``prefer``: who is asked first, and why."""

    facts: LeadFacts
    values: Mapping[str, object]
    prefer: str | None = None
    origin: AssignmentOrigin | None = None


@dataclass
class Placement:
    """Where a lead goes, and all that its decision must be able to tell."""

    outcome: DecisionOutcome = DecisionOutcome.QUEUED
    reason: QueueReason = QueueReason.NO_RULE
    winner: PartnerFacts | None = None
    origin: AssignmentOrigin | None = None
    rule: Rule | None = None
    strategy: StrategyKind | None = None
    pool: dict[str, Any] | None = None
    candidates: dict[int, Candidate] = field(default_factory=dict)
    #: Slots of those that settings alone ruled out, by the gate they miss.
    missed: dict[Gate, int] = field(default_factory=dict)
    path: list[dict[str, Any]] = field(default_factory=list)
    retry_at: datetime | None = None
    #: From when the winner has it.
    at: datetime | None = None


def choose(desk: Desk, config: Snapshot, lead: Asked, *, unclaimed_of: str | None = None) -> Placement:
    """Give a waiting lead to one partner, to the open pool or to the queue.

    ``unclaimed_of`` names the rule in whose pool nobody claimed it: what that rule says comes next.

    1. Who is asked first (a returning person's or the company's partner) gets it where its gates allow, outside
       the rotation.
    2. Otherwise the first rule whose conditions hold decides; where it finds nobody, what the rule says comes next.
    3. No rule, or nobody: the queue, with the reason. Never silence.
    """
    choice = _Choice(desk, config, lead, Placement())
    pooled = config.rule_named(unclaimed_of)
    if pooled is not None:
        choice.after_pool(pooled)
    elif not choice.preferred():
        choice.by_rules(config.all_rules)
    return choice.placed


def survey(desk: Desk, pool: Pool, lead: LeadFacts, placed: Placement) -> list[Candidate]:
    """Ask every gate of every partner in ``pool``, keep each answer in ``placed``; those that fit.

    Who never covers such a lead (territory, product) is answered from its settings alone; only of the others is read
    how they stand. The earliest instant at which time alone opens a gate is kept too.
    """
    partners, missed = pool.fitting(lead)
    for gate, slots in missed.items():
        placed.missed[gate] = placed.missed.get(gate, 0) | slots
    now, states = desk.now, desk.states(partners, lead)
    for facts in partners:
        if (state := states.get(facts.slot)) is not None:
            placed.candidates[facts.slot] = Candidate(facts, state, lead, now, closed(facts, state, lead, now))
    seen = [placed.candidates[facts.slot] for facts in partners if facts.slot in states]
    retries = [retry_at(c.facts, c.gates, now) for c in seen if c.closed]
    placed.retry_at = min((r for r in (placed.retry_at, *retries) if r is not None), default=None)
    return [c for c in seen if not c.closed]


def rotation_key(rule: Rule, values: Mapping[str, object]) -> str:
    """One rotation a rule, or one for each country, region or product where the rule says ``by``."""
    return rule.name if rule.strategy.by is None else f"{rule.name}|{values.get(rule.strategy.by) or ''}"


@dataclass
class _Choice:
    """One lead being placed."""

    desk: Desk
    config: Snapshot
    lead: Asked
    placed: Placement

    def preferred(self) -> bool:
        """Whether who is asked first takes it."""
        if self.lead.origin is None or self.lead.prefer not in self.config.roster:
            return False
        return self._offer_one(self.config.only(self.lead.prefer), self.lead.origin)

    def after_pool(self, rule: Rule) -> None:
        """Nobody claimed it.

        1. A rule whose strategy is the pool says what comes then.
        2. Another rule had nobody, so it pooled the lead: it asks its partners once more, then the queue.
        """
        self._turn_to(rule)
        if rule.strategy.kind is not StrategyKind.OPEN_POOL:
            self._by_rule(rule)
        elif rule.then.kind == "next":
            self.by_rules(self.config.all_rules[self.config.all_rules.index(rule) + 1 :])
        else:
            self._fall_back(rule)

    def by_rules(self, rules: Sequence[Rule]) -> None:
        """The first rule whose conditions hold, and those that it passes the lead on to."""
        for rule in self._matching(rules):
            self._turn_to(rule)
            if self._by_rule(rule):
                return
            if rule.then.kind != "next":
                self._fall_back(rule)
                return

    def _turn_to(self, rule: Rule) -> None:
        placed = self.placed
        placed.rule, placed.strategy, placed.reason = rule, rule.strategy.kind, QueueReason.NOBODY_ELIGIBLE

    def _matching(self, rules: Sequence[Rule]) -> Iterator[Rule]:
        for rule in rules:
            matches = rule.condition.matches(self.lead.values)
            self.placed.path.append({"rule": rule.name, "matched": matches})
            if matches:
                yield rule

    def _by_rule(self, rule: Rule) -> bool:
        kind, pool = rule.strategy.kind, self.config.pool(rule)
        if kind is StrategyKind.WEIGHTED_ROUND_ROBIN:
            return self._in_turn(rule, pool)
        if kind is StrategyKind.NAMED:
            pool = self.config.only(rule.strategy.partner)
        if kind is StrategyKind.OPEN_POOL:
            fit = survey(self.desk, pool, self.lead.facts, self.placed)
            return bool(fit) and self._to_pool(rule, rule.strategy.hours)
        return self._in_order(rule, pool)

    def _in_turn(self, rule: Rule, pool: Pool) -> bool:
        """Weighted round robin. The rotation is read first and kept, so that what is read next is the latest.

        A candidate that has no place after all is gated out, and the turn is worked out anew without it.
        """
        key = rotation_key(rule, self.lead.values)
        credits, _ = self.desk.rotation(key)
        left = survey(self.desk, pool, self.lead.facts, self.placed)
        while left:
            drawn = turn(credits, [(c.facts.slot, c.now.weight_now_x2) for c in left])
            winner = _ranked(left, drawn.order, credits.get)
            if self._offer(winner, AssignmentOrigin.ROTATION):
                self.desk.turned(key, drawn.credits)
                return True
            left.remove(winner)
        return False

    def _in_order(self, rule: Rule, pool: Pool) -> bool:
        """Any other strategy; best conversion keeps a rotation for the share that goes to those who are not best."""
        turning = rule.strategy.kind is StrategyKind.BEST_CONVERSION
        credits, turns = self.desk.rotation(rule.name) if turning else (Credits(), 0)
        left = survey(self.desk, pool, self.lead.facts, self.placed)
        while left:
            pairs = [(c.facts, c.now) for c in left]
            drawn = self.desk.ranked(rule.strategy, pairs, self.lead.facts, credits, turns)
            winner = _ranked(left, drawn.order, drawn.measures.get)
            by_turn = drawn.credits is not None  # best conversion: one of the share that goes round the others
            if self._offer(winner, AssignmentOrigin.ROTATION if by_turn else AssignmentOrigin.RULE):
                if turning:
                    self.desk.turned(rule.name, drawn.credits or credits)
                return True
            left.remove(winner)
        return False

    def _offer_one(self, pool: Pool, origin: AssignmentOrigin) -> bool:
        fit = survey(self.desk, pool, self.lead.facts, self.placed)
        return bool(fit) and self._offer(fit[0], origin)

    def _offer(self, candidate: Candidate, origin: AssignmentOrigin) -> bool:
        """Take the place; where it is gone meanwhile, say so in the candidate's gates."""
        self.placed.at = self.desk.take(candidate.facts, self.lead.facts)
        if self.placed.at is None:
            candidate.found_no_place()
            return False
        self.placed.outcome, self.placed.winner, self.placed.origin = DecisionOutcome.OFFERED, candidate.facts, origin
        return True

    def _fall_back(self, rule: Rule) -> None:
        if rule.then.kind == "pool":
            self._to_pool(rule, None)
        elif rule.then.kind == "partner":
            self._offer_one(self.config.only(rule.then.partner), AssignmentOrigin.RULE)

    def _to_pool(self, rule: Rule, hours: int | None) -> bool:
        until = self.desk.now + timedelta(hours=hours or 24)
        self.placed.outcome = DecisionOutcome.POOLED
        self.placed.pool = {"rule": rule.name, "until": until.isoformat()}
        return True


def _ranked(left: Sequence[Candidate], order: Sequence[int], measure: Any) -> Candidate:
    """Note each one's rank and what it was given for; the first."""
    by_slot = {c.facts.slot: c for c in left}
    for rank, slot in enumerate(order, start=1):
        by_slot[slot].rank, by_slot[slot].credit = rank, measure(slot)
    return by_slot[order[0]]

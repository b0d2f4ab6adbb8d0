"""Whether each rotation gave every partner its share: exact shares beside offers, and why they differ. Pure.

One lead that is drawn by turns is one unit, shared by weight among those whose gates let it through at that moment
(PRODUCT, section 4). A partner's share of some days is the sum of its shares; all shares add up to the leads drawn,
and so do the offers. Its balance is what it is still owed since the rotation began: in a pool that stays the same it
is under one lead after any number of leads. Source: ``portal.allocation.rotation``.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from portal.allocation.record import Brief, Stored, briefly
from portal.allocation.rotation import TICKS
from portal.vocabulary import AssignmentOrigin, AssignmentState, Standing, StrategyKind

#: Offers that ended without being taken: the turn is used all the same.
USED = (AssignmentState.DECLINED, AssignmentState.EXPIRED, AssignmentState.RECALLED)
Pool = tuple[tuple[int, int], ...]


class Offer(NamedTuple):
    """One offered decision. ``value``: of the field that its rule turns by. ``state``: what became of the offer."""

    id: str
    at: datetime
    rule: str
    value: str | None
    strategy: str | None
    origin: str
    partner_id: str | None
    record: Stored
    state: AssignmentState | None


class Weights:
    """Partners' weights by slot, each with its valid-from, oldest first."""

    def __init__(self, by_slot: Mapping[int, Sequence[tuple[datetime, int]]]) -> None:
        self._by_slot = by_slot

    def doubled(self, slot: int, at: datetime, standing: str) -> int:
        """The weight that counted, in halves: reduced partners have half of theirs."""
        known = self._by_slot.get(slot) or [(at, 1)]
        weight = known[max(0, bisect_right(known, at, key=lambda pair: pair[0]) - 1)][1]
        return weight if standing == Standing.REDUCED else 2 * weight


@dataclass(frozen=True)
class Line:
    """One partner in one rotation over some days. ``share`` and ``balance`` in leads, exact.

    ``shared``: leads that it had a share of. ``away``: leads that a closed gate of its own kept it from, by gate.
    ``not_for_it``: leads outside its territory or products. ``used``: its offers that ended untaken, by how.
    """

    slot: int
    share: Fraction
    got: int
    balance: Fraction
    shared: int
    away: Mapping[str, int]
    not_for_it: int
    used: Mapping[AssignmentState, int]

    @property
    def off(self) -> Fraction:
        """What it got above its share of these days."""
        return self.got - self.share


@dataclass(frozen=True)
class Rotation:
    """One rotation over some days. ``steady``: the same partners with the same weights shared every lead."""

    rule: str
    value: str | None
    drawn: int
    lines: tuple[Line, ...]
    steady: bool

    @property
    def key(self) -> str:
        return self.rule if self.value is None else f"{self.rule}|{self.value}"

    @property
    def worst(self) -> Fraction:
        """The largest balance either way."""
        return max((abs(line.balance) for line in self.lines), default=Fraction(0))


@dataclass
class _Tally:
    """What is counted of one rotation, by slot."""

    pools: Counter[Pool] = field(default_factory=Counter)
    got: Counter[int] = field(default_factory=Counter)
    away: dict[int, Counter[str]] = field(default_factory=dict)
    used: dict[int, Counter[AssignmentState]] = field(default_factory=dict)
    first: dict[int, tuple[datetime, str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fairness:
    """Every rotation, the busiest first; and how often partners got leads outside them, by partner and origin."""

    rotations: tuple[Rotation, ...]
    outside: Mapping[tuple[str, str], int]


def fairness(offers: Iterable[Offer], weights: Weights) -> Fairness:
    """Measure the offers of some days, in any order; one pass."""
    tallies: dict[tuple[str, str | None], _Tally] = {}
    outside: Counter[tuple[str, str]] = Counter()
    for offer in offers:
        if offer.origin == AssignmentOrigin.ROTATION:
            value = None if offer.strategy == StrategyKind.BEST_CONVERSION else offer.value
            _count(tallies.setdefault((offer.rule, value), _Tally()), offer, weights)
        elif offer.partner_id is not None:
            outside[offer.partner_id, offer.origin] += 1
    found = [_rotation(rule, value, tally) for (rule, value), tally in tallies.items() if tally.pools]
    return Fairness(tuple(sorted(found, key=lambda each: (-each.drawn, each.key))), outside)


def _count(tally: _Tally, offer: Offer, weights: Weights) -> None:
    seen = [*briefly(offer.record)]
    drawn = _drawn(seen, offer.strategy)
    if not drawn:
        return
    pool = tuple(sorted((each.slot, weights.doubled(each.slot, offer.at, each.standing)) for each in drawn))
    winner = min(drawn, key=lambda each: each.rank or 0).slot
    tally.pools[pool] += 1
    tally.got[winner] += 1
    if offer.state in USED:
        tally.used.setdefault(winner, Counter())[offer.state] += 1
    for each in seen:
        if each.closed:
            tally.away.setdefault(each.slot, Counter())[each.closed[0]] += 1
    for each in drawn:
        known, now = tally.first.get(each.slot), (offer.at, offer.id, _credit(each.drawn_for))
        tally.first[each.slot] = now if known is None else min(known, now)


def _drawn(seen: Sequence[Brief], strategy: str | None) -> list[Brief]:
    """Who shared the lead: all that were ranked; of best conversion's floor share all but the best, ranked last."""
    ranked = [each for each in seen if each.rank is not None and not each.closed]
    if strategy != StrategyKind.BEST_CONVERSION:
        return ranked
    return sorted(ranked, key=lambda each: each.rank or 0)[:-1]


def _credit(drawn_for: Any) -> int:
    """The credit in ticks before the lead: kept alone, or last of best conversion's measures."""
    return int(drawn_for[-1] if isinstance(drawn_for, list) else drawn_for or 0)


def _rotation(rule: str, value: str | None, tally: _Tally) -> Rotation:
    drawn, shares, shared = tally.pools.total(), _shares(tally.pools), Counter[int]()
    for pool, count in tally.pools.items():
        for slot, _ in pool:
            shared[slot] += count
    lines = [
        Line(
            slot, shares[slot], tally.got[slot], _owed(tally, slot, shares[slot]), shared[slot],
            tally.away.get(slot, {}), drawn - shared[slot] - sum(tally.away.get(slot, {}).values()),
            tally.used.get(slot, {}),
        )
        for slot in shares
    ]  # fmt: skip
    lines.sort(key=lambda line: (-line.share, line.slot))
    return Rotation(rule, value, drawn, tuple(lines), len(tally.pools) == 1)


def _shares(pools: Mapping[Pool, int]) -> dict[int, Fraction]:
    """Each one's shares added up exactly: first by the sum of weights they were cut by, which costs no fractions."""
    cut: dict[int, Counter[int]] = {}
    for pool, count in pools.items():
        whole = sum(weight for _, weight in pool)
        for slot, weight in pool:
            cut.setdefault(slot, Counter())[whole] += weight * count
    return {slot: sum((Fraction(n, whole) for whole, n in by.items()), Fraction(0)) for slot, by in cut.items()}


def _owed(tally: _Tally, slot: int, share: Fraction) -> Fraction:
    """The balance after the last lead: what it brought into these days, its share of them, less what it got."""
    return Fraction(tally.first[slot][2], TICKS) + share - tally.got[slot]

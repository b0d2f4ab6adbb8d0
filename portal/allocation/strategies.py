"""Rankings other than the rotation's. Pure: the same inputs give the same order, always."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import asin, cos, radians, sin, sqrt
from typing import Any, NamedTuple

from portal.allocation.document import Strategy
from portal.allocation.rotation import Credits, turn
from portal.vocabulary import StrategyKind

#: Parts in a million: a rate in whole numbers, so that no rounding differs between machines.
MILLION = 1_000_000
#: A partner's own outcomes weigh as much as the general rate from this many on.
PRIOR = 10
EARTH_METRES = 6_371_009

Point = tuple[float, float]
#: What a rank was given for, as a decision keeps it beside the rank (``measured`` tells it in words).
Measure = int | list[int] | None


class Contender(NamedTuple):
    """One partner that every gate let through. ``weight``: doubled, as its standing leaves it. ``won`` of ``of``: its
    outcomes. ``metres``: how far it is from the lead; None where that is not known."""

    slot: int
    weight: int
    open: int = 0
    cap: int = 0
    won: int = 0
    of: int = 0
    metres: int | None = None


@dataclass(frozen=True)
class Ranked:
    """Slots, the winner first, with the measure of each; ``credits`` to keep where this lead was shared by turns."""

    order: tuple[int, ...]
    measures: Mapping[int, Measure] = field(default_factory=dict)
    credits: Credits | None = None


def rank(
    strategy: Strategy, contenders: Sequence[Contender], credits: Credits, turns: int, mean: int = MILLION // 2
) -> Ranked:
    """Put those who may get a lead in order; at least one.

    ``credits`` and ``turns``: of the rule's rotation, read by best conversion only. ``mean``: the general rate, in
    parts of a million.
    """
    if strategy.kind is StrategyKind.BEST_CONVERSION:
        return best_conversion(contenders, strategy.floor_share, credits, turns, mean)
    if strategy.kind is StrategyKind.NEAREST:
        return nearest(contenders)
    return least_loaded(contenders)


def nearest(contenders: Sequence[Contender]) -> Ranked:
    """1. The fewest metres. 2. Whose distance is not known comes last. 3. Then the lower slot."""
    ordered = sorted(contenders, key=lambda c: (c.metres is None, c.metres or 0, c.slot))
    return Ranked(tuple(c.slot for c in ordered), {c.slot: c.metres for c in contenders})


def best_conversion(
    contenders: Sequence[Contender], floor_share: Fraction, credits: Credits, turns: int, mean: int
) -> Ranked:
    """The best rate first, except for the floor share, which goes to the others in turn.

    1. A rate is won of all outcomes, with ``PRIOR`` outcomes at the general rate added to each: who has few is
    neither best nor worst by chance. 2. Ties: the lower slot.
    3. Of ``n`` leads the rule hands out, ``n x floor_share`` (rounded down) go to those who are not the best at
    that moment, by weight and turn as in a round robin: everybody keeps getting leads and so can show a better rate.
    """
    rates = {c.slot: (c.won * MILLION + PRIOR * mean) // (c.of + PRIOR) for c in contenders}
    best = sorted(rates, key=lambda slot: (-rates[slot], slot))
    measures: dict[int, Measure] = {c.slot: [c.won, c.of, rates[c.slot]] for c in contenders}
    others = [(c.slot, c.weight) for c in contenders if c.slot != best[0]]
    if not others or not is_floor_turn(turns, floor_share):
        return Ranked(tuple(best), measures)
    drawn = turn(credits, others)
    told: dict[int, Measure] = {c.slot: [c.won, c.of, rates[c.slot], credits.get(c.slot)] for c in contenders}
    return Ranked((*drawn.order, best[0]), told, drawn.credits)


def is_floor_turn(turns: int, floor_share: Fraction) -> bool:
    """Whether the lead after ``turns`` others is one of the floor share: evenly spaced, exact over any number."""
    return int((turns + 1) * floor_share) > int(turns * floor_share)


def least_loaded(contenders: Sequence[Contender]) -> Ranked:
    """1. The smallest share of its cap in use. 2. Then the fewest open leads. 3. Then the lower slot."""
    ordered = sorted(contenders, key=lambda c: _load(c.open, c.cap, c.slot))
    return Ranked(tuple(c.slot for c in ordered), {c.slot: [c.open, c.cap] for c in contenders})


def _load(open_leads: int, cap: int, slot: int) -> tuple[Fraction, int, int]:
    return Fraction(open_leads, max(1, cap)), open_leads, slot


def metres_between(one: Point, other: Point) -> int:
    """The great-circle distance of two points in degrees, in whole metres (haversine, mean earth radius)."""
    (lat, lon), (to_lat, to_lon) = ((radians(part) for part in point) for point in (one, other))
    half = sin((to_lat - lat) / 2) ** 2 + cos(lat) * cos(to_lat) * sin((to_lon - lon) / 2) ** 2
    return round(2 * EARTH_METRES * asin(sqrt(min(1.0, half))))


def measured(kind: StrategyKind | str | None, measure: Any) -> str | None:
    """What a rank was given for, in words to staff; None where the strategy measures nothing that is worth telling."""
    if kind == StrategyKind.NEAREST:
        return "Its distance is not known." if measure is None else f"{measure / 1000:,.0f} km away."
    if not isinstance(measure, list):
        return None
    if kind != StrategyKind.BEST_CONVERSION:
        return f"{measure[0]} of {measure[1]} open leads."
    told = f"Won {measure[0]} of {measure[1]}, weighed as {measure[2] / MILLION:.0%}"
    return f"{told}; this lead went round the others in turn." if len(measure) == 4 else f"{told}."

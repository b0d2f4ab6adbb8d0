"""The blast radius of a stop or of a stricter ladder: who changes rung, who takes what is no longer offered. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from portal.compliance.facts import Ladder, LadderVersion, Mark
from portal.compliance.fold import advance
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State

TICK = timedelta(microseconds=1)


def turned(
    state: State,
    marks: Sequence[Mark],
    ladders: Sequence[LadderVersion],
    draft: Ladder,
    business_days: BusinessDays,
    now: datetime,
) -> tuple[State, State]:
    """The state at ``now``, and the state just after ``draft`` came to rule then. What is open stays open.

    Ladders published for later rule later; ``state`` is folded up to some instant before ``now``.
    """
    marks, at = list(marks), max(now, state.folded_until) + TICK
    before, _ = advance(state, marks, (), ladders, business_days, at)
    number = max((version.number for version in ladders), default=0) + 1
    after, _ = advance(state, marks, (), [*ladders, LadderVersion(at, draft, number)], business_days, at)
    return before, after


@dataclass(frozen=True, slots=True)
class Shared:
    """Who takes how many of the offers, by slot; ``nobody``: how many nobody else could have had."""

    gains: Mapping[int, Fraction]
    nobody: int


def shared(offers: Iterable[Iterable[int]], weights: Mapping[int, int], losing: frozenset[int]) -> Shared:
    """Each offer shared by weight among those who could have had it. An offer is given as the slots of those.

    1. Who loses takes no share. 2. Who has no weight (stopped, held, switched off) takes none.
    3. Where nobody is left, nobody else could have had it.
    """
    gains, nobody = dict[int, Fraction](), 0
    for slots in offers:
        takers = {slot: weights[slot] for slot in slots if slot not in losing and weights.get(slot, 0) > 0}
        total = sum(takers.values())
        nobody += not takers
        for slot, weight in takers.items():
            gains[slot] = gains.get(slot, Fraction(0)) + Fraction(weight, total)
    return Shared(gains, nobody)


def filled(open_leads: int, gain: Fraction, offers: int, going: int) -> Fraction:
    """How many open leads a taker has once it takes its part: of the open leads of those who lose (``going``) the
    same part as of their offers (``gain`` of ``offers``)."""
    return open_leads + (going * gain / offers if offers else Fraction(0))

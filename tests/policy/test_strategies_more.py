"""Best conversion with its floor share, nearest, and what a rank was given for in words."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.allocation.document import Strategy
from portal.allocation.rotation import Credits
from portal.allocation.strategies import (
    MILLION,
    Contender,
    best_conversion,
    is_floor_turn,
    measured,
    metres_between,
    nearest,
    rank,
)
from portal.vocabulary import StrategyKind

HALF = MILLION // 2
FIFTH = Fraction(1, 5)


def best(*outcomes: tuple[int, int], mean: int = HALF, turns: int = 0) -> tuple[int, ...]:
    """Slots as ranked, from (won, of) by slot."""
    contenders = [Contender(slot, 2, won=won, of=of) for slot, (won, of) in enumerate(outcomes)]
    return best_conversion(contenders, FIFTH, Credits(), turns, mean).order


@pytest.mark.parametrize(
    ("outcomes", "mean", "expected"),
    [
        ([(5, 20), (10, 20)], HALF, (1, 0)),
        ([(10, 20), (10, 20)], HALF, (0, 1)),
        # One of one is no proof: it is drawn to the general rate.
        ([(1, 1), (18, 20)], HALF, (1, 0)),
        ([(1, 1), (30, 60)], HALF, (0, 1)),
        # Who has no outcome stands at the general rate: before those below it, after those above.
        ([(0, 40), (0, 0), (40, 40)], HALF, (2, 1, 0)),
        ([(2, 10), (0, 0)], MILLION // 10, (0, 1)),
        ([(0, 0), (0, 0)], HALF, (0, 1)),
    ],
)
def test_the_best_rate_comes_first(outcomes: list[tuple[int, int]], mean: int, expected: tuple[int, ...]) -> None:
    assert best(*outcomes, mean=mean) == expected


def test_each_fifth_lead_goes_round_the_others() -> None:
    orders = [best((20, 20), (5, 20), (1, 20), turns=turns) for turns in range(10)]
    assert [order[0] for order in orders] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert orders[4][-1] == 0, "the best one comes last where the others are due"


def test_one_alone_gets_every_lead() -> None:
    assert best((0, 9), turns=4) == (0,)


@given(st.integers(1, 50), st.integers(0, 500))
def test_the_floor_share_is_exact_over_any_number_of_leads(percent: int, leads: int) -> None:
    share = Fraction(percent, 100)
    assert sum(is_floor_turn(turns, share) for turns in range(leads)) == int(leads * share)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 30)), min_size=2, max_size=8), st.integers(5, 50))
def test_nobody_starves_and_the_others_share_by_weight(partners: list[tuple[int, int]], percent: int) -> None:
    """In a pool that stays the same the floor share goes to the others, each within one lead of its part by weight."""
    contenders = [Contender(slot, weight * 2, won=won, of=30) for slot, (weight, won) in enumerate(partners)]
    credits, got, share = Credits(), Counter[int](), Fraction(percent, 100)
    leads = 300
    for turns in range(leads):
        ranked = best_conversion(contenders, share, credits, turns, HALF)
        got[ranked.order[0]] += 1
        credits = ranked.credits or credits
    first = best_conversion(contenders, share, Credits(), 0, HALF).order[0]
    floor = int(leads * share)
    assert got[first] == leads - floor
    whole = sum(c.weight for c in contenders if c.slot != first)
    for one in contenders:
        if one.slot != first:
            assert abs(got[one.slot] - Fraction(floor * one.weight, whole)) < 1


def test_credits_are_kept_only_where_the_turn_decided() -> None:
    contenders = [Contender(slot, 2, won=slot, of=5) for slot in range(3)]
    assert best_conversion(contenders, FIFTH, Credits(), 0, HALF).credits is None
    assert best_conversion(contenders, FIFTH, Credits(), 4, HALF).credits is not None


@pytest.mark.parametrize(
    ("metres", "expected"),
    [
        ([5000, 4000, 6000], (1, 0, 2)),
        ([None, 4000, None], (1, 0, 2)),
        ([None, None], (0, 1)),
        ([7, 7], (0, 1)),
        ([None, 0], (1, 0)),
    ],
)
def test_the_nearest_comes_first_and_the_unknown_last(metres: list[int | None], expected: tuple[int, ...]) -> None:
    assert nearest([Contender(slot, 2, metres=far) for slot, far in enumerate(metres)]).order == expected


BERLIN, HAMBURG, SYDNEY, MUNICH = (52.52, 13.405), (53.5511, 9.9937), (-33.8688, 151.2093), (48.1351, 11.582)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [(BERLIN, BERLIN, 0), (BERLIN, HAMBURG, 255), (BERLIN, MUNICH, 504), (BERLIN, SYDNEY, 16094),
     ((0, 179.5), (0, -179.5), 111), ((90, 0), (-90, 0), 20015)],
)  # fmt: skip
def test_distances_are_great_circles(one: tuple[float, float], other: tuple[float, float], km: int) -> None:
    assert abs(metres_between(one, other) / 1000 - km) < 1
    assert metres_between(one, other) == metres_between(other, one)


points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(points, points, points)
def test_a_detour_is_never_shorter(
    one: tuple[float, float], other: tuple[float, float], by: tuple[float, float]
) -> None:
    assert metres_between(one, other) <= metres_between(one, by) + metres_between(by, other) + 2


contenders = st.lists(
    st.builds(Contender, st.integers(0, 30), st.integers(1, 40), st.integers(0, 9), st.integers(1, 9),
              st.integers(0, 5), st.integers(5, 20), st.none() | st.integers(0, 9)),
    min_size=1, max_size=12, unique_by=lambda c: c.slot,
)  # fmt: skip


@pytest.mark.parametrize("kind", [StrategyKind.LEAST_LOADED, StrategyKind.NEAREST, StrategyKind.BEST_CONVERSION])
@given(given_=contenders, turns=st.integers(0, 9))
def test_a_rank_is_of_everybody_and_of_nothing_but_what_is_given(
    kind: StrategyKind, given_: list[Contender], turns: int
) -> None:
    there = rank(Strategy(kind), given_, Credits(), turns)
    back = rank(Strategy(kind), given_[::-1], Credits(), turns)
    assert there.order == back.order
    assert sorted(there.order) == sorted(c.slot for c in given_) == sorted(there.measures)


@pytest.mark.parametrize(
    ("kind", "measure", "words"),
    [
        (StrategyKind.LEAST_LOADED, [4, 10], "4 of 10 open leads."),
        (StrategyKind.NEAREST, 12_400, "12 km away."),
        (StrategyKind.NEAREST, None, "Its distance is not known."),
        (StrategyKind.BEST_CONVERSION, [5, 20, 333_333], "Won 5 of 20, weighed as 33%."),
        (StrategyKind.BEST_CONVERSION, [5, 20, 333_333, -7],
         "Won 5 of 20, weighed as 33%; this lead went round the others in turn."),
        (StrategyKind.WEIGHTED_ROUND_ROBIN, 123456, None),
        (StrategyKind.NAMED, None, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_what_a_rank_was_given_for(kind: StrategyKind | None, measure: object, words: str | None) -> None:
    assert measured(kind, measure) == words

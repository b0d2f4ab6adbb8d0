"""Fairness: shares add up to leads, balances are the rotation's own credits, a steady pool stays within one lead."""

import json
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.allocation.record import Candidate, pack
from portal.allocation.rotation import TICKS, Credits, turn
from portal.allocation.strategies import Contender, best_conversion
from portal.reporting.fairness import Fairness, Offer, Weights, fairness
from portal.vocabulary import AssignmentState, Gate, Standing
from tests.policy.allocation_partners import NOW, lead, partner, state

PARTNERS = [partner(id=f"p{slot}", slot=slot) for slot in range(6)]
Pool = list[tuple[int, bool]]


def weights_of(*weights: int) -> Weights:
    return Weights({slot: [(NOW - timedelta(days=9), weight)] for slot, weight in enumerate(weights)})


def offer(
    number: int, credits: Credits, here: dict[int, Standing], away: dict[int, Gate], weights: Weights,
    became: AssignmentState = AssignmentState.ACCEPTED,
) -> tuple[Offer, Credits]:  # fmt: skip
    """One lead drawn by turns among those ``here``, as it is stored; and the credits after it."""
    at = NOW + timedelta(minutes=number)
    drawn = turn(credits, [(slot, weights.doubled(slot, at, standing)) for slot, standing in here.items()])
    rows = [
        Candidate(PARTNERS[slot], state(standing=here[slot]), lead(), at, (), rank, credits.get(slot))
        for rank, slot in enumerate(drawn.order, start=1)
    ]
    rows += [Candidate(PARTNERS[slot], state(), lead(), at, (gate,)) for slot, gate in away.items()]
    return stored(number, rows, f"p{drawn.winner}", state=became), drawn.credits


def stored(number: int, rows: list[Candidate], to: str, **changes: Any) -> Offer:
    record = json.loads(json.dumps(pack(lead(), rows, {Gate.TERRITORY: 1 << 40})))
    plain: dict[str, Any] = {
        "id": f"d{number:04}", "at": NOW + timedelta(minutes=number), "rule": "Everything", "value": None,
        "strategy": "weighted_round_robin", "origin": "rotation", "partner_id": to, "record": record,
        "state": AssignmentState.ACCEPTED,
    }  # fmt: skip
    return Offer(**{**plain, **changes})


def run(pools: list[dict[int, Standing]], weights: Weights) -> tuple[list[Offer], list[Credits]]:
    """The stored offers of a rotation, and its credits after each."""
    offers, after, credits = [], [], Credits()
    for number, here in enumerate(pools):
        made, credits = offer(number, credits, here, {}, weights)
        offers.append(made)
        after.append(credits)
    return offers, after


somebody = st.dictionaries(
    st.integers(0, 5), st.sampled_from([Standing.GOOD, Standing.WARNED, Standing.REDUCED]), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(somebody, min_size=1, max_size=40), st.lists(st.integers(1, 100), min_size=6, max_size=6),
    st.integers(0, 39),
)  # fmt: skip
def test_shares_and_offers_add_up_and_balances_are_the_credits(
    pools: list[dict[int, Standing]], weights: list[int], first: int
) -> None:
    """Of the whole rotation and of any last part of it, read in any order."""
    known = weights_of(*weights)
    offers, after = run(pools, known)
    part = offers[min(first, len(offers) - 1) :]
    (found,) = fairness(reversed(part), known).rotations
    assert found.drawn == len(part)
    assert sum(line.share for line in found.lines) == sum(line.got for line in found.lines) == len(part)
    assert sum(line.off for line in found.lines) == 0
    for line in found.lines:
        assert abs(line.balance - Fraction(after[-1].get(line.slot), TICKS)) < Fraction(1, 10**9)
        assert line.shared + line.not_for_it + sum(line.away.values()) == found.drawn


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=6), st.integers(1, 200), st.integers(0, 199))
def test_a_steady_pool_stays_within_one_lead(weights: list[int], leads: int, first: int) -> None:
    known = weights_of(*weights)
    offers, _ = run([dict.fromkeys(range(len(weights)), Standing.GOOD)] * leads, known)
    (whole,) = fairness(offers, known).rotations
    assert whole.steady and whole.worst < 1
    assert all(abs(line.off) < 1 and line.off == -line.balance for line in whole.lines)
    (part,) = fairness(offers[min(first, leads - 1) :], known).rotations
    assert part.worst < 1 + Fraction(1, 10**9)


def test_what_kept_a_partner_off_is_told_and_costs_it_no_share() -> None:
    known, credits, offers = weights_of(1, 1, 1), Credits(), []
    for number in range(4):
        away = {1: Gate.OPEN_CAP} if number < 3 else {}
        here = {slot: Standing.GOOD for slot in (0, 1) if slot not in away}
        became = AssignmentState.DECLINED if number == 0 else AssignmentState.ACCEPTED
        made, credits = offer(number, credits, here, away, known, became)
        offers.append(made)
    (found,) = fairness(offers, known).rotations
    first, second = found.lines
    assert not found.steady
    assert (first.slot, first.share, first.shared, dict(first.used)) == (
        0, Fraction(7, 2), 4, {AssignmentState.DECLINED: 1},
    )  # fmt: skip
    assert (second.share, second.shared, dict(second.away), second.not_for_it) == (
        Fraction(1, 2), 1, {Gate.OPEN_CAP: 3}, 0,
    )  # fmt: skip


def test_a_weight_counts_from_when_it_was_set_and_half_while_reduced() -> None:
    known = Weights({0: [(NOW, 3), (NOW + timedelta(hours=1), 5)]})
    assert known.doubled(0, NOW - timedelta(days=1), Standing.GOOD) == 6
    assert known.doubled(0, NOW + timedelta(minutes=59), Standing.GOOD) == 6
    assert known.doubled(0, NOW + timedelta(hours=1), Standing.GOOD) == 10
    assert known.doubled(0, NOW + timedelta(hours=2), Standing.REDUCED) == 5
    assert known.doubled(7, NOW, Standing.GOOD) == 2


def test_each_value_has_its_own_rotation_and_others_are_told_apart() -> None:
    one = Candidate(PARTNERS[0], state(), lead(), NOW, (), 1, 0)
    found = fairness(
        [
            stored(1, [one], "p0", value="DE"), stored(2, [one], "p0", value="DE"), stored(3, [one], "p0", value="AT"),
            stored(4, [one], "p0", origin="returning"), stored(5, [one], "p0", origin="by_hand", rule=""),
            stored(6, [one], "p0", origin="returning"), stored(7, [], "p0"),
        ],
        weights_of(1),
    )  # fmt: skip
    assert [(each.key, each.drawn) for each in found.rotations] == [("Everything|DE", 2), ("Everything|AT", 1)]
    assert found.outside == {("p0", "returning"): 2, ("p0", "by_hand"): 1}


def test_of_best_conversion_only_the_floor_share_is_drawn_by_turns() -> None:
    """The best of them, ranked last, has no share of such a lead."""
    contenders = [Contender(slot, 2, won=won, of=10) for slot, won in enumerate((9, 2, 1))]
    ranked = best_conversion(contenders, Fraction(1, 5), Credits(), 4, 500_000)
    rows = [
        Candidate(PARTNERS[slot], state(), lead(), NOW, (), rank, ranked.measures[slot])  # type: ignore[arg-type]
        for rank, slot in enumerate(ranked.order, start=1)
    ]
    made = stored(1, rows, f"p{ranked.order[0]}", strategy="best_conversion", value="DE")
    (found,) = fairness([made], weights_of(1, 1, 1)).rotations
    assert found.value is None
    assert {line.slot: line.share for line in found.lines} == {1: Fraction(1, 2), 2: Fraction(1, 2)}


@pytest.mark.parametrize("offers", [[]])
def test_nothing_was_drawn(offers: list[Offer]) -> None:
    assert fairness(offers, weights_of()) == Fairness((), {})

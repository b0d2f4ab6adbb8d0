"""The blast radius: what a stricter ladder names from the rows, and how offers are shared among the others."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.compliance.blast import filled, shared, turned
from portal.compliance.policy import Ladder, advance, initial
from portal.vocabulary import Standing
from tests.policy.standing_marks import START, at, cured, days, ladder, mark, met, rules

slots = st.lists(st.lists(st.integers(0, 5), unique=True), max_size=12)
weights = st.dictionaries(st.integers(0, 5), st.integers(0, 100))


@given(slots, weights, st.frozensets(st.integers(0, 5)))
def test_every_offer_is_shared_whole_or_finds_nobody(
    offers: list[list[int]], weight: dict[int, int], losing: frozenset[int]
) -> None:
    found = shared(offers, weight, losing)
    assert sum(found.gains.values()) + found.nobody == len(offers)
    assert not losing & set(found.gains) and all(weight[slot] > 0 for slot in found.gains)


def test_shares_follow_weights_among_those_who_could_have_had_it() -> None:
    found = shared([[1, 2, 3], [2], [3], [1]], {1: 5, 2: 1, 3: 2}, frozenset([1]))
    assert found.gains == {2: Fraction(1, 3) + 1, 3: Fraction(2, 3) + 1} and found.nobody == 1


def test_open_leads_go_in_the_same_parts() -> None:
    assert filled(3, Fraction(5, 2), 10, 4) == 4
    assert filled(3, Fraction(0), 0, 4) == 3


def test_a_stricter_ladder_stops_from_the_rows_at_once() -> None:
    marks, lenient = cured(10, 20, 30), ladder(breaches_in_a_row=9)
    state, _ = advance(initial(START), marks, (), rules(lenient), days, at(40))
    before, after = turned(state, marks, rules(lenient), ladder(breaches_in_a_row=3), days, at(41))
    assert (before.shown, after.shown) == (Standing.GOOD, Standing.STOPPED)


def test_what_is_open_is_not_missed_by_it() -> None:
    marks, lenient = [mark(100)], ladder()
    state, _ = advance(initial(START), marks, (), rules(lenient), days, at(40))
    strict = ladder(stop_on_overdue=1, breaches_in_a_row=1)
    assert turned(state, marks, rules(lenient), strict, days, at(41))[1].shown is Standing.GOOD


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), max_size=12), st.integers(1, 4))
def test_the_same_ladder_changes_nothing(kept: list[bool], row: int) -> None:
    marks = [each for n, ok in enumerate(kept) for each in (met(5 * n + 5) if ok else cured(5 * n + 5))]
    same: Ladder = ladder(breaches_in_a_row=row, minimum_sample=3)
    state, _ = advance(initial(START), marks, (), rules(same), days, at(80))
    before, after = turned(state, marks, rules(same), same, days, at(81))
    assert before == after

"""The order of a draft's rules: put in, taken out, moved, copied under a name of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.allocation.drafts import copied, moved, put_in, without

RULES = [{"name": name} for name in "abcd"]


@pytest.mark.parametrize(
    ("place", "to", "order"),
    [(0, 1, "bacd"), (3, 0, "dabc"), (1, 1, "abcd"), (0, 99, "bcda"), (2, -5, "cabd")],
)
def test_a_rule_moves_to_its_new_place(place: int, to: int, order: str) -> None:
    assert "".join(rule["name"] for rule in moved(RULES, place, to)) == order


@given(st.integers(0, 3), st.integers(-2, 6))
def test_moving_loses_no_rule(place: int, to: int) -> None:
    assert sorted(rule["name"] for rule in moved(RULES, place, to)) == list("abcd")


def test_what_is_put_in_and_taken_out_leaves_the_list_alone() -> None:
    assert put_in(RULES, 1, {"name": "x"})[1] == {"name": "x"}
    assert [rule["name"] for rule in without(RULES, 1)] == ["a", "c", "d"]
    assert [rule["name"] for rule in RULES] == list("abcd")


def test_a_copy_has_a_name_of_its_own_that_is_short_enough() -> None:
    assert copied(RULES, 0) == {"name": "a copy"}
    assert copied([*RULES, {"name": "a copy"}], 0) == {"name": "a copy 2"}
    long = [{"name": "x" * 200}]
    for _ in range(12):
        made = copied(long, 0)
        assert len(made["name"]) <= 200 and made["name"] not in [rule["name"] for rule in long]
        long.append(made)

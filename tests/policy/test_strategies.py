"""Least loaded: the order, its ties, and that it depends on nothing else."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.allocation.strategies import Contender, least_loaded


def contenders(loads: Sequence[tuple[int, int]]) -> list[Contender]:
    return [Contender(slot, 2, open=taken, cap=cap) for slot, (taken, cap) in enumerate(loads)]


def order(*loads: tuple[int, int]) -> list[int]:
    """Slots as ranked, from (open leads, cap) by slot."""
    return list(least_loaded(contenders(loads)).order)


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ([(5, 10), (4, 10)], [1, 0]),
        ([(4, 10), (3, 5)], [0, 1]),
        ([(4, 10), (2, 5)], [1, 0]),
        ([(0, 10), (0, 5), (0, 1)], [0, 1, 2]),
        ([(1, 3), (333_333, 1_000_000)], [1, 0]),
        ([(2, 4), (2, 4)], [0, 1]),
        ([(0, 0), (1, 10)], [0, 1]),
    ],
)
def test_the_smallest_share_of_the_cap_in_use_comes_first(loads: list[tuple[int, int]], expected: list[int]) -> None:
    assert order(*loads) == expected


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_partners_are_read_does_not_matter(
    loads: list[tuple[int, int]], seeded: random.Random
) -> None:
    read = contenders(loads)
    shuffled = read[:]
    seeded.shuffle(shuffled)
    assert least_loaded(shuffled).order == least_loaded(read).order

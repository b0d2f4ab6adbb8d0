"""The difference of two lists of rules: each kind of change in its words, and that it tells all and nothing else."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.allocation.describe import parts
from portal.allocation.difference import Change, difference

NAMES = {"n": "Nordhaven", "s": "Sudberg IT"}
ROBIN = {"kind": "weighted_round_robin"}


def rule(name: str = "Germany", **parts_: Any) -> dict[str, Any]:
    when = {"all": [{"field": "country", "op": "eq", "value": "DE"}]}
    return {"name": name, "when": when, "strategy": ROBIN, "then": "queue", **parts_}


def told(old: list[Any], new: list[Any]) -> list[str]:
    return [change.sentence for change in difference(old, new, NAMES)]


@pytest.mark.parametrize(
    ("changes", "part", "before", "after"),
    [
        ({"when": None}, "leads", "Country is DE", "Any lead"),
        ({"when": {"any": [{"field": "country", "op": "in", "value": ["group:DACH", "FR"]},
                           {"field": "company", "op": "eq", "value": "list:vip"}]}},
         "leads", "Country is DE", "Country is one of DACH, FR or company is one of those in the list vip"),
        ({"when": {"not": {"field": "arrived", "op": "eq", "value": "in_hours"}}},
         "leads", "Country is DE", "Not (arrived is in hours)"),
        ({"pool": {"tiers": ["gold", "silver"], "tags": ["cloud"]}},
         "partners", "Any partner", "Tier gold or silver; tag cloud"),
        ({"pool": {"partners": ["s", "n", "gone"], "certified": True, "covers_territory": True}}, "partners",
         "Any partner", "Nordhaven, Sudberg IT or a partner that is gone; covers the territory; "
         "certified for the product"),
        ({"strategy": {**ROBIN, "by": "region"}}, "shared", "Round robin by weight",
         "Round robin by weight, one rotation for each region"),
        ({"strategy": {"kind": "named", "partner": "s"}}, "shared", "Round robin by weight", "All to Sudberg IT"),
        ({"strategy": {"kind": "open_pool"}}, "shared", "Round robin by weight", "Open pool, first to claim, 24 h"),
        ({"strategy": {"kind": "open_pool", "hours": 2, "max_open": 3}}, "shared", "Round robin by weight",
         "Open pool, first to claim, 2 h, at most 3 claimed without a touch"),
        ({"strategy": {"kind": "best_conversion"}}, "shared", "Round robin by weight",
         "Best conversion, 20 % kept for the others"),
        ({"strategy": {"kind": "best_conversion", "floor_share": 0.35}}, "shared", "Round robin by weight",
         "Best conversion, 35 % kept for the others"),
        ({"strategy": {"kind": "nearest"}}, "shared", "Round robin by weight", "Nearest"),
        ({"then": "next"}, "else", "Queue", "Next rule"),
        ({"then": {"partner": "n"}}, "else", "Queue", "To Nordhaven"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_changed_part_is_told_before_and_after(changes: Any, part: str, before: str, after: str) -> None:
    (found,) = difference([rule()], [rule(**changes)], NAMES)
    assert (found.kind, found.part, found.before, found.after, found.place) == ("changed", part, before, after, 1)
    assert found.sentence.endswith(f": {after}. Before: {before}.")


def test_rules_that_come_go_move_and_are_renamed() -> None:
    a, b, c = rule("A", then="next"), rule("B", pool={"tags": ["x"]}), rule("C", pool={"tags": ["y"]})
    assert told([a, b], [b, a]) == ["Rule B is number 1, it was number 2."]
    assert told([a, b, c], [a, c]) == ["Rule B is gone."]
    assert told([a], [a, b]) == ["Rule B is new."]
    assert told([a, b], [a, {**b, "name": "Bee"}]) == ["Rule B is called Bee: its turns begin anew."]
    assert told([], []) == []


def test_what_says_the_same_in_another_spelling_is_no_change() -> None:
    assert told([rule(pool=None)], [rule(pool={})]) == []
    assert told([rule(strategy=ROBIN)], [rule(strategy={**ROBIN, "by": None})]) == []


def test_a_new_rule_is_told_whole() -> None:
    (found,) = difference([], [rule()], NAMES)
    whole = "Country is DE. Any partner. Round robin by weight. Queue."
    assert found == Change("added", "Germany", 1, None, None, whole, "Rule Germany is new.")


rules = st.lists(
    st.builds(lambda name, then, tag: rule(name, then=then, pool={"tags": [tag]}),
              st.sampled_from("abcdef"), st.sampled_from(["next", "queue", "pool"]), st.sampled_from("xyz")),
    max_size=6, unique_by=lambda one: one["name"],
)  # fmt: skip


@given(rules, rules)
def test_it_tells_all_and_nothing_else(old: list[Any], new: list[Any]) -> None:
    """Applied in words: what is told is enough to get from the old words to the new ones."""
    found = difference(old, new, NAMES)
    same = [(r["name"], parts(r, NAMES)) for r in old] == [(r["name"], parts(r, NAMES)) for r in new]
    assert (found == []) is same
    counts = {kind: sum(change.kind == kind for change in found) for kind in ("added", "removed")}
    assert len(old) - counts["removed"] + counts["added"] == len(new)
    by_place = {n + 1: parts(one, NAMES) for n, one in enumerate(new)}
    for change in found:
        if change.kind == "changed":
            assert by_place[change.place][change.part or ""] == change.after != change.before


@given(rules, st.randoms(use_true_random=False))
def test_as_few_as_possible_are_told_as_moved(old: list[Any], seeded: random.Random) -> None:
    new = old[:]
    if new:
        one = new.pop(seeded.randrange(len(new)))
        new.insert(seeded.randrange(len(new) + 1), one)
    assert len(difference(old, new, NAMES)) <= 1

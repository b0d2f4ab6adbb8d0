"""What conditions leave over: whether one can ever hold, and whether one takes all that another takes. Pure.

A condition is written out as the ways in which it can hold, each a list of comparisons that hold together. What
cannot be told for sure is taken to be possible: a condition that is called impossible is.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from portal.qualification.conditions import COMPARE, DERIVED, GRADES, LIST, NUMBER, Comparison, Condition

Way = tuple[Comparison, ...]
#: Beyond so many ways nothing is claimed.
MOST_WAYS = 400
NEGATED = {"eq": "ne", "ne": "eq", "in": "not_in", "not_in": "in", "exists": "missing", "missing": "exists"}
REVERSED = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt"}
#: "Not this comparison" where no comparison says so; its value is the comparison.
NOT = "not"
MAY_BE_MISSING = ("missing", "ne", "not_in", NOT)
#: Fields that every lead has, with all that they can be.
CHOICES = {"grade": tuple(grade.casefold() for grade in GRADES), **DERIVED}
BOUNDS = {"score": (0, 100), "employees": (0, None), "budget": (0, None)}


def never_holds(condition: Condition) -> str | None:
    """A sentence where no lead can meet the condition, naming what contradicts itself; None otherwise."""
    if condition.excluded is not None and _always(condition.excluded):
        return "What is excluded takes every lead: no lead meets this."
    found = ways(condition)
    reasons = [_contradiction(way) for way in (((),) if found is None else found)]
    if not reasons:
        return "No lead meets this: a part of it excludes every lead."
    return reasons[0] if all(reasons) else None


def takes_all_of(earlier: Condition, later: Condition) -> bool:
    """Whether every lead that meets ``later`` plainly meets ``earlier`` too."""
    if earlier.always:
        return True
    left, right = ways(later), _ways(earlier, False)
    if left is None or right is None or len(left) * len(right) > MOST_WAYS:
        return False
    return all(_contradiction((*one, *other)) for one in left for other in right)


def ways(condition: Condition) -> list[Way] | None:
    """The ways in which a condition can hold; None where they are too many to write out."""
    return _ways(condition, True)


def _always(part: Comparison | Condition) -> bool:
    return isinstance(part, Condition) and part.always


def _ways(part: Comparison | Condition, holds: bool) -> list[Way] | None:
    """The ways in which a part holds, or does not."""
    if isinstance(part, Comparison):
        return [(part,)] if holds else _negated(part)
    inner = [_ways(one, holds) for one in part.parts]
    without = [] if part.excluded is None else [_ways(part.excluded, not holds)]
    if part.any_ and part.parts:
        return _both([_either(inner), *without]) if holds else _either([_both(inner), *without])
    return _both([*inner, *without]) if holds else _either([*inner, *without])


def _either(sides: Iterable[list[Way] | None]) -> list[Way] | None:
    found: list[Way] = []
    for side in sides:
        if side is None or len(found) + len(side) > MOST_WAYS:
            return None
        found += side
    return found


def _both(sides: Iterable[list[Way] | None]) -> list[Way] | None:
    found: list[Way] = [()]
    for side in sides:
        if side is None or len(found) * len(side) > MOST_WAYS:
            return None
        found = [(*one, *other) for one, other in product(found, side)]
    return found


def _negated(test: Comparison) -> list[Way]:
    """The ways in which a comparison does not hold."""
    name, op, missing = test.field, test.op, (Comparison(test.field, "missing", None, None),)
    if op in NEGATED:
        return [(Comparison(name, NEGATED[op], test.value, test.folded),)]
    if op in REVERSED and name in NUMBER:
        return [missing, (Comparison(name, REVERSED[op], test.value, test.folded),)]
    if op == "between" and name in NUMBER:
        (low, high), (first, last) = test.value, test.folded
        return [missing, (Comparison(name, "lt", low, first),), (Comparison(name, "gt", high, last),)]
    return [(Comparison(name, NOT, test, None),)]


def _contradiction(way: Way) -> str | None:
    by_field: dict[str, list[Comparison]] = {}
    for test in way:
        by_field.setdefault(test.field, []).append(test)
    for tests in by_field.values():
        if _contradict(tests):
            return f"{' and '.join(dict.fromkeys(_say(test) for test in tests))}: no lead meets this."
    return None


def _say(test: Comparison) -> str:
    return f"not ({test.value.sentence()})" if test.op == NOT else test.sentence()


def _contradict(tests: list[Comparison]) -> bool:
    """Whether comparisons of one field exclude each other.

    1. The fact is missing and yet compared. 2. No value that is asked for is left by the others.
    3. What is asked for is ruled out as such. 4. The value is below the one and above the other, or outside what the
    field can be. What a list holds may change, so nothing is claimed of it but that it is not outside itself.
    """
    if any(map(_names_list, tests)):
        return _outside_itself(tests) or _contradict([test for test in tests if not _names_list(test)])
    if tests and (choices := CHOICES.get(tests[0].field)) is not None:
        return not any(all(_allows(test, value) for test in tests) for value in choices)
    if all(test.op in MAY_BE_MISSING for test in tests):
        return False
    if any(test.op == "missing" for test in tests):
        return True
    asked = next((test for test in tests if test.op in ("eq", "in")), None)
    if asked is not None:
        values = asked.folded if asked.op == "in" else (asked.folded,)
        return not any(all(_allows(test, value) for test in tests) for value in values)
    return _ruled_out(tests) or _empty_range(tests)


def _names_list(test: Comparison) -> bool:
    return any(isinstance(value, str) and value.startswith(LIST) for value in _values(test))


def _values(test: Comparison) -> tuple[Any, ...]:
    """What a membership names, as given; nothing for any other comparison."""
    return test.value if test.op in ("in", "not_in") else ()


def _outside_itself(tests: list[Comparison]) -> bool:
    """Whether one comparison asks for what another leaves out, by the same names, or for a fact that is missing."""
    asked = [set(_values(test)) for test in tests if test.op == "in"]
    denied = set().union(*(_values(test) for test in tests if test.op == "not_in"))
    missing = any(test.op == "missing" for test in tests)
    return any(names <= denied for names in asked) or (missing and bool(asked))


def _ruled_out(tests: list[Comparison]) -> bool:
    denied = [test.value for test in tests if test.op == NOT]
    return any(_implies(test, no) for no in denied for test in tests)


def _implies(test: Comparison, other: Comparison) -> bool:
    """Whether what meets ``test`` plainly meets ``other``, of the same field."""
    if test.op == other.op == "prefix":
        return _tight(test.folded).startswith(_tight(other.folded))
    return (test.op, test.folded) == (other.op, other.folded)


def _tight(value: object) -> str:
    return str(value).replace(" ", "")


def _allows(test: Comparison, value: Any) -> bool:
    low, high = BOUNDS.get(test.field, (None, None))
    if (low is not None and value < low) or (high is not None and value > high):
        return False
    if test.op == NOT:
        return not COMPARE[test.value.op](value, test.value.folded)
    return bool(COMPARE[test.op](value, test.folded))


def _empty_range(tests: list[Comparison]) -> bool:
    lows, highs = list(_ends(tests, ("gt", "gte"), 0)), list(_ends(tests, ("lt", "lte"), 1))
    try:
        return any(_crossed(low, high) for low in lows for high in highs)
    except TypeError:
        return False  # Ends of two kinds: a custom field may hold either.


def _ends(tests: list[Comparison], ops: tuple[str, str], side: int) -> Iterator[tuple[Any, bool]]:
    """Each lower (``side`` 0) or upper end, and whether the value itself is left out."""
    bound = BOUNDS.get(tests[0].field, (None, None))[side]
    if bound is not None:
        yield bound, False
    for test in tests:
        if test.op in ops:
            yield test.folded, test.op == ops[0]
        elif test.op == "between":
            yield test.folded[side], False


def _crossed(low: tuple[Any, bool], high: tuple[Any, bool]) -> bool:
    (first, without_first), (last, without_last) = low, high
    if isinstance(first, str) and isinstance(last, str):
        first, last = _tight(first), _tight(last)
        if first.isdecimal() and last.isdecimal() and len(first) != len(last):
            return False  # A code that is shorter than an end counts as the smaller number.
        length = min(len(first), len(last))
        return first[:length] > last[:length]
    return bool(first > last or (first == last and (without_first or without_last)))

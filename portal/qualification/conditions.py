"""Conditions on a lead: parsed with a sentence for each mistake, compiled to a test, told in words. Pure.

1. A lead without the fact meets only ``missing``, ``ne`` and ``not_in``.
2. Text is compared without regard to case and outer space; ``prefix`` and ``between`` without any space.
3. ``between`` takes both ends; text compares with each end on as many characters as that end has, so that
   postcodes from 80 to 87 hold 87999. Where both are digits they compare as numbers, else as text.
4. ``group:EU`` stands for the countries of a group, ``list:NAME`` for what a list holds when the condition is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portal.qualification.country_groups import PREFIX as GROUP
from portal.qualification.country_groups import group_of
from portal.qualification.fields import (
    DEEPEST,
    DERIVED,
    FIELDS,
    GRADES,
    INSTANT,
    LIST,
    MEMBER_OPS,
    NUMBER,
    OPS,
    ORDER_OPS,
    PLAIN,
    READ,
    TEXT,
    TEXT_OPS,
    Lists,
    Terms,
    plain,
    problem,
    tight,
    typed,
    value_problem,
)

__all__ = [
    "COMPARE", "DEEPEST", "DERIVED", "FIELDS", "GRADES", "INSTANT", "INSTANT_WORDS", "LIST", "MEMBER_OPS", "NUMBER",
    "OPS", "ORDER_OPS", "PLAIN", "READ", "TEXT", "TEXT_OPS", "WORDS", "Comparison", "Condition", "ConditionError",
    "Terms", "parse_condition",
]  # fmt: skip
Facts = Mapping[str, object]
MOST_SHOWN = 60
WORDS = {
    "eq": "is", "ne": "is not", "in": "is one of", "not_in": "is none of", "gt": "is over",
    "gte": "is at least", "lt": "is under", "lte": "is at most", "between": "is from", "prefix": "begins with",
    "contains": "contains",
}  # fmt: skip
INSTANT_WORDS = {"gt": "is after", "gte": "is not before", "lt": "is before", "lte": "is not after"}
SHAPE = "Give field, op and value; or a group with all or any, and if you like not."


class ConditionError(ValueError):
    """A condition that cannot be used; ``errors`` are (dotted path, sentence)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {sentence}" for where, sentence in errors))
        self.errors = errors


@dataclass(frozen=True)
class Comparison:
    """One comparison of a field with a value."""

    field: str
    op: str
    #: As given, and as it is compared.
    value: Any
    folded: Any

    def fields(self) -> frozenset[str]:
        """The field it asks for."""
        return frozenset({self.field})

    def lists(self) -> frozenset[str]:
        """The names of the lists that it asks for."""
        named = self.value if isinstance(self.value, tuple) else (self.value,)
        return frozenset(v.removeprefix(LIST) for v in named if isinstance(v, str) and v.startswith(LIST))

    def first_miss(self, facts: Facts) -> str | None:
        """Why a lead does not meet it, in words; None where it does."""
        if self.matches(facts):
            return None
        actual = facts.get(self.field)
        told = "not given" if actual is None else _say(actual)
        return f"{self.sentence()}, and the lead's is {told if len(told) <= MOST_SHOWN else told[:MOST_SHOWN] + '…'}"

    def matches(self, facts: Facts) -> bool:
        actual = facts.get(self.field)
        if actual is None:
            return self.op in ("missing", "ne", "not_in")
        return COMPARE[self.op](plain(actual), self.folded)

    def sentence(self) -> str:
        name = self.field.removeprefix("custom.").replace("_", " ")
        if self.op in ("exists", "missing"):
            return f"{name} is {'given' if self.op == 'exists' else 'not given'}"
        if self.op == "between":
            return f"{name} is from {_say(self.value[0])} to {_say(self.value[1])}"
        shown = ", ".join(map(_say, self.value)) if isinstance(self.value, tuple) else _say(self.value)
        shown = shown.replace("_", " ") if self.field in DERIVED else shown
        words = INSTANT_WORDS.get(self.op) if self.field in INSTANT else None
        return f"{name} {words or WORDS[self.op]} {shown}"


@dataclass(frozen=True)
class Condition:
    """All or any of its parts, and none of ``excluded``. No parts: every lead."""

    parts: tuple["Comparison | Condition", ...] = ()
    any_: bool = False
    excluded: "Condition | Comparison | None" = None

    def matches(self, facts: Facts) -> bool:
        """Whether a lead with these facts meets the condition."""
        if self.excluded is not None and self.excluded.matches(facts):
            return False
        if not self.parts:
            return True
        results = (part.matches(facts) for part in self.parts)
        return any(results) if self.any_ else all(results)

    @property
    def always(self) -> bool:
        """Whether it plainly takes every lead."""
        plain = [isinstance(part, Condition) and part.always for part in self.parts]
        return self.excluded is None and (any(plain) if self.any_ and plain else all(plain))

    def first_miss(self, facts: Facts) -> str | None:
        """Why a lead does not meet the condition, by the first part that does not hold; None where it does."""
        if self.matches(facts):
            return None
        if self.excluded is not None and self.excluded.matches(facts):
            return f"it is excluded: {self.excluded.sentence()}"
        if not self.any_:
            return next(miss for part in self.parts if (miss := part.first_miss(facts)) is not None)
        return f"none of these holds: {' or '.join(_inner(part) for part in self.parts)}"

    def fields(self) -> frozenset[str]:
        """The names of the fields that it asks for."""
        inner = [part.fields() for part in self._all_parts()]
        return frozenset().union(*inner)

    def lists(self) -> frozenset[str]:
        """The names of the lists that it asks for."""
        inner = [part.lists() for part in self._all_parts()]
        return frozenset().union(*inner)

    def _all_parts(self) -> tuple["Comparison | Condition", ...]:
        return self.parts if self.excluded is None else (*self.parts, self.excluded)

    def sentence(self) -> str:
        """The condition in plain words."""
        joined = (" or " if self.any_ else "; ").join(_inner(part) for part in self.parts)
        without = f"not ({self.excluded.sentence()})" if self.excluded is not None else ""
        return "; ".join(filter(None, (joined, without))) or "Any lead"


def _inner(part: "Comparison | Condition") -> str:
    text = part.sentence()
    return f"({text})" if isinstance(part, Condition) and len(part.parts) > 1 else text


def _say(value: object) -> str:
    if isinstance(value, str) and (group := group_of(value)) is not None:
        return group.label
    if isinstance(value, str) and value.startswith(LIST):
        return f"those in the list {value.removeprefix(LIST)}"
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)


def _between(actual: Any, pair: Any) -> bool:
    """Both ends included; text is compared with each end on as many characters as it has."""
    low, high = pair
    if isinstance(low, str):
        text, low, high = tight(actual), tight(low), tight(high)
        return _not_after(low, text[: len(low)]) and _not_after(text[: len(high)], high)
    return bool(low <= actual <= high)


def _not_after(one: str, other: str) -> bool:
    """Digits compare as numbers, so that a code that is shorter than the end is less: "800" is before "1000"."""
    if one.isdecimal() and other.isdecimal():
        return int(one) <= int(other)
    return one <= other


def _guarded(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison that a fact of another kind (a custom field holds anything) simply does not meet."""

    def test(actual: Any, value: Any) -> bool:
        try:
            return bool(compare(actual, value))
        except TypeError:
            return False

    return test


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda actual, value: bool(actual == value),
    "ne": lambda actual, value: bool(actual != value),
    "in": _guarded(lambda actual, value: actual in value),
    "not_in": lambda actual, value: not COMPARE["in"](actual, value),
    "gt": _guarded(lambda a, b: a > b),
    "gte": _guarded(lambda a, b: a >= b),
    "lt": _guarded(lambda a, b: a < b),
    "lte": _guarded(lambda a, b: a <= b),
    "between": _guarded(_between),
    "exists": lambda actual, value: True,
    "missing": lambda actual, value: False,
    "prefix": lambda actual, value: tight(actual).startswith(tight(value)),
    "contains": lambda actual, value: str(value) in str(actual),
}


@dataclass
class _Reading:
    """What is found wrong while a condition is read, and what it may name."""

    terms: Terms
    errors: list[tuple[str, str]] = field(default_factory=list)

    def append(self, mistake: tuple[str, str]) -> None:
        self.errors.append(mistake)


def parse_condition(data: Mapping[str, Any] | None, path: str = "when", terms: Terms = PLAIN) -> Condition:
    """A condition from ``{all|any: [...], not?}``; None, {} and an empty ``all`` take every lead.

    ``path`` is where it stands in what was sent. Raises ConditionError with every mistake at once.
    """
    reading = _Reading(terms)
    condition = _group({} if data is None else data, path, 1, reading)
    if reading.errors:
        raise ConditionError(reading.errors)
    return condition


def _group(data: object, path: str, depth: int, reading: _Reading) -> Condition:
    if not isinstance(data, Mapping):
        reading.append((path, SHAPE))
        return Condition()
    unknown = set(data) - {"all", "any", "not"}
    if unknown or ("all" in data and "any" in data):
        reading.append((path, SHAPE if unknown else "Use either all or any; put one inside the other."))
        return Condition()
    if depth > DEEPEST:
        reading.append((path, f"Nest conditions at most {DEEPEST} deep."))
        return Condition()
    name = "any" if "any" in data else "all"
    parts = _parts(data.get(name, []), f"{path}.{name}", depth, reading, needed=name == "any")
    excluded = _part(data["not"], f"{path}.not", depth + 1, reading) if data.get("not") is not None else None
    return Condition(parts, name == "any", excluded)


def _parts(
    items: object, path: str, depth: int, reading: _Reading, *, needed: bool
) -> tuple[Comparison | Condition, ...]:
    if not isinstance(items, list) or (needed and not items) or len(items) > 200:
        reading.append((path, f"Give a list of {1 if needed else 0} to 200 conditions."))
        return ()
    return tuple(_part(item, f"{path}.{n}", depth + 1, reading) for n, item in enumerate(items))


def _part(item: object, path: str, depth: int, reading: _Reading) -> Comparison | Condition:
    if isinstance(item, Mapping) and "field" in item:
        return _comparison(item, path, reading)
    return _group(item, path, depth, reading)


def _comparison(item: Mapping[str, Any], path: str, reading: _Reading) -> Comparison:
    name, op, value = item.get("field"), item.get("op"), item.get("value")
    terms = reading.terms
    wrong = problem(item, name, op, terms) or value_problem(str(name), str(op), value, terms)
    if wrong is not None:
        reading.append((f"{path}.{wrong[0]}" if wrong[0] else path, wrong[1]))
        return Comparison("country", "missing", None, None)
    value = typed(str(name), value)
    if op in MEMBER_OPS and any(_is_name(str(name), v) for v in _several(value)):
        return _membership(str(name), str(op), _several(value), terms.lists or {})
    return Comparison(str(name), str(op), tuple(value) if isinstance(value, list) else value, _folded(str(op), value))


def _several(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_name(field: str, value: object) -> bool:
    """Whether a value stands for others: a group of countries, or a list."""
    if not isinstance(value, str) or field in (*NUMBER, *INSTANT):
        return False
    return value.startswith(LIST) or (field == "country" and value.startswith(GROUP.upper()))


def _membership(name: str, op: str, values: list[Any], lists: Lists) -> Comparison:
    """A comparison with everything that groups and lists stand for: "is" a group means to be one of it."""
    found: set[Any] = set()
    for value in values:
        group = group_of(value) if name == "country" else None
        if group is not None:
            found |= group.countries
        elif isinstance(value, str) and value.startswith(LIST):
            found |= lists.get(value.removeprefix(LIST), frozenset())
        else:
            found.add(value)
    return Comparison(name, MEMBER_OPS[op], tuple(values), _folded("in", sorted(found, key=str)))


def _folded(op: str, value: Any) -> Any:
    if op in ("in", "not_in"):
        return frozenset(plain(item) for item in value)
    return tuple(plain(item) for item in value) if op == "between" else plain(value)

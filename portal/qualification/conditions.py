"""Conditions on a lead: parsed with a sentence for each mistake, compiled to a test, told in words. Pure.

1. A lead without the fact meets only ``missing``, ``ne`` and ``not_in``.
2. Text is compared without regard to case and outer space; ``prefix`` and ``between`` without any space.
3. ``between`` takes both ends; text compares with each end on as many characters as that end has, so that
   postcodes from 80 to 87 hold 87999.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pycountry

Facts = Mapping[str, object]
OPS = (
    "eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "between", "exists", "missing", "prefix", "contains",
)  # fmt: skip
TEXT = (
    "country", "region", "postcode", "city", "product", "source", "campaign", "company", "grade", "language",
    "message", "email_domain", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip
NUMBER = ("score", "employees", "budget")
INSTANT = ("received_at",)
FIELDS = (*TEXT, *NUMBER, *INSTANT)
TEXT_OPS = ("eq", "ne", "in", "not_in", "exists", "missing", "prefix", "contains")
ORDER_OPS = ("gt", "gte", "lt", "lte", "between")
GRADES = ("A", "B", "C", "D")
DEEPEST = 8
LONGEST_TEXT, LONGEST_NAME = 200, 64
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

    def matches(self, facts: Facts) -> bool:
        actual = facts.get(self.field)
        if actual is None:
            return self.op in ("missing", "ne", "not_in")
        return COMPARE[self.op](_plain(actual), self.folded)

    def sentence(self) -> str:
        name = self.field.removeprefix("custom.").replace("_", " ")
        if self.op in ("exists", "missing"):
            return f"{name} is {'given' if self.op == 'exists' else 'not given'}"
        if self.op == "between":
            return f"{name} is from {_say(self.value[0])} to {_say(self.value[1])}"
        shown = ", ".join(map(_say, self.value)) if isinstance(self.value, tuple) else _say(self.value)
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

    def sentence(self) -> str:
        """The condition in plain words."""
        joined = (" or " if self.any_ else "; ").join(_inner(part) for part in self.parts)
        without = f"not ({self.excluded.sentence()})" if self.excluded is not None else ""
        return "; ".join(filter(None, (joined, without))) or "Any lead"


def _inner(part: "Comparison | Condition") -> str:
    text = part.sentence()
    return f"({text})" if isinstance(part, Condition) and len(part.parts) > 1 else text


def _say(value: object) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)


def _plain(value: object) -> Any:
    """A fact or value as it is compared: text without case and outer space, several as a set or pair."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.strip().casefold() if isinstance(value, str) else value


def _tight(value: object) -> str:
    return str(value).replace(" ", "")


def _between(actual: Any, pair: Any) -> bool:
    """Both ends included; text is compared with each end on as many characters as it has."""
    low, high = pair
    if isinstance(low, str):
        text, low, high = _tight(actual), _tight(low), _tight(high)
        return bool(low <= text[: len(low)] and text[: len(high)] <= high)
    return bool(low <= actual <= high)


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
    "prefix": lambda actual, value: _tight(actual).startswith(_tight(value)),
    "contains": lambda actual, value: str(value) in str(actual),
}


def parse_condition(data: Mapping[str, Any] | None, path: str = "when") -> Condition:
    """A condition from ``{all|any: [...], not?}``; None, {} and an empty ``all`` take every lead.

    ``path`` is where it stands in what was sent. Raises ConditionError with every mistake at once.
    """
    errors: list[tuple[str, str]] = []
    condition = _group({} if data is None else data, path, 1, errors)
    if errors:
        raise ConditionError(errors)
    return condition


def _group(data: object, path: str, depth: int, errors: list[tuple[str, str]]) -> Condition:
    if not isinstance(data, Mapping):
        errors.append((path, SHAPE))
        return Condition()
    unknown = set(data) - {"all", "any", "not"}
    if unknown or ("all" in data and "any" in data):
        errors.append((path, SHAPE if unknown else "Use either all or any; put one inside the other."))
        return Condition()
    if depth > DEEPEST:
        errors.append((path, f"Nest conditions at most {DEEPEST} deep."))
        return Condition()
    name = "any" if "any" in data else "all"
    parts = _parts(data.get(name, []), f"{path}.{name}", depth, errors, needed=name == "any")
    excluded = _part(data["not"], f"{path}.not", depth + 1, errors) if data.get("not") is not None else None
    return Condition(parts, name == "any", excluded)


def _parts(
    items: object, path: str, depth: int, errors: list[tuple[str, str]], *, needed: bool
) -> tuple[Comparison | Condition, ...]:
    if not isinstance(items, list) or (needed and not items) or len(items) > 200:
        errors.append((path, f"Give a list of {1 if needed else 0} to 200 conditions."))
        return ()
    return tuple(_part(item, f"{path}.{n}", depth + 1, errors) for n, item in enumerate(items))


def _part(item: object, path: str, depth: int, errors: list[tuple[str, str]]) -> Comparison | Condition:
    if isinstance(item, Mapping) and "field" in item:
        return _comparison(item, path, errors)
    return _group(item, path, depth, errors)


def _comparison(item: Mapping[str, Any], path: str, errors: list[tuple[str, str]]) -> Comparison:
    name, op, value = item.get("field"), item.get("op"), item.get("value")
    problem = _problem(item, name, op) or _value_problem(str(name), str(op), value)
    if problem is not None:
        errors.append((f"{path}.{problem[0]}" if problem[0] else path, problem[1]))
        return Comparison("country", "missing", None, None)
    value = _typed(str(name), value)
    return Comparison(str(name), str(op), tuple(value) if isinstance(value, list) else value, _folded(str(op), value))


def _problem(item: Mapping[str, Any], name: object, op: object) -> tuple[str, str] | None:
    if set(item) - {"field", "op", "value"}:
        return "", "A condition has field, op and value, nothing else."
    if not isinstance(name, str) or not (name in FIELDS or _is_custom(name)):
        return "field", f"A lead has no field {name!r}. Use one of {', '.join(FIELDS)}, or custom.<name>."
    if op not in OPS:
        return "op", f"There is no comparison {op!r}. Use one of {', '.join(OPS)}."
    if name in TEXT and op not in TEXT_OPS and not (name == "postcode" and op == "between"):
        return "op", f"{name} is text: use one of {', '.join(TEXT_OPS)}."
    usable = set(OPS) - {"prefix", "contains"}
    if name in (*NUMBER, *INSTANT) and op not in usable:
        return "op", f"{name} is not text: use one of {', '.join(op for op in OPS if op in usable)}."
    return None


def _is_custom(name: str) -> bool:
    return name.startswith("custom.") and 0 < len(name.removeprefix("custom.")) <= LONGEST_NAME


def _value_problem(name: str, op: str, value: object) -> tuple[str, str] | None:
    if op in ("exists", "missing"):
        return None if value in (None, True) else ("value", f"{op} takes no value: leave it out.")
    if op in ("in", "not_in"):
        if not isinstance(value, list) or not value or len(value) > 5000:
            return "value", "Give a list of 1 to 5,000 values."
        return next((p for v in value if (p := _one_problem(name, v))), None)
    if op == "between":
        return _pair_problem(name, value)
    return _one_problem(name, value)


def _pair_problem(name: str, value: object) -> tuple[str, str] | None:
    if not isinstance(value, list) or len(value) != 2:
        return "value", "Give the two ends, the lower one first."
    problem = next((p for v in value if (p := _one_problem(name, v))), None)
    if problem is not None:
        return problem
    low, high = (_plain(_typed(name, v)) for v in value)
    if type(low) is not type(high) and not (_is_number(low) and _is_number(high)):
        return "value", "Give two ends of one kind."
    if isinstance(low, str):
        low, high = (_tight(end)[: min(len(_tight(low)), len(_tight(high)))] for end in (low, high))
    return ("value", "The lower end comes first.") if low > high else None


def _one_problem(name: str, value: object) -> tuple[str, str] | None:
    if name in NUMBER:
        return None if _is_number(value) else ("value", f"{name} is a number: give one.")
    if name in INSTANT:
        return None if _instant(value) else ("value", f"{name} is an instant: give one such as 2026-03-02T09:00:00Z.")
    if name.startswith("custom.") and not isinstance(value, str):
        usable = _is_number(value) or isinstance(value, bool)
        return None if usable else ("value", "Give a text, a number, true or false.")
    return _text_problem(name, value)


def _text_problem(name: str, value: object) -> tuple[str, str] | None:
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        return "value", f"{name} is text: give one."
    if len(value) > LONGEST_TEXT:
        return "value", f"Give at most {LONGEST_TEXT} characters."
    if name == "country" and pycountry.countries.get(alpha_2=value.strip().upper()) is None:
        return "value", f"There is no country {value!r}: give its two letters, such as DE."
    if name == "grade" and value.strip().upper() not in GRADES:
        return "value", f"A grade is one of {', '.join(GRADES)}."
    return None


def _is_number(value: object) -> bool:
    """A whole number, or another that is neither infinite nor no number at all."""
    return type(value) is int or (isinstance(value, float) and math.isfinite(value))


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _typed(name: str, value: Any) -> Any:
    """The value as the field's kind: instants parsed, countries and grades in capitals."""
    if isinstance(value, list):
        return [_typed(name, item) for item in value]
    if name in INSTANT:
        return _instant(value)
    return value.strip().upper() if name in ("country", "grade") and isinstance(value, str) else value


def _folded(op: str, value: Any) -> Any:
    if op in ("in", "not_in"):
        return frozenset(_plain(item) for item in value)
    return tuple(_plain(item) for item in value) if op == "between" else _plain(value)

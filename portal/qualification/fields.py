"""The fields that a condition can ask for and its comparisons; what is wrong with one or its value. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pycountry

from portal.qualification.country_groups import GROUPS, group_of
from portal.qualification.country_groups import PREFIX as GROUP

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
#: What is worked out about a lead when it is placed: only rules ask for it.
DERIVED = {"arrived": ("in_hours", "out_of_hours")}
LIST = "list:"
TEXT_OPS = ("eq", "ne", "in", "not_in", "exists", "missing", "prefix", "contains")
ORDER_OPS = ("gt", "gte", "lt", "lte", "between")
GRADES = ("A", "B", "C", "D")
DEEPEST = 8
LONGEST_TEXT, LONGEST_NAME = 200, 64
MEMBER_OPS = {"eq": "in", "ne": "not_in", "in": "in", "not_in": "not_in"}
Lists = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Terms:
    """What a condition may name beside a lead's own facts. ``lists``: by name; None where none may be named.

    ``lenient``: a list that is gone is read as an empty one, so that what was published once can still be read.
    """

    lists: Lists | None = None
    derived: bool = False
    lenient: bool = False


PLAIN = Terms()
#: To read what was checked before, such as a stored version of the rules, for its words or its fields.
READ = Terms(lists={}, derived=True, lenient=True)


def plain(value: object) -> Any:
    """A fact or value as it is compared: text without case and outer space, several as a set or pair."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.strip().casefold() if isinstance(value, str) else value


def tight(value: object) -> str:
    """A text without any space."""
    return str(value).replace(" ", "")


def problem(item: Mapping[str, Any], name: object, op: object, terms: Terms) -> tuple[str, str] | None:
    """What is wrong with the shape, the field or the comparison: (where, sentence)."""
    if set(item) - {"field", "op", "value"}:
        return "", "A condition has field, op and value, nothing else."
    if isinstance(name, str) and name in DERIVED and not terms.derived:
        return "field", f"Only allocation rules can ask for {name}: leave it out here."
    if not isinstance(name, str) or not (name in FIELDS or name in DERIVED or _is_custom(name)):
        fields = (*FIELDS, *(DERIVED if terms.derived else ()))
        return "field", f"A lead has no field {name!r}. Use one of {', '.join(fields)}, or custom.<name>."
    if op not in OPS:
        return "op", f"There is no comparison {op!r}. Use one of {', '.join(OPS)}."
    if name in TEXT and op not in TEXT_OPS and not (name == "postcode" and op == "between"):
        return "op", f"{name} is text: use one of {', '.join(TEXT_OPS)}."
    if name in DERIVED and op not in MEMBER_OPS:
        return "op", f"{name} is one of two: use one of {', '.join(MEMBER_OPS)}."
    usable = set(OPS) - {"prefix", "contains"}
    if name in (*NUMBER, *INSTANT) and op not in usable:
        return "op", f"{name} is not text: use one of {', '.join(op for op in OPS if op in usable)}."
    return None


def _is_custom(name: str) -> bool:
    return name.startswith("custom.") and 0 < len(name.removeprefix("custom.")) <= LONGEST_NAME


def value_problem(name: str, op: str, value: object, terms: Terms) -> tuple[str, str] | None:
    """What is wrong with the value: (where, sentence)."""
    if op in ("exists", "missing"):
        return None if value in (None, True) else ("value", f"{op} takes no value: leave it out.")
    if op in ("in", "not_in"):
        if not isinstance(value, list) or not value or len(value) > 5000:
            return "value", "Give a list of 1 to 5,000 values."
        return next((p for v in value if (p := _member_problem(name, v, terms))), None)
    if op == "between":
        return _pair_problem(name, value)
    return _member_problem(name, value, terms) if op in MEMBER_OPS else _one_problem(name, value)


def _member_problem(name: str, value: object, terms: Terms) -> tuple[str, str] | None:
    """A value, a group of countries, or a list."""
    if name in (*NUMBER, *INSTANT) or not isinstance(value, str):
        return _one_problem(name, value)
    text = value.strip()
    if text.startswith(LIST):
        return _list_problem(text.removeprefix(LIST), terms)
    if name == "country" and text.casefold().startswith(GROUP) and group_of(text) is None:
        return "value", f"There is no group of countries {text!r}. Use one of {', '.join(GROUP + g for g in GROUPS)}."
    if name == "country" and group_of(text) is not None:
        return None
    return _one_problem(name, value)


def _list_problem(name: str, terms: Terms) -> tuple[str, str] | None:
    if terms.lists is None:
        return "value", "Lists can be named in allocation rules only: give the values themselves."
    if name in terms.lists or terms.lenient:
        return None
    known = f" Use one of {', '.join(sorted(terms.lists))}." if terms.lists else ""
    return "value", f"There is no list {name!r}: make it first.{known}"


def _pair_problem(name: str, value: object) -> tuple[str, str] | None:
    if not isinstance(value, list) or len(value) != 2:
        return "value", "Give the two ends, the lower one first."
    problem = next((p for v in value if (p := _one_problem(name, v))), None)
    if problem is not None:
        return problem
    low, high = (plain(typed(name, v)) for v in value)
    if type(low) is not type(high) and not (_is_number(low) and _is_number(high)):
        return "value", "Give two ends of one kind."
    if isinstance(low, str):
        low, high = (tight(end)[: min(len(tight(low)), len(tight(high)))] for end in (low, high))
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
    if name in DERIVED and value.strip() not in DERIVED[name]:
        return "value", f"{name} is one of {', '.join(DERIVED[name])}."
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


def typed(name: str, value: Any) -> Any:
    """The value as the field's kind: instants parsed, countries and grades in capitals."""
    if isinstance(value, list):
        return [typed(name, item) for item in value]
    if name in INSTANT:
        return _instant(value)
    if isinstance(value, str) and value.strip().startswith(LIST):
        return value.strip()
    return value.strip().upper() if name in ("country", "grade") and isinstance(value, str) else value

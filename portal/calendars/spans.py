"""Durations as a policy writes them: a value, a unit, and the clock that counts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from portal.calendars.errors import CalendarError

LONGEST = 10_000
KEYS = ("value", "unit", "clock")


class Unit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


class Clock(StrEnum):
    """``business`` counts open time or open days of a calendar, ``calendar`` what elapses or local days."""

    BUSINESS = "business"
    CALENDAR = "calendar"


Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class Span:
    """A duration, such as 2 business days."""

    value: int
    unit: Unit
    clock: Clock

    @property
    def elapsed(self) -> timedelta:
        """Minutes and hours as a length of time. Days have none: ValueError."""
        if self.unit is Unit.DAYS:
            raise ValueError("A number of days is not a length of time.")
        return timedelta(minutes=self.value) if self.unit is Unit.MINUTES else timedelta(hours=self.value)

    def as_mapping(self) -> dict[str, object]:
        """The shape that ``parse_span`` reads."""
        return {"value": self.value, "unit": self.unit.value, "clock": self.clock.value}

    def __str__(self) -> str:
        word = self.unit.value if self.value != 1 else self.unit.value[:-1]
        return f"{self.value} {'business ' if self.clock is Clock.BUSINESS else ''}{word}"


def parse_span(data: object, field: str) -> Span:
    """``{value, unit, clock}`` as a Span; ``field`` is its dotted path in what was sent.

    Raises CalendarError with the path and a sentence: not an object, a key unknown or missing,
    a value that is not a whole number from 1 to 10,000, a unit or clock that does not exist.
    """
    if not isinstance(data, Mapping):
        raise CalendarError(field, "Give an object with value, unit and clock, such as 2, days, business.")
    for key in data:
        if key not in KEYS:
            raise CalendarError(f"{field}.{key}", "A duration has value, unit and clock, nothing else.")
    return Span(
        _value(data.get("value"), f"{field}.value"),
        parse_choice(Unit, data.get("unit"), f"{field}.unit"),
        parse_choice(Clock, data.get("clock"), f"{field}.clock"),
    )


def _value(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST:
        raise CalendarError(field, f"Give a whole number from 1 to {LONGEST:,}.")
    return value


def parse_choice(choices: type[Choice], value: object, field: str) -> Choice:
    """One word of an enumeration. Raises CalendarError that names them all."""
    if isinstance(value, str) and value in set(choices):
        return choices(value)
    *most, last = list(choices)
    raise CalendarError(field, f"Give {', '.join(most)} or {last}.")

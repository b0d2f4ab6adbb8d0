"""Reading a document's fields one by one and keeping every complaint, so that all are told at once."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from portal.calendars.errors import CalendarError
from portal.calendars.spans import Choice, Span, parse_choice, parse_span

Number = int | float


class Complaints:
    """(dotted field, sentence) for everything that cannot be used."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def add(self, field: str, sentence: str) -> None:
        self.errors.append((field, sentence))


class Fields:
    """One object of a document. Each reader gives the field's value, or its default after a complaint.

    ``path`` is the object's dotted path, empty for the document itself. Where something that is no object was
    sent, that is the complaint and every field reads as left out.
    """

    def __init__(self, data: object, path: str, known: Collection[str], complaints: Complaints) -> None:
        self.path = path
        self.complaints = complaints
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        if not isinstance(data, Mapping):
            self.complain("", f"Give an object with {', '.join(known)}.")
        for key in self.data:
            if key not in known:
                self.complain(str(key), f"Unknown field; here are {', '.join(known)}.")

    def at(self, name: str) -> str:
        """The dotted path of a field."""
        return ".".join(part for part in (self.path, name) if part)

    def complain(self, name: str, sentence: str) -> None:
        self.complaints.add(self.at(name), sentence)

    def has(self, name: str) -> bool:
        """Whether the field was sent, be it as null."""
        return name in self.data

    def get(self, name: str) -> Any:
        return self.data.get(name)

    def inner(self, name: str, known: Collection[str]) -> "Fields":
        """An object within; left out, all of its fields are."""
        return Fields(self.data.get(name, {}), self.at(name), known, self.complaints)

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.complain(name, f"Give a whole number from {low:,} to {high:,}.")
            return default
        return value

    def number(self, name: str, low: Number, high: Number, default: Number) -> Number:
        """A finite number from ``low`` to ``high``."""
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.complain(name, f"Give a number from {low:,} to {high:,}.")
            return default
        if not low <= value <= high:
            self.complain(name, f"Give a number from {low:,} to {high:,}.")
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.data.get(name, default)
        if not isinstance(value, bool):
            self.complain(name, "Give true or false.")
            return default
        return value

    def span(self, name: str, default: Span | None = None) -> Span | None:
        """A duration; left out: ``default``; null: None."""
        if not self.has(name):
            return default
        if self.get(name) is None:
            return None
        try:
            return parse_span(self.get(name), self.at(name))
        except CalendarError as error:
            self.complaints.add(error.field, error.message)
            return None

    def choice(self, name: str, choices: type[Choice]) -> Choice | None:
        """One word of an enumeration; None after a complaint."""
        try:
            return parse_choice(choices, self.get(name), self.at(name))
        except CalendarError as error:
            self.complaints.add(error.field, error.message)
            return None

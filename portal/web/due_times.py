"""Due times explained: for a start, a calendar and a policy, what is due when and which hours were counted.

Shared by the vendor's page, which asks for any partner that the visitor may see, and the partner's own.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, Form, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Optional, ValidationError

from portal.calendars.describe import absolute
from portal.calendars.errors import CalendarError
from portal.calendars.hours import DAY_NAMES, Calendar
from portal.calendars.policy import is_open, next_opening, open_between
from portal.deadlines import example
from portal.deadlines.difference import subject_of
from portal.deadlines.document import PolicyDocument
from portal.deadlines.example import Example
from portal.web.clockwork import FORMATS, Clockwork, friday, place_name, told

LONGEST = 366
YEARS = (1990, 2200)


class DueTimesForm(Form):
    """What is asked; it comes from the address, so that an answer can be sent on."""

    start = DateTimeLocalField("Start", [Optional()], format=FORMATS)
    end = DateTimeLocalField("End, for the time between", [Optional()], format=FORMATS)
    calendar = SelectField("Whose hours", validate_choice=False, default="")
    zone = SelectField("Times in", validate_choice=False, default="")
    policy = SelectField("Policy", validate_choice=False, default="")

    def validate_start(self, field: Any) -> None:
        _within_years(field)

    def validate_end(self, field: Any) -> None:
        _within_years(field)
        if field.data and self.start.data and not 0 <= (field.data - self.start.data).days <= LONGEST:
            raise ValidationError(f"Give an end after the start, at most {LONGEST} days on.")


def _within_years(field: Any) -> None:
    if field.data is not None and not YEARS[0] <= field.data.year <= YEARS[1]:
        field.data = None
        raise ValidationError(f"Give a year from {YEARS[0]} to {YEARS[1]}.")


def choices(pairs: Sequence[tuple[str, str]]) -> list[SelectChoice]:
    """(value, label) pairs as choices."""
    return [SelectChoice(value, label) for value, label in pairs]


def explained(form: DueTimesForm, document: PolicyDocument, clocks: Clockwork) -> dict[str, Any]:
    """What the page shows for what was asked."""
    asked = form.validate()
    place = ZoneInfo(clocks.zone)
    start = form.start.data.replace(tzinfo=place).astimezone(UTC) if form.start.data else friday(clocks.zone)
    typed, form.start.data = form.start.data, start.astimezone(place).replace(tzinfo=None)
    year = start.astimezone(place).year
    return {
        "start": absolute(start, clocks.zone, year),
        "skipped": _skipped(typed, form.start.data),
        "opens": _opens(clocks, start, year),
        "whose": clocks.whose,
        "zone": clocks.zone_at(start),
        "own_zone": place_name(clocks.calendar.timezone),
        "week": week(clocks.calendar),
        "items": [_item(each, clocks, year) for each in example.worked_out(document, clocks.calendar, start)],
        "between": _between(form.end.data, clocks, start, year) if asked and form.end.data else None,
    }


def _skipped(typed: datetime | None, shown: datetime) -> str:
    """A start that the zone's clocks never show."""
    if typed is None or typed == shown:
        return ""
    return f"{typed:%H:%M} does not exist on that day: clocks go forward over it. It counts as {shown:%H:%M}."


def _opens(clocks: Clockwork, start: datetime, year: int) -> str:
    if is_open(clocks.calendar, start):
        return "Open then."
    try:
        return f"Closed then; opens {absolute(next_opening(clocks.calendar, start), clocks.zone, year)}."
    except CalendarError:
        return "Closed then, and for 400 days on."


def _item(found: Example, clocks: Clockwork, year: int) -> dict[str, Any]:
    lines = example.day_lines(clocks.calendar, found.stretch, found.entry.within, year) if found.stretch else []
    return {
        "subject": subject_of(found.entry),
        "within": str(found.entry.within),
        "due": absolute(found.due.due_at, clocks.zone, year) if found.due else None,
        **told(found, clocks),
        "days": lines,
        "left_out": found.stretch.left_out if found.stretch else 0,
    }


def _between(typed: datetime, clocks: Clockwork, start: datetime, year: int) -> dict[str, Any]:
    end = typed.replace(tzinfo=ZoneInfo(clocks.zone)).astimezone(UTC)
    found = example.stretch(clocks.calendar, start, end)
    open_time, elapsed = open_between(clocks.calendar, start, end), end - start
    return {
        "sentence": f"From {absolute(start, clocks.zone, year)} to {absolute(end, clocks.zone, year)}: "
        f"{example.length(open_time)} open, {example.length(elapsed)} by the clock.",
        "days": example.day_lines(clocks.calendar, found, None, year),
        "left_out": found.left_out,
    }


def week(calendar: Calendar) -> list[tuple[str, str]]:
    """Opening hours by day of the week."""
    return [
        (name, ", ".join(f"{_time(opens)}-{_time(closes)}" for opens, closes in hours) or "Closed")
        for name, hours in zip(DAY_NAMES, calendar.week, strict=True)
    ]


def _time(minutes: int) -> str:
    wrapped = minutes if minutes <= 24 * 60 else minutes - 24 * 60
    return f"{wrapped // 60:02}:{wrapped % 60:02}"

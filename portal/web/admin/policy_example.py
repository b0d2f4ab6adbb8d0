"""The worked example beside a policy's form: a chosen start, calendar and zone, and a record on the ladder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, Form, IntegerField, SelectField
from wtforms.validators import NumberRange, Optional

from portal.compliance import example as ladder_example
from portal.compliance.example import Record
from portal.compliance.facts import Ladder
from portal.deadlines import example
from portal.deadlines.document import DEFAULT_POLICY, PolicyDocument, PolicyError, parse_policy
from portal.web.clockwork import FORMATS, Clockwork, calendars, clockwork, start_of, told, zones

MOST = ladder_example.MOST
COUNT = f"Give a whole number from 0 to {MOST:,}."
RESPOND = DEFAULT_POLICY["obligations"][0]


def count(label: str, default: int) -> IntegerField:
    """How many; nothing typed means the default."""
    return IntegerField(label, [Optional(), NumberRange(0, MOST, COUNT)], default=default)


class ExampleForm(Form):
    """From when, by whose calendar, shown in which zone; and a record for the ladder."""

    start = DateTimeLocalField("Start", [Optional()], format=FORMATS)
    calendar = SelectField("Whose hours", choices=calendars, validate_choice=False, default="")
    zone = SelectField("Times in", choices=zones, validate_choice=False, default="")
    due = count("Due", 10)
    missed = count("Missed", 2)
    overdue = count("Overdue", 0)
    in_a_row = count("In a row", 0)

    def record(self) -> Record:
        """The record, made to fit: no more missed than due, no more overdue or in a row than missed."""
        due, missed, overdue, row = (
            min(max(field.data or 0, 0), MOST) for field in (self.due, self.missed, self.overdue, self.in_a_row)
        )
        missed = min(missed, due)
        return Record(due, missed, min(overdue, missed), missed if missed == due else min(row, missed))


def shown(form: ExampleForm, entries: Sequence[Mapping[str, Any] | None], ladder: Any, grace: Any) -> dict[str, Any]:
    """What the example says of the deadlines as typed; one that cannot be used yet says so in its place."""
    clocks = clockwork(form.calendar.data, form.zone.data)
    start = start_of(form.start.data, clocks.zone)
    if form.start.data is None:
        form.start.data = start.astimezone(ZoneInfo(clocks.zone)).replace(tzinfo=None)
    return {
        "lines": [_line(body, grace, clocks, start) for body in entries],
        "ladder": _ladder(form.record(), ladder),
        "whose": clocks.whose,
        "zone": clocks.zone_at(start),
    }


def _line(body: Mapping[str, Any] | None, grace: Any, clocks: Clockwork, start: datetime) -> dict[str, Any]:
    document = _nearest(body, grace) if body else None
    if document is None:
        return {"sentence": "Not to be worked out yet: something in it is missing.", "why": [], "usable": False}
    found = example.worked_out(document, clocks.calendar, start)[0]
    return {**told(found, clocks), "usable": True}


def _nearest(body: Mapping[str, Any], grace: Any) -> PolicyDocument | None:
    """A policy with this deadline alone; without its warning, or its grace, where only they cannot be used yet."""
    tries: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
        ({}, {"grace_minutes": grace}),
        ({}, {}),
        ({"warn_before": None}, {}),
    )
    found = (usable({"obligations": [{**body, **instead}, RESPOND], **more}) for instead, more in tries)
    return next((document for document in found if document is not None), None)


def usable(body: Mapping[str, Any]) -> PolicyDocument | None:
    """The document, None where it cannot be used."""
    try:
        return parse_policy(body)
    except PolicyError:
        return None


def _ladder(record: Record, ladder: Any) -> list[str]:
    document = usable({"obligations": [RESPOND], "ladder": ladder})
    if document is None:
        return ["Not to be worked out yet: something in the ladder is missing."]
    rules = Ladder.from_mapping(document.ladder)
    return [ladder_example.sentence(rules, record), misses(rules, record.due)]


def misses(ladder: Ladder, due: int) -> str:
    """ "Of 10 due, by the number of misses alone: Warned from 2, Reduced from 3, Stopped from 5." """
    found = [(rung.label, missed) for rung, missed in ladder_example.by_misses(ladder, due) if missed is not None]
    if not found:
        return f"Of {due} due no number of misses counts: the rate counts from {ladder.minimum_sample} due on."
    steps = ", ".join(f"{label} from {missed}" for label, missed in found)
    return f"Of {due} due, by the number of misses alone: {steps}."

"""Whether a lead arrived while the vendor was open: a fact that rules may ask for, by the vendor's own calendar."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.calendars.hours import Calendar, calendar_from_json
from portal.calendars.policy import is_open

FIELD = "arrived"
HOURS = ("timezone", "country", "opening_hours", "holidays", "closures")


def vendor_calendar(vendor: Mapping[str, Any]) -> Calendar:
    """The vendor's hours as ``Live.vendor`` keeps them; unsaid: UTC, Monday to Friday 09:00-17:00, no holidays."""
    hours = {"timezone": "UTC", "holidays": None, **{name: vendor[name] for name in HOURS if name in vendor}}
    return calendar_from_json(json.dumps(hours, sort_keys=True))


def with_arrival(values: dict[str, object], calendar: Calendar, received_at: datetime) -> dict[str, object]:
    """A lead's facts and when it arrived: ``in_hours`` or ``out_of_hours``."""
    return {**values, FIELD: "in_hours" if is_open(calendar, received_at) else "out_of_hours"}

"""The canonical text of a calendar, which caches parsed calendars across rows (pure)."""

import json
from collections.abc import Mapping
from typing import Any


def calendar_text(timezone: str, country: str, hours: Mapping[str, Any]) -> str:
    """JSON with sorted keys of what ``portal.calendars.policy.parse_calendar`` takes."""
    return json.dumps({"timezone": timezone, "country": country, **hours}, sort_keys=True)

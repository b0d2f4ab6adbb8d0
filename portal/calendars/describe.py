"""Instants in the reader's words: relative, and exact with the zone named."""

from datetime import date, datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

# Not strftime: its names follow the machine's locale.
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Described(TypedDict):
    relative: str
    exact: str


def describe_instant(at: datetime, zone: str, now: datetime, past: str = "late") -> Described:
    """``{"relative": "in 3 h", "exact": "today 17:00 CET"}`` for a reader in ``zone`` (IANA name).

    ``past`` is the word after what is over: "late" for a due time, "ago" for an event.
    """
    return {"relative": relative(at, now, past), "exact": exact(at, zone, now)}


def relative(at: datetime, now: datetime, past: str = "late") -> str:
    """How far off: "in 55 min", "in 3 h", "in 2 days", "4 h late". Rounded down: the safer side.

    Within a minute either way: "now".
    """
    length = _length(abs(at - now))
    if length is None:
        return "now"
    return f"in {length}" if at > now else f"{length} {past}"


def exact(at: datetime, zone: str, now: datetime) -> str:
    """When: "today 17:00 CET", "tomorrow 11:20 CET", "Fri 6 Mar 17:00 CET"; the year where not this one."""
    place = ZoneInfo(zone)
    local, today = at.astimezone(place), now.astimezone(place).date()
    return f"{_day(local, (local.date() - today).days, today.year)} {local:%H:%M} {zone_name(local)}"


def absolute(at: datetime, zone: str, year: int) -> str:
    """When, whatever today is: "Fri 6 Mar 17:00 CET"; the year where it is not ``year``."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{day_name(local, year)} {local:%H:%M} {zone_name(local)}"


def day_name(day: date, year: int) -> str:
    """ "Fri 6 Mar"; "Fri 6 Mar 2027" where the year is not ``year``."""
    told = "" if day.year == year else f" {day.year}"
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}{told}"


def zone_name(local: datetime) -> str:
    """The abbreviation in use at ``local`` (aware), "UTC+4" where the zone has none."""
    name = local.tzname() or "UTC"
    if name[0] not in "+-":
        return name
    hours, minutes = int(name[1:3]), name[3:5]
    return f"UTC{name[0]}{hours}" + (f":{minutes}" if minutes not in ("", "00") else "")


def _length(elapsed: timedelta) -> str | None:
    minutes = elapsed // timedelta(minutes=1)
    if minutes < 1:
        return None
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h"
    days = minutes // (24 * 60)
    return "1 day" if days == 1 else f"{days} days"


def _day(local: datetime, ahead: int, this_year: int) -> str:
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    return day_name(local, this_year)

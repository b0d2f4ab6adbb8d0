"""A partner's hours as sent: parsed, checked, and kept as a frozen Calendar."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from portal.calendars import public_holidays
from portal.calendars.errors import CalendarError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = 24 * 60
WEEK = 7 * DAY
OFFICE = (9 * 60, 17 * 60)
KEYS = ("timezone", "country", "opening_hours", "holidays", "closures")
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24):(00)")

Minutes = tuple[int, int]


@dataclass(frozen=True)
class Closure:
    """Whole local days on which a partner is away, both ends included."""

    first: date
    last: date
    note: str | None = None


@dataclass(frozen=True)
class DayOff:
    """A day on which the vendor is closed, for every partner as its own clocks show it."""

    day: date
    name: str


@dataclass(frozen=True)
class Calendar:
    """A zone and when it is open.

    ``week``: for each day from Monday, its intervals in order as (opens, closes), in minutes after that day's
    local midnight; ``closes`` is above 1,440 where an interval runs past midnight.
    ``holiday_country`` None: no public holidays are observed.
    """

    timezone: str
    week: tuple[tuple[Minutes, ...], ...]
    holiday_country: str | None = None
    holiday_subdivision: str | None = None
    closures: tuple[Closure, ...] = ()
    #: The vendor's; no closures of the partner's own, so leads are offered on them as on any other day.
    days_off: tuple[DayOff, ...] = ()
    #: Open intervals by local day, filled as they are asked for (portal.calendars.policy).
    days: dict[int, tuple[tuple[datetime, datetime], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@lru_cache(maxsize=4096)
def calendar_from_json(text: str) -> Calendar:
    """``parse_calendar`` of JSON, kept: the same text gives the same object. Raises CalendarError."""
    return parse_calendar(json.loads(text))


@lru_cache(maxsize=4096)
def calendar_with(text: str, days_off: tuple[DayOff, ...]) -> Calendar:
    """``calendar_from_json`` that also leaves out the vendor's days off, kept likewise. Raises CalendarError."""
    plain = calendar_from_json(text)
    return replace(plain, days_off=days_off) if days_off else plain


def parse_calendar(data: Mapping[str, Any]) -> Calendar:
    """Hours as the API takes them: ``{timezone, country, opening_hours?, holidays?, closures?}``.

    1. ``opening_hours`` left out: Monday to Friday 09:00-17:00. A day left out of it is closed.
    2. ``holidays`` left out: those of ``country``, none where they are not known here; null: none.
    3. ``closures`` left out: none.
    Raises CalendarError (dotted field, sentence) at the first thing that cannot be used.
    """
    for key in data:
        if key not in KEYS:
            raise CalendarError(str(key), f"Hours have {', '.join(KEYS[:-1])} and {KEYS[-1]}, nothing else.")
    country, subdivision = _holidays(data)
    return Calendar(
        timezone=_timezone(data.get("timezone")),
        week=_week(data.get("opening_hours")),
        holiday_country=country,
        holiday_subdivision=subdivision,
        closures=_closures(data.get("closures")),
    )


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(value: object) -> str:
    if not isinstance(value, str) or value not in _zones():
        raise CalendarError("timezone", "Give a time zone by its IANA name, such as Europe/Berlin.")
    return value


def _week(data: object) -> tuple[tuple[Minutes, ...], ...]:
    if data is None:
        return ((OFFICE,),) * 5 + ((),) * 2
    if not isinstance(data, Mapping):
        raise CalendarError("opening_hours", "Give the days mon to sun, each with its list of intervals.")
    for key in data:
        if key not in DAYS:
            raise CalendarError(f"opening_hours.{key}", f"Days are {', '.join(DAYS)}.")
    week = tuple(tuple(sorted(_day(data.get(day, ()), f"opening_hours.{day}"))) for day in DAYS)
    if not any(week):
        raise CalendarError("opening_hours", "No deadline can be counted in a week without openings.")
    _refuse_overlap(week)
    return week


def _day(data: object, path: str) -> Iterator[Minutes]:
    if not isinstance(data, list | tuple):
        raise CalendarError(path, 'Give a list of intervals, such as [["09:00", "17:00"]], or [] for closed.')
    for number, interval in enumerate(data):
        if not isinstance(interval, list | tuple) or len(interval) != 2:
            raise CalendarError(f"{path}.{number}", 'Give opening and closing, such as ["09:00", "17:00"].')
        opens, closes = _time(interval[0], f"{path}.{number}.0"), _time(interval[1], f"{path}.{number}.1")
        if opens == DAY:
            raise CalendarError(f"{path}.{number}.0", "Nothing opens at 24:00; use 00:00 of the next day.")
        yield opens, closes if closes > opens else closes + DAY


def _time(value: object, path: str) -> int:
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise CalendarError(path, "Write times as HH:MM from 00:00 to 24:00, such as 09:00.")
    return int(match[1] or match[3]) * 60 + int(match[2] or match[4])


def _refuse_overlap(week: tuple[tuple[Minutes, ...], ...]) -> None:
    """Touching is fine; the last night of the week runs into its first morning."""
    spans = [(day * DAY + a, day * DAY + b, day) for day, intervals in enumerate(week) for a, b in intervals]
    first = spans[0]
    following = [*spans[1:], (first[0] + WEEK, first[1] + WEEK, first[2])]
    for (_, closes, day), (opens, _, other) in zip(spans, following, strict=True):
        if closes > opens:
            both = DAY_NAMES[day] if day == other else f"{DAY_NAMES[day]} and {DAY_NAMES[other]}"
            raise CalendarError(f"opening_hours.{DAYS[other]}", f"Intervals of {both} overlap; join them.")


def _holidays(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    if "holidays" not in data:
        country = data.get("country")
        return (country if isinstance(country, str) and public_holidays.is_known(country) else None), None
    chosen = data["holidays"]
    if chosen is None:
        return None, None
    if not isinstance(chosen, Mapping) or not {"country"} <= set(chosen) <= {"country", "subdivision"}:
        raise CalendarError("holidays", "Give a country and, where needed, a subdivision; or null for none.")
    return _holiday_country(chosen["country"]), _subdivision(chosen["country"], chosen.get("subdivision"))


def _holiday_country(value: object) -> str:
    if not isinstance(value, str) or not public_holidays.is_known(value):
        raise CalendarError("holidays.country", "No holidays are known there; give two letters, such as DE.")
    return value


def _subdivision(country: str, value: object) -> str | None:
    codes = public_holidays.subdivisions(country)
    if value is None or (isinstance(value, str) and value in codes):
        return value
    known = f"{country} has {', '.join(codes)}." if codes else f"{country} has none; leave it out."
    raise CalendarError("holidays.subdivision", f"No public holidays are known for that part; {known}")


def _closures(data: object) -> tuple[Closure, ...]:
    if data is None:
        return ()
    if not isinstance(data, list | tuple):
        raise CalendarError("closures", "Give a list of closures, each with from and to.")
    closures = (_closure(item, f"closures.{number}") for number, item in enumerate(data))
    return tuple(sorted(closures, key=lambda c: (c.first, c.last, c.note or "")))


def _closure(data: object, path: str) -> Closure:
    if not isinstance(data, Mapping) or not {"from", "to"} <= set(data) <= {"from", "to", "note"}:
        raise CalendarError(path, "A closure has from, to and, if you like, a note.")
    first, last, note = _date(data["from"], f"{path}.from"), _date(data["to"], f"{path}.to"), data.get("note")
    if last < first:
        raise CalendarError(f"{path}.to", "A closure ends on the day it starts or later.")
    if note is not None and not isinstance(note, str):
        raise CalendarError(f"{path}.note", "A note is text.")
    return Closure(first, last, note or None)


def _date(value: object, path: str) -> date:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise CalendarError(path, "Write days as YYYY-MM-DD, such as 2026-12-24.")

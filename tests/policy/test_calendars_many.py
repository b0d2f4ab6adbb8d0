"""Ten thousand random calendars and starts against two others: a minute stepper, and an opening-hours library.

The stepper walks every minute of a window by what the zone's clocks show, kept as bits of one number so that many
calendars can be walked; it knows nothing of intervals mapped to UTC. The library is a parser of OpenStreetMap hours.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

import holidays
import opening_hours
import pytest

from portal.calendars.days import days_between
from portal.calendars.hours import DAYS
from portal.calendars.policy import (
    Calendar,
    Clock,
    Span,
    Unit,
    add_span,
    is_open,
    open_between,
    parse_calendar,
    subtract_span,
)

CASES, PARTS = 10_000, 10
MINUTE, DAY = timedelta(minutes=1), 1440
#: Clocks change at 02:00, at midnight either way, and by half an hour only; in Kolkata never.
ZONES = {"Europe/Berlin": "DE", "America/Havana": "US", "America/Santiago": "CL", "Australia/Lord_Howe": "AU",
         "Asia/Kolkata": "IN"}  # fmt: skip
#: Changes in both directions north and south, the end of a year, a leap day.
WINDOWS = (date(2026, 3, 1), date(2026, 3, 20), date(2026, 10, 10), date(2026, 12, 10), date(2028, 2, 12))
LENGTH = 40

Week = dict[str, list[list[str]]]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def random_week(random: Random, overnight: bool = True) -> Week:
    """Round the clock, split days, short days, nights; at least one opening, none that overlap."""
    if random.random() < 0.05:
        return {day: [["00:00", "24:00"]] for day in DAYS}
    week: Week = {}
    for day in DAYS:
        cuts = sorted(random.sample(range(25, 95), 2 * random.choice((0, 1, 1, 2, 3))))
        week[day] = [[clock(15 * a), clock(15 * b)] for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        if overnight and random.random() < 0.25:
            latest = max((hours[1] for hours in week[day]), default="00:00")
            week[day].append([max(latest, "22:15"), clock(15 * random.randrange(0, 25))])
    return week if any(week.values()) else random_week(random, overnight)


@dataclass(frozen=True)
class Case:
    """A calendar as it is sent, the days that it is closed, and a start; all from one seed."""

    zone: str
    first: date
    week: Week
    observed: bool
    closures: tuple[tuple[date, date], ...]
    start: datetime
    minutes: int
    days: int

    @property
    def calendar(self) -> Calendar:
        closures = [{"from": a.isoformat(), "to": b.isoformat()} for a, b in self.closures]
        country = ZONES[self.zone]
        return parse_calendar(
            {"timezone": self.zone, "country": country, "opening_hours": self.week, "closures": closures}
            | ({} if self.observed else {"holidays": None})
        )

    @property
    def closed(self) -> set[date]:
        """Every day without openings, from the holidays as their wheel gives them day by day."""
        away = {a + timedelta(days=n) for a, b in self.closures for n in range((b - a).days + 1)}
        return away | (public(ZONES[self.zone]) if self.observed else set())


@cache
def public(country: str) -> set[date]:
    return set(holidays.country_holidays(country, years=(2026, 2027, 2028)))


def cases(seed: int, count: int) -> list[Case]:
    random = Random(seed)
    return [_case(random) for _ in range(count)]


def _case(random: Random) -> Case:
    first = random.choice(WINDOWS)
    starts = [first + timedelta(days=random.randrange(LENGTH)) for _ in range(random.choice((0, 0, 1, 3)))]
    closures = tuple((day, day + timedelta(days=random.choice((0, 0, 1, 4)))) for day in starts)
    start = datetime.combine(first, time(), UTC) + random.randrange(10 * DAY, 30 * DAY) * MINUTE
    return Case(
        random.choice(list(ZONES)), first, random_week(random), random.random() < 0.5, closures, start,
        random.randint(1, 3000), random.randint(1, 6),
    )  # fmt: skip


@cache
def shown(zone: str, first: date) -> "array[int]":
    """For each UTC minute of a window the latest that the zone's clocks have shown, in minutes after ``first``."""
    place, begin = ZoneInfo(zone), datetime.combine(first, time(), UTC) - timedelta(days=1)
    midnight = datetime.combine(first, time())
    walls = ((begin + n * MINUTE).astimezone(place).replace(tzinfo=None) for n in range((LENGTH + 2) * DAY))
    return array("q", accumulate(((wall - midnight) // MINUTE for wall in walls), max))


class Stepper:
    """A window minute by minute: one bit for each that is open, and the minutes of each day's openings."""

    def __init__(self, case: Case) -> None:
        self.origin = datetime.combine(case.first, time(), UTC) - timedelta(days=1)
        clocks, closed = shown(case.zone, case.first), case.closed
        self.bits, self.openings = 0, []
        for number in range(LENGTH):
            day = case.first + timedelta(days=number)
            for opens, closes in case.week[DAYS[day.weekday()]] if day not in closed else []:
                at, until = (number * DAY + _minutes(text) for text in (opens, closes))
                low, high = (bisect_left(clocks, wall) for wall in (at, until + (DAY if until <= at else 0)))
                if low < high:
                    self.bits |= ((1 << (high - low)) - 1) << low
                    self.openings.append((number, low, high))

    def index(self, at: datetime) -> int:
        return (at - self.origin) // MINUTE

    def instant(self, index: int) -> datetime:
        return self.origin + index * MINUTE

    def counted(self, low: int, high: int) -> int:
        """How many of the minutes from ``low`` to before ``high`` are open."""
        return ((self.bits >> low) & ((1 << max(high - low, 0)) - 1)).bit_count()

    def after(self, start: int, minutes: int) -> datetime | None:
        """When that many open minutes have gone by."""
        end = bisect_left(range((LENGTH + 2) * DAY), minutes, lo=start, key=lambda to: self.counted(start, to))
        return self.instant(end) if self.counted(start, end) == minutes else None

    def before(self, end: int, minutes: int) -> datetime | None:
        """From when on that many open minutes go by until ``end``."""
        back = bisect_left(range(end + 1), minutes, key=lambda by: self.counted(end - by, end))
        return self.instant(end - back) if back <= end else None

    def days_after(self, start: int, days: int) -> datetime | None:
        ahead = [(day, high) for day, _, high in self.openings if high > start]
        later = sorted({day for day, _ in ahead if day > ahead[0][0]}) if ahead else []
        return self.instant(max(h for day, h in ahead if day == later[days - 1])) if len(later) >= days else None

    def days_before(self, end: int, days: int) -> datetime | None:
        behind = [(day, low) for day, low, _ in self.openings if low < end]
        earlier = sorted({day for day, _ in behind if day < behind[-1][0]}, reverse=True) if behind else []
        return self.instant(min(lo for d, lo in behind if d == earlier[days - 1])) if len(earlier) >= days else None


@cache
def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_calendars_agree_with_the_stepper(part: int) -> None:
    """Added, counted back and between; where the stepper's window ends before the answer the case is not counted."""
    told = 0
    for case in cases(seed=part, count=CASES // PARTS):
        step, calendar, start = Stepper(case), case.calendar, case.start
        at = step.index(start)
        minutes, days = (Span(case.minutes, Unit.MINUTES, Clock.BUSINESS), Span(case.days, Unit.DAYS, Clock.BUSINESS))
        answers = (
            (step.after(at, case.minutes), add_span, minutes),
            (step.before(at, case.minutes), subtract_span, minutes),
            (step.days_after(at, case.days), add_span, days),
            (step.days_before(at, case.days), subtract_span, days),
        )
        for stepped, count, span in answers:
            if stepped is not None and _well_inside(case, stepped):
                told += 1
                assert count(calendar, start, span) == stepped, (count, span, case)
        assert is_open(calendar, start) == bool(step.counted(at, at + 1)), case
        end = start + case.minutes * MINUTE
        between = open_between(calendar, start, end)
        assert between == step.counted(at, at + case.minutes) * MINUTE, case
        assert sum((day.counted for day in days_between(calendar, start, end)), timedelta(0)) == between, case
    assert told > 3 * CASES // PARTS, "most of the cases are decided inside the window"


def _well_inside(case: Case, at: datetime) -> bool:
    """Not so near an end of the window that openings outside it might matter."""
    begin = datetime.combine(case.first, time(), UTC)
    return begin + timedelta(days=2) < at < begin + timedelta(days=LENGTH - 3)


OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@pytest.mark.parametrize("part", range(2))
def test_ten_thousand_calendars_agree_with_the_opening_hours_library(part: int) -> None:
    """In May, June, and over a year's end: where clocks change the library has answers of its own.

    A closure there is a day from midnight to midnight, here it is what opens on it: nights and closures do not mix.
    """
    random = Random(1000 + part)
    for _ in range(CASES // 2):
        nights = random.random() < 0.5
        week, first = random_week(random, overnight=nights), random.choice((date(2026, 5, 4), date(2026, 12, 14)))
        away = () if nights else tuple(first + timedelta(days=random.randrange(40)) for _ in range(3))
        zone = random.choice(("Europe/Berlin", "America/Havana", "Asia/Kolkata"))
        closures = [{"from": day.isoformat(), "to": day.isoformat()} for day in away]
        calendar = parse_calendar(
            {"timezone": zone, "country": "DE", "holidays": None, "opening_hours": week, "closures": closures}
        )
        start = datetime.combine(first, time(), UTC) + random.randrange(20 * DAY) * MINUTE
        minutes = random.randint(1, 900)
        due = add_span(calendar, start, Span(minutes, Unit.MINUTES, Clock.BUSINESS))
        assert due == _library(week, away, zone, start, minutes), (week, away, zone, start, minutes)


def _library(week: Week, away: tuple[date, ...], zone: str, start: datetime, minutes: int) -> datetime:
    """When the library's open intervals have added up to ``minutes``."""
    days = ((osm, week[day]) for osm, day in zip(OSM_DAYS, DAYS, strict=True))
    rules = ", ".join(f"{day} {','.join('-'.join(hours) for hours in opened)}" for day, opened in days if opened)
    off = "".join(f"; {day:%Y} {day:%b} {day:%d} off" for day in away)
    place = ZoneInfo(zone)
    found = opening_hours.OpeningHours(rules + off, timezone=place)
    left = minutes * MINUTE
    local, horizon = start.astimezone(place), (start + timedelta(days=60)).astimezone(place)
    for opens, closes, state, _ in found.intervals(local, horizon):
        length = (closes or horizon).astimezone(UTC) - opens.astimezone(UTC)
        if state == opening_hours.State.OPEN:
            if left <= length:
                return opens.astimezone(UTC) + left
            left -= length
    raise AssertionError("the library found too few openings")

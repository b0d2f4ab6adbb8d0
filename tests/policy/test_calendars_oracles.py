"""Business time against two others: a stepper that walks minute by minute, and an opening-hours library."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import opening_hours
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.calendars.hours import DAYS
from portal.calendars.policy import (
    Calendar,
    Clock,
    Span,
    Unit,
    add_span,
    is_open,
    next_opening,
    open_between,
    parse_calendar,
    subtract_span,
)

MINUTE = timedelta(minutes=1)
# Changes of the clock at 02:00, at midnight either way, by half an hour only, and none.
ZONES = ("Europe/Berlin", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata")
WINDOWS = (date(2026, 3, 1), date(2026, 4, 1), date(2026, 10, 10), date(2026, 12, 12), date(2028, 2, 15))
LENGTH = 36

Week = dict[str, list[list[str]]]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    """Non-overlapping intervals on a grid of 15 minutes, some up to midnight or into the next morning."""
    week: Week = {}
    for day in DAYS:
        cuts = draw(st.lists(st.integers(24, 95), unique=True, max_size=4).map(sorted))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        week[day] = [[clock(15 * opens), clock(15 * closes)] for opens, closes in pairs]
        if draw(st.integers(0, 3)) == 0:
            early = draw(st.integers(0, 22))
            week[day].append([clock(15 * early), clock(15 * draw(st.integers(early + 1, 23)))])
        if not any(closes > "22:00" for _, closes in week[day]) and draw(st.booleans()):
            week[day].append(["22:30", "00:00"])
    if not week["sat"] and draw(st.booleans()):
        week["sat"] = [["22:30", clock(15 * draw(st.integers(0, 24)))]]
        week["sun"] = [interval for interval in week["sun"] if interval[0] >= "06:00"]
    assume(any(week.values()))
    return week


@dataclass(frozen=True)
class Case:
    zone: str
    first: date
    week: Week
    closed: frozenset[date]
    start: datetime

    @property
    def calendar(self) -> Calendar:
        closures = [{"from": day.isoformat(), "to": day.isoformat()} for day in self.closed]
        return parse_calendar(
            {
                "timezone": self.zone,
                "country": "DE",
                "opening_hours": self.week,
                "holidays": None,
                "closures": closures,
            }
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, first = draw(st.sampled_from(ZONES)), draw(st.sampled_from(WINDOWS))
    days = st.sets(st.integers(0, LENGTH - 1), max_size=6)
    closed = frozenset(first + timedelta(days=n) for n in draw(days))
    minutes = draw(st.integers(3 * 1440, (LENGTH - 8) * 1440))
    start = datetime.combine(first, time.min, UTC) + minutes * MINUTE
    return Case(zone, first, draw(weeks()), closed, start)


@cache
def walls(zone: str, first: date) -> tuple[datetime, list[datetime]]:
    """The latest that the zone's clocks have shown by each minute of a window, from its first UTC minute."""
    start, place = datetime.combine(first, time.min, UTC) - timedelta(days=1), ZoneInfo(zone)
    shown = ((start + n * MINUTE).astimezone(place).replace(tzinfo=None) for n in range((LENGTH + 2) * 1440))
    return start, list(accumulate(shown, max))


class Stepper:
    """The window minute by minute: on which local day's opening each minute is open, if it is."""

    def __init__(self, case: Case) -> None:
        self.origin, shown = walls(case.zone, case.first)
        self.minutes: list[date | None] = [None] * len(shown)
        for number in range(LENGTH):
            day = case.first + timedelta(days=number)
            for opens, closes in case.week[DAYS[day.weekday()]] if day not in case.closed else []:
                at, until = (datetime.combine(day, time.fromisoformat(text)) for text in (opens, closes))
                until += timedelta(days=1) if until <= at else timedelta(0)
                for minute in range(bisect_left(shown, at), bisect_left(shown, until)):
                    self.minutes[minute] = day

    def index(self, at: datetime) -> int:
        return (at - self.origin) // MINUTE

    def instant(self, index: int) -> datetime:
        return self.origin + index * MINUTE

    def after_minutes(self, start: datetime, count: int) -> datetime | None:
        for index in range(self.index(start), len(self.minutes)):
            count -= self.minutes[index] is not None
            if count == 0:
                return self.instant(index + 1)
        return None

    def after_days(self, start: datetime, count: int) -> datetime | None:
        ahead = [day for day in self.minutes[self.index(start) :] if day is not None]
        later = sorted({day for day in ahead if day > ahead[0]}) if ahead else []
        if len(later) < count:
            return None
        last = max(index for index, day in enumerate(self.minutes) if day == later[count - 1])
        return self.instant(last + 1)


def check(case: Case, span: Span, expected: Callable[[Stepper], datetime | None]) -> None:
    """The stepper sees to the end of its window only: what ends after it just has to end after it."""
    due, stepped = add_span(case.calendar, case.start, span), expected(Stepper(case))
    horizon = datetime.combine(case.first, time.min, UTC) + timedelta(days=LENGTH - 1)
    assert due == stepped if stepped is not None and stepped < horizon else due >= horizon


@settings(max_examples=200, deadline=None)
@given(case=cases(), hours=st.integers(1, 40))
def test_business_hours_agree_with_the_stepper(case: Case, hours: int) -> None:
    check(case, Span(hours, Unit.HOURS, Clock.BUSINESS), lambda step: step.after_minutes(case.start, hours * 60))


@settings(max_examples=200, deadline=None)
@given(case=cases(), days=st.integers(1, 8))
def test_business_days_agree_with_the_stepper(case: Case, days: int) -> None:
    check(case, Span(days, Unit.DAYS, Clock.BUSINESS), lambda step: step.after_days(case.start, days))


@settings(max_examples=100, deadline=None)
@given(case=cases(), minutes=st.integers(1, 3000))
def test_open_time_agrees_with_the_stepper(case: Case, minutes: int) -> None:
    step, end = Stepper(case), case.start + minutes * MINUTE
    stepped = step.minutes[step.index(case.start) : step.index(end)]
    assert open_between(case.calendar, case.start, end) == MINUTE * sum(day is not None for day in stepped)
    assert is_open(case.calendar, case.start) == (stepped[0] is not None)


@settings(max_examples=100, deadline=None)
@given(case=cases(), minutes=st.integers(1, 2000), micro=st.integers(0, 59_999_999))
def test_counting_back_undoes_counting_on(case: Case, minutes: int, micro: int) -> None:
    calendar, span = case.calendar, Span(minutes, Unit.MINUTES, Clock.BUSINESS)
    start = case.start + timedelta(microseconds=micro)
    due = add_span(calendar, start, span)
    back = subtract_span(calendar, due, span)
    assert open_between(calendar, start, due) == open_between(calendar, back, due) == span.elapsed
    assert back >= next_opening(calendar, start), "the latest of the starts that lead to the same end"
    assert add_span(calendar, back, span) == due


@settings(max_examples=60, deadline=None)
@given(case=cases(), later=st.integers(0, 5000), days=st.integers(1, 4))
def test_who_starts_later_is_never_due_earlier(case: Case, later: int, days: int) -> None:
    calendar = case.calendar
    for span in (Span(days, Unit.DAYS, Clock.BUSINESS), Span(days, Unit.HOURS, Clock.BUSINESS)):
        first, second = (add_span(calendar, case.start + n * MINUTE, span) for n in (0, later))
        assert case.start < first <= second


OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def osm(week: Week) -> str:
    """The week as an OpenStreetMap expression."""
    rules = ((osm_day, week[day]) for osm_day, day in zip(OSM_DAYS, DAYS, strict=True))
    return ", ".join(f"{day} {','.join('-'.join(i) for i in hours)}" for day, hours in rules if hours)


@settings(max_examples=150, deadline=None)
@given(week=weeks(), zone=st.sampled_from(("Europe/Berlin", "Asia/Kolkata")), minutes=st.integers(0, 60 * 1440))
def test_openings_agree_with_the_opening_hours_library(week: Week, zone: str, minutes: int) -> None:
    """In May and June: where clocks change the library has answers of its own."""
    calendar = parse_calendar({"timezone": zone, "country": "DE", "holidays": None, "opening_hours": week})
    at = datetime(2026, 5, 1, tzinfo=UTC) + minutes * MINUTE
    other, local = (
        opening_hours.OpeningHours(osm(week), timezone=ZoneInfo(zone)),
        at.astimezone(ZoneInfo(zone)),
    )
    assert is_open(calendar, at) == other.is_open(local)
    opens = at if other.is_open(local) else other.next_change(local)
    assert next_opening(calendar, at) == opens

"""Business-time arithmetic: instants in, instants out, all in UTC; a zone lives only in the calendar.

Opening hours are local wall-clock times, mapped once for each local day to half-open UTC intervals:

1. An interval belongs to the local day on which it opens, also where it runs past midnight.
2. A closure, a day off of the vendor or a public holiday takes out what opens on that day; an interval from the
   evening before stays.
3. An interval opens, and closes, when the clocks first show its time or a later one. So where the clock goes
   forward over an opening, that is the instant of the change (a shop that opens at 02:30 opens at 03:00).
4. Where it goes back over an opening or closing, the first of the two equal times is meant.
5. A day counts as open when at least one of its intervals is left.
Deadlines in calendar days keep the local time of day. At a skipped time they fall as long after midnight as
if nothing had been skipped (02:30 becomes 03:30), at a time that comes twice on the first (RFC 5545, 3.3.5).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.calendars import public_holidays
from portal.calendars.errors import CalendarError
from portal.calendars.hours import Calendar, Closure, DayOff, calendar_from_json, calendar_with, parse_calendar
from portal.calendars.spans import Clock, Span, Unit, parse_span

__all__ = [
    "Calendar", "CalendarError", "Clock", "Closure", "DayOff", "Span", "Unit", "add_span", "calendar_from_json",
    "calendar_with", "closed_because", "closure_at", "closure_end", "is_closed_day", "is_open", "local_date",
    "next_opening", "open_between", "open_intervals", "parse_calendar", "parse_span", "subtract_span",
]  # fmt: skip

SEARCHED_DAYS = 400
KEPT_DAYS = 2_000
ZERO = timedelta(0)

Interval = tuple[datetime, datetime]


def add_span(calendar: Calendar, start: datetime, span: Span) -> datetime:
    """The instant ``span`` after ``start`` (aware), in UTC.

    1. Calendar minutes and hours elapse. Calendar days keep the local time of day.
    2. Business minutes and hours are open time, from the next opening where the start is outside hours. Used
       up exactly at a closing, that closing is the answer, not the next opening.
    3. N business days end at the closing time of the N-th open day after the day of the start. A start
       outside hours counts as the next opening, one in an interval belongs to the day on which that opened.
    Raises CalendarError where nothing opens within 400 days.
    """
    if span.clock is Clock.CALENDAR:
        return _add_calendar(calendar, start, span, 1)
    if span.unit is Unit.DAYS:
        return _add_open_days(calendar, start, span.value)
    left = span.elapsed
    for opens, closes in _intervals_from(calendar, start):
        opens = max(opens, start)
        if opens + left <= closes:
            return (opens + left).astimezone(UTC)
        left -= closes - opens
    raise _never_open()


def subtract_span(calendar: Calendar, end: datetime, span: Span) -> datetime:
    """The instant ``span`` before ``end`` (aware), in UTC: when to warn. The mirror image of ``add_span``.

    1. Calendar minutes and hours elapse; calendar days keep the local time of day.
    2. Business minutes and hours count back open time, from the last closing where the end is outside hours.
       Used up exactly at an opening, that opening is the answer, not the closing before.
    3. N business days back is the opening time of the N-th open day before the day of the end. An end outside
       hours, or just at an opening, counts as the last closing before it.
    Raises CalendarError where nothing was open in the 400 days before.
    """
    if span.clock is Clock.CALENDAR:
        return _add_calendar(calendar, end, span, -1)
    if span.unit is Unit.DAYS:
        return _subtract_open_days(calendar, end, span.value)
    left = span.elapsed
    for opens, closes in _intervals_until(calendar, end):
        closes = min(closes, end)
        if closes - left >= opens:
            return (closes - left).astimezone(UTC)
        left -= closes - opens
    raise _never_open()


def open_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Open time in ``[start, end)``; zero where the end is not after the start."""
    total = ZERO
    for day in range(_ordinal(calendar, start) - 2, _ordinal(calendar, end) + 2):
        for opens, closes in _open_on(calendar, day):
            total += max(min(closes, end) - max(opens, start), ZERO)
    return total


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether ``at`` lies in an interval; the instant of closing does not."""
    today = _ordinal(calendar, at)
    near = (interval for day in range(today - 2, today + 2) for interval in _open_on(calendar, day))
    return any(opens <= at < closes for opens, closes in near)


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """``at`` itself where it is open, else the next instant that is. Raises CalendarError as ``add_span``."""
    for opens, _ in _intervals_from(calendar, at):
        return max(opens, at).astimezone(UTC)
    raise _never_open()


def is_closed_day(calendar: Calendar, day: date) -> bool:
    """Whether ``day`` is taken out by a closure or public holiday. A day without opening hours is not."""
    return closed_because(calendar, day) is not None


def closed_because(calendar: Calendar, day: date) -> str | None:
    """The closure's note ("Closed" without one), the vendor's day off or the holiday's name; None: not closed."""
    for closure in calendar.closures:
        if closure.first <= day <= closure.last:
            return closure.note or "Closed"
    for off in calendar.days_off:
        if off.day == day:
            return off.name
    if calendar.holiday_country is None:
        return None
    return public_holidays.in_year(calendar.holiday_country, calendar.holiday_subdivision, day.year).get(day)


def closure_at(calendar: Calendar, at: datetime) -> Closure | None:
    """The partner's own closure on the local day of ``at``, the first by date; holidays are none."""
    today = local_date(calendar, at)
    return next((c for c in calendar.closures if c.first <= today <= c.last), None)


def closure_end(calendar: Calendar, at: datetime) -> datetime | None:
    """The first local midnight after ``at`` on which no closure is in force, in UTC; None where none is now.

    Closures that overlap or follow one another without a day between are one.
    """
    if closure_at(calendar, at) is None:
        return None
    day = local_date(calendar, at)
    for closure in calendar.closures:  # in order of their first day
        if closure.first <= day <= closure.last:
            day = closure.last + timedelta(days=1)
    return _instant(calendar.zone, datetime.combine(day, time.min))


def open_intervals(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    """The UTC intervals that open on a local day, in order; none on a closed one."""
    return _open_on(calendar, day.toordinal())


def local_date(calendar: Calendar, at: datetime) -> date:
    """The day that the calendar's clocks show at ``at``."""
    return at.astimezone(calendar.zone).date()


def _add_calendar(calendar: Calendar, at: datetime, span: Span, sign: int) -> datetime:
    if span.unit is not Unit.DAYS:
        return (at + sign * span.elapsed).astimezone(UTC)
    # Within one zone datetime counts by the wall clock, and its answer is the first of two equal times.
    return (at.astimezone(calendar.zone) + timedelta(days=sign * span.value)).astimezone(UTC)


def _add_open_days(calendar: Calendar, start: datetime, days: int) -> datetime:
    """Closing time of the ``days``-th open day after the day of the start."""
    for day in _open_days(calendar, _day_of_start(calendar, start) + 1, 1):
        days -= 1
        if days == 0:
            return _open_on(calendar, day)[-1][1]
    raise _never_open()


def _subtract_open_days(calendar: Calendar, end: datetime, days: int) -> datetime:
    """Opening time of the ``days``-th open day before the day of the end."""
    for day in _open_days(calendar, _day_of_end(calendar, end) - 1, -1):
        days -= 1
        if days == 0:
            return _open_on(calendar, day)[0][0]
    raise _never_open()


def _day_of_start(calendar: Calendar, start: datetime) -> int:
    for day in _open_days(calendar, _ordinal(calendar, start) - 2, 1):
        if _open_on(calendar, day)[-1][1] > start:
            return day
    raise _never_open()


def _day_of_end(calendar: Calendar, end: datetime) -> int:
    for day in _open_days(calendar, _ordinal(calendar, end) + 1, -1):
        if _open_on(calendar, day)[0][0] < end:
            return day
    raise _never_open()


def _intervals_from(calendar: Calendar, at: datetime) -> Iterator[Interval]:
    """Intervals that close after ``at``, in order; ends after 400 days without one."""
    for day in _open_days(calendar, _ordinal(calendar, at) - 2, 1):
        yield from (i for i in _open_on(calendar, day) if i[1] > at)


def _intervals_until(calendar: Calendar, at: datetime) -> Iterator[Interval]:
    """Intervals that open before ``at``, the latest first; ends after 400 days without one."""
    for day in _open_days(calendar, _ordinal(calendar, at) + 1, -1):
        yield from (i for i in reversed(_open_on(calendar, day)) if i[0] < at)


def _open_days(calendar: Calendar, first: int, step: int) -> Iterator[int]:
    """Ordinals of open days from ``first`` on, forward or back; ends after 400 days in a row that are not."""
    day, searched = first, 0
    while searched <= SEARCHED_DAYS:
        if _open_on(calendar, day):
            searched = 0
            yield day
        day, searched = day + step, searched + 1


def _open_on(calendar: Calendar, day: int) -> tuple[Interval, ...]:
    """The UTC intervals that open on a local day, given by its ordinal; kept on the calendar."""
    known = calendar.days.get(day)
    if known is None:
        if len(calendar.days) >= KEPT_DAYS:
            calendar.days.clear()
        known = calendar.days[day] = _map_day(calendar, date.fromordinal(day))
    return known


def _map_day(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    intervals = calendar.week[day.weekday()]
    if not intervals or is_closed_day(calendar, day):
        return ()
    midnight, zone = datetime.combine(day, time.min), calendar.zone
    walls = ((midnight + timedelta(minutes=a), midnight + timedelta(minutes=b)) for a, b in intervals)
    mapped = ((_instant(zone, opens), _instant(zone, closes)) for opens, closes in walls)
    return tuple((opens, closes) for opens, closes in mapped if opens < closes)


def _instant(zone: ZoneInfo, wall: datetime) -> datetime:
    """UTC of a wall-clock time: the change itself where it is skipped, the first where it comes twice."""
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset() or ZERO, second.utcoffset() or ZERO
    if before >= after:
        return first.astimezone(UTC)
    return _change(zone, (wall - after).replace(tzinfo=UTC), (wall - before).replace(tzinfo=UTC), after)


def _change(zone: ZoneInfo, low: datetime, high: datetime, after: timedelta) -> datetime:
    """The first whole second in ``(low, high]`` at which the offset is ``after``."""
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high


def _ordinal(calendar: Calendar, at: datetime) -> int:
    return local_date(calendar, at).toordinal()


def _never_open() -> CalendarError:
    return CalendarError("opening_hours", f"This calendar is never open within {SEARCHED_DAYS} days.")

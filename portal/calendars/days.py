"""Which hours were counted, day by day: open spans, what closed a day, where clocks change. Pure.

For pages that explain a due time. What is due when is ``portal.calendars.policy``'s affair; the two use one mapping.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from portal.calendars.hours import Calendar
from portal.calendars.policy import Interval, closed_because, local_date, open_intervals

ZERO = timedelta(0)


@dataclass(frozen=True)
class CountedDay:
    """One local day: what of its openings lies in the stretch (UTC), and why it has none where it has none.

    ``closed``: the closure's, holiday's or day off's name; None on a day without opening hours. ``whole``: the
    openings of the day, whether they lie in the stretch or not. ``shift``: by how much its clocks go forward (above
    zero) or back.
    """

    day: date
    spans: tuple[Interval, ...]
    whole: tuple[Interval, ...]
    closed: str | None
    shift: timedelta

    @property
    def counted(self) -> timedelta:
        """Open time of the day that lies in the stretch."""
        return sum((closes - opens for opens, closes in self.spans), ZERO)


def days_between(calendar: Calendar, start: datetime, end: datetime) -> Iterator[CountedDay]:
    """Each local day from that of ``start`` to that of ``end``, and the days before whose night runs into it.

    The counted time of all days is ``open_between(calendar, start, end)``. Nothing where the end is before the start.
    """
    if end < start:
        return
    first = local_date(calendar, start).toordinal()
    for ordinal in range(first - 2, local_date(calendar, end).toordinal() + 1):
        counted = _day(calendar, date.fromordinal(ordinal), start, end)
        if ordinal >= first or counted.spans:
            yield counted


def clock_shift(calendar: Calendar, day: date) -> timedelta:
    """By how much the clocks of a local day are put forward (above zero) or back; zero on most days."""
    zone = calendar.zone
    ends = (datetime.combine(day + timedelta(days=n), time(), tzinfo=zone).utcoffset() or ZERO for n in (0, 1))
    before, after = ends
    return after - before


def _day(calendar: Calendar, day: date, start: datetime, end: datetime) -> CountedDay:
    whole = open_intervals(calendar, day)
    parts = ((max(opens, start), min(closes, end)) for opens, closes in whole)
    return CountedDay(
        day=day,
        spans=tuple((opens, closes) for opens, closes in parts if opens < closes),
        whole=whole,
        closed=closed_because(calendar, day),
        shift=clock_shift(calendar, day),
    )

"""Worked examples: what a policy makes due for one start in one calendar, and what was counted. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from portal.calendars.days import CountedDay, days_between
from portal.calendars.describe import absolute, day_name
from portal.calendars.errors import CalendarError
from portal.calendars.hours import Calendar
from portal.calendars.policy import add_span, is_open, local_date, next_opening
from portal.calendars.spans import Clock, Span, Unit
from portal.deadlines.document import Entry, PolicyDocument
from portal.deadlines.policy import Due, due_for
from portal.vocabulary import ObligationKind

#: What begins a deadline, as a sentence about its start goes on.
BEGINS = {
    ObligationKind.RESPOND: "An offer made {start} is due {due}",
    ObligationKind.FIRST_CONTACT: "A lead accepted {start} is contacted by {due}",
    ObligationKind.NEXT_TOUCH: "After a touch {start} the next is due {due}",
    ObligationKind.FEEDBACK: "Feedback on a lead accepted {start} is due {due}",
    ObligationKind.UPDATE: "A deal last changed {start} is updated by {due}",
}
#: The days that a page lists one by one; a longer stretch is told by its sum.
LISTED_DAYS = 120
NEVER = "Never: nothing opens within 400 days."


@dataclass(frozen=True)
class Stretch:
    """A stretch of time with its days, as far as they are listed. ``left_out``: how many are not."""

    start: datetime
    end: datetime
    days: tuple[CountedDay, ...]
    left_out: int = 0

    @property
    def counted(self) -> timedelta:
        """Open time on the days that are listed."""
        return sum((day.counted for day in self.days), timedelta(0))


@dataclass(frozen=True)
class Example:
    """One deadline of a policy, worked out. ``due`` None: it would never fall due.

    ``again``: feedback, when a "working" answer given at the due time is asked for again. ``last``: of more
    than two touches, the first included, when the last is due where each is made at its due time.
    """

    entry: Entry
    start: datetime
    due: Due | None
    stretch: Stretch | None = None
    again: datetime | None = None
    last: datetime | None = None


def worked_out(document: PolicyDocument, calendar: Calendar, start: datetime) -> list[Example]:
    """Each deadline of ``document`` for what begins at ``start`` (aware), in the order of the document."""
    return [_example(document, entry, calendar, start) for entry in document.obligations]


def _example(document: PolicyDocument, entry: Entry, calendar: Calendar, start: datetime) -> Example:
    try:
        due = due_for(document, entry, calendar, start)
    except CalendarError:
        return Example(entry, start, None)
    touches = entry.touches or 0
    return Example(
        entry, start, due, stretch(calendar, start, due.due_at),
        again=_later(calendar, due.due_at, entry.repeat, 1),
        last=_later(calendar, due.due_at, entry.within, touches - 2) if touches > 2 else None,
    )  # fmt: skip


def _later(calendar: Calendar, at: datetime, span: Span | None, times: int) -> datetime | None:
    """``span`` so many times after ``at``; None without a span, or where the calendar has no such end."""
    if span is None:
        return None
    try:
        for _ in range(times):
            at = add_span(calendar, at, span)
    except CalendarError:
        return None
    return at


def stretch(calendar: Calendar, start: datetime, end: datetime) -> Stretch:
    """The days from ``start`` to ``end`` with what is open on them, at most 120 of them."""
    days = tuple(islice(days_between(calendar, start, end), LISTED_DAYS))
    return Stretch(start, end, days, (local_date(calendar, end) - days[-1].day).days if days else 0)


def sentence(example: Example, zone: str, year: int, whose: str) -> str:
    """ "An offer made Fri 6 Mar 16:00 CET is due Tue 10 Mar 17:00 CET (Ostwind's hours)." """
    due = absolute(example.due.due_at, zone, year) if example.due else "never: nothing opens within 400 days"
    told = BEGINS[example.entry.kind].format(start=absolute(example.start, zone, year), due=due)
    return f"{told} ({whose})."


def why(example: Example, calendar: Calendar, zone: str, year: int) -> list[str]:
    """How the due time came about, sentence by sentence."""
    if example.due is None:
        return [NEVER]
    span, start = example.entry.within, example.start
    told = [_begin(calendar, span, start, zone, year), _counted(span), *_shifts(example, year)]
    told.append(_warned(example, zone, year))
    if example.due.grace_until > example.due.due_at:
        told.append(f"Until {absolute(example.due.grace_until, zone, year)} it still counts as in time.")
    if example.again:
        again = absolute(example.again, zone, year)
        told.append(f"Answered working then, feedback is asked for again by {again} ({example.entry.repeat}).")
    told.append(_touches(example, zone, year))
    return [sentence for sentence in told if sentence]


def _begin(calendar: Calendar, span: Span, start: datetime, zone: str, year: int) -> str:
    if span.clock is Clock.CALENDAR or is_open(calendar, start):
        return ""
    opening = absolute(next_opening(calendar, start), zone, year)
    return f"The start is outside opening hours: it counts from {opening}."


def _counted(span: Span) -> str:
    if span.clock is Clock.CALENDAR:
        return "Days keep the time of day." if span.unit is Unit.DAYS else "Every hour counts, day and night."
    if span.unit is Unit.DAYS:
        return f"The day of the start is not counted: due at the closing of open day {span.value}."
    return "Only open time is counted."


def _touches(example: Example, zone: str, year: int) -> str:
    wanted = example.entry.touches
    if wanted is None:
        return ""
    if wanted == 1:
        return "1 touch in all: after it no other is asked for."
    by = (
        f", the last by {absolute(example.last, zone, year)} where each is made at its due time" if example.last else ""
    )
    return f"{wanted} touches in all with the one it starts at{by}."


def _shifts(example: Example, year: int) -> list[str]:
    """Where clocks change while calendar time runs; in business time the day's own line says it."""
    if example.stretch is None or example.entry.within.clock is Clock.BUSINESS:
        return []
    changed = (day for day in example.stretch.days if day.shift)
    return [f"{shift_words(day.shift)} on {day_name(day.day, year)}." for day in changed]


def _warned(example: Example, zone: str, year: int) -> str:
    if example.due is None or example.due.warn_at is None:
        return "No warning before it." if example.entry.warn_before is None else "Too short for its warning."
    return f"Warned {absolute(example.due.warn_at, zone, year)}, {example.entry.warn_before} before."


@dataclass(frozen=True)
class DayLine:
    """A day in words: "Fri 6 Mar", "16:00-17:00", "1 h" or "day 1", and what else is to be said of it."""

    day: str
    hours: str
    counts: str
    note: str


def day_lines(calendar: Calendar, found: Stretch, span: Span | None, year: int) -> list[DayLine]:
    """The days of a stretch, each in the calendar's own time; none for a span that no opening hours touch.

    ``span`` None: elapsed open time, with the amount of each day.
    """
    if span is not None and span.clock is Clock.CALENDAR:
        return []
    numbers = _numbers(found) if span is not None and span.unit is Unit.DAYS else None
    return [
        DayLine(day_name(day.day, year), _hours(calendar, day), _counts(day, numbers), _note(day)) for day in found.days
    ]


def _numbers(found: Stretch) -> dict[date, int]:
    """Which open day is counted as which: from the first after the day of the start."""
    return {day.day: number for number, day in enumerate(day for day in found.days if day.spans)}


def _hours(calendar: Calendar, day: CountedDay) -> str:
    spans = (f"{_clock(calendar, opens)}-{_clock(calendar, closes)}" for opens, closes in day.spans)
    return ", ".join(spans) or ("None counted" if day.whole else "Closed")


def _clock(calendar: Calendar, at: datetime) -> str:
    return f"{at.astimezone(calendar.zone):%H:%M}"


def _counts(day: CountedDay, numbers: dict[date, int] | None) -> str:
    if not day.spans:
        return ""
    if numbers is None:
        return length(day.counted)
    return f"Day {numbers[day.day]}" if numbers[day.day] else "Start"


def _note(day: CountedDay) -> str:
    closed = day.closed or ("" if day.whole else "No opening hours")
    return ". ".join(filter(None, (closed, shift_words(day.shift))))


def shift_words(shift: timedelta) -> str:
    """ "Clocks go forward 1 h" on the day of a change; nothing on any other."""
    if not shift:
        return ""
    return f"Clocks go {'forward' if shift > timedelta(0) else 'back'} {length(abs(shift))}"


def length(elapsed: timedelta) -> str:
    """An amount of time in hours and minutes: "7 h 30 min", "0 min"."""
    minutes = elapsed // timedelta(minutes=1)
    hours, rest = divmod(minutes, 60)
    told = [f"{hours:,} h"] if hours else []
    return " ".join(told + ([f"{rest} min"] if rest or not hours else []))

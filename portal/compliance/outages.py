"""What an outage excuses, and when silence is one. Pure: plain values, calendars and ``now``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.calendars.errors import CalendarError
from portal.calendars.policy import Calendar, Clock, Span, Unit, add_span, open_between
from portal.vocabulary import ExcuseEffect, ObligationState

#: A serving process says so this often.
EVERY = timedelta(seconds=15)
#: Silence of all of them for longer than this is an outage; a restart or a new version takes less.
SILENT_AFTER = timedelta(minutes=5)
#: For so long nothing is recorded as missed while the silence lasts. After that the portal is served in another way.
HELD_AT_MOST = timedelta(days=7)
ZERO, MINUTE = timedelta(0), timedelta(minutes=1)
LATE = (ObligationState.BREACHED, ObligationState.CURED)
Piece = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Machine:
    """Time as this machine counts it since it started: ``ticks`` in milliseconds, of the start named ``boot``."""

    boot: str
    ticks: int


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of whoever serves."""

    at: datetime
    machine: Machine


def silence(last: Beat, now: datetime, machine: Machine) -> timedelta:
    """How long nobody has said that it serves.

    On the machine of the last beat it is counted by that machine, for a clock that was put forward is no outage; else
    by the clock. Never below zero.
    """
    if machine.boot and machine.boot == last.machine.boot and machine.ticks >= last.machine.ticks:
        return timedelta(milliseconds=machine.ticks - last.machine.ticks)
    return max(now - last.at, ZERO)


@dataclass(frozen=True, slots=True)
class Owed:
    """A deadline as an excuse looks at it. ``clock``: what its policy counts, open time or what elapses.

    ``given``: stretches of time that it was given back before, for another outage.
    """

    state: ObligationState
    opened_at: datetime
    due_at: datetime
    clock: Clock
    cured_at: datetime | None = None
    given: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Excused:
    """What becomes of a deadline: its new due instant, or waived; ``due_at`` is then the one it would have had."""

    effect: ExcuseEffect
    due_at: datetime


def excused(
    owed: Owed, starts_at: datetime, ends_at: datetime, then: Calendar, today: Calendar, now: datetime
) -> Excused | None:
    """What an outage in ``[starts_at, ends_at)`` does for one deadline; None: nothing.

    1. Lost is what the outage took of the time between opening and due, of the kind that the deadline counts: the
       partner's open time, or what elapses. What another outage gave back already is not lost again. Nothing lost:
       nothing is excused.
    2. Open: due as long after the later of its due time and the outage's end as was lost. So nobody has less time
       than without the outage.
    3. Missed, or done late: waived where it fell due during the outage, or where none of its time was left after it.
    4. And waived where it was done by the time that 2 would have given, or where that time is still to come.
    5. Met, waived, cancelled: nothing.

    ``then``: the partner's hours with the days off of the vendor that were known when it opened; those had been
    allowed for. ``today``: as they are now, so that the new due time falls into open hours. Lost time is rounded up to
    whole minutes.
    """
    taken = lost(owed, starts_at, ends_at, then)
    if taken <= ZERO:
        return None
    due_at = _after(max(owed.due_at, ends_at), taken, owed.clock, today)
    if owed.state is ObligationState.OPEN:
        return Excused(ExcuseEffect.EXTENDED, due_at)
    if owed.state in LATE and _vendors_fault(owed, ends_at, due_at, then, now):
        return Excused(ExcuseEffect.WAIVED, due_at)
    return None


def lost(owed: Owed, starts_at: datetime, ends_at: datetime, calendar: Calendar) -> timedelta:
    """How much of a deadline's time an outage took, less what was given back already."""
    first, last = max(owed.opened_at, starts_at), min(owed.due_at, ends_at)
    return sum((_counted(a, b, owed.clock, calendar) for a, b in without((first, last), owed.given)), ZERO)


def without(piece: Piece, taken: Iterable[Piece]) -> list[Piece]:
    """What is left of a stretch of time once others are taken out of it, in order."""
    left = [piece] if piece[0] < piece[1] else []
    for start, end in taken:
        cut: list[Piece] = []
        for a, b in left:
            cut += [part for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
        left = cut
    return left


def _vendors_fault(owed: Owed, ends_at: datetime, due_at: datetime, calendar: Calendar, now: datetime) -> bool:
    left = _counted(ends_at, owed.due_at, owed.clock, calendar) if ends_at < owed.due_at else ZERO
    done_in_time = owed.cured_at is not None and owed.cured_at <= due_at
    return left <= ZERO or done_in_time or due_at > now


def _counted(start: datetime, end: datetime, clock: Clock, calendar: Calendar) -> timedelta:
    return open_between(calendar, start, end) if clock is Clock.BUSINESS else end - start


def _after(start: datetime, taken: timedelta, clock: Clock, calendar: Calendar) -> datetime:
    span = Span(-(-taken // MINUTE), Unit.MINUTES, clock)
    try:
        return add_span(calendar, start, span)
    except CalendarError:  # Closed for more than a year from now on: then plain time has to do.
        return (start + span.elapsed).astimezone(UTC)


def gap_of(beats: Sequence[Beat], now: datetime, machine: Machine) -> Piece | None:
    """The outage that a list of last beats, one a process, shows at ``now``; None where there is none.

    1. Where no beat was ever written there is none.
    2. Otherwise it runs from the last beat of all to ``now``, where they have been silent for longer than
       ``SILENT_AFTER``.
    """
    last = max(beats, key=lambda beat: beat.at, default=None)
    if last is None or silence(last, now, machine) <= SILENT_AFTER or now <= last.at:
        return None
    return last.at, now

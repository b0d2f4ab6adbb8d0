"""What an outage excuses: each numbered condition as a table, and what must hold for any outage and deadline."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendars.policy import Calendar, Clock, open_between, parse_calendar
from portal.compliance.outages import (
    SILENT_AFTER,
    Beat,
    Excused,
    Machine,
    Owed,
    excused,
    gap_of,
    lost,
    silence,
    without,
)
from portal.vocabulary import ExcuseEffect, ObligationState

OFFICE = parse_calendar({"timezone": "Europe/Berlin", "country": "DE", "holidays": None})
#: A Monday; Berlin is an hour ahead.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
OPEN, BREACHED, CURED = ObligationState.OPEN, ObligationState.BREACHED, ObligationState.CURED
EXTENDED, WAIVED = ExcuseEffect.EXTENDED, ExcuseEffect.WAIVED
HERE = Machine("boot", 1_000_000)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time by Berlin's clocks, ``day`` days after the Monday."""
    return MONDAY + timedelta(days=day, hours=hour - 1, minutes=minute)


def owed(
    state: ObligationState, opened: datetime, due: datetime, clock: Clock = Clock.BUSINESS,
    cured: datetime | None = None, given_back: tuple[tuple[datetime, datetime], ...] = (),
) -> Owed:  # fmt: skip
    return Owed(state, opened, due, clock, cured, given_back)


def found(it: Owed, start: datetime, end: datetime, now: datetime, today: Calendar = OFFICE) -> Excused | None:
    return excused(it, start, end, OFFICE, today, now)


#: (opened, due, outage from, to, clock) and the due time afterwards; None: nothing was lost.
EXTENSIONS = {
    "within the window": (at(0, 9), at(1, 17), at(0, 10), at(0, 12), Clock.BUSINESS, at(2, 11)),
    "the whole of the last hours": (at(0, 9), at(0, 17), at(0, 15), at(1, 10), Clock.BUSINESS, at(1, 12)),
    "due during it": (at(0, 9), at(0, 12), at(0, 11), at(0, 14), Clock.BUSINESS, at(0, 15)),
    "opened during it": (at(0, 11), at(0, 15), at(0, 10), at(0, 12), Clock.BUSINESS, at(0, 16)),
    "at night": (at(0, 9), at(1, 17), at(0, 18), at(1, 8), Clock.BUSINESS, None),
    "at night, by the clock": (at(0, 9), at(1, 17), at(0, 18), at(1, 8), Clock.CALENDAR, at(2, 7)),
    "over a weekend": (at(4, 9), at(7, 12), at(4, 16), at(7, 10), Clock.BUSINESS, at(7, 14)),
    "before it opened": (at(0, 9), at(1, 17), at(0, 7), at(0, 9), Clock.BUSINESS, None),
    "after it was due": (at(0, 9), at(1, 17), at(1, 17), at(2, 17), Clock.BUSINESS, None),
    "not a whole minute": (
        at(0, 9), at(0, 16), at(0, 10), at(0, 10) + timedelta(seconds=61), Clock.BUSINESS, at(0, 16, 2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXTENSIONS)
def test_what_is_open_is_due_as_much_later_as_was_lost(name: str) -> None:
    opened, due, start, end, clock, expected = EXTENSIONS[name]
    result = found(owed(OPEN, opened, due, clock), start, end, at(0, 9))
    assert result == (Excused(EXTENDED, expected) if expected else None)


#: (state, due, cured, now): whether it is waived after an outage on Monday from 11 to 15. Opened Monday at 9.
MISSES = {
    "due during it": (BREACHED, at(0, 12), None, at(3, 9), True),
    "due at its end": (BREACHED, at(0, 15), None, at(3, 9), True),
    "due after it, time was left": (BREACHED, at(0, 17), None, at(3, 9), False),
    "due after it, its time would still run": (BREACHED, at(0, 17), None, at(1, 12), True),
    "done late, in the time it should have had": (CURED, at(0, 17), at(1, 12), at(3, 9), True),
    "done late, later than that": (CURED, at(0, 17), at(1, 14), at(3, 9), False),
    "due before it": (BREACHED, at(0, 11), None, at(3, 9), False),
    "no open time between its end and due": (BREACHED, at(0, 15), None, at(9, 9), True),
}


@pytest.mark.parametrize("name", MISSES)
def test_a_miss_is_waived_where_the_outage_made_it(name: str) -> None:
    state, due, cured, now, waived = MISSES[name]
    result = found(owed(state, at(0, 9), due, cured=cured), at(0, 11), at(0, 15), now)
    assert (result is not None) is waived
    assert result is None or result.effect is WAIVED


def test_a_miss_with_closed_hours_alone_left_after_the_outage_is_waived() -> None:
    """Due by the clock at seven in the evening; the outage took the whole afternoon and open time none was left."""
    result = found(owed(BREACHED, at(0, 9), at(0, 19)), at(0, 11), at(0, 17, 30), at(9, 9))
    assert result is not None and result.effect is WAIVED


@pytest.mark.parametrize("state", [ObligationState.MET, ObligationState.WAIVED, ObligationState.CANCELLED])
def test_what_counts_against_nobody_needs_no_excuse(state: ObligationState) -> None:
    assert found(owed(state, at(0, 9), at(0, 12)), at(0, 11), at(0, 15), at(1, 9)) is None


def test_what_another_outage_gave_back_is_not_lost_again() -> None:
    it = owed(OPEN, at(0, 9), at(1, 17), given_back=((at(0, 10), at(0, 12)),))
    assert found(it, at(0, 10), at(0, 12), at(0, 13)) is None
    assert found(it, at(0, 11), at(0, 14), at(0, 15)) == Excused(EXTENDED, at(2, 11))


def test_the_new_time_falls_into_the_hours_of_today() -> None:
    shorter = parse_calendar({
        "timezone": "Europe/Berlin", "country": "DE", "holidays": None,
        "opening_hours": {"thu": [["14:00", "16:00"]]},
    })  # fmt: skip
    assert found(owed(OPEN, at(0, 9), at(1, 17)), at(0, 10), at(0, 11), at(0, 12), shorter) == Excused(
        EXTENDED, at(3, 15)
    )


instants = st.integers(0, 60 * 24 * 14).map(lambda minutes: MONDAY + timedelta(minutes=minutes))


@given(opened=instants, due=instants, start=instants, end=instants, clock=st.sampled_from(Clock))
def test_nobody_has_less_time_than_without_the_outage(
    opened: datetime, due: datetime, start: datetime, end: datetime, clock: Clock
) -> None:
    opened, due = sorted((opened, due))
    start, end = sorted((start, end + timedelta(minutes=1)))
    it = owed(OPEN, opened, due, clock)
    result = found(it, start, end, opened)
    if result is None:
        assert lost(it, start, end, OFFICE) == timedelta(0)
        return
    assert result.due_at > due
    left = [(a, b) for a, b in without((opened, result.due_at), [(start, end)])]
    if clock is Clock.BUSINESS:
        assert sum((open_between(OFFICE, a, b) for a, b in left), timedelta(0)) == open_between(OFFICE, opened, due)
    else:
        assert sum((b - a for a, b in left), timedelta(0)) == due - opened


@given(opened=instants, due=instants, start=instants, end=instants)
def test_once_given_back_there_is_nothing_more_to_give(
    opened: datetime, due: datetime, start: datetime, end: datetime
) -> None:
    opened, due = sorted((opened, due))
    start, end = sorted((start, end + timedelta(minutes=1)))
    result = found(owed(OPEN, opened, due), start, end, opened)
    after = result.due_at if result else due
    again = owed(OPEN, opened, after, given_back=((start, end),) if result else ())
    assert found(again, start, end, opened) is None


@given(pieces=st.lists(st.tuples(instants, instants).map(lambda p: (min(p), max(p))), max_size=4), a=instants)
def test_what_is_left_of_a_stretch_touches_nothing_that_was_taken(
    pieces: list[tuple[datetime, datetime]], a: datetime
) -> None:
    left = without((a, a + timedelta(days=3)), pieces)
    assert all(x < y for x, y in left)
    assert not any(max(x, p) < min(y, q) for x, y in left for p, q in pieces)


def test_silence_is_counted_by_the_machine_that_beat_last() -> None:
    """A clock that was put forward by days is no outage, and a new start of the machine is measured by the clock."""
    last = Beat(at(0, 9), HERE)
    assert silence(last, at(5, 9), Machine("boot", HERE.ticks + 15_000)) == timedelta(seconds=15)
    assert silence(last, at(0, 10), Machine("another", 5)) == timedelta(hours=1)
    assert silence(last, at(0, 10), Machine("", 0)) == timedelta(hours=1)
    assert silence(last, at(0, 8), Machine("another", 5)) == timedelta(0)


def test_a_gap_runs_from_the_last_beat_of_all() -> None:
    other = Machine("another", 0)
    beats = [Beat(at(0, 9), HERE), Beat(at(0, 10), HERE)]
    assert gap_of([], at(5, 9), other) is None
    assert gap_of(beats, at(0, 10) + SILENT_AFTER, other) is None
    assert gap_of(beats, at(0, 11), other) == (at(0, 10), at(0, 11))

"""Business time by table: each row a case that a partner could check against a wall calendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.calendars.policy import (
    Calendar,
    CalendarError,
    Clock,
    Closure,
    Span,
    Unit,
    add_span,
    closed_because,
    closure_at,
    closure_end,
    is_closed_day,
    is_open,
    next_opening,
    open_between,
    parse_calendar,
    subtract_span,
)

SPLIT = {day: [["09:00", "12:30"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
NIGHTS = {day: [["22:00", "06:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
EARLY = {day: [["02:30", "03:15"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def calendar(**more: Any) -> Calendar:
    return parse_calendar({"timezone": "Europe/Berlin", "country": "DE", "holidays": None, **more})


OFFICE = calendar()
KINDS = {
    "office": OFFICE,
    "hamburg": calendar(holidays={"country": "DE", "subdivision": "HH"}),
    "split": calendar(opening_hours=SPLIT),
    "nights": calendar(opening_hours=NIGHTS),
    "always": calendar(opening_hours=ALWAYS),
    "early": calendar(opening_hours=EARLY),
    "saturdays": calendar(opening_hours={"sat": [["10:00", "14:00"]]}),
    "away": calendar(closures=[{"from": "2026-03-09", "to": "2026-03-11"}]),
    "nights away": calendar(opening_hours=NIGHTS, closures=[{"from": "2026-03-10", "to": "2026-03-10"}]),
}


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(UTC)


def span(text: str) -> Span:
    value, clock, unit = text.split()
    return Span(int(value), Unit(unit), Clock(clock))


@pytest.mark.parametrize(
    ("kind", "start", "length", "due"),
    [
        # Hours: Friday 16:00 and two more; a Saturday; a lunch break; ending exactly at closing.
        ("office", "2026-03-06T16:00", "2 business hours", "2026-03-09T10:00"),
        ("office", "2026-03-07T11:00", "2 business hours", "2026-03-09T11:00"),
        ("office", "2026-03-06T16:00", "1 business hours", "2026-03-06T17:00"),
        ("office", "2026-03-06T16:00", "61 business minutes", "2026-03-09T09:01"),
        ("office", "2026-03-06T17:00", "8 business hours", "2026-03-09T17:00"),
        ("office", "2026-03-06T03:00", "8 business hours", "2026-03-06T17:00"),
        ("office", "2026-03-06T09:00", "80 business hours", "2026-03-19T17:00"),
        ("split", "2026-03-06T12:00", "1 business hours", "2026-03-06T14:00"),
        ("split", "2026-03-06T12:00", "30 business minutes", "2026-03-06T12:30"),
        ("split", "2026-03-06T13:00", "30 business minutes", "2026-03-06T14:00"),
        # Days: closing time of the N-th open day after the day of the start.
        ("office", "2026-03-06T16:00", "2 business days", "2026-03-10T17:00"),
        ("office", "2026-03-06T17:00", "2 business days", "2026-03-11T17:00"),
        ("office", "2026-03-07T11:00", "1 business days", "2026-03-10T17:00"),
        ("office", "2026-03-05T08:59", "1 business days", "2026-03-06T17:00"),
        ("office", "2026-03-05T17:30", "1 business days", "2026-03-09T17:00"),
        ("split", "2026-03-05T13:00", "1 business days", "2026-03-06T18:00"),
        ("saturdays", "2026-03-02T10:00", "2 business days", "2026-03-21T14:00"),
        # Holidays: Good Friday and Easter Monday; Reformation Day only in Hamburg; year end; leap day.
        ("hamburg", "2026-04-02T16:00", "2 business hours", "2026-04-07T10:00"),
        ("hamburg", "2026-04-02T16:00", "1 business days", "2026-04-07T17:00"),
        ("hamburg", "2025-10-30T16:00", "1 business days", "2025-11-03T17:00"),
        ("office", "2025-10-30T16:00", "1 business days", "2025-10-31T17:00"),
        ("hamburg", "2026-12-24T16:00", "2 business days", "2026-12-29T17:00"),
        ("hamburg", "2026-12-31T16:30", "1 business hours", "2027-01-04T09:30"),
        ("office", "2028-02-28T16:00", "1 business days", "2028-02-29T17:00"),
        ("office", "2028-02-29T16:30", "1 business hours", "2028-03-01T09:30"),
        # A closure takes out whole days, the night that opens on it too, not the one from the evening before.
        ("away", "2026-03-06T16:00", "2 business hours", "2026-03-12T10:00"),
        ("away", "2026-03-06T16:00", "1 business days", "2026-03-12T17:00"),
        ("away", "2026-03-10T12:00", "1 business days", "2026-03-13T17:00"),
        ("nights away", "2026-03-09T23:00", "7 business hours", "2026-03-10T06:00"),
        ("nights away", "2026-03-09T23:00", "8 business hours", "2026-03-11T23:00"),
        ("nights away", "2026-03-09T23:00", "1 business days", "2026-03-12T06:00"),
        # Nights belong to the day on which they open: Saturday 02:00 is Friday's night.
        ("nights", "2026-03-07T02:00", "4 business hours", "2026-03-07T06:00"),
        ("nights", "2026-03-07T02:00", "5 business hours", "2026-03-09T23:00"),
        ("nights", "2026-03-07T02:00", "1 business days", "2026-03-10T06:00"),
        ("nights", "2026-03-07T07:00", "1 business days", "2026-03-11T06:00"),
        # The clock goes forward on 29 March: that night is 7 hours long; back on 25 October: 9.
        ("always", "2026-03-28T22:00", "7 business hours", "2026-03-29T06:00"),
        ("always", "2026-10-24T22:00", "9 business hours", "2026-10-25T06:00"),
        ("always", "2026-03-28T12:00", "1 business days", "2026-03-30T00:00"),
        ("office", "2026-03-27T16:00", "2 business hours", "2026-03-30T10:00"),
        ("office", "2026-10-23T16:00", "2 business hours", "2026-10-26T10:00"),
        # Calendar time: hours elapse, days keep the time of day.
        ("office", "2026-03-28T17:00", "24 calendar hours", "2026-03-29T18:00"),
        ("office", "2026-03-28T17:00", "1 calendar days", "2026-03-29T17:00"),
        ("office", "2026-10-24T17:00", "1 calendar days", "2026-10-25T17:00"),
        ("office", "2026-10-24T17:00", "90 calendar minutes", "2026-10-24T18:30"),
        ("office", "2028-02-28T17:00", "1 calendar days", "2028-02-29T17:00"),
        ("office", "2026-12-31T23:30", "1 calendar days", "2027-01-01T23:30"),
    ],
)
def test_a_span_ends(kind: str, start: str, length: str, due: str) -> None:
    assert add_span(KINDS[kind], berlin(start), span(length)) == berlin(due)


@pytest.mark.parametrize(
    ("kind", "end", "length", "warned"),
    [
        ("office", "2026-03-10T17:00", "4 business hours", "2026-03-10T13:00"),
        ("office", "2026-03-10T10:00", "4 business hours", "2026-03-09T14:00"),
        ("office", "2026-03-10T17:00", "8 business hours", "2026-03-10T09:00"),
        ("office", "2026-03-08T12:00", "1 business hours", "2026-03-06T16:00"),
        ("office", "2026-03-10T17:00", "1 business days", "2026-03-09T09:00"),
        ("office", "2026-03-09T17:00", "1 business days", "2026-03-06T09:00"),
        ("office", "2026-03-08T12:00", "1 business days", "2026-03-05T09:00"),
        ("office", "2026-03-10T09:00", "1 business days", "2026-03-06T09:00"),
        ("split", "2026-03-10T14:00", "1 business hours", "2026-03-10T12:00"),
        ("nights", "2026-03-11T06:00", "1 business days", "2026-03-09T22:00"),
        ("away", "2026-03-12T10:00", "2 business hours", "2026-03-06T16:00"),
        ("office", "2026-03-29T17:00", "1 calendar days", "2026-03-28T17:00"),
        ("office", "2026-03-29T17:00", "24 calendar hours", "2026-03-28T16:00"),
    ],
)
def test_a_span_is_counted_back(kind: str, end: str, length: str, warned: str) -> None:
    assert subtract_span(KINDS[kind], berlin(end), span(length)) == berlin(warned)


def test_a_skipped_time_of_day_is_read_as_if_nothing_had_been_skipped() -> None:
    assert add_span(OFFICE, berlin("2026-03-28T02:30"), span("1 calendar days")) == berlin("2026-03-29T03:30")


def test_a_time_of_day_that_comes_twice_is_the_first() -> None:
    due = add_span(OFFICE, berlin("2026-10-24T02:30"), span("1 calendar days"))
    assert due == berlin("2026-10-25T02:30", fold=0) != berlin("2026-10-25T02:30", fold=1)


def test_the_second_of_two_equal_times_of_day_counts_on_to_the_same_time_of_the_next_day() -> None:
    start = berlin("2026-10-25T02:30", fold=1)
    assert add_span(OFFICE, start, span("1 calendar days")) == berlin("2026-10-26T02:30")


def test_an_opening_at_a_skipped_time_is_the_instant_of_the_change() -> None:
    opening = next_opening(KINDS["early"], berlin("2026-03-29T00:00"))
    assert opening == datetime(2026, 3, 29, 1, 0, tzinfo=UTC) == berlin("2026-03-29T03:00")
    assert add_span(KINDS["early"], opening, span("15 business minutes")) == berlin("2026-03-29T03:15")


def test_an_opening_in_an_hour_that_comes_twice_is_the_first() -> None:
    day = berlin("2026-10-25T00:00")
    assert next_opening(KINDS["early"], day) == berlin("2026-10-25T02:30", fold=0)
    assert open_between(KINDS["early"], day, day + timedelta(days=1)) == timedelta(minutes=105)


def test_a_day_whose_only_opening_is_skipped_is_no_open_day() -> None:
    gone = calendar(opening_hours={day: [["02:10", "02:50"]] for day in ("sat", "sun", "mon")})
    assert add_span(gone, berlin("2026-03-28T02:20"), span("1 business days")) == berlin("2026-03-30T02:50")


def test_a_start_in_another_zone_is_the_same_instant() -> None:
    start = berlin("2026-03-06T16:00").astimezone(ZoneInfo("America/New_York"))
    assert add_span(OFFICE, start, span("2 business hours")) == berlin("2026-03-09T10:00")


@pytest.mark.parametrize(
    ("kind", "at", "opens"),
    [
        ("office", "2026-03-06T08:59", "2026-03-06T09:00"),
        ("office", "2026-03-06T09:00", "2026-03-06T09:00"),
        ("office", "2026-03-06T16:59", "2026-03-06T16:59"),
        ("office", "2026-03-06T17:00", "2026-03-09T09:00"),
        ("split", "2026-03-06T12:30", "2026-03-06T13:30"),
        ("nights", "2026-03-07T05:59", "2026-03-07T05:59"),
        ("nights", "2026-03-07T06:00", "2026-03-09T22:00"),
        ("always", "2026-03-07T00:00", "2026-03-07T00:00"),
    ],
)
def test_next_opening_and_is_open_agree(kind: str, at: str, opens: str) -> None:
    assert next_opening(KINDS[kind], berlin(at)) == berlin(opens)
    assert is_open(KINDS[kind], berlin(at)) is (at == opens)


@pytest.mark.parametrize(
    ("kind", "start", "end", "hours"),
    [
        ("office", "2026-03-06T16:00", "2026-03-09T10:00", 2),
        ("office", "2026-03-02T00:00", "2026-03-09T00:00", 40),
        ("split", "2026-03-06T00:00", "2026-03-07T00:00", 8),
        ("nights", "2026-03-06T00:00", "2026-03-07T00:00", 8),
        ("always", "2026-03-29T00:00", "2026-03-30T00:00", 23),
        ("always", "2026-10-25T00:00", "2026-10-26T00:00", 25),
        ("hamburg", "2026-04-02T00:00", "2026-04-08T00:00", 16),
        ("office", "2026-03-09T10:00", "2026-03-06T16:00", 0),
    ],
)
def test_open_time_between(kind: str, start: str, end: str, hours: int) -> None:
    assert open_between(KINDS[kind], berlin(start), berlin(end)) == timedelta(hours=hours)


def test_why_a_day_is_closed() -> None:
    with_note = calendar(closures=[{"from": "2026-08-03", "to": "2026-08-14", "note": "Summer break"}])
    assert closed_because(with_note, date(2026, 8, 14)) == "Summer break"
    assert closed_because(with_note, date(2026, 8, 15)) is None
    assert closed_because(KINDS["away"], date(2026, 3, 9)) == "Closed"
    assert closed_because(KINDS["hamburg"], date(2026, 12, 25)) == "Christmas Day"
    assert closed_because(OFFICE, date(2026, 12, 25)) is None
    assert not is_closed_day(OFFICE, date(2026, 3, 8)), "a Sunday is no closure"
    assert is_closed_day(KINDS["away"], date(2026, 3, 10))


def test_a_closure_is_asked_by_the_local_day() -> None:
    tokyo = calendar(timezone="Asia/Tokyo", closures=[{"from": "2026-03-09", "to": "2026-03-09"}])
    midnight = datetime(2026, 3, 8, 15, 0, tzinfo=UTC)
    assert closure_at(tokyo, midnight - timedelta(seconds=1)) is None
    assert closure_at(tokyo, midnight) == Closure(date(2026, 3, 9), date(2026, 3, 9))
    assert closure_end(tokyo, midnight) == midnight + timedelta(days=1)
    assert closure_at(tokyo, midnight + timedelta(days=1)) is None


def test_public_holidays_are_no_closure() -> None:
    assert closure_at(KINDS["hamburg"], berlin("2026-12-25T12:00")) is None
    assert closure_end(KINDS["hamburg"], berlin("2026-12-25T12:00")) is None


def test_closures_that_follow_one_another_end_together() -> None:
    chain = calendar(
        closures=[
            {"from": "2026-08-10", "to": "2026-08-14"},
            {"from": "2026-08-03", "to": "2026-08-09"},
            {"from": "2026-08-05", "to": "2026-08-06"},
            {"from": "2026-08-16", "to": "2026-08-17"},
        ]
    )
    assert closure_end(chain, berlin("2026-08-04T12:00")) == berlin("2026-08-15T00:00")
    assert closure_end(chain, berlin("2026-08-15T12:00")) is None


def test_nothing_open_for_400_days_is_told_and_not_searched_for_ever() -> None:
    gone = calendar(closures=[{"from": "2026-01-01", "to": "2027-12-31"}])
    start = berlin("2026-03-06T16:00")
    for length in ("1 business hours", "1 business days"):
        with pytest.raises(CalendarError, match="never open within 400 days"):
            add_span(gone, start, span(length))
        with pytest.raises(CalendarError, match="never open within 400 days"):
            subtract_span(gone, berlin("2027-11-01T12:00"), span(length))
    with pytest.raises(CalendarError, match="never open"):
        next_opening(gone, start)
    assert add_span(gone, start, span("1 calendar days")) == start + timedelta(days=1)


def test_a_closure_of_a_year_is_counted_over() -> None:
    year = calendar(closures=[{"from": "2026-01-01", "to": "2026-12-31"}])
    assert add_span(year, berlin("2026-03-06T16:00"), span("1 business hours")) == berlin("2027-01-01T10:00")


def test_answers_are_in_utc() -> None:
    start = berlin("2026-03-06T16:00").astimezone(ZoneInfo("Europe/Berlin"))
    for length in ("1 business hours", "1 business days", "1 calendar hours", "1 calendar days"):
        assert add_span(OFFICE, start, span(length)).tzinfo is UTC
        assert subtract_span(OFFICE, start, span(length)).tzinfo is UTC
    assert next_opening(OFFICE, start).tzinfo is UTC

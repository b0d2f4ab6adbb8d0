"""Hours as sent: what they mean when parts are left out, and the sentence for what cannot be used."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from portal.calendars import public_holidays
from portal.calendars.closures import too_much_closed
from portal.calendars.policy import (
    CalendarError,
    Clock,
    Closure,
    Span,
    Unit,
    calendar_from_json,
    closed_because,
    parse_calendar,
    parse_span,
)

BASE = {"timezone": "Europe/Berlin", "country": "DE"}
NINE_TO_FIVE = ((540, 1020),)


def test_everything_left_out_is_monday_to_friday_and_the_holidays_of_the_country() -> None:
    calendar = parse_calendar(BASE)
    assert calendar.week == (NINE_TO_FIVE,) * 5 + ((),) * 2
    assert (calendar.holiday_country, calendar.holiday_subdivision, calendar.closures) == ("DE", None, ())
    assert closed_because(calendar, date(2026, 10, 3)) == "German Unity Day"


def test_null_holidays_are_none_observed() -> None:
    assert parse_calendar({**BASE, "holidays": None}).holiday_country is None


def test_a_country_without_known_holidays_observes_none_unless_it_is_asked_for_by_name() -> None:
    assert not public_holidays.is_known("ZZ")
    assert parse_calendar({**BASE, "country": "ZZ"}).holiday_country is None
    with pytest.raises(CalendarError) as refused:
        parse_calendar({**BASE, "holidays": {"country": "ZZ"}})
    assert refused.value.field == "holidays.country"


def test_a_day_left_out_of_the_week_is_closed() -> None:
    calendar = parse_calendar({**BASE, "opening_hours": {"sat": [["10:00", "14:00"]]}})
    assert calendar.week == ((),) * 5 + (((600, 840),), ())


@pytest.mark.parametrize(
    ("interval", "minutes"),
    [
        (["09:00", "12:30"], (540, 750)),
        (["22:00", "06:00"], (1320, 1800)),
        (["22:00", "24:00"], (1320, 1440)),
        (["22:00", "00:00"], (1320, 1440)),
        (["00:00", "24:00"], (0, 1440)),
        (["09:00", "09:00"], (540, 1980)),
    ],
)
def test_an_end_not_after_its_start_runs_past_midnight(interval: list[str], minutes: tuple[int, int]) -> None:
    assert parse_calendar({**BASE, "opening_hours": {"wed": [interval]}}).week[2] == (minutes,)


def test_intervals_are_kept_in_order_and_may_touch() -> None:
    hours = {"mon": [["13:00", "17:00"], ["09:00", "13:00"]], "sun": [["20:00", "24:00"]]}
    assert parse_calendar({**BASE, "opening_hours": hours}).week[0] == ((540, 780), (780, 1020))


def test_a_subdivision_adds_its_own_holidays() -> None:
    bavaria = parse_calendar({**BASE, "holidays": {"country": "DE", "subdivision": "BY"}})
    assert closed_because(bavaria, date(2026, 1, 6)) == "Epiphany"
    assert closed_because(parse_calendar(BASE), date(2026, 1, 6)) is None


def test_years_that_the_holiday_tables_do_not_reach_have_none_and_warn_nobody() -> None:
    assert dict(public_holidays.in_year("DE", None, 1800)) == {}
    assert dict(public_holidays.in_year("CN", None, 2400)) == {}


def test_closures_are_sorted_and_include_both_ends() -> None:
    sent = [
        {"from": "2026-12-24", "to": "2026-12-31"},
        {"from": "2026-08-03", "to": "2026-08-03", "note": "Fair"},
    ]
    closures = parse_calendar({**BASE, "closures": sent}).closures
    assert closures[0] == Closure(date(2026, 8, 3), date(2026, 8, 3), "Fair")
    assert closures[1] == Closure(date(2026, 12, 24), date(2026, 12, 31), None)


def test_the_same_text_is_the_same_calendar_and_equal_calendars_hash_alike() -> None:
    text = json.dumps(BASE, sort_keys=True)
    assert calendar_from_json(text) is calendar_from_json(text)
    assert {calendar_from_json(text), parse_calendar(BASE)} == {parse_calendar(BASE)}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"timezone": "Mars/Base"}, "timezone", "IANA"),
        ({"timezone": None}, "timezone", "IANA"),
        ({"timezone": "../Berlin"}, "timezone", "IANA"),
        ({"openings": {}}, "openings", "nothing else"),
        ({"opening_hours": []}, "opening_hours", "mon to sun"),
        ({"opening_hours": {}}, "opening_hours", "without openings"),
        ({"opening_hours": {"mon": [], "sun": []}}, "opening_hours", "without openings"),
        ({"opening_hours": {"monday": []}}, "opening_hours.monday", "mon, tue"),
        ({"opening_hours": {"mon": "09:00-17:00"}}, "opening_hours.mon", "list of intervals"),
        ({"opening_hours": {"mon": None}}, "opening_hours.mon", "list of intervals"),
        ({"opening_hours": {"mon": [["09:00"]]}}, "opening_hours.mon.0", "opening and closing"),
        ({"opening_hours": {"mon": ["09:00"]}}, "opening_hours.mon.0", "opening and closing"),
        ({"opening_hours": {"mon": [["9:00", "17:00"]]}}, "opening_hours.mon.0.0", "HH:MM"),
        ({"opening_hours": {"mon": [["09:00", "25:00"]]}}, "opening_hours.mon.0.1", "HH:MM"),
        ({"opening_hours": {"mon": [["09:00", "17:60"]]}}, "opening_hours.mon.0.1", "HH:MM"),
        ({"opening_hours": {"mon": [["09:00", "24:01"]]}}, "opening_hours.mon.0.1", "HH:MM"),
        ({"opening_hours": {"mon": [["09:00", 17]]}}, "opening_hours.mon.0.1", "HH:MM"),
        ({"opening_hours": {"mon": [["24:00", "06:00"]]}}, "opening_hours.mon.0.0", "00:00 of the next day"),
        (
            {"opening_hours": {"mon": [["09:00", "13:00"], ["12:59", "17:00"]]}},
            "opening_hours.mon",
            "Intervals of Monday overlap",
        ),
        (
            {"opening_hours": {"fri": [["22:00", "06:00"]], "sat": [["05:00", "09:00"]]}},
            "opening_hours.sat",
            "Friday and Saturday overlap",
        ),
        (
            {"opening_hours": {"sun": [["22:00", "06:00"]], "mon": [["05:00", "09:00"]]}},
            "opening_hours.mon",
            "Sunday and Monday overlap",
        ),
        ({"holidays": "DE"}, "holidays", "null for none"),
        ({"holidays": {}}, "holidays", "null for none"),
        ({"holidays": {"country": "DE", "city": "X"}}, "holidays", "null for none"),
        ({"holidays": {"country": "Germany"}}, "holidays.country", "two letters"),
        ({"holidays": {"country": ["DE"]}}, "holidays.country", "two letters"),
        ({"holidays": {"country": "DE", "subdivision": "XX"}}, "holidays.subdivision", "BB, BE, BW"),
        ({"holidays": {"country": "SJ", "subdivision": "1"}}, "holidays.subdivision", "leave it out"),
        ({"closures": {"from": "2026-01-01"}}, "closures", "list of closures"),
        ({"closures": ["2026-01-01"]}, "closures.0", "from, to"),
        ({"closures": [{"from": "2026-01-01"}]}, "closures.0", "from, to"),
        ({"closures": [{"from": "2026-01-01", "to": "2026-01-02", "why": ""}]}, "closures.0", "from, to"),
        ({"closures": [{"from": "2026-01-02", "to": "2026-01-01"}]}, "closures.0.to", "or later"),
        ({"closures": [{"from": "2026-02-30", "to": "2026-03-01"}]}, "closures.0.from", "YYYY-MM-DD"),
        ({"closures": [{"from": "2026-01-01", "to": "20260102"}]}, "closures.0.to", "YYYY-MM-DD"),
        ({"closures": [{"from": "2026-01-01", "to": "2026-01-02", "note": 5}]}, "closures.0.note", "text"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field_and_a_sentence(
    change: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(CalendarError) as refused:
        parse_calendar({**BASE, **change})
    assert refused.value.field == field
    assert words in refused.value.message


def test_a_duration_is_read_and_said() -> None:
    read = parse_span({"value": 2, "unit": "days", "clock": "business"}, "within")
    assert read == Span(2, Unit.DAYS, Clock.BUSINESS)
    assert parse_span(read.as_mapping(), "within") == read
    assert str(read) == "2 business days"
    assert str(Span(1, Unit.HOURS, Clock.CALENDAR)) == "1 hour"


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        (None, "within", "value, unit and clock"),
        (5, "within", "value, unit and clock"),
        ({"value": 2, "unit": "days"}, "within.clock", "business or calendar"),
        ({"value": 2, "clock": "business"}, "within.unit", "minutes, hours or days"),
        ({"unit": "days", "clock": "business"}, "within.value", "1 to 10,000"),
        ({"value": 0, "unit": "days", "clock": "business"}, "within.value", "1 to 10,000"),
        ({"value": 10_001, "unit": "days", "clock": "business"}, "within.value", "1 to 10,000"),
        ({"value": 1.5, "unit": "days", "clock": "business"}, "within.value", "whole number"),
        ({"value": True, "unit": "days", "clock": "business"}, "within.value", "whole number"),
        ({"value": "2", "unit": "days", "clock": "business"}, "within.value", "whole number"),
        ({"value": 2, "unit": "weeks", "clock": "business"}, "within.unit", "minutes, hours or days"),
        ({"value": 2, "unit": "days", "clock": ["business"]}, "within.clock", "business or calendar"),
        ({"value": 2, "unit": "days", "clock": "business", "zone": "UTC"}, "within.zone", "nothing else"),
    ],
)
def test_a_duration_that_cannot_be_used_is_refused(sent: object, field: str, words: str) -> None:
    with pytest.raises(CalendarError) as refused:
        parse_span(sent, "within")
    assert refused.value.field == field
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("hours", "closures", "sentence"),
    [
        ({}, [("2026-01-01", "2026-06-29")], None),
        ({}, [("2026-01-01", "2026-04-30"), ("2026-05-05", "2026-08-31")], None),
        ({}, [("2026-01-01", "2026-04-30"), ("2026-05-05", "2026-09-05")], "at most 240 days in a year"),
        ({}, [("2026-07-01", "2026-12-27"), ("2027-01-04", "2027-06-01")], "at most 240 days in a year"),
        ({}, [("2026-01-01", "2026-04-30"), ("2027-01-02", "2027-05-01")], None),
        ({"sat": [["10:00", "14:00"]]}, [("2026-03-02", "2026-08-20")], None),
        ({"sat": [["10:00", "14:00"]]}, [("2026-03-02", "2026-08-28"), ("2026-08-29", "2026-09-05")], "nothing opens"),
        ({}, [("9999-12-01", "9999-12-31")], None),
    ],
)
def test_closures_leave_openings_within_which_deadlines_fall_due(
    hours: dict[str, Any], closures: list[tuple[str, str]], sentence: str | None
) -> None:
    sent = {"closures": [{"from": first, "to": last} for first, last in closures]}
    found = too_much_closed(parse_calendar({**BASE, **sent, **({"opening_hours": hours} if hours else {})}))
    assert found is None if sentence is None else found is not None and sentence in found


def test_a_partner_cannot_close_on_every_one_of_its_days() -> None:
    saturdays = [(date(2026, 1, 3) + timedelta(days=7 * n)).isoformat() for n in range(60)]
    away = {"closures": [{"from": day, "to": day} for day in saturdays], "opening_hours": {"sat": [["10:00", "14:00"]]}}
    told = too_much_closed(parse_calendar({**BASE, **away}))
    assert told == "With these closures nothing opens for more than 190 days; leave an opening in between."

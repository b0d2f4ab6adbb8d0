"""What is said of a policy: presets that pass, differences in words, worked examples, the days counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.calendars.days import clock_shift, days_between
from portal.calendars.hours import Calendar, DayOff, calendar_with
from portal.calendars.policy import Clock, Span, Unit, add_span, closed_because, closure_at, parse_calendar
from portal.compliance.example import Record, by_misses, outcome, sentence
from portal.compliance.facts import Ladder
from portal.deadlines import example
from portal.deadlines.difference import Change, Difference, differences
from portal.deadlines.document import DEFAULT_POLICY, PolicyDocument, parse_policy
from portal.deadlines.presets import LENIENT, PRESETS, STRICT, preset
from portal.vocabulary import Standing
from tests.policy.test_calendars_policy import NIGHTS, SPLIT

HOLIDAYS = {"country": "DE"}


def calendar(**more: Any) -> Calendar:
    return parse_calendar({"timezone": "Europe/Berlin", "country": "DE", "holidays": None, **more})


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def worked(start: str, hours: Calendar, within: str, **more: Any) -> tuple[example.Example, PolicyDocument]:
    value, clock, unit = within.split()
    entry = {"kind": "respond", "within": {"value": int(value), "unit": unit, "clock": clock}, **more}
    document = parse_policy({"obligations": [entry, {"kind": "respond", "within": entry["within"]}]})
    return example.worked_out(document, hours, berlin(start))[0], document


def test_each_preset_is_pinned_and_passes_the_check() -> None:
    assert [each.name for each in PRESETS] == ["default", "strict", "lenient"]
    for each in PRESETS:
        assert parse_policy(parse_policy(each.body).body).body == parse_policy(each.body).body
        assert preset(each.name) is each
    assert preset("none") is None
    assert preset("default") is not None and PRESETS[0].body is DEFAULT_POLICY
    told = {
        each.name: [(e.kind.value, str(e.within), e.reassign) for e in parse_policy(each.body).obligations]
        for each in PRESETS
    }
    assert told["strict"] == [
        ("respond", "15 business minutes", True), ("respond", "4 business hours", True),
        ("first_contact", "30 business minutes", True), ("first_contact", "1 business day", True),
        ("next_touch", "3 business days", False), ("feedback", "5 business days", False),
        ("update", "10 business days", False),
    ]  # fmt: skip
    assert told["lenient"] == [
        ("respond", "5 business days", True), ("first_contact", "10 business days", False),
        ("feedback", "20 business days", False),
    ]  # fmt: skip
    rates = [
        [each["ladder"][name] for name in ("warn_below", "reduce_below", "stop_below")] for each in (STRICT, LENIENT)
    ]
    assert rates == [[0.95, 0.85, 0.70], [0.80, 0.65, 0.40]]


def changed(**parts: Any) -> PolicyDocument:
    return parse_policy({**parse_policy(DEFAULT_POLICY).body, **parts})


def entries(*swapped: int, **parts: Any) -> PolicyDocument:
    """The default's deadlines in another order, the first of them with other values."""
    body = parse_policy(DEFAULT_POLICY).body["obligations"]
    found = [body[index] for index in swapped]
    return changed(obligations=[{**found[0], **parts}, *found[1:]])


def test_the_same_policy_has_no_difference() -> None:
    for each in PRESETS:
        document = parse_policy(each.body)
        assert differences(document, parse_policy(document.body)) == ()


@pytest.mark.parametrize(
    ("after", "sentences"),
    [
        (entries(0, 1, 2, 3, within={"value": 1, "unit": "days", "clock": "business"}),
         ["Answer the offer: within 1 business day, was 2 business days."]),
        (entries(0, 1, 2, 3, warn_before=None), ["Answer the offer: warned none, was 4 business hours before."]),
        (entries(0, 1, 2, 3, on_breach={"reassign": False, "notify": []}),
         ["Answer the offer: when missed the lead stays, was the lead moves on.",
          "Answer the offer: told of a miss none, was partner and manager."]),
        (entries(0, 1, 2), ["Feedback: no longer; was within 10 business days."]),
        (entries(0, 2, 1, 3), ["First contact: asked as number 1, was as number 2; the first that fits applies."]),
        (entries(2, 0, 1, 3), ["First contact: asked as number 1, was as number 2; the first that fits applies."]),
        (entries(1, 0, 2, 3), []),
        (entries(1, 0, 2, 3, when={"all": [{"field": "grade", "op": "eq", "value": "B"}]}),
         ["First contact, grade is B: for grade is B, was grade is A."]),
        (entries(3, 0, 1, 2, repeat=None), ["Feedback: asked again after none, was 30 business days."]),
        (changed(hand_overs=2), ["Moves: at most 2, was 5."]),
        (changed(grace_minutes=15), ["Grace: minutes 15, was 0."]),
        (changed(vendor={"appeal_within": {"value": 2, "unit": "days", "clock": "business"}}),
         ["We answer appeals: within 2 business days, was none."]),
        (changed(ladder={"stop_below": 0.655, "probation": {"days": 5}, "severity": {"feedback": 0.5}}),
         ["Ladder: stopped below 65.5 %, was 60 %.", "Probation: business days 5, was 10.",
          "Weights: feedback 0.5, was 1."]),
    ],
)  # fmt: skip
def test_a_difference_in_words(after: PolicyDocument, sentences: list[str]) -> None:
    assert [each.sentence for each in differences(parse_policy(DEFAULT_POLICY), after)] == sentences


def test_what_is_added_is_what_is_gone_the_other_way_round() -> None:
    default, strict = parse_policy(DEFAULT_POLICY), parse_policy(STRICT)
    there, back = differences(default, strict), differences(strict, default)
    assert {d.subject for d in there if d.change is Change.ADDED} == {
        d.subject for d in back if d.change is Change.REMOVED
    }
    turned = {(d.subject, d.what, d.after, d.before) for d in back if d.change is Change.CHANGED}
    assert {(d.subject, d.what, d.before, d.after) for d in there if d.change is Change.CHANGED} == turned


@pytest.mark.parametrize(
    ("after", "stricter"),
    [
        (changed(ladder={"stop_below": 0.7}), True),
        (changed(ladder={"stop_below": 0.5}), False),
        (changed(ladder={"stop_on_overdue": 2}), True),
        (changed(ladder={"window_days": 30}), None),
        (changed(grace_minutes=5), False),
        (entries(0, 1, 2, 3, within={"value": 3, "unit": "days", "clock": "business"}), False),
        (entries(0, 1, 2, 3, within={"value": 6, "unit": "hours", "clock": "business"}), None),
        (entries(0, 1, 2, 3, within={"value": 2, "unit": "days", "clock": "calendar"}), None),
    ],
)
def test_whether_a_change_is_stricter(after: PolicyDocument, stricter: bool | None) -> None:
    found = differences(parse_policy(DEFAULT_POLICY), after)
    assert [each.stricter for each in found] == [stricter]
    assert all(isinstance(each, Difference) for each in found)


@pytest.mark.parametrize(
    ("record", "rung", "said"),
    [
        (Record(10, 0), Standing.GOOD, "10 due, 0 missed has kept 10 of 10 (100 %): Good."),
        (Record(10, 2), Standing.WARNED, "10 due, 2 missed has kept 8 of 10 (80 %): Warned, below 90 %."),
        (Record(10, 3), Standing.REDUCED, "(70 %): Reduced, below 80 %."),
        (Record(10, 4), Standing.REDUCED, "kept 6 of 10 (60 %): Reduced"),
        (Record(10, 5), Standing.STOPPED, "(50 %): Stopped, below 60 %."),
        (Record(20, 1, overdue=1), Standing.WARNED, "1 overdue has kept 19 of 20 (95 %): Warned, since something is"),
        (Record(20, 3, overdue=3), Standing.STOPPED, "3 overdue has kept 17 of 20 (85 %): Stopped, 3 overdue at once."),
        (Record(20, 3, in_a_row=3), Standing.STOPPED, "the last 3 in a row"),
        (Record(20, 3, in_a_row=2), Standing.WARNED, "the last 2 in a row"),
        (Record(4, 2), Standing.GOOD, "(50 %): Good; the rate counts from 5 due on."),
        (Record(0, 0), Standing.GOOD, "0 due, 0 missed has kept 0 of 0: Good"),
    ],
)
def test_a_record_on_the_ladder(record: Record, rung: Standing, said: str) -> None:
    assert outcome(Ladder(), record).named.rung is rung
    assert said in sentence(Ladder(), record)


def test_from_how_many_misses_on_each_rung_begins() -> None:
    assert by_misses(Ladder(), 10) == [(Standing.WARNED, 2), (Standing.REDUCED, 3), (Standing.STOPPED, 5)]
    assert by_misses(Ladder(), 4) == [(s, None) for s in (Standing.WARNED, Standing.REDUCED, Standing.STOPPED)]
    assert by_misses(Ladder(stop_below=Fraction(0)), 10)[2] == (Standing.STOPPED, None)


def test_an_example_is_told_with_its_reasons() -> None:
    found, _ = worked("2026-03-07T11:00", calendar(), "2 business days", warn_before=None)
    assert example.sentence(found, "Europe/Berlin", 2026, "Ostwind's hours") == (
        "An offer made Sat 7 Mar 11:00 CET is due Wed 11 Mar 17:00 CET (Ostwind's hours)."
    )
    assert example.why(found, calendar(), "Europe/Berlin", 2026) == [
        "The start is outside opening hours: it counts from Mon 9 Mar 09:00 CET.",
        "The day of the start is not counted: due at the closing of open day 2.",
        "No warning before it.",
    ]
    assert "2026" in example.sentence(found, "Europe/Berlin", 2025, "x")


def test_feedback_and_touches_are_told_to_their_end() -> None:
    document = parse_policy({**STRICT, "grace_minutes": 30})
    found = {
        each.entry.kind.value: each for each in example.worked_out(document, calendar(), berlin("2026-03-06T16:00"))
    }
    feedback, touch = (
        example.why(found[kind], calendar(), "Europe/Berlin", 2026) for kind in ("feedback", "next_touch")
    )
    assert "Answered working then, feedback is asked for again by Mon 30 Mar 17:00 CEST (10 business days)." in feedback
    assert any("5 touches in all with the one it starts at, the last by Fri 27 Mar 17:00 CET" in line for line in touch)
    assert "Until Fri 13 Mar 17:30 CET it still counts as in time." in feedback


def test_what_never_falls_due_says_so() -> None:
    away = calendar(closures=[{"from": "2026-01-01", "to": "2027-12-31"}])
    found, _ = worked("2026-03-06T16:00", away, "2 business hours")
    assert found.due is None and "never: nothing opens within 400 days" in example.sentence(found, "UTC", 2026, "x")
    assert example.why(found, away, "UTC", 2026) == [example.NEVER]


def lines(start: str, hours: Calendar, within: str) -> list[tuple[str, str, str, str]]:
    found, _ = worked(start, hours, within, warn_before=None)
    assert found.stretch is not None
    told = example.day_lines(hours, found.stretch, found.entry.within, 2026)
    return [(line.day, line.hours, line.counts, line.note) for line in told]


def test_the_days_that_were_counted_are_listed_with_what_closed_the_others() -> None:
    easter = calendar(holidays=HOLIDAYS, closures=[{"from": "2026-04-07", "to": "2026-04-07", "note": "Stocktaking"}])
    assert lines("2026-04-02T16:00", easter, "1 business days") == [
        ("Thu 2 Apr", "16:00-17:00", "Start", ""), ("Fri 3 Apr", "Closed", "", "Good Friday"),
        ("Sat 4 Apr", "Closed", "", "No opening hours"), ("Sun 5 Apr", "Closed", "", "No opening hours"),
        ("Mon 6 Apr", "Closed", "", "Easter Monday"), ("Tue 7 Apr", "Closed", "", "Stocktaking"),
        ("Wed 8 Apr", "09:00-17:00", "Day 1", ""),
    ]  # fmt: skip
    assert lines("2026-03-06T12:00", calendar(opening_hours=SPLIT), "5 business hours") == [
        ("Fri 6 Mar", "12:00-12:30, 13:30-18:00", "5 h", "")
    ]
    assert lines("2026-03-27T16:00", calendar(), "90 business minutes")[2] == (
        "Sun 29 Mar", "Closed", "", "No opening hours. Clocks go forward 1 h",
    )  # fmt: skip
    assert lines("2026-03-27T16:00", calendar(), "30 calendar hours") == []
    nights = lines("2026-03-07T02:00", calendar(opening_hours=NIGHTS), "5 business hours")
    assert nights[0] == ("Fri 6 Mar", "02:00-06:00", "4 h", "") and nights[-1][1:3] == ("22:00-23:00", "1 h")


def test_a_change_of_clocks_is_told_where_calendar_time_runs_over_it() -> None:
    found, _ = worked("2026-10-24T17:00", calendar(), "2 calendar days")
    told = example.why(found, calendar(), "Europe/Berlin", 2026)
    assert "Clocks go back 1 h on Sun 25 Oct." in told and "Days keep the time of day." in told


@pytest.mark.parametrize(
    ("zone", "day", "shift"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 60), ("Europe/Berlin", date(2026, 10, 25), -60),
        ("Australia/Lord_Howe", date(2026, 4, 5), -30), ("America/Havana", date(2026, 3, 8), 60),
        ("America/Santiago", date(2026, 9, 6), 60), ("Asia/Kolkata", date(2026, 3, 29), 0),
    ],
)  # fmt: skip
def test_on_which_day_clocks_change(zone: str, day: date, shift: int) -> None:
    assert clock_shift(calendar(timezone=zone), day) == timedelta(minutes=shift)
    assert clock_shift(calendar(timezone=zone), day + timedelta(days=2)) == timedelta(0)


def test_days_between_the_wrong_way_round_are_none() -> None:
    assert list(days_between(calendar(), berlin("2026-03-06T12:00"), berlin("2026-03-06T11:00"))) == []


def test_a_long_stretch_is_listed_in_part() -> None:
    found = example.stretch(calendar(), berlin("2026-01-01T12:00"), berlin("2027-01-01T12:00"))
    assert len(found.days) == example.LISTED_DAYS and found.left_out == 366 - example.LISTED_DAYS
    whole_days = sum(1 for day in found.days if day.spans)
    assert found.counted == timedelta(hours=whole_days * 8 - 3), "the first day counts from 12:00 on"


def test_a_day_off_of_the_vendor_is_left_out_and_is_no_closure() -> None:
    text = '{"country": "DE", "holidays": null, "timezone": "Europe/Berlin"}'
    off = calendar_with(text, (DayOff(date(2026, 3, 9), "Company day"),))
    assert calendar_with(text, ()).days_off == ()
    start = berlin("2026-03-06T16:00")
    assert add_span(off, start, Span(2, Unit.HOURS, Clock.BUSINESS)) == berlin("2026-03-10T10:00")
    assert add_span(off, start, Span(1, Unit.DAYS, Clock.BUSINESS)) == berlin("2026-03-10T17:00")
    assert closed_because(off, date(2026, 3, 9)) == "Company day"
    assert closure_at(off, berlin("2026-03-09T12:00")) is None, "leads are offered on it"
    assert add_span(replace(off, days_off=()), start, Span(1, Unit.DAYS, Clock.BUSINESS)) == berlin("2026-03-09T17:00")

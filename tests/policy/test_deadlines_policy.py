"""The instants of an obligation, and which touches count."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.calendars.policy import CalendarError, Clock, Span, Unit, parse_calendar
from portal.deadlines.document import parse_policy
from portal.deadlines.policy import Due, due_for, touch_counts
from portal.vocabulary import ActivityKind, ActivityOutcome

CALENDAR = parse_calendar({"timezone": "UTC", "country": "DE", "holidays": None})
FRIDAY = datetime(2026, 3, 6, 16, 0, tzinfo=UTC)


def due(within: dict[str, Any], warn: dict[str, Any] | None, grace: int = 0, again: Span | None = None) -> Due:
    entry = {"kind": "respond", "within": within, "warn_before": warn}
    document = parse_policy({"obligations": [entry], "grace_minutes": grace})
    return due_for(document, document.obligations[0], CALENDAR, FRIDAY, within=again)


def span(value: int, unit: str, clock: str = "business") -> dict[str, Any]:
    return {"value": value, "unit": unit, "clock": clock}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_within_2_business_days_an_offer_made_friday_16_00_is_due_tuesday_17_00() -> None:
    assert due(span(2, "days"), span(4, "hours"), grace=30) == Due(
        opened_at=FRIDAY,
        warn_at=at("2026-03-10T13:00"),
        due_at=at("2026-03-10T17:00"),
        grace_until=at("2026-03-10T17:30"),
    )


def test_without_grace_it_is_breached_from_the_due_instant_on() -> None:
    read = due(span(2, "days"), None)
    assert (read.warn_at, read.grace_until) == (None, read.due_at)


@pytest.mark.parametrize(
    ("within", "warn", "warned"),
    [
        (span(2, "hours"), span(1, "hours"), "2026-03-09T09:00"),
        (span(2, "hours"), span(1, "days"), None),
        (span(1, "days"), span(1, "days", "calendar"), "2026-03-08T17:00"),
        (span(30, "minutes"), span(1, "hours", "calendar"), None),
        (span(60, "minutes"), span(1, "hours", "calendar"), None),
        (span(61, "minutes", "calendar"), span(60, "minutes", "calendar"), "2026-03-06T16:01"),
    ],
)
def test_a_warning_comes_after_the_opening_or_not_at_all(
    within: dict[str, Any], warn: dict[str, Any], warned: str | None
) -> None:
    assert due(within, warn).warn_at == (at(warned) if warned else None)


def test_what_is_asked_for_again_has_its_own_duration() -> None:
    read = due(span(2, "days"), span(1, "days"), again=Span(30, Unit.DAYS, Clock.BUSINESS))
    assert (read.due_at, read.warn_at) == (at("2026-04-17T17:00"), at("2026-04-16T09:00"))


def test_a_partner_that_is_away_for_longer_than_can_be_searched_is_told_apart() -> None:
    closures = [{"from": "2026-01-01", "to": "2027-12-31"}]
    away = parse_calendar({"timezone": "UTC", "country": "DE", "holidays": None, "closures": closures})
    document = parse_policy({"obligations": [{"kind": "respond", "within": span(2, "days")}]})
    with pytest.raises(CalendarError, match="never open"):
        due_for(document, document.obligations[0], away, FRIDAY)


def test_no_open_time_to_warn_in_is_no_warning() -> None:
    closures = [{"from": "2024-01-01", "to": "2026-04-30"}]
    away = parse_calendar({"timezone": "UTC", "country": "DE", "holidays": None, "closures": closures})
    entry = {"kind": "respond", "within": span(1, "days", "calendar"), "warn_before": span(1, "hours")}
    document = parse_policy({"obligations": [entry]})
    assert due_for(document, document.obligations[0], away, FRIDAY).warn_at is None


NOW = at("2026-03-09T12:00")
TOUCH: dict[str, Any] = {
    "kind": ActivityKind.CALL,
    "outcome": ActivityOutcome.NO_ANSWER,
    "recorded_at": NOW,
    "occurred_at": NOW,
    "accepted_at": at("2026-03-09T10:00:40"),
    "ended_at": None,
    "last_counted_same_kind_at": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        *({"outcome": outcome} for outcome in ActivityOutcome if outcome is not ActivityOutcome.BOUNCED),
        *({"kind": kind} for kind in ActivityKind if kind is not ActivityKind.NOTE),
        {"occurred_at": at("2026-03-09T10:00")},
        {"accepted_at": NOW},
        {"ended_at": NOW},
        {"last_counted_same_kind_at": NOW - timedelta(minutes=5)},
    ],
)
def test_a_touch_counts(change: dict[str, Any]) -> None:
    assert touch_counts(**{**TOUCH, **change}) == (True, "Counts as a touch.")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": ActivityKind.NOTE}, "a note is kept"),
        ({"kind": ActivityKind.NOTE, "outcome": ActivityOutcome.REACHED}, "a note is kept"),
        ({"kind": ActivityKind.EMAIL, "outcome": ActivityOutcome.BOUNCED}, "it bounced"),
        ({"accepted_at": None}, "accept the lead first"),
        ({"accepted_at": NOW + timedelta(seconds=1)}, "accept the lead first"),
        ({"occurred_at": NOW + timedelta(seconds=1)}, "dated in the future"),
        ({"occurred_at": at("2026-03-09T09:59:59")}, "dated before you accepted"),
        ({"ended_at": NOW - timedelta(seconds=1)}, "dated after this lead was closed"),
        ({"last_counted_same_kind_at": NOW}, "the last call was logged less than 5 minutes before"),
        ({"last_counted_same_kind_at": NOW - timedelta(minutes=4, seconds=59)}, "less than 5 minutes"),
    ],
)
def test_a_touch_does_not_count_and_the_sentence_says_why(change: dict[str, Any], why: str) -> None:
    counts, sentence = touch_counts(**{**TOUCH, **change})
    assert not counts
    assert sentence.startswith("Does not count: ")
    assert why in sentence
    assert sentence.endswith(".")

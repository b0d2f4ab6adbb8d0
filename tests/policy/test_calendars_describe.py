"""How instants are said to a reader."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.calendars.describe import describe_instant, exact, relative

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0.5, "now"),
        (-0.5, "now"),
        (1, "in 1 min"),
        (55, "in 55 min"),
        (59.9, "in 59 min"),
        (60, "in 1 h"),
        (239, "in 3 h"),
        (23 * 60 + 59, "in 23 h"),
        (24 * 60, "in 1 day"),
        (71 * 60, "in 2 days"),
        (-20, "20 min late"),
        (-4 * 60, "4 h late"),
        (-24 * 60, "1 day late"),
        (-50 * 60, "2 days late"),
    ],
)
def test_how_far_off(minutes: float, said: str) -> None:
    assert relative(NOW + timedelta(minutes=minutes), NOW) == said


def test_an_event_of_the_past_is_ago_not_late() -> None:
    assert relative(NOW - timedelta(hours=4), NOW, past="ago") == "4 h ago"


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        ("2026-03-03T16:00", "Europe/Berlin", "today 17:00 CET"),
        ("2026-03-04T10:20", "Europe/Berlin", "tomorrow 11:20 CET"),
        ("2026-03-06T16:00", "Europe/Berlin", "Fri 6 Mar 17:00 CET"),
        ("2026-03-02T16:00", "Europe/Berlin", "Mon 2 Mar 17:00 CET"),
        ("2026-04-07T15:00", "Europe/Berlin", "Tue 7 Apr 17:00 CEST"),
        ("2027-03-05T16:00", "Europe/Berlin", "Fri 5 Mar 2027 17:00 CET"),
        ("2025-12-31T23:30", "Europe/Berlin", "Thu 1 Jan 00:30 CET"),
        ("2025-12-31T23:30", "UTC", "Wed 31 Dec 2025 23:30 UTC"),
        ("2026-03-03T15:30", "Asia/Tokyo", "tomorrow 00:30 JST"),
        ("2026-03-03T12:00", "Asia/Dubai", "today 16:00 UTC+4"),
        ("2026-03-03T12:00", "Asia/Kathmandu", "today 17:45 UTC+5:45"),
        ("2026-03-03T12:00", "America/Sao_Paulo", "today 09:00 UTC-3"),
    ],
)
def test_when(at: str, zone: str, said: str) -> None:
    assert exact(datetime.fromisoformat(at).replace(tzinfo=UTC), zone, NOW) == said


def test_both_at_once() -> None:
    due = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
    assert describe_instant(due, "Europe/Berlin", NOW) == {"relative": "in 6 h", "exact": "today 17:00 CET"}

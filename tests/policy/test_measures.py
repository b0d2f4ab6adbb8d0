"""The figures of the scoreboard by hand-made leads: what counts, in which period, and how it is told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.reporting.measures import (
    Arrival,
    Deadline,
    Facts,
    Figure,
    Held,
    Part,
    change,
    gathered,
    length,
    scoreboard,
    share,
)
from portal.reporting.period import MOST_DAYS, Period, period
from portal.vocabulary import AssignmentState, LeadStatus, ObligationState

BERLIN = "Europe/Berlin"
MARCH = Period(date(2026, 3, 1), date(2026, 3, 10), BERLIN)
AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
BEFORE = AT - timedelta(days=10)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def figures(facts: Facts, asked: Period = MARCH) -> dict[str, Figure]:
    return {figure.key: figure for figure in scoreboard(facts, asked)}


def parts(figure: Figure) -> dict[str, tuple[int, ...]]:
    return {part.label: part.values for part in figure.parts if any(part.values)}


# ---------- the period ----------


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        (None, None, ("2026-02-10", "2026-03-11")),
        ("2026-03-01", "2026-03-05", ("2026-03-01", "2026-03-05")),
        ("2026-03-05", "2026-03-01", ("2026-03-01", "2026-03-05")),
        ("2026-03-01", None, ("2026-03-01", "2026-03-11")),
        ("2025-03-01", None, ("2025-03-01", "2025-03-30")),
        ("2026-05-01", None, ("2026-05-01", "2026-05-01")),
        (None, "2026-01-31", ("2026-01-02", "2026-01-31")),
        ("1990-01-01", "2026-03-11", ("2024-03-11", "2026-03-11")),
    ],
)
def test_the_period_asked_for(first: str | None, last: str | None, wanted: tuple[str, str]) -> None:
    days = [date.fromisoformat(text) if text else None for text in (first, last)]
    found = period(days[0], days[1], datetime(2026, 3, 11, 12, tzinfo=UTC), BERLIN)
    assert (found.first.isoformat(), found.last.isoformat()) == wanted


def test_today_is_the_readers_day() -> None:
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    assert period(None, None, late, BERLIN).last == date(2026, 3, 11)
    assert period(None, None, late, "UTC").last == date(2026, 3, 10)


def test_days_begin_and_end_at_the_zones_midnight_across_a_change_of_clocks() -> None:
    spring = Period(date(2026, 3, 29), date(2026, 3, 29), BERLIN)
    assert (spring.starts, spring.ends) == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, MOST_DAYS))
def test_the_period_before_is_as_long_and_ends_where_this_one_begins(first: date, days: int) -> None:
    asked = Period(first, first + timedelta(days=days - 1), BERLIN)
    assert (asked.before.days, asked.before.ends) == (days, asked.starts)
    assert len(asked.points) <= 31
    assert asked.point_of(asked.starts) == 0
    assert asked.point_of(asked.ends - timedelta(microseconds=1)) == len(asked.points) - 1


# ---------- leads ----------


def test_leads_count_on_their_own_day_and_in_their_own_period() -> None:
    edge = [MARCH.starts, MARCH.ends - timedelta(microseconds=1)]
    outside = [MARCH.before.starts, MARCH.ends, MARCH.before.starts - HOUR]
    found = figures(Facts([Arrival(at, LeadStatus.OFFERED) for at in (*edge, *outside)]))["leads"]
    assert (found.number, found.compare, found.value, found.was) == ("2", "1 before", 2, 1)
    assert parts(found) == {"1 Mar": (1,), "10 Mar": (1,)}
    assert found.parts[0].before == (1,)
    assert len(found.parts) == 10


@pytest.mark.parametrize(
    ("status", "handed", "counts"),
    [
        (LeadStatus.RECEIVED, False, False),
        (LeadStatus.DUPLICATE, False, False),
        (LeadStatus.DISQUALIFIED, False, False),
        (LeadStatus.DISQUALIFIED, True, False),
        (LeadStatus.NURTURE, False, False),
        (LeadStatus.NURTURE, True, True),
        (LeadStatus.ERASED, False, False),
        (LeadStatus.ERASED, True, True),
        (LeadStatus.UNALLOCATED, False, True),
        (LeadStatus.POOLED, False, True),
        (LeadStatus.OFFERED, True, True),
        (LeadStatus.ACCEPTED, True, True),
        (LeadStatus.CONTACTED, True, True),
        (LeadStatus.WON, True, True),
        (LeadStatus.LOST, True, True),
        (LeadStatus.RETURNED, True, True),
    ],
)
def test_what_counts_as_qualified(status: LeadStatus, handed: bool, counts: bool) -> None:
    found = figures(Facts([Arrival(AT, status, None, AT + HOUR if handed else None)]))
    assert (found["leads"].value, found["qualified"].value) == (1, int(counts))


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (3, 0, "none before"),
        (3, 4, "4 before"),
        (412, 368, "368 before, +12 %"),
        (5, 10, "10 before, -50 %"),
        (10, 10, "10 before, the same"),
        (1200, 1000, "1,000 before, +20 %"),
    ],
)
def test_the_change_is_told_in_percent_where_there_were_enough(now: int, before: int, told: str) -> None:
    assert change(now, before) == told


# ---------- times ----------


def test_hand_over_runs_from_arrival_to_the_first_offer_of_qualified_leads() -> None:
    waits = [HOUR, 2 * HOUR, 6 * HOUR, 26 * HOUR, 90 * HOUR, 200 * HOUR]
    arrivals = [Arrival(AT, LeadStatus.OFFERED, None, AT + wait) for wait in waits]
    arrivals += [Arrival(AT, LeadStatus.UNALLOCATED), Arrival(AT, LeadStatus.DUPLICATE, None, AT)]
    found = figures(Facts(arrivals))["hand_over"]
    assert (found.number, found.compare, found.value) == ("16.0 h", "6 of 7 handed over", 16.0)
    assert parts(found) == {
        "to 1 h": (1,), "to 4 h": (1,), "to 1 day": (1,), "to 3 days": (1,), "longer": (2,), "none yet": (1,),
    }  # fmt: skip


def test_response_runs_from_offer_to_accept_or_decline() -> None:
    state, offered = AssignmentState, AT + HOUR
    held = [
        Held(AT, state.ACCEPTED, offered, offered + HOUR),
        Held(AT, state.DECLINED, offered, None, offered + 3 * HOUR),
        Held(AT, state.CLOSED, offered, offered + 5 * HOUR, offered + 9 * DAY),
        Held(AT, state.RECALLED, offered, offered + 30 * HOUR, offered + 9 * DAY),
        Held(AT, state.EXPIRED, offered, None, offered + 2 * DAY),
        Held(AT, state.OFFERED, offered),
        Held(AT, state.RECALLED, offered, None, offered + HOUR),
        Held(AT, state.ACCEPTED, None, AT + 4 * DAY),
    ]
    found = figures(Facts(held=held))["response"]
    assert (found.number, found.compare) == ("4.0 h", "4 of 6 answered, too few to compare")
    assert parts(found) == {"to 4 h": (2,), "to 1 day": (1,), "to 2 days": (1,), "no answer": (2,)}


def test_first_contact_runs_from_accept_or_claim_to_the_first_touch() -> None:
    state, taken = AssignmentState, AT + HOUR
    held = [
        Held(AT, state.ACCEPTED, AT, taken, None, taken + 2 * DAY),
        Held(AT, state.ACCEPTED, None, taken, None, taken + 4 * DAY),
        Held(AT, state.ACCEPTED, AT, taken, None, taken - HOUR),
        Held(AT, state.CLOSED, AT, taken, taken + DAY),
        Held(AT, state.DECLINED, AT, None, taken),
    ]
    found = figures(Facts(held=held))["first_contact"]
    assert (found.number, found.compare, found.value) == ("2.0 days", "3 of 4 contacted, too few to compare", 48.0)
    assert parts(found) == {"to 4 h": (1,), "to 2 days": (1,), "to 5 days": (1,), "none yet": (1,)}


def test_a_median_is_compared_with_the_one_before() -> None:
    arrivals = [Arrival(AT, LeadStatus.OFFERED, None, AT + 2 * HOUR)] * 5
    arrivals += [Arrival(BEFORE, LeadStatus.OFFERED, None, BEFORE + 3 * HOUR)] * 2
    found = figures(Facts(arrivals))["hand_over"]
    assert (found.compare, found.was) == ("5 of 5 handed over; 3.0 h before", 3.0)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "under 1 min"), (59, "under 1 min"), (60, "1 min"), (3599, "59 min"), (3600, "1.0 h"), (12600, "3.5 h"),
     (172799, "48.0 h"), (172800, "2.0 days"), (181440, "2.1 days")],
)  # fmt: skip
def test_lengths_are_told_in_the_unit_that_fits(seconds: float, told: str) -> None:
    assert length(seconds) == told


# ---------- feedback, outcomes ----------


def test_feedback_kept_leaves_out_what_was_waived_or_cancelled() -> None:
    state = ObligationState
    now = [state.MET] * 6 + [state.CURED] * 2 + [state.BREACHED, state.WAIVED, state.CANCELLED, state.OPEN]
    then = [state.MET] * 9 + [state.BREACHED]
    rows = [Deadline(AT, each) for each in now] + [Deadline(BEFORE, each) for each in then]
    found = figures(Facts(deadlines=rows))["feedback"]
    assert (found.number, found.compare) == ("6 of 9", "67 %; 90 % of 10 before")
    assert (found.value, found.was) == (0.6667, 0.9)
    assert parts(found) == {"In time": (6,), "Done late": (2,), "Missed": (1,)}


SHARES = [(3, 4, ""), (0, 0, ""), (1, 8, "13 %"), (5, 5, "100 %"), (0, 5, "0 %")]


@pytest.mark.parametrize(("kept", "due", "told"), SHARES)
def test_a_share_of_few_is_not_told(kept: int, due: int, told: str) -> None:
    assert share(kept, due) == told


def test_outcomes_are_told_by_source_the_largest_first() -> None:
    status = LeadStatus
    arrivals = [
        *[Arrival(AT, each, "Fair", AT) for each in (status.WON, status.WON, status.LOST, status.CONTACTED)],
        *[Arrival(AT, each, None, AT) for each in (status.RETURNED, status.NURTURE, status.POOLED)],
        Arrival(AT, status.DUPLICATE, "Fair"),
        Arrival(BEFORE, status.WON, "Web", BEFORE),
    ]
    found = figures(Facts(arrivals))["outcomes"]
    assert (found.number, found.compare) == ("2 won", "of 5 that have ended; 1 of 1 before")
    assert found.parts == (
        Part("Fair", (2, 1, 1), (0, 0, 0)),
        Part("No source", (0, 1, 2), (0, 0, 0)),
        Part("Web", (0, 0, 0), (1, 0, 0)),
    )


def test_a_chart_has_few_marks_and_loses_nobody() -> None:
    many = [Part(f"Source {n}", (n, 0, 1), (1, 1, 1)) for n in range(9, 0, -1)]
    shown = gathered(many)
    assert [part.label for part in shown] == ["Source 9", "Source 8", "Source 7", "Source 6", "5 others"]
    assert shown[-1] == Part("5 others", (15, 0, 5), (5, 5, 5))
    assert gathered(many[:5]) == many[:5]
    assert gathered([Part("Gone", (0, 0, 0), (4, 0, 0))]) == []


# ---------- all ----------


def test_without_leads_every_figure_says_so() -> None:
    found = figures(Facts())
    told = {key: (figure.number, figure.compare) for key, figure in found.items()}
    assert told == {
        "leads": ("0", "none before"),
        "qualified": ("0", "none before"),
        "hand_over": ("None yet", "0 of 0 handed over"),
        "response": ("None yet", "0 of 0 answered"),
        "first_contact": ("None yet", "0 of 0 contacted"),
        "feedback": ("None due yet", "no rate"),
        "outcomes": ("0 won", "of 0 that have ended"),
    }
    assert all(figure.definition.endswith(".") for figure in found.values())


STATUSES = st.sampled_from([each for each in LeadStatus if each is not LeadStatus.RECEIVED])
SOURCES = st.sampled_from(["A", "B", None])
Row = tuple[timedelta, LeadStatus, timedelta | None, str | None]
WAITS = st.one_of(st.none(), st.timedeltas(timedelta(0), 40 * DAY))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.timedeltas(timedelta(0), 20 * DAY), STATUSES, WAITS, SOURCES)))
def test_what_a_figure_is_made_of_adds_up_to_it(rows: list[Row]) -> None:
    arrivals = [
        Arrival(MARCH.before.starts + after, status, source, MARCH.before.starts + after + wait if wait else None)
        for after, status, wait, source in rows
    ]
    found = figures(Facts(arrivals))
    good = found["qualified"].value
    for key, whole in (("leads", found["leads"].value), ("qualified", good), ("hand_over", good), ("outcomes", good)):
        assert sum(sum(part.values) for part in found[key].parts) == whole

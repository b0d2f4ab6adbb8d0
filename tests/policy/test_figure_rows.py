"""The rows behind a figure are what the figure counts: none more, none less, under the same marks."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.reporting.measures import DUE, OUTCOMES, Arrival, Chart, Deadline, Facts, Held, scoreboard
from portal.reporting.period import Period
from portal.reporting.rows import ROWS, behind
from portal.vocabulary import AssignmentState, LeadStatus, ObligationState

PERIOD = Period(date(2026, 3, 1), date(2026, 3, 20), "Europe/Berlin")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
instants = st.integers(0, 40 * 24 * 60).map(lambda minutes: NOON - timedelta(days=20) + timedelta(minutes=minutes))
later = st.one_of(st.none(), instants)
ids = st.integers(0, 50).map(str)
arrivals = st.builds(
    Arrival, instants, st.sampled_from(LeadStatus), st.sampled_from([None, "Fair", "Web"]), later, ids
)  # fmt: skip
held = st.builds(Held, instants, st.sampled_from(AssignmentState), later, later, later, later, ids)
deadlines = st.builds(Deadline, instants, st.sampled_from(ObligationState), ids)
facts = st.builds(Facts, st.lists(arrivals), st.lists(held), st.lists(deadlines))


@settings(max_examples=60, deadline=None)
@given(facts)
def test_each_mark_has_as_many_rows_as_it_counts(found: Facts) -> None:
    for figure in scoreboard(found, PERIOD):
        rows = behind(figure, found, PERIOD)
        counted = {part.label: sum(part.values) for part in figure.parts if sum(part.values)}
        assert Counter(row.part for row in rows) == counted, figure.key


def test_every_figure_has_its_rows() -> None:
    assert [figure.key for figure in scoreboard(Facts(), PERIOD)] == list(ROWS)


def test_a_row_says_what_it_adds_and_the_latest_lead_comes_first() -> None:
    facts = Facts(
        [
            Arrival(NOON, LeadStatus.WON, "Fair", NOON + timedelta(hours=3), "a"),
            Arrival(NOON, LeadStatus.UNALLOCATED, None, None, "b"),
            Arrival(NOON - timedelta(days=30), LeadStatus.WON, "Fair", None, "before"),
        ]
    )
    figures = {figure.key: figure for figure in scoreboard(facts, PERIOD)}
    told = {key: [(r.lead_id, r.part, r.told) for r in behind(figures[key], facts, PERIOD)] for key in figures}
    assert told["hand_over"] == [("b", "none yet", "None yet"), ("a", "to 4 h", "Handed over in 3.0 h")]
    assert told["outcomes"] == [("b", "No source", OUTCOMES[1].capitalize()), ("a", "Fair", "Won")]
    assert told["leads"] == [("b", "10 Mar", "Qualified"), ("a", "10 Mar", "Qualified")]
    assert figures["leads"].chart is Chart.LINE


@pytest.mark.parametrize("state", DUE)
def test_a_deadline_is_told_as_it_ended(state: ObligationState) -> None:
    facts = Facts(deadlines=[Deadline(NOON, state, "a")])
    feedback = next(figure for figure in scoreboard(facts, PERIOD) if figure.key == "feedback")
    (row,) = behind(feedback, facts, PERIOD)
    assert row.told == row.part and row.part in {part.label for part in feedback.parts}

"""The rows behind each figure of the scoreboard: which lead counts, under which mark, and what it adds. Pure.

Each figure's rows are exactly what the figure counts; the part of a row is one of the figure's own parts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from portal.reporting.measures import (
    DUE,
    FEEDBACK,
    HAND_OVER_BINS,
    PARTNER_BINS,
    Arrival,
    Facts,
    Figure,
    Wait,
    answer_wait,
    bin_of,
    contact_wait,
    good,
    hand_over_wait,
    length,
    outcome_of,
    source_of,
    was_asked,
)
from portal.reporting.period import Period


@dataclass(frozen=True)
class Behind:
    """One row behind a figure. ``part``: the mark it is counted under; ``told``: what it adds, in words."""

    lead_id: str
    part: str
    told: str


def behind(figure: Figure, facts: Facts, period: Period) -> list[Behind]:
    """The rows behind a figure in the period, the latest lead first; a lead that counts twice is there twice."""
    found = list(ROWS[figure.key](facts.within(period), figure, period))
    return sorted(found, key=lambda row: row.lead_id, reverse=True)


def _leads(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in facts.arrivals:
        yield Behind(row.lead_id, _point(row, figure, period), "Qualified" if row.qualified else "Not qualified")


def _qualified(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in good(facts):
        yield Behind(row.lead_id, _point(row, figure, period), "Qualified")


def _point(row: Arrival, figure: Figure, period: Period) -> str:
    return figure.parts[period.point_of(row.received_at)].label


def _hand_over(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in good(facts):
        yield _timed(row.lead_id, hand_over_wait(row), HAND_OVER_BINS, figure, "Handed over in")


def _response(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in facts.held:
        if was_asked(row):
            yield _timed(row.lead_id, answer_wait(row), PARTNER_BINS, figure, "Answered in")


def _first_contact(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in facts.held:
        if row.accepted_at is not None:
            yield _timed(row.lead_id, contact_wait(row), PARTNER_BINS, figure, "Contacted in")


def _timed(lead_id: str, wait: Wait, bins: Sequence[tuple[str, int]], figure: Figure, done: str) -> Behind:
    told = f"{done} {length(wait)}" if wait is not None else figure.parts[-1].label.capitalize()
    return Behind(lead_id, figure.parts[bin_of(wait, bins)].label, told)


def _feedback(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in facts.deadlines:
        if row.state in DUE:
            yield Behind(row.lead_id, FEEDBACK[row.state], FEEDBACK[row.state])


def _outcomes(facts: Facts, figure: Figure, period: Period) -> Iterator[Behind]:
    for row in good(facts):
        yield Behind(row.lead_id, source_of(row), outcome_of(row).capitalize())


ROWS: dict[str, Callable[[Facts, Figure, Period], Iterator[Behind]]] = {
    "leads": _leads,
    "qualified": _qualified,
    "hand_over": _hand_over,
    "response": _response,
    "first_contact": _first_contact,
    "feedback": _feedback,
    "outcomes": _outcomes,
}

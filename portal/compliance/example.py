"""A ladder by example: on which rung a partner with so many due and missed would stand. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.compliance.facts import Ladder, Mark, Rate
from portal.compliance.rules import Named, rung_named, stop_named
from portal.compliance.sentences import percent
from portal.compliance.tally import Tally, View
from portal.vocabulary import ObligationKind, Standing, StopCause

#: Any instant will do: what counts is recent, and kept or missed one after the other.
THEN = datetime(2026, 3, 2, tzinfo=UTC)
MOST = 1_000


@dataclass(frozen=True)
class Record:
    """How a partner did: ``due`` deadlines of which ``missed`` were missed, of these ``overdue`` are not caught up.

    ``in_a_row``: the latest of them were all missed. The kinds weigh the same, as first contacts do.
    """

    due: int
    missed: int
    overdue: int = 0
    in_a_row: int = 0


@dataclass(frozen=True)
class Outcome:
    """The rung that a record names, and the rate that it comes to."""

    named: Named
    rate: Rate


def outcome(ladder: Ladder, record: Record) -> Outcome:
    """The rung by the rules of the ladder itself, for a partner that is neither stopped nor on probation before."""
    tally = Tally(_marks(record), View(THEN, True, ladder, None))
    named = stop_named(tally, ladder, on_probation=False) or rung_named(tally, ladder)
    return Outcome(named, tally.rate)


def _marks(record: Record) -> Iterator[Mark]:
    """The misses that are not in the row first, then what was kept, then the row; the last missed are overdue."""
    kept, earlier = record.due - record.missed, record.missed - record.in_a_row
    missed = [True] * earlier + [False] * kept + [True] * record.in_a_row
    numbers = [number for number, late in enumerate(missed) if late]
    overdue = set(numbers[len(numbers) - record.overdue :])
    for number, late in enumerate(missed):
        yield _mark(number, THEN - timedelta(minutes=record.due - number), late, number in overdue)


def _mark(number: int, due_at: datetime, late: bool, overdue: bool) -> Mark:
    return Mark(
        id=f"{number:06}", kind=ObligationKind.FIRST_CONTACT, opened_at=due_at - timedelta(days=1), due_at=due_at,
        grace_until=due_at, met_at=None if late else due_at, breached_at=due_at if late else None,
        cured_at=due_at + timedelta(seconds=1) if late and not overdue else None, hands_on=False,
    )  # fmt: skip


def sentence(ladder: Ladder, record: Record) -> str:
    """ "A partner with 10 due, 2 missed has kept 8 of 10 (80 %): Warned, below 90 %." """
    found = outcome(ladder, record)
    kept = record.due - record.missed
    more = [f"{record.overdue} overdue"] if record.overdue else []
    more += [f"the last {record.in_a_row} in a row"] if record.in_a_row > 1 else []
    told = ", ".join([f"{record.due} due", f"{record.missed} missed", *more])
    share = f" ({percent(kept / record.due)})" if record.due else ""
    return f"A partner with {told} has kept {kept} of {record.due}{share}: {_rung(found, ladder, record)}."


def _rung(found: Outcome, ladder: Ladder, record: Record) -> str:
    rung, label = found.named.rung, found.named.rung.label
    if rung is Standing.STOPPED:
        return f"{label}, {_cause(found.named.cause, ladder)}"
    if rung is Standing.REDUCED:
        return f"{label}, below {percent(float(ladder.reduce_below))}"
    if rung is Standing.WARNED and found.rate.below(ladder.warn_below):
        return f"{label}, below {percent(float(ladder.warn_below))}"
    if rung is Standing.WARNED:
        return f"{label}, since something is overdue"
    too_few = f"; the rate counts from {ladder.minimum_sample} due on" if record.due < ladder.minimum_sample else ""
    return f"{label}{too_few}"


def _cause(cause: StopCause | None, ladder: Ladder) -> str:
    return {
        StopCause.OVERDUE: f"{ladder.stop_on_overdue} overdue at once",
        StopCause.ROW: f"{ladder.breaches_in_a_row} missed in a row",
        StopCause.RATE: f"below {percent(float(ladder.stop_below))}",
    }[cause or StopCause.RATE]


def by_misses(ladder: Ladder, due: int) -> list[tuple[Standing, int | None]]:
    """For each rung from how many misses of ``due`` on the rate alone names it; None: no number of them does."""
    rungs = [outcome(ladder, Record(due, missed)).rate for missed in range(due + 1)]
    thresholds = (
        (Standing.WARNED, ladder.warn_below),
        (Standing.REDUCED, ladder.reduce_below),
        (Standing.STOPPED, ladder.stop_below),
    )
    return [
        (standing, next((missed for missed, rate in enumerate(rungs) if rate.below(threshold)), None))
        for standing, threshold in thresholds
    ]

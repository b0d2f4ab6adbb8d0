"""Short ways to write obligations, ladders and folds. Instants are hours after ``START``."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from portal.compliance.policy import Ladder, LadderVersion, Mark, Measure, State, Step, advance, initial
from portal.vocabulary import LedgerKind, ObligationKind

#: A Monday.
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ids = count(1)


def at(hours: float) -> datetime:
    return START + hours * HOUR


def days(start: datetime, n: int) -> datetime:
    """n business days on at the same time of day: every day but Saturday and Sunday."""
    while n > 0:
        start += DAY
        n -= start.weekday() < 5
    return start


def mark(
    due: float,
    *,
    id: str = "",
    kind: str = "feedback",
    opened: float = 0,
    grace: float = 0,
    hands_on: bool = False,
    assignment: str = "",
    **acts: float,
) -> Mark:
    """An obligation due ``due`` hours after the start; ``met=3`` is ``met_at`` hour 3; late: breached."""
    given = {f"{name}_at": at(hour) for name, hour in acts.items()}
    late = "cured" in acts or "settled" in acts or acts.get("waived", due) > due + grace
    breached = at(due) if late else None
    return Mark(
        id or f"o{next(_ids)}", ObligationKind(kind), at(opened), at(due), at(due + grace),
        breached_at=breached, hands_on=hands_on, assignment_id=assignment, **given,
    )  # fmt: skip


def met(*dues: float) -> list[Mark]:
    """Obligations kept, each half an hour before it was due."""
    return [mark(due, met=due - 0.5) for due in dues]


def cured(*dues: float) -> list[Mark]:
    """Obligations done a quarter of an hour late."""
    return [mark(due, cured=due + 0.25) for due in dues]


def ladder(**changes: Any) -> Ladder:
    """A ladder on which nothing but what is changed ever names a rung above warned."""
    quiet: dict[str, Any] = {
        "minimum_sample": 1000, "stop_on_overdue": 1000, "breaches_in_a_row": 1000,
    }  # fmt: skip
    return replace(Ladder(), **{**quiet, **changes})


def rules(*ladders: Ladder | tuple[float, Ladder]) -> list[LadderVersion]:
    pairs = [pair if isinstance(pair, tuple) else (-100_000, pair) for pair in ladders]
    return [LadderVersion(at(hour), one, number) for number, (hour, one) in enumerate(pairs, 1)]


def measure(kind: LedgerKind, hour: float, until: float | None = None) -> Measure:
    return Measure(kind, at(hour), None if until is None else at(until))


def fold(
    marks: Iterable[Mark],
    until: float,
    ladders: Ladder | Sequence[LadderVersion],
    measures: Iterable[Measure] = (),
) -> tuple[State, list[Step]]:
    """Standing at an hour, from the beginning."""
    versions = rules(ladders) if isinstance(ladders, Ladder) else ladders
    return advance(initial(START), marks, measures, versions, days, at(until))


def told(steps: Sequence[Step]) -> list[tuple[float, str]]:
    """Steps as (hour, standing shown from then on), without those under a hold or exemption."""
    return [((step.at - START) / HOUR, step.to.value) for step in steps if step.from_ is not step.to]

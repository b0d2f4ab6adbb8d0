"""The forecast: what becomes of a partner's standing, and when, if nothing is done from now on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from portal.compliance.facts import Ladder, LadderVersion, Mark, ladder_at
from portal.compliance.fold import advance, tally_at
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State, Step
from portal.compliance.tally import Tally
from portal.vocabulary import Standing, StopCause

#: From most to fewest leads; held and exempt have no place between.
DOWN = (Standing.GOOD, Standing.WARNED, Standing.REDUCED, Standing.STOPPED)

#: Later than anything: the fold ends by itself where nothing more comes.
END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A change of standing to come. ``at``: when it would be recorded (grace included).

    ``misses``: the obligations open now that bring it about, ``need``: how many of them suffice, ``by``: the
    last of their due instants. No misses: time alone brings it. ``already``: others count against the partner
    too.
    """

    at: datetime
    to: Standing
    cause: StopCause | None
    because: tuple[str, ...]
    misses: tuple[str, ...]
    need: int
    by: datetime | None
    already: bool


def forecast(
    state: State,
    marks: Iterable[Mark],
    ladders: Sequence[LadderVersion],
    business_days: BusinessDays,
    t: datetime,
    until: datetime | None = None,
) -> list[Forecast]:
    """The changes of standing after ``t`` if nothing is done, in order.

    1. Every obligation open now is breached at the end of its grace; one that takes the lead away then ends
       the rest of its assignment. Nobody says "ready", staff does nothing.
    2. Ends of measures and probation, and ladders already published, come as they will.
    3. Told are those up to the last deadline or timer known now; where none of these is a stop, all up to the
       first stop, which may come later: what was kept grows old and leaves the rate before what was missed.
    ``until``: no further than this instant (None: as far as 3 says). ``state`` is folded up to ``t``.
    """
    marks = list(marks)
    state, _ = advance(state, marks, (), ladders, business_days, t)
    waiting = {mark.id: mark for mark in marks if mark.is_open(t)}
    now = tally_at(state, marks, ladders, t)
    ends = [mark.grace_until for mark in waiting.values()]
    last = max((t, *ends, *state.timers, *(v.effective_from for v in ladders)))
    far = _far(marks, ladder_at(ladders, last), last) if until is None else max(until, t)
    _, steps = advance(state, marks, (), ladders, business_days, far)
    told = _as_far_as_told(steps, last)
    return [_told(step, waiting, now, ladder_at(ladders, step.at)) for step in told if step.from_ is not step.to]


def _far(marks: list[Mark], ladder: Ladder, last: datetime) -> datetime:
    """How far to look for a stop that growing old alone brings; ``last`` where it can bring none.

    1. By the rate: of the smallest sample that counts, more than the share a stop needs would have to be missed
       (where kinds weigh differently, it is looked at). A window later everything of today has left the rate.
    2. By a row: something kept must age before what was missed ahead of it, which a grace alone makes possible.
    """
    missed = [mark.due_at for mark in marks if mark.breach_at is not None]
    row = sum(due_at > last - ladder.decay for due_at in missed) >= ladder.breaches_in_a_row
    if row and any(mark.met_at is not None and mark.met_at > mark.due_at for mark in marks):
        return END
    rated = sum(due_at > last - ladder.window for due_at in missed)
    low = bool(ladder.severity) or rated > (1 - ladder.stop_below) * ladder.minimum_sample
    return last + ladder.window if low else last


def _as_far_as_told(steps: list[Step], last: datetime) -> list[Step]:
    stops = (step.at for step in steps if step.from_ is not step.to and step.to is Standing.STOPPED)
    far = max(last, next(stops, last))
    return [step for step in steps if step.at <= far]


def _told(step: Step, waiting: dict[str, Mark], now: Tally, ladder: Ladder) -> Forecast:
    named = [waiting[id_] for id_ in step.because if id_ in waiting]
    misses = tuple(mark.id for mark in named)
    by = max((mark.due_at for mark in named), default=None)
    need, already = _need(step, named, ladder), len(step.because) > len(misses) or bool(now.overdue)
    return Forecast(step.at, step.to, step.cause, step.because, misses, need, by, already)


def _need(step: Step, named: list[Mark], ladder: Ladder) -> int:
    """How many of the misses suffice; never more than there are.

    1. By a breach on probation: one.
    2. By overdue or row: as many as are short of the threshold. A stop by overdue whose own recall of offers
       left nothing overdue counts as row, with fewer misses than a row has: it is short of the overdue ones.
    3. By the rate: the fewest, heaviest first, that leave it below the threshold of the rung.
    4. Warned by anything overdue: one.
    """
    before = len(step.because) - len(named)
    if step.cause in (StopCause.OVERDUE, StopCause.ROW):
        row = step.cause is StopCause.ROW and len(step.because) >= ladder.breaches_in_a_row
        short = (ladder.breaches_in_a_row if row else ladder.stop_on_overdue) - before
        return 1 if step.from_ is Standing.PROBATION else min(max(1, short), max(1, len(named)))
    if step.to is Standing.WARNED and step.overdue:
        return 1
    return _need_by_rate(step, named, ladder)


def _need_by_rate(step: Step, named: list[Mark], ladder: Ladder) -> int:
    below = {Standing.STOPPED: ladder.stop_below, Standing.REDUCED: ladder.reduce_below}
    threshold = below.get(step.rung, ladder.warn_below)
    kept = step.rate.kept_weight + sum((ladder.weight(mark.kind) for mark in named), Fraction(0))
    heaviest = sorted((ladder.weight(mark.kind) for mark in named), reverse=True)
    for need, weight in enumerate(heaviest, 1):
        kept -= weight
        if kept < threshold * step.rate.due_weight:
            return need
    return max(1, len(named))


def worse(forecasts: Iterable[Forecast], shown: Standing) -> Forecast | None:
    """The change to tell first: the first stop, else the first rung below the present one."""
    ahead = [f for f in forecasts if f.misses]
    stops = [f for f in ahead if f.to is Standing.STOPPED]
    lower = [f for f in ahead if below(f.to, shown)]
    return next(iter(stops + lower), None)


def below(to: Standing, shown: Standing) -> bool:
    """Whether one rung gives fewer leads than another."""
    return to in DOWN and shown in DOWN and DOWN.index(to) > DOWN.index(shown)

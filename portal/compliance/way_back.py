"""The way back: what a partner still has to do, and until when to wait, for more leads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from portal.compliance.facts import LadderVersion, Mark, Rate, ladder_at
from portal.compliance.fold import advance, tally_at
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State
from portal.compliance.tally import Tally
from portal.vocabulary import Standing, StopCause


class Way(StrEnum):
    """What a step of the way back asks for."""

    DO = "do"
    WAIT = "wait"
    READY = "ready"
    KEEP = "keep"
    PROBATION = "probation"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class WayBackStep:
    """One step. ``do``: an obligation, ``at`` its due instant. ``wait``, ``probation``, ``hold``: until
    ``at``.

    ``keep``: the next ``count`` in time (None where keeping alone does not lift the rate), good again at the
    earliest ``at``.
    """

    kind: Way
    obligation_id: str | None = None
    at: datetime | None = None
    count: int | None = None


def way_back(
    state: State,
    marks: Iterable[Mark],
    ladders: Sequence[LadderVersion],
    business_days: BusinessDays,
    t: datetime,
) -> list[WayBackStep]:
    """The steps back to more leads as of ``t``, in the order in which to take them. ``state`` is folded up to
    ``t``.

    1. Held: its end; then what a stop under it asks for.
    2. Stopped: everything overdue. By rate or row also the time since the last breach, and saying "ready".
       Not empty while the state is that of ``t``: a stop with nothing left to do or wait for has lifted.
    3. On probation: everything overdue, and no miss until its end.
    4. Warned or reduced: everything overdue, and keeping what falls due next.
    5. Good or exempt: nothing.
    """
    marks = list(marks)
    tally = tally_at(state, marks, ladders, t)
    due_at = {mark.id: mark.due_at for mark in marks}
    do = [WayBackStep(Way.DO, id_, due_at[id_]) for id_ in tally.overdue]
    hold = [WayBackStep(Way.HOLD, at=state.measure_until)] if state.measure is Standing.HELD else []
    if state.measure is Standing.EXEMPT:
        return []
    if state.rung is Standing.STOPPED:
        return [*hold, *do, *_out_of_stop(state, t)]
    if hold:
        return hold
    if state.rung is Standing.PROBATION:
        return [*do, WayBackStep(Way.PROBATION, at=state.probation_until)]
    if state.rung in (Standing.WARNED, Standing.REDUCED):
        return [*do, *_keep(state, marks, ladders, business_days, t, tally)]
    return []


def _out_of_stop(state: State, t: datetime) -> list[WayBackStep]:
    if state.cause is StopCause.OVERDUE:
        return []
    wait = state.stop_until is not None and state.stop_until > t
    steps = [WayBackStep(Way.WAIT, at=state.stop_until)] if wait else []
    return steps if state.ready_at else [*steps, WayBackStep(Way.READY)]


def _keep(
    state: State,
    marks: list[Mark],
    ladders: Sequence[LadderVersion],
    days: BusinessDays,
    t: datetime,
    tally: Tally,
) -> list[WayBackStep]:
    warn_below = ladder_at(ladders, t).warn_below
    if not tally.rate.below(warn_below):
        return []
    at = earliest_good(state, marks, ladders, days, t)
    return [WayBackStep(Way.KEEP, at=at, count=to_keep(tally.rate, warn_below))]


def to_keep(rate: Rate, threshold: Fraction) -> int | None:
    """How many more of weight 1, all kept, bring the rate to ``threshold``; None: no number does."""
    missing = threshold * rate.due_weight - rate.kept_weight
    if missing <= 0:
        return 0
    return -int(-missing // (1 - threshold)) if threshold < 1 else None


def earliest_good(
    state: State, marks: Iterable[Mark], ladders: Sequence[LadderVersion], days: BusinessDays, t: datetime
) -> datetime | None:
    """When the partner is good again if all it owes is done at ``t`` and nothing else comes."""
    done = [_done(mark, t) for mark in marks]
    last = max((mark.due_at for mark in done), default=t)
    horizon = max(last, t) + max(v.ladder.window for v in ladders)
    _, steps = advance(state, done, (), ladders, days, horizon)
    good = [step.at for step in steps if step.to is Standing.GOOD and step.at >= t]
    return good[0] if good else None


def _done(mark: Mark, t: datetime) -> Mark:
    if mark.is_open(t):
        return replace(mark, met_at=t)
    owed = mark.breach_at is not None and mark.breach_at <= t and not any(at <= t for at in mark.acts)
    return replace(mark, breached_at=mark.due_at, cured_at=t) if owed else mark

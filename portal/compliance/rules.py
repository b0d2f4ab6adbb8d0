"""The rules of the ladder: which rung is named, and how each one is left. Thresholds are the policy's."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from portal.compliance.facts import Ladder, Measure
from portal.compliance.state import State
from portal.compliance.tally import Tally
from portal.vocabulary import LedgerKind, Standing, StopCause

#: ``(start, n)``: the end of the n-th business day after start, by the calendar in force at ``start``.
BusinessDays = Callable[[datetime, int], datetime]


@dataclass(frozen=True, slots=True)
class Named:
    """A rung with the obligations that name it."""

    rung: Standing
    because: tuple[str, ...] = ()
    cause: StopCause | None = None


def stop_named(tally: Tally, ladder: Ladder, *, on_probation: bool) -> Named | None:
    """Whether a stop is named, and by what. The first that holds is the cause, for it fixes the way back.

    1. As many overdue now as ``stop_on_overdue``: overdue.
    2. On probation: any breach that fell due since it began: row.
    3. As many breaches in a row as ``breaches_in_a_row``: row.
    4. The rate counts and is below ``stop_below``: rate.
    """
    if len(tally.overdue) >= max(1, ladder.stop_on_overdue):
        return Named(Standing.STOPPED, tally.overdue, StopCause.OVERDUE)
    if on_probation and (missed := tally.breaches_since_fresh):
        return Named(Standing.STOPPED, missed, StopCause.ROW)
    if len(row := tally.in_a_row) >= max(1, ladder.breaches_in_a_row):
        return Named(Standing.STOPPED, row, StopCause.ROW)
    if tally.rate.below(ladder.stop_below):
        return Named(Standing.STOPPED, tally.missed_in_window, StopCause.RATE)
    return None


def rung_named(tally: Tally, ladder: Ladder) -> Named:
    """The rung where no stop is named; the worst one wins.

    1. The rate counts and is below ``reduce_below``: reduced.
    2. It is below ``warn_below``, or anything is overdue: warned.
    3. Else good.
    """
    if tally.rate.below(ladder.reduce_below):
        return Named(Standing.REDUCED, tally.missed_in_window)
    low = tally.missed_in_window if tally.rate.below(ladder.warn_below) else ()
    if low or tally.overdue:
        return Named(Standing.WARNED, tuple(dict.fromkeys(tally.overdue + low)))
    return Named(Standing.GOOD)


def next_state(state: State, tally: Tally, ladder: Ladder, t: datetime, days: BusinessDays) -> State:
    """The state one rule further on at ``t``; the same state where no rule applies.

    1. Exempt: never stopped. A stop ends as with a fresh start, a probation ends; the other rungs are named.
    2. Stopped: only its way back leads out, never a rate that recovers by itself (so it cannot flap).
    3. On probation: a stop may be named, up to and with its last instant; no other rung is. Then it ends.
    4. Otherwise the worst rung named.
    """
    state = _with_last_breach(state, tally, ladder, days)
    if state.measure is Standing.EXEMPT:
        return _exempted(state, tally, ladder, t)
    if state.rung is Standing.STOPPED:
        return lifted(state, t, ladder, days) if may_lift(state, tally, t) else state
    on_probation = state.rung is Standing.PROBATION
    if stop := stop_named(tally, ladder, on_probation=on_probation):
        return _stopped(state, stop, t, ladder, days)
    if on_probation and state.probation_until is not None and t < state.probation_until:
        return state
    return _on_rung(state, rung_named(tally, ladder), t)


def may_lift(state: State, tally: Tally, t: datetime) -> bool:
    """The way back of a stop.

    1. Nothing is overdue, however that came about. That is all where overdue was the cause.
    2. By rate or row: also ``stop_days`` business days have passed since the last breach (one made during the
       stop counts, a waived one does not),
    3. and the partner has said since the stop that it is ready.
    """
    if tally.overdue:
        return False
    if state.cause is StopCause.OVERDUE:
        return True
    return state.ready_at is not None and (state.stop_until is None or t >= state.stop_until)


def lifted(state: State, t: datetime, ladder: Ladder, days: BusinessDays) -> State:
    """Out of a stop: into probation, or straight to good where that has 0 days; a fresh start either way."""
    until = days(t, ladder.probation_days) if ladder.probation_days > 0 else None
    rung = Standing.PROBATION if until else Standing.GOOD
    cleared = _on_rung(state, Named(rung), t)
    return replace(cleared, fresh_from=t, probation_until=until)


def as_row(state: State, ladder: Ladder, days: BusinessDays) -> State:
    """A stop by overdue whose own recall of offers left nothing overdue: it has the way back of a row."""
    return replace(state, cause=StopCause.ROW, stop_until=_stop_until(state, ladder, days))


def measured(state: State, measure: Measure, t: datetime, ladder: Ladder, days: BusinessDays) -> State:
    """The state after something said or done by hand at ``t``.

    1. Hold or exempt: in force until its end, in place of an earlier one.
    2. Release: ends either; a stop under it or without it is lifted. (What is overdue is settled beside
       this.)
    3. Ready: remembered while stopped, whatever else is still to be done; not before the stop.
    """
    if measure.kind in (LedgerKind.HOLD, LedgerKind.EXEMPT):
        if measure.until is not None and measure.until <= t:
            return unmeasured(state)
        shown = Standing.HELD if measure.kind is LedgerKind.HOLD else Standing.EXEMPT
        return replace(state, measure=shown, measure_since=t, measure_until=measure.until)
    if measure.kind is LedgerKind.RELEASE:
        state = unmeasured(state)
        return lifted(state, t, ladder, days) if state.rung is Standing.STOPPED else state
    if measure.kind is LedgerKind.READY and state.rung is Standing.STOPPED:
        return replace(state, ready_at=t)
    return state


def unmeasured(state: State) -> State:
    """The state without hold or exemption."""
    return replace(state, measure=None, measure_since=None, measure_until=None)


def _exempted(state: State, tally: Tally, ladder: Ladder, t: datetime) -> State:
    if state.rung is Standing.STOPPED:
        return replace(_on_rung(state, Named(Standing.GOOD), t), fresh_from=t)
    return _on_rung(state, rung_named(tally, ladder), t)


def _on_rung(state: State, named: Named, t: datetime) -> State:
    """On a rung that is not a stop. ``since`` stays where the rung does; the reasons are those of now."""
    since = state.since if named.rung is state.rung else t
    return replace(
        state, rung=named.rung, since=since, because=named.because, cause=None, ready_at=None,
        stop_until=None, probation_until=None,
    )  # fmt: skip


def _stopped(state: State, named: Named, t: datetime, ladder: Ladder, days: BusinessDays) -> State:
    stopped = replace(_on_rung(state, named, t), cause=named.cause)
    return (
        stopped if named.cause is StopCause.OVERDUE else replace(stopped, stop_until=_stop_until(stopped, ladder, days))
    )


def _stop_until(state: State, ladder: Ladder, days: BusinessDays) -> datetime:
    """``stop_days`` business days after the last breach; the stop's start where none is left that counts."""
    if state.last_breach_at is None:
        return state.since
    return days(state.last_breach_at, ladder.stop_days) if ladder.stop_days > 0 else state.last_breach_at


def _with_last_breach(state: State, tally: Tally, ladder: Ladder, days: BusinessDays) -> State:
    """Move a stop's end with the last breach. Otherwise it stays as told: a new ladder does not move it."""
    if tally.last_breach_at == state.last_breach_at:
        return state
    state = replace(state, last_breach_at=tally.last_breach_at)
    if state.rung is Standing.STOPPED and state.cause is not StopCause.OVERDUE:
        return replace(state, stop_until=_stop_until(state, ladder, days))
    return state

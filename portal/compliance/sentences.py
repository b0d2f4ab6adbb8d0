"""Standing in words, to the partner. ``when`` writes an instant for its reader: "Tue 10 Mar 09:00 CET"."""

from collections.abc import Callable, Sequence
from datetime import datetime

from portal.compliance.facts import Ladder, Mark, Rate
from portal.compliance.forecast import Forecast
from portal.compliance.state import State
from portal.compliance.way_back import Way, WayBackStep
from portal.vocabulary import Standing, StopCause

When = Callable[[datetime], str]
#: An obligation by id, in words with what it is about: "Call or write to Halvorsen Logistik AG".
Describe = Callable[[str], str]

OUTCOME = {
    Standing.GOOD: "you are back to Good",
    Standing.WARNED: "you will be warned",
    Standing.REDUCED: "you get half the leads",
    Standing.STOPPED: "you will be stopped",
}


def percent(number: float) -> str:
    """A share in whole per cent, half rounded up."""
    return f"{int(number * 100 + 0.5)} %"


def are(count: int) -> str:
    return "1 is" if count == 1 else f"{count} are"


def standing_sentence(state: State, ladder: Ladder, steps: Sequence[WayBackStep], when: When) -> str:
    """Where the partner stands and what that means for its leads; stopped: with the way back."""
    if state.measure is not None:
        return _measure_sentence(state, when)
    if state.rung is Standing.STOPPED:
        return f"You are stopped: no new leads. {way_back_headline(state, steps, when)}"
    if state.rung is Standing.PROBATION:
        end = f" until {when(state.probation_until)}" if state.probation_until else ""
        return f"You are on probation{end}: leads again, at most {ladder.probation_open_lead_cap} open at once."
    return {
        Standing.GOOD: "You are in good standing. New leads come at full share.",
        Standing.WARNED: "You are warned. New leads still come.",
        Standing.REDUCED: "You are reduced: half the share and half the open leads.",
    }[state.rung]


def _measure_sentence(state: State, when: When) -> str:
    end = f" until {when(state.measure_until)}" if state.measure_until else ""
    if state.measure is Standing.HELD:
        return f"Your leads are on hold{end}: no new leads."
    return f"You are exempt{end}: deadlines run, and leads are not stopped."


def way_back_headline(state: State, steps: Sequence[WayBackStep], when: When) -> str:
    """The way back in one sentence; empty where there is none to go.

    Stopped by overdue: "2 overdue. Do these and leads resume at once."
    By rate or row: "Leads resume Tue 10 Mar 09:00 CET if nothing else is missed and you say you are ready."
    """
    kinds = {step.kind: step for step in steps}
    if Way.HOLD in kinds:
        end = kinds[Way.HOLD].at
        return f"The hold ends {when(end)}." if end else "The hold has no end date: ask your channel manager."
    if state.rung is Standing.STOPPED:
        return _out_of_stop(state, steps, when)
    if Way.PROBATION in kinds and (end := kinds[Way.PROBATION].at):
        return f"Miss nothing until {when(end)} and you are back to Good; one miss stops leads again."
    if not steps:
        return ""
    return f"Way back to Good: {', then '.join(_asks(steps))}."


def _out_of_stop(state: State, steps: Sequence[WayBackStep], when: When) -> str:
    owed, wait = _count(steps, Way.DO), next((s.at for s in steps if s.kind is Way.WAIT), None)
    if not steps:
        return "Nothing more is to be done: leads resume in a moment."
    if state.cause is StopCause.OVERDUE:
        return f"{owed} overdue. Do {'this' if owed == 1 else 'these'} and leads resume at once."
    asked = [f"do the {owed} overdue"] if owed else []
    asked += ["say you are ready"] if _count(steps, Way.READY) else []
    if wait is None:
        return f"Leads resume at once when you {' and '.join(asked)}."
    also = f" and you {' and '.join(asked)}" if asked else ""
    return f"Leads resume {when(wait)} if nothing else is missed{also}."


def _asks(steps: Sequence[WayBackStep]) -> list[str]:
    owed, keep = _count(steps, Way.DO), next((s for s in steps if s.kind is Way.KEEP), None)
    asks = [f"do the {owed} overdue"] if owed else []
    if keep is not None:
        asks.append(f"keep the next {keep.count} in time" if keep.count else "miss nothing more")
    return asks


def _count(steps: Sequence[WayBackStep], kind: Way) -> int:
    return sum(step.kind is kind for step in steps)


def step_sentence(step: WayBackStep, describe: Describe, when: When) -> str:
    """One step of the way back as a line of a list."""
    at = when(step.at) if step.at else ""
    if step.kind is Way.DO and step.obligation_id:
        return f"{describe(step.obligation_id)}: was due {at}."
    if step.kind is Way.KEEP:
        told = f"Keep the next {step.count} in time" if step.count else "Miss nothing more"
        return f"{told}: back to Good {at} at the earliest." if at else f"{told}."
    return {
        Way.WAIT: f"Miss nothing until {at}.",
        Way.READY: "Say you are ready for leads.",
        Way.PROBATION: f"Miss nothing until {at}: back to Good.",
        Way.HOLD: f"The hold ends {at}." if at else "The hold ends when your channel manager releases it.",
    }[step.kind]


def way_back_sentences(state: State, steps: Sequence[WayBackStep], describe: Describe, when: When) -> list[str]:
    """The headline and, below it, every step, nothing twice; empty where nothing is to be done."""
    if not steps:
        return []
    lines = [way_back_headline(state, steps, when), *(step_sentence(step, describe, when) for step in steps)]
    return list(dict.fromkeys(lines))


def forecast_sentence(told: Forecast, when: When) -> str:
    """A change to come: "Miss either of these by Thu 10:00 CET and you will be stopped."."""
    outcome = OUTCOME.get(told.to)
    if not told.misses or told.by is None or outcome is None:
        return _by_time(told, when)
    return f"{_miss(told)} by {when(told.by)} and {outcome}."


def _miss(told: Forecast) -> str:
    need, of = min(told.need, len(told.misses)), len(told.misses)
    if of == 1:
        return "Miss 1 more" if told.already else "Miss this one"
    if need == of:
        return "Miss both of these" if of == 2 else f"Miss all {of} of these"
    if need == 1:
        return "Miss either of these" if of == 2 else f"Miss any of these {of}"
    return f"Miss {need} of these {of}"


def _by_time(told: Forecast, when: When) -> str:
    """What time alone brings."""
    outcome = {
        Standing.GOOD: "You are back to Good",
        Standing.WARNED: "You are warned",
        Standing.REDUCED: "You get half the leads",
        Standing.STOPPED: "You are stopped",
        Standing.PROBATION: "Leads resume, on probation,",
    }.get(told.to, told.to.label)
    return f"{outcome} {when(told.at)} if nothing changes."


def strip_sentence(overdue: int, told: Forecast | None, when: When) -> str:
    """A first line: "2 are overdue. Miss 1 more by today 17:00 CET and you will be stopped.", or none."""
    parts = [f"{are(overdue)} overdue."] if overdue else []
    return " ".join([*parts, forecast_sentence(told, when)] if told else parts)


def rate_sentence(rate: Rate, ladder: Ladder) -> str:
    """Kept of due: "Kept 21 of 24 due in the last 90 days (88 %)."."""
    if rate.due == 0:
        return f"Nothing fell due in the last {ladder.window_days} days."
    told = f"Kept {rate.kept} of {rate.due} due in the last {ladder.window_days} days"
    return f"{told}: too few to count." if rate.value is None else f"{told} ({percent(rate.value)})."


def because_sentence(overdue: int, rate: Rate, ladder: Ladder) -> str:
    """Why warned or reduced: "Because 2 are overdue and 21 of 24 were kept (below 90 %).", or nothing."""
    parts = [f"{are(overdue)} overdue"] if overdue else []
    if rate.value is not None and rate.below(ladder.warn_below):
        threshold = ladder.reduce_below if rate.below(ladder.reduce_below) else ladder.warn_below
        parts.append(f"{rate.kept} of {rate.due} were kept (below {percent(float(threshold))})")
    return f"Because {' and '.join(parts)}." if parts else ""


def reason_sentence(mark: Mark, t: datetime, when: When) -> str:
    """What one obligation did to the standing, as of ``t``."""
    due = f"{mark.kind.label}, due {when(mark.due_at)}"
    if mark.waived_at is not None and mark.waived_at <= t:
        return f"{due}: waived, it no longer counts."
    if mark.cured_at is not None and mark.cured_at <= t:
        return f"{due}: done late, {when(mark.cured_at)}."
    settled = mark.hands_on or (mark.settled_at is not None and mark.settled_at <= t)
    return f"{due}: missed." if settled else f"{due}: overdue."


def rung_sentences(ladder: Ladder) -> dict[Standing, tuple[str, str]]:
    """For each rung what it means for leads, and what leads to it."""
    return {
        Standing.GOOD: (
            "New leads at full share.",
            f"At least {percent(float(ladder.warn_below))} kept, nothing overdue.",
        ),
        Standing.WARNED: (
            "New leads still come at full share.",
            f"Below {percent(float(ladder.warn_below))} kept, or anything overdue.",
        ),
        Standing.REDUCED: (
            "Half the share, half the open leads.",
            f"Below {percent(float(ladder.reduce_below))} kept.",
        ),
        Standing.STOPPED: (
            "No new leads. Unanswered offers go to others.",
            f"Below {percent(float(ladder.stop_below))}, {ladder.stop_on_overdue} overdue, "
            f"or {ladder.breaches_in_a_row} missed in a row.",
        ),
        Standing.PROBATION: (
            f"Leads again, at most {ladder.probation_open_lead_cap} open at once.",
            "One miss stops again. " + probation_sentence(ladder),
        ),
    }


def probation_sentence(ladder: Ladder) -> str:
    days = ladder.probation_days
    return f"{days} business day{'' if days == 1 else 's'} without a miss: back to Good."

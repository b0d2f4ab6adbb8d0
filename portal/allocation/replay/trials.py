"""What-ifs as rows: asked for, taken by one worker at a time, cancelled, finished. Nothing else is ever written."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update

from models.allocation import RuleVersion
from models.base import new_id
from models.session import AnySession, read_only, unit
from models.trials import Trial
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation import versions
from portal.allocation.replay.reading import Period
from portal.allocation.replay.run import run
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import TrialState, VersionState

#: Who took one and says nothing for so long is dead: another takes it up.
LEASE = timedelta(minutes=2)
MOST_DAYS = 731
#: So many may be under way at once: each keeps a processor busy.
MOST_UNDER_WAY = 5
Clock = Callable[[], datetime]


class Ended(Exception):
    """The run has no more reason to go on: it was cancelled, or another took it up."""


def ask(session: AnySession, version_id: str, start: datetime, end: datetime, now: datetime, actor: Actor) -> Trial:
    """Ask for a replay of ``start`` to ``end`` (not included) through a version. Raises NotFound, Invalid, Conflict.

    1. A period of the past, of at most two years: what would happen from now on nobody knows.
    2. A draft must be fit to be published; it is replayed as it is now, however it changes meanwhile.
    3. The live version stands for the rules as they were: each decision is made again by what was live then.
    """
    version = session.get(RuleVersion, version_id)
    if version is None:
        raise NotFound
    _check(start, end, now)
    rules = None
    if version.state is not VersionState.PUBLISHED:
        versions.checked(session, version.rules)
        rules = version.rules
    waiting = select(Trial.id).where(Trial.ended_at.is_(None)).limit(MOST_UNDER_WAY)
    if len(session.scalars(waiting).all()) == MOST_UNDER_WAY:
        raise Conflict(f"{MOST_UNDER_WAY} what-ifs are under way. Wait for one to end, or cancel it.")
    trial = Trial(
        id=new_id(), rule_version_id=version.id, number=version.number, revision=version.revision, rules=rules,
        from_at=start, to_at=end, state=TrialState.WAITING, asked_at=now, asked_by=actor.id, asked_by_name=actor.name,
    )  # fmt: skip
    session.add(trial)
    facts = {"number": version.number, "from": start.isoformat(), "to": end.isoformat()}
    record(session, actor, "rules.what_if", "rule_version", version.id, now, facts=facts)
    return trial


def _check(start: datetime, end: datetime, now: datetime) -> None:
    errors = []
    if start >= min(end, now):
        errors.append(("from", "Begin in the past, and before the period ends."))
    elif end - start > timedelta(days=MOST_DAYS):
        errors.append(("from", f"Take at most {MOST_DAYS} days."))
    if errors:
        raise Invalid(errors)


def cancel(session: AnySession, trial_id: str, now: datetime) -> Trial:
    """End one that is under way; who works on it notices with its next step. Raises NotFound, Conflict."""
    trial = session.scalars(select(Trial).where(Trial.id == trial_id).with_for_update()).one_or_none()
    if trial is None:
        raise NotFound
    if not trial.state.is_under_way:
        raise Conflict("This what-if has ended already.")
    trial.state, trial.ended_at = TrialState.CANCELLED, now
    return trial


def found(session: AnySession, trial_id: str, version_id: str | None = None) -> Trial:
    """One what-if, of a version where that is named. Raises NotFound."""
    trial = session.get(Trial, trial_id)
    if trial is None or version_id not in (None, trial.rule_version_id):
        raise NotFound
    return trial


def due(session: AnySession, now: datetime) -> list[str]:
    """Those that nobody works on, the one asked first first."""
    free = or_(Trial.state == TrialState.WAITING, Trial.taken_until <= now)
    return list(session.scalars(select(Trial.id).where(Trial.ended_at.is_(None), free).order_by(Trial.asked_at)))


def carry_out(
    session: AnySession, trial_id: str, owner: str, clock: Clock, stopping: Callable[[], bool] = lambda: False
) -> TrialState | None:
    """Run one, if nobody else does; the state it ends in, or None where it is another's or was cancelled.

    1. One worker at a time: it is taken by one conditional UPDATE, and each step renews the hold on it.
    2. A step that finds it taken or cancelled ends the run. 3. ``stopping``: it is given back, to be begun anew.
    4. Whatever goes wrong ends it with the problem told; nothing is tried for ever.
    """
    if not unit(session, lambda: _taken(session, trial_id, owner, clock())):
        return None
    read_only(session)
    trial = session.get_one(Trial, trial_id)
    period, rules = Period(trial.from_at, trial.to_at), trial.rules
    session.rollback()

    def progress(done: int, whole: int) -> None:
        if stopping():
            unit(session, lambda: _keep(session, trial_id, owner, state=TrialState.WAITING, taken_until=None))
            raise Ended
        until = clock() + LEASE
        if not unit(session, lambda: _keep(session, trial_id, owner, done=done, whole=whole, taken_until=until)):
            raise Ended

    try:
        result = run(session, period, rules, progress)
    except Ended:
        return None
    except Exception as error:
        session.rollback()
        return _end(session, trial_id, owner, clock(), TrialState.BROKEN, problem=_problem(error))
    return _end(session, trial_id, owner, clock(), TrialState.DONE, result=result)


def _problem(error: Exception) -> str:
    """What went wrong, in a line: what a database adds about values stays out."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:300]


def _taken(session: AnySession, trial_id: str, owner: str, now: datetime) -> bool:
    free = or_(Trial.state == TrialState.WAITING, and_(Trial.state == TrialState.RUNNING, Trial.taken_until <= now))
    return _changed(
        session, and_(Trial.id == trial_id, free), state=TrialState.RUNNING, taken_by=owner, taken_until=now + LEASE,
        begun_at=now, done=0, whole=0,
    )  # fmt: skip


def _keep(session: AnySession, trial_id: str, owner: str, **values: Any) -> bool:
    mine = and_(Trial.id == trial_id, Trial.taken_by == owner, Trial.state == TrialState.RUNNING)
    return _changed(session, mine, **values)


def _end(
    session: AnySession, trial_id: str, owner: str, now: datetime, state: TrialState, **values: Any
) -> TrialState | None:
    ended = unit(session, lambda: _keep(session, trial_id, owner, state=state, ended_at=now, **values))
    return state if ended else None


def _changed(session: AnySession, where: Any, **values: Any) -> bool:
    done = session.execute(update(Trial).where(where).values(**values).execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]

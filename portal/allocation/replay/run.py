"""Running a replay: the period read chunk by chunk, each in a short reading transaction, walked in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import select

from models.partners import Partner
from models.session import AnySession, read_only
from portal.allocation.choosing import Pair
from portal.allocation.document import Strategy
from portal.allocation.gates import LeadFacts
from portal.allocation.ranking import ranked
from portal.allocation.replay import reading
from portal.allocation.replay.past import Moment
from portal.allocation.replay.reading import Beginnings, Period
from portal.allocation.replay.walk import Replay
from portal.allocation.rotation import Credits
from portal.allocation.strategies import Ranked

T = TypeVar("T")
#: Told after each chunk: how many steps are done, and of how many. It may raise to end the run.
Progress = Callable[[int, int], None]


def run(session: AnySession, period: Period, rules: Sequence[Any] | None, progress: Progress) -> dict[str, Any]:
    """Replay a period through ``rules``, or through what was live at each decision (None); the result as JSON.

    1. It only reads, in transactions that the database keeps from writing; between them nothing is locked or held open.
    2. The decisions are gone through twice: first for the rotations as they were when the period began.
    3. The same period and rules give the same result, however often they are asked.
    """
    replay = prepared(session, period, rules, progress)
    walk(session, replay, period, progress)
    names = {row.slot: (row.id, row.name) for row in _read(session, _partners)}
    return replay.finish().result(names)


def prepared(session: AnySession, period: Period, rules: Sequence[Any] | None, progress: Progress) -> Replay:
    """A replay at the beginning of the period."""
    past = _read(session, lambda s: reading.read(s, period))
    moments = _read(session, lambda s: reading.decisions_of(s, period))
    begun, done = Beginnings(past.rules, {}, {}), 0
    for chunk in reading.chunks(moments):
        _read(session, partial(_look, chunk=chunk, begun=begun))
        done += len(chunk)
        progress(done, 2 * len(moments))
    past.rotations = _read(session, lambda s: reading.rotations(s, period, begun))
    ruling = None if rules is None else _read(session, lambda s: reading.parsed(s, rules))
    return Replay(past, ruling, partial(_rank, session))


def walk(session: AnySession, replay: Replay, period: Period, progress: Progress) -> None:
    """Every decision of the period, once more."""
    moments = _read(session, lambda s: reading.decisions_of(s, period))
    done = 0
    for chunk in reading.chunks(moments):
        _read(session, partial(_steps, chunk=chunk, replay=replay))
        done += len(chunk)
        progress(len(moments) + done, 2 * len(moments))


def _read(session: AnySession, work: Callable[[AnySession], T]) -> T:
    read_only(session)
    try:
        return work(session)
    finally:
        session.rollback()


def _look(session: AnySession, chunk: Sequence[Moment], begun: Beginnings) -> None:
    rows = {row.id: row for row in session.execute(reading.turning(chunk))}
    for _, row_id in chunk:
        if row_id in rows:
            begun.look(rows[row_id])


def _steps(session: AnySession, chunk: Sequence[Moment], replay: Replay) -> None:
    for event in reading.events(session, chunk):
        replay.step(event)


def _partners(session: AnySession) -> Sequence[Any]:
    return session.execute(select(Partner.id, Partner.slot, Partner.name)).all()


def _rank(
    session: AnySession, strategy: Strategy, eligible: Sequence[Pair], lead: LeadFacts, credits: Credits, turns: int,
    at: datetime,
) -> Ranked:  # fmt: skip
    return ranked(session, strategy, eligible, lead, credits, turns, at)

"""What-ifs as work: by a worker where there is Redis, by the clock process where there is none or no worker comes."""

import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.orm import Session

from models.base import db
from models.session import AnySession, read_only
from portal.allocation.replay import trials
from portal.config import Settings
from portal.jobs.moment import now_of
from portal.vocabulary import TrialState

if TYPE_CHECKING:
    from redis import Redis

#: One that was pushed and that no worker has taken for this long is run here.
TAKEN_WITHIN_SECONDS = 10.0
log = structlog.get_logger(__name__)


def owner() -> str:
    """The name under which this process takes a what-if; another one each time."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{os.urandom(4).hex()}"


def replay(trial_id: str) -> str:
    """The job: run one what-if where nobody else does; says what came of it. Doing it again does nothing."""
    from portal.jobs.mail import HOUSE

    with Session(HOUSE.get().engine, expire_on_commit=False) as session:
        return _run(session, trial_id) or "left"


def _run(session: AnySession, trial_id: str, stopping: Callable[[], bool] = lambda: False) -> TrialState | None:
    state = trials.carry_out(session, trial_id, owner(), lambda: _now(session), stopping)
    if state is TrialState.BROKEN:
        log.error("what-if: broken", trial_id=trial_id)
    return state


def _now(session: AnySession) -> datetime:
    """Between two transactions: asking the database for the time ends its own."""
    return now_of(session)


class Turns:
    """The clock's part; ``turn`` is one look. What it remembers may be forgotten at any time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pushed: dict[str, float] = {}

    def turn(self, now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
        """See that every what-if that waits is run; how many ended here.

        1. Without Redis, or where it is away or has no worker, it is run here, one after the other.
        2. Otherwise it is pushed once; where no worker takes it within ten seconds it is run here after all.
        """
        session = db.session()
        read_only(session)
        waiting = trials.due(session, now)
        session.rollback()
        self.pushed = {trial: at for trial, at in self.pushed.items() if trial in waiting}
        mine = [trial_id for trial_id in waiting if not self._left_to_worker(trial_id)]
        ended = [_run(session, trial_id, stopping) for trial_id in mine if not stopping()]
        return sum(state is not None for state in ended)

    def _left_to_worker(self, trial_id: str) -> bool:
        at = self.pushed.get(trial_id)
        if at is not None:
            return time.monotonic() - at < TAKEN_WITHIN_SECONDS
        if not self.settings.redis_url or not self._push(trial_id):
            return False
        self.pushed[trial_id] = time.monotonic()
        return True

    def _push(self, trial_id: str) -> bool:
        from redis import RedisError

        from portal.jobs import broker

        try:
            with broker.connect(self.settings.redis_url) as connection:
                return _pushed(connection, trial_id)
        except RedisError as error:
            log.warning("what-if: no queue", away=str(error))
            return False


def _pushed(connection: "Redis", trial_id: str) -> bool:
    """True where a worker will come for it."""
    from portal.jobs import broker

    if not broker.has_worker(connection):
        return False
    broker.push_what_if(connection, trial_id)
    return True

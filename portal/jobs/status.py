"""How the machinery is doing: clock, outbox, mails, sweep, queue and workers. Reads only; names no partner."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Select, func, select

from models.platform import Lease, Mail, Outbox, SweepProblem
from models.session import AnySession
from portal.notifications.posting import keeps_hours

if TYPE_CHECKING:
    from redis import Redis

#: Undeliverable mails are counted as far back as this.
LOOKED_BACK = timedelta(days=7)
#: A clock renews its lease every 10 s, a worker its registration at least every 45 s.
CLOCK_SILENT = timedelta(seconds=40)
WORKER_SILENT = timedelta(seconds=90)


@dataclass(frozen=True)
class Waiting:
    """Things that wait: how many, and since when the oldest does (UTC; None where nothing waits)."""

    count: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True)
class WorkerBeat:
    """A worker by its name, what it last said it does, and when (UTC; None where Redis lost it)."""

    name: str
    doing: str
    beat_at: datetime | None

    def is_silent(self, now: datetime) -> bool:
        """Whether it has said nothing for longer than any worker stays silent."""
        return self.beat_at is None or now - self.beat_at > WORKER_SILENT


@dataclass(frozen=True)
class QueueStatus:
    """The queue of jobs. ``answers``: whether Redis does; where not, the rest is empty and the clock delivers."""

    answers: bool
    queued: int = 0
    running: int = 0
    given_up: int = 0
    workers: tuple[WorkerBeat, ...] = ()


@dataclass(frozen=True)
class Status:
    """All of it at one instant.

    ``clock_beat_at``: when the leading clock last renewed its lease; None where none ever ran. ``notices``: pending
    ones that no opening hours hold back. ``due``: mails that should be on their way, of all that ``waiting``.
    ``retrying``: mails not taken at least once. ``undeliverable``: given up, of the last seven days.
    ``queue``: None where no Redis is set.
    """

    at: datetime
    clock_beat_at: datetime | None
    notices: Waiting
    waiting: Waiting
    due: Waiting
    retrying: int
    undeliverable: int
    sweep_problems: Waiting
    queue: QueueStatus | None = field(default=None)

    @property
    def clock_is_silent(self) -> bool:
        """Whether no clock has been at work for longer than one that leads stays silent."""
        return self.clock_beat_at is None or self.at - self.clock_beat_at > CLOCK_SILENT


def status(session: AnySession, redis: "Redis | None", now: datetime) -> Status:
    """Read the state of the machinery at ``now``; a Redis that is away is part of the answer, not an error.

    Ten small reads; begin the transaction as reading (models.session.read_only) where nothing else is done in it.
    """
    pending = select(func.count(), func.min(Outbox.created_at)).where(Outbox.state == "pending", ~keeps_hours())
    waiting = select(func.count(), func.min(Mail.created_at)).where(Mail.state == "waiting")
    due = select(func.count(), func.min(Mail.not_before)).where(Mail.state == "waiting", Mail.not_before <= now)
    return Status(
        at=now,
        clock_beat_at=session.scalar(select(Lease.beat_at).where(Lease.name == "clock")),
        notices=_waiting(session, pending),
        waiting=_waiting(session, waiting),
        due=_waiting(session, due),
        retrying=session.scalar(select(func.count()).where(Mail.state == "waiting", Mail.attempts > 0)) or 0,
        undeliverable=session.scalar(_undeliverable(now)) or 0,
        sweep_problems=_waiting(session, select(func.count(), func.min(SweepProblem.first_at))),
        queue=_queue(redis) if redis is not None else None,
    )


def _waiting(session: AnySession, counted: Select[int, datetime]) -> Waiting:
    count, oldest = session.execute(counted).one()
    return Waiting(count, oldest)


def _undeliverable(now: datetime) -> Select[int]:
    """By primary key, which holds the millisecond a row was made in, so that old mails are not read."""
    first = max(0, int((now - LOOKED_BACK).timestamp() * 1000))
    return select(func.count()).where(Mail.id >= str(UUID(int=first << 80)), Mail.state == "undeliverable")


def _queue(redis: "Redis") -> QueueStatus:
    from redis import RedisError
    from rq.worker_registration import WORKERS_BY_QUEUE_KEY

    from portal.jobs.broker import mail_queue

    queue = mail_queue(redis)
    try:
        with redis.pipeline(transaction=False) as ask:
            ask.llen(queue.key)
            ask.llen(queue.intermediate_queue_key)
            ask.zcard(queue.started_job_registry.key)
            ask.zcard(queue.failed_job_registry.key)
            ask.smembers(WORKERS_BY_QUEUE_KEY % queue.name)
            queued, taken, running, given_up, keys = ask.execute()
        return QueueStatus(True, queued, max(taken, running), given_up, _workers(redis, keys))
    except RedisError:
        return QueueStatus(False)


def _workers(redis: "Redis", keys: set[bytes]) -> tuple[WorkerBeat, ...]:
    found = sorted(key.decode() for key in keys)
    with redis.pipeline(transaction=False) as ask:
        for key in found:
            ask.hmget(key, "state", "last_heartbeat")
        answers = ask.execute()
    return tuple(
        WorkerBeat(key.rpartition(":")[2], (state or b"gone").decode(), _instant(beat))
        for key, (state, beat) in zip(found, answers, strict=True)
    )


def _instant(text: bytes | None) -> datetime | None:
    return datetime.fromisoformat(text.decode()).astimezone(UTC) if text else None

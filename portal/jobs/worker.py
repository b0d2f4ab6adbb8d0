"""``fairlead worker``: RQ's worker on the mail queue, in one process that outlives Redis."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from redis import Redis, RedisError
from rq import Worker, worker_registration
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from portal.config import Settings
from portal.jobs import broker, mail
from portal.jobs.family import die_with

if TYPE_CHECKING:
    from redis.client import Pipeline
    from rq import Queue
    from rq.job import Job

TTL_SECONDS = 45
MAINTENANCE_SECONDS = 30
RETRY_SECONDS = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
log = structlog.get_logger(__name__)


class MailWorker(Worker):
    """Forks a process for each job, from one that has everything loaded. It takes orders from signals alone."""

    #: Asking a server that is away waits no longer than this between two tries.
    max_connection_wait_time = 2.0

    def __init__(self, connection: "Redis", worker_ttl: int, on_stop: Callable[[], object]) -> None:
        self.on_stop = on_stop
        super().__init__(
            [broker.mail_queue(connection)],
            name=f"{socket.gethostname()}.{os.getpid()}.{os.urandom(3).hex()}",
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=worker_ttl,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )

    def subscribe(self) -> None:
        """No channel for orders: whoever can write to Redis cannot stop a worker, and no thread runs when it forks."""

    def heartbeat(self, timeout: int | None = None, pipeline: "Pipeline | None" = None) -> None:
        """RQ's own, and the registration with it: a server that lost its data learns who works for it."""
        super().heartbeat(timeout, pipeline)
        worker_registration.register(self, pipeline)

    def request_stop(self, signum: int, frame: Any) -> None:
        """Finish the job at hand, then end."""
        self.on_stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def execute_job(self, job: "Job", queue: "Queue") -> None:
        """RQ's own; a server lost meanwhile ends this worker, quietly, and the next one waits for it."""
        try:
            super().execute_job(job, queue)
        except RedisError as error:
            raise StopRequested from error

    def teardown(self) -> None:
        """Sign off, where there is still somebody to tell."""
        with suppress(RedisError):
            super().teardown()  # type: ignore[no-untyped-call]

    def setup_work_horse_signals(self) -> None:
        """The forked process ends with the worker, however that ends; its mail is sent again after its lease."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        die_with(self.pid or 0)

    def _install_signal_handlers(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self.request_stop)


class Work:
    """Workers one after the other in one process, until a signal: RQ's ends with each loss of its connection."""

    def __init__(self, settings: Settings, worker_ttl: int = TTL_SECONDS) -> None:
        self.url = settings.redis_url
        self.worker_ttl = worker_ttl
        # A plain flag: a signal's handler may interrupt whoever holds an Event's lock.
        self.told = False
        self.away = False
        mail.prepare(settings)

    def go_on(self) -> None:
        """Work until told to stop by SIGINT, SIGTERM or SIGHUP; a job at hand is finished first."""
        for number in SIGNALS:
            signal.signal(number, self._hear)
        while not self.told:
            # A signal between two workers still reaches the last one's handler, which raises this.
            with suppress(StopRequested):
                self._one()
                time.sleep(RETRY_SECONDS)

    def _hear(self, *_: object) -> None:
        self.told = True

    def _one(self) -> None:
        # A client for each: RQ sets how long its connections may be silent, before the first is opened.
        connection = broker.connect(self.url)
        try:
            worker = MailWorker(connection, self.worker_ttl, self._hear)
            self._is_away(None)
            worker.work(logging_level="WARNING")
        except RedisError as error:
            self._is_away(error)
        finally:
            connection.close()

    def _is_away(self, error: RedisError | None) -> None:
        """Said when it changes, not with every try."""
        if error is not None and not self.away:
            log.warning("worker.redis", away=str(error))
        elif error is None:
            log.info("worker.ready", again=self.away)
        self.away = error is not None

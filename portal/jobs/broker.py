"""Redis or Valkey, which carries jobs to workers. The database knows everything that is lost with it.

One queue, emptied by ``fairlead worker``. A job carries the id of a mail or a what-if and nothing else, as JSON, so
that whoever can write to the server can make a worker do no more than look at one.
"""

from collections.abc import Sequence

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry as Reconnect
from rq import Queue, Retry
from rq.serializers import JSONSerializer
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

QUEUE = "fairlead-mail"
TIMEOUT_SECONDS = 2.0
JOB = "portal.jobs.mail.send"
WHAT_IF = "portal.jobs.whatif.replay"
#: A what-if goes through as many leads as two years bring.
WHAT_IF_SECONDS = 3600
#: Longer than a letter may take; what hangs for longer is ended from outside.
JOB_SECONDS = 150
#: A job that waited this long is dropped: the clock process has sent its mail long since.
WAITING_SECONDS = 600
#: While this key is there the mail server takes nothing, and no job tries.
RESTS_KEY = "fairlead:mail-server-rests"
REST_SECONDS = 5


def connect(url: str) -> "Redis":
    """A client of the server at ``url`` (redis, rediss, valkey, unix); nothing is asked of it yet.

    A dropped connection is opened anew once and at once; commands give up after two seconds.
    """
    return Redis.from_url(
        url.replace("valkey://", "redis://", 1),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Reconnect(NoBackoff(), 1),
    )


def mail_queue(connection: "Redis") -> Queue:
    """The one queue."""
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer, default_timeout=JOB_SECONDS)


def push(connection: "Redis", mail_ids: Sequence[str]) -> None:
    """Put a job for each mail at the end of the queue; pushing one again does no harm. Raises RedisError."""
    jobs = [
        Queue.prepare_data(
            JOB, (mail_id,), job_id=f"mail-{mail_id}", timeout=JOB_SECONDS, retry=Retry(max=3),
            result_ttl=0, ttl=WAITING_SECONDS, failure_ttl=WAITING_SECONDS,
        )
        for mail_id in dict.fromkeys(mail_ids)
    ]  # fmt: skip
    mail_queue(connection).enqueue_many(jobs)


def push_what_if(connection: "Redis", trial_id: str) -> None:
    """Put a job for a what-if at the end of the queue; pushing one again does no harm. Raises RedisError."""
    mail_queue(connection).enqueue_call(
        WHAT_IF, (trial_id,), job_id=f"what-if-{trial_id}", timeout=WHAT_IF_SECONDS,
        result_ttl=0, ttl=WAITING_SECONDS, failure_ttl=WAITING_SECONDS,
    )  # fmt: skip


def has_worker(connection: "Redis") -> bool:
    """Whether a worker has signed on and not off. One that was killed counts for a minute or two. Raises RedisError."""
    return bool(connection.scard(WORKERS_BY_QUEUE_KEY % QUEUE))


def rest(connection: "Redis") -> None:
    """Let the mail server rest for a moment, so that each mail that waits does not lose a try."""
    connection.set(RESTS_KEY, "1", ex=REST_SECONDS)


def rests(connection: "Redis") -> bool:
    """Whether the mail server rests."""
    return bool(connection.exists(RESTS_KEY))

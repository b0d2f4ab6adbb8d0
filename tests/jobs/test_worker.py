"""Jobs on a real Valkey: what is pushed is sent once, and what is lost, repeated or refused does no harm."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.base import db
from models.platform import Mail
from models.session import unit
from portal.config import Settings
from portal.jobs import broker, mail, post, rounds
from portal.jobs.clock import database_now, settings_of
from portal.jobs.rounds import LEFT_ALONE_SECONDS, TAKEN_WITHIN, Rounds
from portal.jobs.worker import SIGNALS, MailWorker
from portal.notifications import delivery
from portal.notifications.delivery import LEASE, Delivered
from portal.vocabulary import NoticeTopic, Role
from tests.jobs.people import notice, partner, user
from tests.support.mail import Mailbox

REPS = ("ada@north.example", "bo@north.example", "cy@north.example")


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with broker.connect(valkey_url) as connection:
        yield connection


@pytest.fixture
def settings(app: Flask, mailbox: Mailbox, valkey_url: str) -> Settings:
    """Those of an installation with a mail server and Redis."""
    return replace(settings_of(app), smtp_url=mailbox.url, redis_url=valkey_url)


@pytest.fixture
def mails(session: Session, settings: Settings) -> list[str]:
    """Ids of three mails that are due, one for each rep of a partner."""

    def work() -> None:
        north = partner(session)
        for address in REPS:
            user(session, address, Role.PARTNER_REP, north)
        notice(session, NoticeTopic.OFFER, partner_id=north.id)

    unit(session, work)
    now = database_now()
    assert post.post_all(settings, now) == 3
    return list(delivery.due(session, now, 10))


@pytest.fixture
def empty_the_queue(settings: Settings) -> Iterator[object]:
    """Works off what is in the queue, forking for each job, and leaves the signals as they were."""
    mail.prepare(settings)
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def work() -> None:
        with broker.connect(settings.redis_url) as connection:
            MailWorker(connection, 45, lambda: None).work(burst=True, logging_level="WARNING")

    yield work
    for number, handler in before.items():
        signal.signal(number, handler)


def states(session: Session) -> list[tuple[str, int]]:
    found = [(row.state, row.attempts) for row in session.scalars(select(Mail).order_by(Mail.id))]
    session.rollback()
    return found


def test_what_is_pushed_is_sent_once_under_its_own_id(
    session: Session, redis: Redis, mails: list[str], mailbox: Mailbox, empty_the_queue: object
) -> None:
    broker.push(redis, [*mails, mails[0]])
    broker.push(redis, mails)
    empty_the_queue()  # type: ignore[operator]
    assert states(session) == [("sent", 1)] * 3
    assert len(mailbox.messages) == 3
    ids = set(session.scalars(select(Mail.message_id)))
    assert {message["Message-ID"] for message in mailbox.messages} == ids
    assert broker.mail_queue(redis).count == 0


def test_a_job_is_one_id_as_json_and_is_tried_again(redis: Redis, mails: list[str]) -> None:
    broker.push(redis, mails[:1])
    (job,) = broker.mail_queue(redis).jobs
    assert (job.func_name, job.args, job.kwargs) == (broker.JOB, [mails[0]], {})
    assert redis.hget(job.key, "data") is not None
    assert job.retries_left == 3
    assert job.timeout > delivery.LONGEST_SENDING_SECONDS


def test_a_job_that_comes_too_early_or_for_nothing_sends_nothing(
    session: Session, settings: Settings, mails: list[str], mailbox: Mailbox
) -> None:
    mail.prepare(settings)
    unit(session, lambda: session.execute(update(Mail).values(not_before=database_now() + timedelta(minutes=1))))
    assert mail.send(mails[0]) == "left"
    assert mail.send("00000000-0000-7000-8000-000000000000") == "left"
    assert mailbox.messages == []


def test_while_the_mail_server_takes_nothing_one_mail_loses_a_try(
    session: Session, redis: Redis, mails: list[str], mailbox: Mailbox, empty_the_queue: object
) -> None:
    mailbox.down = True
    broker.push(redis, mails)
    empty_the_queue()  # type: ignore[operator]
    assert sorted(attempts for _, attempts in states(session)) == [0, 0, 1]
    assert broker.rests(redis)


def test_an_address_that_never_takes_mail_is_recorded_from_a_job(
    session: Session, redis: Redis, mails: list[str], mailbox: Mailbox, empty_the_queue: object
) -> None:
    mailbox.refused[REPS[0]] = "550 5.1.1 No such user"
    broker.push(redis, mails)
    empty_the_queue()  # type: ignore[operator]
    assert sorted(states(session)) == [("sent", 1), ("sent", 1), ("undeliverable", 1)]


@pytest.fixture
def someone_works(redis: Redis) -> None:
    """A worker is registered, whatever became of it."""
    from rq.worker_registration import WORKERS_BY_QUEUE_KEY

    redis.sadd(WORKERS_BY_QUEUE_KEY % broker.QUEUE, "rq:worker:somebody")


@pytest.mark.usefixtures("someone_works")
def test_the_clock_hands_over_and_delivers_what_nobody_takes(
    session: Session, settings: Settings, redis: Redis, mails: list[str], mailbox: Mailbox
) -> None:
    now, clock = database_now(), Rounds(settings)
    assert clock.round(now) == Delivered()
    assert broker.mail_queue(redis).count == 3
    redis.delete(broker.mail_queue(redis).key)
    assert clock.round(now + TAKEN_WITHIN - timedelta(seconds=1)) == Delivered()
    assert clock.round(now + TAKEN_WITHIN) == Delivered(sent=3)
    assert len(mailbox.messages) == 3


@pytest.mark.usefixtures("someone_works")
def test_what_was_pushed_to_a_server_that_forgot_it_is_delivered_at_once(
    session: Session, settings: Settings, redis: Redis, mails: list[str]
) -> None:
    now, clock = database_now(), Rounds(settings)
    assert clock.round(now) == Delivered()
    redis.flushall()
    assert clock.round(now) == Delivered(sent=3)


@pytest.mark.usefixtures("someone_works")
def test_a_mail_is_pushed_once_and_again_after_its_worker_died(
    session: Session, settings: Settings, redis: Redis, mails: list[str]
) -> None:
    now, clock = database_now(), Rounds(settings)
    clock.round(now)
    clock.round(now + timedelta(seconds=1))
    assert broker.mail_queue(redis).count == 3
    redis.delete(broker.mail_queue(redis).key)

    def die(at: datetime) -> None:
        session.execute(update(Mail).values(lease_token=Mail.lease_token + 1, lease_until=at + LEASE))

    unit(session, lambda: die(now))
    assert clock.round(now + TAKEN_WITHIN) == Delivered()
    assert broker.mail_queue(redis).count == 0
    assert clock.round(now + LEASE + timedelta(seconds=1)) == Delivered()
    assert broker.mail_queue(redis).count == 3


def test_where_nobody_works_the_clock_delivers_at_once(
    session: Session, settings: Settings, redis: Redis, mails: list[str]
) -> None:
    assert Rounds(settings).round(database_now()) == Delivered(sent=3)
    assert broker.mail_queue(redis).count == 0


@pytest.mark.usefixtures("someone_works")
def test_where_redis_is_away_the_clock_delivers_at_once_and_asks_again_later(
    session: Session, settings: Settings, redis: Redis, mails: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Rounds(replace(settings, redis_url="unix:///nowhere/valkey.sock"))
    time = [1000.0]
    monkeypatch.setattr(rounds.time, "monotonic", lambda: time[0])
    monkeypatch.setattr(post, "deliver", lambda *arguments: Delivered(sent=len(arguments[3])))
    now = database_now()
    assert clock.round(now) == Delivered(sent=3)
    clock.settings = settings
    clock._connection = None
    assert clock.round(now) == Delivered(sent=3)
    time[0] += LEFT_ALONE_SECONDS
    assert clock.round(now) == Delivered()
    assert broker.mail_queue(redis).count == 3


def test_without_redis_the_clock_delivers_itself(session: Session, settings: Settings, mails: list[str]) -> None:
    assert Rounds(replace(settings, redis_url="")).round(database_now()) == Delivered(sent=3)


def test_a_slow_server_makes_nobody_else_send_the_mail(
    app: Flask, session: Session, settings: Settings, mails: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a letter is being handed over its lease is renewed, however short it is."""
    from portal.notifications.links import Links
    from portal.notifications.transports import MemoryTransport

    monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=0.9))
    seen: list[bool] = []

    class Slow(MemoryTransport):
        def send(self, letter: object) -> None:
            import time

            time.sleep(1.5)
            with app.app_context():
                seen.append(mails[0] in delivery.due(db.session(), database_now(), 10))

    done = delivery.deliver_due(
        session, Slow(), database_now(), sender="a@b.example", links=Links("https://leads.example", "k" * 16),
        bounced=lambda *_: None, only=mails[:1],
    )  # fmt: skip
    assert (done, seen) == (Delivered(sent=1), [False])


def test_a_server_that_lost_its_data_learns_who_works(redis: Redis, settings: Settings) -> None:
    worker = MailWorker(broker.connect(settings.redis_url), 45, lambda: None)
    worker.register_birth()
    assert broker.has_worker(redis)
    redis.flushall()
    assert not broker.has_worker(redis)
    worker.heartbeat()
    assert broker.has_worker(redis)
    worker.connection.close()


def test_a_worker_says_who_and_where_it_is(redis: Redis, settings: Settings) -> None:
    worker = MailWorker(broker.connect(settings.redis_url), 45, lambda: None)
    assert f".{os.getpid()}." in worker.name
    assert (worker.worker_ttl, worker.maintenance_interval) == (45, 30)
    assert [queue.name for queue in worker.queues] == [broker.QUEUE]
    worker.connection.close()

"""What the machinery says of itself, and how a scraper reads it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy.orm import Session

from models.base import new_id
from models.platform import Mail, SweepProblem
from models.session import unit
from portal import config
from portal.config import ConfigError
from portal.jobs import broker, lease
from portal.jobs.clock import settings_of
from portal.jobs.status import QueueStatus, Status, Waiting, status
from portal.jobs.worker import MailWorker
from portal.vocabulary import NoticeTopic, Role
from tests.jobs.people import HOUR, NOW, notice, partner, user

MINUTE = timedelta(minutes=1)
TOKEN = "a-token-of-some-length"


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with broker.connect(valkey_url) as connection:
        yield connection


def mail(outbox_id: str, user_id: str, state: str, number: int, **more: object) -> Mail:
    columns = {
        "id": new_id(), "outbox_id": outbox_id, "user_id": user_id, "address": "ada@north.example",
        "message_id": f"<{number}@leads.example>", "subject": "S", "text": "T", "state": state,
        "created_at": NOW - HOUR, "not_before": NOW - HOUR, **more,
    }  # fmt: skip
    return Mail(**columns)


def a_day(session: Session) -> None:
    """A late notice held back by opening hours, one that is not, mails in every state, a row set aside, a clock."""
    north = partner(session)
    reps = [user(session, f"rep{n}@north.example", Role.PARTNER_REP, north) for n in range(5)]
    notice(session, NoticeTopic.BREACH, partner_id=north.id)
    told = notice(session, NoticeTopic.OFFER, partner_id=north.id)
    session.add_all(
        [
            mail(told.id, reps[0].id, "sent", 1),
            mail(told.id, reps[1].id, "waiting", 2, not_before=NOW - 5 * MINUTE),
            mail(told.id, reps[2].id, "waiting", 3, not_before=NOW + MINUTE, attempts=2),
            mail(told.id, reps[3].id, "undeliverable", 4),
            mail(told.id, reps[4].id, "undeliverable", 5, id="00000000-0000-7000-8000-000000000000"),
            SweepProblem(
                id=new_id(), step="settle", object_id=north.id, problem="?", first_at=NOW - HOUR, last_at=NOW,
                times=3, retry_at=NOW,
            ),
        ]
    )  # fmt: skip
    lease.take(session, "clock", "one", NOW - 7 * timedelta(seconds=1))


def test_an_idle_installation_has_nothing_to_say(session: Session) -> None:
    assert status(session, None, NOW) == Status(NOW, None, Waiting(), Waiting(), Waiting(), 0, 0, Waiting(), None)
    assert status(session, None, NOW).clock_is_silent


def test_what_waits_is_counted_with_its_age(session: Session) -> None:
    unit(session, lambda: a_day(session))
    found = status(session, None, NOW + HOUR)
    assert found.notices == Waiting(1, NOW), "what opening hours hold back is not late"
    assert found.waiting == Waiting(2, NOW - HOUR)
    assert status(session, None, NOW).due == Waiting(1, NOW - 5 * MINUTE)
    assert (found.retrying, found.sweep_problems) == (1, Waiting(1, NOW - HOUR))
    assert found.undeliverable == 1, "older than a week is history"
    assert found.clock_beat_at == NOW - timedelta(seconds=7)
    assert found.clock_is_silent
    assert not status(session, None, NOW).clock_is_silent


def test_the_queue_and_its_workers(session: Session, redis: Redis, valkey_url: str) -> None:
    broker.push(redis, [new_id(), new_id()])
    worker = MailWorker(broker.connect(valkey_url), 45, lambda: None)
    worker.register_birth()
    redis.sadd("rq:workers:fairlead-mail", "rq:worker:lost")
    found = status(session, redis, worker.last_heartbeat).queue
    assert found is not None
    assert (found.answers, found.queued, found.running, found.given_up) == (True, 2, 0, 0)
    beats = {beat.name: beat for beat in found.workers}
    assert set(beats) == {worker.name, "lost"}
    assert beats["lost"].is_silent(worker.last_heartbeat)
    assert not beats[worker.name].is_silent(worker.last_heartbeat)
    assert beats[worker.name].is_silent(worker.last_heartbeat + timedelta(minutes=2))
    worker.connection.close()


def test_a_redis_that_is_away_is_part_of_the_answer(session: Session) -> None:
    with broker.connect("unix:///nowhere/valkey.sock") as away:
        assert status(session, away, NOW).queue == QueueStatus(False)


@pytest.fixture
def measured(app: Flask, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app with metrics on."""
    settings = replace(settings_of(app), metrics=TOKEN, redis_url=valkey_url)
    monkeypatch.setitem(app.extensions, "fairlead", settings)
    return app


def test_a_scraper_reads_it(measured: Flask, session: Session) -> None:
    unit(session, lambda: a_day(session))
    answer = measured.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples if not sample.labels
    }  # fmt: skip
    assert values["fairlead_outbox"] == 1
    assert (values["fairlead_mail_waiting"], values["fairlead_mail_due"], values["fairlead_mail_retrying"]) == (2, 2, 1)
    assert values["fairlead_mail_undeliverable"] == 1
    assert values["fairlead_clock_age_seconds"] > 0
    assert (values["fairlead_redis_up"], values["fairlead_workers"]) == (1, 0)
    assert 'fairlead_jobs{state="queued"} 0.0' in text
    assert "Northwind" not in text
    assert "north.example" not in text


@pytest.mark.parametrize("sent", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_only_who_knows_the_token_reads_it(measured: Flask, sent: str | None) -> None:
    headers = {"Authorization": sent} if sent else {}
    answer = measured.test_client().get("/metrics", headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_without_the_setting_there_is_nothing(app: Flask) -> None:
    answer = app.test_client().get("/metrics", headers={"Authorization": "Bearer off"})
    assert answer.status_code == 404


def test_a_token_that_is_easily_guessed_is_refused(tmp_path: Path) -> None:
    var = {"var_dir": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"^FAIRLEAD_METRICS must be off, or a token of at least 16 characters"):
        config.load({"metrics": "short", **var}, {})
    assert config.load({"metrics": "off", **var}, {}).metrics == "off"

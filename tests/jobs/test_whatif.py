"""What-ifs as work: the clock runs them where no worker does; a worker runs them once; a lost one is run again."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq.worker_registration import WORKERS_BY_QUEUE_KEY
from sqlalchemy.orm import Session

from models.session import unit
from models.trials import Trial
from portal.accounts.actor import SYSTEM
from portal.allocation.replay import trials
from portal.config import Settings
from portal.jobs import broker, whatif
from portal.jobs.clock import database_now, run_clock, settings_of
from portal.jobs.whatif import Turns
from portal.vocabulary import TrialState
from tests.jobs.test_worker import empty_the_queue
from tests.support.world import DAY, MONDAY, make_partner, publish_rules, receive_lead

__all__ = ["empty_the_queue"]


@pytest.fixture
def settings(app: Flask, valkey_url: str) -> Settings:
    """Those of an installation with Redis."""
    return replace(settings_of(app), redis_url=valkey_url)


@pytest.fixture
def trial_id(session: Session) -> str:
    """A what-if that waits."""
    make_partner(session, "North")
    version = publish_rules(session)
    receive_lead(session)
    start, end = MONDAY - DAY, MONDAY + DAY
    return unit(session, lambda: trials.ask(session, version.id, start, end, MONDAY + DAY, SYSTEM).id)


def state(session: Session, trial_id: str) -> TrialState:
    session.rollback()
    found = session.get_one(Trial, trial_id, populate_existing=True).state
    session.rollback()
    return found


def test_without_redis_the_clock_runs_them(app: Flask, session: Session, trial_id: str) -> None:
    turns = Turns(replace(settings_of(app), redis_url=""))
    assert turns.turn(database_now()) == 1
    assert state(session, trial_id) is TrialState.DONE
    assert turns.turn(database_now()) == 0


def test_without_a_worker_the_clock_runs_them(settings: Settings, session: Session, trial_id: str) -> None:
    assert Turns(settings).turn(database_now()) == 1
    assert state(session, trial_id) is TrialState.DONE


def test_where_redis_is_away_the_clock_runs_them(settings: Settings, session: Session, trial_id: str) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    assert Turns(away).turn(database_now()) == 1
    assert state(session, trial_id) is TrialState.DONE


@pytest.fixture
def worker(valkey_url: str) -> Iterator[Redis]:
    """The queue's server, at which a worker has signed on."""
    with broker.connect(valkey_url) as connection:
        connection.sadd(WORKERS_BY_QUEUE_KEY % broker.QUEUE, "rq:worker:somebody")
        yield connection


def test_a_worker_runs_what_was_pushed_once(
    settings: Settings, session: Session, trial_id: str, worker: Redis, empty_the_queue: Any
) -> None:
    turns = Turns(settings)
    for _ in range(2):
        assert turns.turn(database_now()) == 0
    assert [job.args for job in broker.mail_queue(worker).jobs] == [[trial_id]]
    empty_the_queue()
    assert state(session, trial_id) is TrialState.DONE
    broker.push_what_if(worker, trial_id)
    empty_the_queue()
    found = session.get_one(Trial, trial_id)
    assert (found.state, found.done, found.whole) == (TrialState.DONE, 2, 2)


def test_what_no_worker_takes_is_run_here(
    settings: Settings, session: Session, trial_id: str, worker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(settings)
    assert turns.turn(database_now()) == 0
    monkeypatch.setattr(whatif, "TAKEN_WITHIN_SECONDS", 0.0)
    assert turns.turn(database_now()) == 1
    assert state(session, trial_id) is TrialState.DONE


def test_the_clock_process_runs_them_beside_its_sweeps(app: Flask, session: Session, trial_id: str) -> None:
    stop = threading.Event()
    process = threading.Thread(target=run_clock, args=(app, stop))
    process.start()
    try:
        until = time.monotonic() + 20
        while state(session, trial_id) is not TrialState.DONE and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        process.join()
    assert state(session, trial_id) is TrialState.DONE

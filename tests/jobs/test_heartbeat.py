"""The heartbeat: written by a timer of whoever serves, looked at by the clock before it sweeps."""

import threading
import time
from datetime import timedelta

import pytest
from flask import Flask

from models.base import db
from models.excuses import Heartbeat, Outage
from portal.clock import utc_now
from portal.compliance.outages import SILENT_AFTER, Machine
from portal.jobs import clock, heartbeat
from tests.support.visits import within


def beats(app: Flask) -> list[Heartbeat]:
    return within(app, lambda session: session.query(Heartbeat).all())


def test_it_beats_before_anything_is_served_and_then_on_a_timer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", timedelta(milliseconds=20))
    stop = threading.Event()
    thread = heartbeat.start(app, stop)
    (first,) = beats(app)
    end = time.monotonic() + 10
    while beats(app)[0].beat_at == first.beat_at and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(10)
    (last,) = beats(app)
    assert last.name == first.name and last.beat_at > first.beat_at and last.started_at == first.started_at


def test_a_beat_that_cannot_be_written_ends_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(heartbeat, "beat", broken)
    stop = threading.Event()
    stop.set()
    heartbeat.start(app, stop).join(10)
    assert beats(app) == []


def test_the_clock_finds_that_nobody_serves_and_holds_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "machine", lambda: Machine("", 0))
    stop = threading.Event()
    stop.set()
    heartbeat.start(app, stop).join(10)
    assert clock.tick(app, utc_now()).swept["held"] == 0
    done = clock.tick(app, utc_now() + SILENT_AFTER + timedelta(minutes=1))
    assert done.swept["held"] == 1 and not done.problems
    assert within(app, lambda session: session.query(Outage).count()) == 1


def test_the_machine_counts_on() -> None:
    first, second = heartbeat.machine(), heartbeat.machine()
    assert first.boot == second.boot and second.ticks >= first.ticks


def test_without_any_beat_the_clock_sweeps_as_ever(app: Flask) -> None:
    assert clock.tick(app, utc_now()).swept["held"] == 0
    with app.app_context():
        db.session.remove()

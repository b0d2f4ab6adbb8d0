"""The clock: one leader, every step on its own, in opening hours, and nothing that ends it but being told."""

import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import db
from models.platform import Audit, AuditSeal, Lease, Mail, Outbox
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.accounts.audit import broken_links, record
from portal.config import Settings
from portal.jobs import clock, post
from portal.jobs.clock import run_clock, tick
from portal.jobs.lease import HELD, give_back, take
from portal.vocabulary import NoticeTopic, Role
from tests.jobs.people import NOW, notice, partner, user
from tests.support.mail import Mailbox

SUNDAY = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_one_owner_holds_the_lease_at_a_time(session: Session) -> None:
    assert take(session, "clock", "a", NOW)
    assert not take(session, "clock", "b", NOW + HELD - timedelta(seconds=1))
    assert take(session, "clock", "a", NOW + timedelta(seconds=10))
    assert not take(session, "clock", "b", NOW + HELD)
    assert take(session, "clock", "b", NOW + timedelta(seconds=10) + HELD)
    assert not take(session, "clock", "a", NOW + timedelta(seconds=11) + HELD)


def test_a_lease_given_back_is_free_at_once(session: Session) -> None:
    take(session, "clock", "a", NOW)
    give_back(session, "clock", "b", NOW)
    assert not take(session, "clock", "b", NOW)
    give_back(session, "clock", "a", NOW)
    assert take(session, "clock", "b", NOW)


def test_of_many_that_start_at_once_one_leads(app: Flask) -> None:
    start, won = threading.Barrier(6), []

    def contend(owner: str) -> None:
        with app.app_context():
            start.wait()
            if unit(db.session(), lambda: take(db.session(), "clock", owner, NOW)):
                won.append(owner)

    contenders = [threading.Thread(target=contend, args=(str(number),)) for number in range(6)]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join()
    assert len(won) == 1


@pytest.fixture
def offered(app: Flask) -> Flask:
    """An app with one offer to tell and one act in the audit."""

    def work() -> None:
        north = partner(db.session())
        user(db.session(), "rep@north.example", Role.PARTNER_REP, north)
        notice(db.session(), NoticeTopic.OFFER, partner_id=north.id)
        record(db.session(), SYSTEM, "partner.created", "partner", north.id, NOW)

    with app.app_context():
        unit(db.session(), work)
    return app


def test_a_pass_sweeps_posts_and_seals(offered: Flask) -> None:
    done = tick(offered, NOW)
    assert done.problems == []
    assert (done.mails, done.sent) == (1, 0)
    assert done.sentence.endswith(".")
    assert done.as_dict()["sealed"] == 1
    assert done.as_dict()["breaches"] == 0
    with offered.app_context():
        assert db.session.scalars(select(Mail.state)).one() == "kept"
        assert db.session.scalars(select(Outbox.state)).one() == "posted"
        assert len(db.session.scalars(select(AuditSeal)).all()) == 1
        assert list(broken_links(db.session())) == []
    assert tick(offered, NOW).mails == 0


def test_a_pass_delivers_where_there_is_a_mail_server(
    offered: Flask, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    settings: Settings = offered.extensions["fairlead"]
    monkeypatch.setitem(offered.extensions, "fairlead", replace(settings, smtp_url=mailbox.url))
    assert tick(offered, NOW).sent == 1
    (message,) = mailbox.to("rep@north.example")
    assert message["From"] == settings.mail_from


def test_every_row_is_sealed_however_many_there_are(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "BATCH", 3)
    with app.app_context():
        unit(db.session(), lambda: [record(db.session(), SYSTEM, "a.b", "a", str(n), NOW) for n in range(7)])
        assert post.seal_all() == 7
        assert len(db.session.scalars(select(AuditSeal)).all()) == len(db.session.scalars(select(Audit)).all())


def test_outside_a_partners_hours_a_late_notice_waits_for_the_opening(app: Flask) -> None:
    def work() -> None:
        north = partner(db.session())
        user(db.session(), "rep@north.example", Role.PARTNER_REP, north)
        notice(db.session(), NoticeTopic.BREACH, partner_id=north.id, facts={"kind": "feedback"})

    with app.app_context():
        unit(db.session(), work)
    assert tick(app, SUNDAY).mails == 0
    assert tick(app, datetime(2026, 3, 2, 7, 59, tzinfo=UTC)).mails == 0
    assert tick(app, datetime(2026, 3, 2, 8, 0, tzinfo=UTC)).mails == 1


def test_a_step_that_breaks_holds_up_no_other(offered: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("portal.enforcement.sweep.sweep", broken)
    done = tick(offered, NOW)
    assert done.problems == ["sweep: RuntimeError: out of order"]
    assert (done.mails, done.sealed) == (1, 1)


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When the sweep was called; the sweep itself rests."""
    called: list[datetime] = []

    class Report:
        def as_dict(self) -> dict[str, int]:
            return {"breaches": 0}

        def sentence(self) -> str:
            return "Nothing."

    stand_in = ModuleType("portal.enforcement.sweep")
    stand_in.sweep = lambda session, now: (called.append(now), Report())[1]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "portal.enforcement.sweep", stand_in)
    return called


@pytest.fixture
def quick(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An app whose clock hardly pauses; every clock started with ``start`` is stopped."""
    from dataclasses import replace

    settings: Settings = app.extensions["fairlead"]
    monkeypatch.setitem(app.extensions, "fairlead", replace(settings, sweep_seconds=0))
    monkeypatch.setattr(clock, "RENEW_SECONDS", 0.05)
    yield app
    for stop, thread in _running:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()
    _running.clear()


_running: list[tuple[threading.Event, threading.Thread]] = []


def start(app: Flask, owner: str) -> threading.Event:
    stop = threading.Event()
    thread = threading.Thread(target=run_clock, args=(app, stop, owner))
    thread.start()
    _running.append((stop, thread))
    return stop


def until(true: "object", seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def leader(app: Flask) -> str | None:
    with app.app_context():
        return db.session.scalars(select(Lease.owner).where(Lease.name == "clock")).first()


def test_the_clock_goes_on_until_it_is_told_to_stop(quick: Flask, sweeps: list[datetime]) -> None:
    stop = start(quick, "a")
    until(lambda: len(sweeps) >= 3)
    stop.set()
    _running[0][1].join(timeout=20)
    assert not _running[0][1].is_alive()
    ended = len(sweeps)
    time.sleep(0.2)
    assert len(sweeps) == ended
    with quick.app_context():
        lease = db.session.scalars(select(Lease)).one()
        assert (lease.owner, lease.until - lease.beat_at < HELD) == ("a", True)


def test_no_exception_ends_the_clock(quick: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def broken() -> datetime:
        calls.append(1)
        if len(calls) % 2:
            raise RuntimeError("the database is away")
        return NOW + timedelta(days=len(calls))

    monkeypatch.setattr(clock, "database_now", broken)
    start(quick, "a")
    until(lambda: len(calls) > 12)
    assert _running[0][1].is_alive()


def test_of_two_clocks_the_second_waits_and_follows(quick: Flask, sweeps: list[datetime]) -> None:
    first = start(quick, "a")
    until(lambda: leader(quick) == "a" and sweeps)
    start(quick, "b")
    time.sleep(0.5)
    assert leader(quick) == "a"
    first.set()
    until(lambda: leader(quick) == "b")
    seen = len(sweeps)
    until(lambda: len(sweeps) > seen)


def test_the_successor_of_a_dead_clock_leads_at_once_under_its_name(quick: Flask, sweeps: list[datetime]) -> None:
    with quick.app_context():
        unit(db.session(), lambda: take(db.session(), "clock", "up:1", clock.database_now()))
    start(quick, "up:1")
    until(lambda: sweeps, seconds=5)


def test_a_silent_mail_server_holds_up_no_sweep(
    quick: Flask, sweeps: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = threading.Event()

    def hang(*_: object) -> None:
        hanging.set()
        time.sleep(1.5)

    monkeypatch.setattr(post, "deliver", hang)
    start(quick, "a")
    until(hanging.is_set)
    seen = len(sweeps)
    until(lambda: len(sweeps) > seen + 3, seconds=1.2)


def test_the_time_is_the_databases_own(app: Flask, session: Session) -> None:
    at = clock.database_now()
    assert at.tzinfo is not None
    assert not session.in_transaction()
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)

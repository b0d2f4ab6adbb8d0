"""The clock: one process sweeps, posts, delivers and seals, every few seconds. Needs no Redis.

Where there is one, mails are handed to workers, and what those do not take is delivered here (portal.jobs.rounds).
"""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from models.base import db
from models.session import unit
from portal.config import Settings
from portal.jobs import heartbeat, lease, post
from portal.jobs.moment import now_of
from portal.jobs.rounds import Rounds
from portal.jobs.whatif import Turns

if TYPE_CHECKING:
    from flask import Flask

NAME = "clock"
RENEW_SECONDS = 10.0
log = structlog.get_logger(__name__)


@dataclass
class Tick:
    """What one pass did. ``problems``: a sentence for each step that came to no end; the others were done."""

    swept: dict[str, int] = field(default_factory=dict)
    sentence: str = ""
    sealed: int = 0
    mails: int = 0
    sent: int = 0
    deferred: int = 0
    undeliverable: int = 0
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: the sweep's counts, and those of what came after it."""
        after = ("mails", "sent", "deferred", "undeliverable", "problems")
        sealed = self.swept.get("sealed", 0) + self.sealed
        return {**self.swept, "sealed": sealed, **{name: getattr(self, name) for name in after}}


def tick(app: "Flask", now: datetime) -> Tick:
    """One whole pass at ``now``: sweep, post, deliver, seal. A step that breaks holds up no other."""
    done = Tick()
    with app.app_context():
        settings = settings_of(app)
        _step(done, "sweep", lambda: _sweep(done, now))
        _step(done, "post", lambda: _post(done, settings, now))
        _step(done, "deliver", lambda: _deliver(done, settings, now))
        _step(done, "seal", lambda: _seal(done))
    return done


def run_clock(app: "Flask", stop: threading.Event, owner: str | None = None) -> None:
    """Pass after pass, ``sweep_seconds`` apart, while this process leads; returns once ``stop`` is set.

    1. One process leads: it holds a lease of 30 s in the database, renewed every 10 s by a thread of its own,
       so that a long sweep keeps it. Of several clocks the others wait.
    2. Mails are delivered by another thread: a silent mail server holds up no deadline. What-ifs have one too.
    3. No exception ends the clock. It is logged, and the next pass comes.

    ``owner``: this clock's name. The successor of a dead clock that is given the same leads at once.
    """
    owner = (owner or f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}")[:64]
    leading = threading.Event()
    helpers = [
        threading.Thread(target=_renew, args=(app, stop, leading, owner), name="clock-lease"),
        threading.Thread(target=_deliver_on, args=(app, stop, leading), name="clock-mail"),
        threading.Thread(target=_replay_on, args=(app, stop, leading), name="clock-what-if"),
    ]
    for helper in helpers:
        helper.start()
    try:
        _sweep_on(app, stop, leading)
    finally:
        stop.set()
        for helper in helpers:
            helper.join()
        _safely(app, "give back", lambda: _give_back(owner))


def database_now() -> datetime:
    """The time that all processes on this database agree on."""
    return now_of(db.session())


def settings_of(app: "Flask") -> Settings:
    """The settings that ``app`` was made with."""
    found: Settings = app.extensions["fairlead"]
    return found


def _sweep_on(app: "Flask", stop: threading.Event, leading: threading.Event) -> None:
    pause = settings_of(app).sweep_seconds
    while not stop.is_set():
        if leading.wait(timeout=0.2):
            _safely(app, "pass", lambda: _pass(app))
            stop.wait(pause)


def _pass(app: "Flask") -> None:
    done, settings, now = Tick(), settings_of(app), database_now()
    _step(done, "sweep", lambda: _sweep(done, now))
    _step(done, "post", lambda: _post(done, settings, now))
    _step(done, "seal", lambda: _seal(done))
    if any(done.swept.values()) or done.mails:
        log.info("clock.pass", mails=done.mails, **{name: count for name, count in done.swept.items() if count})


def _deliver_on(app: "Flask", stop: threading.Event, leading: threading.Event) -> None:
    rounds = Rounds(settings_of(app))
    while not stop.is_set():
        if leading.wait(timeout=0.2):
            _safely(app, "deliver", lambda: _delivered(rounds, stop))
            stop.wait(1.0)


def _delivered(rounds: Rounds, stop: threading.Event) -> None:
    done = rounds.round(database_now(), stop.is_set)
    if done.sent or done.undeliverable:
        log.info("clock.mail", **asdict(done))


def _replay_on(app: "Flask", stop: threading.Event, leading: threading.Event) -> None:
    turns = Turns(settings_of(app))
    while not stop.is_set():
        if leading.wait(timeout=0.2):
            _safely(app, "what-if", lambda: turns.turn(database_now(), stop.is_set))
            stop.wait(1.0)


def _renew(app: "Flask", stop: threading.Event, leading: threading.Event, owner: str) -> None:
    while not stop.is_set():
        held = _safely(app, "lease", lambda: _lead(owner))
        if held and not leading.is_set():
            log.info("clock.leads", owner=owner)
        (leading.set if held else leading.clear)()
        stop.wait(RENEW_SECONDS if held else 1.0)


def _lead(owner: str) -> bool:
    now = database_now()
    return unit(db.session(), lambda: lease.take(db.session(), NAME, owner, now))


def _give_back(owner: str) -> None:
    now = database_now()
    unit(db.session(), lambda: lease.give_back(db.session(), NAME, owner, now))


def _sweep(done: Tick, now: datetime) -> None:
    from portal.enforcement.sweep import sweep

    heartbeat.look(now)
    report = sweep(db.session(), now)
    done.swept, done.sentence = report.as_dict(), report.sentence()


def _post(done: Tick, settings: Settings, now: datetime) -> None:
    done.mails = post.post_all(settings, now)


def _deliver(done: Tick, settings: Settings, now: datetime) -> None:
    delivered = post.deliver(settings, now)
    done.sent, done.deferred, done.undeliverable = delivered.sent, delivered.deferred, delivered.undeliverable


def _seal(done: Tick) -> None:
    done.sealed = post.seal_all()


def _step(done: Tick, name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # whatever breaks one step must not hold up the others
        db.session.rollback()
        log.exception("clock.step", step=name)
        done.problems.append(f"{name}: {type(error).__name__}: {error}")


def _safely(app: "Flask", name: str, work: Callable[[], Any]) -> Any:
    """``work`` with a session of its own; None where it raised, which is logged."""
    try:
        with app.app_context():
            return work()
    except Exception:  # a clock that stops for one bad pass excuses nobody and serves nobody
        log.exception("clock.problem", step=name)
        return None

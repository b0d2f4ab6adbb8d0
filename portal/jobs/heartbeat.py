"""The heartbeat of a serving process: on a timer, never by a request."""

import os
import socket
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from models.base import db
from models.session import unit
from portal.compliance.beats import beat, watch
from portal.compliance.outages import EVERY, Machine
from portal.jobs.moment import now_of

if TYPE_CHECKING:
    from flask import Flask

BOOT = Path("/proc/sys/kernel/random/boot_id")
log = structlog.get_logger(__name__)


def machine() -> Machine:
    """This machine's own count of time since it started, sleep included; without a name where it has none."""
    try:
        boot = BOOT.read_text(encoding="ascii").strip()
        return Machine(boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000)
    except (OSError, AttributeError):
        return Machine("", 0)


def look(now: datetime) -> bool:
    """What the clock does before it sweeps: whether nobody serves, which is then on record."""
    return unit(db.session(), lambda: watch(db.session(), now, machine()))


def start(app: "Flask", stop: threading.Event | None = None) -> threading.Thread:
    """Beat once, before anything is served, then every 15 seconds in a thread of its own until ``stop`` is set.

    A beat that cannot be written is logged and the next one tried: where the database is away, so is the portal.
    """
    stopping, name = stop or threading.Event(), f"{socket.gethostname()[:40]}:{os.getpid()}:{os.urandom(4).hex()}"
    _beat(app, name)
    thread = threading.Thread(target=_go_on, args=(app, name, stopping), name="heartbeat", daemon=True)
    thread.start()
    return thread


def _go_on(app: "Flask", name: str, stopping: threading.Event) -> None:
    while not stopping.wait(EVERY.total_seconds()):
        _beat(app, name)


def _beat(app: "Flask", name: str) -> None:
    try:
        with app.app_context():
            now = now_of(db.session())
            unit(db.session(), lambda: beat(db.session(), name, now, machine()))
    except Exception:  # whatever keeps one beat from being written, the next one may be
        log.exception("heartbeat.problem")

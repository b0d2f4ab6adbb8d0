"""``fairlead up``: web server, clock, worker and Valkey as children, restarted when they die, ended together."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import click
from sqlalchemy.orm import configure_mappers

from portal.cli import valkey
from portal.cli.edge import load_app, told
from portal.cli.logs import set_up
from portal.config import Settings
from portal.jobs.family import Forked, settle_memory

if TYPE_CHECKING:
    from flask import Flask

#: A child that lived this long had a good start; before that each death doubles the wait for the next.
GOOD_START_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 30.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.1
#: What need not be there for the first page lets it go first, and waits no longer than this.
FIRST_PAGE_SECONDS = 10.0
#: What a child exits with when its settings cannot be used: starting it again would not help.
UNUSABLE = 2


@dataclass
class Child:
    """One process, and when it may be started again.

    ``ready`` is called here, before each start: it loads what the process needs and gives what the process does.
    ``after_first_page``: it lets the web server start first. ``ends_last``: others need it while they end.
    """

    name: str
    title: str
    ready: Callable[[], Callable[[], object]]
    after_first_page: bool = False
    ends_last: bool = False
    process: Forked | None = None
    started: float = 0.0
    deaths: int = 0
    start_at: float = 0.0

    def start(self) -> None:
        """Start in a process group of its own, so that Ctrl-C reaches the supervisor alone."""
        work = self.ready()
        settle_memory()
        self.started = time.monotonic()
        self.process = Forked(self.title, told()(work))

    def look(self, now: float) -> int | None:
        """Start what is due and notice what died; the exit code of a death just noticed."""
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        self.signal(signal.SIGKILL)
        self.deaths = 1 if now - self.started > GOOD_START_SECONDS else self.deaths + 1
        self.start_at = now + min(LONGEST_WAIT_SECONDS, 0.5 * 2 ** (self.deaths - 1))
        self.process = None
        return code

    def signal(self, number: signal.Signals) -> None:
        """Signal the child and whatever it started."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


@dataclass
class Supervisor:
    """Keeps its children going until ``stop`` is set; returns the code to exit with."""

    children: list[Child]
    say: Callable[[str], None] = click.echo
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, ready: Callable[[], bool], announce: Callable[[], None]) -> int:
        """Start, announce once ``ready``, watch; a child with unusable settings ends everything (code 2)."""
        stop_on_signal(self.stop)
        began, announced = time.monotonic(), False
        try:
            while not self.stop.is_set():
                if not announced and ready():
                    announce()
                    announced = True
                if self._look(announced or time.monotonic() - began > FIRST_PAGE_SECONDS) == UNUSABLE:
                    return UNUSABLE
                self.stop.wait(POLL_SECONDS)
            return 0
        finally:
            self._end()

    def _look(self, first_page: bool) -> int | None:
        """Look after every child whose turn has come; the code of one that cannot be started at all."""
        for child in self.children:
            if child.after_first_page and not first_page:
                continue
            code = child.look(time.monotonic())
            if code == UNUSABLE:
                return UNUSABLE
            if code is not None and not self.stop.is_set():
                self.say(f"{child.name} ended ({_how(code)}); it is started again.")
        return None

    def _end(self) -> None:
        """Ask every child to end, then make it; nothing is left behind."""
        for last in (False, True):
            self._end_these([child for child in self.children if child.ends_last is last])

    def _end_these(self, children: Sequence[Child]) -> None:
        for child in children:
            child.signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for child in children:
            if child.process is None:
                continue
            child.process.wait(max(0.0, end - time.monotonic()))
            child.signal(signal.SIGKILL)
            child.process.wait()


def up(host: str, port: int, base_url: str, settings: Settings) -> int:
    """Run the installation on this machine until it is told to stop; the code to exit with.

    The app is loaded here, once, and every process is a copy of this one: together they take little more memory than
    one. Jobs go through the Redis that is set, else through a Valkey kept here where its wheel is installed, else the
    clock does them all. Raises ConfigError.
    """
    kept = None if settings.redis_url else valkey.url_in(settings.var)
    set_up()
    app = load_app({"base_url": base_url, "redis_url": settings.redis_url or kept or ""}, doors=True)
    configure_mappers()
    made: Settings = app.extensions["fairlead"]
    children = [
        Child("The web server", "fairlead serve", lambda: _serving(app, host, port)),
        Child("The clock", "fairlead clock", _clock_of(app), after_first_page=True),
    ]
    if kept:
        keep = partial(valkey.keep, valkey.folder_in(settings.var), os.getpid())
        children.append(Child("Valkey", "fairlead valkey", lambda: keep, after_first_page=True, ends_last=True))
    if made.redis_url:
        children.append(Child("The worker", "fairlead worker", lambda: _working(made, kept), after_first_page=True))
    return Supervisor(children).run(lambda: answers(host, port), lambda: _announce(base_url))


def _serving(app: "Flask", host: str, port: int) -> Callable[[], object]:
    from portal.cli.serve import run

    return lambda: run(app, host, port)


def _clock_of(app: "Flask") -> Callable[[], Callable[[], object]]:
    """One name for every clock started here: the next one leads without waiting for the lease to end."""
    owner = f"up:{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"

    def ready() -> Callable[[], object]:
        from portal.enforcement import sweep  # noqa: F401 - what the first pass would load in the copy alone
        from portal.jobs.clock import run_clock

        return lambda: _until_told(lambda stop: run_clock(app, stop, owner))

    return ready


def _until_told(work: Callable[[threading.Event], object]) -> None:
    stop = threading.Event()
    stop_on_signal(stop)
    work(stop)


def _working(settings: Settings, kept: str | None) -> Callable[[], object]:
    """The worker; it begins when the Valkey beside it answers, and soon in any case."""
    from portal.jobs.worker import Work

    def work() -> None:
        if kept:
            valkey.wait_for(settings.var)
        Work(settings).go_on()

    return work


def _announce(base_url: str) -> None:
    click.echo(f"Fairlead runs at {base_url}")
    click.echo(f"Sign in at {base_url}/sign-in; Ctrl-C stops everything.")


def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection((_reached_by(host), port), timeout=0.2):
            return True
    except OSError:
        return False


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds the server."""
    shown = _reached_by(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _reached_by(host: str) -> str:
    """All interfaces are reached by this machine's own."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def stop_on_signal(stop: threading.Event) -> None:
    """Set ``stop`` on SIGINT, SIGTERM, SIGHUP; by another thread, since this one may hold the event's lock."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"

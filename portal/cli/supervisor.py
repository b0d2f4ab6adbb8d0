"""``fairlead up``: web server, clock, worker and Valkey as children, restarted when they die, ended together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import click

from portal.cli import valkey
from portal.config import ROOT, Settings

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
    """One process, and when it may be started again. ``arguments``: those of the fairlead command, or of ``module``.

    ``after_first_page``: it lets the web server start first. ``ends_last``: others need it while they end.
    """

    name: str
    arguments: Sequence[str]
    environment: dict[str, str]
    module: str = "portal.cli.main"
    after_first_page: bool = False
    ends_last: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    start_at: float = 0.0

    def start(self) -> None:
        """Start in a process group of its own, so that Ctrl-C reaches the supervisor alone."""
        command = [
            sys.executable,
            "-P",
            "-m",
            self.module,
            *self.arguments,
            "--parent",
            str(os.getpid()),
        ]
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=self.environment, start_new_session=True)

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
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, end - time.monotonic()))
            child.signal(signal.SIGKILL)
            child.process.wait()


def up(host: str, port: int, base_url: str, settings: Settings) -> int:
    """Run the installation on this machine until it is told to stop; the code to exit with.

    Jobs go through the Redis that is set, else through a Valkey kept here where its wheel is installed, else the
    clock does them all.
    """
    kept = None if settings.redis_url else valkey.url_in(settings.var)
    redis_url = settings.redis_url or kept or ""
    environment = {
        **os.environ,
        "FAIRLEAD_BASE_URL": base_url,
        "FAIRLEAD_REDIS_URL": redis_url,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
    }
    # One name for every clock started here: the next one leads without waiting for the lease to end.
    owner = f"up:{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
    children = [
        Child("The web server", ["serve", "--host", host, "--port", str(port)], environment),
        Child("The clock", ["clock", "--owner", owner], environment, after_first_page=True),
    ]
    if redis_url:
        children.append(Child("The worker", ["worker"], environment, after_first_page=True))
    if kept:
        there = valkey.arguments(settings.var)
        children.append(Child("Valkey", there, environment, "portal.cli.valkey", after_first_page=True, ends_last=True))
    return Supervisor(children).run(lambda: answers(host, port), lambda: _announce(base_url))


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

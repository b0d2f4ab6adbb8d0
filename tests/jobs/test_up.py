"""``fairlead up`` as real processes: quick to answer, restarts what dies, and leaves nobody behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from portal.cli import valkey
from portal.cli.supervisor import Child, address, answers
from tests.support.databases import migrate

ROOT = Path(__file__).resolve().parents[2]


class Running:
    """One ``fairlead up`` on a port and a database of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.output = folder / "output"
        self.began = time.monotonic()
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "portal.cli.main", "up"],
                env={
                    "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": str(self.port),
                    "FAIRLEAD_VAR_DIR": str(folder), "FAIRLEAD_DATABASE_URL": f"sqlite:///{folder}/up.sqlite3",
                    "FAIRLEAD_SWEEP_SECONDS": "1",
                },
                cwd="/", stdout=output, stderr=output,
            )  # fmt: skip
        self.supervisor = psutil.Process(self.process.pid)

    def family(self) -> list[psutil.Process]:
        """Every process that it started, and those that they started."""
        return self.supervisor.children(recursive=True)

    def child(self, command: str) -> psutil.Process:
        """The child that runs ``command``, by what lists of processes show."""
        return next(child for child in self.supervisor.children() if child.name() == f"fairlead {command}")

    def said(self, words: str) -> bool:
        return words in self.output.read_text()

    def status(self) -> int | None:
        """What its first page answers, None while nothing does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    migrate(f"sqlite:///{tmp_path}/up.sqlite3")
    started = Running(tmp_path)
    family: list[psutil.Process] = []
    try:
        until(lambda: started.said("Sign in at"))
        family = [started.supervisor, *started.family()]
        yield started
    finally:
        for process in family:
            if process.is_running():
                process.kill()
        started.process.wait(timeout=10)


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def valkey_of(running: Running) -> psutil.Process | None:
    return next((child for child in running.supervisor.children() if "valkey-server" in child.name()), None)


def answers_in(running: Running) -> bool:
    return valkey.answers(running.folder / "valkey" / "valkey.sock")


def test_it_answers_restarts_what_dies_and_ends_as_a_whole(running: Running) -> None:
    """One start for the whole story, since a start takes seconds."""
    assert running.said(f"Fairlead runs at http://127.0.0.1:{running.port}\n")
    assert running.status() is not None
    until(lambda: running.said("clock.leads"))

    server, clock = running.child("serve"), running.child("clock")
    workers = server.children()
    assert workers
    server.kill()
    clock.kill()
    until(lambda: running.said("The web server ended (signal 9); it is started again."))
    until(lambda: running.said("The clock ended (signal 9); it is started again."))
    until(lambda: gone(workers))
    until(running.status)
    until(lambda: running.output.read_text().count("clock.leads") == 2, seconds=15)
    assert running.child("serve").pid != server.pid

    worker = running.child("worker")
    until(lambda: running.said("worker.ready"))
    until(lambda: answers_in(running))
    server = valkey_of(running)
    assert server is not None
    server.kill()
    until(lambda: running.said("Valkey ended (signal 9); it is started again."))
    until(lambda: answers_in(running))
    assert running.child("worker").pid == worker.pid, "it outlives Redis"
    worker.kill()
    until(lambda: running.said("The worker ended (signal 9); it is started again."))

    until(lambda: running.output.read_text().count("worker.ready") == 2)
    family = running.family()
    assert len(family) >= 5
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=20) == 0
    assert gone(family)
    assert running.status() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only the kernel of Linux tells a child that its parent is gone")
def test_killed_outright_it_leaves_nobody_behind(running: Running) -> None:
    until(lambda: running.said("worker.ready"))
    family = running.family()
    assert len(family) >= 5
    running.process.kill()
    until(lambda: gone(family), seconds=20)


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [sys.executable, "-P", "-m", "portal.cli.main", "up", "--port", port],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "FAIRLEAD_VAR_DIR": str(tmp_path)},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"Port {port} is taken by another program: set PORT to a free one.\n"


class Started:
    """What stands in for a process: it dies when told to."""

    pid = 2**22 + 1

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Child:
    def start(self: Child) -> None:
        self.started = now[0]
        self.process = Started()  # type: ignore[assignment]

    now = [0.0]
    monkeypatch.setattr(Child, "start", start)
    made = Child("The clock", "fairlead clock", lambda: lambda: None)
    made.now = now  # type: ignore[attr-defined]
    return made


def test_each_early_death_doubles_the_wait_up_to_half_a_minute(child: Child) -> None:
    waits, now = [], 0.0
    for _ in range(9):
        child.look(now)
        assert child.process is not None
        child.process.code = 1  # type: ignore[attr-defined]
        assert child.look(now) == 1
        waits.append(child.start_at - now)
        child.look(child.start_at - 0.01)
        assert child.process is None
        now = child.start_at
        child.now[0] = now  # type: ignore[attr-defined]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_long_life_makes_the_next_start_quick_again(child: Child) -> None:
    child.deaths = 6
    child.look(0.0)
    assert child.process is not None
    child.process.code = 1  # type: ignore[attr-defined]
    child.look(100.0)
    assert child.start_at == 100.5


UNUSABLE = """
from portal.cli.supervisor import Child, Supervisor
from portal.config import ConfigError

def work():
    raise ConfigError("This cannot be used.")

bad = Child("The clock", "fairlead clock", lambda: work)
raise SystemExit(Supervisor([bad]).run(lambda: False, lambda: None))
"""


def test_settings_that_cannot_be_used_end_everything() -> None:
    """The child's own sentence is all that is said; starting it again would not help."""
    done = subprocess.run(
        [sys.executable, "-c", UNUSABLE], env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "This cannot be used.\n")


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")]
)
def test_the_address_is_one_a_browser_can_open(host: str, shown: str) -> None:
    assert address(host, 9000) == f"http://{shown}:9000"
    assert re.fullmatch(r"http://[^/]+:9000", address(host, 9000))


def test_answers_tells_whether_anything_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert answers("0.0.0.0", port)
    assert not answers("127.0.0.1", port)

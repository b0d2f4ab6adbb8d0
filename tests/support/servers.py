"""Real servers for the test run: started when first asked for, shared where that is safe, gone afterwards.

The process that started the run (with xdist: the controller) owns a folder, named in the environment so that
the workers find it. Each server lives in a folder inside it under a keeper (``tests.support.keeper``).
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUN_FOLDER = "TEST_RUN_FOLDER"
RUN_OWNER = "TEST_RUN_OWNER"
ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
STOP_SECONDS = 20


class ServerError(RuntimeError):
    """A server that did not start; the text holds its log."""


def open_run() -> None:
    """Makes this process the owner of the run, unless it is a worker of one."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    # Short and open to all: a socket's path may have 107 characters, and PostgreSQL never runs as root.
    folder = Path(tempfile.mkdtemp(prefix="fairlead-"))
    folder.chmod(0o755)
    os.environ[RUN_FOLDER], os.environ[RUN_OWNER] = str(folder), str(os.getpid())


def close_run() -> None:
    """Stops every server of the run and removes its folder; returns when no process of it is left."""
    if os.environ.get(RUN_OWNER) != str(os.getpid()):
        return
    folder = Path(os.environ.pop(RUN_FOLDER))
    del os.environ[RUN_OWNER]
    for pid_file in folder.glob("*/pid"):
        _end(int(pid_file.read_text()), pid_file.parent)
    shutil.rmtree(folder, ignore_errors=True)


def run_folder() -> Path:
    """The folder that all workers of this run share."""
    return Path(os.environ[RUN_FOLDER])


def worker_name() -> str:
    """This worker's name, also part of the names of its databases: ``gw0``, or ``main`` without xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Keeps the other workers of the run out of what follows."""
    with (run_folder() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def postgresql_url(database: str = "postgres") -> str:
    """The URL of a database on the run's one PostgreSQL, started where it is not yet."""
    return _address("postgresql", "postgresql").format(database=database)


def valkey_url() -> str:
    """The URL of this worker's own Valkey, on a Unix socket, started where it is not yet."""
    return _address("valkey", f"valkey-{worker_name()}")


def stop_server(name: str) -> None:
    """Ends the server kept under ``name`` (``valkey-gw0``); the next request starts a new, empty one."""
    folder = run_folder() / name
    if (folder / "pid").exists():
        _end(int((folder / "pid").read_text()), folder)


def _address(kind: str, name: str) -> str:
    folder = run_folder() / name
    with one_at_a_time(name):
        if not (folder / "address").exists():
            _start(kind, folder)
        return (folder / "address").read_text()


def _start(kind: str, folder: Path) -> None:
    folder.mkdir(mode=0o755)
    log = folder.with_suffix(".log")
    with log.open("w") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.keeper", kind, str(folder), os.environ[RUN_OWNER]],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    end = time.monotonic() + START_SECONDS
    while not (folder / "address").exists():
        if keeper.poll() is not None or time.monotonic() > end:
            keeper.terminate()
            raise ServerError(f"The {kind} server did not start.\n{log.read_text()}")
        time.sleep(0.05)
    # The keeper ends by itself; nobody waits for it here, and Popen would warn of that.
    keeper.returncode = 0


def _end(pid: int, folder: Path) -> None:
    """Asks the keeper to end and waits for its last act, the removal of its folder."""
    _signal(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while folder.exists():
        if time.monotonic() > end:
            raise ServerError(f"The server in {folder} did not stop.\n{folder.with_suffix('.log').read_text()}")
        time.sleep(0.02)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return

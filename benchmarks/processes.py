"""Servers as real processes for a bench: started on a free port, waited for, ended with all that they started."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import servers

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    """What a process of the product is started with: nothing of the person who runs the bench but the path."""
    named = {f"FAIRLEAD_{name.upper()}": value for name, value in settings.items()}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **named}


@contextmanager
def running(command: Sequence[str], env: dict[str, str], name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A Python module with its arguments as a process, its output kept beside the run's servers."""
    with (servers.run_folder() / f"{name}.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", *command], env=env, cwd="/", stdout=output, stderr=output,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answered(process: "subprocess.Popen[bytes]", port: int, path: str, name: str) -> None:
    """Return as soon as ``path`` answers anything at all; AssertionError with the log where it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError((servers.run_folder() / f"{name}.log").read_text())

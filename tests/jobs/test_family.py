"""Forked processes: how they end, who they are to the system, and that they end with who started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does this")
BEGIN = """
import os, signal, sys, time
from portal.jobs.family import Forked

def ended(work):
    return Forked("fairlead test", work).wait(20)
"""


def run(script: str) -> "subprocess.CompletedProcess[str]":
    """A script in a process of its own: forking one that runs tests and threads is asking for trouble."""
    return subprocess.run(
        [sys.executable, "-c", BEGIN + script], env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("lambda: None", 0),
        ("lambda: sys.exit()", 0),
        ("lambda: sys.exit(3)", 3),
        ("lambda: sys.exit('said')", 1),
        ("lambda: 1 / 0", 1),
        ("lambda: os.kill(os.getpid(), signal.SIGKILL)", -9),
    ],
)
def test_it_ends_with_the_code_of_its_work(work: str, code: int) -> None:
    assert run(f"print(ended({work}))").stdout == f"{code}\n"


def test_what_broke_is_told_and_never_reaches_the_parents_code() -> None:
    done = run("try:\n    print(ended(lambda: 1 / 0))\nexcept ZeroDivisionError:\n    print('leaked')")
    assert done.stdout == "1\n"
    assert "ZeroDivisionError" in done.stderr


def test_what_was_said_is_said_once() -> None:
    """Neither is the parent's unwritten text written again by the copy, nor the copy's own lost."""
    done = run("print('before'); ended(lambda: print('child')); print('after')")
    assert done.stdout == "before\nchild\nafter\n"


def test_it_leads_a_group_of_its_own_and_hears_signals_by_itself() -> None:
    script = """
signal.signal(signal.SIGTERM, lambda *_: print("parent heard"))
def work():
    print(os.getpgid(0) == os.getpid(), sys.stdin.read() == "", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)
print(ended(work))
"""
    assert run(script).stdout == "True True\n-15\n"


def test_waiting_ends_in_time_and_asking_does_not_wait() -> None:
    script = """
child = Forked("fairlead test", lambda: time.sleep(20))
began = time.monotonic()
print(child.poll(), child.wait(0.2), time.monotonic() - began < 5)
os.kill(child.pid, signal.SIGKILL)
print(child.wait(), child.poll())
"""
    assert run(script).stdout == "None None True\n-9 -9\n"


@LINUX
def test_it_shows_under_its_title() -> None:
    assert run("ended(lambda: print(open('/proc/self/comm').read()))").stdout == "fairlead test\n\n"


@LINUX
def test_killed_outright_the_parent_takes_it_along() -> None:
    script = "print(Forked('fairlead test', lambda: time.sleep(60)).pid, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + script], env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "it outlived its parent"
        time.sleep(0.02)

"""Processes that belong together: forked from one that has everything loaded; a child does not outlive its parent."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

#: What a process list shows of a name; the kernel of Linux keeps no more.
LONGEST_TITLE = 15
TOLD_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.02


class Forked:
    """A process that starts as a copy of this one, so that what both have loaded lies in memory once.

    ``work`` is its whole life; it ends with code 0 when that returns, with its own code on SystemExit, with 1 after
    any other exception. It leads a process group of its own and shows as ``title`` in process lists (Linux). Fork
    before any thread is started: a thread's locks would stay held in the copy for ever.
    """

    def __init__(self, title: str, work: Callable[[], object]) -> None:
        self.returncode: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal between the fork and the child's own handlers would be heard by a copy of ours, and lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, TOLD_BY)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _live(title, work, parent, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def poll(self) -> int | None:
        """The code it ended with, negative for a signal; None while it lives."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, seconds: float | None = None) -> int | None:
        """Until it has ended, or for so long; then as ``poll``."""
        end = None if seconds is None else time.monotonic() + seconds
        while self.poll() is None and (end is None or time.monotonic() < end):
            time.sleep(POLL_SECONDS)
        return self.returncode


def settle_memory() -> None:
    """Before a fork: what is loaded stays, so the collector leaves it alone and its pages stay shared."""
    gc.collect()
    gc.freeze()


def die_with(parent: int) -> None:
    """End this process when ``parent``, which started it, is gone. On Linux; elsewhere nothing happens.

    The wish is kept by whatever program this process goes on to run (exec), and forgotten by its forks.
    """
    pr_set_pdeathsig = 1
    if not _kernel(pr_set_pdeathsig, signal.SIGTERM):
        return
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def show_as(title: str) -> None:
    """The name of this process in ``ps`` and ``top``. On Linux; elsewhere nothing happens."""
    pr_set_name = 15
    _kernel(pr_set_name, title[:LONGEST_TITLE].encode())


def _kernel(wish: int, value: int | bytes) -> bool:
    """Ask the kernel of Linux something about this process; False elsewhere."""
    import ctypes

    if not Path("/proc/self").exists():
        return False
    ctypes.CDLL(None, use_errno=True).prctl(wish, value)
    return True


def _live(title: str, work: Callable[[], object], parent: int, mask: Iterable[int]) -> NoReturn:
    """The child's life. It never returns into the code of the parent that it is a copy of."""
    code = 1
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number in TOLD_BY:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        show_as(title)
        die_with(parent)
        code = _code_of(work)
    finally:
        os._exit(code)


def _code_of(work: Callable[[], object]) -> int:
    """What a process exits with after ``work``, its last words said."""
    try:
        work()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0

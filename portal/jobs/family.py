"""Processes that belong together: a child does not outlive the one that started it."""

import os
import signal
from pathlib import Path


def die_with(parent: int) -> None:
    """End this process when ``parent``, which started it, is gone. On Linux; elsewhere nothing happens.

    The wish is kept by whatever program this process goes on to run (exec), and forgotten by its forks.
    """
    import ctypes

    if not Path("/proc/self").exists():
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)

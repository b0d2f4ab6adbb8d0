"""Where the time goes: the running stack looked at every millisecond, counted by room and by function."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.timing import slice_of

ROOT = str(Path(__file__).resolve().parent.parent)
OURS = tuple(f"{ROOT}/{name}/" for name in ("portal", "models", "templates"))
EVERY = 0.001
TOLD = 25


@dataclass
class Samples:
    """What was seen. ``rooms``: the innermost of our own modules; ``functions``: everyone of ours on the stack."""

    seen: int = 0
    rooms: Counter[str] = field(default_factory=Counter)
    libraries: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def look(self, frame: FrameType | None) -> None:
        """Count one stack."""
        self.seen += 1
        if frame is not None:
            self.libraries[_library(frame.f_code.co_filename)] += 1
        room, met = "elsewhere", set()
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(OURS):
                name = code.co_filename.removeprefix(f"{ROOT}/")
                room = name if room == "elsewhere" else room
                met.add(f"{name} {code.co_qualname if hasattr(code, 'co_qualname') else code.co_name}")
            frame = frame.f_back
        self.rooms[room] += 1
        self.functions.update(met)

    def told(self) -> dict[str, Any]:
        """Shares in percent, the largest first."""
        return {
            name: {key: round(100 * count / max(1, self.seen), 1) for key, count in counted.most_common(TOLD)}
            for name, counted in (
                ("rooms", self.rooms), ("libraries", self.libraries), ("functions", self.functions)
            )
        }  # fmt: skip


@contextmanager
def sampled() -> Iterator[Samples]:
    """Look at this (the main) thread's stack while the block runs. A call into C counts where it was made."""
    samples = Samples()
    before = signal.signal(signal.SIGALRM, lambda number, frame: samples.look(frame))
    timer = signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # somebody else may be timing this process with it


def shares(act: Callable[[], object], seconds: float) -> dict[str, Any]:
    """Do it for so long, and tell where the time went."""
    with sampled() as samples:
        slice_of(act, seconds)
    return samples.told()


def _library(filename: str) -> str:
    _, found, rest = filename.rpartition("site-packages/")
    if found:
        return rest.partition("/")[0]
    return "fairlead" if filename.startswith(ROOT) else "python"

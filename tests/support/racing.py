"""Races: processes of several threads each, on one database, doing the same job until a time is over."""

import multiprocessing
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from tests.support.world import MINUTE, MONDAY

PROCESSES, THREADS = 4, 8


@dataclass
class Turns:
    """What one thread has: its number, its own dice, a clock that all share, and the outcomes it counts."""

    number: int
    dice: random.Random
    clock: Any
    until: float
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """The next minute of the shared clock."""
        with self.clock.get_lock():
            self.clock.value += 1
            return MONDAY + self.clock.value * MINUTE

    @property
    def over(self) -> bool:
        return time.monotonic() > self.until

    def act(self, name: str, work: Callable[..., Any], *given: Any) -> Any:
        """One act: what it gave, None where it was refused; any other error is kept to be shown."""
        from models.base import db
        from portal.errors import Refusal

        try:
            result = work(db.session(), *given)
            self.outcomes[name] += 1
            return result
        except Refusal as refusal:
            self.outcomes[f"{name}: {type(refusal).__name__}"] += 1
        except Exception:  # a caller must never see one: the test shows them all
            self.outcomes[f"{name}: error"] += 1
            self.errors.append(traceback.format_exc()[-1500:])
        db.session.rollback()
        return None


@dataclass
class Outcome:
    """What all threads counted together, and the errors that a caller would have seen."""

    counts: Counter[str]
    errors: list[str]


class Racers:
    """Processes that wait for a job. Each has an app, and so an engine, of its own."""

    def __init__(self, url: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.clock = spawn.Value("q", 0)
        self.pipes, self.processes = [], []
        for number in range(PROCESSES):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_serve, args=(url, number, self.clock, theirs), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            pipe.recv()

    def race(self, job: Callable[..., None], *given: Any, seconds: float = 4) -> Outcome:
        """``job(turns, *given)`` in every thread of every process at once."""
        for pipe in self.pipes:
            pipe.send((job, given, seconds))
        results = [pipe.recv() for pipe in self.pipes]
        counts = sum((counts for counts, _ in results), Counter[str]())
        return Outcome(counts, [error for _, errors in results for error in errors])

    def close(self) -> None:
        """Ends the processes."""
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(10)
            process.kill()


def _serve(url: str, number: int, clock: Any, pipe: Connection) -> None:
    from app import create_app
    from models.base import db
    from tests.support.databases import settings_for

    app = create_app(settings_for(url))
    pipe.send("ready")
    while (wanted := pipe.recv()) is not None:
        job, given, seconds = wanted
        pipe.send(_run(app, number, clock, job, given, seconds))
    with app.app_context():
        db.engine.dispose()


def _run(app: Any, number: int, clock: Any, job: Callable[..., None], given: Any, seconds: float) -> Any:
    until = time.monotonic() + seconds
    turns = [
        Turns(thread, random.Random(thread), clock, until) for thread in range(number * THREADS, (number + 1) * THREADS)
    ]
    threads = [threading.Thread(target=_thread, args=(app, job, turn, given)) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = sum((turn.outcomes for turn in turns), Counter[str]())
    return counts, [error for turn in turns for error in turn.errors][:3]


def _thread(app: Any, job: Callable[..., None], turns: Turns, given: Any) -> None:
    from models.base import db

    with app.app_context():
        try:
            job(turns, *given)
        except Exception:  # a defect of the job itself is shown like any other
            turns.errors.append(traceback.format_exc()[-1500:])
        db.session.remove()

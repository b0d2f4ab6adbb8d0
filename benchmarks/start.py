"""``fairlead up``: how soon the first page is there, and what memory all its processes take, at rest and used."""

import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks import seed
from benchmarks.client import Line, load
from benchmarks.house import House, house
from benchmarks.options import Options
from benchmarks.processes import environment, free_port, running
from benchmarks.results import Row
from portal.vocabulary import Role
from tests.support import servers, world

GOAL_SECONDS, GOAL_MEGABYTES = 2.0, 300
#: web server and its worker, clock, worker, Valkey: what must run before memory is counted.
PROCESSES, TRIES, REST_SECONDS, MEGABYTE = 5, 3, 6.0, 1024 * 1024


def run(options: Options) -> Iterator[Row]:
    """Time and memory for each database."""
    for kind in options.databases:
        with house(kind, "start") as made:
            seed.partners(made, 20, 1)
            seed.rules(made, 5)
            yield from _measured(made, 1 if options.quick else TRIES, 0.5 if options.quick else REST_SECONDS)


def _measured(made: House, tries: int, rest: float) -> Iterator[Row]:
    secret = world.make_key(made.session, Role.MARKETER)[1]
    started = [_once(made, secret, rest if turn == tries - 1 else 0.0) for turn in range(tries)]
    seconds, last = median(one["seconds"] for one in started), started[-1]
    yield Row(
        "start", "first page of fairlead up", made.kind, f"middle of {tries}", "s", seconds,
        goal=f"up to {GOAL_SECONDS:g} s", met=seconds <= GOAL_SECONDS, more={"all": [s["seconds"] for s in started]},
    )  # fmt: skip
    for state in ("at rest", "used"):
        held = last[state]
        total = sum(held["processes"].values())
        yield Row(
            "start", "memory of fairlead up", made.kind, f"{len(held['processes'])} processes, {state} ({held['as']})",
            "MB", total, goal=f"up to {GOAL_MEGABYTES} MB", met=total <= GOAL_MEGABYTES, more=held,
        )  # fmt: skip


def _once(made: House, secret: str, rest: float) -> dict[str, Any]:
    """One start: seconds to the first page; with ``rest`` also the memory after so many seconds, and after some use."""
    port = free_port()
    env = environment(
        database_url=made.url, secret_key="only-for-tests-0123456789abcdef", var_dir=str(servers.run_folder() / "up")
    )
    began = time.perf_counter()
    with running(["portal.cli.main", "up", "--port", str(port)], env, "up") as process:
        _until(lambda: _first_page(port), "the first page")
        found: dict[str, Any] = {"seconds": time.perf_counter() - began}
        family = psutil.Process(process.pid)
        _until(lambda: len(family.children(recursive=True)) >= PROCESSES, "all processes")
        if rest:
            time.sleep(rest)
            found["at rest"] = memory(family)
            _use(port, secret)
            found["used"] = memory(family)
        children = family.children(recursive=True)
    psutil.wait_procs(children, timeout=10)
    return found


def _first_page(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=5) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def _until(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what} did not come: {(servers.run_folder() / 'up.log').read_text()}"
        time.sleep(0.01)


def _use(port: int, secret: str) -> None:
    """Some seconds of leads by the API from four clients, and pages between them."""
    lines = [Line(port, "/api/v1/leads", secret) for _ in range(4)]
    for _ in range(5):
        assert load(lines, lambda: seed.enquiry(1), 0.5).statuses == {201}
        assert _first_page(port)
    for line in lines:
        line.close()


def memory(family: psutil.Process) -> dict[str, Any]:
    """Megabytes of a process and all below it. PSS shares what is shared; RSS, where that is all there is, counts it
    once for each."""
    found: dict[str, float] = {}
    kind = "PSS" if os.access("/proc/self/smaps_rollup", os.R_OK) else "RSS"
    for place, process in enumerate([family, *family.children(recursive=True)]):
        size = _pss(process.pid) if kind == "PSS" else process.memory_info().rss
        found[f"{place} {process.name()}"] = round(size / MEGABYTE, 1)
    return {"as": kind, "processes": found}


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))

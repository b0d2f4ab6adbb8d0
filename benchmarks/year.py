"""A year of a channel of 200 partners, told by ``tests.stress.year``: what became of each habit, and how long it took.

Not among the sections that run by themselves: it takes minutes. ``python -m benchmarks year``.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.house import House, house
from benchmarks.options import Options
from benchmarks.results import Row
from portal.enforcement.verify import differences
from tests.stress.year import Year
from tests.stress.year_outcome import WORDS, Outcome, last_offers, outcomes, shares, wrong_today
from tests.support.machine import counted_ids
from tests.support.world import DAY

#: Partners, days, leads a business day.
SIZE, QUICK = (200, 365, 30), (6, 3, 9)


def run(options: Options) -> Iterator[Row]:
    """One row, for the first of the databases that were asked for; the table of habits is shown and kept beside it."""
    size, kind = QUICK if options.quick else SIZE, options.databases[0]
    with pytest.MonkeyPatch.context() as patch, house(kind, "year") as made:
        counted_ids(patch)
        yield _told(made, size, quick=options.quick)


def _told(made: House, size: tuple[int, int, int], *, quick: bool) -> Row:
    began = time.perf_counter()
    year = Year(made.session, *size)
    checked = Days(made, year)
    year.run(checked.check)
    seconds = time.perf_counter() - began
    lines = outcomes(made.session, year)
    wrong = [*checked.wrong, *differences(made.session)]
    made.session.rollback()
    show(lines)
    assert not wrong, "\n".join(wrong[:20])
    path = results.OUT / ("year-quick.json" if quick else "year.json")
    keep(path, _facts(made, year, seconds, checked), lines)
    what, sized = "a year of a channel", f"{size[0]} partners, {size[1]} days, {year.sent:,} leads"
    return Row("year", what, made.kind, sized, "s", seconds, more={"kept_in": str(path)})


class Days:
    """What was wrong at the end of any day, and how the days went on."""

    def __init__(self, made: House, year: Year) -> None:
        self.made, self.year, self.wrong = made, year, list[str]()
        self.checks, self.seconds, self.began = 0, 0.0, time.perf_counter()

    def check(self, now: datetime) -> None:
        """One day; every thirtieth is told on the terminal, for it takes a while."""
        began = time.perf_counter()
        self.wrong += [f"{now}: {sentence}" for sentence in wrong_today(self.made.session, self.year, now)]
        self.checks, self.seconds = self.checks + 1, self.seconds + time.perf_counter() - began
        if self.checks % 30 == 0:
            self.made.analyze()
            print(f"day {self.checks}: {self.year.sent:,} leads, {time.perf_counter() - self.began:.0f} s", flush=True)


def _facts(made: House, year: Year, seconds: float, checked: Days) -> dict[str, Any]:
    return {
        "database": made.kind, "partners": len(year.members), "days": year.days, "leads": year.sent,
        "sweeps": year.sweeps, "refusals": year.refused, "seconds": round(seconds, 1),
        "seconds_of_checks": round(checked.seconds, 1), "machine": results.machine(),
        "rows": {name: made.count(name) for name in ("lead", "assignment", "obligation", "decision", "ledger_entry")},
        "given_to_silent_in_the_last_half": last_offers(made.session, year, "silent", year.days / 2),
        "turns_of_prompt_partners": [
            {"country": country, "products": products, "turns": turns}
            for (country, products), turns in sorted(shares(made.session, year).items())
        ],
    }  # fmt: skip


def keep(path: Path, facts: dict[str, Any], lines: Sequence[Outcome]) -> None:
    """The outcome as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    habits = [
        asdict(line) | {"stopped": round(line.stopped / DAY, 1), "kept": round(line.kept, 4)} for line in lines
    ]  # fmt: skip
    path.write_text(json.dumps(facts | {"habits": habits}, indent=2) + "\n")


def show(lines: Sequence[Outcome]) -> None:
    """The table of habits on the terminal."""
    table = Table(title="year")
    for number, name in enumerate(WORDS):
        table.add_column(name, no_wrap=True, justify="right" if 0 < number < len(WORDS) - 1 else "left")
    for line in lines:
        table.add_row(*line.cells())
    Console(width=results.WIDTH).print(table)

"""What was measured: rows of figures, shown as a table, kept as JSON, written as Markdown."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Shown

OUT = Path(__file__).resolve().parent.parent / "var" / "bench"
WIDTH = 170
COLUMNS = ("what", "database", "size", "unit", "floor", "product", "ratio", "goal")


@dataclass
class Row:
    """One line of the table. ``ratio``: product to floor; ``goal``: what is wanted, in words; ``met``: whether it is.

    ``more``: everything else that was seen, for the JSON alone.
    """

    section: str
    what: str
    database: str
    size: str
    unit: str
    product: float
    floor: float | None = None
    goal: str = ""
    met: bool | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Product to floor; None where nothing is set beside it."""
        return self.product / self.floor if self.floor else None

    def cells(self) -> list[str]:
        """The line as it is shown."""
        goal = self.goal if self.met is None else f"{self.goal}: {'met' if self.met else 'not met'}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return [self.what, self.database, self.size, self.unit, figure(self.floor), figure(self.product), ratio, goal]


def figure(value: float | None) -> str:
    """Three significant places; empty where there is none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(section: str, rows: Sequence[Row]) -> None:
    """One section as a table on the terminal, as soon as it is measured."""
    shown = Shown(title=section)
    for name in COLUMNS:
        shown.add_column(name, no_wrap=True, justify="right" if name in ("floor", "product", "ratio") else "left")
    for row in rows:
        shown.add_row(*row.cells())
    Console(width=WIDTH).print(shown)


def keep(rows: Iterable[Row], databases: dict[str, str], *, quick: bool) -> Path:
    """All rows as JSON under var/bench, with when and on what; the file."""
    OUT.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC)
    body = {
        "at": at.isoformat(timespec="seconds"), "quick": quick, "machine": machine(), "databases": databases,
        "rows": [asdict(row) | {"ratio": row.ratio} for row in rows],
    }  # fmt: skip
    path = OUT / f"bench-{at:%Y%m%dT%H%M%S}Z.json"
    path.write_text(json.dumps(body, indent=2) + "\n")
    return path


def markdown(body: dict[str, Any]) -> str:
    """A kept run as the table of docs/benchmarks.md."""
    on = ", ".join(f"{name} {version}" for name, version in body["databases"].items())
    lines = [
        f"Measured {body['at']} on {machine_line(body['machine'])}; {on}.", "",
        f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}",
    ]  # fmt: skip
    for held in body["rows"]:
        row = Row(**{name: value for name, value in held.items() if name != "ratio"})
        lines.append(f"| {' | '.join(row.cells())} |")
    return "\n".join(lines) + "\n"


def machine() -> dict[str, Any]:
    """What it was measured on: a figure without this says nothing."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"cores": os.cpu_count(), "processor": _processor(), "python": platform.python_version(), "load": load}


def machine_line(held: dict[str, Any]) -> str:
    """The machine in one line; ``load`` is what else ran on it when the run began."""
    words = f"{held['cores']} cores ({held['processor']}), Python {held['python']}"
    return words if held["load"] is None else f"{words}, load {held['load']:.1f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")

"""One enforcement pass over few open obligations and over a million, with the same number due in both."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import event

from benchmarks import seed
from benchmarks.house import NOW, House, house
from benchmarks.options import Options
from benchmarks.results import Row
from benchmarks.timing import timed
from benchmarks.written import Written

GOAL = 1.2
TABLES = ("lead", "assignment", "obligation")
#: Tables that grow with every lead: a statement that reads one of these whole takes longer every day.
GROWING = ("lead", "assignment", "obligation", "activity", "audit", "decision", "feedback", "lead_event", "outbox")
#: A pass is looked at by so many rounds, each with other partners due; the first one warms up.
ROUNDS, DUE, PARTNERS, MILLION = 6, 100, 5000, 1_000_000
QUICK = (2, 5, 20, 200)


def run(options: Options) -> Iterator[Row]:
    """A row for each database and way in which the million may lie."""
    rounds, due, partners, million = QUICK if options.quick else (ROUNDS, DUE, PARTNERS, MILLION)
    for kind in options.databases:
        for spread in (False, True):
            with ExitStack() as stack:
                few = Side(stack.enter_context(house(kind, "few")), partners)
                many = Side(stack.enter_context(house(kind, "many")), partners)
                owners = many.owners if spread else many.owners[due * rounds :]
                many.fill(million, owners)
                yield measure(few, many, rounds, due, million, spread)


class Side:
    """One of the two databases."""

    def __init__(self, made: House, partners: int) -> None:
        self.made, self.next = made, 1
        with made.app.app_context():
            from models.base import db

            self.made = House(made.kind, made.url, made.app, made.engine, db.session())
            seed.partners(self.made, 1, 1)
            seed.rules(self.made, 1)
            self.model: Written = seed.accepted_lead(self.made)
            self._cancel_model()
            seed.partners(self.made, partners, 1)
            self.owners = seed.partner_ids(self.made)[1 : partners + 1]

    def _cancel_model(self) -> None:
        """What the model itself owes is no part of what is measured."""
        with self.made.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE obligation SET state = 'cancelled', cancelled_at = due_at WHERE state = 'open'"
            )

    def fill(self, number: int, owners: Sequence[str]) -> None:
        """So many open obligations that are due later than any pass here."""
        self._add(number, owners, seed.later(self.made, NOW + timedelta(days=30), "n % 100000"))
        self.made.analyze()

    def owe(self, owners: Sequence[str]) -> None:
        """One obligation for each of ``owners`` that is due at NOW."""
        self._add(len(owners), owners, seed.literal(NOW if not self.made.is_sqlite else f"{NOW:%Y-%m-%d %H:%M:%S.%f}"))

    def _add(self, number: int, owners: Sequence[str], due: str) -> None:
        opened = seed.later(self.made, NOW - timedelta(days=30), "0")
        columns = {
            **{("obligation", name): due for name in ("due_at", "grace_until")},
            ("obligation", "warn_at"): "NULL", ("obligation", "opened_at"): opened, ("obligation", "kind"): "'feedback'",
            ("obligation", "reassign"): "FALSE", ("obligation", "state"): "'open'",
            **{("obligation", name): "NULL" for name in ("met_at", "cancelled_at")},
        }  # fmt: skip
        seed.bulk(self.made, self.model, TABLES, number, owners, columns, first=self.next)
        self.next += number

    def sweep(self) -> float:
        """Seconds of one pass; it must have found exactly what is due."""
        from models.base import db
        from portal.enforcement.sweep import sweep

        found: list[int] = []
        with self.made.app.app_context():
            seconds = timed(lambda: found.append(sweep(db.session(), NOW + timedelta(minutes=1)).breaches))
        self.breaches = found[0]
        return seconds


def measure(few: Side, many: Side, rounds: int, due: int, million: int, spread: bool) -> Row:
    """Seconds of a pass, few and many by turns, the middle of all rounds."""
    seconds: tuple[list[float], list[float]] = ([], [])
    plans: list[str] = []
    for turn in range(rounds):
        for side, taken in zip((few, many), seconds, strict=True):
            side.owe(side.owners[turn * due : (turn + 1) * due])
            side.made.analyze()
            with Seen(side) as seen:
                taken.append(side.sweep())
            assert side.breaches == due, f"{side.breaches} of {due} found"
            plans = seen.scans() if turn == rounds - 1 else []
    small, large = (1000 * median(taken[1:]) for taken in seconds)
    who = "all partners" if spread else "other partners"
    return Row(
        "sweep", f"{due} due of {million:,} open", many.made.kind, f"beside {due} of {due}; the open at {who}", "ms",
        large, small, f"ratio up to {GOAL}", large / small <= GOAL, {"whole_table_reads": plans},
    )  # fmt: skip


class Seen:
    """The statements of a pass, so that their plans can be asked for afterwards."""

    def __init__(self, side: Side) -> None:
        self.engine, self.sent = side.made.engine, dict[str, Any]()

    def __enter__(self) -> "Seen":
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            self.sent.setdefault(statement, parameters)

    def scans(self) -> list[str]:
        """Statements that read a growing table whole, by the database's own plan."""
        found = []
        explain = "EXPLAIN QUERY PLAN " if self.engine.dialect.name == "sqlite" else "EXPLAIN "
        with self.engine.connect() as connection:
            for statement, parameters in self.sent.items():
                one = parameters[0] if isinstance(parameters, list) else parameters
                rows = connection.exec_driver_sql(explain + statement, one).all()
                found += [f"{table}: {statement}" for table in _whole(str(cell) for row in rows for cell in row)]
        return found


def _whole(plan: Iterator[str]) -> set[str]:
    """The growing tables that a plan reads from end to end."""
    read = re.compile(r"(?:Seq Scan on|^SCAN) (\w+)(?! USING)")
    names = {match[1] for line in plan for match in [read.search(line)] if match and " USING " not in line}
    return names & set(GROWING)

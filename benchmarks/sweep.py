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
from models.base import Model, db
from portal.enforcement.sweep import sweep

GOAL = 1.2
TABLES = ("lead", "assignment", "obligation")
#: How a plan says that a table is read from end to end, on PostgreSQL and on SQLite.
READ = re.compile(r"(?:Seq Scan on|^SCAN) (?P<table>\w+)(?: USING (?:COVERING )?INDEX (?P<index>\w+))?")
PARTIAL = {
    str(index.name)
    for table in Model.metadata.sorted_tables
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
#: A pass is looked at by so many rounds, each with other partners due; the first one warms up.
ROUNDS, DUE, PARTNERS, MILLION = 6, 100, 5000, 1_000_000
QUICK = (2, 5, 20, 200)


def run(options: Options) -> Iterator[Row]:
    """A row for each database and way in which the open ones may lie: at other partners, then at those with the due
    ones too."""
    rounds, due, partners, million = QUICK if options.quick else (ROUNDS, DUE, PARTNERS, MILLION)
    for kind in options.databases:
        with ExitStack() as stack:
            few, many = (Side(stack.enter_context(house(kind, name)), partners) for name in ("few", "many"))
            number = rounds * due
            many.fill(million, many.owners[2 * number :])
            yield measure(few, many, "at other partners", few.due_by_round(0, rounds, due))
            many.fill(number * million // partners, many.owners[number : 2 * number])
            yield measure(few, many, "at every partner", few.due_by_round(number, rounds, due))


class Side:
    """One of the two databases."""

    def __init__(self, made: House, partners: int) -> None:
        self.made, self.next = made, 1
        with made.app.app_context():
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

    def due_by_round(self, first: int, rounds: int, due: int) -> list[slice]:
        """Which owners owe something in each round: others each time, since a miss changes a partner's standing."""
        return [slice(first + turn * due, first + (turn + 1) * due) for turn in range(rounds)]

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
            ("obligation", "warn_at"): "NULL", ("obligation", "opened_at"): opened,
            ("obligation", "kind"): "'feedback'",
            ("obligation", "reassign"): "FALSE", ("obligation", "state"): "'open'",
            **{("obligation", name): "NULL" for name in ("met_at", "cancelled_at")},
        }  # fmt: skip
        seed.bulk(self.made, self.model, TABLES, number, owners, columns, first=self.next)
        self.next += number

    def sweep(self) -> float:
        """Seconds of one pass; it must have found exactly what is due."""
        found: list[int] = []
        with self.made.app.app_context():
            seconds = timed(lambda: found.append(sweep(db.session(), NOW + timedelta(minutes=1)).breaches))
        self.breaches = found[0]
        return seconds


def measure(few: Side, many: Side, where: str, turns: Sequence[slice]) -> Row:
    """Seconds of a pass, few and many by turns, the middle of all rounds."""
    seconds: tuple[list[float], list[float]] = ([], [])
    plans: list[str] = []
    due = len(few.owners[turns[0]])
    for owing in turns:
        for side, taken in zip((few, many), seconds, strict=True):
            side.owe(side.owners[owing])
            if side is few:  # beside a million, a hundred more change no plan
                side.made.analyze()
            with Seen(side) as seen:
                taken.append(side.sweep())
            assert side.breaches == due, f"{side.breaches} of {due} found"
            plans = seen.scans() if owing == turns[-1] else []
    small, large = (1000 * median(taken[1:]) for taken in seconds)
    what, who = f"a pass, {due} due of {many.next - 1:,}", f"beside {due} of {due}; the others {where}"
    more = {"whole_table_reads": plans, "few_ms": seconds[0], "many_ms": seconds[1]}
    return Row(
        "sweep", what, many.made.kind, who, "ms", large, small, f"ratio up to {GOAL}", large / small <= GOAL, more,
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
                found += [f"{table}: {statement}" for table in whole(str(cell) for row in rows for cell in row)]
        return found


def whole(plan: Iterator[str]) -> set[str]:
    """The filled tables that a plan reads from end to end, in whatever order; a partial index holds few of the rows."""
    found = set()
    for line in plan:
        match = READ.search(line)
        if match is not None and match["index"] not in PARTIAL:
            found.add(match["table"])
    return found & set(TABLES)

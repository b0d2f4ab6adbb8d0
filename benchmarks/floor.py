"""The bare floor: the very rows that the product wrote for a lead, by the driver's plain statements, nothing decided.

One INSERT a table (all its rows of the lead at once), one UPDATE a changed row, one transaction a lead, on a
connection that is kept open and set up as the product's own. Only the ids are new.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from sqlalchemy import Engine

from benchmarks.written import Written
from models.base import new_id

Maker = Callable[[list[str]], Any]


@dataclass(frozen=True)
class Statement:
    """One statement, its values, and where new ids go into them."""

    sql: str
    values: tuple[Any, ...]
    fresh: tuple[tuple[int, Maker], ...]

    def filled(self, ids: list[str]) -> list[Any]:
        """The values of one more lead."""
        values = list(self.values)
        for place, made in self.fresh:
            values[place] = made(ids)
        return values


class Floor:
    """Writes the rows of one lead again and again; several leads' rows by turns, as they went to several partners."""

    def __init__(self, engine: Engine, leads: Sequence[Written]) -> None:
        self.sqlite = engine.dialect.name == "sqlite"
        self.pooled = engine.raw_connection()
        self.connection: Any = self.pooled.driver_connection
        mark = "?" if self.sqlite else "%s"
        self.turns = cycle([(len(lead.ids()), _statements(lead, mark)) for lead in leads])

    def once(self) -> None:
        """One lead's worth of rows, committed."""
        number, statements = next(self.turns)
        ids = [new_id() for _ in range(number)]
        cursor = self.connection.cursor()
        if self.sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for statement in statements:
            cursor.execute(statement.sql, statement.filled(ids))
        self.connection.commit()

    def close(self) -> None:
        """Give the connection back."""
        self.pooled.close()


def _statements(lead: Written, mark: str) -> list[Statement]:
    places = {old: place for place, old in enumerate(lead.ids())}
    tables = list(dict.fromkeys(name for name, _ in lead.inserted))
    inserts = [_insert(name, [row for table, row in lead.inserted if table == name], mark, places) for name in tables]
    return inserts + [_update(name, key, changed, mark) for name, key, changed in lead.updated]


def _insert(table: str, rows: Sequence[dict[str, Any]], mark: str, places: dict[str, int]) -> Statement:
    names = ", ".join(f'"{name}"' for name in rows[0])
    each = f"({', '.join([mark] * len(rows[0]))})"
    values = tuple(value for row in rows for value in row.values())
    fresh = [(place, made) for place, value in enumerate(values) if (made := maker(value, places))]
    return Statement(f'INSERT INTO "{table}" ({names}) VALUES {", ".join([each] * len(rows))}', values, tuple(fresh))


def _update(table: str, key: dict[str, Any], changed: dict[str, Any], mark: str) -> Statement:
    setting = ", ".join(f'"{name}" = {mark}' for name in changed)
    where = " AND ".join(f'"{name}" = {mark}' for name in key)
    return Statement(f'UPDATE "{table}" SET {setting} WHERE {where}', (*changed.values(), *key.values()), ())


def maker(value: Any, places: dict[str, int]) -> Maker | None:
    """How a value that holds one of the old ids is made with the new ones; None for any other value."""
    if not isinstance(value, str):
        return None
    if value in places:
        place = places[value]
        return lambda ids: ids[place]
    held = [old for old in places if old in value]
    if not held:
        return None
    pattern = value.replace("{", "{{").replace("}", "}}")
    for old in held:
        pattern = pattern.replace(old, "{" + str(places[old]) + "}")
    return lambda ids: pattern.format(*ids)

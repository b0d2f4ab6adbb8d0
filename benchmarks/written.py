"""What the product wrote, found by looking at all tables before and after, however it was written."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Table

from models.base import Model

State = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


@dataclass(frozen=True)
class Written:
    """One act's rows as the driver hands them out: (table, row) inserted, (table, key, changed columns) updated."""

    inserted: tuple[tuple[str, dict[str, Any]], ...]
    updated: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...]

    def ids(self) -> list[str]:
        """The ids of the new rows, each of which another copy of them needs anew."""
        return [row["id"] for _, row in self.inserted if isinstance(row.get("id"), str)]

    def counts(self) -> dict[str, int]:
        """Rows inserted a table, and ``+table`` for rows updated."""
        counted: dict[str, int] = {}
        names = [name for name, _ in self.inserted] + [f"+{name}" for name, *_ in self.updated]
        for name in names:
            counted[name] = counted.get(name, 0) + 1
        return counted


def written_by(engine: Engine, act: Callable[[], object]) -> Written:
    """Do it, and see which rows are new or changed. Reads every table whole: for small databases."""
    before = _state(engine)
    act()
    after = _state(engine)
    inserted, updated = [], []
    for table in Model.metadata.sorted_tables:
        held, now = before[table.name], after[table.name]
        inserted += [(table.name, row) for key, row in now.items() if key not in held]
        for key, row in now.items():
            if key in held and row != held[key]:
                changed = {name: value for name, value in row.items() if value != held[key][name]}
                updated.append((table.name, _key(table, row), changed))
    return Written(tuple(inserted), tuple(updated))


def _state(engine: Engine) -> State:
    with engine.connect() as connection:
        return {table.name: _rows(connection, table) for table in Model.metadata.sorted_tables}


def _rows(connection: Any, table: Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns if column.computed is None)
    found = connection.exec_driver_sql(f'SELECT {names} FROM "{table.name}"').mappings()
    rows = [{name: plain(value) for name, value in row.items()} for row in found]
    return {tuple(_key(table, row).values()): row for row in rows}


def _key(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.primary_key.columns}


def plain(value: Any) -> Any:
    """A value as a driver takes it back: documents as text, bytes as bytes."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    return bytes(value) if isinstance(value, memoryview) else value

"""Statements built once and run by the driver itself: the hot path asks few, thousands of times.

Building a statement for each of its executions costs the hot path more than the database takes to answer it. So a
prepared one is compiled once for each kind of database, and what its values and columns become is looked up once.
"""

import re
import sqlite3
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any, cast

import psycopg
from sqlalchemy import BindParameter, Connection
from sqlalchemy.sql.visitors import iterate

from models.session import AnySession

_NAMED = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class _Compiled:
    """``places``: each value's name, the value itself where it is fixed, and what makes the driver's of it."""

    sql: str
    places: list[tuple[str, Any, Any]]
    #: What makes ours of the driver's, by column; None where nothing need be made.
    columns: list[tuple[int, Any]]
    row: Any


class Prepared:
    """A Core statement whose parameters are named by ``bindparam``."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, session: AnySession, **values: Any) -> list[Any]:
        """Run it in the session's transaction; its rows as named tuples, none where it gives none."""
        connection = session.connection()
        name = connection.dialect.name
        compiled = self._compiled.get(name) or self._compiled.setdefault(name, _compile(self._statement, connection))
        given = [
            fixed if key not in values else make(values[key]) if make and values[key] is not None else values[key]
            for key, fixed, make in compiled.places
        ]
        found = run_driver(connection, compiled.sql, given, fetch=compiled.row is not None)
        return [_row(compiled, row) for row in found]

    def first(self, session: AnySession, **values: Any) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(session, **values)), None)


def run_driver(connection: Connection, sql: str, values: Sequence[Any], *, fetch: bool = False) -> Sequence[Any]:
    """Run SQL as the driver takes it (SQLite ``?``, PostgreSQL ``$1``); its rows where asked to fetch them."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        done = driver.execute(sql, values)
        return done.fetchall() if fetch else ()
    with psycopg.RawCursor(cast(psycopg.Connection[Any], driver)) as cursor:
        cursor.execute(sql.encode(), values)
        return cursor.fetchall() if fetch else ()


def _row(compiled: _Compiled, row: Sequence[Any]) -> Any:
    if not compiled.columns:
        return compiled.row._make(row)
    values = list(row)
    for at, make in compiled.columns:
        if values[at] is not None:
            values[at] = make(values[at])
    return compiled.row._make(values)


def _compile(statement: Any, connection: Connection) -> _Compiled:
    dialect = connection.dialect
    named = [each.key for each in iterate(statement) if isinstance(each, BindParameter) and each.required]
    state = statement.compile(dialect=dialect).construct_expanded_state(dict.fromkeys(named))
    names = state.positiontup or _NAMED.findall(state.statement)
    number = count(1)
    sql = state.statement if state.positiontup else _NAMED.sub(lambda _: f"${next(number)}", state.statement)
    columns = list(getattr(statement, "exported_columns", {}).values())
    makers = [(at, each.type.dialect_impl(dialect).result_processor(dialect, None)) for at, each in enumerate(columns)]
    row = namedtuple("Row", [column.key for column in columns], rename=True) if columns else None
    return _Compiled(
        sql, [_place(state, name) for name in names], [(at, make) for at, make in makers if make is not None], row
    )


def _place(state: Any, name: str) -> tuple[str, Any, Any]:
    """A fixed value is made the driver's once; one that is named must be the driver's own already."""
    value, make = state.parameters[name], state.processors.get(name)
    if isinstance(value, Enum):
        value, make = value.value, None
    return name, make(value) if make and value is not None else value, make

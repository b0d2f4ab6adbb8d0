"""Writing new rows by plain statements: the hot path's way, beside the session."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Column, Connection, Dialect, Table, bindparam, insert
from sqlalchemy.orm import class_mapper, make_transient_to_detached

from models.base import Model
from models.prepared import run_driver
from models.session import AnySession

M = TypeVar("M", bound=Model)


class Bare:
    """A row for ``insert_now`` alone: a model's attributes without the tracking that makes a model costly to make."""

    __table__: Table


def bare(model: type[M], **values: Any) -> M:
    """A new row of ``model`` that is only ever written and read, never made part of a session."""
    row = object.__new__(_bare_kind(model))
    row.__dict__ = values
    return cast(M, row)


@cache
def _bare_kind(model: type[Model]) -> type[Bare]:
    nothing = {column.key: None for column in model.__table__.columns}
    return type(f"Bare{model.__name__}", (Bare,), {"__table__": model.__table__, **nothing})


def tracked(model: type[M], row: M) -> M:
    """The same as an object for a session."""
    return model(**vars(row))


def stored(session: AnySession, model: type[M], row: M) -> M:
    """A row that was written, as the session's own object."""
    found = class_mapper(model).class_manager.new_instance()
    found.__dict__.update(vars(row))
    make_transient_to_detached(found)
    session.add(found)
    return found


def insert_now(session: AnySession, *rows: Model) -> None:
    """Insert new objects by plain statements, without making them part of the session.

    The hot path's way: a unit of work that writes rows it will not read again need not track them. Tables are taken
    in the order of their foreign keys; column defaults apply; the objects stay transient. PostgreSQL gets all of them
    in one statement, so that they cost one way to the server and back.
    """
    if not rows:
        return
    connection = session.connection()
    ordered = sorted(rows, key=lambda row: _place(_table(row)))
    if connection.dialect.name == "postgresql":
        _written(connection, tuple(map(_table, ordered)), ordered)
    else:
        for row in ordered:
            _written(connection, (_table(row),), [row])


@dataclass(frozen=True)
class Statement:
    """SQL, and where its values come from, in order: the row's number and the attribute. ``defaults`` and
    ``processors``: by position, what a column is where the row has no such attribute, and what its type makes of it.
    """

    sql: str
    sources: list[tuple[int, str]]
    defaults: list[tuple[int, Any]]
    processors: list[tuple[int, Any]]

    def values(self, rows: Sequence[Model]) -> tuple[Any, ...]:
        """The driver's values of these rows."""
        known = [vars(row) for row in rows]
        values = [known[of].get(name) for of, name in self.sources]
        for at, default in self.defaults:
            of, name = self.sources[at]
            if name not in known[of]:
                values[at] = default() if callable(default) else default
        for at, process in self.processors:
            if values[at] is not None:
                values[at] = process(values[at])
        return tuple(values)


_inserts: dict[tuple[str, tuple[Table, ...]], Statement] = {}


def insert_many(session: AnySession, rows: Sequence[Model]) -> None:
    """The same of any number of new objects, a table at a time: what is written costs little beside what is decided."""
    by_table: dict[Table, list[Model]] = {}
    for row in rows:
        by_table.setdefault(_table(row), []).append(row)
    connection = session.connection()
    for table in sorted(by_table, key=_place):
        statement = _statement(connection.dialect, (table,))
        values = [statement.values((row,)) for row in by_table[table]]
        if connection.dialect.name == "postgresql":
            _copy(connection, table, [name for _, name in statement.sources], values)
        else:
            connection.exec_driver_sql(statement.sql, values)


def _copy(connection: Connection, table: Table, names: Sequence[str], values: Iterable[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{table.columns[name].name}"' for name in names)
    cursor = cast(psycopg.Cursor[Any], connection.connection.cursor())
    with cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN".encode()) as copy:
        for row in values:
            copy.write_row(row)


def _written(connection: Connection, tables: tuple[Table, ...], rows: Sequence[Model]) -> None:
    statement = _statement(connection.dialect, tables)
    run_driver(connection, statement.sql, statement.values(rows))


def _statement(dialect: Dialect, tables: tuple[Table, ...]) -> Statement:
    key = dialect.name, tables
    if key not in _inserts:
        _inserts[key] = _insert(dialect, tables)
    return _inserts[key]


def _table(row: Model) -> Table:
    return cast(Table, row.__table__)


@cache
def _place(table: Table) -> int:
    return Model.metadata.sorted_tables.index(table)


def _insert(dialect: Dialect, tables: tuple[Table, ...]) -> Statement:
    """One statement that inserts a row into each of ``tables``."""
    ctes = [insert(table).values(_named(of, table)).cte(f"row_{of}") for of, table in enumerate(tables[:-1])]
    statement = insert(tables[-1]).values(_named(len(tables) - 1, tables[-1])).add_cte(*ctes)
    compiled = statement.compile(dialect=dialect)
    columns = {f"r{of}_{column.key}": (of, column) for of, table in enumerate(tables) for column in table.columns}
    names = _POSITIONED.findall(str(compiled)) if compiled.positiontup is None else compiled.positiontup
    placed = [columns[name] for name in names]
    defaults = [(at, _default(column)) for at, (_, column) in enumerate(placed)]
    processors = [(at, _processor(column, dialect)) for at, (_, column) in enumerate(placed)]
    places = count(1)
    return Statement(
        _POSITIONED.sub(lambda found: f"${next(places)}", str(compiled)),
        [(of, str(column.key)) for of, column in placed],
        [(at, default) for at, default in defaults if default is not None],
        [(at, process) for at, process in processors if process is not None],
    )


#: How the driver for PostgreSQL names a parameter: turned into positions, as every value comes from one place.
_POSITIONED = re.compile(r"%\((r\d+_\w+)\)s(?:::[A-Z ]+[A-Z])?")


def _named(of: int, table: Table) -> dict[str, Any]:
    return {str(column.key): bindparam(f"r{of}_{column.key}", type_=column.type) for column in table.columns}


def _processor(column: Column[Any], dialect: Dialect) -> Any:
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def _default(column: Column[Any]) -> Any:
    """A column's own default, a value or a function without arguments; None where it has none."""
    default: Any = column.default
    if default is None:
        return None
    return partial(default.arg, None) if default.is_callable else default.arg

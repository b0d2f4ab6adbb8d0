"""How a unit of work meets the database: locks taken early, reads that cannot write, one retry rule.

SQLite: WAL, and ``BEGIN IMMEDIATE`` for a unit that writes, so that two writers queue instead of failing halfway.
PostgreSQL: READ COMMITTED with the guards in the rows. Both: a reading unit is refused every write.
"""

import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Column, Connection, Dialect, Engine, Table, bindparam, event, insert
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session, scoped_session

from models.base import Model

T = TypeVar("T")
M = TypeVar("M", bound=Model)
AnySession = Session | scoped_session[Any]
ATTEMPTS = 12
IDLE_SECONDS = 5.0


def configure_engine(engine: Engine) -> None:
    """Attach this product's settings to ``engine``: SQLite's pragmas, PostgreSQL's look after idle connections."""
    if engine.dialect.name != "sqlite":
        _look_after_idle(engine)
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        reading = bool(connection.get_execution_options().get("fairlead_read"))
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _look_after_idle(engine: Engine) -> None:
    """A connection that was idle for long is asked whether it still lives before it is used; one in use is not."""

    @event.listens_for(engine, "checkin")
    def on_checkin(connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, record: Any, proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as gone:
            raise DisconnectionError from gone


def read_only(session: AnySession) -> None:
    """Begin a transaction that can only read; call it before the unit's first query."""
    session.connection(execution_options={"fairlead_read": True, "postgresql_readonly": True})


def unit(session: AnySession, work: Callable[[], T]) -> T:
    """Run ``work`` as one transaction and commit; begin again where the database chose us as the loser of a race.

    A deadlock, a serialization failure, a lock time-out or a lost race on a unique key is nobody's mistake, so no
    caller sees one before ``ATTEMPTS`` tries. Any other exception rolls back and passes on.
    """
    for attempt in range(ATTEMPTS):
        try:
            session.expire_all()
            result = work()
            session.commit()
            return result
        except (DBAPIError, psycopg.Error) as error:
            session.rollback()
            if attempt == ATTEMPTS - 1 or not _lost_race(error):
                raise
            time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))
        except BaseException:
            session.rollback()
            raise
    raise AssertionError("unreachable")


def _lost_race(error: DBAPIError | psycopg.Error) -> bool:
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return True
    if isinstance(original, psycopg.IntegrityError | sqlite3.IntegrityError):
        return isinstance(original, psycopg.errors.UniqueViolation) or "UNIQUE constraint" in str(original)
    return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)


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
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement.sql, statement.values(rows))
        return
    # The driver would look for the places of so many values anew each time: they are numbered already.
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    with psycopg.RawCursor(driver) as cursor:
        cursor.execute(statement.sql.encode(), statement.values(rows))


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
    default = column.default
    if default is None:
        return None
    return partial(default.arg, None) if default.is_callable else default.arg

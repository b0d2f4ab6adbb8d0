"""How a unit of work meets the database: locks taken early, reads that cannot write, one retry rule.

SQLite: WAL, and ``BEGIN IMMEDIATE`` for a unit that writes, so that two writers queue instead of failing halfway.
PostgreSQL: READ COMMITTED with the guards in the rows. Both: a reading unit is refused every write.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, Engine, Insert, Table, event, insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, scoped_session

from models.base import Model

T = TypeVar("T")
AnySession = Session | scoped_session[Any]
ATTEMPTS = 12


def configure_engine(engine: Engine) -> None:
    """Attach the SQLite settings of this product to ``engine``; nothing for other databases."""
    if engine.dialect.name != "sqlite":
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
        except DBAPIError as error:
            session.rollback()
            if attempt == ATTEMPTS - 1 or not _lost_race(error):
                raise
            time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))
        except BaseException:
            session.rollback()
            raise
    raise AssertionError("unreachable")


def _lost_race(error: DBAPIError) -> bool:
    original = error.orig
    if isinstance(original, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return True
    if isinstance(error, IntegrityError):
        return isinstance(original, psycopg.errors.UniqueViolation) or "UNIQUE constraint" in str(original)
    return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)


def insert_now(session: AnySession, *rows: Model) -> None:
    """Insert new objects by plain statements, one a table, without making them part of the session.

    The hot path's way: a unit of work that writes rows it will not read again need not track them. Tables are taken
    in the order of their foreign keys. Column defaults apply; the objects stay transient.
    """
    by_table: dict[Table, list[dict[str, Any]]] = {}
    for row in rows:
        values = {key: value for key, value in vars(row).items() if key != "_sa_instance_state"}
        by_table.setdefault(cast(Table, type(row).__table__), []).append(values)
    for table in sorted(by_table, key=_place):
        session.execute(_insert(table), by_table[table])


@cache
def _place(table: Table) -> int:
    return Model.metadata.sorted_tables.index(table)


@cache
def _insert(table: Table) -> Insert:
    return insert(table)

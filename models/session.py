"""How a unit of work meets the database: locks taken early, reads that cannot write, one retry rule.

SQLite: WAL, and ``BEGIN IMMEDIATE`` for a unit that writes, so that two writers queue instead of failing halfway.
PostgreSQL: READ COMMITTED with the guards in the rows. Both: a reading unit is refused every write.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session, scoped_session

T = TypeVar("T")
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
        except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
            session.rollback()
            if attempt == ATTEMPTS - 1 or not _lost_race(error):
                raise
            time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))
        except BaseException:
            session.rollback()
            raise
    raise AssertionError("unreachable")


def _lost_race(error: DBAPIError | psycopg.Error | sqlite3.Error) -> bool:
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return True
    if isinstance(original, psycopg.IntegrityError | sqlite3.IntegrityError):
        return isinstance(original, psycopg.errors.UniqueViolation) or "UNIQUE constraint" in str(original)
    return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)

"""Fresh migrated databases, quickly: migrated once a run, one copy a worker, put back before each test.

Units of work commit, several times in one test; so nothing is rolled back here: the rows are put back.
"""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.support import servers

KINDS = ("sqlite", "postgresql")
TEMPLATE = "fairlead_template"

#: Keeps beside the tables a copy of what the migrations wrote, and a function that goes back to exactly that.
#: DELETE rather than TRUNCATE: quicker on tables of a few rows, and it waits for no open reader. Triggers and
#: foreign keys rest meanwhile (the audit table refuses DELETE, and order would matter).
POSTGRESQL_BASELINE = """
CREATE SCHEMA baseline;
CREATE TABLE baseline.sequences AS
    SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public';
DO $$
DECLARE t text; filled boolean;
BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', t) INTO filled;
        IF filled THEN EXECUTE format('CREATE TABLE baseline.%I AS TABLE public.%I', t, t); END IF;
    END LOOP;
END $$;
CREATE FUNCTION baseline.reset() RETURNS void LANGUAGE plpgsql AS $$
DECLARE t text; names text; filled boolean; s record;
BEGIN
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '10s';
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', t) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM public.%I', t); END IF;
    END LOOP;
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'baseline' AND tablename <> 'sequences' LOOP
        SELECT string_agg(quote_ident(column_name), ', ') INTO names FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = t AND is_generated = 'NEVER';
        EXECUTE format('INSERT INTO public.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM baseline.%I',
            t, names, names, t);
    END LOOP;
    FOR s IN SELECT * FROM baseline.sequences LOOP
        PERFORM setval(format('public.%I', s.sequencename), coalesce(s.last_value, s.start_value),
            s.last_value IS NOT NULL);
    END LOOP;
END $$;
"""


class SQLiteDatabase:
    """A file of this worker's own; ``reset()`` copies the run's migrated template over it."""

    kind = "sqlite"

    def __init__(self) -> None:
        folder = servers.run_folder() / "sqlite"
        folder.mkdir(exist_ok=True)
        self.path = folder / f"{servers.worker_name()}.sqlite3"
        self.url = f"sqlite:///{self.path}"
        self._template = sqlite3.connect(_sqlite_template(folder), check_same_thread=False)
        self._target = sqlite3.connect(self.path, timeout=10, check_same_thread=False)
        self._target.execute("PRAGMA synchronous=OFF")

    def reset(self) -> None:
        """Back to what the migrations wrote; refused (database is locked) while a transaction is open."""
        self._template.backup(self._target)

    def close(self) -> None:
        """Lets go of the files."""
        self._template.close()
        self._target.close()


class PostgreSQLDatabase:
    """A database of this worker's own on the run's server; ``reset()`` calls ``baseline.reset()``."""

    kind = "postgresql"

    def __init__(self) -> None:
        self.url = create_postgresql_database(f"fairlead_{servers.worker_name()}")
        self._connection = _connect(self.url)

    def reset(self) -> None:
        """Back to what the migrations wrote. A lock held elsewhere for 10 seconds makes it fail."""
        self._connection.execute("SELECT baseline.reset()")

    def close(self) -> None:
        """Lets go of the connection."""
        self._connection.close()


Database = SQLiteDatabase | PostgreSQLDatabase


def new_database(kind: str) -> Database:
    """This worker's database of ``kind``; ask once a worker, then ``reset()`` before each test."""
    return SQLiteDatabase() if kind == "sqlite" else PostgreSQLDatabase()


def create_postgresql_database(name: str, migrated: bool = True) -> str:
    """Makes a database on the run's server and returns its URL; one of that name is dropped first.

    For tests that need a second one: with the schema as the migrations leave it, or empty.
    """
    template = _postgresql_template() if migrated else "template0"
    with servers.one_at_a_time("postgresql-create"), _connect(servers.postgresql_url()) as server:
        target = sql.Identifier(name)
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(target))
        # With fsync off a copy of files beats a copy through the log.
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(target, sql.Identifier(template))
        )
    return servers.postgresql_url(name)


def migrate(url: str) -> None:
    """Brings the database at ``url`` to the newest revision, by the migrations themselves."""
    from flask_migrate import upgrade

    from app import core_app
    from models.base import db

    app = core_app(settings_for(url))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()


def settings_for(url: str, **more: object) -> dict[str, Any]:
    """Settings of an app under test: nothing is read from the environment or written outside the run."""
    return {
        "database_url": url,
        "env": "development",
        "redis_url": "",
        "smtp_url": "",
        "secret_key": "only-for-tests-0123456789abcdef",
        "base_url": "http://localhost",
        "var_dir": str(servers.run_folder()),
        "testing": True,
        **more,
    }


def _sqlite_template(folder: Path) -> Path:
    template = folder / "template.sqlite3"
    with servers.one_at_a_time("sqlite-template"):
        if not template.exists():
            part = folder / "part.sqlite3"
            migrate(f"sqlite:///{part}")
            part.rename(template)
    return template


def _postgresql_template() -> str:
    done = servers.run_folder() / "postgresql-template.done"
    with servers.one_at_a_time("postgresql-template"):
        if not done.exists():
            with _connect(servers.postgresql_url()) as server:
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
            migrate(servers.postgresql_url(TEMPLATE))
            with _connect(servers.postgresql_url(TEMPLATE)) as template:
                template.execute(POSTGRESQL_BASELINE)
            done.touch()
    return TEMPLATE


def _connect(url: str) -> psycopg.Connection[Any]:
    parts = make_url(url)
    host = parts.query["host"]
    return psycopg.connect(
        dbname=parts.database, user=parts.username, host=str(host), autocommit=True, prepare_threshold=None
    )

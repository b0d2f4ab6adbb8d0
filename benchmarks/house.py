"""A database of a bench's own, migrated and empty, and the app on it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.support import databases, servers

if TYPE_CHECKING:
    from flask import Flask

T = TypeVar("T")
#: A Monday morning in Berlin, when every partner is open; nothing measured depends on the day it is run on.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class House:
    """One database with its app; ``session`` is the app's own."""

    kind: str
    url: str
    app: "Flask"
    engine: Engine
    session: Session

    @property
    def is_sqlite(self) -> bool:
        return self.kind == "sqlite"

    def analyze(self) -> None:
        """Tell the planner what was seeded: a plan made on empty tables reads them whole."""
        self.session.rollback()
        with self.engine.begin() as connection:
            if self.is_sqlite:  # a sample, as PostgreSQL takes one
                connection.execute(text("PRAGMA analysis_limit = 2000"))
            connection.execute(text("ANALYZE"))

    def count(self, table: str) -> int:
        """Rows of a table now."""
        self.session.rollback()
        with self.engine.connect() as connection:
            return int(connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())

    def version(self) -> str:
        """The database's own version."""
        asked = "SELECT sqlite_version()" if self.is_sqlite else "SHOW server_version"
        with self.engine.connect() as connection:
            return str(connection.execute(text(asked)).scalar_one()).split()[0]


def outside(act: Callable[[], T]) -> Callable[[], T]:
    """``act`` outside every app's context, as a request comes: inside one it would share the bench's own session."""
    context = Context()
    return lambda: context.run(act)


@contextmanager
def house(kind: str, name: str, **settings: object) -> Iterator[House]:
    """A fresh database called ``name``, inside its app's context; two of one kind may be open at once."""
    from app import create_app
    from models.base import db

    url = _new_database(kind, name)
    app = create_app(databases.settings_for(url, **settings))
    with app.app_context():
        try:
            yield House(kind, url, app, db.engine, db.session())
        finally:
            db.session.remove()
            db.engine.dispose()
            _remove(kind, name)


def _new_database(kind: str, name: str) -> str:
    if kind == "postgresql":
        return databases.create_postgresql_database(f"bench_{servers.worker_name()}_{name}")
    template = servers.run_folder() / "sqlite" / "template.sqlite3"
    if not template.exists():
        databases.new_database(kind).close()
    folder = _folder()
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.sqlite3"
    for old in folder.glob(f"{name}.sqlite3*"):
        old.unlink()
    shutil.copy(template, path)
    return f"sqlite:///{path}"


def _remove(kind: str, name: str) -> None:
    """A million leads take room: the file goes as soon as it was measured; a server's databases go with the server."""
    if kind == "sqlite":
        for old in _folder().glob(f"{name}.sqlite3*"):
            old.unlink()


def _folder() -> Path:
    return servers.run_folder() / f"bench-{servers.worker_name()}"

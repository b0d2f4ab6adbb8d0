"""The run as a whole: its folder and servers, which database, how properties are searched."""

import os

import pytest
from hypothesis import settings

from tests.support import servers

pytest_plugins = ["tests.support.fixtures", "tests.support.network"]

# A slow machine is not a wrong product, and a run in CI gives the same answer twice.
settings.register_profile("fairlead", deadline=None, max_examples=100)
settings.register_profile("ci", settings.get_profile("fairlead"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "fairlead")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--database sqlite`` or ``postgresql`` keeps the tests of one database only."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], help="run on this database only")


def pytest_configure(config: pytest.Config) -> None:
    """Opens the run's folder, before any worker starts, and forgets settings of the person who runs it."""
    for name in [name for name in os.environ if name.startswith("FAIRLEAD_")]:
        del os.environ[name]
    servers.open_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the run's servers, after all workers have ended."""
    servers.close_run()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests of the other database where one was asked for."""
    only = config.getoption("--database")
    if only is None:
        return
    other = [item for item in items if _database_of(item) not in (None, only)]
    config.hook.pytest_deselected(items=other)
    items[:] = [item for item in items if item not in other]


def _database_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("database") if callspec else None
    return kind if isinstance(kind, str) else None

"""The fixtures of the browser tests: one house and one browser a worker, the demo anew for each test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.house import House, Visits


@pytest.fixture(scope="session")
def house() -> "Iterator[House]":
    """The app of this worker, served."""
    from tests.browser.house import House

    with House() as made:
        yield made


@pytest.fixture(scope="session")
def browser(browser_path: str) -> "Iterator[Browser]":
    """The browser of this worker."""
    from playwright.sync_api import sync_playwright

    from tests.browser.house import ARGS

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser_path, args=ARGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def cookies() -> dict[str, Any]:
    """Who has signed in already in this worker: the sessions live on when the database is the demo again."""
    return {}


@pytest.fixture
def visits(house: "House", browser: "Browser", cookies: dict[str, Any]) -> "Iterator[Visits]":
    """Windows on the demo as it was loaded. At the end no page may have complained, of its policy or anything else."""
    from tests.browser.house import Visits

    house.reset()
    made = Visits(house, browser, cookies)
    yield made
    made.close()
    assert made.complaints == []

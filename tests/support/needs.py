"""What a machine may lack: the test is skipped with its reason, and with ``CI=true`` that is a failure."""

import importlib.util
import os
import shutil
from typing import NoReturn

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def cannot_run(reason: str) -> NoReturn:
    """Skips the test for a reason that lies with the machine, never with the product; fails it in CI."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"This must run where CI is set: {reason}", pytrace=False)
    pytest.skip(reason)


def browser_path() -> str:
    """The browser of this machine that browser tests drive."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    cannot_run(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")


def package(name: str) -> None:
    """Asks for a server that comes as a wheel, which not every machine has."""
    if importlib.util.find_spec(name) is None:
        cannot_run(f"no wheel of {name} for this machine")

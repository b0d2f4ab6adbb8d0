"""The real app on a port of its own, over a copy of the demo, and a browser that notes what pages complain of."""

import logging
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page
from werkzeug.serving import BaseWSGIServer, make_server

from app import create_app
from models.base import db
from portal.allocation.replay import trials
from portal.cli import demo_cast
from portal.cli.demo import load
from portal.clock import utc_now
from tests.support import servers
from tests.support.databases import migrate, settings_for

PHONE, DESK = 390, 1440
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
#: Who signs in for a role. The rep and the partner admin belong to the same partner.
PEOPLE = {
    "rep": "jonas@ostwind.example",
    "partner admin": "greta@ostwind.example",
    "stopped": "ana@valeazul.example",
    "manager": demo_cast.MANAGER[1],
    "marketer": demo_cast.MARKETER[1],
    "admin": demo_cast.ADMIN[1],
}
#: A page's own report of what its policy refused, as an error that the console hears.
HEAR_REFUSALS = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`refused by policy: ${event.violatedDirective} ${event.blockedURI}`));"""


def demo_file() -> Path:
    """The run's one copy of the demo, loaded by whichever worker asks first."""
    path = servers.run_folder() / "demo.sqlite3"
    with servers.one_at_a_time("demo"):
        if not path.exists():
            part = path.with_name("demo-part.sqlite3")
            migrate(f"sqlite:///{part}")
            app = create_app(settings_for(f"sqlite:///{part}"))
            with app.app_context():
                load(db.session, utc_now())
                db.session.remove()
                db.engine.dispose()
            part.rename(path)
    return path


class House:
    """The app, served from a thread, on a database that ``reset()`` makes the demo again."""

    def __init__(self) -> None:
        self.path = servers.run_folder() / f"browser-{servers.worker_name()}.sqlite3"
        self._demo = sqlite3.connect(demo_file())
        self._target = sqlite3.connect(self.path, timeout=10)
        self.reset()
        self.app = create_app(settings_for(f"sqlite:///{self.path}"))
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, self.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        _let_go(self.app)
        self._demo.close()
        self._target.close()

    def reset(self) -> None:
        """Back to the demo as it was loaded."""
        self._demo.backup(self._target)

    def answer_what_ifs(self) -> None:
        """What the clock does beside: every what-if that waits is replayed."""
        with self.app.app_context():
            for trial_id in trials.due(db.session, utc_now()):
                db.session.rollback()
                assert trials.carry_out(db.session, trial_id, "the test's own clock", utc_now) is not None
            db.session.remove()

    def one(self, query: str, *values: object) -> Any:
        """The first column of the first row."""
        with sqlite3.connect(self.path) as connection:
            row = connection.execute(query, values).fetchone()
        connection.close()
        return row[0] if row else None


def _let_go(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


@dataclass
class Visits:
    """The browser contexts of one test, and what their pages complained of."""

    house: House
    browser: Browser
    cookies: dict[str, Any]
    open: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    #: What is no complaint: a refused form answers 422.
    expected: tuple[str, ...] = ("status of 422",)

    def page(
        self, role: str | None = None, width: int = DESK, theme: Any = "light", script: bool = True, **more: Any
    ) -> Page:
        """A page in a window of its own; with ``role`` already signed in."""
        state = self._signed_in(role) if role else None
        context = self.browser.new_context(
            base_url=self.house.url, viewport={"width": width, "height": 900 if width > PHONE else 844},
            color_scheme=theme, java_script_enabled=script, storage_state=state, reduced_motion="reduce", **more,
        )  # fmt: skip
        context.set_default_timeout(10_000)
        context.add_init_script(HEAR_REFUSALS)
        self.open.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(each in message.text for each in self.expected):
            self.complaints.append(f"{message.type}: {message.text}")

    def _signed_in(self, role: str) -> Any:
        if role not in self.cookies:
            page = self.page(script=False)
            sign_in(page, role)
            self.cookies[role] = page.context.storage_state()
        return self.cookies[role]

    def close(self) -> None:
        """Closes the windows."""
        for context in self.open:
            context.close()


def sign_in(page: Page, role: str) -> None:
    """Through the door, by address and password."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(PEOPLE[role])
    page.get_by_label("Password").fill(demo_cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def sign_out(page: Page) -> None:
    """By the sidebar, or on a phone under More."""
    link = _shown(page, page.get_by_role("button", name="Sign out"))
    link.click()
    page.wait_for_url("**/sign-in")


def go(page: Page, path: str) -> None:
    """To a screen by the navigation, as a person goes: sidebar, bottom tab, or under More."""
    _shown(page, page.get_by_role("navigation", name="Main").locator(f'a[href="{path}"]')).click()
    page.wait_for_url(f"**{path}")


def _shown(page: Page, wanted: Locator) -> Locator:
    """The one of them that is on the screen; More is opened for it on a phone."""
    # Before its styles are there a page shows everything.
    page.wait_for_load_state()
    shown = wanted.locator("visible=true")
    if shown.count() == 0:
        page.locator("details.more > summary").click()
    return shown.first


def chip(page: Page) -> str:
    """What the page says was done."""
    said: str = page.locator(".flash").first.inner_text()
    return said

"""Visiting the screens: a signed-in browser without a window, the world built beside it, statements counted."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.base import db
from tests.support import world

T = TypeVar("T")


def within(app: Flask, work: Callable[[Session], T]) -> T:
    """Do something in the database beside the browsers, and let go of it: no request shares its session."""
    with app.app_context():
        try:
            return work(db.session())
        finally:
            db.session.remove()


class Visitor:
    """One browser: signed in by address, with the token that every form of its pages carries."""

    def __init__(self, app: Flask, email: str | None = None, password: str = world.PASSWORD) -> None:
        self.client = app.test_client()
        self.token = ""
        if email is not None:
            answer = self.post("/sign-in", email=email, password=password)
            assert answer.status_code == 302, answer.get_data(as_text=True)

    def get(self, path: str) -> TestResponse:
        """A page; its token is kept for the next post."""
        answer = self.client.get(path)
        self.token = world.csrf_of(answer.get_data(as_text=True)) or self.token
        return answer

    def page(self, path: str, status: int = 200) -> str:
        """The words of a page as they are read, tags left out; its status is checked."""
        answer = self.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return words(answer)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form."""
        if not self.token:
            self.get("/sign-in")
        return self.client.post(path, data={"csrf_token": self.token, **fields})

    def done(self, path: str, **fields: Any) -> str:
        """Send a form that is taken; the words of the page that it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 302, words(answer)
        return self.page(answer.location.partition("#")[0])


def words(answer: TestResponse) -> str:
    """The words of an answer, tags left out, one space between them."""
    text = answer.get_data(as_text=True)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements that the app sends meanwhile."""
    with app.app_context():
        engine = db.engine
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)

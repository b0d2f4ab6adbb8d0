"""Callers of the API: a key for each role, a house of partners with rules published, and a clock that stands still."""

from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.partners import Partner
from portal.vocabulary import Role
from tests.support import world
from tests.support.world import MONDAY


@dataclass
class Clock:
    """The instant that every call reads."""

    now: datetime = MONDAY

    def forward(self, **by: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**by)
        return self.now


@dataclass
class Caller:
    """Somebody with a key. ``expect`` is the status without which the test has nothing to look at."""

    client: FlaskClient
    secret: str
    partner_id: str = ""

    def visit(self, path: str, **more: Any) -> TestResponse:
        """Any address of the app, without the key."""
        return Context().run(self.client.get, path, **more)

    def send(self, method: str, path: str, body: Any = None, *, expect: int | None = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        # A context of its own: the test's must not lend the call its session.
        answer = Context().run(self.client.open, f"/api/v1{path}", method=method, headers=headers, **more)
        if expect is not None:
            assert answer.status_code == expect, answer.get_data(as_text=True)
        return answer

    def get(self, path: str, expect: int = 200, **query: Any) -> Any:
        return self.send("GET", path, expect=expect, query_string=query).get_json()

    def post(self, path: str, body: Any = None, expect: int = 200, **more: Any) -> Any:
        return self.send("POST", path, body, expect=expect, **more).get_json()

    def patch(self, path: str, body: Any, expect: int = 200) -> Any:
        return self.send("PATCH", path, body, expect=expect).get_json()


@dataclass
class House:
    """Two partners that take turns, and a key for everyone who calls."""

    session: Session
    clock: Clock
    admin: Caller
    manager: Caller
    marketer: Caller
    partner: Caller
    rival: Caller
    emails: list[str] = field(default_factory=list)

    def publish(self, *rules: dict[str, Any]) -> None:
        """Publish these rules."""
        world.publish_rules(self.session, *rules, now=self.clock.now)
        self.session.rollback()

    def lead(self, **facts: Any) -> dict[str, Any]:
        """A new lead, by the API."""
        number = len(self.emails) + 1
        self.emails.append(f"person{number}@company{number}.example")
        body = {"email": self.emails[-1], "company": f"Company {number}", "last_name": "Berg", "country": "DE"}
        return self.marketer.post("/leads", {**body, **facts}, expect=201)

    def lead_for(self, caller: Caller, **facts: Any) -> dict[str, Any]:
        """A new lead, offered to this partner."""
        lead = self.lead(**facts)
        if lead["assignment"]["partner_id"] != caller.partner_id:
            body = {"partner_id": caller.partner_id, "reason": "For the test"}
            lead = self.admin.post(f"/leads/{lead['id']}/assign", body)
        return lead

    def accepted_by(self, caller: Caller, **facts: Any) -> dict[str, Any]:
        """A new lead that this partner has accepted."""
        lead = self.lead_for(caller, **facts)
        caller.post(f"/assignments/{lead['assignment']['id']}/accept")
        return caller.get(f"/leads/{lead['id']}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the edge."""
    it = Clock()
    monkeypatch.setattr("portal.api.edge.utc_now", lambda: it.now)
    return it


@pytest.fixture
def caller(app: Flask, session: Session) -> Callable[..., Caller]:
    """Makes a caller with a key of a role."""

    def make(role: Role, partner: Partner | None = None) -> Caller:
        _, secret = world.make_key(session, role, partner)
        made = Caller(app.test_client(), secret, partner.id if partner else "")
        # Nothing of the test's own stays open: on SQLite a call could not write beside it.
        session.rollback()
        return made

    return make


@pytest.fixture
def house(session: Session, clock: Clock, caller: Callable[..., Caller]) -> House:
    """The house, on each database."""
    own, other = world.make_partner(session, "Nordhaven Systems"), world.make_partner(session, "Kestrel IT")
    world.publish_rules(session)
    return House(
        session=session, clock=clock, admin=caller(Role.ADMIN), manager=caller(Role.CHANNEL_MANAGER),
        marketer=caller(Role.MARKETER), partner=caller(Role.PARTNER_ADMIN, own),
        rival=caller(Role.PARTNER_ADMIN, other),
    )  # fmt: skip

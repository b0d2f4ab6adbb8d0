"""Everything that goes wrong under the prefix is a problem document, and nothing leaks."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models.base import db
from portal.api import answers
from tests.api.conftest import Caller, House

JSON = {"Content-Type": "application/json"}


def problem_of(answer: TestResponse, status: int) -> dict[str, Any]:
    """The problem document of an answer."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    answers.Problem.model_validate(body)
    assert body["status"] == status
    return body


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer fl_" + "x" * 43, "fl_" + "x" * 43,
     "Bearer a b", "Bearer \u00e9"],
)  # fmt: skip
def test_without_a_good_key_there_is_nothing(house: House, header: str | None) -> None:
    headers = {"Authorization": header} if header is not None else {}
    for path in ("/api/v1/leads", "/api/v1/leads/01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"):
        answer = house.admin.visit(path, headers=headers)
        problem_of(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused(house: House) -> None:
    from sqlalchemy import select

    from models.accounts import ApiKey
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.accounts.keys import revoke_key
    from portal.vocabulary import Role

    house.marketer.get("/leads")
    key_id = house.session.scalars(select(ApiKey.id).where(ApiKey.role == Role.MARKETER)).one()
    unit(house.session, lambda: revoke_key(house.session, SYSTEM, key_id, house.clock.now))
    problem_of(house.marketer.send("GET", "/leads"), 401)


def test_the_scheme_is_read_in_any_case(house: House) -> None:
    answer = house.admin.visit("/api/v1/leads", headers={"Authorization": f"bearer  {house.admin.secret}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/leads/", "/leads/a/b/c", "/LEADS", "/%2e%2e/x"])
def test_unknown_addresses(house: House, path: str) -> None:
    assert problem_of(house.admin.send("GET", path), 404)["detail"] == "There is nothing here by that name."


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/leads"), ("PUT", "/leads"), ("OPTIONS", "/leads"), ("GET", "/users")]
)
def test_other_methods(house: House, method: str, path: str) -> None:
    answer = house.admin.send(method, path)
    problem_of(answer, 405)
    assert "POST" in answer.headers["Allow"]


def test_a_body_must_be_json(house: House) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        problem_of(house.marketer.send("POST", "/leads", data="email=a@b.example", headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"email": "a@b.example"', "line 1"),
        (b'{"email":\n "a@b.example",}', "line 2"),
        (b"{'email': 1}", "column 2"),
        (b'{"email": "\xff"}', "byte 12"),
        (b'{"budget": NaN}', "NaN"),
        (b'{"budget": -Infinity}', "Infinity"),
        (b'{"budget": 1e999}', "too large"),
        (b'{"budget": ' + b"9" * 5000 + b"}", "too long"),
        (b'{"custom": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        (b'{"custom": ' + b"[" * 60 + b"]" * 60 + b"}", "nested"),
        (b"\xef\xbb\xbf{}", "line 1"),
    ],
)
def test_json_that_cannot_be_read(house: House, text: bytes, says: str) -> None:
    assert says in problem_of(house.marketer.send("POST", "/leads", data=text, headers=JSON), 400)["detail"]


@pytest.mark.parametrize("text", [b"[]", b'"x"', b"null", b"7"])
def test_a_body_must_be_an_object(house: House, text: bytes) -> None:
    problem_of(house.marketer.send("POST", "/leads", data=text, headers=JSON), 422)


def test_a_key_given_twice_is_refused(house: House) -> None:
    body = b'{"email": "a@b.example", "email": "c@d.example"}'
    problem = problem_of(house.marketer.send("POST", "/leads", data=body, headers=JSON), 422)
    assert problem["errors"][0]["field"] == "email"


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 10 * 1024 * 1024])
def test_a_large_body_is_refused(house: House, size: int) -> None:
    problem_of(house.marketer.send("POST", "/leads", data=b"x" * size, headers=JSON), 413)


def test_a_body_where_none_is_taken(house: House) -> None:
    lead = house.lead_for(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/accept"
    assert problem_of(house.partner.send("POST", path, {"x": 1}), 422)["errors"][0]["field"] == "x"
    house.partner.send("POST", path, {}, expect=200)


def test_access_comes_before_everything_else(house: House) -> None:
    lead = house.lead_for(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/accept"
    problem_of(house.rival.send("POST", path, data=b"{", headers=JSON), 404)
    problem_of(house.rival.send("POST", f"{path}?x=1", headers={"Idempotency-Key": ""}), 404)


def test_a_fault_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("portal.api.leads.receive_rows", broken)
    problem = problem_of(house.marketer.send("POST", "/leads", {"email": "a@b.example"}), 500)
    assert "secret" not in str(problem)


def test_a_get_cannot_write(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import text

    def writing(session: Any, *_: Any) -> list[Any]:
        session.execute(text("UPDATE lead SET grade = 'A'"))
        return []

    lead = house.lead()
    monkeypatch.setattr("portal.api.leads.leads_json", writing)
    assert house.admin.send("GET", "/leads").status_code >= 500
    assert house.admin.get(f"/leads/{lead['id']}")["grade"] == "C"


def test_a_rate_limit_where_one_is_set(app: Flask, house: House) -> None:
    from app import create_app
    from tests.support.databases import settings_for

    limited = create_app(settings_for(app.extensions["fairlead"].database_url, rate_limit="2 per minute"))
    admin, manager = (Caller(limited.test_client(), c.secret) for c in (house.admin, house.manager))
    for _ in range(2):
        admin.get("/leads")
    answer = admin.send("GET", "/leads")
    problem_of(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1
    manager.get("/leads")
    with limited.app_context():
        db.engine.dispose()


def test_a_rate_limit_must_say_something(app: Flask) -> None:
    from app import create_app
    from portal.config import ConfigError
    from tests.support.databases import settings_for

    with pytest.raises(ConfigError, match="RATE_LIMIT"):
        create_app(settings_for(app.extensions["fairlead"].database_url, rate_limit="often"))


def test_health(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.admin.visit("/healthz").get_json() == {"status": "up"}
    assert house.admin.visit("/readyz").get_json() == {"status": "ready"}
    monkeypatch.setattr("portal.api.health.ScriptDirectory.get_heads", lambda _: ["later"])
    assert "migrations" in problem_of(house.admin.visit("/readyz"), 503)["detail"]

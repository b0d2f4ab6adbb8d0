"""Idempotency-Key: the first answer again, the act once, access asked each time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from models.leads import Lead
from models.platform import IdempotentAnswer
from tests.api.conftest import Caller, House

BODY = {"email": "anna@nordwind.example", "company": "Nordwind"}


def key(text: str) -> dict[str, str]:
    """The header."""
    return {"Idempotency-Key": text}


def leads(house: House) -> int:
    """How many leads are stored."""
    house.session.rollback()
    found = house.session.scalar(select(func.count()).select_from(Lead))
    house.session.rollback()
    return found or 0


def test_the_same_request_gets_the_first_answer(house: House) -> None:
    first = house.marketer.send("POST", "/leads", BODY, expect=201, headers=key("a"))
    again = house.marketer.send("POST", "/leads", dict(reversed(BODY.items())), expect=201, headers=key("a"))
    assert again.get_data() == first.get_data()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert leads(house) == 1


def test_another_body_or_call_is_refused(house: House) -> None:
    house.marketer.post("/leads", BODY, expect=201, headers=key("a"))
    problem = house.marketer.post("/leads", {**BODY, "company": "Other"}, expect=422, headers=key("a"))
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    house.admin.post("/leads", {"email": "b@c.example"}, expect=201, headers=key("a"))
    house.admin.post("/users", {"email": "b@c.example", "name": "B", "role": "admin"}, expect=422, headers=key("a"))
    assert leads(house) == 2


@pytest.mark.parametrize("text", ["", "x" * 256, "caf\u00e9"])
def test_a_key_has_a_form(house: House, text: str) -> None:
    house.marketer.post("/leads", BODY, expect=422, headers=key(text))
    assert leads(house) == 0


def test_a_refusal_is_not_kept(house: House) -> None:
    house.marketer.post("/leads", {"email": "no"}, expect=422, headers=key("a"))
    house.marketer.post("/leads", BODY, expect=201, headers=key("a"))
    lead = house.lead_for(house.partner)
    path = f"/assignments/{lead['assignment']['id']}"
    house.partner.post(f"{path}/activities", {"kind": "call", "outcome": "reached"}, expect=409, headers=key("b"))
    house.partner.post(f"{path}/accept")
    house.partner.post(f"{path}/activities", {"kind": "call", "outcome": "reached"}, expect=201, headers=key("b"))


def test_an_act_happens_once(house: House) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/activities"
    touch = {"kind": "call", "outcome": "reached"}
    first = house.partner.post(path, touch, expect=201, headers=key("a"))
    assert house.partner.post(path, touch, expect=201, headers=key("a")) == first
    assert first["counted"] is True
    declined = house.lead_for(house.partner)["assignment"]["id"]
    body = house.partner.post(f"/assignments/{declined}/decline", {"reason": "other"}, headers=key("b"))
    assert house.partner.post(f"/assignments/{declined}/decline", {"reason": "other"}, headers=key("b")) == body


def test_access_is_asked_before_an_answer_is_given_again(house: House) -> None:
    house.publish({"name": "Pool", "strategy": {"kind": "open_pool"}, "then": "queue"})
    lead = house.lead()
    claimed = house.partner.post(f"/leads/{lead['id']}/claim", headers=key("a"))
    assert house.partner.post(f"/leads/{lead['id']}/claim", headers=key("a")) == claimed
    house.admin.post(f"/assignments/{claimed['id']}/recall", {"reason": "Not theirs"})
    house.admin.post(f"/leads/{lead['id']}/disqualify", {"reason": "Out of the pool"})
    house.partner.post(f"/leads/{lead['id']}/claim", expect=404, headers=key("a"))


def test_a_running_request_is_a_conflict_until_it_is_abandoned(house: House) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/activities"
    touch = {"kind": "call", "outcome": "reached"}
    house.partner.post(path, touch, expect=201, headers=key("a"))
    house.session.execute(update(IdempotentAnswer).values(status=None, body=None, created_at=house.clock.now))
    house.session.commit()
    assert "still running" in house.partner.post(path, touch, expect=409, headers=key("a"))["detail"]
    house.clock.now += timedelta(seconds=61)
    house.partner.post(path, touch, expect=201, headers=key("a"))


@pytest.mark.parametrize("kept", [True, False])
def test_at_the_same_moment_one_acts(house: House, kept: bool) -> None:
    """Whoever comes while the first runs is told so, or waits and is given its answer."""
    if kept:
        path, caller, body = "/leads", house.marketer, BODY
    else:
        lead = house.accepted_by(house.partner)
        path, caller = f"/assignments/{lead['assignment']['id']}/activities", house.partner
        body = {"kind": "note", "outcome": "other"}
    before = leads(house)

    def send(_: int) -> Any:
        own = Caller(caller.client.application.test_client(), caller.secret)
        return own.send("POST", path, body, headers=key("same"))

    with ThreadPoolExecutor(6) as threads:
        sent = list(threads.map(send, range(6)))
    done = [a for a in sent if a.status_code == 201]
    assert {a.status_code for a in sent} <= {201, 409}
    assert len({a.get_json()["id"] for a in done}) == 1
    assert leads(house) == before + (1 if kept else 0)
    assert len(house.admin.get("/audit", action="lead.receive" if kept else "assignment.touch")["items"]) == 1


def test_secrets_are_not_kept(house: House) -> None:
    path = f"/partners/{house.partner.partner_id}/keys"
    made = house.admin.post(path, {"name": "CRM"}, expect=201, headers=key("a"))
    kept = house.session.scalars(select(IdempotentAnswer.body)).one()
    assert made["key"] not in (kept or "")

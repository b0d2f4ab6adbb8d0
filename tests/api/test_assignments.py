"""What a partner does with its leads by the API, in time and late."""

from typing import Any

import pytest

from portal.api import answers
from tests.api.conftest import House

ACTS = ("accept", "decline", "activities", "feedback", "deal")
CALL = {"kind": "call", "outcome": "reached"}
GOOD: dict[str, Any] = {
    "accept": {}, "decline": {"reason": "other"}, "activities": CALL,
    "feedback": {"rating": 3, "disposition": "working"},
    "deal": {"stage": "registered", "value": {"amount": "1", "currency": "EUR"}},
}  # fmt: skip


def test_accepting_twice_changes_nothing(house: House) -> None:
    path = f"/assignments/{house.lead_for(house.partner)['assignment']['id']}/accept"
    first = house.partner.post(path)
    answers.Assignment.model_validate(first)
    assert (first["state"], first["accepted_at"][:19]) == ("accepted", "2026-03-02T09:00:00")
    house.clock.forward(hours=1)
    assert house.partner.post(path) == first


def test_declining_sends_the_lead_on(house: House) -> None:
    lead = house.lead_for(house.partner)
    path = f"/assignments/{lead['assignment']['id']}"
    declined = house.partner.post(f"{path}/decline", {"reason": "no_capacity", "note": "Booked."})
    assert (declined["state"], declined["obligations"][0]["state"]) == ("declined", "met")
    house.partner.get(f"/leads/{lead['id']}", expect=404)
    assert house.admin.get(f"/leads/{lead['id']}")["assignment"]["partner_id"] == house.rival.partner_id
    for act in ("accept", "decline"):
        house.partner.post(f"{path}/{act}", GOOD[act], expect=409)
    house.partner.post(f"{path}/decline", {"reason": "lazy"}, expect=422)


@pytest.mark.parametrize("act", ACTS)
def test_a_foreign_assignment_does_not_exist(house: House, act: str) -> None:
    lead = house.lead_for(house.partner)
    body = house.rival.post(f"/assignments/{lead['assignment']['id']}/{act}", GOOD[act], expect=404)
    assert body == house.rival.post(f"/assignments/01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10/{act}", {}, expect=404)


@pytest.mark.parametrize("act", ACTS)
def test_staff_do_not_act_for_a_partner(house: House, act: str) -> None:
    lead = house.lead_for(house.partner)
    house.admin.post(f"/assignments/{lead['assignment']['id']}/{act}", GOOD[act], expect=403)


@pytest.mark.parametrize("act", ["activities", "feedback", "deal"])
def test_an_offer_is_accepted_first(house: House, act: str) -> None:
    lead = house.lead_for(house.partner)
    problem = house.partner.post(f"/assignments/{lead['assignment']['id']}/{act}", GOOD[act], expect=409)
    assert problem["detail"] == "Accept this lead first."


@pytest.mark.parametrize("act", ACTS)
def test_what_was_yours_and_ended_is_a_conflict(house: House, act: str) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}"
    recalled = house.manager.post(f"{path}/recall", {"reason": "Their account"})
    assert recalled["state"] == "recalled"
    problem = house.partner.post(f"{path}/{act}", GOOD[act], expect=409)
    assert lead["email"] not in str(problem)
    house.manager.post(f"{path}/recall", {"reason": "Again"}, expect=409)


def test_acting_after_the_due_time_finds_what_the_sweep_would_have_made_of_it(house: House) -> None:
    lead = house.lead_for(house.partner)
    house.clock.forward(days=3)
    house.partner.post(f"/assignments/{lead['assignment']['id']}/accept", expect=409)
    shown = house.admin.get(f"/leads/{lead['id']}")
    assert shown["assignment"]["partner_id"] == house.rival.partner_id
    [missed] = house.partner.get("/obligations", state="breached")["items"]
    assert (missed["kind"], missed["breached_at"], missed["due_at"]) == (
        "respond", "2026-03-04T16:00:00Z", "2026-03-04T16:00:00Z",
    )  # fmt: skip


def test_a_touch_says_whether_it_counts(house: House) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/activities"
    house.clock.forward(minutes=10)
    touch = house.partner.post(
        path, {**CALL, "note": "Line one\r\nline two", "occurred_at": "2026-03-02T10:05:00+01:00"}, expect=201
    )
    answers.Activity.model_validate(touch)
    assert (touch["counted"], touch["note"], touch["occurred_at"]) == (
        True,
        "Line one\nline two",
        "2026-03-02T09:05:00Z",
    )
    again = house.partner.post(path, CALL, expect=201)
    assert (again["counted"], bool(again["sentence"])) == (False, True)
    note = house.partner.post(path, {"kind": "note", "outcome": "other", "note": "Sent a map."}, expect=201)
    assert note["counted"] is False
    shown = house.partner.get(f"/leads/{lead['id']}")
    assert shown["status"] == "contacted"
    assert [o["state"] for o in shown["assignment"]["obligations"] if o["kind"] == "first_contact"] == ["met"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["kind", "outcome"]),
        ({**CALL, "kind": "fax"}, ["kind"]),
        ({**CALL, "outcome": 1}, ["outcome"]),
        ({**CALL, "occurred_at": "2026-02-30T10:00:00Z"}, ["occurred_at"]),
        ({**CALL, "occurred_at": "2026-02-03T10:00:00"}, ["occurred_at"]),
        ({**CALL, "occurred_at": 1772445600}, ["occurred_at"]),
        ({**CALL, "next_step_at": "0001-01-01T00:00:00+14:00"}, ["next_step_at"]),
        ({**CALL, "note": "x" * 10_001}, ["note"]),
        ({**CALL, "note": "a\u0000"}, ["note"]),
        ({**CALL, "note": "a\u0007"}, ["note"]),
        ({**CALL, "mood": "good"}, ["mood"]),
    ],
)
def test_a_touch_is_checked(house: House, body: dict[str, Any], fields: list[str]) -> None:
    lead = house.accepted_by(house.partner)
    problem = house.partner.post(f"/assignments/{lead['assignment']['id']}/activities", body, expect=422)
    assert [error["field"] for error in problem["errors"]] == fields


def test_feedback_closes_a_lead(house: House) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/feedback"
    working = house.partner.post(
        path, {"rating": 4, "disposition": "working", "objections": ["Price"], "competitor": "Other"}, expect=201
    )
    answers.Feedback.model_validate(working)
    lost = house.partner.post(path, {"rating": 2, "disposition": "lost", "reason": "Price"}, expect=201)
    assert (lost["disposition"], lost["reason"]) == ("lost", "Price")
    shown = house.partner.get(f"/leads/{lead['id']}")
    assert (shown["status"], shown["assignment"]["state"], shown["email"]) == ("lost", "closed", lead["email"])
    house.partner.post(path, {"rating": 2, "disposition": "lost"}, expect=409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rating": 0, "disposition": "working"}, "rating"),
        ({"rating": 6, "disposition": "working"}, "rating"),
        ({"rating": "3", "disposition": "working"}, "rating"),
        ({"rating": True, "disposition": "working"}, "rating"),
        ({"rating": 3.5, "disposition": "working"}, "rating"),
        ({"rating": 3, "disposition": "maybe"}, "disposition"),
        ({"rating": 3, "disposition": "lost", "reason": "x" * 201}, "reason"),
        ({"rating": 3, "disposition": "lost", "objections": "Price"}, "objections"),
        ({"rating": 3, "disposition": "lost", "objections": ["x" * 201]}, "objections.0"),
    ],
)
def test_feedback_is_checked(house: House, body: dict[str, Any], field: str) -> None:
    lead = house.accepted_by(house.partner)
    problem = house.partner.post(f"/assignments/{lead['assignment']['id']}/feedback", body, expect=422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_deal_from_start_to_end(house: House) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/deal"
    money = {"amount": "1200.5", "currency": "EUR"}
    deal = house.partner.post(path, {"stage": "proposal", "value": money, "expected_close": "2026-06-30"}, expect=201)
    answers.Deal.model_validate(deal)
    assert deal["value"] == {"amount": "1200.50", "currency": "EUR"}
    house.partner.post(path, {"stage": "proposal", "value": money}, expect=409)
    house.rival.patch(f"/deals/{deal['id']}", {"stage": "won"}, expect=404)
    house.admin.patch(f"/deals/{deal['id']}", {"stage": "won"}, expect=403)
    changed = house.partner.patch(f"/deals/{deal['id']}", {"name": "Nordwind"})
    assert (changed["stage"], changed["name"], changed["value"]) == ("proposal", "Nordwind", deal["value"])
    won = house.partner.patch(f"/deals/{deal['id']}", {"stage": "won", "closed_at": "2026-03-02T08:30:00Z"})
    assert (won["stage"], won["closed_at"]) == ("won", "2026-03-02T08:30:00Z")
    assert house.partner.get(f"/leads/{lead['id']}")["status"] == "won"
    house.partner.patch(f"/deals/{deal['id']}", {"stage": "lost"}, expect=409)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": {"amount": 1200, "currency": "EUR"}}, "value.amount"),
        ({"value": {"amount": "-1", "currency": "EUR"}}, "value.amount"),
        ({"value": {"amount": "1.234", "currency": "EUR"}}, "value.amount"),
        ({"value": {"amount": "9" * 16, "currency": "EUR"}}, "value.amount"),
        ({"value": {"amount": "1", "currency": "eur"}}, "value.currency"),
        ({"value": {"amount": "1"}}, "value.currency"),
        ({"value": "1 EUR"}, "value"),
        ({"stage": "dreaming"}, "stage"),
        ({"expected_close": "2026-06-31"}, "expected_close"),
        ({"expected_close": "30.06.2026"}, "expected_close"),
        ({"closed_at": "2026-03-01T00:00:00Z"}, "closed_at"),
        ({"stage": "won", "closed_at": "2026-03-05T00:00:00Z"}, "closed_at"),
        ({"stage": "won", "lost_reason": "Price"}, "lost_reason"),
    ],
)
def test_a_deal_is_checked(house: House, change: dict[str, Any], field: str) -> None:
    lead = house.accepted_by(house.partner)
    body = {"stage": "registered", "value": {"amount": "1", "currency": "EUR"}, **change}
    problem = house.partner.post(f"/assignments/{lead['assignment']['id']}/deal", body, expect=422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_recall_is_for_managers(house: House) -> None:
    lead = house.lead_for(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/recall"
    house.partner.post(path, {"reason": "No"}, expect=403)
    house.rival.post(path, {"reason": "No"}, expect=404)
    house.marketer.post(path, {"reason": "No"}, expect=403)
    house.manager.post(path, {"reason": "  "}, expect=422)
    house.manager.post(path, {"reason": "A mistake"})
    assert house.admin.get(f"/leads/{lead['id']}")["assignment"] is not None

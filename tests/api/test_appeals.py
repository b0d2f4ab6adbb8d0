"""Appeals by the API: filed by the partner, listed by who may see them, answered by staff, hidden from others."""

from typing import Any

import pytest

from models.base import new_id
from portal.api import answers
from tests.api.conftest import House


def missed(house: House) -> dict[str, Any]:
    """An answer of the partner that was due two business days ago."""
    lead = house.lead_for(house.partner)
    house.clock.forward(days=4)
    rows: list[dict[str, Any]] = house.partner.get("/obligations", kind="respond")["items"]
    return next(row for row in rows if row["lead_id"] == lead["id"])


def filed(house: House, **more: Any) -> dict[str, Any]:
    body = {"obligation_id": missed(house)["id"], "case": "The mail never came.", **more}
    made: dict[str, Any] = house.partner.post("/appeals", body, expect=201)
    return made


def test_a_partner_states_its_case_and_staff_answer(house: House) -> None:
    made = filed(house)
    answers.Appeal.model_validate(made)
    assert (made["kind"], made["state"], made["case"]) == ("appeal", "open", "The mail never came.")
    assert (made["partner_id"], made["file"], made["decided_at"]) == (house.partner.partner_id, None, None)
    for who in (house.partner, house.manager, house.admin):
        assert [row["id"] for row in who.get("/appeals", state="open")["items"]] == [made["id"]]
        assert who.get(f"/appeals/{made['id']}")["id"] == made["id"]
    path = f"/appeals/{made['id']}/decide"
    decided = house.manager.post(path, {"granted": True, "reason": "Our server was down."})
    answers.Appeal.model_validate(decided)
    assert (decided["state"], decided["reason"]) == ("granted", "Our server was down.")
    row = house.partner.get("/obligations", state="waived")["items"]
    assert [each["id"] for each in row] == [made["obligation_id"]]
    house.manager.post(path, {"granted": False, "reason": "Changed my mind"}, expect=409)
    assert house.partner.get("/appeals", state="open")["items"] == []
    assert house.admin.get("/appeals", partner=house.rival.partner_id)["items"] == []


def test_a_rival_finds_nothing_of_it(house: House) -> None:
    made = filed(house)
    body = {"obligation_id": made["obligation_id"], "case": "Mine"}
    house.rival.post("/appeals", body, expect=404)
    house.rival.post("/appeals", {**body, "obligation_id": new_id()}, expect=404)
    house.rival.post("/appeals", {**body, "obligation_id": "x"}, expect=404)
    assert house.rival.get("/appeals")["items"] == []
    house.rival.get(f"/appeals/{made['id']}", expect=404)
    house.rival.post(f"/appeals/{made['id']}/decide", {"granted": True, "reason": "r"}, expect=404)


def test_who_may_do_what(house: House) -> None:
    made = filed(house)
    house.partner.post(f"/appeals/{made['id']}/decide", {"granted": True, "reason": "r"}, expect=403)
    house.admin.post("/appeals", {"obligation_id": made["obligation_id"], "case": "c"}, expect=403)
    house.marketer.get("/appeals", expect=403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"case": ""}, "case"),
        ({"case": "x" * 10_001}, "case"),
        ({"case": "   "}, "case"),
        ({"kind": "whim"}, "kind"),
        ({"evidence": "x"}, "evidence"),
    ],
)
def test_what_cannot_be_filed(house: House, body: dict[str, Any], field: str) -> None:
    sent = {"obligation_id": missed(house)["id"], "case": "c", **body}
    problem = house.partner.post("/appeals", sent, expect=422)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("body", [{"granted": True}, {"reason": "r"}, {"granted": "yes", "reason": "r"}])
def test_an_answer_says_whether_and_why(house: House, body: dict[str, Any]) -> None:
    made = filed(house)
    house.manager.post(f"/appeals/{made['id']}/decide", body, expect=422)


def test_what_is_open_has_nothing_to_appeal_against_but_can_be_put_right(house: House) -> None:
    lead = house.lead_for(house.partner)
    respond = lead["assignment"]["obligations"][0]["id"]
    house.partner.post("/appeals", {"obligation_id": respond, "case": "c"}, expect=409)
    sent = {"obligation_id": respond, "case": "It came a week late.", "kind": "late_hand_over"}
    made = house.partner.post("/appeals", sent, expect=201)
    due_at = "2026-03-20T16:00:00Z"
    answer = {"granted": True, "reason": "So it was.", "due_at": due_at}
    house.manager.post(f"/appeals/{made['id']}/decide", {**answer, "due_at": "2026-03-02T09:00:00Z"}, expect=422)
    house.manager.post(f"/appeals/{made['id']}/decide", answer)
    (row,) = house.partner.get("/obligations", kind="respond")["items"]
    assert (row["state"], row["due_at"]) == ("open", due_at)


def test_the_same_key_files_it_once(house: House) -> None:
    body = {"obligation_id": missed(house)["id"], "case": "The mail never came."}
    headers = {"Idempotency-Key": "one"}
    first = house.partner.post("/appeals", body, expect=201, headers=headers)
    again = house.partner.post("/appeals", body, expect=201, headers=headers)
    assert first == again
    house.partner.post("/appeals", body, expect=409)


def test_the_list_has_pages(house: House) -> None:
    ids = set()
    for _ in range(3):
        respond = house.lead_for(house.partner)["assignment"]["obligations"][0]["id"]
        sent = {"obligation_id": respond, "case": "c", "kind": "wrong_data"}
        ids.add(house.partner.post("/appeals", sent, expect=201)["id"])
    first = house.admin.get("/appeals", limit=2)
    rest = house.admin.get("/appeals", limit=2, cursor=first["next"])
    assert {row["id"] for row in first["items"] + rest["items"]} == ids and rest["next"] is None

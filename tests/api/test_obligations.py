"""Obligations by the API: listed by who may see them, waived and extended by staff."""

import pytest

from portal.api import answers
from tests.api.conftest import House


def test_everyone_sees_what_is_theirs(house: House) -> None:
    house.accepted_by(house.partner)
    house.accepted_by(house.rival)
    staff = house.admin.get("/obligations")["items"]
    own = house.partner.get("/obligations")["items"]
    for item in staff:
        answers.Obligation.model_validate(item)
    assert {item["partner_id"] for item in own} == {house.partner.partner_id}
    assert own == [item for item in staff if item["partner_id"] == house.partner.partner_id]
    assert [item["due_at"] for item in staff] == sorted(item["due_at"] for item in staff)
    assert house.partner.get("/obligations", partner=house.rival.partner_id)["items"] == []
    assert house.marketer.get("/obligations")["items"] == staff


def test_filters_and_pages(house: House) -> None:
    house.accepted_by(house.partner)
    everything = house.admin.get("/obligations")["items"]
    assert {i["kind"] for i in everything} == {"respond", "first_contact", "feedback"}
    assert [i["kind"] for i in house.admin.get("/obligations", state="met")["items"]] == ["respond"]
    assert [i["kind"] for i in house.admin.get("/obligations", kind="feedback")["items"]] == ["feedback"]
    early = house.admin.get("/obligations", state="open", due_before="2026-03-10T00:00:00Z")["items"]
    assert [i["kind"] for i in early] == ["first_contact"]
    spaced = house.admin.send("GET", "/obligations?due_before=2026-03-10T01:00:00+01:00", expect=200).get_json()
    assert len(spaced["items"]) == 2
    first = house.admin.get("/obligations", limit=2)
    rest = house.admin.get("/obligations", limit=2, cursor=first["next"])
    assert first["items"] + rest["items"] == everything
    assert rest["next"] is None
    house.admin.get("/obligations", state="late", expect=422)


def test_waiving_and_extending(house: House) -> None:
    house.accepted_by(house.partner)
    owed = {i["kind"]: i["id"] for i in house.partner.get("/obligations", state="open")["items"]}
    extend = {"reason": "Holiday", "due_at": "2026-03-20T16:00:00Z"}
    more = house.manager.post(f"/obligations/{owed['first_contact']}/extend", extend)
    answers.Obligation.model_validate(more)
    assert (more["state"], more["due_at"]) == ("open", "2026-03-20T16:00:00Z")
    house.clock.forward(minutes=1)
    off = house.manager.post(f"/obligations/{owed['feedback']}/waive", {"reason": "Told by phone"})
    assert (off["state"], off["waived_at"]) == ("waived", "2026-03-02T09:01:00Z")
    house.manager.post(f"/obligations/{owed['feedback']}/waive", {"reason": "Again"}, expect=409)
    house.manager.post(f"/obligations/{owed['feedback']}/extend", extend, expect=409)
    past = {"reason": "Too late", "due_at": "2026-03-01T16:00:00Z"}
    problem = house.manager.post(f"/obligations/{owed['first_contact']}/extend", past, expect=422)
    assert problem["errors"][0]["field"] == "due_at"


@pytest.mark.parametrize("act", ["waive", "extend"])
def test_only_managers(house: House, act: str) -> None:
    house.accepted_by(house.partner)
    owed = house.partner.get("/obligations", state="open")["items"][0]["id"]
    house.partner.post(f"/obligations/{owed}/{act}", {}, expect=403)
    house.rival.post(f"/obligations/{owed}/{act}", {}, expect=404)
    house.marketer.post(f"/obligations/{owed}/{act}", {}, expect=403)
    house.manager.post(f"/obligations/{owed}/{act}", {}, expect=422)

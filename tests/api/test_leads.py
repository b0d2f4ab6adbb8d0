"""Leads by the API: received, listed, shown to whom they belong, claimed and moved by hand."""

from typing import Any

import pytest

from portal.api import answers
from tests.api.conftest import House

CONTACT = {
    "email",
    "phone",
    "first_name",
    "last_name",
    "company",
    "message",
    "external_id",
    "custom",
    "city",
    "postcode",
}
FULL = {
    "email": "Anna.Berg@Nordwind.example", "phone": "+49 30 1234567", "first_name": "Anna", "last_name": "Berg",
    "company": "Nordwind GmbH", "country": "DE", "region": "BE", "postcode": "10115", "city": "Berlin",
    "product": "Core", "source": "website", "campaign": "Spring", "message": "A demo,\nsoon.", "employees": 120,
    "budget": 9000.5, "language": "de", "received_at": "2026-03-02T08:00:00+00:00", "external_id": "web-1",
    "utm_source": "a", "utm_medium": "b", "utm_campaign": "c", "utm_term": "d", "utm_content": "e",
    "custom": {"segment": "mid", "seats": 12, "trial": True},
}  # fmt: skip
POOL = {"name": "Pool", "strategy": {"kind": "open_pool", "hours": 24}, "then": "queue"}


def test_a_lead_is_stored_scored_and_offered(house: House) -> None:
    lead = house.marketer.post("/leads", FULL, expect=201)
    answers.Lead.model_validate(lead)
    assert {name: lead[name] for name in FULL if name != "received_at"} == {
        name: value for name, value in FULL.items() if name != "received_at"
    }
    assert lead["received_at"] == "2026-03-02T08:00:00Z"
    assert (lead["status"], lead["grade"], lead["duplicate_of"]) == ("offered", "C", None)
    offer = lead["assignment"]
    assert offer["state"] == "offered"
    assert offer["offered_at"].startswith("2026-03-02T09:00:00")
    assert offer["respond_by"] == "2026-03-04T16:00:00Z"
    assert [(o["kind"], o["state"], o["due_at"]) for o in offer["obligations"]] == [
        ("respond", "open", "2026-03-04T16:00:00Z")
    ]


def test_a_known_external_id_stores_nothing(house: House) -> None:
    first = house.marketer.post("/leads", FULL, expect=201)
    again = house.marketer.post("/leads", {"email": "else@else.example", "external_id": "web-1"}, expect=200)
    assert again["id"] == first["id"]
    assert again["email"] == FULL["email"]
    assert len(house.admin.get("/leads")["items"]) == 1


def test_the_same_person_joins_the_live_lead(house: House) -> None:
    first = house.lead(email="anna@nordwind.example")
    again = house.lead(email="ANNA@nordwind.example")
    assert (again["status"], again["duplicate_of"]) == ("duplicate", first["id"])
    assert again["assignment"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"company": "Nobody Ltd"}, "email"),
        ({"email": "no address"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"email": "a@b.example", "nonsense": 1}, "nonsense"),
        ({"email": "a@b.example", "country": "XX"}, "country"),
        ({"email": "a@b.example", "country": "Germany"}, "country"),
        ({"email": "a@b.example", "received_at": "2026-02-30T10:00:00Z"}, "received_at"),
        ({"email": "a@b.example", "received_at": "2026-02-03"}, "received_at"),
        ({"email": "a@b.example", "received_at": "2031-01-01T10:00:00Z"}, "received_at"),
        ({"email": "a@b.example", "company": "x" * 201}, "company"),
        ({"email": "a@b.example", "message": "x" * 10_001}, "message"),
        ({"email": "a@b.example", "company": "A\u0000B"}, "company"),
        ({"email": "a@b.example", "company": "A\ud800B"}, "company"),
        ({"email": "a@b.example", "custom": {"a\u0000": "x"}}, "custom.a\\u0000"),
        ({"email": "a@b.example", "custom": {"a": {"b": 1}}}, "custom.a"),
        ({"email": "a@b.example", "employees": -1}, "employees"),
        ({"email": "a@b.example", "employees": 10**30}, "employees"),
        ({"email": "a@b.example", "employees": "12"}, "employees"),
        ({"email": "a@b.example", "budget": 1e300}, "budget"),
        ({"email": ["a@b.example"]}, "email"),
    ],
)
def test_what_cannot_be_used_is_named(house: House, body: dict[str, Any], field: str) -> None:
    problem = house.marketer.post("/leads", body, expect=422)
    answers.Problem.model_validate(problem)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert all(error["message"].endswith((".", ":")) for error in problem["errors"])
    assert house.admin.get("/leads")["items"] == []


def test_only_marketing_sends_leads(house: House) -> None:
    for caller in (house.manager, house.partner):
        assert "needs" in caller.post("/leads", {"email": "a@b.example"}, expect=403)["detail"]


def test_an_offer_hides_who_enquired_until_it_is_accepted(house: House) -> None:
    lead = house.lead_for(house.partner, **{k: v for k, v in FULL.items() if k != "received_at"})
    seen = house.partner.get(f"/leads/{lead['id']}")
    answers.Lead.model_validate(seen)
    assert not CONTACT & set(seen)
    assert not any(word in str(seen) for word in ("Anna", "Nordwind", "web-1", "10115", "Berlin", "seats"))
    assert (seen["region"], seen["product"], seen["employees"], seen["grade"]) == ("BE", "Core", 120, "C")
    assert house.partner.get("/leads")["items"] == [seen]
    house.partner.post(f"/assignments/{seen['assignment']['id']}/accept")
    accepted = house.partner.get(f"/leads/{lead['id']}")
    assert set(accepted) >= CONTACT
    assert (accepted["status"], accepted["email"]) == ("accepted", FULL["email"])
    assert {o["kind"] for o in accepted["assignment"]["obligations"]} == {"respond", "first_contact", "feedback"}


def test_a_foreign_lead_does_not_exist(house: House) -> None:
    lead = house.accepted_by(house.partner)
    absent = house.rival.get("/leads/01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10", expect=404)
    for path in (f"/leads/{lead['id']}", f"/leads/{lead['id']}/decision"):
        assert house.rival.get(path, expect=404) == absent
    for act in ("claim", "assign", "reopen", "disqualify", "nurture", "merge"):
        assert house.rival.post(f"/leads/{lead['id']}/{act}", {}, expect=404) == absent
    assert house.rival.get("/leads")["items"] == []


@pytest.mark.parametrize("lead_id", ["1", "x", "01977C3E-8F00-7A6B-9D1E-3B2F5C7A9E10", "%00", "a" * 500])
def test_what_cannot_be_an_id_is_not_found(house: House, lead_id: str) -> None:
    assert house.admin.send("GET", f"/leads/{lead_id}").status_code == 404


def test_access_ends_when_the_lead_moves_away(house: House) -> None:
    lead = house.accepted_by(house.partner)
    house.admin.post(f"/assignments/{lead['assignment']['id']}/recall", {"reason": "They asked for another"})
    house.partner.get(f"/leads/{lead['id']}", expect=404)
    gone = house.partner.post(f"/assignments/{lead['assignment']['id']}/accept", expect=409)
    assert lead["email"] not in str(gone)


def test_a_lost_lead_that_came_back_to_another_is_gone(house: House) -> None:
    lead = house.accepted_by(house.partner)
    path = f"/assignments/{lead['assignment']['id']}/feedback"
    house.partner.post(path, {"rating": 2, "disposition": "lost"}, expect=201)
    assert house.partner.get(f"/leads/{lead['id']}")["status"] == "lost"
    hold = {"reason": "Away", "until": "2026-04-01T00:00:00Z"}
    house.admin.post(f"/partners/{house.partner.partner_id}/hold", hold)
    again = house.admin.post(f"/leads/{lead['id']}/reopen", {"reason": "They called"})
    assert again["assignment"]["partner_id"] == house.rival.partner_id
    house.partner.get(f"/leads/{lead['id']}", expect=404)
    assert house.partner.get("/leads")["items"] == []


def test_lists_filter_and_page(house: House) -> None:
    made = [house.lead(received_at=f"2026-02-0{day}T10:00:00Z") for day in range(1, 6)]
    newest = [lead["id"] for lead in reversed(made)]
    first = house.admin.get("/leads", limit=2)
    second = house.admin.get("/leads", limit=2, cursor=first["next"])
    last = house.admin.get("/leads", limit=2, cursor=second["next"])
    assert [i["id"] for page in (first, second, last) for i in page["items"]] == newest
    assert last["next"] is None
    found = house.admin.get("/leads", **{"from": "2026-02-02", "to": "2026-02-03"})["items"]
    assert [i["received_at"][:10] for i in found] == ["2026-02-03", "2026-02-02"]
    own = house.admin.get("/leads", partner=house.partner.partner_id)["items"]
    assert own == [
        i for i in house.admin.get("/leads")["items"] if i["assignment"]["partner_id"] == house.partner.partner_id
    ]
    assert [i["id"] for i in house.admin.get("/leads", q="person3@")["items"]] == [made[2]["id"]]
    assert house.admin.get("/leads", q="100%")["items"] == []
    assert house.admin.get("/leads", status="won")["items"] == []
    assert len(house.admin.get("/leads", status="", q="")["items"]) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"limit": "x"}, "limit"), ({"cursor": "x"}, "cursor"),
        ({"status": "lukewarm"}, "status"), ({"from": "yesterday"}, "from"), ({"colour": "red"}, "colour"),
        ({"q": "a\0"}, "q"), ({"q": "x" * 201}, "q"), ({"status": ["won", "lost"]}, "status"),
    ],
)  # fmt: skip
def test_queries_are_checked(house: House, query: dict[str, Any], field: str) -> None:
    problem = house.admin.get("/leads", expect=422, **query)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_cursor_belongs_to_its_list(house: House) -> None:
    for _ in range(3):
        house.lead()
    following = house.admin.get("/leads", limit=1)["next"]
    assert house.admin.get("/audit", cursor=following, expect=422)["errors"][0]["field"] == "cursor"
    assert house.admin.get("/leads", cursor=following[:-1], expect=422)["errors"][0]["field"] == "cursor"


def test_a_partner_cannot_search_what_it_may_not_read(house: House) -> None:
    lead = house.lead_for(house.partner, company="Secret Industries")
    assert house.partner.get("/leads", q="Secret")["items"] == []
    house.partner.post(f"/assignments/{lead['assignment']['id']}/accept")
    assert [i["id"] for i in house.partner.get("/leads", q="secret")["items"]] == [lead["id"]]


def test_a_partner_learns_nothing_from_the_partner_filter(house: House) -> None:
    lead = house.lead_for(house.rival)
    house.admin.post(f"/assignments/{lead['assignment']['id']}/recall", {"reason": "To the other"})
    if house.partner.get("/leads")["items"] == []:
        house.admin.post(f"/leads/{lead['id']}/assign", {"partner_id": house.partner.partner_id, "reason": "Theirs"})
    assert len(house.partner.get("/leads")["items"]) == 1
    assert house.partner.get("/leads", partner=house.rival.partner_id)["items"] == []
    assert len(house.partner.get("/leads", partner=house.partner.partner_id)["items"]) == 1


def test_listing_costs_the_same_for_one_and_for_many(house: House) -> None:
    from sqlalchemy import event

    from models.base import db

    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    house.lead()
    seen.clear()
    house.admin.get("/leads")
    one = len(seen)
    for _ in range(8):
        house.lead()
    seen.clear()
    house.admin.get("/leads")
    assert len(seen) == one


def test_the_pool_is_claimed_once(house: House) -> None:
    house.publish(POOL)
    lead = house.lead(phone="+49 30 1234567")
    assert (lead["status"], lead["assignment"]) == ("pooled", None)
    shown = house.partner.get("/leads", status="pooled")
    answers.Lead.model_validate(shown["items"][0])
    assert [i["id"] for i in shown["items"]] == [lead["id"]]
    assert not CONTACT & set(shown["items"][0])
    assert shown["items"][0]["pool"] == {"until": "2026-03-03T09:00:00Z", "hindrance": None}
    assert house.partner.get(f"/leads/{lead['id']}") == shown["items"][0]
    claimed = house.partner.post(f"/leads/{lead['id']}/claim")
    answers.Assignment.model_validate(claimed)
    assert (claimed["state"], claimed["respond_by"]) == ("accepted", None)
    assert house.partner.get(f"/leads/{lead['id']}")["email"] == lead["email"]
    late = house.rival.post(f"/leads/{lead['id']}/claim", expect=409)
    assert "no longer available" in late["detail"]
    assert "Nordhaven" not in str(late)
    house.rival.get(f"/leads/{lead['id']}", expect=404)
    assert house.rival.get("/leads", status="pooled")["items"] == []


def test_the_pool_pages(house: House) -> None:
    house.publish(POOL)
    made = [house.lead()["id"] for _ in range(3)]
    first = house.partner.get("/leads", status="pooled", limit=2)
    second = house.partner.get("/leads", status="pooled", limit=2, cursor=first["next"])
    assert [i["id"] for i in first["items"] + second["items"]] == made
    assert second["next"] is None
    assert house.partner.get("/leads", status="pooled", q="Company")["items"] == []


def test_staff_do_not_claim(house: House) -> None:
    house.publish(POOL)
    lead = house.lead()
    house.admin.post(f"/leads/{lead['id']}/claim", expect=403)


def test_by_hand(house: House) -> None:
    lead = house.lead_for(house.partner)
    moved = house.manager.post(
        f"/leads/{lead['id']}/assign", {"partner_id": house.rival.partner_id, "reason": "Their customer"}
    )
    answers.Lead.model_validate(moved)
    assert moved["assignment"]["partner_id"] == house.rival.partner_id
    house.manager.post(
        f"/leads/{lead['id']}/assign", {"partner_id": house.rival.partner_id, "reason": "Again"}, expect=409
    )
    unknown = {"partner_id": "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10", "reason": "Who?"}
    problem = house.manager.post(f"/leads/{lead['id']}/assign", unknown, expect=422)
    assert problem["errors"][0]["field"] == "partner_id"
    out = house.manager.post(f"/leads/{lead['id']}/disqualify", {"reason": "A student"})
    assert (out["status"], out["reason"], out["assignment"]) == ("disqualified", "A student", None)
    house.manager.post(f"/leads/{lead['id']}/disqualify", {"reason": "Again"}, expect=409)
    back = house.manager.post(f"/leads/{lead['id']}/reopen", {"reason": "A buyer after all"})
    assert back["status"] == "accepted"
    aside = house.manager.post(f"/leads/{lead['id']}/nurture", {"reason": "Next year"})
    assert aside["status"] == "nurture"


def test_merging(house: House) -> None:
    one, two = house.lead(), house.lead()
    merged = house.manager.post(f"/leads/{two['id']}/merge", {"into": one["id"]})
    assert (merged["status"], merged["duplicate_of"]) == ("duplicate", one["id"])
    for into in (two["id"], "x", "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"):
        problem = house.manager.post(f"/leads/{one['id']}/merge", {"into": into}, expect=422)
        assert problem["errors"][0]["field"] == "into"


@pytest.mark.parametrize("act", ["assign", "reopen", "disqualify", "nurture", "merge"])
def test_acts_by_hand_are_for_managers(house: House, act: str) -> None:
    lead = house.lead_for(house.partner)
    house.partner.post(f"/leads/{lead['id']}/{act}", {}, expect=403)
    house.marketer.post(f"/leads/{lead['id']}/{act}", {}, expect=403)
    problem = house.manager.post(f"/leads/{lead['id']}/{act}", {}, expect=422)
    assert {error["message"] for error in problem["errors"]} == {"This is needed."}


def test_why(house: House) -> None:
    lead = house.lead_for(house.partner)
    told = house.admin.get(f"/leads/{lead['id']}/decision")
    answers.Decision.model_validate(told)
    assert told["outcome"] == "offered"
    assert told["sentence"]
    own = house.partner.get(f"/leads/{lead['id']}/decision")
    answers.Decision.model_validate(own)
    assert [c["partner_id"] for c in own["candidates"]] == [house.partner.partner_id]
    assert not {"rule", "path"} & set(own)
    assert not any("rank" in c or "name" in c for c in own["candidates"])
    assert "Kestrel" not in str(own)
    assert all(gate["sentence"] for gate in own["candidates"][0]["gates"])

"""Partners by the API: set up and changed, their standing, people and keys."""

from typing import Any

import pytest

from portal.api import answers
from tests.api.conftest import Caller, House

NEW = {"name": "Vogel Systems", "timezone": "Europe/Berlin", "country": "DE"}


def test_a_partner_is_set_up_with_its_defaults(house: House) -> None:
    made = house.admin.post("/partners", NEW, expect=201)
    answers.Partner.model_validate(made)
    assert made["opening_hours"]["mon"] == [["09:00", "17:00"]]
    assert (made["holidays"], made["closures"], made["standing"]) == ({"country": "DE"}, [], "good")
    assert (made["weight"], made["open_lead_cap"], made["reachable"]) == (1, 10, False)
    assert house.admin.get(f"/partners/{made['id']}") == made
    house.admin.post("/partners", {**NEW, "name": "VOGEL systems"}, expect=422)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": 7}, "name"), ({"weight": 0}, "weight"), ({"weight": 101}, "weight"),
        ({"timezone": "Mars/Olympus"}, "timezone"), ({"country": "XX"}, "country"), ({"colour": "red"}, "colour"),
        ({"opening_hours": {}}, "opening_hours"), ({"opening_hours": {"mon": [["9", "17"]]}}, "opening_hours.mon.0.0"),
        ({"opening_hours": {"monday": []}}, "opening_hours.monday"),
        ({"closures": [{"from": "2026-12-24"}]}, "closures.0"),
        ({"closures": [{"from": "2026-02-30", "to": "2026-03-01"}]}, "closures.0.from"),
        ({"holidays": {"country": "XX"}}, "holidays.country"), ({"territories": [{"region": "BE"}]}, "territories"),
        ({"products": "Core"}, "products"), ({"open_lead_cap": -1}, "open_lead_cap"), ({"active": "yes"}, "active"),
    ],
)  # fmt: skip
def test_settings_are_checked(house: House, change: dict[str, Any], field: str) -> None:
    problem = house.admin.post("/partners", {**NEW, **change}, expect=422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_who_sees_which_partners(house: House) -> None:
    names = lambda caller: [p["name"] for p in caller.get("/partners")["items"]]  # noqa: E731
    assert names(house.admin) == names(house.manager) == ["Nordhaven Systems", "Kestrel IT"]
    assert names(house.partner) == ["Nordhaven Systems"]
    house.marketer.get("/partners", expect=403)
    house.partner.get(f"/partners/{house.rival.partner_id}", expect=404)
    house.partner.get(f"/partners/{house.partner.partner_id}")
    house.partner.post("/partners", NEW, expect=403)
    house.manager.post("/partners", NEW, expect=403)


def test_a_partner_changes_what_is_its_own(house: House) -> None:
    path = f"/partners/{house.partner.partner_id}"
    own = {
        "opening_hours": {"mon": [["22:00", "06:00"]]}, "closures": [{"from": "2026-12-24", "to": "2026-12-31"}],
        "holidays": {"country": "DE", "subdivision": "BY"}, "quiet_periods": [{"kind": "month_end", "days": 2}],
        "wants_early_leads": True,
    }  # fmt: skip
    changed = house.partner.patch(path, own)
    answers.Partner.model_validate(changed)
    assert {name: changed[name] for name in own} == own
    assert "weight" in house.partner.patch(path, {"weight": 100}, expect=403)["detail"]
    assert house.partner.patch(path, {"colour": 1}, expect=422)["errors"][0]["field"] == "colour"
    house.rival.patch(path, own, expect=404)
    house.manager.patch(path, own, expect=403)
    assert house.admin.patch(path, {})["wants_early_leads"] is True
    assert house.admin.patch(path, {"weight": 7})["weight"] == 7
    assert house.admin.patch(path, {"holidays": None})["holidays"] is None


def test_a_partner_switched_off_loses_its_leads_without_fault(house: House) -> None:
    lead = house.accepted_by(house.partner)
    house.admin.patch(f"/partners/{house.partner.partner_id}", {"active": False})
    assert house.admin.get(f"/leads/{lead['id']}")["assignment"]["partner_id"] == house.rival.partner_id


def test_standing_and_its_measures(house: House) -> None:
    path = f"/partners/{house.partner.partner_id}"
    good = house.partner.get(f"{path}/standing")
    answers.StandingAnswer.model_validate(good)
    assert (good["standing"], good["reasons"], good["rate"]["value"]) == ("good", [], None)
    assert house.manager.get(f"{path}/standing") == good
    house.rival.get(f"{path}/standing", expect=404)
    house.partner.post(f"{path}/ready", expect=409)
    until = {"reason": "Moving", "until": "2026-03-09T08:00:00Z"}
    house.clock.forward(minutes=1)
    held = house.manager.post(f"{path}/hold", until)
    answers.StandingAnswer.model_validate(held)
    assert held["standing"] == "held"
    assert "Mon 9 Mar 09:00 CET" in held["sentence"] + " ".join(held["way_back"])
    house.clock.forward(minutes=1)
    assert house.manager.post(f"{path}/release", {"reason": "Moved"})["standing"] == "good"
    assert house.manager.post(f"{path}/exempt", until)["standing"] == "exempt"
    house.manager.post(f"{path}/hold", {"reason": "Past", "until": "2026-03-01T00:00:00Z"}, expect=422)
    for act, body in (("hold", until), ("exempt", until), ("release", {"reason": "x"})):
        house.partner.post(f"{path}/{act}", body, expect=403)
        house.rival.post(f"{path}/{act}", body, expect=404)
    house.admin.post(f"{path}/ready", expect=403)


def test_a_stopped_partner_reads_its_way_back_and_says_ready(house: House) -> None:
    house.admin.patch(f"/partners/{house.rival.partner_id}", {"active": False})
    for _ in range(3):
        house.lead()
    house.clock.forward(days=3)
    for owed in house.partner.get("/obligations", state="open")["items"]:
        house.partner.post(f"/assignments/{owed['assignment_id']}/accept", expect=409)
    stopped = house.partner.get(f"/partners/{house.partner.partner_id}/standing")
    answers.StandingAnswer.model_validate(stopped)
    assert stopped["standing"] == "stopped"
    assert len(stopped["reasons"]) == 3
    assert stopped["way_back"]
    house.clock.forward(minutes=1)
    ready = house.partner.post(f"/partners/{house.partner.partner_id}/ready")
    assert ready["standing"] == "stopped"
    assert ready["way_back"] != stopped["way_back"]
    assert house.lead()["status"] == "unallocated"


def test_people_are_invited(house: House) -> None:
    path = f"/partners/{house.partner.partner_id}/users"
    person = {"email": "Kim@nordhaven.example", "name": "Kim Vogel", "role": "partner_rep"}
    made = house.admin.post(path, person, expect=201)
    answers.Person.model_validate(made)
    assert (made["email"], made["partner_id"], made["active"]) == (
        "kim@nordhaven.example",
        house.partner.partner_id,
        True,
    )
    assert len(made["invitation"]) == 43
    own = house.partner.post(path, {**person, "email": "lee@nordhaven.example"}, expect=201)
    assert own["invitation"] is None
    house.rival.post(path, person, expect=404)
    house.manager.post(path, person, expect=403)
    for wrong, field in (({"role": "admin"}, "role"), ({"email": "x"}, "email"), ({"name": " "}, "name")):
        problem = house.admin.post(path, {**person, "email": "new@nordhaven.example", **wrong}, expect=422)
        assert [error["field"] for error in problem["errors"]] == [field]
    assert house.admin.post(path, person, expect=422)["errors"][0]["field"] == "email"
    staff = house.admin.post(
        "/users", {"email": "lea@vendor.example", "name": "Lea", "role": "channel_manager",
                   "portfolio": [house.partner.partner_id]}, expect=201,
    )  # fmt: skip
    assert (staff["partner_id"], staff["role"]) == (None, "channel_manager")
    house.admin.post("/users", {**person, "email": "z@vendor.example"}, expect=422)
    house.partner.post("/users", {**person, "role": "admin"}, expect=403)


def test_a_key_is_told_once_and_works(house: House) -> None:
    path = f"/partners/{house.partner.partner_id}/keys"
    made = house.partner.post(path, {"name": "Our CRM"}, expect=201, headers={"Idempotency-Key": "k1"})
    answers.Key.model_validate(made)
    own = Caller(house.partner.client, made["key"], house.partner.partner_id)
    assert [p["name"] for p in own.get("/partners")["items"]] == ["Nordhaven Systems"]
    again = house.partner.post(path, {"name": "Our CRM"}, expect=201, headers={"Idempotency-Key": "k1"})
    assert again == {**made, "key": None}
    house.rival.post(path, {"name": "x"}, expect=404)
    house.manager.post(path, {"name": "x"}, expect=403)
    house.partner.post(path, {"name": ""}, expect=422)

"""Rules, policies and the audit by the API: for admins."""

from typing import Any

import pytest

from portal.allocation.replay import trials
from portal.api import answers, examples, policy_answers, rule_answers
from portal.vocabulary import TrialState
from tests.api.conftest import House

RULE = examples.RULE


def test_rules_are_drafted_and_published(house: House) -> None:
    draft = house.admin.post("/rule-versions", {"rules": [RULE], "note": "Germany"}, expect=201)
    answers.RuleVersion.model_validate(draft)
    assert (draft["state"], draft["number"], draft["note"], draft["published_at"]) == ("draft", 2, "Germany", None)
    live = house.admin.post(f"/rule-versions/{draft['id']}/publish")
    assert (live["state"], live["published_at"]) == ("published", "2026-03-02T09:00:00Z")
    house.admin.post(f"/rule-versions/{draft['id']}/publish", expect=409)
    states = [v["state"] for v in house.admin.get("/rule-versions")["items"]]
    assert states == ["published", "retired"]
    assert house.admin.get(f"/rule-versions/{draft['id']}") == live
    assert house.lead(country="AT")["status"] == "unallocated"


@pytest.mark.parametrize(
    "rules",
    [
        "none",
        [{**RULE, "then": "heaven"}],
        [{**RULE, "colour": "red"}],
        [{**RULE, "when": {"all": [{"field": "shoe_size", "op": "eq", "value": 1}]}}],
        [{**RULE, "pool": {"partners": ["01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"]}}],
        [{**RULE, "pool": {"tiers": ["platinum"]}}],
        [{**RULE, "strategy": {"kind": "dice"}}],
        [RULE, RULE],
        [None],
        [[]],
        ["x"],
        [{}],
    ],
)
def test_a_wrong_draft_is_refused_whole(house: House, rules: Any) -> None:
    problem = house.admin.post("/rule-versions", {"rules": rules}, expect=422)
    answers.Problem.model_validate(problem)
    assert problem["errors"]
    assert len(house.admin.get("/rule-versions")["items"]) == 1


def test_a_version_tells_what_it_changes(house: House) -> None:
    draft = house.admin.post("/rule-versions", {"rules": [RULE, {**RULE, "name": "Rest", "when": None}]}, expect=201)
    found = house.admin.get(f"/rule-versions/{draft['id']}/changes")
    rule_answers.RuleChanges.model_validate(found)
    assert (found["from_version"], {item["kind"] for item in found["items"]}) == (1, {"added", "removed"})
    against_itself = house.admin.get(f"/rule-versions/{draft['id']}/changes", **{"from": draft["id"]})
    assert (against_itself["from_version"], against_itself["items"]) == (2, [])
    unknown = {"from": "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"}
    house.admin.get(f"/rule-versions/{draft['id']}/changes", expect=404, **unknown)
    for caller in (house.manager, house.marketer, house.partner):
        caller.get(f"/rule-versions/{draft['id']}/changes", expect=404)


def test_lists_that_rules_name(house: House) -> None:
    made = house.admin.post("/rule-lists", {"name": "vip", "items": ["Globex", "acme", "Acme"]})
    rule_answers.RuleList.model_validate(made)
    assert (made["items"], made["revision"]) == (["acme", "Globex"], 1)
    house.admin.post("/rule-lists", {"name": "vip", "items": ["Initech"], "revision": 1})
    house.admin.post("/rule-lists", {"name": "vip", "items": [], "revision": 1}, expect=409)
    problem = house.admin.post("/rule-lists", {"name": "V I P", "items": []}, expect=422)
    assert problem["errors"][0]["field"] == "name"
    assert [(row["name"], row["items"]) for row in house.admin.get("/rule-lists")["items"]] == [("vip", ["Initech"])]
    rule = {**RULE, "when": {"all": [{"field": "company", "op": "in", "value": ["list:vip"]}]}}
    house.admin.post("/rule-versions", {"rules": [rule]}, expect=201)
    for caller in (house.manager, house.marketer, house.partner):
        caller.get("/rule-lists", expect=403)
        caller.post("/rule-lists", {"name": "vip", "items": []}, expect=403)


def test_the_vendors_hours(house: House) -> None:
    assert house.admin.get("/vendor") == {
        "timezone": "UTC", "country": None, "opening_hours": None, "holidays": None, "closures": [],
        "quiet_periods": [],
    }  # fmt: skip
    wanted = {"timezone": "Europe/Berlin", "quiet_periods": [{"kind": "month_end", "days": 2}]}
    changed = house.admin.patch("/vendor", wanted)
    rule_answers.Vendor.model_validate(changed)
    assert {name: changed[name] for name in wanted} == wanted
    assert house.admin.patch("/vendor", {"timezone": None})["timezone"] == "UTC"
    for wrong, field in (
        ({"timezone": "Mars/Olympus"}, "timezone"), ({"country": "XX"}, "country"), ({"colour": 1}, "colour"),
        ({"quiet_periods": [{"kind": "week_end", "days": 1}]}, "quiet_periods"),
        ({"opening_hours": {"mon": []}}, "opening_hours"),
    ):  # fmt: skip
        problem = house.admin.patch("/vendor", wrong, expect=422)
        assert problem["errors"][0]["field"] == field
    assert house.admin.get("/vendor")["quiet_periods"] == wanted["quiet_periods"]
    for caller in (house.manager, house.marketer, house.partner):
        caller.get("/vendor", expect=403)
        caller.patch("/vendor", {}, expect=403)


def test_policies_are_drafted_and_published(house: House) -> None:
    draft = house.admin.post("/policies", examples.BY_SCHEMA["PolicyIn"], expect=201)
    answers.PolicyVersion.model_validate(draft)
    assert (draft["state"], draft["effective_from"]) == ("draft", None)
    path = f"/policies/{draft['id']}"
    problem = house.admin.post(f"{path}/publish", {"effective_from": "2026-03-01T00:00:00Z"}, expect=422)
    assert problem["errors"][0]["field"] == "effective_from"
    later = house.admin.post(f"{path}/publish", {"effective_from": "2026-04-01T00:00:00Z"})
    assert (later["state"], later["effective_from"]) == ("published", "2026-04-01T00:00:00Z")
    house.admin.post(f"{path}/publish", expect=409)
    assert [p["number"] for p in house.admin.get("/policies")["items"]] == [2, 1]
    assert house.admin.get(path) == later


def test_a_policy_may_rule_at_once(house: House) -> None:
    draft = house.admin.post("/policies", examples.BY_SCHEMA["PolicyIn"], expect=201)
    now = house.admin.post(f"/policies/{draft['id']}/publish")
    assert now["effective_from"][:19] == "2026-03-02T09:00:00"
    house.clock.forward(minutes=1)
    assert house.lead()["assignment"]["obligations"][0]["policy_version"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"obligations": []}, {"obligations": [{"kind": "feedback", "within": {"value": 1, "unit": "days"}}]},
        {"ladder": {"warn_below": 2}}, {"hand_overs": "5"}, {"colour": 1}, {"note": 7}, {"note": "x" * 201},
        {"obligations": [{"kind": "respond", "within": {"value": -1, "unit": "days", "clock": "business"}}]},
        {"ladder": []}, {"vendor": 1},
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused(house: House, change: dict[str, Any]) -> None:
    problem = house.admin.post("/policies", {**examples.BY_SCHEMA["PolicyIn"], **change}, expect=422)
    assert problem["errors"]
    assert len(house.admin.get("/policies")["items"]) == 1


@pytest.mark.parametrize("kind", ["rule-versions", "policies"])
def test_versions_are_for_admins(house: House, kind: str) -> None:
    known = house.admin.get(f"/{kind}")["items"][0]["id"]
    for caller in (house.manager, house.marketer, house.partner):
        caller.get(f"/{kind}", expect=403)
        caller.post(f"/{kind}", {}, expect=403)
        caller.get(f"/{kind}/{known}", expect=404)
        caller.post(f"/{kind}/{known}/publish", expect=404)
    house.admin.get(f"/{kind}/01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10", expect=404)


def test_the_audit_names_who_did_what(house: House) -> None:
    lead = house.lead_for(house.partner)
    rows = house.admin.get("/audit", object_type="lead", object_id=lead["id"])["items"]
    for row in rows:
        answers.AuditRow.model_validate(row)
    assert rows[-1]["action"] == "lead.receive"
    assert rows[-1]["actor_kind"] == "key"
    assert lead["email"] not in str(rows)
    first = house.admin.get("/audit", limit=1)
    second = house.admin.get("/audit", limit=1, cursor=first["next"])
    assert first["items"][0]["id"] > second["items"][0]["id"]
    assert house.admin.get("/audit", **{"from": "2030-01-01"})["items"] == []
    for caller in (house.manager, house.marketer, house.partner):
        caller.get("/audit", expect=403)


def test_a_what_if_is_asked_for_run_and_read(house: House) -> None:
    leads = [house.lead() for _ in range(4)]
    only = {"name": "All", "strategy": {"kind": "named", "partner": house.partner.partner_id}, "then": "queue"}
    draft = house.admin.post("/rule-versions", {"rules": [only]}, expect=201)
    house.clock.forward(hours=1)
    path = f"/rule-versions/{draft['id']}"
    period = {"from": "2026-03-02", "to": "2026-03-02T10:00:00Z"}
    asked = house.admin.post(f"{path}/simulate", period, expect=202)
    rule_answers.Trial.model_validate(asked)
    assert (asked["state"], asked["from"], asked["done"], asked["result"]) == (
        "waiting", "2026-03-02T00:00:00Z", 0, None,
    )  # fmt: skip
    here = f"{path}/simulations/{asked['id']}"
    assert house.admin.get(here) == asked
    assert trials.carry_out(house.session, asked["id"], "me", lambda: house.clock.now) is TrialState.DONE
    done = house.admin.get(here)
    rule_answers.Trial.model_validate(done)
    assert done["state"] == "done"
    got = {p["id"]: (p["before"], p["after"]) for p in done["result"]["partners"]}
    assert got == {house.partner.partner_id: (2, 4), house.rival.partner_id: (2, 0)}
    assert (done["result"]["leads"], done["result"]["elsewhere"]) == (len(leads), 2)
    assert [row["id"] for row in house.admin.get(f"{path}/simulations")["items"]] == [asked["id"]]
    house.admin.post(f"{here}/cancel", expect=409)


def test_a_what_if_is_cancelled(house: House) -> None:
    version = house.admin.get("/rule-versions")["items"][0]
    path = f"/rule-versions/{version['id']}"
    house.clock.forward(hours=1)
    asked = house.admin.post(f"{path}/simulate", {"from": "2026-03-01", "to": "2026-03-02"}, expect=202)
    assert asked["as_it_was"] is True
    cancelled = house.admin.post(f"{path}/simulations/{asked['id']}/cancel")
    assert (cancelled["state"], cancelled["ended_at"]) == ("cancelled", "2026-03-02T10:00:00Z")
    assert trials.carry_out(house.session, asked["id"], "me", lambda: house.clock.now) is None


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"from": "2026-03-03", "to": "2026-03-04"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "from"),
        ({"from": "2026-02-02"}, "to"),
        ({"from": "soon", "to": "2026-02-01"}, "from"),
    ],
)
def test_a_what_if_is_about_the_past(house: House, period: dict[str, str], field: str) -> None:
    version = house.admin.get("/rule-versions")["items"][0]
    problem = house.admin.post(f"/rule-versions/{version['id']}/simulate", period, expect=422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert house.admin.get(f"/rule-versions/{version['id']}/simulations")["items"] == []


def test_what_ifs_are_the_admins_alone(house: House) -> None:
    version, nothing = house.admin.get("/rule-versions")["items"][0], "01977c3e-8f00-7a6b-9d1e-3b2f5c7a9e10"
    house.clock.forward(hours=1)
    path, period = f"/rule-versions/{version['id']}", {"from": "2026-03-01", "to": "2026-03-02"}
    asked = house.admin.post(f"{path}/simulate", period, expect=202)
    for caller in (house.manager, house.marketer, house.partner):
        caller.post(f"{path}/simulate", period, expect=404)
        caller.get(f"{path}/simulations", expect=404)
        caller.get(f"{path}/simulations/{asked['id']}", expect=404)
        caller.post(f"{path}/simulations/{asked['id']}/cancel", expect=404)
    house.admin.get(f"{path}/simulations/{nothing}", expect=404)
    other = house.admin.post("/rule-versions", {"rules": [RULE]}, expect=201)
    house.admin.get(f"/rule-versions/{other['id']}/simulations/{asked['id']}", expect=404)


def test_a_past_period_is_replayed_under_a_policy(house: House) -> None:
    lead = house.accepted_by(house.partner)
    quick = {"kind": "respond", "within": {"value": 1, "unit": "minutes", "clock": "calendar"}}
    draft = house.admin.post("/policies", {"obligations": [quick]}, expect=201)
    live = house.admin.get("/policies")["items"][-1]
    house.clock.forward(days=3)
    period = {"from": "2026-03-01", "to": "2026-03-31"}
    same = house.admin.post(f"/policies/{live['id']}/simulate", period)
    policy_answers.PolicySimulation.model_validate(same)
    assert (same["changed"], same["leads_moved"], same["leads_stayed"]) == (0, [], [])
    assert all(row["before"] == row["after"] for row in same["partners"])
    other = house.admin.post(f"/policies/{draft['id']}/simulate", period)
    policy_answers.PolicySimulation.model_validate(other)
    assert other["changed"] == other["obligations"] > 0 and other["policy_id"] == draft["id"]
    assert lead["id"] not in other["leads_stayed"] and other["to"] < "2026-03-31"


def test_a_period_that_cannot_be_replayed_is_refused_and_a_replay_is_for_admins(house: House) -> None:
    live = house.admin.get("/policies")["items"][0]
    path = f"/policies/{live['id']}/simulate"
    problem = house.admin.post(path, {"from": "2026-03-09", "to": "2026-03-01"}, expect=422)
    assert [error["field"] for error in problem["errors"]] == ["to"]
    house.admin.post(path, {"from": "2020-01-01", "to": "2026-03-01"}, expect=422)
    house.admin.post(path, {"to": "2026-03-01"}, expect=422)
    house.admin.post(f"/policies/{house.lead()['id']}/simulate", {"from": "2026-03-01", "to": "2026-03-02"}, expect=404)
    house.partner.post(path, {"from": "2026-03-01", "to": "2026-03-02"}, expect=404)
    house.manager.post(path, {"from": "2026-03-01", "to": "2026-03-02"}, expect=404)

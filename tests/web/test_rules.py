"""The rules screens: live and draft in words, each edit of a draft and each of its refusals, publish, compare, text."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.allocation import RuleVersion
from models.lists import NamedList
from models.partners import Partner
from models.platform import Audit
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.allocation import drafts
from tests.support import world
from tests.support.visits import counted, words
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]

LARGE: dict[str, Any] = {
    "name": "Large", "when": {"all": [{"field": "employees", "op": "gte", "value": 500}]}, "pool": {"tiers": ["gold"]},
    "strategy": {"kind": "least_loaded"}, "then": "next",
}  # fmt: skip
SMALL: dict[str, Any] = {
    "name": "Small", "when": {"all": [{"field": "employees", "op": "lt", "value": 50}]},
    "strategy": {"kind": "open_pool", "hours": 8}, "then": "queue",
}  # fmt: skip
REST: dict[str, Any] = {
    "name": "Rest", "strategy": {"kind": "weighted_round_robin", "by": "country"}, "then": "queue",
}  # fmt: skip
RULES = [LARGE, REST]


def draft_of(office: Office, *rules: dict[str, Any]) -> str:
    """A draft with these rules, begun by somebody at the vendor; its id."""

    def build(session: Session) -> str:
        made = unit(session, lambda: drafts.begin(session, None, NOON, SYSTEM))
        if rules:
            unit(session, lambda: drafts.revise(session, made.id, 1, list(rules), NOON, SYSTEM))
        return made.id

    return str(office.do(build))


def rules_of(office: Office, version_id: str) -> list[dict[str, Any]]:
    return list(office.do(lambda session: session.get_one(RuleVersion, version_id).rules))


def revision_of(office: Office, version_id: str) -> int:
    return int(office.do(lambda session: session.get_one(RuleVersion, version_id).revision))


def names_of(office: Office, version_id: str) -> list[str]:
    return [rule["name"] for rule in rules_of(office, version_id)]


def form_of(answer: TestResponse) -> dict[str, Any]:
    """What a browser would send of the rule form as it is drawn, no button pressed."""
    page = answer.get_data(as_text=True)
    form = page[page.index('<form class="rule-form"') :]
    form = form[: form.index("</form>")]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        unticked = re.search(r'type="(checkbox|radio)"', tag) and " checked" not in tag
        if name and not unticked:
            sent.setdefault(name[1], []).append(value[1] if value else "")
    for name, body in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"|<option value="([^"]*)" selected', body)
        first = re.search(r'value="([^"]*)"', body)
        sent[name] = [(chosen[1] or chosen[2]) if chosen else first[1] if first else ""]
    for name, text in re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S):
        sent[name] = [text]
    sent.pop("csrf_token", None)
    return sent


def rule_page(version_id: str, **query: int) -> str:
    return f"/rules/{version_id}/rule?" + "&".join(f"{name}={value}" for name, value in query.items())


# ---------- Versions ----------


def test_rules_from_text_are_checked_saved_and_published(office: Office) -> None:
    browser = office.visit("admin")
    assert "No rules are published" in browser.page("/rules")
    checked = browser.post("/rules/draft", text=json.dumps(RULES), check="1")
    assert checked.status_code == 200 and "employees is at least 500" in words(checked).lower()
    assert office.do(lambda session: session.query(RuleVersion).count()) == 0
    page = browser.done("/rules/draft", text=json.dumps({"rules": RULES}), keep="1", note="Start")
    assert "Publish version 1: 2 rules change for new leads." in page
    assert "Round robin by weight, one rotation for each country" in page
    first = office.do(lambda session: session.query(RuleVersion).one().id)
    published = browser.done(f"/rules/{first}/publish", revision="1", note="Now it counts")
    assert "Version 1 is live" in published and "Now it counts" in published
    assert "Tier gold (1 active)" in published and "Any partner (2 active)" in published


def test_an_earlier_version_comes_back_under_a_new_number(office: Office) -> None:
    browser = office.visit("admin")
    for rules in (RULES, [REST]):
        office.do(lambda session, rules=rules: world.publish_rules(session, *rules))
    old = office.do(lambda session: session.query(RuleVersion).filter_by(number=1).one().id)
    page = browser.page(f"/rules/{old}")
    assert "Version 1 comes back as version 3" in page and "Large New" in page
    assert "Version 3 is live" in browser.done(f"/rules/{old}/publish")
    live = office.do(lambda session: session.query(RuleVersion).filter_by(state="published").one())
    assert live.note == "Back to version 1"
    assert "is live already" in browser.done(f"/rules/{live.id}/publish")


def test_the_draft_stands_beside_the_live_rules_with_what_differs(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, LARGE, SMALL, REST))
    draft_of(office, {**LARGE, "pool": {"tiers": ["standard"]}}, {**REST, "name": "All the rest"})
    browser = office.visit("admin")
    page = browser.page("/rules")
    assert "Draft: version 2 , 3 changes by Fairlead, saved today" in page
    assert "Taken out Small" in page and "Large Changed" in page and "Renamed" in page
    html = browser.get("/rules").get_data(as_text=True)
    assert "Tier <ins>standard</ins> <del>gold</del>" in html
    assert "<ins>All the rest</ins> <del>Rest</del>" in html


def test_the_character_that_no_database_keeps_is_left_out(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = rule_page(version_id, place=1)
    browser.done(path, **{**form_of(browser.get(path)), "name": "Lar\x00ger"}, do="save")
    assert names_of(office, version_id)[0] == "Larger"
    assert "is live" in browser.done(f"/rules/{version_id}/publish", revision="3", note="A\x00B")
    assert browser.post("/rules/start", **{"from": "\x00"}).status_code == 404
    assert browser.get("/rules/compare?from=%00&to=%00").status_code == 404
    assert browser.post("/rules/try", version="", country="D\x00E", custom="a\x00=b").status_code == 200


def test_a_rule_name_is_only_ever_text(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, {**REST, "name": "<b>Bold</b>"}))
    draft_of(office, {**REST, "name": "<i>New</i> <b>Bold</b>"})
    page = office.visit("admin").get("/rules").get_data(as_text=True)
    assert "<b>Bold" not in page and "<i>New" not in page


def test_moved_rules_are_marked_as_few_as_can_be(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, LARGE, SMALL, REST))
    draft_of(office, SMALL, LARGE, REST)
    page = office.visit("admin").page("/rules")
    assert page.count("Moved, was") == 1 and "1 change " in page


def test_any_two_versions_are_compared_in_words(office: Office) -> None:
    for rules in ((LARGE, REST), (SMALL, REST), (LARGE, SMALL, REST)):
        office.do(lambda session, rules=rules: world.publish_rules(session, *rules))
    first, second = (
        office.do(lambda session, n=n: session.query(RuleVersion).filter_by(number=n).one().id) for n in (1, 2)
    )
    browser = office.visit("admin")
    assert "Choose two versions" in browser.page("/rules/compare")
    page = browser.page(f"/rules/compare?from={first}&to={second}")
    assert "From version 1 to version 2: 2 changes" in page
    assert "Rule Small is new." in page and "Rule Large is gone." in page
    assert browser.get(f"/rules/compare?from={first}&to=none").status_code == 404


def test_a_version_goes_out_as_yaml_and_comes_back(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, LARGE, SMALL, REST))
    live = office.do(lambda session: session.query(RuleVersion).one().id)
    browser = office.visit("admin")
    file = browser.get(f"/rules/{live}/file")
    assert file.mimetype == "application/yaml" and "rules-1.yaml" in file.headers["Content-Disposition"]
    sent = {"file": (io.BytesIO(file.get_data()), "rules-1.yaml"), "keep": "1"}
    assert "Draft 2 is saved." in browser.done("/rules/draft", **sent)
    made = office.do(lambda session: session.query(RuleVersion).filter_by(number=2).one())
    assert made.rules == [LARGE, SMALL, REST]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nonsense", ""),
        ("", "Write the rules, or choose a file."),
        ("[1,", "This is not JSON"),
        ('{"a": 1}', "Give a list of rules"),
        (json.dumps([{**LARGE, "pool": {"tiers": ["none"]}}]), "rules.0"),
        (
            json.dumps([{**LARGE, "when": {"all": [{"field": "shoe", "op": "eq", "value": 1}]}}]),
            "A lead has no field 'shoe'",
        ),
        (json.dumps([REST, REST]), "rules.1"),
    ],
)
def test_wrong_text_is_refused_by_path_and_stays_on_the_page(office: Office, text: str, sentence: str) -> None:
    answer = office.visit("admin").post("/rules/draft", text=text, keep="1", note="Mine & yours")
    assert answer.status_code == 422 and sentence in words(answer)
    assert "Mine &amp; yours" in answer.get_data(as_text=True)
    assert office.do(lambda session: session.query(RuleVersion).count()) == 0


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 200_001], ids=["no text", "too long"])
def test_a_file_that_is_no_text_is_refused(office: Office, content: bytes) -> None:
    answer = office.visit("admin").post("/rules/draft", file=(io.BytesIO(content), "rules.yaml"), keep="1")
    assert answer.status_code == 422 and "thing to correct" in words(answer)


def test_a_draft_is_changed_as_text_too(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = f"/rules/{version_id}/text"
    assert "- name: Large" in browser.get(path).get_data(as_text=True)
    assert "&#34;name&#34;: &#34;Large&#34;" in browser.get(f"{path}?as=json").get_data(as_text=True)
    assert "is saved" in browser.done(path, text=json.dumps([SMALL, *RULES]), keep="1", revision="2")
    assert names_of(office, version_id) == ["Small", "Large", "Rest"]
    late = browser.post(path, text=json.dumps(RULES), keep="1", revision="2")
    assert late.status_code == 409 and "Ines Okafor changed draft 1 meanwhile" in words(late)
    assert names_of(office, version_id) == ["Small", "Large", "Rest"]
    again = form_text_revision(late)
    assert "is saved" in browser.done(path, text=json.dumps(RULES), keep="1", revision=again)


def form_text_revision(answer: TestResponse) -> str:
    found = re.search(r'name="revision" type="hidden" value="(\d+)"', answer.get_data(as_text=True))
    assert found is not None
    return found[1]


# ---------- A draft, rule by rule ----------


def test_a_draft_begins_as_the_live_version(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, *RULES))
    browser = office.visit("admin")
    page = browser.done("/rules/start")
    assert "Draft 2 is begun." in page and "no rule changes" in page
    draft = office.do(lambda session: session.query(RuleVersion).filter_by(state="draft").one())
    assert (draft.rules, draft.revision, draft.changed_by_name) == (RULES, 1, "Ines Okafor")
    assert browser.post("/rules/start", **{"from": "none"}).status_code == 404


def test_the_first_rules_are_written_by_form(office: Office) -> None:
    browser = office.visit("admin")
    assert "This draft has no rules yet" in browser.done("/rules/start")
    version_id = office.do(lambda session: session.query(RuleVersion).one().id)
    sent = form_of(browser.get(rule_page(version_id)))
    page = browser.done(rule_page(version_id), **{**sent, "name": "Everything", "then": "queue", "do": "save"})
    assert "Rule 1, Everything, stands in draft 1." in page and "Publish version 1: 1 rule changes" in page
    assert rules_of(office, version_id) == [
        {"name": "Everything", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}
    ]


def test_a_rule_saved_as_it_was_changes_nothing(office: Office) -> None:
    nested = {
        "name": "Nested", "when": {"all": [{"field": "country", "op": "in", "value": ["DE", "AT"]},
        {"any": [{"field": "postcode", "op": "between", "value": ["80", "87"]}, {"field": "grade", "op": "eq",
        "value": "A"}]}], "not": {"field": "custom.vip", "op": "eq", "value": True}},
        "pool": {"tiers": ["gold"], "partners": [office.partner], "covers_territory": True},
        "strategy": {"kind": "best_conversion", "floor_share": 0.15}, "then": {"partner": office.rival},
    }  # fmt: skip
    version_id, browser = draft_of(office, LARGE, SMALL, nested, REST), office.visit("admin")
    for place in (1, 2, 3, 4):
        sent = form_of(browser.get(rule_page(version_id, place=place)))
        page = browser.done(rule_page(version_id, place=place), **sent, do="save")
        assert "Nothing was changed." in page, place
    assert rules_of(office, version_id) == [LARGE, SMALL, nested, REST]
    assert revision_of(office, version_id) == 2


def test_conditions_are_added_grouped_and_removed_without_a_save(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = rule_page(version_id, place=1)
    sent = form_of(browser.get(path))
    sent = form_of(browser.post(path, **{**sent, "name": "Larger", "do": "group:w"}))
    assert sent["w.1.match"] == ["any"] and sent["name"] == ["Larger"]
    sent.update({"w.1.0.field": "country", "w.1.0.op": "in"})
    sent = form_of(browser.post(path, **sent, do="refresh"))
    assert "w.1.0.lines" in sent
    sent.update({"w.1.0.lines": "Germany\nAT"})
    sent = form_of(browser.post(path, **sent, do="add:w.1"))
    assert sent["w.1.0.lines"] == ["Germany\nAT"]
    sent.update({"w.1.1.field": "product", "w.1.1.op": "eq", "w.1.1.text": "Backup"})
    sent = form_of(browser.post(path, **sent, do="remove:w.0"))
    assert rules_of(office, version_id) == RULES
    sent.update({"w.0.1.field": "region", "w.0.1.text": "Bayern"})
    browser.done(path, **sent, do="save")
    assert rules_of(office, version_id)[0]["when"] == {
        "all": [{"any": [{"field": "country", "op": "in", "value": ["DE", "AT"]},
                         {"field": "region", "op": "eq", "value": "Bayern"}]}]
    }  # fmt: skip


def test_groups_of_countries_and_lists_are_picked(office: Office) -> None:
    office.do(lambda session: _list(session, "strategic-accounts"))
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = rule_page(version_id, place=1)
    page = browser.post(path, **{**form_of(browser.get(path)), "w.0.field": "country", "w.0.op": "in", "do": "refresh"})
    assert "The EU" in words(page)
    sent = form_of(page)
    browser.done(path, **{**sent, "w.0.pick": ["group:DACH"], "w.0.lines": "", "do": "save"})
    assert rules_of(office, version_id)[0]["when"]["all"][0]["value"] == ["group:DACH"]
    sent = form_of(browser.get(path))
    sent.update({"w.0.field": "company", "w.0.op": "eq", "w.0.text": "list:strategic-accounts"})
    assert "List strategic-accounts" in browser.post(path, **sent, do="refresh").get_data(as_text=True)
    browser.done(path, **sent, do="save")
    assert rules_of(office, version_id)[0]["when"]["all"][0]["value"] == "list:strategic-accounts"


def _list(session: Session, name: str) -> None:
    session.add(NamedList(id=name, name=name, items=["Halvorsen"], changed_at=NOON))
    session.commit()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "Give the rule a name"),
    ({"name": "x" * 201}, "Use at most 200 characters."),
    ({"name": "Rest"}, "has this name"),
    ({"w.0.text": "many"}, "is a number"),
    ({"w.0.field": ""}, "Choose a field, or remove this condition."),
    ({"w.0.field": "custom", "w.0.custom": ""}, "Give the name of your own field."),
    ({"w.0.field": "country", "w.0.op": "eq", "w.0.text": "Atlantis"}, "Atlantis"),
    ({"kind": "named", "partner": ""}, "Choose the partner that gets these leads."),
    ({"kind": "named", "partner": "nobody"}, "Not a valid choice"),
    ({"kind": "open_pool", "hours": "721"}, "whole number from 1 to 720"),
    ({"kind": "open_pool", "hours": "soon"}, "whole number from 1 to 720"),
    ({"kind": "open_pool", "max_open": "-1"}, "whole number"),
    ({"kind": "best_conversion", "floor_share": "80"}, "50"),
    ({"kind": "lottery"}, "Not a valid choice"),
    ({"then": "partner", "then_partner": ""}, "Choose the partner to turn to."),
    ({"kind": "open_pool", "then": "pool"}, "another pool is no way on"),
    ({"tiers": ["standard"], "partners": ["GOLD"]}, "No partner is in this pool"),
    ({"place": "9"}, "Not a valid choice"),
    ({"place": "1"}, "No lead reaches this rule"),
]


def test_each_mistake_is_told_and_nothing_typed_is_lost(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = rule_page(version_id, place=1)
    as_read = form_of(browser.get(path))
    for changed, sentence in REFUSED:
        sent = {**as_read, "name": "Typed by hand", **changed}
        sent["partners"] = [office.partner] if sent.get("partners") else []
        answer = browser.post(path, **sent, do="save")
        page = words(answer)
        assert answer.status_code == 422 and sentence in page and "to correct" in page, (changed, page)
        assert form_of(answer)["name"] == [sent["name"]], changed
    assert rules_of(office, version_id) == RULES and revision_of(office, version_id) == 2


def test_a_mistake_in_a_value_is_told_at_its_field(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = rule_page(version_id, place=1)
    sent = {**form_of(browser.get(path)), "w.0.text": "many", "hours": "24"}
    html = browser.post(path, **sent, do="save").get_data(as_text=True)
    assert '<a href="#w-0">' in html and 'aria-describedby="w-0-error"' in html and 'id="w-0-error"' in html


def test_an_edit_that_shuts_another_rule_off_says_which(office: Office) -> None:
    version_id, browser = draft_of(office, SMALL, LARGE, REST), office.visit("admin")
    path = rule_page(version_id, place=1)
    sent = form_of(browser.post(path, **form_of(browser.get(path)), do="remove:w.0"))
    answer = browser.post(path, **sent, do="save")
    assert answer.status_code == 422 and "Rule 2 (Large): No lead reaches this rule" in words(answer)


def test_a_new_rule_goes_before_the_one_that_takes_the_rest(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    sent = form_of(browser.get(rule_page(version_id)))
    assert sent["place"] == ["1"]
    sent = form_of(browser.post(rule_page(version_id), **sent, do="add:w"))
    sent.update({"name": "Small ones", "w.0.field": "employees", "w.0.op": "lt", "w.0.text": "50"})
    browser.done(rule_page(version_id), **sent, do="save")
    assert names_of(office, version_id) == ["Large", "Small ones", "Rest"]


def test_a_duplicate_is_offered_and_stored_only_when_saved(office: Office) -> None:
    version_id, browser = draft_of(office, LARGE, SMALL, REST), office.visit("admin")
    answer = browser.get(rule_page(version_id, copy=1))
    sent = form_of(answer)
    assert (sent["name"], sent["was"], sent["place"], sent["w.0.text"]) == (["Large copy"], [""], ["1"], ["500"])
    assert names_of(office, version_id) == ["Large", "Small", "Rest"]
    browser.done(rule_page(version_id), **{**sent, "w.0.text": "5000"}, do="save")
    assert names_of(office, version_id) == ["Large", "Large copy", "Small", "Rest"]


def test_a_rule_moves_by_its_place_or_by_a_button(office: Office) -> None:
    version_id, browser = draft_of(office, LARGE, SMALL, REST), office.visit("admin")
    move = f"/rules/{version_id}/move"
    assert "Small is rule 1 of the draft now." in browser.done(move, place="2", by="up", revision="2")
    assert names_of(office, version_id) == ["Small", "Large", "Rest"]
    assert "Nothing of yours was stored" in browser.done(move, place="2", by="up", revision="2")
    refused = browser.done(move, place="3", by="up", revision="3")
    assert "Rule 3 (Large): No lead reaches this rule" in refused
    path = rule_page(version_id, place=2)
    browser.done(path, **{**form_of(browser.get(path)), "place": "0"}, do="save")
    assert names_of(office, version_id) == ["Large", "Small", "Rest"]
    for place in ("0", "4", "x", ""):
        assert browser.post(move, place=place, by="up", revision="4").status_code == 404


def test_removing_a_rule_names_its_effect_first(office: Office) -> None:
    version_id, browser = draft_of(office, LARGE, SMALL, REST), office.visit("admin")
    path = f"/rules/{version_id}/remove?place=2"
    assert "Rule 2 goes from draft 1" in browser.page(path)
    assert "Small is out of draft 1." in browser.done(path, revision="2")
    assert names_of(office, version_id) == ["Large", "Rest"]
    assert "Nothing of yours was stored" in browser.done(path, revision="2")
    assert browser.get(f"/rules/{version_id}/remove").status_code == 404


def test_the_last_rule_stays(office: Office) -> None:
    version_id, browser = draft_of(office, REST), office.visit("admin")
    page = browser.done(f"/rules/{version_id}/remove?place=1", revision="2")
    assert "Rest is out" not in page and names_of(office, version_id) == ["Rest"]


def test_discarding_a_draft_names_its_effect_first(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = f"/rules/{version_id}/discard"
    assert "goes with its 2 rules and cannot be brought back" in browser.page(path)
    assert "Look at it before you throw it away" in browser.done(path, revision="1")
    assert "Draft 1 is gone." in browser.done(path, revision="2")
    assert browser.get(f"/rules/{version_id}").status_code == 404
    told = office.do(lambda session: session.query(Audit).filter_by(action="rules.discard").one().facts)
    assert told == {"number": 1}


# ---------- Two admins at once ----------


def test_the_second_of_two_admins_loses_nothing(office: Office) -> None:
    version_id, browser = draft_of(office, LARGE, SMALL, REST), office.visit("admin")
    path = rule_page(version_id, place=2)
    mine = {**form_of(browser.get(path)), "w.0.text": "20"}
    other = rule_page(version_id, place=1)
    browser.done(other, **{**form_of(browser.get(other)), "w.0.text": "900", "place": "1"}, do="save")
    answer = browser.post(path, **mine, do="save")
    page = words(answer)
    assert answer.status_code == 409
    assert "Ines Okafor changed draft 1 while you worked on this rule" in page and "In the draft now Small" in page
    kept = form_of(answer)
    assert kept["w.0.text"] == ["20"] and kept["revision"] == ["3"]
    assert names_of(office, version_id) == ["Small", "Large", "Rest"]
    target = re.search(r'<form class="rule-form" method="post" action="([^"]*)"', answer.get_data(as_text=True))
    assert target is not None and target[1].endswith("place=1")
    browser.done(target[1], **kept, do="save")
    stored = rules_of(office, version_id)
    told = {rule["name"]: rule["when"]["all"][0]["value"] for rule in stored if "when" in rule}
    assert told == {"Large": 900, "Small": 20}


def test_a_rule_that_another_admin_took_out_is_put_in_again_by_choice(office: Office) -> None:
    version_id, browser = draft_of(office, LARGE, SMALL, REST), office.visit("admin")
    path = rule_page(version_id, place=2)
    mine = form_of(browser.get(path))
    browser.done(f"/rules/{version_id}/remove?place=2", revision="2")
    answer = browser.post(path, **mine, do="save")
    assert answer.status_code == 409 and "no longer in the draft" in words(answer)
    kept = form_of(answer)
    browser.done(rule_page(version_id), **kept, do="save")
    assert sorted(names_of(office, version_id)) == ["Large", "Rest", "Small"]


def test_of_edits_at_the_same_moment_one_is_stored_and_the_others_are_told(office: Office) -> None:
    version_id = draft_of(office, LARGE, SMALL, REST)

    def rename(number: int) -> str:
        rules = [{**LARGE, "name": f"Large {number}"}, SMALL, REST]

        def work(session: Session) -> str:
            try:
                unit(session, lambda: drafts.revise(session, version_id, 2, rules, NOON, SYSTEM))
            except drafts.Overtaken:
                return "overtaken"
            return f"Large {number}"

        return str(office.do(work))

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(rename, range(4)))
    assert told.count("overtaken") == 3
    assert names_of(office, version_id)[0] in told and revision_of(office, version_id) == 3


def test_what_was_not_read_is_not_published(office: Office) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    late = browser.post(f"/rules/{version_id}/publish", revision="1", note="As I read it")
    assert late.status_code == 409 and "It was not published" in words(late)
    assert "As I read it" in late.get_data(as_text=True)
    assert "Version 1 is live" in browser.done(f"/rules/{version_id}/publish", revision="2")
    assert browser.post(f"/rules/{version_id}/publish", revision="2", note="x" * 201).status_code == 422


def test_what_is_published_is_edited_no_more(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, *RULES))
    live = office.do(lambda session: session.query(RuleVersion).one().id)
    browser = office.visit("admin")
    for path in ("rule", "text", "discard", "remove?place=1"):
        assert browser.get(f"/rules/{live}/{path}").status_code == 409
    assert browser.post(f"/rules/{live}/move", place="2", by="up", revision="1").status_code == 409


# ---------- What partners' changes do to a draft ----------


def test_a_pool_that_emptied_keeps_a_draft_from_being_published_and_from_nothing_else(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, *RULES))
    office.do(lambda session: _retier(session, office.partner))
    browser = office.visit("admin")
    page = browser.done("/rules/start")
    version_id = office.do(lambda session: session.query(RuleVersion).filter_by(state="draft").one().id)
    assert "This has to be put right before it can be published." in page and "Rule 1 (Large)" in page
    assert browser.post(f"/rules/{version_id}/publish", revision="1").status_code == 422
    path = rule_page(version_id, place=2)
    browser.done(path, **{**form_of(browser.get(path)), "by": ""}, do="save")
    assert rules_of(office, version_id)[1]["strategy"] == {"kind": "weighted_round_robin"}
    path = rule_page(version_id, place=1)
    browser.done(path, **{**form_of(browser.get(path)), "tiers": ["standard"]}, do="save")
    assert "is live" in browser.done(f"/rules/{version_id}/publish", revision="3")


def _retier(session: Session, partner_id: str) -> None:
    session.get_one(Partner, partner_id).tier = "standard"
    session.commit()


def test_partners_are_found_by_name_where_there_are_many(office: Office) -> None:
    office.do(lambda session: [world.make_partner(session, f"Partner of the north {n}") for n in range(45)])
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    path = rule_page(version_id, place=1)
    shown = browser.get(path)
    assert shown.get_data(as_text=True).count('name="partners"') == 40
    sent = {**form_of(shown), "partners": [office.rival], "find": "nordhaven"}
    found = browser.post(path, **sent, do="find").get_data(as_text=True)
    assert found.count('name="partners"') == 2 and "Nordhaven" in found and "Rival and Sons" in found
    assert "No partner has this in its name" in words(
        browser.post(path, **{**sent, "partners": [], "find": "zzz"}, do="find")
    )


# ---------- Who, and at what cost ----------

PAGES = ("/rules", "/rules/compare", "/rules/draft", "/rules/try", "/rules/{id}", "/rules/{id}/rule?place=1",
         "/rules/{id}/rule", "/rules/{id}/text", "/rules/{id}/discard", "/rules/{id}/remove?place=1",
         "/rules/{id}/file")  # fmt: skip


@pytest.mark.parametrize("who", ["manager", "own", "marketer", "rep"])
def test_rules_exist_for_admins_alone(office: Office, who: str) -> None:
    version_id, browser = draft_of(office, *RULES), office.visit(who)
    for path in PAGES:
        assert browser.get(path.format(id=version_id)).status_code == 404, path
    for path in ("/rules/start", "/rules/{id}/move", "/rules/{id}/publish", "/rules/{id}/discard", "/rules/{id}/rule"):
        answer = browser.post(path.format(id=version_id), revision="2", place="1", by="down")
        assert answer.status_code == 404, path
    assert rules_of(office, version_id) == RULES
    assert office.do(lambda session: session.query(RuleVersion).count()) == 1


def test_a_version_that_is_not_there_is_not_found(office: Office) -> None:
    browser = office.visit("admin")
    for path in PAGES[4:]:
        assert browser.get(path.format(id="none")).status_code == 404, path
    version_id = draft_of(office, *RULES)
    for place in ("3", "0", "x"):
        assert browser.get(f"/rules/{version_id}/rule?place={place}").status_code == 404


def test_rules_cost_the_same_for_many_versions_partners_and_rules(office: Office, app: Flask) -> None:
    office.do(lambda session: world.publish_rules(session, *RULES))
    version_id, browser = draft_of(office, *RULES), office.visit("admin")
    paths = [path.format(id=version_id) for path in PAGES]
    browser.page("/rules")

    def read() -> list[int]:
        costs = []
        for path in paths:
            with counted(app) as sent:
                assert browser.get(path).status_code == 200
            costs.append(len(sent))
        return costs

    read()  # what is kept for a revision of the settings is read once
    few = read()

    def more(session: Session) -> None:
        for n in range(30):
            partner = world.make_partner(session, tags=[f"tag {n}"])
            world.receive_lead(session, now=NOON, product=f"Product {n}", source=f"Source {n}")
            assert partner.id
        each = [{**SMALL, "name": f"Small {n}", "when": {"all": [{"field": "score", "op": "eq", "value": n}]}}
                for n in range(40)]  # fmt: skip
        unit(session, lambda: drafts.revise(session, version_id, 2, [*each, *RULES], NOON, SYSTEM))
        for _ in range(30):
            world.publish_rules(session, *RULES, now=NOON)

    office.do(more)
    read()
    assert read() == few

"""The queue, what is done to leads by hand, the table, a lead typed in, a file, the lead definition."""

import io
import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.leads import Lead, LeadDefinition
from models.platform import Audit
from tests.support import world
from tests.support.visits import Visitor, counted, words
from tests.support.world import DAY, MINUTE
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]

ACTS = ("assign", "recall", "reopen", "disqualify", "nurture", "merge")


def test_the_queue_says_why_and_runs_again(office: Office) -> None:
    lead_id, _ = office.lead(company="Waits GmbH")
    browser = office.visit("manager")
    page = browser.page("/queue")
    assert "Waits GmbH" in page and "No rule takes this lead" in page and "1 lead that nobody has" in page
    assert "nobody can take it now" in browser.done("/queue/run")
    office.rules(office.partner)
    assert "1 of 1 found a place." in browser.done("/queue/run")
    assert office.holder(lead_id) == office.partner
    assert "Every lead has a place" in browser.page("/queue")


def test_one_lead_is_run_again(office: Office) -> None:
    lead_id, _ = office.lead(company="Waits GmbH")
    office.rules(office.rival)
    assert "Waits GmbH found a place." in office.visit("manager").done(f"/queue/{lead_id}/run")
    assert office.holder(lead_id) == office.rival


def test_past_the_limit_of_moves_only_a_hand_helps(office: Office) -> None:
    lead_id, _ = office.lead(company="Moved GmbH")

    def limit(session: Session) -> None:
        session.get_one(Lead, lead_id).reason = "hand_over_limit"
        session.commit()

    office.do(limit)
    office.rules(office.partner)
    browser = office.visit("manager")
    assert "Handed over as often as the policy allows" in browser.page("/queue")
    assert "Assign it by hand." in browser.done(f"/queue/{lead_id}/run")
    assert office.holder(lead_id) is None


def test_the_queue_costs_the_same_for_many_leads(office: Office, app: Flask) -> None:
    browser = office.visit("manager")
    office.lead()
    browser.page("/queue")
    with counted(app) as few:
        browser.page("/queue")
    for number in range(9):
        office.lead(company=f"Company number {number}")
    browser.page("/queue")
    with counted(app) as many:
        assert "10 leads" in browser.page("/queue")
    assert len(many) == len(few)


def test_assign_by_hand_warns_and_bars(office: Office) -> None:
    office.stop(office.rival)
    lead_id, _ = office.lead(company="Waits GmbH", country="FR")
    office.do(lambda session: _covers(session, office.partner))
    browser = office.visit("manager")
    page = browser.get(f"/leads/{lead_id}/assign").get_data(as_text=True)
    assert "FR is not in Nordhaven&#39;s territory" in page or "FR is not in" in page
    assert "Release it first." in page
    assert re.search(rf'value="{office.rival}"\s+disabled', page)
    refused = browser.post(f"/leads/{lead_id}/assign", partner_id=office.rival, reason="They asked")
    assert refused.status_code == 422 and "Release it first, or choose another." in words(refused)
    nobody = browser.post(f"/leads/{lead_id}/assign", partner_id="", reason="")
    assert nobody.status_code == 422 and "Choose a partner." in words(nobody)
    assert "Offered to Nordhaven." in browser.done(
        f"/leads/{lead_id}/assign", partner_id=office.partner, reason="Asked for"
    )
    assert office.holder(lead_id) == office.partner


def _covers(session: Session, partner_id: str) -> None:
    from models.partners import Partner
    from models.session import unit
    from portal.accounts.actor import SYSTEM
    from portal.compliance import partners

    session.get_one(Partner, partner_id)
    unit(session, lambda: partners.change(session, partner_id, {"territories": [{"country": "DE"}]}, NOON, SYSTEM))


def test_assign_takes_it_from_who_has_it(office: Office) -> None:
    lead_id, first = office.lead(office.partner, accepted=True)
    browser = office.visit("manager")
    assert "Nordhaven loses it at once, without its fault." in browser.page(f"/leads/{lead_id}/assign")
    browser.done(f"/leads/{lead_id}/assign", partner_id=office.rival, reason="Knows them")
    assert office.holder(lead_id) == office.rival
    assert office.do(lambda session: session.get_one(Assignment, first).state.value) == "recalled"


def test_a_manager_assigns_to_its_own_partners_only(office: Office) -> None:
    lead_id, _ = office.lead()
    browser = office.visit("own")
    assert "Rival" not in browser.page(f"/leads/{lead_id}/assign")
    assert browser.post(f"/leads/{lead_id}/assign", partner_id=office.rival, reason="x").status_code == 404
    held, _ = office.lead(office.rival)
    for act in ACTS:
        assert browser.get(f"/leads/{held}/{act}").status_code == 404
        assert browser.post(f"/leads/{held}/{act}", reason="x").status_code == 404
    assert office.holder(held) == office.rival


@pytest.mark.parametrize("who", ["marketer", "rep"])
def test_only_managers_act_by_hand(office: Office, who: str) -> None:
    lead_id, _ = office.lead(office.partner)
    browser = office.visit(who)
    for act in ACTS:
        assert browser.post(f"/leads/{lead_id}/{act}", reason="x", partner_id=office.partner).status_code == 404
    assert office.status(lead_id) == "offered"


@pytest.mark.parametrize(
    ("act", "effect", "status"),
    [
        ("recall", "place it by the rules again. Nordhaven loses it at once", "offered"),
        ("disqualify", "is closed and goes to nobody. Nordhaven loses it at once", "disqualified"),
        ("nurture", "is kept and waits", "nurture"),
    ],
)
def test_an_act_names_its_effect_and_asks_why(office: Office, act: str, effect: str, status: str) -> None:
    lead_id, _ = office.lead(office.partner)
    browser, path = office.visit("manager"), f"/leads/{lead_id}/{act}"
    assert effect in browser.page(path)
    assert office.status(lead_id) == "offered"
    empty = browser.post(path, reason="  ")
    assert empty.status_code == 422 and "Say why: it is kept." in words(empty)
    browser.done(path, reason="The customer asked")
    assert office.status(lead_id) == status


def test_a_closed_lead_is_reopened_and_an_open_one_not(office: Office) -> None:
    lead_id, _ = office.lead(office.partner, accepted=True)
    browser = office.visit("manager")
    assert "only a closed one can be reopened" in browser.done(f"/leads/{lead_id}/reopen", reason="x")
    browser.done(f"/leads/{lead_id}/disqualify", reason="x")
    assert "Reopened." in browser.done(f"/leads/{lead_id}/reopen", reason="It is one after all")
    assert office.status(lead_id) == "accepted" and office.holder(lead_id) == office.partner
    free, _ = office.lead()
    assert "there is nothing to take back" in browser.done(f"/leads/{free}/recall", reason="x")


def test_two_leads_become_one(office: Office) -> None:
    stays, _ = office.lead(office.partner, company="Stays AG")
    goes, _ = office.lead(office.partner, company="Goes AG")
    browser = office.visit("manager")
    wrong = browser.post(f"/leads/{goes}/merge", into="nothing")
    assert wrong.status_code == 422 and "There is no lead by that id." in words(wrong)
    browser.done(f"/leads/{goes}/merge", into=f"http://localhost/leads/{stays}")
    assert office.status(goes) == "duplicate"


def test_leads_are_filtered_and_say_who_has_them(office: Office) -> None:
    office.lead(office.partner, company="Alpha AG", at=NOON - 3 * DAY)
    office.lead(office.rival, company="Beta AG", at=NOON - 2 * DAY)
    office.lead(company="Gamma AG", at=NOON)
    browser = office.visit("manager")

    def found(query: str, who: Visitor = browser) -> set[str]:
        page = who.page(f"/leads?{query}")
        return {name for name in ("Alpha", "Beta", "Gamma") if f"{name} AG" in page}

    assert found("") == {"Alpha", "Beta", "Gamma"}
    assert found("status=unallocated") == {"Gamma"}
    assert found(f"partner={office.rival}") == {"Beta"}
    assert found("q=alp") == {"Alpha"}
    assert found("from=2026-02-28&to=2026-03-01") == {"Beta"}
    assert found("to=nonsense&status=%00&after=x") <= {"Alpha", "Beta", "Gamma"}
    assert found("", office.visit("own")) == {"Alpha", "Gamma"}
    assert found("", office.visit("marketer")) == {"Alpha", "Beta", "Gamma"}


def test_the_table_goes_on_by_cursor_and_costs_the_same(office: Office, app: Flask) -> None:
    office.rules(office.partner)

    def fill(session: Session, first: int, last: int) -> None:
        for number in range(first, last):
            world.receive_lead(session, now=NOON + number * MINUTE, company=f"Many {number:03}")

    office.do(lambda session: fill(session, 0, 3))
    browser = office.visit("admin")
    browser.page("/leads")
    with counted(app) as few:
        browser.page("/leads")
    office.do(lambda session: fill(session, 3, 55))
    with counted(app) as many:
        page = browser.get("/leads").get_data(as_text=True)
    assert len(many) == len(few)
    assert "Many 054" in page and "Many 005" in page and "Many 004" not in page
    following = re.search(r'href="(/leads\?after=[^"]+)"[^>]*rel="next"', page)
    assert following is not None
    second = browser.page(following[1])
    assert "Many 004" in second and "Many 000" in second and "Many 005" not in second


FACTS = {"email": "anna@example.org", "last_name": "Lind", "company": "Lind KG", "country": "de", "employees": "120"}


def test_a_lead_is_typed_in_and_handed_out(office: Office) -> None:
    office.rules(office.partner)
    browser = office.visit("admin")
    assert "Saved, offered." in browser.done("/leads/new", **FACTS)
    lead = office.do(lambda session: session.query(Lead).one())
    assert (lead.company, lead.country, lead.employees, lead.status.value) == ("Lind KG", "DE", 120, "offered")
    assert "the enquiry joins its timeline" in browser.done("/leads/new", **FACTS)


def test_what_is_wrong_is_told_beside_its_field(office: Office) -> None:
    answer = office.visit("marketer").post(
        "/leads/new", email="nobody", country="XX", company="Kept Ltd", employees="many"
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'value="Kept Ltd"' in page
    none = office.visit("marketer").post("/leads/new", email="nobody", country="XX", company="Kept Ltd")
    assert "2 things to correct" in words(none) and "This is not an e-mail address" in words(none)
    assert "Give an e-mail address or a phone number." in words(
        office.visit("marketer").post("/leads/new", company="x")
    )
    assert office.do(lambda session: session.query(Lead).count()) == 0


def test_managers_bring_no_leads_in(office: Office) -> None:
    browser = office.visit("manager")
    assert [browser.get(path).status_code for path in ("/leads/new", "/leads/import", "/lead-definition/edit")] == [
        404
    ] * 3
    assert browser.post("/leads/new", **FACTS).status_code == 404
    assert "Import a file" not in browser.page("/leads")


FILE = "Firma,E-Mail,Telefon\nAlpha AG,a@alpha.example.org,\nBeta AG,broken,\nGamma AG,c@gamma.example.org,\n"


def _upload(browser: Visitor, text: str, mapping: str = "Firma = company") -> Any:
    browser.get("/leads/import")
    return browser.post("/leads/import", file=(io.BytesIO(text.encode()), "leads.csv"), mapping=mapping)


def test_a_file_is_checked_shown_and_then_imported(office: Office) -> None:
    office.rules(office.partner)
    browser = office.visit("marketer")
    answer = _upload(browser, FILE)
    page = words(answer)
    assert answer.status_code == 200 and "2 of 3 rows can be imported; 1 cannot be used" in page
    assert "This is not an e-mail address" in page
    assert office.do(lambda session: session.query(Lead).count()) == 0
    path = re.search(r'action="(/leads/import/[^"]+)"', answer.get_data(as_text=True))
    assert path is not None
    done = browser.post(path[1], mapping="Firma = company")
    assert "2 of 3 rows imported" in words(done)
    assert office.do(lambda session: session.query(Lead).count()) == 2
    assert "The file is no longer kept here" in browser.done(path[1])
    again = _upload(browser, FILE)
    assert "0 of 3 rows can be imported; 2 are known already and add nothing; 1 cannot be used" in words(again)
    more = _upload(browser, FILE + "Delta AG,d@delta.example.org,\n")
    assert "1 of 4 rows can be imported; 2 are known already and add nothing" in words(more)
    path = re.search(r'action="(/leads/import/[^"]+)"', more.get_data(as_text=True))
    assert path is not None and "2 were known already" in words(browser.post(path[1], mapping="Firma = company"))
    assert office.do(lambda session: session.query(Lead).count()) == 3


def test_another_person_cannot_import_a_kept_file(office: Office) -> None:
    path = re.search(r'action="(/leads/import/[^"]+)"', _upload(office.visit("marketer"), FILE).get_data(as_text=True))
    assert path is not None
    assert "The file is no longer kept here" in office.visit("admin").done(path[1])
    assert "no longer kept" in office.visit("admin").done("/leads/import/" + "x" * 32)


@pytest.mark.parametrize(
    ("text", "mapping", "sentence"),
    [
        ("", "", "Choose a file."),
        ("nothing\nx\n", "", "A column for the e-mail address or the phone number is needed"),
        (FILE, "Firma company", "Write one a line"),
        (FILE, "Nowhere = company", "The mapping names"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_sentence(
    office: Office,
    text: str,
    mapping: str,
    sentence: str,
) -> None:
    browser = office.visit("marketer")
    if text:
        answer = _upload(browser, text, mapping)
    else:
        browser.get("/leads/import")
        answer = browser.post("/leads/import", mapping="")
    assert answer.status_code == 422 and sentence in words(answer)


DEFINITION = {
    "criteria": [{"name": "Large", "when": {"all": [{"field": "employees", "op": "gte", "value": 100}]}, "points": 70}],
    "grades": {"A": 60, "B": 30, "C": 0},
    "qualify_from": 10,
}


def test_a_definition_is_checked_published_and_scores(office: Office) -> None:
    office.rules(office.partner)
    browser = office.visit("marketer")
    assert "every lead with a valid contact is qualified, grade C" in browser.page("/lead-definition")
    text = json.dumps(DEFINITION)
    checked = browser.post("/lead-definition/edit", text=text, check="1")
    assert checked.status_code == 200 and "Checked: this can be published" in words(checked)
    assert office.do(lambda session: session.query(LeadDefinition).count()) == 0
    assert "Version 1 is published" in browser.done("/lead-definition/edit", text=text, keep="1", note="First")
    page = office.visit("manager").page("/lead-definition")
    assert "employees is at least 100" in page and "Below 10 points a lead is disqualified." in page and "First" in page
    big = office.do(lambda session: world.receive_lead(session, now=NOON, employees=500).grade)
    small = office.do(lambda session: world.receive_lead(session, now=NOON, employees=5).status.value)
    assert (big, small) == ("A", "disqualified")
    browser.done("/lead-definition/edit", text=text, keep="1", note="Second")
    states = office.do(
        lambda session: [(d.number, d.state.value) for d in session.query(LeadDefinition).order_by("number")]
    )
    assert states == [(1, "retired"), (2, "published")]
    assert office.do(lambda session: session.query(Audit).filter_by(action="definition.publish").count()) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not JSON: expecting property name"),
        ("[1, NaN]", "This JSON cannot be used"),
        ('{"criteria": [], "grades": {"A": 1}}', "criteria: Give 1 to 100 criteria."),
        ('{"grades": "\\ud800"}', "This JSON cannot be used"),
        ('{"grades": "\\u0000"}', "Take the character NUL out"),
        ("", "Write the document as JSON."),
    ],
)
def test_a_wrong_definition_is_refused_and_kept_on_the_page(office: Office, text: str, sentence: str) -> None:
    answer = office.visit("admin").post("/lead-definition/edit", text=text, keep="1")
    assert answer.status_code == 422 and sentence in words(answer)
    assert office.do(lambda session: session.query(LeadDefinition).count()) == 0

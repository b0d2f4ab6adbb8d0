"""Try one lead: typed or one that came in, on the live rules and a draft side by side; nothing is stored by it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.allocation import Decision, Rotation, RuleVersion
from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.platform import Audit, Outbox
from tests.support import world
from tests.support.visits import counted, words
from tests.web.staff_scene import NOON, Office, office
from tests.web.test_rules import LARGE, REST, SMALL, draft_of

__all__ = ["office"]


def _kept(session: Session) -> list[Any]:
    """How many rows there are of what a placing writes, and what it changes in place."""
    counts = [session.scalar(select(func.count()).select_from(model)) for model in
              (Lead, Decision, Assignment, Outbox, Audit, Rotation)]  # fmt: skip
    return [*counts, *session.scalars(select(Partner.open_leads).order_by(Partner.id))]


def test_a_typed_lead_is_tried_on_both_side_by_side(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, LARGE, REST))
    draft_of(office, {**LARGE, "strategy": {"kind": "named", "partner": office.rival}, "pool": {}}, REST)
    browser, before = office.visit("admin"), office.do(_kept)
    page = words(browser.post("/rules/try", country="DE", employees="700", email="who@secret.example"))
    assert "Live, version 1 Goes to Nordhaven, by Large" in page
    assert "Draft, version 2 Goes to Rival and Sons, by Large" in page
    assert "This lead goes elsewhere by draft, version 2." in page
    page = words(browser.post("/rules/try", country="DE", employees="70"))
    assert "It does not take this lead: employees is at least 500" in page
    assert office.do(_kept) == before


def test_a_lead_that_came_in_is_tried_by_its_own_facts(office: Office) -> None:
    lead_id, _ = office.lead(office.rival, employees=900, company="Halvorsen")
    office.do(lambda session: world.publish_rules(session, LARGE, REST))
    browser, before = office.visit("admin"), office.do(_kept)
    for field in ({"lead": lead_id}, {"lead_id": f"http://127.0.0.1:8000/leads/{lead_id}"}):
        page = words(browser.post("/rules/try", **field, country="FR"))
        assert "Goes to Nordhaven, by Large" in page
    assert "Halvorsen" in browser.page("/rules/try")
    assert f'value="{lead_id}"' in browser.get(f"/rules/try?lead={lead_id}").get_data(as_text=True)
    assert office.do(_kept) == before


def test_what_is_shut_and_what_goes_to_pool_or_queue_is_told(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, SMALL, {**REST, "pool": {"partners": [office.rival]}}))
    office.do(lambda session: _off(session, office.rival))
    browser = office.visit("admin")
    assert "Goes to the open pool, by Small" in words(browser.post("/rules/try", employees="10"))
    page = words(browser.post("/rules/try", employees="1000"))
    assert "Waits in the queue, by Rest" in page and "Rival and Sons is not active." in page and "Out" in page


def _off(session: Session, partner_id: str) -> None:
    session.get_one(Partner, partner_id).active = False
    session.execute(select(1))
    session.commit()
    world.publish_rules(session, SMALL, {**REST, "pool": {"partners": [partner_id]}})


def test_a_draft_that_cannot_be_used_says_why_beside_the_live_answer(office: Office) -> None:
    office.do(lambda session: world.publish_rules(session, REST))
    version_id = draft_of(office, LARGE, REST)

    def empty(session: Session) -> None:
        session.get_one(Partner, office.partner).tier = "standard"
        session.commit()

    office.do(empty)
    page = words(office.visit("admin").post("/rules/try", version=version_id, country="DE"))
    assert "Put that right, then try again." in page and "Goes to " in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"lead_id": "none"}, "There is no such lead."),
        ({"employees": "many"}, "Not a valid integer value."),
        ({"custom": "segment"}, "Write one a line, such as segment = retail."),
        ({"country": "x" * 201}, "Use at most 200 characters."),
    ],
)
def test_what_cannot_be_tried_is_told_at_its_field(office: Office, typed: dict[str, str], sentence: str) -> None:
    office.do(lambda session: world.publish_rules(session, REST))
    answer = office.visit("admin").post("/rules/try", **{"product": "Typed & kept", **typed})
    assert answer.status_code == 422 and sentence in words(answer)
    assert "Typed &amp; kept" in answer.get_data(as_text=True)


def test_own_fields_and_the_company_count(office: Office) -> None:
    vip = {**LARGE, "name": "VIP", "when": {"all": [{"field": "custom.segment", "op": "eq", "value": "retail"}]}}
    office.do(lambda session: world.publish_rules(session, vip, REST))
    browser = office.visit("admin")
    assert "by VIP" in words(browser.post("/rules/try", custom="segment = Retail\nother=1"))
    assert "by Rest" in words(browser.post("/rules/try", custom="segment = trade"))


def test_without_rules_there_is_nothing_to_try(office: Office) -> None:
    assert "There are no rules to try yet" in office.visit("admin").page("/rules/try")
    assert office.visit("admin").get("/rules/try?version=none").status_code == 404


def test_only_admins_try(office: Office) -> None:
    for who in ("manager", "own", "marketer", "rep"):
        assert office.visit(who).post("/rules/try", country="DE").status_code == 404


def test_a_try_costs_the_same_among_many(office: Office, app: Flask) -> None:
    office.do(lambda session: world.publish_rules(session, LARGE, REST))
    draft_of(office, LARGE, SMALL, REST)
    browser = office.visit("admin")

    def cost() -> int:
        browser.post("/rules/try", country="DE", employees="700")
        with counted(app) as sent:
            assert browser.post("/rules/try", country="DE", employees="700").status_code == 200
        return len(sent)

    few = cost()

    def more(session: Session) -> None:
        for _ in range(20):
            world.make_partner(session, tier="gold")
            world.receive_lead(session, now=NOON)

    office.do(more)
    assert cost() == few
    assert office.do(lambda session: session.query(RuleVersion).count()) == 2


def test_the_page_of_a_lead_leads_here_for_admins(office: Office) -> None:
    lead_id, _ = office.lead(office.partner)
    link = f'href="/rules/try?lead={lead_id}"'
    assert link in office.visit("admin").get(f"/leads/{lead_id}").text
    for who in ("manager", "marketer", "rep"):
        page = office.visit(who).get(f"/leads/{lead_id}")
        assert page.status_code == 200 and "/rules/try" not in page.text

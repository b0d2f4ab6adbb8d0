"""Many leads at once by hand: the effect and what speaks against it come first, then each lead is told for itself."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.platform import Audit
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.compliance import partners
from tests.support.visits import words
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]


def covers(office: Office, partner: str, country: str) -> None:
    settings = {"territories": [{"country": country}]}
    office.do(lambda s: unit(s, lambda: partners.change(s, partner, settings, NOON, SYSTEM)))


def decide(office: Office, who: str, path: str, ids: list[str], **fields: Any) -> str:
    answer = office.visit(who).post(f"/by-hand/{path}", ids=ids, step="do", **fields)
    assert answer.status_code == 200, words(answer)
    return words(answer)


def test_several_leads_go_to_one_partner_after_what_speaks_against_it_was_read(office: Office) -> None:
    covers(office, office.partner, "DE")
    waits, _ = office.lead(company="Waits AG")
    far, _ = office.lead(company="Far SA", country="FR")
    held, first = office.lead(office.rival, company="Held KG", accepted=True)
    browser, ids = office.visit("manager"), [waits, far, held]
    asked = words(browser.post("/by-hand/assign", ids=ids))
    assert "Offer 3 leads to one partner" in asked and "1 is taken from the partner that holds it" in asked
    assert "Waits AG No rule takes this lead" in asked and "Held KG Rival and Sons" in asked
    wrong = browser.post("/by-hand/assign", ids=ids, step="do", partner_id="", reason=" ")
    assert wrong.status_code == 422 and "Choose a partner." in words(wrong) and "Say why: it is kept." in words(wrong)
    fields = {"partner_id": office.partner, "reason": "They know the branch"}
    shown = decide(office, "manager", "assign", ids, **fields)
    assert "Offer 3 leads to Nordhaven" in shown and "Nordhaven then has 3 open; its cap is 200." in shown
    assert "FR is not in its territory." in shown and "Waits AG No rule takes this lead Nothing" in shown
    assert [office.holder(each) for each in ids] == [None, None, office.rival]
    done = decide(office, "manager", "assign", ids, **fields, seen=office.partner)
    assert "3 leads done" in done and "Held KG Offered to Nordhaven." in done
    assert [office.holder(each) for each in ids] == [office.partner] * 3
    assert office.do(lambda s: s.get_one(Assignment, first).state.value) == "recalled"


def test_another_partner_is_another_warning_to_read(office: Office) -> None:
    lead, _ = office.lead()
    fields = {"partner_id": office.partner, "reason": "x", "seen": office.rival}
    assert "Offer 1 lead to Nordhaven" in decide(office, "manager", "assign", [lead], **fields)
    assert office.holder(lead) is None


def test_what_is_refused_is_told_beside_what_is_done(office: Office) -> None:
    waits, _ = office.lead(company="Waits AG")
    its, _ = office.lead(office.partner, company="Its AG")
    fields = {"partner_id": office.partner, "reason": "x", "seen": office.partner}
    done = decide(office, "manager", "assign", [waits, its], **fields)
    assert "1 of 2 leads done" in done and "Waits AG Offered to Nordhaven." in done
    assert "Its AG Not changed. This partner holds the lead already." in done
    assert office.holder(waits) == office.partner


def test_a_stop_is_overridden_by_nobody(office: Office) -> None:
    office.stop(office.partner)
    lead, _ = office.lead(company="Waits AG")
    fields = {"partner_id": office.partner, "reason": "x"}
    shown = decide(office, "admin", "assign", [lead], **fields)
    assert "Nordhaven is stopped and gets no leads. Release it first" in shown and "Release Nordhaven" in shown
    done = decide(office, "admin", "assign", [lead], **fields, seen=office.partner)
    assert "0 of 1 lead done" in done and "Waits AG Not changed. Nordhaven is stopped and gets no leads." in done
    assert office.holder(lead) is None


def test_several_leads_are_placed_by_the_rules_again(office: Office) -> None:
    waits, _ = office.lead(company="Waits AG")
    limited, _ = office.lead(company="Moved AG")
    closed, _ = office.lead(office.partner, company="Closed AG")
    held, first = office.lead(office.partner, company="Held AG", accepted=True)
    browser, ids = office.visit("manager"), [waits, limited, closed, held]
    browser.done(f"/leads/{closed}/disqualify", reason="x")

    def limit(session: Session) -> None:
        session.get_one(Lead, limited).reason = "hand_over_limit"
        session.commit()

    office.do(limit)
    office.rules(office.rival)
    asked = words(browser.post("/by-hand/again", ids=ids))
    assert "Place 4 leads by the rules again" in asked and "1 is taken from the partner that holds it" in asked
    assert "2 leads that nobody has are tried again." in asked and "1 lead stays as it is: assign by hand." in asked
    assert browser.post("/by-hand/again", ids=ids, step="do", reason="").status_code == 422
    assert office.holder(held) == office.partner
    done = decide(office, "manager", "again", ids, reason="New rules")
    assert "3 of 4 leads done" in done and done.count("Offered to Rival and Sons.") == 3
    assert "Closed AG Not changed. This lead is disqualified: the rules do not place it." in done
    assert [office.holder(each) for each in ids] == [office.rival, office.rival, None, office.rival]
    assert office.do(lambda s: s.get_one(Assignment, first).state.value) == "recalled"
    reasons = office.do(lambda s: [row.facts for row in s.query(Audit).filter_by(action="lead.again")])
    assert reasons == [{"reason": "New rules"}] * 2


def test_one_that_still_finds_nobody_is_told(office: Office) -> None:
    lead, _ = office.lead(company="Waits AG")
    done = decide(office, "manager", "again", [lead], reason="x")
    assert "Waits AG Waits in the queue: nobody can take it now." in done


def test_only_leads_within_reach_are_acted_on(office: Office) -> None:
    free, _ = office.lead(company="Free AG")
    theirs, _ = office.lead(office.partner, company="Moved on AG")
    browser = office.visit("manager")
    browser.done(f"/leads/{theirs}/assign", partner_id=office.rival, reason="x")
    own = office.visit("own")
    asked = words(own.post("/by-hand/assign", ids=[free, theirs]))
    assert "Free AG" in asked and "Moved on AG" not in asked and "Rival" not in asked
    fields = {"partner_id": office.rival, "reason": "x", "seen": office.rival}
    assert own.post("/by-hand/assign", ids=[free], step="do", **fields).status_code == 422
    assert "Choose at least one lead." in own.done("/by-hand/again", ids=[theirs], step="do", reason="x")
    assert office.holder(theirs) == office.rival and office.holder(free) is None


@pytest.mark.parametrize("path", ["/by-hand/assign", "/by-hand/again"])
def test_nothing_ticked_is_said_and_only_managers_act(office: Office, path: str) -> None:
    lead, _ = office.lead()
    browser = office.visit("manager")
    browser.page("/queue")
    assert "Choose at least one lead." in browser.done(path, ids=["x"], next="/leads?status=offered")
    assert browser.get(path).location == "/queue"
    fields = {"partner_id": office.partner, "reason": "x", "seen": office.partner, "step": "do"}
    for who in ("marketer", "rep"):
        assert office.visit(who).post(path, ids=[lead], **fields).status_code == 404
    assert 'name="ids"' not in office.visit("marketer").get("/leads").get_data(as_text=True)
    assert office.holder(lead) is None


def test_a_partner_that_is_off_or_that_nobody_reaches_is_barred(office: Office) -> None:
    lead, _ = office.lead()

    def change(session: Session) -> None:
        session.get_one(Partner, office.partner).reachable = False
        session.get_one(Partner, office.rival).active = False
        session.commit()

    office.do(change)
    told = {
        partner: decide(office, "manager", "assign", [lead], partner_id=partner, reason="x")
        for partner in (office.partner, office.rival)
    }
    assert "Nordhaven has nobody who can be reached" in told[office.partner]
    assert "Rival and Sons is switched off." in told[office.rival]

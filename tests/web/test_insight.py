"""Why none, fairness and coverage on screen: who reads what, every number opens its rows, queries stay few."""

import pytest
from sqlalchemy.orm import Session

from models.partners import Partner
from portal.enforcement import acts
from tests.support import world
from tests.support.visits import counted
from tests.support.world import DAY, HOUR, MINUTE
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]
TURNS = {"name": "All", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}
PAGES = ("/fairness", "/coverage", "/coverage?by=region&show=all", "/partners/{partner}/why")


def turns(office: Office, count: int, **facts: str) -> None:
    """So many leads, drawn by turns between the two partners."""

    def build(session: Session) -> None:
        world.publish_rules(session, TURNS, now=NOON)
        for number in range(count):
            world.receive_lead(session, now=NOON + number * MINUTE, **facts)

    office.clock.move_to(NOON + HOUR)
    office.do(build)


def hold(office: Office, partner: str) -> None:
    def act(session: Session) -> None:
        manager = world.rep_of(session.get_one(Partner, partner))
        acts.hold(session, manager, partner, "Stocktaking", NOON + 9 * DAY, NOON)

    office.do(act)


def test_a_partner_reads_its_own_causes_with_what_changes_them(office: Office) -> None:
    hold(office, office.partner)
    turns(office, 3)
    rep = office.visit("rep")
    standing = rep.page("/standing")
    assert "Leads in Mar No leads this month" in standing and "Why we got no leads this month" in standing
    page = rep.page("/standing/leads")
    assert "Why we got no leads 1 Mar 2026 to 31 Mar 2026" in page
    assert "You got no leads in these days. What stood in your way most often: 3 leads while you were on hold." in page
    assert "Catch up: see the way back." in page and "to now" in page
    raw = rep.get("/standing/leads").get_data(as_text=True)
    assert 'href="/standing#way-back"' in raw
    assert "Rival" not in raw and office.rival not in raw and "All," not in page
    assert "Nothing stood in our way." in rep.page("/standing/leads?from=2026-02-01&to=2026-02-28")
    assert "1 Mar 2026 to 31 Mar 2026" in rep.page("/standing/leads?from=nonsense&to=")


def test_losing_a_turn_is_told_without_count_rank_or_rule(office: Office) -> None:
    turns(office, 6)
    rep = office.visit("rep")
    page = rep.page("/standing/leads")
    assert "Why we got no more leads" in page and "You got 3 leads in these days. Others were due first." in page
    assert "Your turn comes; there is nothing to do." in page
    assert "6" not in page.partition("You got 3 leads")[2].partition("Each lead counts once")[0]
    assert "Leads in Mar 3 leads this month" in rep.page("/standing")


def test_staff_read_every_cause_and_open_its_leads(office: Office) -> None:
    turns(office, 4)
    office.lead(office.rival, company="Never asked", at=NOON + 10 * MINUTE)
    office.clock.move_to(NOON + 2 * HOUR)
    browser, path = office.visit("manager"), f"/partners/{office.partner}/why"
    page = browser.page(path)
    assert "Nordhaven got 2 leads in these days." in page and "5 leads decided about" in page
    assert "The leads it got : 2 in turn" in page
    assert "2 leads for which others were due first See under Fairness" in page
    assert "1 lead of which it was never asked" in page
    behind = browser.page(f"{path}?cause=not_asked")
    assert "Never asked" in behind and "1 of 1 shown." in behind
    assert "2 of 2 shown." in browser.page(f"{path}?cause=got")
    assert "shown." not in browser.page(f"{path}?cause=nonsense")
    raw = browser.get(f"/partners/{office.partner}").get_data(as_text=True)
    assert f'href="{path}"' in raw
    assert 'href="/partners/' in office.visit("admin").get(path).get_data(as_text=True)


def test_fairness_shows_shares_beside_offers(office: Office) -> None:
    turns(office, 5)
    page = office.visit("manager").page("/fairness")
    assert "The largest balance is 0.50 of a lead. The same partners with the same weights shared every lead" in page
    assert "All: 5 leads drawn by turns among 2 partners." in page
    assert "Nordhaven 2.50 3 +0.50 −0.50 It shared every lead." in page
    assert "Rival and Sons 2.50 2 −0.50 +0.50 It shared every lead." in page
    assert "No lead was drawn by turns" in office.visit("manager").page("/fairness?from=2025-01-01&to=2025-02-01")


def test_fairness_tells_a_used_turn_a_closed_gate_and_what_was_outside(office: Office) -> None:
    turns(office, 1)
    hold(office, office.partner)
    turns(office, 2)
    lead, _ = office.lead()
    office.do(lambda session: acts.assign(
        session, world.rep_of(session.get_one(Partner, office.rival)), lead, office.rival, "Knows them", NOON + HOUR
    ))  # fmt: skip
    page = office.visit("admin").page("/fairness?rotation=All")
    assert "No share of 2 leads (2 stopped or held)." in page
    assert "Outside the rotations" in page and "By hand Rival and Sons 1" in page


def test_coverage_opens_the_leads_of_each_number(office: Office) -> None:
    office.lead(company="Nobody Ltd", country="FR", product="Pro", budget=4000)
    office.lead(office.partner, company="Placed Ltd", country="FR", product="Pro")
    office.lead(office.partner, company="Other Ltd", country="DE", region="DE-BY")
    browser = office.visit("marketer")
    page = browser.page("/coverage")
    assert "1 of 3 leads found nobody; 1 of them still waits." in page
    assert "France Pro 2" in page and "4,000 No rule takes it 2 of 2" in page
    assert page.index("France Pro") < page.index("Germany None named")
    assert "Bayern, Germany" in browser.page("/coverage?by=region")
    assert "Germany None named" not in browser.page("/coverage?country=FR")
    assert "Nothing fits these filters" in browser.page("/coverage?country=FR&product=lite")
    assert "Germany" not in browser.page("/coverage?show=gaps").partition("First cause")[2]
    days = "from=2026-02-01&to=2026-03-02"
    rows = browser.page(f"/coverage/rows?{days}&place=FR&region=&product=pro")
    assert "Nobody Ltd" in rows and "Placed Ltd" in rows and "Other Ltd" not in rows
    assert "2 of 2 partners that cover it could take such a lead now: Nordhaven, Rival and Sons." in rows
    lost = browser.page(f"/coverage/rows?{days}&place=FR&region=&product=pro&which=nobody")
    assert "Nobody Ltd" in lost and "Placed Ltd" not in lost and "Why 1 found nobody: No rule takes it: 1." in lost
    assert browser.get("/coverage/rows?place=XX&product=none").status_code == 404
    assert "No leads in these days" in browser.page("/coverage?from=2025-01-01&to=2025-02-01")


def test_a_portfolio_reads_of_its_own_partners(office: Office) -> None:
    turns(office, 4)
    own = office.visit("own")
    assert "Rival" not in own.page("/fairness") and "Nordhaven 2.00 2" in own.page("/fairness")
    assert "0 of 2 leads found nobody" in own.page("/coverage")
    assert "Rival" not in own.page("/coverage/rows?from=2026-03-01&to=2026-03-02&place=DE&region=&product=")
    assert own.get(f"/partners/{office.rival}/why").status_code == 404
    page = own.page(f"/partners/{office.partner}/why?cause=due_first")
    assert "These leads are with partners outside your portfolio." in page


@pytest.mark.parametrize("path", PAGES)
def test_a_partner_reaches_none_of_it(office: Office, path: str) -> None:
    assert office.visit("rep").get(path.format(partner=office.partner)).status_code == 404


def test_a_marketer_sees_coverage_only(office: Office) -> None:
    marketer = office.visit("marketer")
    assert [marketer.get(path.format(partner=office.partner)).status_code for path in PAGES] == [404, 200, 200, 404]
    assert office.visit("admin").get("/standing/leads").status_code == 404


def test_ten_and_a_hundred_leads_cost_the_same_queries(office: Office) -> None:
    asked = [("manager", path.format(partner=office.partner)) for path in PAGES]
    asked += [
        ("manager", f"/partners/{office.partner}/why?cause=got"),
        ("rep", "/standing/leads"),
        ("rep", "/standing"),
    ]

    def queries() -> list[int]:
        found = []
        for who, path in asked:
            office.visit(who).get(path)
            with counted(office.app) as sent:
                office.visit(who).page(path)
            found.append(len(sent))
        return found

    turns(office, 10)
    few = queries()
    turns(office, 90)
    assert queries() == few and max(few) < 40

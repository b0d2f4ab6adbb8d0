"""The compliance board and the page of a partner: who sees what, the effect named, the deed done."""

import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.assignments import Obligation
from models.compliance import LedgerEntry
from models.partners import Partner
from portal.vocabulary import ObligationState
from tests.support import world
from tests.support.visits import counted, words
from tests.support.world import DAY, HOUR
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]

PAGES = (
    "/board",
    "/queue",
    "/leads",
    "/lead-definition",
    "/rules",
    "/policies",
    "/partners",
    "/people",
    "/people/keys",
    "/audit",
)
SEEN = {
    "admin": PAGES,
    "manager": ("/board", "/queue", "/leads", "/lead-definition"),
    "marketer": ("/leads", "/lead-definition"),
    "rep": (),
}


@pytest.mark.parametrize("who", SEEN)
def test_each_role_has_its_screens_and_no_others(office: Office, who: str) -> None:
    browser = office.visit(who)
    found = {path: browser.get(path).status_code for path in PAGES}
    assert found == {path: 200 if path in SEEN[who] else 404 for path in PAGES}


def test_the_board_puts_the_worst_first_and_counts_standings(office: Office) -> None:
    office.stop(office.rival)
    page = office.visit("manager").page("/board")
    assert page.index("Rival and Sons") < page.index("Nordhaven")
    assert "Stopped 1" in page and "Good 1" in page
    assert "0 of 3 too few" in page


def test_filters_stay_in_the_address(office: Office) -> None:
    browser = office.visit("manager")
    assert "Nordhaven" in browser.page("/board?tier=gold") and "Rival" not in browser.page("/board?tier=gold")
    assert "Rival" in browser.page("/board?q=riv") and "Nordhaven" not in browser.page("/board?q=riv")
    assert "No partner fits these filters" in browser.page("/board?standing=stopped")
    assert "Nordhaven" in browser.page("/board?standing=nonsense&page=x&q=%00")
    assert "No partner fits" in browser.page("/board?q=%25")


def test_a_portfolio_keeps_other_partners_out(office: Office) -> None:
    browser = office.visit("own")
    assert "Rival" not in browser.page("/board")
    for path in ("", "/ledger", "/hold", "/exempt", "/release", "/waive", "/extend"):
        assert browser.get(f"/partners/{office.rival}{path}").status_code == 404
    assert browser.post(f"/partners/{office.rival}/hold", reason="x", until="2026-04-01").status_code == 404
    assert browser.page(f"/partners/{office.partner}").startswith("Nordhaven")


def test_the_board_costs_the_same_for_many_partners(office: Office, app: Flask) -> None:
    browser = office.visit("manager")
    browser.page("/board")
    with counted(app) as few:
        browser.page("/board")

    def more(session: Session) -> None:
        for number in range(30):
            world.make_partner(session, f"Extra {number:02}")

    office.do(more)
    browser.page("/board")
    with counted(app) as many:
        assert "Extra 29" in browser.page("/board")
    assert len(many) == len(few)


def test_the_page_names_cause_and_way_back_of_a_stop(office: Office) -> None:
    office.stop(office.partner)
    page = office.visit("manager").page(f"/partners/{office.partner}")
    assert "Stopped because of 3 missed in a row" in page
    assert "Way back" in page and "Say you are ready for leads" in page
    assert "Good to stopped, missed several in a row" in page


def test_a_release_says_what_it_does_and_does_it(office: Office) -> None:
    office.stop(office.partner)
    browser, path = office.visit("manager"), f"/partners/{office.partner}/release"
    assert "Release Nordhaven: leads resume, on probation, at most 2 open." in browser.page(path)
    assert office.standing(office.partner) == "stopped"
    assert "Nordhaven is released: probation now." in browser.done(path, reason="Spoke to them")
    assert office.standing(office.partner) == "probation"


def test_a_hold_needs_a_reason_and_a_day_to_come(office: Office) -> None:
    browser, path = office.visit("manager"), f"/partners/{office.partner}/hold"
    answer = browser.post(path, reason=" ", until="2026-02-01")
    assert answer.status_code == 422
    assert "2 things to correct" in words(answer) and "Say why: it is kept." in words(answer)
    assert "Give today or a later day." in words(answer) and 'value="2026-02-01"' in answer.get_data(as_text=True)
    assert office.standing(office.partner) == "good"
    assert "Nordhaven is on hold until" in browser.done(path, reason="Holiday", until="2026-03-20")
    assert office.standing(office.partner) == "held"
    assert "Put on hold until" in browser.page(f"/partners/{office.partner}/ledger")


def test_the_last_day_counts_whole_in_the_readers_zone(office: Office) -> None:
    office.visit("manager").done(f"/partners/{office.partner}/exempt", reason="New team", until="2026-03-02")

    def until(session: Session) -> str:
        return str(session.get_one(Partner, office.partner).standing_until)

    assert office.do(until) == "2026-03-03 00:00:00+00:00"


def test_release_of_a_good_partner_is_refused_with_the_reason(office: Office) -> None:
    said = office.visit("manager").done(f"/partners/{office.partner}/release", reason="x")
    assert "Nordhaven is good: there is nothing to release." in said


def _owed(office: Office) -> list[str]:
    def read(session: Session) -> list[str]:
        rows = session.query(Obligation).filter_by(partner_id=office.partner).order_by(Obligation.due_at)
        return [row.id for row in rows if row.state in (ObligationState.OPEN, ObligationState.BREACHED)]

    return office.do(read)  # type: ignore[no-any-return]


def test_deadlines_are_extended_and_waived_in_bulk(office: Office) -> None:
    for _ in range(2):
        office.lead(office.partner)
    ids = _owed(office)
    browser, base = office.visit("manager"), f"/partners/{office.partner}"
    chosen = "&".join(f"ids={each}" for each in ids)
    assert "2 open deadlines of Nordhaven will be due at the time you give." in browser.page(f"{base}/extend?{chosen}")
    early = browser.post(f"{base}/extend", ids=ids, reason="Fair", due_at="2026-03-02T13:00")
    assert early.status_code == 422 and "later than the latest of them is due" in words(early)
    assert "2 deadlines extended" in browser.done(f"{base}/extend", ids=ids, reason="Fair", due_at="2026-03-20T17:00")
    assert "2 deadlines of Nordhaven will count nowhere." in browser.page(f"{base}/waive?{chosen}")
    assert "2 deadlines waived." in browser.done(f"{base}/waive", ids=ids, reason="Our mistake")
    # Both offers still stand, so their answers are asked for anew.
    assert len(anew := _owed(office)) == 2
    assert not set(anew) & set(ids)
    assert "Waived" in browser.page(f"{base}?list=ended")


def test_a_waiver_tells_what_becomes_of_the_standing(office: Office) -> None:
    office.lead(office.partner, at=NOON - 10 * DAY, accepted=True)
    ids = _owed(office)
    office.clock.move_to(NOON + 5 * DAY)
    page = office.visit("manager").page(f"/partners/{office.partner}/waive?" + "&".join(f"ids={each}" for each in ids))
    assert "overdue now" in page and "Its standing stays good." in page


def test_nothing_chosen_is_said_so(office: Office) -> None:
    browser, base = office.visit("manager"), f"/partners/{office.partner}"
    assert "Choose at least one deadline" in browser.done(f"{base}/waive", reason="x")
    office.lead(office.rival)
    foreign = office.do(lambda s: s.query(Obligation).filter_by(partner_id=office.rival).first().id)
    assert "Nothing was changed." in browser.done(f"{base}/waive", ids=[foreign], reason="x")
    assert office.do(lambda s: s.get_one(Obligation, foreign).state.value) == "open"


def test_the_page_costs_the_same_for_many_leads(office: Office, app: Flask) -> None:
    browser, path = office.visit("manager"), f"/partners/{office.partner}"
    office.lead(office.partner)
    browser.page(path)
    with counted(app) as few:
        browser.page(path)
    for _ in range(8):
        office.lead(office.partner)
    with counted(app) as many:
        assert len(re.findall("Answer the offer", browser.page(path))) >= 9
    assert len(many) == len(few)


def test_the_ledger_is_cut_into_pages(office: Office) -> None:
    def fill(session: Session) -> None:
        first = session.get_one(Partner, office.partner)
        for number in range(60):
            session.add(
                LedgerEntry(
                    partner_id=first.id,
                    at=NOON - number * HOUR,
                    recorded_at=NOON,
                    kind="waive",
                    reason=f"Line {number:02}",
                )
            )
        session.commit()

    office.do(fill)
    browser = office.visit("manager")
    assert "Whole ledger" in browser.page(f"/partners/{office.partner}")
    page = browser.page(f"/partners/{office.partner}/ledger")
    assert "Line 49" in page and "Line 50" not in page
    assert "Line 50" in browser.page(f"/partners/{office.partner}/ledger?page=2")

"""The compliance board and the page of a partner: who sees what, the effect named, the deed done."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.assignments import Obligation
from models.compliance import LedgerEntry
from models.partners import Partner
from models.session import unit
from portal.compliance.settle import settle
from portal.enforcement import acts
from portal.follow_up.service import Touch
from portal.vocabulary import ActivityKind, ActivityOutcome, ObligationState
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


def _at(office: Office, assignment: str, kind: str = "respond") -> Obligation:
    def read(session: Session) -> Obligation:
        return session.query(Obligation).filter_by(assignment_id=assignment, kind=kind).order_by(Obligation.id).first()

    return office.do(read)  # type: ignore[no-any-return]


def test_deadlines_of_several_partners_are_waived_on_the_board(office: Office) -> None:
    _, first = office.lead(office.partner, company="Ours AG")
    _, second = office.lead(office.rival, company="Theirs AG")
    _, spared = office.lead(office.rival, company="Spared AG")
    browser = office.visit("manager")
    assert "2 due in 7 days at Rival and Sons" in browser.page("/board")
    chosen = {"ids": [_at(office, second).id], "partners": [office.partner]}
    asked = words(browser.post("/board/waive", **chosen))
    assert "Waive 2 deadlines of 2 partners" in asked and "1 deadline of Nordhaven will count nowhere." in asked
    assert "An offer that still stands is asked for anew" in asked
    ids = [_at(office, first).id, _at(office, second).id]
    empty = browser.post("/board/waive", ids=ids, step="do", reason=" ")
    assert empty.status_code == 422 and "Say why: it is kept." in words(empty)
    assert _at(office, first).state is ObligationState.OPEN
    back = "/board?tier=gold"
    answer = browser.post("/board/waive", ids=ids, step="do", reason="Our mistake", next=back)
    assert answer.location == back and "2 deadlines of 2 partners waived." in browser.page(back)
    states = [_at(office, each).state.value for each in (first, second, spared)]
    assert states == ["waived", "waived", "open"]


def test_what_is_refused_on_the_board_is_told_and_the_rest_is_done(office: Office) -> None:
    _, first = office.lead(office.partner, company="Early AG")
    office.clock.move_to(NOON + 2 * HOUR)
    _, second = office.lead(office.rival, company="Late AG", at=NOON + 2 * HOUR)
    browser = office.visit("manager")
    ids = [_at(office, first).id, _at(office, second).id]

    def further(session: Session) -> None:
        row = session.get_one(Obligation, ids[1])
        row.due_at = row.grace_until = NOON + 30 * DAY
        session.commit()

    asked = words(browser.post("/board/extend", ids=ids))
    assert "2 deadlines of 2 partners will be due at the time you give. The latest of them is due" in asked
    office.do(further)
    page = words(browser.post("/board/extend", ids=ids, step="do", reason="Fair", due_at="2026-03-20T17:00"))
    assert "1 deadline of Nordhaven extended to Fri 20 Mar 17:00 UTC." in page
    assert "1 was refused and left as it was." in page
    assert "Rival and Sons Answer the offer Late AG Give an instant later than now" in page
    assert _at(office, first).due_at == NOON.replace(day=20, hour=17)
    assert _at(office, second).due_at == NOON + 30 * DAY


def late_feedback(office: Office) -> str:
    """A lead that was called in time, and whose feedback is late by now; its assignment."""
    _, held = office.lead(office.partner, at=NOON - 20 * DAY, accepted=True)

    def call(session: Session) -> None:
        rep = world.rep_of(session.get_one(Partner, office.partner))
        touch = Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
        acts.log(session, rep, held, touch, NOON - 20 * DAY + HOUR)
        unit(session, lambda: settle(session, office.partner, NOON))

    office.do(call)
    return held


def test_what_is_missed_cannot_be_extended_on_the_board(office: Office) -> None:
    held = late_feedback(office)
    late, browser = _at(office, held, "feedback"), office.visit("manager")
    assert late.state is ObligationState.BREACHED
    assert "What is missed can only be waived." in browser.done("/board/extend", ids=[late.id])
    _, other = office.lead(office.rival)
    page = words(browser.post("/board/extend", ids=[late.id, _at(office, other).id]))
    assert "1 missed is left out" in page and "Extend 1 deadline of Rival and Sons" in page


def test_nothing_ticked_on_the_board_is_said_so(office: Office) -> None:
    browser = office.visit("manager")
    browser.page("/board")
    for path in ("/board/waive", "/board/extend"):
        assert "Choose deadlines under a partner" in browser.done(path, ids=["x\x00"], partners=["nobody"])
        assert browser.get(path).location == "/board"


def test_the_board_acts_within_the_portfolio_alone(office: Office) -> None:
    _, foreign = office.lead(office.rival)
    browser = office.visit("own")
    browser.page("/board")
    chosen = {"ids": [_at(office, foreign).id], "partners": [office.rival]}
    assert "Choose deadlines" in browser.done("/board/waive", **chosen, step="do", reason="x")
    assert _at(office, foreign).state is ObligationState.OPEN
    for who in ("marketer", "rep"):
        assert office.visit(who).post("/board/waive", **chosen, step="do", reason="x").status_code == 404


def test_the_board_is_put_in_the_order_asked_for(office: Office) -> None:
    late_feedback(office)
    office.lead(office.rival)
    office.lead(office.rival)
    browser = office.visit("manager")

    def first(sort: str) -> str:
        page = browser.page(f"/board?sort={sort}")
        return "Nordhaven" if page.index("Nordhaven") < page.index("Rival") else "Rival"

    orders = {sort: first(sort) for sort in ("name", "overdue", "next", "kept", "open", "nonsense")}
    assert orders == {
        "name": "Nordhaven", "overdue": "Nordhaven", "next": "Nordhaven", "kept": "Nordhaven", "open": "Rival",
        "nonsense": "Nordhaven",
    }  # fmt: skip


def test_the_trend_is_what_was_kept_two_weeks_at_a_time(office: Office) -> None:
    office.lead(office.partner, at=NOON - 20 * DAY)
    office.lead(office.partner, at=NOON - 6 * DAY, accepted=True)
    office.do(lambda session: unit(session, lambda: settle(session, office.partner, NOON)))
    raw = office.visit("manager").get("/board").get_data(as_text=True)
    told = "nothing due, nothing due, nothing due, nothing due, 0 of 1, 1 of 1"
    assert f'aria-label="Kept of due, two weeks at a time, the oldest first: {told}"' in raw


def test_partners_are_found_by_name_tag_and_territory(office: Office) -> None:
    def build(session: Session) -> None:
        world.make_partner(session, "Alpenkraft", tags=["strategic"], territories=[{"country": "AT"}])
        bavaria = [{"country": "DE", "region": "Bavaria", "postcode_prefix": "80"}]
        world.make_partner(session, "Isarwerk", territories=bavaria)

    office.do(build)
    for path, who in (("/board", "manager"), ("/partners", "admin")):
        browser = office.visit(who)

        def found(text: str, path: str = path, browser: Any = browser) -> set[str]:
            page = browser.page(f"{path}?q={text}")
            return {name for name in ("Nordhaven", "Rival", "Alpenkraft", "Isarwerk") if name in page}

        assert found("strat") == {"Alpenkraft"} and found("at") == {"Alpenkraft"}
        assert found("bavar") == {"Isarwerk"} and found("80") == {"Isarwerk"} and found("de%20bav") == {"Isarwerk"}
        assert found("NORD") == {"Nordhaven"} and found("gold") == {"Nordhaven"}
        assert found("%25") == set()


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

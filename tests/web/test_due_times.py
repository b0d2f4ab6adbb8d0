"""Due times explained: to staff for any partner they see, to a partner admin for its own."""

from sqlalchemy.orm import Session

from models.calendars import VendorDay
from models.partners import Partner
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.compliance import policies
from portal.deadlines.presets import STRICT
from portal.vocabulary import Role
from tests.support import world
from tests.support.visits import Visitor
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]
FRIDAY = "start=2026-03-06T16:00"


def test_an_answer_is_worked_out_day_by_day(office: Office) -> None:
    page = office.visit("manager").page(f"/due-times?{FRIDAY}&calendar={office.partner}")
    assert "An offer made Fri 6 Mar 16:00 CET is due Tue 10 Mar 17:00 CET (Nordhaven's hours)." in page
    assert "Fri 6 Mar 16:00-17:00 Start" in page and "Tue 10 Mar 09:00-17:00 Day 2" in page
    assert "Sat 7 Mar Closed No opening hours" in page and "Open then." in page
    assert "Times in" in page and "Days are listed in Berlin time" in page


def test_without_a_question_it_answers_for_the_coming_friday(office: Office) -> None:
    page = office.visit("marketer").page("/due-times")
    assert "An offer made Fri 6 Mar 16:00 UTC is due Tue 10 Mar 17:00 UTC (default hours)." in page


def test_open_time_between_two_times(office: Office) -> None:
    browser = office.visit("manager")
    page = browser.page(f"/due-times?{FRIDAY}&end=2026-03-09T10:00&calendar={office.partner}")
    assert "From Fri 6 Mar 16:00 CET to Mon 9 Mar 10:00 CET: 2 h open, 66 h by the clock." in page
    assert "Mon 9 Mar 09:00-10:00 1 h" in page
    backwards = browser.get(f"/due-times?{FRIDAY}&end=2026-03-05T10:00")
    assert backwards.status_code == 422 and b"Give an end after the start" in backwards.data
    assert browser.get(f"/due-times?{FRIDAY}&end=2028-03-05T10:00").status_code == 422


def test_what_the_clocks_do_is_told(office: Office) -> None:
    browser = office.visit("manager")
    skipped = browser.page("/due-times?start=2026-03-29T02:30&zone=Europe/Berlin")
    assert "02:30 does not exist on that day: clocks go forward over it. It counts as 03:30." in skipped
    assert "Closed then; opens Mon 30 Mar 09:00 CEST." in skipped
    page = browser.page(f"/due-times?start=2026-03-27T16:00&calendar={office.partner}")
    assert "Clocks go forward 1 h" in page


def test_drafts_are_shown_to_admins_and_announced_policies_to_all(office: Office) -> None:
    draft = office.do(lambda s: unit(s, lambda: policies.draft(s, STRICT, "n", NOON, SYSTEM)).id)
    assert "within 15 business minutes" in office.visit("admin").page(f"/due-times?policy={draft}").lower()
    for who in ("manager", "marketer"):
        page = office.visit(who).page(f"/due-times?policy={draft}")
        assert "15 business minutes" not in page and "Draft" not in page
    later = NOON + world.DAY
    office.do(lambda s: unit(s, lambda: policies.publish(s, draft, later, NOON, SYSTEM)))
    assert "Within 15 business minutes" in office.visit("manager").page(f"/due-times?policy={draft}")


def test_a_manager_asks_for_partners_of_its_portfolio_only(office: Office) -> None:
    page = office.visit("own").page(f"/due-times?{FRIDAY}&calendar={office.rival}")
    assert "Rival and Sons" not in page and "(default hours)" in page
    assert "Rival and Sons's hours" in office.visit("manager").page(f"/due-times?{FRIDAY}&calendar={office.rival}")


def test_nonsense_in_the_address_is_answered(office: Office) -> None:
    browser = office.visit("manager")
    for question in (
        "start=x",
        "zone=Mars",
        "policy=none",
        "calendar=none",
        "start=0001-01-01T00:00",
        "end=9999-12-31T23:59",
    ):
        assert browser.get(f"/due-times?{question}").status_code in (200, 422)
    assert b"Give a year from 1990 to 2200." in browser.get("/due-times?start=9999-12-31T23:59").data


def _partner_admin(office: Office) -> Visitor:
    def build(session: Session) -> str:
        partner = session.get_one(Partner, office.partner)
        return world.make_user(session, Role.PARTNER_ADMIN, partner=partner, password=True).email

    return Visitor(office.app, office.do(build))


def test_a_partner_sees_its_own_and_nothing_of_others(office: Office) -> None:
    browser = _partner_admin(office)
    page = browser.page(f"/team/due-times?{FRIDAY}&calendar={office.rival}")
    assert "An offer made Fri 6 Mar 16:00 CET is due Tue 10 Mar 17:00 CET (your hours)." in page
    assert "Rival" not in page and "Whose hours" not in page
    assert "What is due when" in browser.page("/team")
    assert browser.get("/due-times").status_code == 404
    assert "(your hours)" in office.visit("rep").page("/team/due-times"), "who works by them may read them"
    for who in ("manager", "admin"):
        assert office.visit(who).get("/team/due-times").status_code == 404
    draft = office.do(lambda s: unit(s, lambda: policies.draft(s, STRICT, "n", NOON, SYSTEM)).id)
    assert "15 business minutes" not in browser.page(f"/team/due-times?policy={draft}")


def test_days_off_are_declared_and_withdrawn(office: Office) -> None:
    browser = office.visit("admin")
    assert "No day off is declared." in browser.page("/vendor-days")
    assert "Mon 9 Mar is a day off" in browser.done("/vendor-days", day="2026-03-09", name="Company day")
    page = browser.page(f"/due-times?{FRIDAY}")
    assert "Mon 9 Mar Closed Company day" in page and "is due Wed 11 Mar 17:00" in page
    again = browser.post("/vendor-days", day="2026-03-09", name="Company day")
    assert again.status_code == 422 and b"This day is declared already." in again.data
    nothing = browser.post("/vendor-days", day="", name="")
    assert nothing.status_code == 422 and b"Give the day, such as 2026-12-24." in nothing.data
    past = browser.post("/vendor-days", day="2026-03-01", name="x")
    assert past.status_code == 422 and b"Give today or a later day" in past.data
    row = office.do(lambda s: s.query(VendorDay).one().id)
    assert "Mon 9 Mar counts again" in browser.done(f"/vendor-days/{row}/withdraw")
    assert browser.post(f"/vendor-days/{row}/withdraw").status_code == 404

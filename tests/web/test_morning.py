"""The morning page: what needs whoever manages partners now, of their own partners only, each with its action."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.accounts import User
from models.assignments import Obligation
from models.base import new_id
from models.partners import Partner
from models.platform import Mail, Outbox
from models.session import unit
from portal.accounts.reach import address_bounced
from portal.clock import utc_now
from portal.compliance.queries import view_of
from portal.compliance.settle import settle
from portal.enforcement import acts
from portal.vocabulary import NoticeTopic, Standing
from portal.web.staff import morning_reading
from tests.support import world
from tests.support.visits import counted, within
from tests.support.world import DAY, HOUR, MINUTE
from tests.web.staff_scene import BEFORE, NOON, Office, office

__all__ = ["office"]


def due(office: Office, assignment: str, kind: str = "respond") -> Any:
    def read(session: Session) -> Any:
        return session.query(Obligation).filter_by(assignment_id=assignment, kind=kind).one().due_at

    return office.do(read)


def settled(office: Office, partner: str, at: datetime) -> None:
    def work(session: Session) -> None:
        unit(session, lambda: settle(session, partner, at))

    office.do(work)


def struck_twice(office: Office, partner: str, misses: int = 2) -> None:
    """Offers that went unanswered in a row, weeks ago."""
    for number in range(misses):
        office.lead(partner, at=BEFORE + number * MINUTE)
    settled(office, partner, BEFORE + 7 * DAY)


def near_a_stop(office: Office, partner: str, misses: int = 2) -> str:
    """Two answers missed in a row, weeks ago, and an offer whose answer is due tomorrow: the third miss stops it."""
    struck_twice(office, partner, misses)
    _, assignment = office.lead(partner, company="Third Strike")
    office.clock.move_to(due(office, assignment) - 24 * HOUR)
    return assignment


@pytest.mark.parametrize(
    ("who", "status"), [("admin", 200), ("manager", 200), ("own", 200), ("marketer", 404), ("rep", 404)]
)
def test_it_is_for_those_who_manage_partners(office: Office, who: str, status: int) -> None:
    assert office.visit(who).get("/morning").status_code == status


def test_their_day_begins_there(office: Office) -> None:
    for who in ("admin", "manager"):
        assert office.visit(who).get("/").location == "/morning"
    assert office.visit("marketer").get("/").location == "/leads"


def test_where_nothing_waits_it_says_what_would_appear(office: Office) -> None:
    page = office.visit("manager").page("/morning")
    assert "Nothing needs you now" in page and "All is quiet" in page
    assert "Good 2" in page and "Stopped 0" in page and "No deadline is late or due" in page


def test_a_partner_about_to_be_stopped_is_told_with_what_is_at_stake(office: Office) -> None:
    assignment = near_a_stop(office, office.partner)
    browser = office.visit("manager")
    raw, page = browser.get("/morning").get_data(as_text=True), browser.page("/morning")
    assert "About to be stopped 1" in page
    told = r"Nordhaven Stopped unless this is done in time: answer the offer \(Third Strike\)\. .* tomorrow"
    assert re.search(told, page)
    extend = re.search(rf'href="(/partners/{office.partner}/extend\?ids=[^"]+)"', raw)
    assert extend is not None and "Third Strike" in browser.page(extend[1])
    assert "Write to User" in page and 'href="mailto:user' in raw
    assert office.do(lambda s: s.query(Obligation).filter_by(assignment_id=assignment).one().state.value) == "open"


def test_a_stop_further_off_is_not_told_yet(office: Office) -> None:
    near_a_stop(office, office.partner)
    office.clock.shift(-timedelta(hours=25))
    assert "About to be stopped" not in office.visit("manager").page("/morning")


def test_one_miss_too_few_is_no_stop_to_come(office: Office) -> None:
    near_a_stop(office, office.partner, misses=1)
    assert "About to be stopped" not in office.visit("manager").page("/morning")


def test_what_is_forecast_together_is_what_each_partner_is_told(office: Office, app: Flask) -> None:
    """Reading many at once gives the forecast that the partner's own page gives."""
    near_a_stop(office, office.partner)
    near_a_stop(office, office.rival)

    def read(session: Session) -> None:
        now = utc_now()
        manager = world.actor_of(session, session.query(User).filter_by(email=office.manager).one())
        found = morning_reading.to_be_stopped(session, manager, now)
        assert {row.partner.id for row in found} == {office.partner, office.rival}
        for row in found:
            view = view_of(session, row.partner, now)
            assert row.fall == next(told for told in view.ahead if told.to is Standing.STOPPED)
            assert row.overdue == len(view.overdue)

    within(app, read)


def just_stopped(office: Office) -> None:
    """Three offers of Thursday that nobody answered by Monday 17:00, and one of Monday, taken back by the stop."""
    for number in range(3):
        office.lead(office.partner, at=NOON - 4 * DAY + number * MINUTE)
    office.lead(office.partner, company="Freed")
    office.clock.move_to(NOON + 6 * HOUR)
    settled(office, office.partner, NOON + 6 * HOUR)


def test_a_new_stop_is_told_for_a_day_with_its_cause(office: Office) -> None:
    just_stopped(office)
    assert office.standing(office.partner) == "stopped"
    browser = office.visit("manager")
    page = browser.page("/morning")
    assert "Newly stopped 1" in page and "Stopped because of 3 missed in a row." in page
    assert "1 offer taken back for others." in page
    assert "See what happened" in page and "Stopped 1" in page
    office.clock.move_to(NOON + 30 * HOUR)
    assert "Newly stopped" not in browser.page("/morning")


def test_a_stop_that_was_released_is_no_news(office: Office) -> None:
    just_stopped(office)
    browser = office.visit("manager")
    assert "Newly stopped" in browser.page("/morning")
    browser.done(f"/partners/{office.partner}/release", reason="Spoke to them")
    assert "Newly stopped" not in browser.page("/morning")


def test_an_offer_whose_answer_is_due_today_is_told(office: Office) -> None:
    _, assignment = office.lead(office.partner, company="Harbour Clinics")
    browser = office.visit("manager")
    assert "Offers without an answer" not in browser.page("/morning")
    office.clock.move_to(due(office, assignment) - HOUR)
    page = browser.page("/morning")
    assert "Offers without an answer 1" in page and "Harbour Clinics · grade C" in page
    assert "Nordhaven has the offer since" in page
    at = due(office, assignment) - HOUR

    def accept(session: Session) -> None:
        acts.accept(session, world.rep_of(session.get_one(Partner, office.partner)), assignment, at)

    office.do(accept)
    assert "Offers without an answer" not in browser.page("/morning")


def test_a_lead_that_nobody_got_is_told_with_the_reason(office: Office) -> None:
    lead, _ = office.lead(company="Sennhof", city="Appenzell")
    browser = office.visit("manager")
    raw, page = browser.get("/morning").get_data(as_text=True), browser.page("/morning")
    assert "1 thing needs you" in page and "Leads nobody got 1 Open the queue" in page
    assert "Sennhof, Appenzell · grade C No rule takes this lead." in page
    assert f'href="/leads/{lead}/assign"' in raw
    assert browser.get(f"/leads/{lead}/assign").status_code == 200


def bounce(office: Office, partner: str) -> str:
    def work(session: Session) -> str:
        user = session.query(User).filter_by(partner_id=partner).order_by(User.created_at, User.id).first()
        assert user is not None
        unit(session, lambda: address_bounced(session, user.id, user.email, NOON))
        return user.name

    return str(office.do(work))


def test_notices_that_do_not_arrive_are_told_with_the_way_to_mend_it(office: Office) -> None:
    name = bounce(office, office.rival)
    page = office.visit("manager").page("/morning")
    assert "Notices to Rival and Sons do not arrive" in page
    assert f"1 of 1 address takes no mail: {name}. No leads go there until one does." in page
    assert "See the people" in page
    raw = office.visit("admin").get("/morning").get_data(as_text=True)
    assert 'href="/people?q=Rival+and+Sons"' in raw
    assert "Notices to" not in office.visit("own").page("/morning")


def given_up(office: Office, email: str, address: str | None = None) -> None:
    def work(session: Session) -> None:
        user = session.query(User).filter_by(email=email).one()
        box = Outbox(
            id=new_id(), topic=NoticeTopic.OFFER, audience="user", user_id=user.id, created_at=NOON, state="posted"
        )
        session.add(box)
        session.flush()
        session.add(
            Mail(
                id=new_id(), outbox_id=box.id, user_id=user.id, address=address or email, message_id=f"<{box.id}@x>",
                subject="s", text="t", state="undeliverable", created_at=NOON, not_before=NOON,
            )
        )  # fmt: skip
        session.commit()

    office.do(work)


def test_a_mail_that_was_given_up_is_told_until_the_address_changes_or_a_week_has_passed(office: Office) -> None:
    browser = office.visit("manager")
    given_up(office, office.rep, "old@example.com")
    assert "Notices to" not in browser.page("/morning")
    given_up(office, office.rep)
    assert "1 of 2 addresses takes no mail: Ole Brandt." in browser.page("/morning")
    office.clock.move_to(NOON + 8 * DAY)
    assert "Notices to" not in browser.page("/morning")


def test_the_vendors_own_addresses_are_the_admins_matter(office: Office) -> None:
    given_up(office, office.marketer)
    assert "Notices to our own people do not arrive Lea Mark" in office.visit("admin").page("/morning")
    assert "Notices to" not in office.visit("manager").page("/morning")


def test_a_portfolio_hears_of_its_own_partners_only(office: Office) -> None:
    near_a_stop(office, office.rival)
    office.lead(office.rival, company="Secret Client")
    bounce(office, office.rival)
    page = office.visit("own").page("/morning")
    assert "Rival" not in page and "Third Strike" not in page and "Secret" not in page
    assert "your 1 partner" in page and "Good 1" in page
    assert "Rival and Sons" in office.visit("manager").page("/morning")


def test_what_is_due_is_counted_by_the_readers_day(office: Office) -> None:
    _, first = office.lead(office.partner)
    office.lead(office.rival)
    office.lead(office.partner, at=NOON - 12 * DAY, accepted=True)
    office.clock.move_to(due(office, first) - HOUR)
    page = office.visit("manager").page("/morning")
    assert "Day Deadlines Late 1 Today 3" in page
    assert "Day Deadlines Late 1 Today 2" in office.visit("own").page("/morning")


def test_many_rows_cost_as_many_queries_as_few(office: Office, app: Flask) -> None:
    """Two partners and a few rows; then twenty, each about to be stopped, with waiting leads and bounced mail."""
    near_a_stop(office, office.partner)
    office.lead()
    bounce(office, office.rival)
    now = utc_now()
    browser = office.visit("manager")
    browser.page("/morning")
    with counted(app) as few:
        assert "About to be stopped 1" in browser.page("/morning")

    def more(session: Session) -> list[str]:
        return [world.make_partner(session, f"Extra {n:02}", now=BEFORE, open_lead_cap=50).id for n in range(20)]

    for number, partner in enumerate(office.do(more)):
        struck_twice(office, partner)
        office.lead(partner)
        if number % 3 == 0:
            bounce(office, partner)
    for _ in range(10):
        office.lead()
    office.clock.move_to(now)
    browser.page("/morning")
    with counted(app) as many:
        page = browser.page("/morning")
    assert (
        "About to be stopped 21 All 21" in page
        and "Leads nobody got 53" in page
        and "Notices that do not arrive 8" in page
    )
    assert len(many) == len(few)

"""What would follow, before the deed; the next 48 hours; signals; a past period under another policy."""

import json
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from models.assignments import Activity, Assignment, Obligation
from models.compliance import Policy
from models.partners import Partner
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.compliance import policies as service
from portal.compliance.ahead import falls
from portal.compliance.settle import settle
from portal.compliance.signals_read import signals_of_all
from portal.deadlines.document import DEFAULT_POLICY
from portal.enforcement import acts
from portal.enforcement.blast import of_hold, of_policy
from portal.follow_up.service import Touch, Verdict
from portal.vocabulary import ActivityKind, ActivityOutcome, DeclineReason, Disposition, Standing
from tests.support import world
from tests.support.visits import counted, within
from tests.support.world import DAY, HOUR, MINUTE
from tests.web.staff_scene import BEFORE, NOON, Office, office

__all__ = ["office"]
STRICT = {**DEFAULT_POLICY, "ladder": {**DEFAULT_POLICY["ladder"], "breaches_in_a_row": 2}}


def draft(office: Office, body: dict[str, Any]) -> str:
    def build(session: Session) -> str:
        return unit(session, lambda: service.draft(session, body, "stricter", NOON, SYSTEM)).id

    return str(office.do(build))


def shared_offers(office: Office, count: int = 4, at: datetime = NOON) -> None:
    """Offers by turn to both partners."""
    office.rules(office.partner, office.rival, at=at)
    office.do(lambda session: [world.receive_lead(session, now=at) for _ in range(count)])


def missed_twice(office: Office, partner: str) -> None:
    for number in range(2):
        office.lead(partner, at=BEFORE + number * MINUTE)
    office.do(lambda session: unit(session, lambda: settle(session, partner, BEFORE + 7 * DAY)))


def test_a_hold_tells_who_takes_the_leads_before_the_button(office: Office) -> None:
    shared_offers(office)
    page = office.visit("manager").page(f"/partners/{office.partner}/hold")
    assert "Nordhaven had 2 offers in the last 28 days. As many would go elsewhere." in page
    assert "Rival and Sons 2 +2 4 of 200" in page
    assert office.standing(office.partner) == "good"


def test_whose_cap_breaks_is_said(office: Office) -> None:
    shared_offers(office)

    def tight(session: Session) -> None:
        session.get_one(Partner, office.rival).cap_now = 3
        session.commit()

    office.do(tight)
    page = office.visit("manager").page(f"/partners/{office.partner}/hold")
    assert "1 partner would be over the cap of open leads." in page and "4 of 3 Over its cap" in page


def test_offers_that_nobody_else_could_have_had_wait_and_hand_picked_ones_are_not_told(office: Office) -> None:
    office.lead(office.partner)
    lead, _ = office.lead()
    assign = lambda session: acts.assign(session, SYSTEM, lead, office.partner, "r", NOON + MINUTE)  # noqa: E731
    office.do(assign)
    page = office.visit("manager").page(f"/partners/{office.partner}/hold")
    assert "About 1 of them nobody else could have had" in page
    assert "1 offer came outside the rules' turn" in page and "Over its cap" not in page


def test_a_manager_learns_nothing_of_partners_outside_its_portfolio(office: Office) -> None:
    shared_offers(office)
    page = office.visit("own").page(f"/partners/{office.partner}/hold")
    assert "Partners outside your portfolio 2 +2" in page and "Rival" not in page
    assert office.visit("own").get(f"/partners/{office.rival}/hold").status_code == 404


def test_a_partner_without_offers_moves_nothing(office: Office) -> None:
    page = office.visit("manager").page(f"/partners/{office.partner}/hold")
    assert "Nordhaven had no offers in the last 28 days: nothing moves to others." in page


def test_a_stricter_policy_names_who_is_stopped_before_it_is_published(office: Office) -> None:
    missed_twice(office, office.partner)
    shared_offers(office, 2)
    page = office.visit("admin").page(f"/policies/{draft(office, STRICT)}")
    assert "Whose standing changes 1" in page and "Nordhaven Good Stopped" in page
    assert "1 offer without an answer goes to others at once." in page
    assert page.index("Whose standing changes") < page.index("Before you publish")
    assert office.standing(office.partner) == "good"


def test_what_it_tells_is_what_publishing_brings(office: Office) -> None:
    missed_twice(office, office.partner)
    shared_offers(office, 2)
    version = draft(office, STRICT)

    def told(session: Session) -> tuple[list[tuple[str, Standing]], int]:
        blast = of_policy(session, SYSTEM, service.checked(STRICT), NOON + HOUR)
        return [(each.partner.id, each.after) for each in blast.changes], blast.recalled

    changes, recalled = office.do(told)

    def publish(session: Session) -> tuple[list[tuple[str, Standing]], int]:
        unit(session, lambda: service.publish(session, version, None, NOON + HOUR, SYSTEM))
        freed = 0
        for id_ in (office.partner, office.rival):
            freed += len(unit(session, partial(settle, session, id_, NOON + HOUR + MINUTE)).freed_leads)
        after = [(id_, session.get_one(Partner, id_).standing) for id_ in (office.partner, office.rival)]
        return [each for each in after if each[1] is not Standing.GOOD], freed

    assert (changes, recalled) == office.do(publish) == ([(office.partner, Standing.STOPPED)], 1)


def test_a_policy_with_the_same_ladder_stops_nobody(office: Office) -> None:
    missed_twice(office, office.partner)
    same = {**DEFAULT_POLICY, "hand_overs": 2}
    assert "Whose standing changes" not in office.visit("admin").page(f"/policies/{draft(office, same)}")


def test_the_radius_costs_the_same_queries_for_10_and_100_offers(office: Office) -> None:
    def cost(count: int) -> int:
        shared_offers(office, count)

        def ask(session: Session) -> int:
            partner = session.get_one(Partner, office.partner)
            with counted(office.app) as queries:
                of_hold(session, SYSTEM, partner, NOON + HOUR)
            return len(queries)

        return int(office.do(ask))

    assert cost(10) == cost(90)


def soon(office: Office) -> Any:
    """Two answers missed weeks ago, and an offer due tomorrow: the third miss stops it."""
    missed_twice(office, office.partner)
    _, assignment = office.lead(office.partner, company="Third Strike")
    due = office.do(lambda session: session.query(Obligation).filter_by(assignment_id=assignment).one().due_at)
    office.clock.move_to(due - 24 * HOUR)
    return due


def test_the_next_48_hours_tell_who_comes_down_when_and_what_prevents_it(office: Office) -> None:
    soon(office)
    page = office.visit("manager").page("/ahead")
    assert "Nordhaven Good Stopped" in page
    assert "Stopped unless this is done in time:" in page and "(Third Strike)." in page
    assert "The next 48 h" in office.visit("manager").page("/morning")
    assert "Third Strike" in office.visit("own").page("/ahead")


def test_a_step_down_that_is_no_stop_is_told_there_and_not_on_morning(office: Office) -> None:
    stays = {"kind": "respond", "within": {"value": 1, "unit": "days", "clock": "business"},
             "on_breach": {"reassign": False, "notify": []}}  # fmt: skip
    office.do(lambda session: world.publish_policy(session, {"obligations": [stays]}, BEFORE))
    office.lead(office.partner, company="Late Ltd")
    page = office.visit("manager").page("/ahead")
    assert "Nordhaven Good Warned" in page and "Warned unless this is done in time" in page
    assert "About to be stopped" not in office.visit("manager").page("/morning")


def test_without_a_fall_it_says_what_would_appear(office: Office) -> None:
    assert "Nobody comes down in the next 48 hours" in office.visit("manager").page("/ahead")


def test_a_fall_later_than_48_hours_is_not_told_and_what_time_alone_brings_is(office: Office) -> None:
    due = soon(office)

    def at(moment: datetime) -> list[tuple[str, datetime]]:
        return list(office.do(lambda s: [(f.partner.id, f.told.at) for f in falls(s, SYSTEM, moment)]))

    assert at(due - 48 * HOUR) == [(office.partner, due)] and at(due - 49 * HOUR) == []
    office.do(lambda session: acts.hold(session, SYSTEM, office.rival, "r", NOON + 30 * DAY, NOON))
    missed_late = {**DEFAULT_POLICY, "ladder": {**DEFAULT_POLICY["ladder"], "breaches_in_a_row": 2}}

    def announce(session: Session) -> None:
        made = unit(session, lambda: service.draft(session, missed_late, "", NOON, SYSTEM))
        unit(session, lambda: service.publish(session, made.id, due - 30 * HOUR, NOON, SYSTEM))

    office.do(announce)
    [(who, when)] = at(due - 49 * HOUR)
    assert who == office.partner and when == due - 30 * HOUR


def test_they_are_for_those_who_manage_partners_and_a_what_if_for_admins(office: Office) -> None:
    what_if = f"/policies/{draft(office, STRICT)}/what-if"
    for who, managers, admins in (("admin", 200, 200), ("own", 200, 404), ("marketer", 404, 404), ("rep", 404, 404)):
        for path in ("/ahead", "/signals", f"/signals/{office.partner}"):
            assert office.visit(who).get(path).status_code == managers
        assert office.visit(who).get(what_if).status_code == admins


def back_dated(office: Office, count: int = 10) -> None:
    """Accepted leads, each with a call dated two days before it was logged and a copied note."""
    office.rules(office.partner, at=BEFORE)

    def build(session: Session) -> None:
        rep = world.rep_of(session.get_one(Partner, office.partner))
        for number in range(count):
            lead = world.receive_lead(session, now=BEFORE + number * MINUTE, company=f"Client {number}")
            held = world.assignment_of(session, lead)
            assert held is not None
            acts.accept(session, rep, held.id, BEFORE + HOUR)
            call = Touch(ActivityKind.CALL, ActivityOutcome.REACHED, occurred_at=BEFORE + 2 * HOUR, note="Same words")
            acts.log(session, rep, held.id, call, BEFORE + 50 * HOUR)

    office.do(build)


def test_signals_are_told_with_their_rows_to_staff_and_to_nobody_else(office: Office) -> None:
    back_dated(office)
    manager = office.visit("manager")
    morning = manager.page("/morning")
    assert "Worth a talk" in morning and "10 of 10 touches are dated more than a day" in morning
    assert "Back-dated touches" in manager.page("/signals")
    rows = manager.page(f"/signals/{office.partner}")
    assert "Client 3 Call, dated 2 days back" in rows and "“Same words”" in rows
    assert "Worth a talk" in manager.page(f"/partners/{office.partner}")
    assert office.standing(office.partner) == "good"
    for path in ("/work", "/standing", "/our-leads", "/team"):
        page = office.visit("rep").get(path).get_data(as_text=True)
        assert "Worth a talk" not in page and "dated more than a day" not in page


def test_another_portfolios_signals_are_not_there(office: Office) -> None:
    back_dated(office)
    office.do(lambda session: _move(session, office.partner, office.rival))
    assert "No signals" in office.visit("own").page("/signals")
    assert office.visit("own").get(f"/signals/{office.rival}").status_code == 404


def _move(session: Session, partner: str, rival: str) -> None:
    """What the first partner did was in truth its rival's."""
    for model in (Activity, Assignment, Obligation):
        session.query(model).filter_by(partner_id=partner).update({"partner_id": rival})
    session.commit()


def test_old_rows_and_small_samples_show_nothing(office: Office) -> None:
    back_dated(office, 5)
    assert "No signals" in office.visit("manager").page("/signals")
    back_dated(office, 10)
    assert office.do(lambda session: len(signals_of_all(session, SYSTEM, BEFORE + 60 * DAY))) == 1
    assert office.do(lambda session: signals_of_all(session, SYSTEM, BEFORE + 70 * DAY)) == {}


def test_verdicts_without_a_touch_and_late_declines_are_read_from_the_rows(office: Office) -> None:
    office.rules(office.partner, at=BEFORE)

    def build(session: Session) -> None:
        rep = world.rep_of(session.get_one(Partner, office.partner))
        for number in range(10):
            held = world.assignment_of(session, world.receive_lead(session, now=BEFORE + number * MINUTE))
            assert held is not None and held.respond_by is not None
            if number < 5:
                acts.accept(session, rep, held.id, BEFORE + HOUR)
                acts.feedback(session, rep, held.id, Verdict(1, Disposition.UNQUALIFIED), BEFORE + 2 * HOUR)
            else:
                acts.decline(session, rep, held.id, DeclineReason.OTHER, None, held.respond_by - MINUTE)

    office.do(build)
    page = office.visit("manager").page(f"/signals/{office.partner}")
    assert "5 of 5 declines came in the last tenth" in page
    assert "5 of 5 verdicts were given without a counted touch" in page


def test_signals_cost_the_same_queries_for_10_and_100_rows(office: Office) -> None:
    def cost() -> int:
        browser = office.visit("manager")
        with counted(office.app) as queries:
            browser.page("/signals")
            browser.page(f"/signals/{office.partner}")
            browser.page("/ahead")
        return len(queries)

    back_dated(office, 10)
    first = cost()
    back_dated(office, 60)
    assert cost() == first


def test_a_what_if_tells_what_would_have_been_otherwise(office: Office) -> None:
    _, held = office.lead(office.partner, at=BEFORE, company="Slow Answer")
    office.do(lambda s: acts.accept(s, world.rep_of(s.get_one(Partner, office.partner)), held, BEFORE + 32 * HOUR))
    quick = [{"kind": "respond", "within": {"value": 4, "unit": "hours", "clock": "business"}}]
    version = draft(office, {**DEFAULT_POLICY, "obligations": [*quick, *DEFAULT_POLICY["obligations"][1:]]})
    admin = office.visit("admin")
    start = admin.page(f"/policies/{version}/what-if")
    assert "Before and after" not in start and "What if policy 2 had ruled" in start
    period = f"first={BEFORE:%Y-%m-%d}&last={BEFORE + 3 * DAY:%Y-%m-%d}"
    page = admin.page(f"/policies/{version}/what-if?{period}")
    assert "For 1 partner it would have gone otherwise." in page and "Leads that would have moved on 1" in page
    assert "Slow Answer" in page and "1 without a difference" in page
    live = office.do(lambda session: session.query(Policy).filter_by(number=1).one().id)
    assert "would have ended as they did" in admin.page(f"/policies/{live}/what-if?{period}")
    assert office.do(lambda s: s.get_one(Assignment, held).state.value) == "accepted"


REFUSED = [
    ("first=x&last=2026-03-01", "Not a valid date"),
    ("first=2026-03-02&last=2026-03-01", "Give an end after the start."),
    ("first=2020-01-01&last=2026-03-01", "at most a year"),
    ("first=0001-01-01&last=2026-03-01", "Give a day"),
    ("first=2026-03-01", "Give a day"),
]


def test_a_period_that_cannot_be_replayed_is_refused_beside_its_field(office: Office) -> None:
    version = draft(office, STRICT)
    for query, sentence in REFUSED:
        answer = office.visit("admin").get(f"/policies/{version}/what-if?{query}")
        assert answer.status_code == 422 and sentence in answer.get_data(as_text=True)
    page = office.visit("admin").get(f"/policies/{version}").get_data(as_text=True)
    assert f"/policies/{version}/what-if" in page


def test_nothing_of_this_is_kept(app: Flask, office: Office) -> None:
    """Looking stores nothing: the whole of the policies and standings is the same after every page."""

    def state(session: Session) -> str:
        partners = [(p.id, p.standing.value, p.standing_state) for p in session.query(Partner).order_by(Partner.id)]
        return json.dumps([partners, [(v.number, v.state.value) for v in session.query(Policy)]])

    missed_twice(office, office.partner)
    version, before = draft(office, STRICT), None
    before = within(app, state)
    admin = office.visit("admin")
    for path in (f"/policies/{version}", f"/policies/{version}/what-if?first=2026-02-01&last=2026-03-01",
                 f"/partners/{office.partner}/hold", "/ahead", "/signals"):  # fmt: skip
        assert admin.get(path).status_code == 200
    assert within(app, state) == before

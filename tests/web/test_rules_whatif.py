"""What if, on screen: asked from a draft, seen on its way, read as before and after, cancelled, kept."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.allocation import RuleVersion
from models.base import new_id
from models.session import unit
from models.trials import Trial
from portal.accounts.actor import SYSTEM
from portal.allocation import drafts
from portal.allocation.replay import trials
from portal.vocabulary import TrialState
from tests.support import world
from tests.support.visits import counted
from tests.web.staff_scene import NOON, Office, office
from tests.web.test_rules import REST, draft_of

__all__ = ["office"]
DAYS = {"first": "2026-03-01", "last": "2026-03-02"}
OTHERS = ("rep", "marketer", "manager", "own")


def to(partner: str) -> dict[str, Any]:
    return {"name": "All", "strategy": {"kind": "named", "partner": partner}, "then": "queue"}


def with_leads(office: Office, count: int = 4) -> str:
    """Leads that took turns, and a draft that gives all to the rival; its id."""

    def build(session: Session) -> None:
        world.publish_rules(session, REST, now=NOON)
        for _ in range(count):
            world.receive_lead(session, now=NOON, product="Valves")

    office.do(build)
    office.clock.shift(timedelta(hours=1))
    return draft_of(office, to(office.rival))


def asked(office: Office, version_id: str, **days: str) -> str:
    """Asked by the form; the address of its page."""
    answer = office.visit("admin").post(f"/rules/{version_id}/what-if", **{**DAYS, **days})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return str(answer.location)


def carried_out(office: Office, address: str) -> TrialState | None:
    trial_id, now = address.rpartition("/")[2], NOON + timedelta(hours=1)
    return office.do(lambda session: trials.carry_out(session, trial_id, "me", lambda: now))  # type: ignore[no-any-return]


def test_a_draft_is_asked_and_its_answer_read(office: Office) -> None:
    browser, draft = office.visit("admin"), with_leads(office)
    page = browser.page(f"/rules/{draft}/what-if")
    assert "What if: draft 2" in page
    assert "Nothing was asked of this version yet" in page
    assert 'value="2025-12-03"' in browser.get(f"/rules/{draft}/what-if").get_data(as_text=True)
    address = asked(office, draft)
    waiting = browser.get(address).get_data(as_text=True)
    assert "It waits for its turn" in waiting
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in waiting
    assert carried_out(office, address) is TrialState.DONE
    page = browser.page(address)
    assert "4 leads replayed: 2 end elsewhere, 0 find nobody (as before)." in page
    assert "Nordhaven 2 0 −2 50 % → 0 %" in page
    assert "Rival and Sons 2 4 +2 50 % → 100 %" in page
    assert "Every lead finds somebody" in page
    assert "Every place is covered" in page
    assert f"/rules/{draft}#publish" in browser.get(address).get_data(as_text=True)
    assert "refresh" not in browser.get(address).get_data(as_text=True)
    line = "4 leads replayed, 2 elsewhere, 0 find nobody"
    assert line in browser.page(f"/rules/{draft}/what-if")
    assert line in browser.page("/rules/what-if")
    assert line in browser.page(f"/rules/{draft}")


def test_leads_that_find_nobody_are_named_with_the_reason(office: Office) -> None:
    with_leads(office, 2)
    only = {"all": [{"field": "product", "op": "eq", "value": "Pumps"}]}
    draft = draft_of(office, {**REST, "when": only})
    address = asked(office, draft)
    carried_out(office, address)
    page = office.visit("admin").page(address)
    assert "2 leads replayed: 2 end elsewhere, 2 find nobody (0 did)." in page
    assert "No rule takes it 0 2" in page
    assert "The leads, 2 of them somebody's until now" in page
    assert "DE Valves No rule takes it 0 2" in page


def test_a_draft_that_changed_since_is_told(office: Office) -> None:
    draft = with_leads(office)
    address = asked(office, draft)
    carried_out(office, address)
    office.do(lambda s: unit(s, lambda: drafts.revise(s, draft, 2, [to(office.partner)], NOON, SYSTEM)))
    assert "The draft has changed since" in office.visit("admin").page(address)
    assert "4 leads replayed" not in office.visit("admin").page(f"/rules/{draft}")
    office.do(lambda s: unit(s, lambda: drafts.discard(s, draft, 3, NOON, SYSTEM)))
    page = office.visit("admin").page(address)
    assert "The draft was discarded since." in page
    assert "Rival and Sons 2 4 +2" in page


def test_the_live_version_is_the_past_as_it_was(office: Office) -> None:
    with_leads(office)
    live = office.do(lambda s: s.scalars(select(RuleVersion.id).where(RuleVersion.published_at.is_not(None))).one())
    address = asked(office, live)
    carried_out(office, address)
    page = office.visit("admin").page(address)
    assert "By what was live at each moment" in page
    assert "4 leads replayed: each ends where it did." in page
    assert f"/rules/{live}#publish" not in office.visit("admin").get(address).get_data(as_text=True)


def test_one_that_is_under_way_tells_how_far_and_can_be_cancelled(office: Office) -> None:
    address = asked(office, with_leads(office))
    trial_id = address.rpartition("/")[2]

    def on_its_way(session: Session) -> None:
        found = session.get_one(Trial, trial_id)
        found.state, found.done, found.whole = TrialState.RUNNING, 2, 8

    office.do(lambda session: unit(session, lambda: on_its_way(session)))
    browser = office.visit("admin")
    assert "25 % of the way" in browser.page(address)
    assert "Running" in browser.page("/rules/what-if")
    page = browser.done(f"{address}/cancel")
    assert "The what-if is cancelled." in page
    assert "This what-if was cancelled" in page
    assert "This what-if has ended already." in browser.done(f"{address}/cancel")


def test_one_that_came_to_no_end_says_why(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("the file is gone")

    address = asked(office, with_leads(office))
    monkeypatch.setattr(trials, "run", broken)
    assert carried_out(office, address) is TrialState.BROKEN
    assert "RuntimeError: the file is gone" in office.visit("admin").page(address)


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ({"first": "2026-03-03"}, "Begin in the past, and before the period ends."),
        ({"first": "2026-02-02", "last": "2026-02-01"}, "Begin in the past, and before the period ends."),
        ({"first": "2020-01-01"}, "Take at most 731 days."),
        ({"first": ""}, "Give a day, such as 2026-03-01."),
        ({"last": "soon"}, "Not a valid date value"),
        ({"last": "9999-12-31"}, "Give a day, such as 2026-03-01."),
        ({"first": "0001-01-01"}, "Give a day, such as 2026-03-01."),
    ],
)
def test_days_that_cannot_be_replayed(office: Office, days: dict[str, str], sentence: str) -> None:
    draft = with_leads(office, 0)
    answer = office.visit("admin").post(f"/rules/{draft}/what-if", **{**DAYS, **days})
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert office.do(lambda session: session.scalars(select(Trial)).all()) == []


def test_a_draft_that_cannot_be_published_cannot_be_asked(office: Office) -> None:
    draft = with_leads(office, 0)

    def spoil(session: Session) -> None:
        session.get_one(RuleVersion, draft).rules = [to(new_id())]

    office.do(lambda session: unit(session, lambda: spoil(session)))
    assert "These rules cannot be tried as they stand" in office.visit("admin").page(f"/rules/{draft}/what-if")
    answer = office.visit("admin").post(f"/rules/{draft}/what-if", **DAYS)
    assert answer.status_code == 422
    assert office.do(lambda session: session.scalars(select(Trial)).all()) == []


def test_days_without_leads_and_no_what_ifs_yet(office: Office) -> None:
    browser, draft = office.visit("admin"), with_leads(office, 0)
    assert "No what-if was asked yet" in browser.page("/rules/what-if")
    address = asked(office, draft, first="2026-01-01", last="2026-01-05")
    carried_out(office, address)
    page = browser.page(address)
    assert "No lead came in these days" in page
    assert "1 Jan to 5 Jan" in page


def test_too_many_at_once_are_refused_in_words(office: Office) -> None:
    draft = with_leads(office, 0)
    for _ in range(trials.MOST_UNDER_WAY):
        asked(office, draft)
    assert "5 what-ifs are under way." in office.visit("admin").done(f"/rules/{draft}/what-if", **DAYS)


@pytest.mark.parametrize("who", OTHERS)
def test_for_others_there_is_no_such_page(office: Office, who: str) -> None:
    draft = with_leads(office, 0)
    address, browser = asked(office, draft), office.visit(who)
    for path in ("/rules/what-if", f"/rules/{draft}/what-if", address):
        assert browser.get(path).status_code == 404
    assert browser.post(f"/rules/{draft}/what-if", **DAYS).status_code == 404
    assert browser.post(f"{address}/cancel").status_code == 404
    assert office.visit("admin").get(f"/rules/what-if/{new_id()}").status_code == 404
    assert office.visit("admin").get(f"/rules/{new_id()}/what-if").status_code == 404


def test_ten_and_fifty_cost_the_same(office: Office) -> None:
    draft, browser = with_leads(office, 1), office.visit("admin")
    address, costs = asked(office, draft), []
    carried_out(office, address)

    def more(session: Session, count: int) -> None:
        done = session.get_one(Trial, address.rpartition("/")[2])
        names = [c.key for c in Trial.__table__.columns if c.key != "id"]
        session.add_all(Trial(id=new_id(), **{name: getattr(done, name) for name in names}) for _ in range(count))

    for count in (10, 40):
        office.do(lambda session, count=count: unit(session, lambda: more(session, count)))
        with counted(office.app) as sent:
            assert browser.get("/rules/what-if").status_code == 200
            assert browser.get(f"/rules/{draft}/what-if").status_code == 200
        costs.append(len(sent))
    assert costs[0] == costs[1]

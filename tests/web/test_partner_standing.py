"""Our standing: where we are, the way back and its button, what pulled us down, what happened."""

import copy

import pytest
from sqlalchemy.orm import Session

from portal.deadlines.document import DEFAULT_POLICY
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.vocabulary import Role
from tests.support import world
from tests.support.world import DAY, HOUR, MONDAY
from tests.web.partner_scene import LEAD, NOON, SECRETS, Scene, scene

__all__ = ["scene"]


def lenient(scene: Scene) -> None:
    """A policy under which a missed answer or first contact stays with the partner, overdue."""
    body = copy.deepcopy(DEFAULT_POLICY)
    for entry in body["obligations"]:
        entry["on_breach"]["reassign"] = False
    scene.do(lambda session: world.publish_policy(session, body, now=MONDAY))


def test_a_fresh_partner_is_good_and_owes_nothing(scene: Scene) -> None:
    page = scene.visit().page("/standing")
    assert "You are in good standing. New leads come at full share." in page
    assert "You are here Good" in page
    assert "Nothing is overdue." in page
    assert "Nothing counts against you." in page
    assert "Nothing has changed yet." in page


def test_the_rung_to_come_is_pinned(scene: Scene) -> None:
    for _ in range(3):
        scene.lead()
    page = scene.visit().page("/standing")
    assert "You are here Good" in page
    assert "Next, if 3 more are missed Stopped" in page
    assert "Miss all 3 of these by Wed 4 Mar 17:00 CET and you will be stopped." in page


def test_what_is_overdue_is_named_with_its_button(scene: Scene) -> None:
    lenient(scene)
    lead, assignment = scene.lead(accepted=True, **LEAD)
    scene.clock.move_to(NOON + 8 * DAY)
    scene.do(lambda session: sweep(session, NOON + 8 * DAY))
    visitor = scene.visit()
    html = visitor.get("/standing").get_data(as_text=True)
    assert f'href="/work?open={assignment}&amp;form=log#row-{assignment}"' in html
    assert f'href="/leads/{lead}"' in html
    page = visitor.page("/standing")
    assert "You are here Warned" in page
    assert "1 Call or write to Halvorsen Logistik AG" in page
    assert "Halvorsen Logistik AG First contact Mon 9 Mar 17:00 CET Overdue, 19 h late" in page
    assert "Good to Warned" in page
    assert "First contact 0 of 1" in page
    strip = visitor.page("/work")
    assert "1 is overdue." in strip
    assert "See our standing" in strip


def stopped_by_row(scene: Scene) -> None:
    """Three offers missed: the leads moved on, so nothing is overdue and the stop is one by row."""
    for _ in range(3):
        scene.lead(**{**LEAD, "email": f"{_}@halvorsen.example.com", "phone": None})
    scene.clock.move_to(NOON + 3 * DAY)
    scene.do(lambda session: sweep(session, NOON + 3 * DAY))


def test_a_stopped_partner_says_it_is_ready(scene: Scene) -> None:
    stopped_by_row(scene)
    visitor = scene.visit("rep")
    work = visitor.page("/work")
    assert "You are stopped: no new leads. Leads resume" in work
    assert "We are ready" in work
    page = visitor.page("/standing")
    assert "You are here Stopped" in page
    assert "A lead that has moved on Answer the offer Wed 4 Mar 17:00 CET Missed; the lead moved on" in page
    assert not [secret for secret in SECRETS if secret in page]
    said = visitor.done("/standing/ready")
    assert "Noted: you are ready. Leads resume" in said
    assert "We said we are ready. By Ole Brandt." in said
    assert "We are ready" not in visitor.page("/work")


def test_who_is_not_stopped_has_nothing_to_confirm(scene: Scene) -> None:
    visitor = scene.visit()
    visitor.get("/standing")
    assert "Your leads are not stopped: there is nothing to confirm." in visitor.done("/standing/ready")


def test_a_hold_is_shown_with_its_end_and_reason(scene: Scene) -> None:
    def hold(session: Session) -> None:
        manager = world.actor_of(session, world.make_user(session, Role.CHANNEL_MANAGER, name="Tom Hold"))
        acts.hold(session, manager, scene.partner, "Contract is being renewed", NOON + 20 * DAY, NOON)

    scene.do(hold)
    scene.clock.move_to(NOON + HOUR)
    page = scene.visit().page("/standing")
    assert "Your leads are on hold until Sun 22 Mar 12:00 CET: no new leads." in page
    assert "New leads put on hold, until Sun 22 Mar 12:00 CET. Contract is being renewed By Tom Hold." in page


def test_a_rival_reads_nothing_of_it(scene: Scene) -> None:
    lenient(scene)
    scene.lead(accepted=True, **LEAD)
    scene.do(lambda session: sweep(session, NOON + 8 * DAY))
    scene.clock.move_to(NOON + 8 * DAY)
    page = scene.visit("rival_rep").page("/standing")
    assert "Nothing counts against you." in page
    assert "Halvorsen" not in page


@pytest.mark.parametrize("count", [45])
def test_a_long_history_has_pages(scene: Scene, count: int) -> None:
    def many(session: Session) -> None:
        manager = world.actor_of(session, world.make_user(session, Role.CHANNEL_MANAGER))
        for n in range(count):
            acts.exempt(session, manager, scene.partner, f"Reason-{n:02}", NOON + 20 * DAY, NOON + n * world.MINUTE)

    scene.do(many)
    scene.clock.move_to(NOON + HOUR)
    visitor, path, seen = scene.visit(), "/standing", []
    for _ in range(4):
        html = visitor.get(path).get_data(as_text=True)
        seen += [n for n in range(count) if f"Reason-{n:02}" in html]
        before, found, _rest = html.partition('rel="next"')
        if not found:
            break
        path = before.rpartition('href="')[2].partition('"')[0].partition("#")[0]
    assert sorted(seen) == list(range(count))

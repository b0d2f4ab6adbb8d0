"""My work: what is owed, by when; accept, decline, log and feedback without leaving the list."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from models.assignments import Activity, Assignment, Feedback
from portal.vocabulary import ObligationState
from portal.web.partner.reading import Work, grouped
from tests.support import world
from tests.support.visits import counted, words
from tests.support.world import DAY, HOUR, MINUTE
from tests.web.partner_scene import LEAD, NOON, SECRETS, Scene, scene

__all__ = ["scene"]


def test_an_empty_list_says_what_will_appear(scene: Scene) -> None:
    page = scene.visit().page("/work")
    assert "Nothing is due." in page
    assert "You are in good standing." in page


def test_an_offer_hides_who_it_is_on_every_screen(scene: Scene) -> None:
    lead, assignment = scene.lead(**LEAD)
    visitor = scene.visit()
    for path in (
        "/work",
        f"/work?open={assignment}&form=decline",
        "/our-leads",
        f"/leads/{lead}",
        "/standing",
        "/pool",
    ):
        answer = visitor.get(path)
        assert answer.status_code == 200
        text = answer.get_data(as_text=True)
        assert not [secret for secret in SECRETS if secret in text], path
    row = visitor.page("/work")
    assert "Tidewell Backup, 250–499 people" in row
    assert "Hamburg, DE · name shown once accepted" in row


def test_accepting_shows_who_it_is_and_what_is_owed_next(scene: Scene) -> None:
    lead, assignment = scene.lead(**LEAD)
    visitor = scene.visit("rep")
    visitor.get("/work")
    page = visitor.done(f"/work/{assignment}/accept")
    assert "Accepted. First contact by Mon 9 Mar 17:00 CET." in page
    assert "Halvorsen Logistik AG" in page
    html = visitor.get(f"/leads/{lead}").get_data(as_text=True)
    assert 'href="tel:+494066969412"' in html
    assert 'href="mailto:birgit@halvorsen.example.com"' in html


def test_accepting_twice_changes_nothing(scene: Scene) -> None:
    _, assignment = scene.lead()
    visitor = scene.visit()
    visitor.get("/work")
    visitor.done(f"/work/{assignment}/accept")
    assert "Accepted." in visitor.done(f"/work/{assignment}/accept")
    assert scene.state(assignment) == "accepted"


def test_declining_asks_why_and_keeps_what_was_typed(scene: Scene) -> None:
    _, assignment = scene.lead()
    visitor = scene.visit()
    assert "No capacity now" in visitor.page(f"/work?open={assignment}&form=decline")
    answer = visitor.post(f"/work/{assignment}/decline", note="Too far away")
    assert answer.status_code == 422
    assert "Say why you decline" in words(answer)
    assert "Too far away" in answer.get_data(as_text=True)
    page = visitor.done(f"/work/{assignment}/decline", reason="wrong_territory", note="Too far away")
    assert "Declined. The lead goes to someone else." in page
    assert scene.state(assignment) == "declined"


def test_a_touch_takes_two_choices_and_a_save(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    form = visitor.get(f"/work?open={assignment}&form=log").get_data(as_text=True)
    assert "checked" not in form
    page = visitor.done(f"/work/{assignment}/log", kind="call", outcome="reached", next_step="0")
    assert "Counts as first contact." in page
    again = visitor.done(f"/work/{assignment}/log", kind="call", outcome="reached", next_step="0")
    assert "Does not count: the last call was logged less than 5 minutes before." in again


def test_a_touch_keeps_its_note_and_next_step(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    visitor.done(f"/work/{assignment}/log", kind="email", outcome="replied", next_step="2", note="Wants a test first")
    found = scene.do(lambda s: s.query(Activity).filter_by(assignment_id=assignment).one())
    assert (found.note, found.actor_name) == ("Wants a test first", "Jana Petersen")
    page = visitor.page(f"/leads/{lead}")
    assert "Wants a test first" in page
    assert "Next step by Wed 4 Mar 17:00 CET." in page


def test_a_note_needs_no_outcome_and_does_not_count(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    page = visitor.done(f"/work/{assignment}/log", kind="note", note="Old account")
    assert "a note is kept, but it does not reach the customer" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"outcome": "reached"}, "Say what you did."),
        ({"kind": "call"}, "Say how it went."),
        ({"kind": "telepathy", "outcome": "reached"}, "Say what you did."),
        ({"kind": "call", "outcome": "reached", "note": "x" * 10_001}, "Use at most 10,000 characters."),
    ],
)
def test_a_touch_that_says_too_little_or_too_much_is_asked_again(
    scene: Scene, fields: dict[str, str], sentence: str
) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    answer = visitor.post(f"/work/{assignment}/log", next_step="0", **fields)
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert scene.do(lambda s: s.query(Activity).count()) == 0


def test_a_touch_is_taken_back_within_a_minute(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit("rep")
    visitor.get("/work")
    html = visitor.get(visitor.post(f"/work/{assignment}/log", kind="call", outcome="reached").location)
    ids = hidden(html.get_data(as_text=True))
    assert f'action="/work/{assignment}/undo"' in html.get_data(as_text=True)
    page = visitor.done(f"/work/{assignment}/undo", **ids)
    assert "Taken back. First contact by Mon 9 Mar 17:00 CET." in page
    assert "Undo" not in page
    assert "Call: reached. By Ole Brandt. taken back" in visitor.page(f"/leads/{lead}")
    assert "taken back already" in visitor.done(f"/work/{assignment}/undo", **ids)


def test_after_a_minute_it_stays_and_says_so(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    answer = visitor.post(f"/work/{assignment}/feedback", rating="2", disposition="lost")
    ids = hidden(visitor.get(answer.location).get_data(as_text=True))
    scene.clock.shift(timedelta(seconds=125))
    page = visitor.done(f"/work/{assignment}/undo", **ids)
    assert "More than a minute has passed: this stays. Record what is right beside it." in page
    assert scene.state(assignment) == "closed"


def test_undo_returns_to_the_page_it_was_asked_on_and_to_no_other_site(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get(f"/leads/{lead}")
    for back, landed in ((None, f"/leads/{lead}"), ("https://evil.example", "/work")):
        answer = visitor.post(f"/leads/{lead}/log", kind="email", outcome="other")
        ids = hidden(visitor.get(answer.location).get_data(as_text=True))
        answer = visitor.post(f"/work/{assignment}/undo", **{**ids, **({"next": back} if back else {})})
        assert answer.location == landed


def test_an_accept_and_a_decline_offer_no_undo(scene: Scene) -> None:
    (_, one), (_, two) = scene.lead(), scene.lead()
    visitor = scene.visit()
    assert "a decline cannot be taken back" in visitor.page(f"/work?open={two}&form=decline")
    assert "Undo" not in visitor.done(f"/work/{one}/accept")
    assert "Undo" not in visitor.done(f"/work/{two}/decline", reason="other")


def test_anothers_touch_is_not_taken_back(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor, rival = scene.visit(), scene.visit("rival_rep")
    visitor.get("/work")
    answer = visitor.post(f"/work/{assignment}/log", kind="call", outcome="reached")
    ids = hidden(visitor.get(answer.location).get_data(as_text=True))
    _, theirs = scene.lead(holder=scene.rival, accepted=True)
    rival.get("/work")
    assert rival.post(f"/work/{assignment}/undo", **ids).status_code == 404
    assert rival.post(f"/work/{theirs}/undo", **ids).status_code == 404
    assert visitor.post(f"/work/{assignment}/undo").status_code == 404
    assert scene.do(lambda s: s.query(Activity).one().counted)


def test_who_was_reached_is_judged_in_the_same_form(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    assert "Feedback is due too. Where somebody was reached" in visitor.page(f"/work?open={assignment}&form=log")
    fields = {"kind": "call", "outcome": "reached", "rating": "4", "disposition": "working"}
    answer = visitor.post(f"/work/{assignment}/log", **fields)
    html = visitor.get(answer.location)
    assert "Counts as first contact." in words(html)
    assert "Feedback given. Feedback again by" in words(html)
    assert scene.do(lambda s: (s.query(Activity).count(), s.query(Feedback).one().rating)) == (1, 4)
    page = visitor.done(f"/work/{assignment}/undo", **hidden(html.get_data(as_text=True)))
    assert "Taken back. First contact by" in page
    assert scene.do(lambda s: s.query(Feedback).one().taken_back_at) is not None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [({"rating": "4"}, "Say where it stands."), ({"disposition": "lost"}, "Rate the lead from 1 to 5.")],
)
def test_half_a_verdict_is_asked_for_whole(scene: Scene, fields: dict[str, str], sentence: str) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    answer = visitor.post(f"/work/{assignment}/log", kind="call", outcome="reached", **fields)
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert scene.do(lambda s: (s.query(Activity).count(), s.query(Feedback).count())) == (0, 0)


def test_who_was_not_reached_is_not_judged(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    fields = {"kind": "call", "outcome": "no_answer", "rating": "4", "disposition": "lost"}
    visitor.done(f"/work/{assignment}/log", **fields)
    assert scene.do(lambda s: (s.query(Activity).count(), s.query(Feedback).count())) == (1, 0)
    assert scene.state(assignment) == "accepted"


def test_the_next_step_is_the_policys(scene: Scene) -> None:
    touches = {"kind": "next_touch", "within": {"value": 3, "unit": "days", "clock": "business"}, "touches": 2}
    respond = {"kind": "respond", "within": {"value": 2, "unit": "days", "clock": "business"}}
    contact = {"kind": "first_contact", "within": {"value": 2, "unit": "days", "clock": "business"}}
    body = {"obligations": [respond, contact, touches], "ladder": {}}
    scene.do(lambda s: world.publish_policy(s, body, NOON - HOUR))
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    html = visitor.get(f"/work?open={assignment}&form=log").get_data(as_text=True)
    assert '<option selected value="due">When due: Thu 5 Mar 17:00 CET</option>' in html
    fields = {"kind": "call", "outcome": "reached", "next_step": "due"}
    assert "next touch by Thu 5 Mar 17:00 CET." in visitor.done(f"/work/{assignment}/log", **fields)
    assert scene.do(lambda s: s.query(Activity).one().next_step_at) == datetime(2026, 3, 5, 16, 0, tzinfo=UTC)
    last = visitor.get(f"/work?open={assignment}&form=log").get_data(as_text=True)
    assert "When due" not in last, "after the second there is no third"


def test_what_is_due_later_stays_unfolded_while_rows_open(scene: Scene) -> None:
    held = [scene.lead(accepted=True)[1] for _ in range(7)]
    visitor = scene.visit()
    assert "later=1" in visitor.get("/work").get_data(as_text=True)
    html = visitor.get("/work?later=1").get_data(as_text=True)
    assert f"/work?later=1&amp;open={held[6]}&amp;form=log#row-{held[6]}" in html
    form = visitor.get(f"/work?later=1&open={held[6]}&form=log").get_data(as_text=True)
    assert f'action="/work/{held[6]}/log?later=1"' in form
    answer = visitor.post(f"/work/{held[6]}/log?later=1", kind="call", outcome="reached")
    assert answer.location == "/work?later=1"
    assert f'data-row="{held[6]}"' in visitor.get(f"/work?open={held[6]}&form=feedback").get_data(as_text=True)


def test_a_form_that_a_row_does_not_take_is_not_opened(scene: Scene) -> None:
    (_, offer), (_, held) = scene.lead(), scene.lead(accepted=True)
    visitor = scene.visit()
    for address in (f"open={offer}&form=log", f"open={held}&form=decline", f"open={held}&form=x", "open=x&form=log"):
        assert 'class="lead-form"' not in visitor.get(f"/work?{address}").get_data(as_text=True)


def test_feedback_keeps_working_leads_open_and_says_when_it_is_due_again(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    fields = {"rating": "4", "disposition": "working", "objections": "Too dear\n\n No time ", "competitor": "Northgate"}
    assert "Feedback given. Feedback again by" in visitor.done(f"/work/{assignment}/feedback", **fields)
    found = scene.do(lambda s: s.query(Feedback).one())
    assert (found.rating, found.objections, found.competitor) == (4, ["Too dear", "No time"], "Northgate")


def test_feedback_lost_closes_the_lead(scene: Scene) -> None:
    lead, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    page = visitor.done(f"/work/{assignment}/feedback", rating="2", disposition="lost", reason="Price")
    assert "Feedback given: lost. The lead is closed." in page
    assert scene.lead_row(lead).status.value == "lost"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"disposition": "working"}, "Rate the lead from 1 to 5."),
        ({"rating": "6", "disposition": "working"}, "Rate the lead from 1 to 5."),
        ({"rating": "3"}, "Say where it stands."),
        ({"rating": "3", "disposition": "lost", "reason": "x" * 201}, "Use at most 200 characters."),
        ({"rating": "3", "disposition": "lost", "objections": "x" * 201}, "Use at most 200 characters a line."),
        ({"rating": "3", "disposition": "lost", "objections": "x\n" * 21}, "Give at most 20 objections"),
    ],
)
def test_feedback_that_cannot_be_taken_is_asked_again(scene: Scene, fields: dict[str, str], sentence: str) -> None:
    _, assignment = scene.lead(accepted=True)
    visitor = scene.visit()
    visitor.get("/work")
    answer = visitor.post(f"/work/{assignment}/feedback", **fields)
    assert answer.status_code == 422
    assert sentence in words(answer)


@pytest.mark.parametrize("act", ["accept", "decline", "log", "feedback"])
def test_anothers_assignment_does_not_exist(scene: Scene, act: str) -> None:
    _, assignment = scene.lead()
    rival = scene.visit("rival_rep")
    rival.get("/work")
    fields = {"reason": "other", "kind": "call", "outcome": "reached", "rating": "3", "disposition": "won"}
    assert rival.post(f"/work/{assignment}/{act}", **fields).status_code == 404
    assert rival.post(f"/work/nothing/{act}", **fields).status_code == 404
    assert scene.state(assignment) == "offered"


def test_an_offer_that_ran_out_is_told_without_the_lead(scene: Scene) -> None:
    _, assignment = scene.lead(**LEAD)
    scene.clock.move_to(NOON + 3 * DAY)
    visitor = scene.visit()
    visitor.get("/work")
    page = visitor.done(f"/work/{assignment}/accept")
    assert "You no longer hold this lead" in page
    assert not [secret for secret in SECRETS if secret in page]
    assert scene.state(assignment) == "expired"


def test_what_else_is_late_on_a_lead_is_told_in_its_row(scene: Scene) -> None:
    _, assignment = scene.lead(accepted=True)
    scene.call(assignment, NOON + HOUR)
    scene.clock.move_to(NOON + 15 * DAY)
    page = scene.visit().page("/work")
    assert "Overdue 1" in page
    assert "Last: call, today 13:00 CET" not in page
    assert "Last: call, Mon 2 Mar 13:00 CET, reached" in page
    assert "Give feedback" in page


def hidden(html: str) -> dict[str, str]:
    """The fields of the page's Undo."""
    form = html.partition('class="flash-line"')[2].partition("</form>")[0]
    found = dict(re.findall(r'name="(activity|feedback|next)" value="([^"]*)"', form))
    assert found
    return found


def row(due_at: datetime, state: ObligationState = ObligationState.OPEN) -> Work:
    owed: Any = [SimpleNamespace(state=state, due_at=due_at)]
    return Work(Assignment(), None, owed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "group"),
    [
        (timedelta(0), "Overdue"),
        (MINUTE, "Today"),
        (timedelta(hours=11, minutes=59), "Today"),
        (timedelta(hours=12), "This week"),
        (timedelta(days=6, hours=11), "This week"),
        (timedelta(days=6, hours=13), "Later"),
        (timedelta(days=7), "Later"),
    ],
)
def test_a_row_stands_in_the_group_of_its_local_day(after: timedelta, group: str) -> None:
    noon_in_berlin = NOON
    groups = grouped([row(noon_in_berlin + after)], noon_in_berlin, "Europe/Berlin")
    assert [name for name, rows in groups.items() if rows] == [group]


@pytest.mark.parametrize(
    ("after", "group"),
    [(HOUR, "Today"), (2 * HOUR, "Tomorrow"), (25 * HOUR, "Tomorrow"), (26 * HOUR, "Later")],
)
def test_on_a_sunday_night_what_is_due_in_two_hours_is_tomorrows(after: timedelta, group: str) -> None:
    sunday_night = datetime(2026, 3, 8, 21, 30, tzinfo=UTC)
    groups = grouped([row(sunday_night + after)], sunday_night, "Europe/Berlin")
    assert [name for name, rows in groups.items() if rows] == [group]


def test_what_was_missed_is_overdue_whatever_its_time() -> None:
    groups = grouped([row(NOON + DAY, ObligationState.BREACHED)], NOON, "Europe/Berlin")
    assert len(groups["Overdue"]) == 1


def test_a_hundred_rows_cost_as_many_statements_as_ten(scene: Scene) -> None:
    visitor = scene.visit()
    for _ in range(10):
        _, assignment = scene.lead(accepted=True)
    scene.call(assignment, NOON + 2 * MINUTE)
    sent: dict[str, list[int]] = {"/work?later=1": [], "/our-leads": []}
    for more in (0, 45):
        for _ in range(more):
            scene.lead(accepted=True)
        for path, counts in sent.items():
            visitor.get(path)
            with counted(scene.app) as statements:
                assert visitor.get(path).status_code == 200
            counts.append(len(statements))
    assert all(few == many for few, many in sent.values()), sent
    assert "More rows" in visitor.page("/our-leads")


def test_staff_have_no_such_screen(scene: Scene) -> None:
    manager = scene.visit("manager")
    for path in ("/work", "/pool", "/our-leads", "/standing", "/team"):
        assert manager.client.get(path).status_code == 404

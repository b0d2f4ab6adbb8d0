"""Links of mails: they ask on GET, act once on POST for the one they were sent to, and die with what they are about."""

import re
from collections.abc import Sequence
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.assignments import Activity, Assignment, Feedback
from models.notices import MailLink
from models.platform import Audit, Mail
from models.session import unit
from portal.accounts import service as accounts
from portal.accounts.actor import SYSTEM
from portal.config import Settings
from portal.enforcement import acts
from portal.jobs.post import post_all
from portal.notifications.links import LIFETIME, Links
from portal.vocabulary import MailAct, NoticeKind, Role
from portal.web import by_mail
from tests.support import world
from tests.support.visits import Visitor, counted, words
from tests.support.world import HOUR, MINUTE
from tests.web.partner_scene import NOON, SECRETS, Scene, scene

__all__ = ["scene"]
ADDRESS = re.compile(r"https?://[^/\s\"]+(/by-mail/[\w-]+)")


@pytest.fixture
def client(scene: Scene) -> FlaskClient:
    """Whoever opens a mail: nobody is signed in."""
    return scene.app.test_client()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests before this one have used up no tries."""
    by_mail._tries.storage.reset()


def links_of(app: Flask) -> Links:
    settings: Settings = app.extensions["fairlead"]
    return Links(settings.base_url, settings.secret_key)


def mailed(scene: Scene, who: str = "admin", at: timedelta = MINUTE) -> str:
    """The text of the latest mail to somebody, as it is sent."""
    address = scene.address(who)

    def read(session: Session) -> str:
        post_all(scene.app.extensions["fairlead"], NOON + at)
        newest = select(Mail.text).where(Mail.address == address).order_by(Mail.id.desc()).limit(1)
        return links_of(scene.app).signed(session.scalars(newest).one())

    return str(scene.do(read))


def offered(scene: Scene, who: str = "admin") -> tuple[str, str, str]:
    """An offer that somebody has the mail of: the assignment, and the links to accept and to decline."""
    scene.address(who)
    _, assignment_id = scene.lead()
    accept, decline = ADDRESS.findall(mailed(scene, who))
    return assignment_id, accept, decline


def owing(scene: Scene, act: MailAct, **facts: object) -> tuple[str, str]:
    """An accepted lead and a link of its holder's; made as a reminder makes them."""
    scene.address("admin")
    _, assignment_id = scene.lead(accepted=True, **facts)  # type: ignore[arg-type]
    return assignment_id, link_to(scene, assignment_id, act)


def link_to(scene: Scene, assignment_id: str, act: MailAct, who: str = "admin") -> str:
    def make(session: Session) -> str:
        user_id = session.scalars(select(User.id).where(User.email == scene.address(who))).one()
        link = MailLink(user_id=user_id, assignment_id=assignment_id, act=act, created_at=NOON,
                        expires_at=NOON + LIFETIME)  # fmt: skip
        session.add(link)
        session.commit()
        return link.id

    return links_of(scene.app).signed(f"/by-mail/{scene.do(make)}")


def rows(scene: Scene, of: type) -> int:
    return int(scene.do(lambda session: session.scalar(select(func.count()).select_from(of))))


def test_an_offers_mail_has_links_to_accept_and_to_decline(scene: Scene, client: FlaskClient) -> None:
    scene.address("admin")
    scene.lead()
    text = mailed(scene)
    assert re.search(r"^Accept: http\S+/by-mail/\S{46}\nDecline: http\S+/by-mail/\S{46}$", text, re.MULTILINE)
    assert "ask for no signing in" in text


def test_what_is_stored_opens_nothing(scene: Scene, client: FlaskClient) -> None:
    """Neither the mail as it is kept nor the link's row holds what makes the address work."""
    _, accept, _ = offered(scene)
    kept = scene.do(lambda s: [*s.scalars(select(Mail.text)), *s.scalars(select(Mail.html))])
    assert not any(accept.rpartition("/")[2] in text for text in kept)
    stored = {path for text in kept for path in ADDRESS.findall(text)}
    assert len(stored) >= 2
    assert {client.get(path).status_code for path in stored} == {410}


def test_the_page_asks_and_hides_who_it_is(scene: Scene, client: FlaskClient) -> None:
    from tests.web.partner_scene import LEAD

    scene.address("admin")
    scene.lead(**LEAD)
    accept, decline = ADDRESS.findall(mailed(scene))
    for path, asked in ((accept, "Accept this lead?"), (decline, "Decline this lead?")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert asked in words(answer)
        assert "Nothing has been done yet." in words(answer)
        assert not [secret for secret in SECRETS if secret in answer.get_data(as_text=True)]
        assert "Tidewell Backup" in words(answer)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_scanner_that_opens_every_link_changes_nothing(scene: Scene, client: FlaskClient, method: str) -> None:
    assignment_id, accept, decline = offered(scene)
    log = link_to(scene, assignment_id, MailAct.LOG)
    before = scene.do(lambda s: (s.scalar(select(func.count()).select_from(Audit)), _unused(s)))
    for path in (accept, decline, log) * 3:
        assert client.open(path, method=method).status_code in (200, 410)
    assert scene.do(lambda s: (s.scalar(select(func.count()).select_from(Audit)), _unused(s))) == before
    assert scene.state(assignment_id) == "offered"
    assert client.post(accept).status_code == 200


def _unused(session: Session) -> int:
    return len(session.scalars(select(MailLink).where(MailLink.used_at.is_(None))).all())


def test_accepting_shows_whom_to_call_once(scene: Scene, client: FlaskClient) -> None:
    from tests.web.partner_scene import LEAD

    scene.address("admin")
    _, assignment_id = scene.lead(**LEAD)
    accept, _ = ADDRESS.findall(mailed(scene))
    answer = client.post(accept)
    assert answer.status_code == 200
    assert "The lead is yours" in words(answer)
    assert "First contact by" in words(answer)
    assert all(secret in words(answer) for secret in ("Halvorsen Logistik AG", "Birgit Sommer", "+49 40 66969412"))
    assert scene.state(assignment_id) == "accepted"
    again = client.post(accept)
    assert (again.status_code, "You accepted this lead today" in words(again)) == (410, True)
    assert "66969412" not in words(again)


def test_it_is_done_by_the_one_the_mail_was_sent_to(scene: Scene, client: FlaskClient) -> None:
    assignment_id, accept, _ = offered(scene)
    client.post(accept)
    by = scene.do(lambda s: s.scalars(select(Audit.actor_name).where(Audit.action == "assignment.accept")).one())
    assert by == "Jana Petersen"
    rival = scene.visit("rival_rep")
    other = scene.lead()[1]
    assert rival.client.post(link_to(scene, other, MailAct.ACCEPT)).status_code == 200
    latest = select(Audit.actor_name).where(Audit.action == "assignment.accept").order_by(Audit.id.desc()).limit(1)
    assert scene.do(lambda s: s.scalars(latest).one()) == "Jana Petersen"
    assert rival.get("/work").status_code == 200, "whoever is signed in there stays who they are"
    assert scene.state(assignment_id) == "accepted"


def test_declining_asks_why_and_sends_the_lead_on(scene: Scene, client: FlaskClient) -> None:
    assignment_id, _, decline = offered(scene)
    assert client.post(decline).status_code == 422
    assert scene.state(assignment_id) == "offered"
    answer = client.post(decline, data={"reason": "no_capacity", "note": "full"})
    assert (answer.status_code, "Declined." in words(answer)) == (200, True)
    assert scene.state(assignment_id) == "declined"


def test_logging_a_touch_says_whether_it_counts(scene: Scene, client: FlaskClient) -> None:
    assignment_id, log = owing(scene, MailAct.LOG)
    scene.clock.move_to(NOON + HOUR)
    page = client.get(log)
    assert "Called, reached" in words(page)
    answer = client.post(log, data={"kind": "call", "outcome": "reached", "next_step": "2"})
    assert "Counts as first contact" in words(answer)
    touch = scene.do(lambda s: s.scalars(select(Activity)).one())
    assert (touch.assignment_id, touch.counted, touch.actor_name) == (assignment_id, True, "Jana Petersen")
    assert touch.next_step_at is not None
    assert "You logged a touch with it" in words(client.get(log))


def test_one_click_is_enough_for_a_touch(scene: Scene, client: FlaskClient) -> None:
    _, log = owing(scene, MailAct.LOG)
    assert client.post(log, data={"kind": "call", "outcome": "no_answer"}).status_code == 200
    assert rows(scene, Activity) == 1


def test_a_form_with_nothing_in_it_uses_nothing_up(scene: Scene, client: FlaskClient) -> None:
    _, log = owing(scene, MailAct.LOG)
    refused = client.post(log, data={"note": "what I typed"})
    assert (refused.status_code, "2 things to correct" in words(refused)) == (422, True)
    assert "what I typed" in refused.get_data(as_text=True)
    assert client.post(log, data={"kind": "call", "outcome": "reached"}).status_code == 200


def test_feedback_is_given_and_a_refused_one_uses_nothing_up(scene: Scene, client: FlaskClient) -> None:
    assignment_id, link = owing(scene, MailAct.FEEDBACK)
    assert client.post(link, data={"rating": "9"}).status_code == 422
    given = client.post(link, data={"rating": "4", "disposition": "working", "competitor": "Initech"})
    assert "Feedback given." in words(given)
    said = scene.do(lambda s: s.scalars(select(Feedback)).one())
    assert (said.assignment_id, said.rating, said.competitor) == (assignment_id, 4, "Initech")


def test_feedback_that_the_service_refuses_uses_nothing_up(scene: Scene, client: FlaskClient) -> None:
    """A lead won by its deal owes feedback that says won."""
    from portal.follow_up.deal_acts import DealFacts
    from portal.vocabulary import DealStage

    assignment_id, link = owing(scene, MailAct.FEEDBACK)

    def win(session: Session) -> None:
        facts = DealFacts(name="Deal", stage=DealStage.WON, amount_cents=100, currency="EUR")
        acts.register_deal(session, scene.actor(session, scene.partner), assignment_id, facts, NOON + MINUTE)

    scene.do(win)
    refused = client.post(link, data={"rating": "4", "disposition": "lost"})
    assert (refused.status_code, "choose won" in words(refused)) == (422, True)
    assert client.post(link, data={"rating": "4", "disposition": "won"}).status_code == 200


def test_an_answered_offer_needs_no_link(scene: Scene, client: FlaskClient) -> None:
    assignment_id, accept, decline = offered(scene)
    scene.accept(assignment_id, NOON + MINUTE)
    for path in (accept, decline):
        answer = client.post(path, data={"reason": "other"})
        assert (answer.status_code, "Your team accepted this lead today" in words(answer)) == (410, True)
    assert scene.state(assignment_id) == "accepted"


def test_a_lead_that_moved_on_takes_its_links_along(scene: Scene, client: FlaskClient) -> None:
    assignment_id, log = owing(scene, MailAct.LOG, company="Halvorsen Logistik AG")
    scene.do(lambda s: acts.recall(s, SYSTEM, assignment_id, "For the rival", NOON + HOUR))
    scene.clock.move_to(NOON + 2 * HOUR)
    for answer in (client.get(log), client.post(log, data={"kind": "call", "outcome": "reached"})):
        assert answer.status_code == 410
        assert "You no longer hold this lead; it moved on today" in words(answer)
        assert "Halvorsen" not in answer.get_data(as_text=True)
        assert "rival" not in answer.get_data(as_text=True).lower()
    assert rows(scene, Activity) == 0


def test_a_closed_lead_takes_nothing_more(scene: Scene, client: FlaskClient) -> None:
    assignment_id, log = owing(scene, MailAct.LOG)
    feedback = link_to(scene, assignment_id, MailAct.FEEDBACK)
    client.post(feedback, data={"rating": "4", "disposition": "won"})
    assert "This lead is closed" in words(client.post(log, data={"kind": "call", "outcome": "reached"}))


def test_a_deadline_that_passed_unrecorded_is_recorded_first(scene: Scene, client: FlaskClient) -> None:
    assignment_id, accept, _ = offered(scene)
    scene.clock.move_to(NOON + timedelta(days=4))
    answer = client.post(accept)
    assert (answer.status_code, "This has changed since the mail was sent" in words(answer)) == (409, True)
    assert scene.state(assignment_id) == "expired"


def test_who_is_switched_off_has_no_links(scene: Scene, client: FlaskClient) -> None:
    assignment_id, accept, _ = offered(scene, "rep")

    def switch(session: Session, on: bool) -> None:
        user = session.scalars(select(User).where(User.email == scene.address("rep"))).one()
        deed = accounts.reactivate_user if on else accounts.deactivate_user
        unit(session, lambda: deed(session, SYSTEM, user, NOON + MINUTE))

    for on in (False, True):  # switched on again, the old mail stays dead
        scene.do(lambda s, on=on: switch(s, on))
        answer = client.post(accept)
        assert (answer.status_code, "This link does not work" in words(answer)) == (410, True)
    assert scene.state(assignment_id) == "offered"


def test_a_link_ends_after_two_weeks(scene: Scene, client: FlaskClient) -> None:
    assignment_id, log = owing(scene, MailAct.LOG)

    def age(session: Session) -> None:
        link = session.scalars(select(MailLink).where(MailLink.assignment_id == assignment_id)).one()
        link.created_at, link.expires_at = NOON - LIFETIME, NOON
        session.commit()

    scene.do(age)
    assert "This link is too old" in words(client.post(log, data={"kind": "call", "outcome": "reached"}))
    assert rows(scene, Activity) == 0


def test_a_link_to_anothers_assignment_is_none(scene: Scene, client: FlaskClient) -> None:
    _, theirs = scene.lead(holder=scene.rival)
    for act in MailAct:
        answer = client.post(link_to(scene, theirs, act), data={"reason": "other"})
        assert (answer.status_code, "This link does not work" in words(answer)) == (410, True)
    assert scene.state(theirs) == "offered"


@pytest.mark.parametrize("spoil", [lambda p: p[:-2] + "AA", lambda p: p[:9] + "B" + p[10:], lambda p: "/by-mail/x",
                                   lambda p: p + "A", lambda p: "/by-mail/%F0%9F%98%80"])  # fmt: skip
def test_an_address_that_was_not_signed_is_none(scene: Scene, client: FlaskClient, spoil: object) -> None:
    assignment_id, accept, _ = offered(scene)
    answer = client.post(spoil(accept))  # type: ignore[operator]
    assert (answer.status_code, "This link does not work" in words(answer)) == (410, True)
    assert scene.state(assignment_id) == "offered"


def test_a_link_of_one_kind_is_none_of_the_other(scene: Scene, client: FlaskClient) -> None:
    _, accept, _ = offered(scene)
    assert client.post(f"/unsubscribe/digest/{accept.rpartition('/')[2]}").status_code == 410


def test_no_session_is_made_and_nobody_else_is_told(scene: Scene, client: FlaskClient) -> None:
    _, accept, _ = offered(scene)
    for answer in (client.get(accept), client.post(accept), client.get(accept)):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "csrf_token" not in answer.get_data(as_text=True)
    assert client.get("/work").location.startswith("/sign-in")


def test_trying_without_end_is_slowed_down_but_never_another(scene: Scene, client: FlaskClient) -> None:
    _, accept, decline = offered(scene)
    tried = [client.get("/by-mail/guess").status_code for _ in range(61)]
    assert (tried[59], tried[60]) == (410, 429)
    opened = [client.get(accept).status_code for _ in range(31)]
    assert (opened[29], opened[30]) == (200, 429)
    assert client.get(decline).status_code == 200


def test_the_address_is_written_to_no_log(
    scene: Scene, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, accept, _ = offered(scene)
    monkeypatch.setitem(scene.app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(by_mail, "opened", lambda *_: 1 / 0)
    assert client.post(accept).status_code == 500
    assert "/by-mail/…" in caplog.text
    assert accept.rpartition("/")[2] not in caplog.text


@pytest.mark.parametrize("leads", [1, 10])
def test_a_page_costs_the_same_however_much_is_held(scene: Scene, client: FlaskClient, leads: int) -> None:
    _, log = owing(scene, MailAct.LOG)
    for _ in range(leads - 1):
        scene.lead(accepted=True)
    client.get(log)
    with counted(scene.app) as sent:
        client.get(log)
    assert len(sent) <= 12, sent


def unsubscribing(scene: Scene, kind: NoticeKind, who: str = "admin") -> str:
    address = scene.address(who)
    user_id = scene.do(lambda s: s.scalars(select(User.id).where(User.email == address)).one())
    return links_of(scene.app).signed(f"/unsubscribe/{kind.value}/{user_id}")


def off(scene: Scene, who: str = "admin") -> Sequence[str]:
    from portal.accounts.notices import muted

    address = scene.address(who)
    return sorted(scene.do(lambda s: muted(s, s.scalars(select(User.id).where(User.email == address)).one())))


def test_one_click_turns_a_kind_of_mail_off(scene: Scene, client: FlaskClient) -> None:
    path = unsubscribing(scene, NoticeKind.DIGEST)
    assert "Turn these mails off?" in words(client.get(path))
    assert off(scene) == []
    for _ in range(2):
        answer = client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, "Turned off" in words(answer)) == (200, True)
        assert "Set-Cookie" not in answer.headers
    client.post(unsubscribing(scene, NoticeKind.REMINDER))
    assert off(scene) == ["digest", "reminder"]
    audited = scene.do(lambda s: s.scalars(select(Audit.actor_name).where(Audit.action == "user.notices_set")).all())
    assert audited == ["Jana Petersen"] * 2


def test_only_what_may_be_turned_off_is(scene: Scene, client: FlaskClient) -> None:
    sealed = unsubscribing(scene, NoticeKind.DIGEST).rpartition("/")[2]
    for kind in ("offer", "breach", "stopped", "reminder"):
        assert client.post(f"/unsubscribe/{kind}/{sealed}").status_code == 410
    assert off(scene) == []


def test_the_account_page_has_every_kind_that_reaches_the_role(scene: Scene) -> None:
    assert "The day's start" in scene.visit("admin").page("/account")
    manager = scene.visit("manager").page("/account")
    assert "Leads in the queue" in manager
    assert "The day's start" not in manager
    assert "Always sent: offers, what is late" in scene.visit("admin").page("/account")


def test_choosing_turns_off_what_is_not_ticked_and_on_again(scene: Scene) -> None:
    visitor = scene.visit("admin")
    visitor.get("/account")
    said = visitor.done("/account/notices", wanted=["digest", "standing", "eased"])
    assert "Reminders, Second enquiries will not come any more." in said
    assert off(scene) == ["enquired_again", "reminder"]
    page = visitor.get("/account").get_data(as_text=True)
    assert len(re.findall(r'name="wanted"[^>]* checked', page)) == 3
    everything = ["digest", "reminder", "standing", "enquired_again", "eased"]
    assert "Every kind of mail comes." in visitor.done("/account/notices", wanted=everything)
    assert off(scene) == []


@pytest.mark.parametrize("kind", ["queue", "offer", "made up"])
def test_a_kind_that_is_not_ones_own_cannot_be_chosen(scene: Scene, kind: str) -> None:
    visitor = scene.visit("admin")
    visitor.get("/account")
    assert visitor.post("/account/notices", wanted=[kind]).status_code == 422
    assert off(scene) == []


def test_of_two_at_the_same_moment_one_acts(scene: Scene) -> None:
    """Whether they are two clicks or two people with the same mail."""
    assignment_id, path = owing(scene, MailAct.FEEDBACK)
    start, statuses = Barrier(2), []

    def give() -> None:
        browser = scene.app.test_client()
        start.wait()
        statuses.append(browser.post(path, data={"rating": "4", "disposition": "working"}).status_code)

    both = [Thread(target=give) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(statuses) in ([200, 409], [200, 410])
    assert scene.do(lambda s: s.scalars(select(Feedback.assignment_id)).all()) == [assignment_id]


def test_while_developing_kept_mails_have_links_that_work(scene: Scene, client: FlaskClient) -> None:
    _, accept, _ = offered(scene)
    email = scene.do(lambda s: world.make_user(s, Role.ADMIN, password=True).email)
    mail_id = scene.do(lambda s: s.scalars(select(Mail.id).where(Mail.address == scene.address("admin"))).one())
    assert accept in Visitor(scene.app, email).page(f"/dev/mail/{mail_id}")


def test_links_are_made_for_partners_alone(scene: Scene) -> None:
    scene.address("manager")
    offered(scene)
    readers = scene.do(lambda s: s.scalars(select(User.partner_id).join(MailLink, MailLink.user_id == User.id)).all())
    assert set(readers) == {scene.partner}


def test_the_states_of_assignments_are_all_told(scene: Scene) -> None:
    """Whatever became of the assignment, a link of each kind either acts or says why not."""
    from portal.follow_up.mail_actions import Ended, ended_by
    from portal.vocabulary import AssignmentState

    told = set()
    for act in MailAct:
        link = MailLink(act=act, expires_at=NOON + HOUR, created_at=NOON)
        for state in AssignmentState:
            told.add((act, state, ended_by(link, state, None, NOON, seen=True, feedback_owed=False)))
    alive = {(act, state) for act, state, ended in told if ended is None}
    assert (MailAct.ACCEPT, AssignmentState.OFFERED) in alive
    assert not [state for _, state in alive if state not in (AssignmentState.OFFERED, AssignmentState.ACCEPTED)]
    assert {ended for act, state, ended in told if state is AssignmentState.RECALLED} == {Ended.GONE}
    assert Assignment.__tablename__ == "assignment"

"""Coming in and going out: sign-in, invitations, forgotten passwords, and what ends a session."""

from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask

from models.platform import Outbox
from models.session import unit
from portal.accounts import service as accounts
from portal.accounts.actor import SYSTEM
from portal.vocabulary import NoticeTopic, Role
from tests.support import world
from tests.support.visits import Visitor, within, words
from tests.support.world import DAY, HOUR, MONDAY, PASSWORD

NEW = "another good password"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MONDAY + HOUR, tick=True) as travelled:
        yield travelled


@pytest.fixture
def email(app: Flask) -> str:
    """Someone who signs in by PASSWORD."""

    def build(session):  # type: ignore[no-untyped-def]
        return world.make_user(session, Role.PARTNER_REP, partner=world.make_partner(session), password=True).email

    return within(app, build)


def test_a_right_password_opens_the_first_screen(app: Flask, email: str) -> None:
    visitor = Visitor(app)
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", email=email.upper(), password=PASSWORD)
    assert answer.location == "/"
    assert visitor.get("/").location == "/work"
    assert "My work" in visitor.page("/work")


def test_who_asked_for_a_page_gets_there_after_signing_in(app: Flask, email: str) -> None:
    visitor = Visitor(app)
    wanted = visitor.get("/standing").location
    assert wanted.startswith("/sign-in?next=/standing")
    visitor.get(wanted)
    assert visitor.post(wanted, email=email, password=PASSWORD).location.startswith("/standing")


@pytest.mark.parametrize("target", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"])
def test_signing_in_never_leads_to_another_site(app: Flask, email: str, target: str) -> None:
    answer = Visitor(app).post(f"/sign-in?next={target}", email=email, password=PASSWORD)
    assert answer.location == "/"


def test_a_wrong_password_and_an_unknown_address_are_told_alike(app: Flask, email: str) -> None:
    visitor = Visitor(app)
    wrong = visitor.post("/sign-in", email=email, password="not the password")
    unknown = visitor.post("/sign-in", email="nobody@example.com", password="not the password")
    assert wrong.status_code == unknown.status_code == 422
    assert words(wrong) == words(unknown)
    assert "The e-mail address or the password is not right." in words(wrong)
    assert f'value="{email}"' in wrong.get_data(as_text=True)


def test_an_empty_form_says_what_is_missing(app: Flask, email: str) -> None:
    answer = Visitor(app).post("/sign-in", email="", password="")
    assert answer.status_code == 422
    assert "2 things to correct" in words(answer)


def test_a_post_without_the_token_is_refused(app: Flask, email: str) -> None:
    answer = app.test_client().post("/sign-in", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 400


def invited(app: Flask) -> tuple[str, str]:
    """The address and the secret of a fresh invitation."""

    def build(session):  # type: ignore[no-untyped-def]
        partner = world.make_partner(session)
        data = {"email": "new@example.com", "name": "New", "role": "partner_rep", "partner_id": partner.id}
        user, secret = unit(session, lambda: accounts.create_user(session, SYSTEM, data, MONDAY))
        return user.email, secret

    return within(app, build)


def test_an_invitation_is_taken_up_by_choosing_a_password(app: Flask) -> None:
    email, secret = invited(app)
    visitor = Visitor(app)
    assert "Choose a password" in visitor.page(f"/invitation/{secret}")
    assert visitor.post(f"/invitation/{secret}", password=NEW, again=NEW).status_code == 302
    assert "My work" in visitor.page("/work")
    Visitor(app, email, NEW)


@pytest.mark.parametrize(
    ("password", "again", "sentence"),
    [
        ("short", "short", "Use at least 10 characters."),
        (NEW, "something else", "The two are not the same."),
        ("", "", "Choose a password."),
    ],
)
def test_a_password_that_will_not_do_is_refused(app: Flask, password: str, again: str, sentence: str) -> None:
    _, secret = invited(app)
    visitor = Visitor(app)
    visitor.get(f"/invitation/{secret}")
    answer = visitor.post(f"/invitation/{secret}", password=password, again=again)
    assert answer.status_code == 422
    assert sentence in words(answer)


@pytest.mark.parametrize("kind", ["invitation", "new-password"])
def test_a_dead_link_says_so_and_what_to_do(app: Flask, kind: str) -> None:
    assert "This link no longer works" in Visitor(app).page(f"/{kind}/never-made", 410)


def test_an_invitation_dies_after_seven_days(app: Flask, clock: time_machine.Traveller) -> None:
    _, secret = invited(app)
    clock.move_to(MONDAY + 7 * DAY + HOUR)
    visitor = Visitor(app)
    visitor.get("/sign-in")
    assert visitor.post(f"/invitation/{secret}", password=NEW, again=NEW).status_code == 410


def reset_link(app: Flask) -> str:
    """The latest link of a forgotten password, as its notice carries it."""
    return within(
        app,
        lambda session: (
            session.query(Outbox)
            .filter_by(topic=NoticeTopic.PASSWORD_RESET)
            .order_by(Outbox.id.desc())
            .first()
            .facts["url"]
        ),
    )


def test_a_forgotten_password_is_replaced_by_link_once(app: Flask, email: str) -> None:
    visitor = Visitor(app)
    assert "If that address has an account" in visitor.done("/forgotten", email=email)
    link = reset_link(app)
    visitor.get(link)
    assert visitor.post(link, password=NEW, again=NEW).status_code == 302
    Visitor(app, email, NEW)
    assert "This link no longer works" in Visitor(app).page(link, 410)


def test_an_unknown_address_gets_the_same_answer_and_no_notice(app: Flask, email: str) -> None:
    known, unknown = Visitor(app), Visitor(app)
    answers = [known.done("/forgotten", email=email), unknown.done("/forgotten", email="nobody@example.com")]
    assert answers[0] == answers[1]
    count = within(app, lambda s: s.query(Outbox).filter_by(topic=NoticeTopic.PASSWORD_RESET).count())
    assert count == 1


def test_signing_out_ends_every_session(app: Flask, email: str) -> None:
    here, there = Visitor(app, email), Visitor(app, email)
    here.get("/work")
    assert "You are signed out." in here.done("/sign-out")
    assert there.get("/work").location.startswith("/sign-in")


def test_a_get_signs_nobody_out(app: Flask, email: str) -> None:
    visitor = Visitor(app, email)
    visitor.get("/sign-out")
    assert visitor.get("/work").status_code == 200


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(app: Flask, email: str) -> None:
    here, there = Visitor(app, email), Visitor(app, email)
    here.get("/account")
    said = here.done("/account/password", old_password=PASSWORD, password=NEW, again=NEW)
    assert "Your password is changed." in said
    assert there.get("/work").location.startswith("/sign-in")
    Visitor(app, email, NEW)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"old_password": "wrong", "password": NEW, "again": NEW}, "This is not the password in use."),
        ({"old_password": PASSWORD, "password": "short", "again": "short"}, "Use at least 10 characters."),
        ({"old_password": PASSWORD, "password": NEW, "again": "other"}, "The two are not the same."),
    ],
)
def test_a_password_change_is_refused(app: Flask, email: str, fields: dict[str, str], sentence: str) -> None:
    visitor = Visitor(app, email)
    visitor.get("/account")
    answer = visitor.post("/account/password", **fields)
    assert answer.status_code == 422
    assert sentence in words(answer)
    Visitor(app, email)


def test_signing_out_everywhere_from_the_account(app: Flask, email: str) -> None:
    here, there = Visitor(app, email), Visitor(app, email)
    here.get("/account")
    assert "signed out everywhere" in here.done("/account/sign-out-everywhere")
    assert there.get("/work").location.startswith("/sign-in")

"""Links of mails: signed for one purpose, worth nothing unsigned; what carries which, and what can be turned off."""

import pytest

from portal.notifications.kinds import EXPLAINED, always, kind_of, offered_to
from portal.notifications.links import ACT, ACTS_FOR, Links, act_path, acts_of, seal, unseal, unsubscribe_path
from portal.vocabulary import MailAct, NoticeKind, NoticeTopic, ObligationKind, Role
from portal.web.quiet_log import without_secrets

ID, OTHER = "0195c1f0-0000-7000-8000-00000000002a", "0195c1f0-0000-7000-8000-00000000002b"
KEY = "a secret of sixteen or more"
HOUSE = Links("https://leads.example/", KEY)


def test_what_was_sealed_is_found_again() -> None:
    sealed = seal(KEY, ACT, ID)
    assert unseal(KEY, ACT, sealed) == ID
    assert len(sealed) == 46
    assert seal(KEY, ACT, ID) == sealed


@pytest.mark.parametrize(
    ("key", "scope", "sealed"),
    [
        ("another secret", ACT, seal(KEY, ACT, ID)),
        (KEY, "unsubscribe/digest", seal(KEY, ACT, ID)),
        (KEY, ACT, seal(KEY, ACT, ID)[:-4] + "AAAA"),
        (KEY, ACT, seal(KEY, ACT, OTHER)[:22] + seal(KEY, ACT, ID)[22:]),
        (KEY, ACT, seal(KEY, ACT, ID) + "AAAA"),
        (KEY, ACT, "*" + seal(KEY, ACT, ID)[1:]),
        (KEY, ACT, ""),
        (KEY, ACT, "ümläut"),
        (KEY, ACT, ID),
    ],
)
def test_anything_else_names_nothing(key: str, scope: str, sealed: str) -> None:
    assert unseal(key, scope, sealed) is None


def test_a_mail_is_signed_in_every_place_and_nothing_else_changes() -> None:
    text = f"Accept: https://leads.example{act_path(ID)}\nSee https://leads.example/leads/{ID}\n"
    signed = HOUSE.signed(text)
    assert signed == text.replace(act_path(ID), f"/by-mail/{seal(KEY, ACT, ID)}")
    assert HOUSE.signed(signed) == signed
    off = unsubscribe_path(NoticeKind.DIGEST, ID)
    assert HOUSE.signed(f'<a href="{off}">') == f'<a href="/unsubscribe/digest/{seal(KEY, "unsubscribe/digest", ID)}">'
    assert HOUSE.unsubscribe(NoticeKind.DIGEST, ID).startswith("https://leads.example/unsubscribe/digest/")


def test_the_secret_is_shown_nowhere() -> None:
    assert KEY not in repr(HOUSE)


@pytest.mark.parametrize(
    ("line", "quiet"),
    [
        ("Exception on /by-mail/AZXB8A_-x [POST]", "Exception on /by-mail/… [POST]"),
        ('"GET /invitation/s3cret?x=1 HTTP/1.1"', '"GET /invitation/…?x=1 HTTP/1.1"'),
        ("/new-password/s3cret", "/new-password/…"),
        ("/unsubscribe/digest/AZXB", "/unsubscribe/digest/…"),
        ("/leads/0195c1f0", "/leads/0195c1f0"),
    ],
)
def test_logs_do_not_learn_addresses_that_let_in(line: str, quiet: str) -> None:
    assert without_secrets(line) == quiet


@pytest.mark.parametrize("topic", NoticeTopic)
@pytest.mark.parametrize("audience", ["partner", "manager", "admin", "user"])
def test_only_a_partner_acts_from_a_mail_and_only_on_what_is_asked(topic: NoticeTopic, audience: str) -> None:
    asking = topic in (NoticeTopic.OFFER, NoticeTopic.WARNING, NoticeTopic.BREACH) and audience == "partner"
    assert bool(acts_of(topic, audience, {"kind": "first_contact"})) == asking
    assert acts_of(topic, audience, {"kind": "first_contact", "moved": True}) == ()


def test_what_is_owed_says_what_can_be_done() -> None:
    assert set(ACTS_FOR) == set(ObligationKind)
    assert acts_of(NoticeTopic.OFFER, "partner", {}) == (MailAct.ACCEPT, MailAct.DECLINE)
    assert acts_of(NoticeTopic.BREACH, "partner", {"kind": "feedback"}) == (MailAct.FEEDBACK,)
    assert acts_of(NoticeTopic.WARNING, "partner", {"kind": "respond"}) == (MailAct.ACCEPT, MailAct.DECLINE)
    assert acts_of(NoticeTopic.WARNING, "partner", {}) == ()


@pytest.mark.parametrize("audience", ["partner", "manager", "admin"])
@pytest.mark.parametrize("topic", [NoticeTopic.OFFER, NoticeTopic.BREACH, NoticeTopic.STOPPED, NoticeTopic.MOVED_ON])
def test_what_must_be_known_cannot_be_turned_off(topic: NoticeTopic, audience: str) -> None:
    assert kind_of(topic, audience) is None


@pytest.mark.parametrize("topic", [NoticeTopic.INVITATION, NoticeTopic.PASSWORD_RESET])
def test_a_link_that_lets_in_cannot_be_turned_off(topic: NoticeTopic) -> None:
    assert kind_of(topic, "user") is None


def test_the_days_start_is_a_kind_of_its_own() -> None:
    assert kind_of(NoticeTopic.WARNING, "partner") is NoticeKind.REMINDER
    assert kind_of(NoticeTopic.WARNING, "partner", digest=True) is NoticeKind.DIGEST


def test_every_kind_reaches_somebody_and_is_explained() -> None:
    offered = {kind for role in Role for kind in offered_to(role)}
    assert offered == set(NoticeKind) == set(EXPLAINED)
    assert not set(offered_to(Role.PARTNER_REP)) & set(offered_to(Role.ADMIN))
    assert [bool(always(role)) for role in Role] == [bool(offered_to(role)) for role in Role]

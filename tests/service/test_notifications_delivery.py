"""Delivery to a real SMTP server: sent once, tried again, given up, bounced; never lost in between."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.base import db
from models.partners import Partner
from models.platform import Mail
from models.session import unit
from portal.accounts.reach import address_bounced, refresh_reachable
from portal.calendars.describe import exact
from portal.notifications import delivery
from portal.notifications.delivery import BACK_OFF, LEASE, Delivered, deliver_due
from portal.notifications.layout import House
from portal.notifications.links import Links
from portal.notifications.posting import post_pending
from portal.notifications.transports import (
    Deferred,
    Letter,
    MemoryTransport,
    SmtpTransport,
    Transport,
    Unavailable,
)
from portal.vocabulary import NoticeTopic, Role
from tests.jobs.people import NOW, notice, partner, user
from tests.support.mail import Mailbox

ROOT = Path(__file__).resolve().parents[2]
HOUSE = House("https://leads.example", "Contoso", exact)
LINKS = Links("https://leads.example", "a secret of this test")
SENDER = "Fairlead <fairlead@leads.example>"
REP = "rep@north.example"


@pytest.fixture
def north(session: Session) -> Iterator[Partner]:
    """A partner with one user and one offer to tell; everything committed, as the clock finds it."""
    made = partner(session)
    user(session, REP, Role.PARTNER_REP, made)
    refresh_reachable(session, made.id, NOW)
    notice(session, NoticeTopic.OFFER, partner_id=made.id, facts={"grade": "A", "url": "/leads/7"})
    post_pending(session, HOUSE, NOW, keep=False)
    session.commit()
    yield made
    session.rollback()


def deliver(session: Session, transport: Transport, after: timedelta = timedelta(0), limit: int = 50) -> Delivered:
    # What a test has looked at belongs to a transaction that the clock would not be in.
    if session.in_transaction():
        session.rollback()
    return deliver_due(
        session, transport, NOW + after, sender=SENDER, links=LINKS, bounced=address_bounced, limit=limit
    )


def the_mail(session: Session) -> Mail:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Mail)).one()


def test_a_mail_arrives_as_it_was_written(session: Session, north: Partner, mailbox: Mailbox) -> None:
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(sent=1)
    (message,) = mailbox.to(REP)
    mail = the_mail(session)
    assert message["Message-ID"] == mail.message_id
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, REP, mail.subject)
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Grade: A" in text.get_content()
    assert 'href="https://leads.example/leads/7"' in html.get_content()
    assert (mail.state, mail.attempts, mail.lease_until, mail.last_error) == ("sent", 1, None, None)
    assert mail.sent_at is not None
    assert NOW <= mail.sent_at < NOW + timedelta(minutes=1)


def test_what_is_sent_is_not_sent_again(session: Session, north: Partner, mailbox: Mailbox) -> None:
    deliver(session, SmtpTransport(mailbox.url))
    assert deliver(session, SmtpTransport(mailbox.url), timedelta(days=1)) == Delivered()
    assert len(mailbox.messages) == 1


def test_the_sender_is_in_no_transaction_while_it_sends(session: Session, north: Partner) -> None:
    seen = []

    class Looking(MemoryTransport):
        def send(self, letter: Letter) -> None:
            seen.append((session.in_transaction(), letter.address))

    assert deliver(session, Looking()) == Delivered(sent=1)
    assert seen == [(False, REP)]


@pytest.mark.parametrize("reply", ["450 4.2.1 Busy", "552 5.2.2 Mailbox full", "550 5.7.1 Blocked by policy", "554 No"])
def test_a_passing_refusal_is_tried_again_later(session: Session, north: Partner, mailbox: Mailbox, reply: str) -> None:
    """A full mailbox and a policy that refuses us pass; neither makes the address a wrong one."""
    mailbox.refused[REP] = reply
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(deferred=1)
    mail = the_mail(session)
    assert (mail.state, mail.attempts, mail.lease_until) == ("waiting", 1, None)
    assert mail.last_error is not None
    assert reply.split(maxsplit=1)[0] in mail.last_error
    assert deliver(session, SmtpTransport(mailbox.url), BACK_OFF[0] - timedelta(seconds=5)) == Delivered()
    mailbox.refused.clear()
    assert deliver(session, SmtpTransport(mailbox.url), BACK_OFF[0] + timedelta(seconds=5)) == Delivered(sent=1)
    assert session.scalars(select(User.bounced_at)).one() is None


def test_eight_tries_and_no_more(session: Session, north: Partner) -> None:
    away = MemoryTransport(refusals={REP: Deferred("450 busy")})
    after, outcomes = timedelta(0), []
    for wait in (*BACK_OFF, timedelta(days=1), timedelta(days=1)):
        outcomes.append(deliver(session, away, after))
        after += wait + timedelta(seconds=5)
    assert outcomes == [Delivered(deferred=1)] * 7 + [Delivered(undeliverable=1), Delivered()]
    mail = the_mail(session)
    assert (mail.state, mail.attempts, mail.last_error) == ("undeliverable", 8, "450 busy")
    assert session.scalars(select(Partner.reachable)).one()


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "551 Not here", "553 5.1.3 Bad name", "511 Unknown"])
def test_a_wrong_address_is_given_up_at_once_and_the_partner_with_it(
    session: Session, north: Partner, mailbox: Mailbox, reply: str
) -> None:
    mailbox.refused[REP] = reply
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(undeliverable=1)
    mail = the_mail(session)
    assert (mail.state, mail.last_error) == ("undeliverable", reply)
    bounced = session.scalars(select(User.bounced_at)).one()
    assert bounced is not None
    assert session.scalars(select(Partner.reachable)).one() is False


def test_a_closed_server_ends_the_round_and_costs_the_others_no_try(
    session: Session, north: Partner, mailbox: Mailbox
) -> None:
    more(session, north, 3)
    mailbox.down = True
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(deferred=1)
    session.rollback()
    assert sorted(session.scalars(select(Mail.attempts))) == [0, 0, 0, 1]
    mailbox.down = False
    session.rollback()
    assert deliver(session, SmtpTransport(mailbox.url), timedelta(minutes=1)) == Delivered(sent=4)


def more(session: Session, of: Partner, number: int) -> None:
    for _ in range(number):
        notice(session, NoticeTopic.OFFER, partner_id=of.id)
    post_pending(session, HOUSE, NOW, keep=False)
    session.commit()


def test_one_refused_recipient_does_not_end_the_round(session: Session, north: Partner, mailbox: Mailbox) -> None:
    user(session, "ann@north.example", Role.PARTNER_ADMIN, north)
    more(session, north, 2)
    mailbox.refused[REP] = "450 4.2.1 Busy"
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(sent=2, deferred=3)


def test_a_server_that_is_not_there_is_unavailable(session: Session, north: Partner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert deliver(session, SmtpTransport(f"smtp://127.0.0.1:{port}")) == Delivered(deferred=1)


def test_a_silent_server_is_left_in_time(session: Session, north: Partner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = SmtpTransport(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        began = time.monotonic()
        assert deliver(session, transport) == Delivered(deferred=1)
        assert time.monotonic() - began < 5
    assert the_mail(session).state == "waiting"
    assert SmtpTransport("smtp://mail.example").timeout == 10


def test_a_password_that_is_not_taken_is_the_servers_matter_not_the_readers(mailbox: Mailbox) -> None:
    transport = SmtpTransport(mailbox.url.replace("smtp://", "smtp://me:secret@"))
    with pytest.raises(Unavailable):
        transport.send(Letter("<1@x.example>", SENDER, REP, "Hello", "Hello", None, NOW))
    assert mailbox.messages == []


def test_a_leased_mail_is_nobody_elses(session: Session, north: Partner) -> None:
    """While one sender has it, no other sends it."""
    nested: list[Delivered] = []

    class Slow(MemoryTransport):
        def send(self, letter: Letter) -> None:
            nested.append(deliver(session, MemoryTransport()))

    assert deliver(session, Slow()) == Delivered(sent=1)
    assert nested == [Delivered()]


def test_a_sender_that_lost_its_lease_marks_nothing(session: Session, north: Partner) -> None:
    """The second sender has the mail and marks it; the first wakes up, and its mark counts no more."""
    second = MemoryTransport()

    class Asleep(MemoryTransport):
        def send(self, letter: Letter) -> None:
            later = LEASE + timedelta(seconds=5)
            assert deliver(session, second, later) == Delivered(sent=1)
            raise Deferred("woke up too late")

    assert deliver(session, Asleep()) == Delivered(deferred=1)
    mail = the_mail(session)
    assert (mail.state, mail.lease_token, mail.last_error) == ("sent", 2, None)
    assert [letter.message_id for letter in second.sent] == [mail.message_id]


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from datetime import datetime
from app import create_app
from models.base import db
from portal.notifications import delivery
from portal.notifications.links import Links
from portal.notifications.transports import SmtpTransport
from tests.support.databases import settings_for

os.environ["TEST_RUN_FOLDER"] = sys.argv[5]
delivery._mark_sent = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with create_app(settings_for(sys.argv[2])).app_context():
    delivery.deliver_due(
        db.session(), SmtpTransport(sys.argv[3]), datetime.fromisoformat(sys.argv[4]),
        sender="fairlead@leads.example", links=Links("https://leads.example", "k" * 16), bounced=lambda *_: None,
    )
"""


def test_killed_between_sending_and_marking_it_is_sent_again_under_the_same_id(
    app: Flask, session: Session, north: Partner, mailbox: Mailbox, tmp_path: Path
) -> None:
    session.rollback()
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    arguments = [str(ROOT), url, mailbox.url, NOW.isoformat(), str(tmp_path)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], timeout=60, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert len(mailbox.wait_for(1)) == 1
    assert (the_mail(session).state, the_mail(session).attempts) == ("waiting", 0)
    session.rollback()
    assert deliver(session, SmtpTransport(mailbox.url), LEASE - timedelta(seconds=5)) == Delivered()
    assert deliver(session, SmtpTransport(mailbox.url), LEASE + timedelta(seconds=5)) == Delivered(sent=1)
    first, second = mailbox.wait_for(2)
    assert first["Message-ID"] == second["Message-ID"] == the_mail(session).message_id


def test_a_link_for_one_use_is_not_kept_once_it_is_sent(session: Session, north: Partner, mailbox: Mailbox) -> None:
    rep = session.scalars(select(User)).one()
    notice(session, NoticeTopic.PASSWORD_RESET, "user", user_id=rep.id, facts={"url": "/password/s3cret"})
    post_pending(session, HOUSE, NOW, keep=False)
    session.commit()
    deliver(session, SmtpTransport(mailbox.url))
    assert any("s3cret" in message.as_string() for message in mailbox.messages)
    session.expire_all()
    mails = session.scalars(select(Mail)).all()
    assert all(mail.state == "sent" and "s3cret" not in mail.text + str(mail.html) for mail in mails)
    assert [mail.text for mail in mails].count(delivery.SENT_SECRET) == 1


def test_a_mail_that_cannot_be_written_holds_up_no_other(session: Session, north: Partner, mailbox: Mailbox) -> None:
    user(session, "ann@north.example", Role.PARTNER_ADMIN, north)
    unit(session, lambda: setattr(session.scalars(select(Mail)).one(), "address", "no address"))
    more(session, north, 1)
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(sent=2, deferred=1)
    mail = session.scalars(select(Mail).where(Mail.address == "no address")).one()
    assert (mail.state, mail.attempts) == ("waiting", 1)


def test_the_limit_and_the_wish_to_stop_are_kept(session: Session, north: Partner) -> None:
    more(session, north, 4)
    transport = MemoryTransport()
    assert deliver(session, transport, limit=2) == Delivered(sent=2)
    stopped = deliver_due(
        session,
        transport,
        NOW,
        sender=SENDER,
        links=LINKS,
        bounced=address_bounced,
        stopping=lambda: len(transport.sent) > 2,
    )
    assert stopped == Delivered(sent=1)


def test_a_bounce_of_an_address_changed_meanwhile_hurts_nobody(
    session: Session, north: Partner, mailbox: Mailbox
) -> None:
    def change() -> None:
        db.session.scalars(select(User)).one().email = "new@north.example"

    unit(session, change)
    mailbox.refused[REP] = "550 5.1.1 No such user"
    assert deliver(session, SmtpTransport(mailbox.url)) == Delivered(undeliverable=1)
    assert session.scalars(select(User.bounced_at)).one() is None
    assert session.scalars(select(Partner.reachable)).one()

"""What the other tests stand on does what it says: fresh databases, real servers, a fence that holds."""

import smtplib
import socket
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.support.network import OutsideWorld

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

    from tests.support.databases import Database
    from tests.support.mail import Mailbox

WRITE_AUDIT = text(
    "INSERT INTO audit (id, at, actor_kind, action, object_type, object_id, facts)"
    " VALUES ('a', CURRENT_TIMESTAMP, 'system', 'test', 'lead', '1', '{}')"
)
SEAL = text("INSERT INTO audit_seal (audit_id, hash) VALUES ('a', 'h') RETURNING number")


def counts(session: "Session") -> dict[str, int]:
    from models.base import db

    return {table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in db.metadata.tables}


def test_reset_undoes_what_was_committed(database: "Database", session: "Session") -> None:
    before = counts(session)
    session.execute(WRITE_AUDIT)
    first = session.execute(SEAL).scalar_one()
    session.execute(text("DELETE FROM policy"))
    session.commit()
    assert counts(session) != before
    session.rollback()

    database.reset()

    assert counts(session) == before
    session.execute(WRITE_AUDIT)
    assert session.execute(SEAL).scalar_one() == first


def test_the_app_is_on_the_database_of_the_test(app: "Flask", database: "Database", session: "Session") -> None:
    assert session.get_bind().dialect.name == database.kind
    assert app.extensions["fairlead"].database_url == database.url


def test_the_post_box_keeps_what_is_sent_and_refuses_what_it_should(mailbox: "Mailbox") -> None:
    mailbox.refused["gone@partner.example"] = "550 5.1.1 No such user"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "a@vendor.example",
        "b@partner.example",
        "A lead for you",
    )
    message.set_content("Hello")
    host, port = mailbox.url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.send_message(message)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.sendmail("a@vendor.example", "gone@partner.example", "Subject: x\r\n\r\ny")
    assert [m["Subject"] for m in mailbox.wait_for(1)] == ["A lead for you"]
    assert len(mailbox.to("b@partner.example")) == 1
    assert mailbox.to("gone@partner.example") == []


def test_valkey_is_real(valkey_url: str) -> None:
    from redis import Redis

    with Redis.from_url(valkey_url) as connection:
        assert connection.dbsize() == 0
        connection.set("key", "value")
        assert connection.config_get("appendonly") == {"appendonly": "yes"}


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.com"])
def test_the_fence_holds(host: str) -> None:
    with pytest.raises(OutsideWorld):
        socket.create_connection((host, 80), timeout=1)

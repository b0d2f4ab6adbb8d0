"""Keys: who makes them for whom, their form, what is kept of them, and their end."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import ApiKey
from models.platform import Audit
from portal.accounts.actor import SYSTEM, Actor
from portal.accounts.errors import AccountError
from portal.accounts.keys import authenticate_key, create_key, revoke_key
from portal.errors import Forbidden, NotFound
from portal.vocabulary import Role
from tests.jobs.people import NOW, partner

STAFF = [Role.ADMIN, Role.CHANNEL_MANAGER, Role.MARKETER]


@pytest.mark.parametrize("role", STAFF)
def test_a_key_of_the_vendor_acts_in_its_role(session: Session, role: Role) -> None:
    key, secret = create_key(session, SYSTEM, "Website", role, None, NOW)
    assert re.fullmatch(r"fl_[\w-]{43}", secret)
    assert authenticate_key(session, secret) == Actor("key", key.id, "Website", role)


def test_a_key_of_a_partner_acts_for_it(session: Session) -> None:
    north = partner(session)
    key, secret = create_key(session, SYSTEM, "CRM", Role.PARTNER_ADMIN, north.id, NOW)
    assert authenticate_key(session, secret) == Actor("key", key.id, "CRM", Role.PARTNER_ADMIN, north.id)


def test_a_partner_admin_makes_and_ends_keys_of_its_own(session: Session) -> None:
    north, rival = partner(session), partner(session, "Rival")
    ada = Actor("user", "0", "Ada", Role.PARTNER_ADMIN, partner_id=north.id)
    key, _ = create_key(session, ada, "CRM", Role.PARTNER_ADMIN, north.id, NOW)
    assert key.created_by == "0"
    with pytest.raises(NotFound):
        create_key(session, ada, "CRM", Role.PARTNER_ADMIN, rival.id, NOW)
    with pytest.raises(AccountError, match="Use one of partner_admin"):
        create_key(session, ada, "CRM", Role.ADMIN, None, NOW)
    theirs, secret = create_key(session, SYSTEM, "CRM", Role.PARTNER_ADMIN, rival.id, NOW)
    with pytest.raises(NotFound):
        revoke_key(session, ada, theirs.id, NOW)
    assert authenticate_key(session, secret) is not None
    assert revoke_key(session, ada, key.id, NOW).revoked_at == NOW


@pytest.mark.parametrize("role", [Role.CHANNEL_MANAGER, Role.MARKETER, Role.PARTNER_REP])
def test_others_make_and_end_none(session: Session, role: Role) -> None:
    key, _ = create_key(session, SYSTEM, "Website", Role.ADMIN, None, NOW)
    north = partner(session)
    actor = Actor("user", "0", "Ada", role, partner_id=north.id if role.is_partner else None)
    with pytest.raises(Forbidden):
        create_key(session, actor, "Website", Role.MARKETER, None, NOW)
    with pytest.raises(Forbidden):
        revoke_key(session, actor, key.id, NOW)


@pytest.mark.parametrize(
    ("role", "with_partner", "words"),
    [
        (Role.PARTNER_ADMIN, False, "Name the partner"),
        (Role.ADMIN, True, "names no partner"),
        (Role.PARTNER_REP, True, "Use one of"),
    ],
)
def test_role_and_partner_belong_together(session: Session, role: Role, with_partner: bool, words: str) -> None:
    partner_id = partner(session).id if with_partner else None
    with pytest.raises(AccountError, match=words):
        create_key(session, SYSTEM, "Website", role, partner_id, NOW)


def test_a_key_needs_a_partner_that_is_there_and_a_name(session: Session) -> None:
    with pytest.raises(NotFound):
        create_key(session, SYSTEM, "CRM", Role.PARTNER_ADMIN, "nowhere", NOW)
    with pytest.raises(AccountError, match="Give a name"):
        create_key(session, SYSTEM, "", Role.ADMIN, None, NOW)


def test_a_revoked_key_opens_nothing_from_then_on(session: Session) -> None:
    key, secret = create_key(session, SYSTEM, "Website", Role.ADMIN, None, NOW)
    revoke_key(session, SYSTEM, key.id, NOW)
    assert authenticate_key(session, secret) is None
    with pytest.raises(NotFound):
        revoke_key(session, SYSTEM, "nowhere", NOW)


def test_what_is_no_key_opens_nothing(session: Session) -> None:
    _, secret = create_key(session, SYSTEM, "Website", Role.ADMIN, None, NOW)
    last = "B" if secret.endswith("A") else "A"
    for wrong in ("", "fl_", secret[:-1], secret + "A", secret[:-1] + last, secret.upper(), "fl_" + "é" * 43):
        assert authenticate_key(session, wrong) is None


def test_only_the_hash_is_kept_and_the_audit_holds_no_secret(session: Session) -> None:
    key, secret = create_key(session, SYSTEM, "Website", Role.ADMIN, None, NOW)
    revoke_key(session, SYSTEM, key.id, NOW)
    row = session.scalars(select(ApiKey)).one()
    kept = " ".join(str(getattr(row, column.name)) for column in ApiKey.__table__.columns)
    assert secret not in kept
    rows = session.scalars(select(Audit)).all()
    assert sorted(row.action for row in rows) == ["key.created", "key.revoked"]
    assert all(secret not in str(row.facts) and row.facts["name"] == "Website" for row in rows)

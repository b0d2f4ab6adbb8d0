"""Accounts: who creates whom, links for one use, signing in, switching off, what the audit keeps of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User, UserToken
from models.base import db
from models.partners import Partner
from models.platform import Audit
from models.session import unit
from portal.accounts import service, tokens
from portal.accounts.actor import SYSTEM, Actor
from portal.accounts.errors import AccountError
from portal.accounts.reach import address_bounced
from portal.errors import Conflict, Forbidden, NotFound
from portal.vocabulary import Role
from tests.jobs.people import NOW, partner, sees, user

Act = Callable[..., object]
PASSWORD = "a long enough one"


def admin_of(of: Partner) -> Actor:
    return Actor("user", "0", "Ada", Role.PARTNER_ADMIN, partner_id=of.id)


def invite(session: Session, actor: Actor = SYSTEM, **data: object) -> tuple[User, str]:
    return service.create_user(session, actor, {"email": "rep@north.example", "name": "Rep", **data}, NOW)


def actions(session: Session) -> list[str]:
    return list(session.scalars(select(Audit.action).order_by(Audit.id)))


def refused(field: str, words: str) -> "pytest.RaisesExc[AccountError]":
    return pytest.raises(AccountError, match=words, check=lambda error: error.field == field)


def test_an_admin_invites_any_role(session: Session) -> None:
    north = partner(session)
    for number, role in enumerate(Role):
        made, secret = invite(
            session,
            email=f"P{number}@North.Example",
            role=role.value,
            partner_id=north.id if role.is_partner else None,
        )
        assert (made.email, made.role, made.active) == (f"p{number}@north.example", role, True)
        assert tokens.find(session, tokens.INVITATION, secret, NOW) is made


def test_a_new_person_of_a_partner_reads_in_the_partners_zone(session: Session) -> None:
    made, _ = invite(session, role="partner_rep", partner_id=partner(session).id)
    assert made.timezone == "Europe/Berlin"


def test_a_partner_admin_invites_its_own_team_without_naming_it(session: Session) -> None:
    north = partner(session)
    made, _ = invite(session, admin_of(north), role="partner_rep")
    assert made.partner_id == north.id


def test_a_partner_admin_makes_no_staff(session: Session) -> None:
    with refused("role", "partner_rep, partner_admin"):
        invite(session, admin_of(partner(session)), role="admin")


def test_a_partner_admin_does_not_reach_another_partner(session: Session) -> None:
    north, rival = partner(session), partner(session, "Rival")
    with pytest.raises(NotFound):
        invite(session, admin_of(north), role="partner_rep", partner_id=rival.id)


@pytest.mark.parametrize("role", [Role.PARTNER_REP, Role.CHANNEL_MANAGER, Role.MARKETER])
def test_others_invite_nobody(session: Session, role: Role) -> None:
    north = partner(session)
    actor = Actor("user", "0", "Ada", role, partner_id=north.id if role.is_partner else None)
    with pytest.raises(Forbidden):
        invite(session, actor, role="partner_rep", partner_id=north.id)


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"role": "admin", "email": "not one"}, "email", "not an e-mail address"),
        ({"role": "admin", "email": None}, "email", "not an e-mail address"),
        ({"role": "admin", "name": " "}, "name", "Give a name"),
        ({"role": "admin", "name": "x" * 201}, "name", "at most 200"),
        ({"role": "admin", "name": "two\nlines"}, "name", "one line"),
        ({"role": "admin", "timezone": "Mars/Base"}, "timezone", "such as Europe/Berlin"),
        ({"role": "emperor"}, "role", "Use one of"),
        ({"role": "partner_rep"}, "partner_id", "Name the partner"),
        ({"role": "admin", "partner_id": "some"}, "partner_id", "belongs to no partner"),
        ({"role": "admin", "portfolio": ["some"]}, "portfolio", "Only a channel manager"),
        ({"role": "channel_manager", "portfolio": ["some"]}, "portfolio", "does not exist"),
    ],
)
def test_what_cannot_be_used_is_told_by_field(
    session: Session, data: dict[str, object], field: str, words: str
) -> None:
    with refused(field, words):
        invite(session, **data)


def test_one_address_has_one_account(session: Session) -> None:
    invite(session, role="admin")
    with refused("email", "has an account already"):
        invite(session, role="admin", email=" REP@north.example ")


def test_a_partner_does_not_learn_of_people_outside_its_team(session: Session) -> None:
    north, rival = partner(session), partner(session, "Rival")
    user(session, "sam@rival.example", Role.PARTNER_REP, rival)
    with refused("email", "cannot be used here"):
        invite(session, admin_of(north), role="partner_rep", email="sam@rival.example")
    user(session, "ann@north.example", Role.PARTNER_REP, north)
    with refused("email", "has an account already"):
        invite(session, admin_of(north), role="partner_rep", email="ann@north.example")


def test_an_invitation_lets_in_once(session: Session) -> None:
    made, secret = invite(session, role="admin")
    epoch = made.session_epoch
    assert service.accept_invitation(session, secret, PASSWORD, NOW) is made
    session.flush()
    assert made.session_epoch == epoch + 1
    assert service.sign_in(session, "Rep@North.example ", PASSWORD, NOW) is made
    with refused("link", "no longer works"):
        service.accept_invitation(session, secret, "another long one", NOW)


def test_an_invitation_ends_after_seven_days(session: Session) -> None:
    _, secret = invite(session, role="admin")
    week = timedelta(days=7)
    assert tokens.find(session, tokens.INVITATION, secret, NOW + week - timedelta(seconds=1)) is not None
    with refused("link", "no longer works"):
        service.accept_invitation(session, secret, PASSWORD, NOW + week)


def test_a_link_of_one_kind_is_none_of_the_other(session: Session) -> None:
    _, secret = invite(session, role="admin")
    with refused("link", "no longer works"):
        service.set_password(session, secret, PASSWORD, NOW)


def test_a_second_invitation_ends_the_first(session: Session) -> None:
    made, first = invite(session, role="admin")
    second = service.invite_again(session, SYSTEM, made, NOW)
    with refused("link", "no longer works"):
        service.accept_invitation(session, first, PASSWORD, NOW)
    service.accept_invitation(session, second, PASSWORD, NOW)
    with pytest.raises(Conflict, match="signed in before"):
        service.invite_again(session, SYSTEM, made, NOW)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short one", "at least 10"),
        ("x" * 201, "at most 200"),
        ("REP@north.example", "other than the e-mail"),
    ],
)
def test_a_poor_password_is_refused_and_the_link_stays(session: Session, password: str, words: str) -> None:
    _, secret = invite(session, role="admin")
    with refused("password", words):
        service.accept_invitation(session, secret, password, NOW)
    service.accept_invitation(session, secret, PASSWORD, NOW)


def member(session: Session, **more: object) -> User:
    made, secret = invite(session, role="admin", **more)
    service.accept_invitation(session, secret, PASSWORD, NOW)
    session.flush()
    return made


def test_a_forgotten_password_is_set_anew_within_two_hours(session: Session) -> None:
    made = member(session)
    found = service.request_reset(session, " REP@north.example", NOW)
    assert found is not None
    assert found[0] is made
    late = service.request_reset(session, made.email, NOW)
    assert late is not None
    with refused("link", "no longer works"):
        service.set_password(session, late[1], "another long one", NOW + timedelta(hours=2))
    epoch = made.session_epoch
    again = service.request_reset(session, made.email, NOW)
    assert again is not None
    service.set_password(session, again[1], "another long one", NOW)
    session.flush()
    assert made.session_epoch == epoch + 1
    assert service.sign_in(session, made.email, "another long one", NOW) is made
    with refused("email", "not right"):
        service.sign_in(session, made.email, PASSWORD, NOW)


def test_an_unknown_address_gets_no_reset(session: Session) -> None:
    made = member(session)
    assert service.request_reset(session, "nobody@north.example", NOW) is None
    made.active = False
    assert service.request_reset(session, made.email, NOW) is None


def test_one_changes_ones_own_password(session: Session) -> None:
    made = member(session)
    with refused("old_password", "not the password in use"):
        service.change_password(session, made, "wrong", "another long one", NOW)
    service.change_password(session, made, PASSWORD, "another long one", NOW)
    assert service.sign_in(session, made.email, "another long one", NOW) is made


def test_every_refusal_at_the_door_is_the_same(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, wrong, switched off, no password yet: one sentence, and a password is really checked."""
    from portal.accounts import passwords

    hashed = []

    class Watched:
        def verify(self, stored: str, password: str) -> bool:
            hashed.append(stored)
            return real.verify(stored, password)

        hash = passwords._hasher.hash
        check_needs_rehash = passwords._hasher.check_needs_rehash

    real = passwords._hasher
    off = member(session)
    other = member(session, email="boss@vendor.example")
    service.deactivate_user(session, SYSTEM, off, NOW)
    user(session, "new@north.example", Role.ADMIN)
    monkeypatch.setattr(passwords, "_hasher", Watched())
    tries = [
        ("nobody@north.example", PASSWORD), (other.email, "not the password"), (off.email, PASSWORD),
        ("new@north.example", PASSWORD), ("new@north.example", "nobody has this password"),
    ]  # fmt: skip
    sentences = set()
    for email, password in tries:
        with pytest.raises(AccountError) as refusal:
            service.sign_in(session, email, password, NOW)
        sentences.add((refusal.value.field, refusal.value.message))
    assert sentences == {("email", "The e-mail address or the password is not right.")}
    assert len(hashed) == len(tries)
    assert all(stored.startswith("$argon2id$") for stored in hashed)


def test_an_old_hash_is_made_anew_at_sign_in(session: Session) -> None:
    from argon2 import PasswordHasher

    made = member(session)
    made.password_hash = old = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    service.sign_in(session, made.email, PASSWORD, NOW)
    assert made.password_hash != old
    assert service.sign_in(session, made.email, PASSWORD, NOW) is made


def test_signing_out_everywhere_ends_every_session(session: Session) -> None:
    made = member(session)
    epoch = made.session_epoch
    service.sign_out_everywhere(session, service.actor_for_user(session, made), made, NOW)
    session.flush()
    assert made.session_epoch == epoch + 1
    with pytest.raises(Forbidden):
        service.sign_out_everywhere(session, Actor("user", "0", "Max", Role.MARKETER), made, NOW)


def test_who_is_switched_off_is_out_and_comes_back_with_the_same_password(session: Session) -> None:
    made, _ = member(session), member(session, email="boss@vendor.example")
    epoch, reset = made.session_epoch, service.request_reset(session, made.email, NOW)
    service.deactivate_user(session, SYSTEM, made, NOW)
    session.flush()
    assert made.session_epoch == epoch + 1
    assert reset is not None
    with refused("link", "no longer works"):
        service.set_password(session, reset[1], "another long one", NOW)
    with pytest.raises(Conflict, match="switched off"):
        service.invite_again(session, SYSTEM, user(session, "x@y.example", Role.ADMIN, active=False), NOW)
    service.reactivate_user(session, SYSTEM, made, NOW)
    assert service.sign_in(session, made.email, PASSWORD, NOW) is made


def test_the_last_admin_stays(session: Session) -> None:
    made = member(session)
    with pytest.raises(Conflict, match="last admin"):
        service.deactivate_user(session, SYSTEM, made, NOW)
    assert made.active


@pytest.mark.parametrize("act", [service.deactivate_user, service.reactivate_user, service.invite_again])
def test_accounts_are_managed_by_admins_and_their_own_partner_admin(session: Session, act: Act) -> None:
    north, rival = partner(session), partner(session, "Rival")
    rep = user(session, "rep@north.example", Role.PARTNER_REP, north)
    with pytest.raises(NotFound):
        act(session, admin_of(rival), rep, NOW)
    with pytest.raises(Forbidden):
        act(session, Actor("user", "0", "Cho", Role.CHANNEL_MANAGER), rep, NOW)
    act(session, admin_of(north), rep, NOW)


def test_of_two_at_the_same_moment_one_takes_up_the_invitation(app: Flask) -> None:
    with app.app_context():
        _, secret = unit(db.session(), lambda: invite(db.session(), role="admin"))
    start, outcomes = Barrier(2), []

    def take_up(password: str) -> None:
        with app.app_context():
            start.wait()
            try:
                unit(db.session(), lambda: service.accept_invitation(db.session(), secret, password, NOW))
                outcomes.append(password)
            except AccountError as error:
                outcomes.append(error.field)

    both = [Thread(target=take_up, args=(f"the {which} password",)) for which in ("first", "second")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    (winner,) = set(outcomes) - {"link"}
    assert sorted(outcomes) == sorted(["link", winner])
    with app.app_context():
        assert service.sign_in(db.session(), "rep@north.example", winner, NOW).session_epoch == 1


def test_a_portfolio_narrows_what_a_manager_sees(session: Session) -> None:
    north = partner(session)
    cho = user(session, "cho@vendor.example", Role.CHANNEL_MANAGER)
    assert service.actor_for_user(session, cho).portfolio is None
    sees(session, cho, north)
    assert service.actor_for_user(session, cho).portfolio == frozenset({north.id})
    service.set_portfolio(session, SYSTEM, cho, [], NOW)
    session.flush()
    assert service.actor_for_user(session, cho).portfolio is None
    made, _ = invite(session, role="channel_manager", portfolio=[north.id])
    assert service.actor_for_user(session, made).portfolio == frozenset({north.id})


def test_an_invited_person_makes_a_partner_reachable(session: Session) -> None:
    """Reachable by an invited user too, and still after the invitation ran out; not by one switched off."""
    north = partner(session)
    assert not north.reachable
    rep, _ = invite(session, role="partner_rep", partner_id=north.id)
    assert (north.reachable, north.freed_at) == (True, NOW)
    service.deactivate_user(session, SYSTEM, rep, NOW + timedelta(days=8))
    assert (north.reachable, north.freed_at) == (False, NOW)
    service.reactivate_user(session, SYSTEM, rep, NOW + timedelta(days=9))
    assert (north.reachable, north.freed_at) == (True, NOW + timedelta(days=9))


def test_a_second_person_frees_nobody_anew(session: Session) -> None:
    north = partner(session)
    invite(session, role="partner_rep", partner_id=north.id)
    later = NOW + timedelta(days=1)
    service.create_user(
        session,
        SYSTEM,
        {"email": "b@north.example", "name": "B", "role": "partner_rep", "partner_id": north.id},
        later,
    )
    assert north.freed_at == NOW


def test_a_bounce_ends_reach_and_a_link_from_a_mail_brings_it_back(session: Session) -> None:
    north = partner(session)
    rep, _ = invite(session, role="partner_rep", partner_id=north.id)
    address_bounced(session, rep.id, "old@north.example", NOW)
    assert rep.bounced_at is None
    address_bounced(session, rep.id, rep.email, NOW)
    assert (rep.bounced_at, north.reachable) == (NOW, False)
    secret = service.invite_again(session, SYSTEM, rep, NOW)
    service.accept_invitation(session, secret, PASSWORD, NOW)
    assert (rep.bounced_at, north.reachable) == (None, True)


def test_every_change_is_audited_and_no_secret_is(session: Session) -> None:
    north = partner(session)
    made, invitation = invite(session, role="partner_rep", partner_id=north.id)
    again = service.invite_again(session, SYSTEM, made, NOW)
    service.accept_invitation(session, again, PASSWORD, NOW)
    service.sign_in(session, made.email, PASSWORD, NOW)
    reset = service.request_reset(session, made.email, NOW)
    assert reset is not None
    service.set_password(session, reset[1], "another long one", NOW)
    service.change_password(session, made, "another long one", PASSWORD, NOW)
    service.sign_out_everywhere(session, SYSTEM, made, NOW)
    service.deactivate_user(session, SYSTEM, made, NOW)
    service.reactivate_user(session, SYSTEM, made, NOW)
    assert sorted(actions(session)) == sorted(f"user.{act}" for act in (
        "created", "invited_again", "invitation_accepted", "signed_in", "reset_requested", "password_set",
        "password_changed", "signed_out_everywhere", "deactivated", "reactivated",
    ))  # fmt: skip
    rows = session.scalars(select(Audit)).all()
    assert {row.partner_id for row in rows} == {north.id}
    kept = json.dumps([row.facts for row in rows])
    hashes = session.scalars(select(UserToken.secret_hash)).all()
    for secret in (
        invitation,
        again,
        reset[1],
        PASSWORD,
        "another long one",
        made.email,
        made.password_hash,
        *hashes,
    ):
        assert secret is not None
        assert secret not in kept
    assert {invitation, again, reset[1]}.isdisjoint(hashes)

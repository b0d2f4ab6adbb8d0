"""From the outbox to mails: who reads what, once each, in opening hours, together where there are many."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.partners import Partner
from models.platform import Mail, Outbox
from portal.calendars.describe import exact
from portal.notifications.layout import House
from portal.notifications.posting import pending_partners, post_pending
from portal.vocabulary import NoticeTopic, Role
from tests.jobs.people import HOUR, NOW, notice, partner, sees, user

HOUSE = House("https://leads.example", "Contoso", exact)


def post(session: Session, *, keep: bool = False, quiet: Sequence[str] = (), limit: int = 200) -> int:
    return post_pending(session, HOUSE, NOW, keep=keep, quiet=quiet, limit=limit)


def addresses(session: Session) -> list[str]:
    return sorted(session.scalars(select(Mail.address)))


@pytest.fixture
def north(session: Session) -> Partner:
    made = partner(session)
    user(session, "ann@north.example", Role.PARTNER_ADMIN, made)
    user(session, "rep@north.example", Role.PARTNER_REP, made)
    user(session, "gone@north.example", Role.PARTNER_REP, made, active=False)
    user(session, "bounced@north.example", Role.PARTNER_REP, made, bounced_at=NOW)
    return made


@pytest.fixture
def staff(session: Session, north: Partner) -> list[User]:
    """A manager of everything, one of this partner, one of another; a marketer and an admin."""
    rival = partner(session, "Rival")
    user(session, "sam@rival.example", Role.PARTNER_ADMIN, rival)
    names = ("all", "north", "rival")
    people = [user(session, f"{name}@vendor.example", Role.CHANNEL_MANAGER) for name in names]
    sees(session, people[1], north)
    sees(session, people[2], rival)
    user(session, "market@vendor.example", Role.MARKETER)
    user(session, "admin@vendor.example", Role.ADMIN)
    return people


def test_a_partners_notice_goes_to_its_people_who_can_be_reached(
    session: Session, north: Partner, staff: list[User]
) -> None:
    row = notice(session, NoticeTopic.OFFER, partner_id=north.id)
    assert post(session) == 2
    assert addresses(session) == ["ann@north.example", "rep@north.example"]
    assert (row.state, row.posted_at) == ("posted", NOW)
    assert {mail.state for mail in session.scalars(select(Mail))} == {"waiting"}


def test_a_managers_notice_goes_to_those_who_see_the_partner(
    session: Session, north: Partner, staff: list[User]
) -> None:
    notice(session, NoticeTopic.STOPPED, "manager", partner_id=north.id)
    post(session)
    assert addresses(session) == ["all@vendor.example", "north@vendor.example"]


def test_a_notice_of_no_partner_goes_to_every_manager(session: Session, north: Partner, staff: list[User]) -> None:
    notice(session, NoticeTopic.UNALLOCATED, "manager")
    post(session)
    assert addresses(session) == ["all@vendor.example", "north@vendor.example", "rival@vendor.example"]


def test_without_a_manager_the_admins_are_told(session: Session, north: Partner, staff: list[User]) -> None:
    staff[0].active = staff[1].active = False
    notice(session, NoticeTopic.STOPPED, "manager", partner_id=north.id)
    post(session)
    assert addresses(session) == ["admin@vendor.example"]


def test_a_users_notice_goes_to_that_one_even_after_a_bounce(session: Session, north: Partner) -> None:
    bounced = session.scalars(select(User).where(User.email == "bounced@north.example")).one()
    gone = session.scalars(select(User).where(User.email == "gone@north.example")).one()
    notice(session, NoticeTopic.INVITATION, "user", user_id=bounced.id)
    notice(session, NoticeTopic.INVITATION, "user", user_id=gone.id)
    post(session)
    assert addresses(session) == ["bounced@north.example"]


def test_nothing_is_posted_twice(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.OFFER, partner_id=north.id)
    assert (post(session), post(session)) == (2, 0)


def test_what_was_taken_back_is_not_posted(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.OFFER, partner_id=north.id).state = "dropped"
    assert post(session) == 0


def test_the_message_id_is_made_of_notice_and_reader(session: Session, north: Partner) -> None:
    row = notice(session, NoticeTopic.OFFER, partner_id=north.id)
    post(session)
    for mail in session.scalars(select(Mail)):
        assert mail.message_id == f"<{row.id}.{mail.user_id}@leads.example>"


def test_without_a_mail_server_mails_are_kept_at_once(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.OFFER, partner_id=north.id)
    post(session, keep=True)
    assert {mail.state for mail in session.scalars(select(Mail))} == {"kept"}


def test_late_notices_of_one_sweep_make_one_mail_for_each_reader(
    session: Session, north: Partner, staff: list[User]
) -> None:
    for number in range(30):
        for audience in ("partner", "manager"):
            notice(
                session, NoticeTopic.BREACH, audience, partner_id=north.id,
                facts={"kind": "feedback", "lead": f"Lead {number:02}", "partner": "Northwind"},
            )  # fmt: skip
    assert post(session) == 4
    mail = session.scalars(select(Mail).where(Mail.address == "rep@north.example")).one()
    assert mail.subject.startswith("30 late: give feedback")
    assert all(f"Lead {number:02}" in mail.text for number in range(30))


def test_offers_stay_apart(session: Session, north: Partner) -> None:
    for _ in range(3):
        notice(session, NoticeTopic.OFFER, partner_id=north.id)
    assert post(session) == 6


def test_two_partners_notices_never_share_a_mail(session: Session, north: Partner) -> None:
    rival = partner(session, "Rival")
    user(session, "sam@rival.example", Role.PARTNER_ADMIN, rival)
    for of, lead in ((north, "Ours"), (rival, "Theirs")):
        notice(session, NoticeTopic.BREACH, partner_id=of.id, facts={"kind": "feedback", "lead": lead})
    post(session)
    mails = {mail.address: mail.text for mail in session.scalars(select(Mail))}
    assert "Theirs" in mails["sam@rival.example"]
    assert "Ours" not in mails["sam@rival.example"]
    assert "Theirs" not in mails["rep@north.example"]


@pytest.mark.parametrize("topic", [NoticeTopic.WARNING, NoticeTopic.BREACH])
def test_outside_hours_warnings_and_late_notices_wait(session: Session, north: Partner, topic: NoticeTopic) -> None:
    row = notice(session, topic, partner_id=north.id)
    assert pending_partners(session) == [north.id]
    assert post(session, quiet=[north.id]) == 0
    assert row.state == "pending"
    assert post(session) == 2


def test_outside_hours_offers_stops_and_staff_notices_go_out(
    session: Session, north: Partner, staff: list[User]
) -> None:
    notice(session, NoticeTopic.OFFER, partner_id=north.id)
    notice(session, NoticeTopic.STOPPED, partner_id=north.id)
    notice(session, NoticeTopic.BREACH, "manager", partner_id=north.id)
    assert pending_partners(session) == []
    assert post(session, quiet=[north.id]) == 2 + 2 + 2


def test_a_quiet_partner_does_not_hold_up_another(session: Session, north: Partner) -> None:
    rival = partner(session, "Rival")
    user(session, "sam@rival.example", Role.PARTNER_ADMIN, rival)
    for _ in range(5):
        notice(session, NoticeTopic.BREACH, partner_id=north.id)
    notice(session, NoticeTopic.BREACH, partner_id=rival.id)
    assert post(session, quiet=[north.id], limit=1) == 1
    assert addresses(session) == ["sam@rival.example"]


def test_a_warning_that_comes_too_late_is_dropped(session: Session, north: Partner) -> None:
    rows = [
        notice(session, NoticeTopic.WARNING, partner_id=north.id, facts={"due_at": at.isoformat()})
        for at in (NOW, NOW + HOUR)
    ]
    assert post(session) == 2
    assert [row.state for row in rows] == ["dropped", "posted"]


def test_the_oldest_go_first(session: Session, north: Partner) -> None:
    newer, older = (notice(session, NoticeTopic.OFFER, partner_id=north.id) for _ in range(2))
    older.created_at = NOW - timedelta(hours=1)
    session.flush()
    post(session, limit=1)
    assert (newer.state, older.state) == ("pending", "posted")


@pytest.mark.parametrize("topic", [NoticeTopic.INVITATION, NoticeTopic.PASSWORD_RESET])
def test_the_outbox_forgets_a_secret_link_once_the_mail_is_made(
    session: Session, north: Partner, topic: NoticeTopic
) -> None:
    rep = session.scalars(select(User).where(User.email == "rep@north.example")).one()
    until = (NOW + HOUR).isoformat()
    row = notice(session, topic, "user", user_id=rep.id, facts={"url": "/invitation/s3cret", "until": until})
    post(session)
    session.expire_all()
    assert "s3cret" in session.scalars(select(Mail.text)).one()
    assert session.get_one(Outbox, row.id).facts == {"until": until}


@pytest.mark.parametrize("topic", [NoticeTopic.INVITATION, NoticeTopic.PASSWORD_RESET])
def test_a_link_that_has_died_is_not_sent_after_all(session: Session, north: Partner, topic: NoticeTopic) -> None:
    rep = session.scalars(select(User).where(User.email == "rep@north.example")).one()
    row = notice(session, topic, "user", user_id=rep.id, facts={"url": "/x/s3cret", "until": NOW.isoformat()})
    assert post(session) == 0
    assert (row.state, row.facts) == ("dropped", {"until": NOW.isoformat()})

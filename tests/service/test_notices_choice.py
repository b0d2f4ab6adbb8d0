"""What readers have turned off is not mailed, and nothing that must be sent; who is told of what a policy says."""

import email.policy
from collections.abc import Sequence
from copy import deepcopy
from email.parser import BytesParser
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import String, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.accounts import User
from models.leads import Lead, LeadEvent
from models.notices import MailLink, MutedNotice
from models.partners import Partner
from models.platform import Mail, Outbox
from models.session import unit
from portal.accounts import notices
from portal.accounts.actor import SYSTEM
from portal.compliance import partners
from portal.config import Settings
from portal.enforcement import acts
from portal.enforcement.placing import place_freed
from portal.enforcement.sweep import sweep
from portal.jobs.post import post_all
from portal.notifications.delivery import deliver_due
from portal.notifications.linking import REMEMBERED, forget_links
from portal.notifications.links import LIFETIME, Links
from portal.notifications.posting import post_pending
from portal.notifications.transports import MemoryTransport, compose
from portal.notifications.withdraw import withdraw_settled
from portal.vocabulary import DeclineReason, LeadEventKind, LeadStatus, MailAct, NoticeKind, NoticeTopic, Role
from tests.jobs.people import NOW, notice, partner, user
from tests.service.test_notifications_posting import HOUSE
from tests.support import world
from tests.support.world import DAY, HOUR, MINUTE, MONDAY, rep_of

LINKS = Links("https://leads.example", "a secret of this test")


@pytest.fixture
def north(session: Session) -> Partner:
    made = partner(session)
    for name, role in (("ann", Role.PARTNER_ADMIN), ("rep", Role.PARTNER_REP)):
        user(session, f"{name}@north.example", role, made)
    return made


def turn_off(session: Session, address: str, *kinds: NoticeKind) -> None:
    reader = session.scalars(select(User).where(User.email == address)).one()
    notices.mute(session, SYSTEM, reader, kinds, NOW)
    session.flush()


def post(session: Session) -> list[tuple[str, str]]:
    post_pending(session, HOUSE, NOW, keep=True)
    mails = session.execute(select(Mail.address, Mail.subject).order_by(Mail.address, Mail.id))
    return [(row.address.partition("@")[0], row.subject.partition(":")[0]) for row in mails]


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        (NoticeTopic.WARNING, NoticeKind.REMINDER),
        (NoticeTopic.STANDING, NoticeKind.STANDING),
        (NoticeTopic.ENQUIRED_AGAIN, NoticeKind.ENQUIRED_AGAIN),
        (NoticeTopic.EXTENDED, NoticeKind.EASED),
        (NoticeTopic.WAIVED, NoticeKind.EASED),
    ],
)
def test_who_turned_a_kind_off_is_not_told_and_the_others_are(
    session: Session, north: Partner, topic: NoticeTopic, kind: NoticeKind
) -> None:
    turn_off(session, "rep@north.example", kind)
    notice(session, topic, partner_id=north.id)
    assert [name for name, _ in post(session)] == ["ann"]


@pytest.mark.parametrize("topic", [NoticeTopic.OFFER, NoticeTopic.BREACH, NoticeTopic.MOVED_ON, NoticeTopic.STOPPED])
def test_what_must_be_known_comes_whatever_is_off(session: Session, north: Partner, topic: NoticeTopic) -> None:
    turn_off(session, "rep@north.example", *NoticeKind)
    notice(session, topic, partner_id=north.id)
    assert [name for name, _ in post(session)] == ["ann", "rep"]
    assert session.scalars(select(Mail.kind)).all() == [None, None]


def test_of_what_is_told_together_only_the_part_that_is_off_is_left_out(session: Session, north: Partner) -> None:
    turn_off(session, "rep@north.example", NoticeKind.REMINDER)
    notice(session, NoticeTopic.BREACH, partner_id=north.id, facts={"kind": "feedback"})
    notice(session, NoticeTopic.WARNING, partner_id=north.id, facts={"kind": "update"})
    assert post(session) == [("ann", "1 late, 1 to do"), ("rep", "Late")]
    assert session.scalars(select(Mail.kind)).all() == [None, None]


def test_staff_turn_off_the_queue_and_returns(session: Session, north: Partner) -> None:
    user(session, "max@vendor.example", Role.CHANNEL_MANAGER)
    turn_off(session, "max@vendor.example", NoticeKind.QUEUE, NoticeKind.RETURNS)
    for topic in (NoticeTopic.UNALLOCATED, NoticeTopic.REINSTATED, NoticeTopic.STOPPED):
        notice(session, topic, "manager", partner_id=north.id, facts={"partner": "Northwind"})
    assert post(session) == [("max", "Northwind is stopped")]


def test_the_choice_is_kept_and_audited_once(session: Session, north: Partner) -> None:
    from models.platform import Audit

    for _ in range(2):
        turn_off(session, "rep@north.example", NoticeKind.DIGEST, NoticeKind.EASED)
    turn_off(session, "rep@north.example", NoticeKind.DIGEST)
    assert [row.kind for row in session.scalars(select(MutedNotice))] == [NoticeKind.DIGEST]
    audited = session.scalars(select(Audit.facts).where(Audit.action == "user.notices_set").order_by(Audit.id)).all()
    assert audited == [{"off": ["digest", "eased"]}, {"off": ["digest"]}]


# ---------- On the wire ----------


def sent(session: Session, base_url: str = "https://leads.example") -> MemoryTransport:
    transport = MemoryTransport()
    session.commit()
    links = Links(base_url, LINKS.key)
    deliver_due(session, transport, NOW + MINUTE, sender="a@b.example", links=links, bounced=lambda *_: None)
    return transport


def test_a_mail_that_may_be_turned_off_says_where(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.WARNING, partner_id=north.id)
    post_pending(session, HOUSE, NOW, keep=False)
    letter = sent(session).sent[0]
    assert letter.unsubscribe is not None
    assert letter.unsubscribe in letter.text
    assert letter.unsubscribe in (letter.html or "")
    message = BytesParser(policy=email.policy.default).parsebytes(compose(letter).as_bytes())
    assert message["List-Unsubscribe"] == f"<{letter.unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert b"=?utf-8?" not in compose(letter).as_bytes()


def test_one_click_is_only_offered_over_https(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.WARNING, partner_id=north.id)
    post_pending(session, HOUSE, NOW, keep=False)
    message = compose(sent(session, "http://127.0.0.1:8000").sent[0])
    assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/unsubscribe/reminder/")
    assert message["List-Unsubscribe-Post"] is None


def test_a_mail_that_must_come_cannot_be_unsubscribed(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.OFFER, partner_id=north.id)
    post_pending(session, HOUSE, NOW, keep=False)
    letter = sent(session).sent[0]
    assert (letter.unsubscribe, "unsubscribe" in letter.text) == (None, False)
    assert compose(letter)["List-Unsubscribe"] is None


def test_a_letter_shows_its_links_to_nobody(session: Session, north: Partner) -> None:
    notice(session, NoticeTopic.WARNING, partner_id=north.id)
    post_pending(session, HOUSE, NOW, keep=False)
    letter = sent(session).sent[0]
    assert letter.unsubscribe not in repr(letter)


def test_a_mail_sent_again_has_the_same_links(session: Session) -> None:
    """A retry is the same letter under the same Message-ID, to the last character."""
    northwind(session)
    world.receive_lead(session, now=NOW)
    unit(session, lambda: post_pending(session, HOUSE, NOW, keep=False))
    from portal.notifications.transports import Deferred

    class Busy(MemoryTransport):
        def send(self, letter: object) -> None:
            self.sent.append(letter)  # type: ignore[arg-type]
            raise Deferred("450 busy")

    busy = Busy()
    for minutes in (1, 10):
        deliver_due(session, busy, NOW + minutes * MINUTE, sender="a@b.example", links=LINKS, bounced=lambda *_: None)
    first, second = busy.sent
    assert first == second
    assert first.text.count("/by-mail/") == 2
    assert "/by-mail/" in (first.html or "")


# ---------- Links as rows ----------


def northwind(session: Session, **settings: object) -> Partner:
    made = world.make_partner(session, "Northwind", **settings)  # type: ignore[arg-type]
    world.publish_rules(session)
    return made


def test_each_reader_has_links_of_their_own(session: Session) -> None:
    made = northwind(session)
    world.make_user(session, Role.PARTNER_REP, partner=made)
    lead = world.receive_lead(session)
    unit(session, lambda: post_pending(session, HOUSE, MONDAY, keep=True))
    links = session.scalars(select(MailLink)).all()
    assert sorted((link.act.value) for link in links) == ["accept", "accept", "decline", "decline"]
    assert len({link.user_id for link in links}) == 2
    assert {link.assignment_id for link in links} == {world.assignment_of(session, lead).id}  # type: ignore[union-attr]
    texts = session.execute(select(Mail.user_id, Mail.text)).all()
    assert all((link.id in mail.text) == (link.user_id == mail.user_id) for link in links for mail in texts)


@pytest.mark.parametrize(("act", "lasts", "guard"), [("accept", 0, "lifetime"), ("sign_in", 1, "act")])
def test_the_database_refuses_a_link_that_is_none(session: Session, act: str, lasts: int, guard: str) -> None:
    _, _, assignment_id = held_offer(session)
    user_id = session.scalars(select(User.id)).first()
    values = {"id": "1", "user_id": user_id, "assignment_id": assignment_id, "act": literal(act, String),
              "created_at": MONDAY, "expires_at": MONDAY + lasts * HOUR}  # fmt: skip
    with pytest.raises(IntegrityError, match=f"ck_mail_link_{guard}"):
        session.execute(insert(MailLink.__table__).values(values))  # type: ignore[arg-type]
    session.rollback()


def test_links_are_forgotten_a_month_after_their_end(session: Session) -> None:
    northwind(session)
    world.receive_lead(session)
    unit(session, lambda: post_pending(session, HOUSE, MONDAY, keep=True))
    for at, left in ((MONDAY + LIFETIME + REMEMBERED, 2), (MONDAY + LIFETIME + REMEMBERED + MINUTE, 0)):
        unit(session, lambda at=at: forget_links(session, at))
        assert len(session.scalars(select(MailLink)).all()) == left


def test_the_days_start_links_to_what_each_line_asks(app: Flask, session: Session) -> None:
    made = northwind(session)
    lead = world.receive_lead(session)
    assignment = world.assignment_of(session, lead)
    assert assignment is not None
    acts.accept(session, rep_of(made), assignment.id, MONDAY + MINUTE)
    rows = world.obligations_of(session, assignment)
    rows["first_contact"].due_at = rows["first_contact"].grace_until = MONDAY + DAY + 4 * HOUR
    session.commit()
    for minutes in (0, 1):
        post_at(app, session, MONDAY + DAY + minutes * MINUTE)
    mail = session.scalars(select(Mail).order_by(Mail.id.desc()).limit(1)).one()
    assert mail.kind is NoticeKind.DIGEST
    assert [link.act for link in session.scalars(select(MailLink))] == [MailAct.LOG]
    assert "Log a touch: http" in mail.text


def test_who_turned_the_days_start_off_is_reminded_of_what_it_would_have_listed(app: Flask, session: Session) -> None:
    made = northwind(session)
    only = session.scalars(select(User).where(User.partner_id == made.id)).one()
    other = world.make_user(session, Role.PARTNER_REP, partner=made)
    unit(session, lambda: notices.mute(session, SYSTEM, other, [NoticeKind.DIGEST], MONDAY))
    lead = world.receive_lead(session)
    assignment = world.assignment_of(session, lead)
    assert assignment is not None
    acts.accept(session, rep_of(made), assignment.id, MONDAY + MINUTE)
    row = world.obligations_of(session, assignment)["first_contact"]
    row.due_at = row.grace_until = MONDAY + DAY + 4 * HOUR
    row.warn_at = MONDAY + DAY - 3 * HOUR
    session.commit()
    sweep(session, MONDAY + DAY - 2 * HOUR)
    for minutes in (-120, 0, 1):
        post_at(app, session, MONDAY + DAY + minutes * MINUTE)
    told = {mail.user_id: mail.kind for mail in session.scalars(select(Mail))}
    assert told == {only.id: NoticeKind.DIGEST, other.id: NoticeKind.REMINDER}


def post_at(app: Flask, session: Session, now: object) -> None:
    settings: Settings = app.extensions["fairlead"]
    session.commit()
    post_all(settings, now)  # type: ignore[arg-type]


# ---------- Whom a policy has told of a miss ----------


def missed(session: Session, notify: Sequence[str]) -> tuple[Partner, User, User]:
    """A partner, a manager and an admin, under a policy that tells these of a missed first contact."""
    made, document = northwind(session), deepcopy(POLICY)
    for entry in document["obligations"]:
        entry["on_breach"] = {"reassign": False, "notify": list(notify)}
    world.publish_policy(session, document)
    manager, admin = (world.make_user(session, role) for role in (Role.CHANNEL_MANAGER, Role.ADMIN))
    lead = world.receive_lead(session)
    assignment = world.assignment_of(session, lead)
    assert assignment is not None
    sweep(session, world.obligations_of(session, assignment)["respond"].due_at + HOUR)
    unit(session, lambda: post_pending(session, HOUSE, MONDAY + 10 * DAY, keep=True))
    return made, manager, admin


POLICY: dict[str, Any] = {
    "obligations": [
        {"kind": "respond", "within": {"value": 2, "unit": "days", "clock": "business"}},
        {"kind": "first_contact", "within": {"value": 5, "unit": "days", "clock": "business"}},
    ],
    "ladder": {
        "window_days": 90, "minimum_sample": 5, "warn_below": 0.9, "reduce_below": 0.8, "stop_below": 0.6,
        "stop_on_overdue": 3, "breaches_in_a_row": 3, "stop_days": 5,
        "probation": {"days": 10, "open_lead_cap": 2}, "decay_days": 180,
    },
    "hand_overs": 5, "grace_minutes": 0,
}  # fmt: skip


@pytest.mark.parametrize("notify", [["partner"], ["manager"], ["admin"], ["partner", "manager", "admin"], []])
def test_a_miss_is_told_to_those_the_policy_names(session: Session, notify: list[str]) -> None:
    made, manager, admin = missed(session, notify)
    told = session.scalars(select(Mail).where(Mail.subject.contains("nswer"))).all()
    readers = {"partner": [u.id for u in session.scalars(select(User).where(User.partner_id == made.id))],
               "manager": [manager.id], "admin": [admin.id]}  # fmt: skip
    late = {mail.user_id for mail in told if mail.subject.startswith(("Late", "Northwind: no answer"))}
    assert late == {reader for name in notify for reader in readers[name]}
    assert not session.scalars(
        select(Outbox).where(Outbox.topic == NoticeTopic.BREACH, Outbox.state == "pending")
    ).all()


def test_an_admin_who_stands_in_for_managers_is_told_once(session: Session, north: Partner) -> None:
    user(session, "boss@vendor.example", Role.ADMIN)
    for who in ("manager", "admin"):
        notice(session, NoticeTopic.BREACH, who, partner_id=north.id, once=f"breach:7:{who}", facts={"kind": "respond"})
    assert post(session) == [("boss", "A partner")]


# ---------- Taken back, and queued again ----------


def held_offer(session: Session) -> tuple[Partner, Lead, str]:
    made = northwind(session)
    lead = world.receive_lead(session, company="Hooli GmbH")
    assignment = world.assignment_of(session, lead)
    assert assignment is not None
    return made, lead, assignment.id


def told_to(session: Session, topic: NoticeTopic) -> Sequence[Outbox]:
    return session.scalars(select(Outbox).where(Outbox.topic == topic).order_by(Outbox.created_at, Outbox.id)).all()


@pytest.mark.parametrize("how", ["recalled", "disqualified", "deactivated"])
def test_a_lead_that_is_taken_back_is_told_without_its_name_or_the_reason(session: Session, how: str) -> None:
    made, lead, assignment_id = held_offer(session)
    unit(session, lambda: post_pending(session, HOUSE, MONDAY, keep=True))
    acts.accept(session, rep_of(made), assignment_id, MONDAY + MINUTE)
    if how == "recalled":
        acts.recall(session, SYSTEM, assignment_id, "Rival Ltd asked", MONDAY + HOUR)
    elif how == "disqualified":
        acts.take_out(session, SYSTEM, lead.id, LeadStatus.DISQUALIFIED, "Rival Ltd asked", MONDAY + HOUR)
    else:
        _, freed = unit(session, lambda: partners.change(session, made.id, {"active": False}, MONDAY + HOUR, SYSTEM))
        place_freed(session, freed, MONDAY + HOUR)
    unit(session, lambda: post_pending(session, HOUSE, MONDAY + 2 * HOUR, keep=True))
    mail = session.scalars(select(Mail).where(Mail.subject.startswith("A lead has left you on Mon 2 Mar"))).one()
    assert "You no longer hold this lead; it moved on" in mail.text
    for hidden in ("Hooli", "Rival", "asked"):
        assert hidden not in mail.subject + mail.text + (mail.html or "")
    assert "/by-mail/" not in mail.text


def test_an_offer_taken_back_before_it_was_told_is_no_news(session: Session) -> None:
    _, _, assignment_id = held_offer(session)
    acts.recall(session, SYSTEM, assignment_id, "A mistake", MONDAY + MINUTE)
    assert told_to(session, NoticeTopic.MOVED_ON) == []


def waits(session: Session, lead: Lead) -> tuple[int, int]:
    lines = select(LeadEvent).where(LeadEvent.lead_id == lead.id, LeadEvent.kind == LeadEventKind.QUEUED)
    return len(session.scalars(lines).all()), len(told_to(session, NoticeTopic.UNALLOCATED))


def test_each_time_a_lead_comes_to_wait_is_told_and_no_retry_is(session: Session) -> None:
    made, lead, assignment_id = held_offer(session)
    acts.recall(session, SYSTEM, assignment_id, "By mistake", MONDAY + MINUTE)  # its only partner gets it back
    assert waits(session, lead) == (0, 0)
    again = world.assignment_of(session, lead)
    assert again is not None
    acts.decline(session, rep_of(made), again.id, DeclineReason.NO_CAPACITY, None, MONDAY + 2 * MINUTE)
    assert waits(session, lead) == (1, 1)
    for hours in (1, 2):
        session.get_one(Partner, made.id).freed_at = MONDAY + hours * HOUR
        session.commit()
        sweep(session, MONDAY + hours * HOUR)
    assert waits(session, lead) == (1, 1)
    acts.assign(session, SYSTEM, lead.id, made.id, "Talked to them", MONDAY + 3 * HOUR)
    third = world.assignment_of(session, lead)
    assert third is not None
    acts.decline(session, rep_of(made), third.id, DeclineReason.NOT_A_FIT, None, MONDAY + 4 * HOUR)
    assert waits(session, lead) == (2, 2)


def test_a_lead_at_the_limit_of_moves_is_told_to_the_vendor(session: Session) -> None:
    made, lead, assignment_id = held_offer(session)
    session.get_one(Lead, lead.id).hand_overs = 5
    session.commit()
    acts.decline(session, rep_of(made), assignment_id, DeclineReason.NO_CAPACITY, None, MONDAY + MINUTE)
    assert waits(session, lead) == (1, 1)
    assert told_to(session, NoticeTopic.UNALLOCATED)[0].facts["reason"] == "hand_over_limit"


def test_a_mail_whose_link_has_died_in_the_queue_is_taken_back(session: Session, north: Partner) -> None:
    rep = session.scalars(select(User).where(User.email == "rep@north.example")).one()
    notice(session, NoticeTopic.PASSWORD_RESET, "user", user_id=rep.id,
           facts={"url": "/new-password/x", "until": (NOW + 2 * HOUR).isoformat()})  # fmt: skip
    post_pending(session, HOUSE, NOW, keep=False)
    session.commit()
    assert unit(session, lambda: withdraw_settled(session, NOW + HOUR)) == 0
    assert unit(session, lambda: withdraw_settled(session, NOW + 2 * HOUR)) == 1

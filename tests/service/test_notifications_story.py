"""Mails as they come of what really happens: told while it holds, in words that fit, of nobody else's business."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.platform import Mail, Outbox
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.config import Settings
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.jobs.post import post_all
from portal.notifications.digest import write_digests
from portal.notifications.posting import post_pending
from portal.notifications.withdraw import withdraw_settled
from portal.vocabulary import LeadStatus, NoticeTopic, Role
from tests.service.test_notifications_posting import HOUSE
from tests.support import world
from tests.support.world import DAY, HOUR, MINUTE, MONDAY, rep_of

#: MONDAY is 2 March 2026, 10:00 in Berlin.
TUESDAY_8, TUESDAY_9 = (datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (7, 8))


@pytest.fixture
def northwind(session: Session) -> Partner:
    """The one partner there is, under the default policy, with one user in Berlin."""
    made = world.make_partner(session, "Northwind")
    world.publish_rules(session)
    world.make_user(session, Role.ADMIN, name="Admin")
    rep = session.scalars(select(User).where(User.partner_id == made.id)).one()
    rep.timezone = "Europe/Berlin"
    session.commit()
    return made


def offer(session: Session, **facts: object) -> tuple[Lead, Assignment]:
    lead = world.receive_lead(session, **{"grade": None, "product": "Router X", **facts})  # type: ignore[arg-type]
    made = world.assignment_of(session, lead)
    assert made is not None
    return lead, made


def post(app: Flask, session: Session, now: datetime) -> None:
    settings: Settings = app.extensions["fairlead"]
    session.commit()
    post_all(settings, now)


def mails(session: Session, partner: Partner) -> Sequence[Mail]:
    """What the partner's people got, in order."""
    of = select(Mail).join(User, User.id == Mail.user_id).where(User.partner_id == partner.id)
    return session.scalars(of.order_by(Mail.id)).all()


def late_partner(session: Session, northwind: Partner, count: int = 3) -> list[Assignment]:
    """Accepts leads on Monday, and gives no feedback for two weeks; first contact is made at once."""
    made = []
    for _ in range(count):
        _, assignment = offer(session)
        acts.accept(session, rep_of(northwind), assignment.id, MONDAY + MINUTE)
        made.append(assignment)
    return made


def test_an_offer_hides_who_it_is_until_it_is_accepted(app: Flask, session: Session, northwind: Partner) -> None:
    offer(session, company="Hooli GmbH", email="gavin@hooli.example.com", last_name="Belson", region="Bayern")
    post(app, session, MONDAY)
    (mail,) = mails(session, northwind)
    assert mail.subject.startswith("Answer 1 offer by Wed 4 Mar 17:00 CET")
    assert "Router X" in mail.text
    assert "Bayern" in mail.text
    for hidden in ("Hooli", "hooli", "gavin", "Belson"):
        assert hidden not in mail.subject + mail.text + (mail.html or "")


def test_an_answered_offer_is_told_no_more(app: Flask, session: Session, northwind: Partner) -> None:
    _, assignment = offer(session)
    acts.accept(session, rep_of(northwind), assignment.id, MONDAY + MINUTE)
    post(app, session, MONDAY + MINUTE)
    assert mails(session, northwind) == []


def test_a_warning_names_the_lead_that_the_partner_holds(app: Flask, session: Session, northwind: Partner) -> None:
    _, assignment = offer(session, company="Hooli <b>GmbH</b>")
    acts.accept(session, rep_of(northwind), assignment.id, MONDAY + MINUTE)
    row = world.obligations_of(session, assignment)["first_contact"]
    row.warn_at = MONDAY + HOUR
    session.commit()
    sweep(session, MONDAY + HOUR)
    post(app, session, MONDAY + HOUR)
    (mail,) = mails(session, northwind)
    assert mail.subject.startswith("Make first contact by ")
    assert "Lead: Hooli <b>GmbH</b>" in mail.text
    assert "<b>GmbH</b>" not in (mail.html or "")
    assert "&lt;b&gt;GmbH" in (mail.html or "")
    assert "Hooli" not in str([row.facts for row in session.scalars(select(Outbox))])


@pytest.mark.parametrize("act", ["waive", "extend"])
def test_a_warning_of_what_is_settled_meanwhile_never_goes_out(
    app: Flask, session: Session, northwind: Partner, act: str
) -> None:
    _, assignment = offer(session)
    post(app, session, MONDAY)
    row = world.obligations_of(session, assignment)["respond"]
    row.warn_at = MONDAY + HOUR
    session.commit()
    sweep(session, MONDAY + HOUR)
    if act == "waive":
        acts.waive(session, SYSTEM, [row.id], "Trade fair", MONDAY + 2 * HOUR)
    else:
        acts.extend(session, SYSTEM, [row.id], "Trade fair", row.due_at + DAY, MONDAY + 2 * HOUR)
    post(app, session, MONDAY + 2 * HOUR)
    told = [mail.subject for mail in mails(session, northwind)]
    assert len(told) == 2
    expected = "Waived: answer the offer" if act == "waive" else "More time: answer the offer by Thu 5 Mar"
    assert told[1].startswith(expected)
    stands = "The offer stands. Answer it by Wed 4 Mar 17:00 CET." in mails(session, northwind)[1].text
    assert stands == (act == "waive")


def test_a_lead_that_moved_on_is_told_without_its_contact(app: Flask, session: Session, northwind: Partner) -> None:
    """And names neither the lead, nor who has it now."""
    _, assignment = offer(session, company="Hooli GmbH")
    rival = world.make_partner(session, "Rival Ltd")
    acts.accept(session, rep_of(northwind), assignment.id, MONDAY + MINUTE)
    due = world.obligations_of(session, assignment)["first_contact"].due_at
    sweep(session, due + MINUTE)
    post(app, session, (due + DAY).replace(hour=9))
    post(app, session, (due + DAY).replace(hour=10))
    told = next(mail for mail in mails(session, northwind) if "moved on" in mail.subject)
    assert told.subject.startswith("Lead moved on: no first contact by ")
    assert "It counts as missed." in told.text
    assert "Hooli" not in told.text + (told.html or "")
    assert "Rival" not in told.text + (told.html or "")
    assert len(mails(session, rival)) == 1


def test_a_stop_is_told_with_the_way_back_in_the_readers_zone(app: Flask, session: Session, northwind: Partner) -> None:
    held = late_partner(session, northwind)
    for assignment in held:
        rows = world.obligations_of(session, assignment)
        rows["first_contact"].due_at = rows["first_contact"].grace_until = MONDAY + 40 * DAY
    due = world.obligations_of(session, held[0])["feedback"].due_at
    session.commit()
    sweep(session, due + HOUR)
    post(app, session, due + HOUR)
    stop = next(mail for mail in mails(session, northwind) if "stopped" in mail.subject)
    assert stop.subject == "New leads are stopped: do the 3 overdue and they resume"
    assert "3 overdue. Do these and leads resume at once." in stop.text
    assert stop.text.count("Give feedback (Company ") == 3
    assert "was due Mon 16 Mar 17:00 CET" in stop.text
    assert "{" not in stop.text
    staff = next(m for m in session.scalars(select(Mail)) if m.subject.startswith("Northwind is stopped since"))
    assert "was due Mon 16 Mar 16:00 UTC" in staff.text


def test_a_hold_is_told_with_its_reason_and_end(app: Flask, session: Session, northwind: Partner) -> None:
    acts.hold(session, SYSTEM, northwind.id, "Contract renewal", MONDAY + 10 * DAY, MONDAY)
    post(app, session, MONDAY)
    (mail,) = mails(session, northwind)
    assert mail.subject == "New leads are on hold until Thu 12 Mar 10:00 CET"
    assert "The reason given: Contract renewal" in mail.text


def test_of_two_changes_of_standing_only_the_one_that_holds_is_told(
    app: Flask, session: Session, northwind: Partner
) -> None:
    acts.hold(session, SYSTEM, northwind.id, "By mistake", MONDAY + 10 * DAY, MONDAY)
    acts.release(session, SYSTEM, northwind.id, "Was a mistake", MONDAY + MINUTE)
    post(app, session, MONDAY + HOUR)
    assert [mail.subject for mail in mails(session, northwind)] == ["New leads come to you again"]


def test_the_day_begins_with_what_is_due_and_overdue_once(app: Flask, session: Session, northwind: Partner) -> None:
    (held,) = late_partner(session, northwind, 1)
    rows = world.obligations_of(session, held)
    rows["first_contact"].due_at = rows["first_contact"].grace_until = TUESDAY_9 + 4 * HOUR
    rows["first_contact"].warn_at = TUESDAY_8 - 2 * HOUR
    session.commit()
    for minutes in range(0, 60, 5):
        sweep(session, TUESDAY_8 + minutes * MINUTE)
        post(app, session, TUESDAY_8 + minutes * MINUTE)
    assert mails(session, northwind) == []  # they open at nine
    for hours in range(5):
        post(app, session, TUESDAY_9 + hours * MINUTE)
    (mail,) = mails(session, northwind)
    assert mail.subject.startswith("1 due today: make first contact by Tue 3 Mar 13:00 CET (Company ")
    assert mail.text.count("/leads/") == 1


def test_a_day_with_nothing_due_has_no_mail(app: Flask, session: Session, northwind: Partner) -> None:
    late_partner(session, northwind, 1)
    session.commit()
    for hour in range(10):
        post(app, session, TUESDAY_8 + hour * HOUR)
    assert mails(session, northwind) == []


def test_what_came_up_today_makes_no_digest(session: Session, northwind: Partner) -> None:
    _, assignment = offer(session)
    world.obligations_of(session, assignment)["respond"].due_at = MONDAY + 2 * HOUR
    session.flush()
    assert write_digests(session, MONDAY + HOUR) == 0


def test_after_a_weekend_one_digest_goes_out(app: Flask, session: Session, northwind: Partner) -> None:
    (held,) = late_partner(session, northwind, 1)
    rows = world.obligations_of(session, held)
    rows["first_contact"].due_at = rows["first_contact"].grace_until = MONDAY + 7 * DAY + 2 * HOUR
    rows["feedback"].due_at = rows["feedback"].grace_until = MONDAY + 5 * DAY
    rows["feedback"].reassign = False
    session.commit()
    for hours in range(4 * 24 + 12, 7 * 24 + 12, 3):
        at = MONDAY - 10 * HOUR + timedelta(hours=hours)
        sweep(session, at)
        post(app, session, at)
    digests = [mail for mail in mails(session, northwind) if "due today" in mail.subject]
    assert [mail.subject[:24] for mail in digests] == ["1 late and 1 due today: "]
    assert "late since Sat 7 Mar 10:00 CET" in digests[0].text


@pytest.mark.parametrize(("due_in", "urgent"), [(3 * HOUR, True), (5 * HOUR, False)])
def test_only_an_offer_that_must_be_answered_soon_disturbs_outside_hours(
    session: Session, northwind: Partner, due_in: timedelta, urgent: bool
) -> None:
    _, assignment = offer(session)
    night = MONDAY + 12 * HOUR
    row = world.obligations_of(session, assignment)["respond"]
    row.due_at = row.grace_until = night + due_in
    row.warn_at = night
    session.commit()
    unit(session, lambda: post_pending(session, HOUSE, MONDAY, keep=True))
    sweep(session, night)
    made = unit(session, lambda: post_pending(session, HOUSE, night + MINUTE, keep=True, quiet=[northwind.id]))
    assert made == urgent


def test_a_mail_that_waits_for_its_server_is_taken_back_once_settled(session: Session, northwind: Partner) -> None:
    first, second = offer(session)[1], offer(session)[1]
    unit(session, lambda: post_pending(session, HOUSE, MONDAY, keep=False))
    acts.accept(session, rep_of(northwind), first.id, MONDAY + 2 * MINUTE)
    assert unit(session, lambda: withdraw_settled(session, MONDAY + 3 * MINUTE)) == 1
    left = session.scalars(select(Outbox.assignment_id).join(Mail, Mail.outbox_id == Outbox.id)).all()
    assert left == [second.id]


def test_a_mail_being_sent_is_not_taken_back(session: Session, northwind: Partner) -> None:
    _, assignment = offer(session)
    unit(session, lambda: post_pending(session, HOUSE, MONDAY, keep=False))
    session.scalars(select(Mail)).one().lease_until = MONDAY + HOUR
    session.commit()
    acts.accept(session, rep_of(northwind), assignment.id, MONDAY + 2 * MINUTE)
    assert unit(session, lambda: withdraw_settled(session, MONDAY + 3 * MINUTE)) == 0


def test_every_mail_of_a_partner_is_of_its_own_business(app: Flask, session: Session, northwind: Partner) -> None:
    rival = world.make_partner(session, "Rival Ltd")
    for _ in range(4):
        offer(session)
    post(app, session, MONDAY)
    for reader, other in ((northwind, "Rival"), (rival, "Northwind")):
        found = mails(session, reader)
        assert len(found) == 2
        assert not any(other in mail.text + mail.subject + (mail.html or "") for mail in found)


def test_a_queued_lead_is_told_to_the_vendor_while_it_waits(app: Flask, session: Session) -> None:
    admin = world.make_user(session, Role.ADMIN)
    world.make_partner(session, territories=[{"country": "FR"}])
    world.publish_rules(session)
    waits = world.receive_lead(session)
    gone = world.receive_lead(session)
    acts.take_out(session, SYSTEM, gone.id, LeadStatus.DISQUALIFIED, "Spam", MONDAY)
    post(app, session, MONDAY)
    rows = session.scalars(select(Outbox).where(Outbox.topic == NoticeTopic.UNALLOCATED)).all()
    assert {row.lead_id: row.state for row in rows} == {waits.id: "posted", gone.id: "dropped"}
    assert session.scalars(select(Mail.user_id)).all() == [admin.id]

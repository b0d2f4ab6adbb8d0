"""Excuses by rule: outages found and declared, notices that reached nobody; once each, and the fold agrees."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.assignments import Assignment, Obligation
from models.base import new_id
from models.compliance import LedgerEntry
from models.excuses import Excuse, Heartbeat, Outage
from models.partners import Partner
from models.platform import Audit, Mail, Outbox
from models.session import unit
from portal.accounts.actor import Actor
from portal.compliance import beats
from portal.compliance.outages import HELD_AT_MOST, Machine
from portal.compliance.settle import settle
from portal.enforcement import acts, excuses
from portal.enforcement.sweep import sweep
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.vocabulary import (
    AssignmentState,
    ExcuseEffect,
    LeadStatus,
    LedgerKind,
    NoticeTopic,
    ObligationState,
    OutageKind,
    OutageOrigin,
    Role,
    Standing,
)
from tests.support import checks
from tests.support.stage import STAYS, within
from tests.support.world import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    assignment_of,
    make_partner,
    obligations_of,
    publish_policy,
    publish_rules,
    receive_lead,
    rep_of,
)

STAFF = Actor(kind="user", id=None, name="Mira Manager", role=Role.ADMIN)
HERE, NOWHERE = Machine("here", 0), Machine("", 0)
#: An answer within four open hours; the lead moves on. Feedback within a day, and never handed on.
QUICK: dict[str, Any] = {
    "obligations": [
        {"kind": "respond", "within": within(4, "hours")},
        {"kind": "feedback", "within": within(1), "on_breach": STAYS},
    ],
}


@pytest.fixture
def offer(session: Session) -> Assignment:
    """An offer made on Monday at 10:00 in Berlin, to be answered by 14:00."""
    make_partner(session, "Nordhaven", now=MONDAY - DAY)
    publish_rules(session, now=MONDAY - DAY)
    publish_policy(session, QUICK, now=MONDAY - DAY)
    held = assignment_of(session, receive_lead(session, MONDAY))
    assert held is not None
    return held


def beat(session: Session, at: datetime, name: str = "one", machine: Machine = NOWHERE) -> None:
    unit(session, lambda: beats.beat(session, name, at, machine))


def declare(session: Session, start: datetime, end: datetime, now: datetime, **more: Any) -> Outage:
    given = {"kind": OutageKind.OUTAGE, "reason": "The cable was cut.", "actor": STAFF, **more}
    return excuses.declare(session, given["actor"], given["kind"], start, end, given["reason"], now)


def respond(session: Session, held: Assignment) -> Obligation:
    session.expire_all()
    return obligations_of(session, held)["respond"]


def well(session: Session) -> None:
    session.commit()
    session.expire_all()
    assert checks.wrong_now(session) == []


def outages(session: Session) -> list[Outage]:
    session.expire_all()
    return list(session.scalars(select(Outage).order_by(Outage.starts_at)))


def test_without_a_heartbeat_there_is_no_outage(session: Session, offer: Assignment) -> None:
    assert unit(session, lambda: beats.watch(session, MONDAY + DAY, HERE)) is False
    assert sweep(session, MONDAY + DAY).breaches == 1
    assert outages(session) == []
    well(session)


def test_a_late_sweep_excuses_nobody_while_the_portal_is_served(session: Session, offer: Assignment) -> None:
    for minutes in range(0, 26 * 60, 4):
        beat(session, MONDAY + minutes * MINUTE)
    report = sweep(session, MONDAY + 25 * HOUR)
    assert (report.breaches, report.held, report.excused) == (1, 0, 0)
    assert outages(session) == []


def test_while_nobody_serves_nothing_is_missed_and_afterwards_the_time_is_given_back(
    session: Session, offer: Assignment
) -> None:
    beat(session, MONDAY + HOUR)
    away = MONDAY + 6 * HOUR
    assert unit(session, lambda: beats.watch(session, away, HERE)) is True
    report = sweep(session, away)
    assert (report.held, report.breaches) == (1, 0)
    assert "Nobody serves the portal" in report.sentence()
    assert respond(session, offer).state is ObligationState.OPEN
    back = MONDAY + 22 * HOUR
    beat(session, back, "two")
    (outage,) = outages(session)
    assert (outage.origin, outage.starts_at, outage.ends_at) == (OutageOrigin.HEARTBEAT, MONDAY + HOUR, back)
    assert sweep(session, back).excused == 1
    row = respond(session, offer)
    # Lost were 11:00 to 14:00; Tuesday opens at nine.
    assert row.state is ObligationState.OPEN and row.due_at == MONDAY + DAY + 2 * HOUR
    assert offer.respond_by == row.due_at
    assert outages(session)[0].done_at == back
    entry = session.scalars(select(LedgerEntry).where(LedgerEntry.kind == LedgerKind.EXTEND)).one()
    assert entry.reason == "The portal was away from Mon 2 Mar 11:00 CET to today 08:00 CET."
    assert entry.actor_name == "Fairlead"
    notice = session.scalars(select(Outbox).where(Outbox.topic == NoticeTopic.EXCUSED)).one()
    assert (notice.facts["extended"], notice.facts["waived"]) == (1, 0)
    well(session)
    assert sweep(session, MONDAY + DAY + 2 * HOUR).breaches == 1
    well(session)


def test_an_act_right_after_an_outage_finds_the_time_given_back(session: Session, offer: Assignment) -> None:
    """Before any sweep: the beat has recorded the outage, and settling gives back before it records a miss."""
    beat(session, MONDAY + HOUR)
    back = MONDAY + 6 * HOUR
    beat(session, back, "two")
    partner = session.get_one(Partner, offer.partner_id)
    acts.accept(session, rep_of(partner), offer.id, back + MINUTE)
    assert respond(session, offer).state is ObligationState.MET
    well(session)


def test_a_restart_is_no_outage(session: Session, offer: Assignment) -> None:
    beat(session, MONDAY + HOUR)
    beat(session, MONDAY + HOUR + 4 * MINUTE, "two")
    assert outages(session) == []


def test_another_process_that_serves_makes_it_no_outage(session: Session, offer: Assignment) -> None:
    for minutes in range(0, 180, 4):
        beat(session, MONDAY + minutes * MINUTE, "two")
    beat(session, MONDAY, "one")
    beat(session, MONDAY + 3 * HOUR, "one")
    assert outages(session) == []
    assert session.query(Heartbeat).count() == 2


def test_a_clock_put_forward_is_no_outage(session: Session, offer: Assignment) -> None:
    beat(session, MONDAY, machine=Machine("here", 1_000))
    later = Machine("here", 16_000)
    assert unit(session, lambda: beats.watch(session, MONDAY + 2 * DAY, later)) is False
    beat(session, MONDAY + 2 * DAY, machine=later)
    assert outages(session) == []


def test_a_false_alarm_is_withdrawn_and_excuses_nothing(session: Session, offer: Assignment) -> None:
    """Another host thought nobody served, for its clock was ahead; the next beat knows better."""
    beat(session, MONDAY + HOUR, machine=Machine("there", 1_000))
    assert unit(session, lambda: beats.watch(session, MONDAY + 2 * HOUR, HERE))
    beat(session, MONDAY + HOUR + MINUTE, machine=Machine("there", 61_000))
    (outage,) = outages(session)
    assert outage.withdrawn_at is not None and not beats.silent(session, MONDAY + 2 * HOUR)
    assert sweep(session, MONDAY + 5 * HOUR).breaches == 1
    assert session.query(Excuse).count() == 0


def test_after_a_week_of_silence_the_portal_is_served_otherwise(session: Session, offer: Assignment) -> None:
    beat(session, MONDAY)
    later = MONDAY + HELD_AT_MOST + HOUR
    unit(session, lambda: beats.watch(session, later, HERE))
    assert sweep(session, later).breaches == 1


def test_a_declared_outage_extends_what_is_open_once(session: Session, offer: Assignment) -> None:
    declare(session, MONDAY + HOUR, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR)
    assert sweep(session, MONDAY + 3 * HOUR).excused == 1
    for hours in (3, 4):
        assert sweep(session, MONDAY + hours * HOUR).excused == 0
    assert respond(session, offer).due_at == MONDAY + 5 * HOUR
    well(session)


def test_a_declared_outage_waives_what_it_made_a_partner_miss(session: Session, offer: Assignment) -> None:
    """Declared days later: the lead has moved on, the miss and what followed from it are undone."""
    sweep(session, MONDAY + 5 * HOUR)
    row = respond(session, offer)
    assert row.state is ObligationState.BREACHED
    declare(session, MONDAY + 3 * HOUR, MONDAY + 6 * HOUR, MONDAY + 2 * DAY)
    assert sweep(session, MONDAY + 2 * DAY).excused == 1
    row = respond(session, offer)
    assert (row.state, row.waived_at) == (ObligationState.WAIVED, MONDAY + 2 * DAY)
    excuse = session.scalars(select(Excuse)).one()
    assert excuse.effect is ExcuseEffect.WAIVED
    reason = session.scalars(select(LedgerEntry.reason).where(LedgerEntry.kind == LedgerKind.WAIVE)).one()
    assert reason is not None and reason.endswith("The cable was cut.")
    well(session)


def test_an_outage_that_stopped_a_partner_lets_it_go(session: Session) -> None:
    """Three missed in a row during the outage: waived together, the stop loses its reasons."""
    partner = make_partner(session, "Nordhaven", now=MONDAY - DAY)
    publish_rules(session, now=MONDAY - DAY)
    publish_policy(session, QUICK, now=MONDAY - DAY)
    for _ in range(3):
        receive_lead(session, MONDAY)
    sweep(session, MONDAY + 5 * HOUR)
    assert session.get_one(Partner, partner.id).standing is Standing.STOPPED
    declare(session, MONDAY + HOUR, MONDAY + 6 * HOUR, MONDAY + 6 * HOUR)
    assert sweep(session, MONDAY + 6 * HOUR).excused == 3
    assert session.query(Obligation).filter_by(state="waived").count() == 3
    notices = session.scalars(select(Outbox).where(Outbox.topic == NoticeTopic.EXCUSED)).all()
    assert [notice.facts["waived"] for notice in notices] == [3]
    well(session)
    acts.ready(session, rep_of(partner), partner.id, MONDAY + 7 * HOUR)
    session.expire_all()
    assert session.get_one(Partner, partner.id).standing is Standing.PROBATION
    well(session)


def test_what_opens_during_an_outage_to_come_is_excused_when_it_falls_due(session: Session, offer: Assignment) -> None:
    declare(session, MONDAY + 5 * HOUR, MONDAY + 8 * HOUR, MONDAY, kind=OutageKind.VENDOR_CLOSED)
    sweep(session, MONDAY)
    acts.accept(session, rep_of(session.get_one(Partner, offer.partner_id)), offer.id, MONDAY + MINUTE)
    second = assignment_of(session, receive_lead(session, MONDAY + 4 * HOUR))
    assert second is not None
    due_at = respond(session, second).due_at
    assert due_at == MONDAY + DAY
    assert sweep(session, MONDAY + 9 * HOUR).excused == 2
    assert respond(session, second).due_at == due_at + 2 * HOUR
    well(session)


def test_two_outages_at_one_time_give_it_back_once(session: Session, offer: Assignment) -> None:
    for _ in range(2):
        declare(session, MONDAY + HOUR, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR)
    sweep(session, MONDAY + 3 * HOUR)
    assert respond(session, offer).due_at == MONDAY + 5 * HOUR


def test_a_withdrawn_outage_excuses_nothing_more(session: Session, offer: Assignment) -> None:
    made = declare(session, MONDAY + HOUR, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR)
    excuses.withdraw(session, STAFF, made.id, "It was another system.", MONDAY + 3 * HOUR)
    assert sweep(session, MONDAY + 3 * HOUR).excused == 0
    with pytest.raises(Conflict):
        excuses.withdraw(session, STAFF, made.id, "Again", MONDAY + 3 * HOUR)
    actions = set(session.scalars(select(Audit.action).where(Audit.object_type == "outage")))
    assert actions == {"outage.declare", "outage.withdraw"}


@pytest.mark.parametrize(
    ("start", "end", "reason", "field"),
    [
        (-61 * DAY, -60 * DAY, "r", "starts_at"),
        (400 * DAY, 401 * DAY, "r", "starts_at"),
        (timedelta(0), timedelta(0), "r", "ends_at"),
        (timedelta(0), 32 * DAY, "r", "ends_at"),
        (-HOUR, timedelta(0), " ", "reason"),
        (-HOUR, timedelta(0), "x" * 1001, "reason"),
    ],
)
def test_what_cannot_be_declared(session: Session, start: timedelta, end: timedelta, reason: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        declare(session, MONDAY + start, MONDAY + end, MONDAY, reason=reason)
    assert [name for name, _ in refused.value.errors] == [field]


def test_who_may_not_declare(session: Session) -> None:
    some = Actor("user", None, "Uma", Role.CHANNEL_MANAGER, portfolio=frozenset({new_id()}))
    marketer = Actor("user", None, "Lea", Role.MARKETER)
    for who in (some, marketer):
        with pytest.raises(Forbidden):
            declare(session, MONDAY - HOUR, MONDAY, MONDAY, actor=who)
        with pytest.raises(Forbidden):
            excuses.withdraw(session, who, new_id(), "r", MONDAY)
    with pytest.raises(NotFound):
        excuses.withdraw(session, STAFF, new_id(), "r", MONDAY)


def mails(session: Session, held: Assignment, *states: str) -> Outbox:
    """The offer's notice is posted; a mail for each user of the partner, in these states."""
    notice = session.scalars(
        select(Outbox).where(Outbox.topic == NoticeTopic.OFFER, Outbox.assignment_id == held.id)
    ).one()
    notice.state, notice.posted_at = "posted", MONDAY
    people = session.scalars(select(User).where(User.partner_id == held.partner_id)).all()
    for user, state in zip(people, states, strict=True):
        session.add(
            Mail(
                id=new_id(), outbox_id=notice.id, user_id=user.id, address=user.email, message_id=f"<{new_id()}@x>",
                subject="s", text="t", state=state, created_at=MONDAY, not_before=MONDAY,
            )
        )  # fmt: skip
    session.commit()
    return notice


def test_an_offer_that_reached_nobody_is_excused_once_and_asked_for_anew(session: Session, offer: Assignment) -> None:
    mails(session, offer, "undeliverable")
    at = MONDAY + 2 * HOUR
    sweep(session, at)
    rows = session.scalars(
        select(Obligation).where(Obligation.assignment_id == offer.id).order_by(Obligation.opened_at)
    ).all()
    assert [row.state for row in rows] == [ObligationState.WAIVED, ObligationState.OPEN]
    partner = session.get_one(Partner, offer.partner_id)
    assert partner.reachable is False
    well(session)
    other = receive_lead(session, at)
    assert other.status is LeadStatus.UNALLOCATED
    # The second time it is missed, and the lead moves on.
    report = sweep(session, MONDAY + 2 * DAY)
    assert report.breaches == 1
    session.expire_all()
    assert session.get_one(Assignment, offer.id).state is AssignmentState.EXPIRED
    assert session.query(Excuse).count() == 1
    well(session)


def test_a_missed_answer_to_an_offer_that_reached_nobody_is_waived(session: Session, offer: Assignment) -> None:
    sweep(session, MONDAY + 5 * HOUR)
    assert respond(session, offer).state is ObligationState.BREACHED
    mails(session, offer, "undeliverable")
    sweep(session, MONDAY + DAY)
    assert respond(session, offer).state is ObligationState.WAIVED
    well(session)


def test_an_offer_for_whose_notice_nobody_was_left_is_excused(session: Session, offer: Assignment) -> None:
    session.execute(User.__table__.update().values(bounced_at=MONDAY))  # type: ignore[attr-defined]
    session.get_one(Partner, offer.partner_id).reachable = False
    notice = session.scalars(select(Outbox).where(Outbox.topic == NoticeTopic.OFFER)).one()
    notice.state, notice.posted_at = "posted", MONDAY
    session.commit()
    sweep(session, MONDAY + HOUR)
    assert session.query(Excuse).count() == 1


@pytest.mark.parametrize("state", ["kept", "sent", "waiting"])
def test_a_notice_that_arrived_or_may_still_excuses_nothing(session: Session, offer: Assignment, state: str) -> None:
    from tests.support.world import make_user

    make_user(session, Role.PARTNER_REP, partner=session.get_one(Partner, offer.partner_id))
    mails(session, offer, "undeliverable", state)
    sweep(session, MONDAY + HOUR)
    assert session.query(Excuse).count() == 0


def test_a_mail_that_arrives_later_brings_leads_back(session: Session, offer: Assignment) -> None:
    notice = mails(session, offer, "undeliverable")
    sweep(session, MONDAY + HOUR)
    partner = session.get_one(Partner, offer.partner_id)
    assert partner.reachable is False
    mail = session.scalars(select(Mail).where(Mail.outbox_id == notice.id)).one()
    second = Outbox(
        id=new_id(), topic=NoticeTopic.STANDING, audience="partner", partner_id=partner.id, created_at=MONDAY + HOUR,
        state="posted",
    )  # fmt: skip
    session.add(second)
    session.flush()
    session.add(
        Mail(
            id=new_id(), outbox_id=second.id, user_id=mail.user_id, address=mail.address, message_id="<later@x>",
            subject="s", text="t", state="sent", created_at=MONDAY, not_before=MONDAY, sent_at=MONDAY + 2 * HOUR,
        )
    )  # fmt: skip
    session.commit()
    sweep(session, MONDAY + 2 * HOUR)
    session.expire_all()
    assert session.get_one(Partner, offer.partner_id).reachable is True


def test_settling_alone_applies_nothing_that_was_withdrawn(session: Session, offer: Assignment) -> None:
    made = declare(session, MONDAY + HOUR, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR)
    excuses.withdraw(session, STAFF, made.id, "No.", MONDAY + 3 * HOUR)
    done = unit(session, lambda: settle(session, offer.partner_id, MONDAY + 5 * HOUR))
    assert done.breaches == 1
    assert session.scalar(select(func.count()).select_from(Excuse)) == 0

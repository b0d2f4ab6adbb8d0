"""What time decides: breaches at their true instants, stops and ways back, however late the sweep is."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import LeadEvent
from models.partners import Partner
from models.platform import Outbox
from portal.compliance import policies
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.enforcement.verify import differences
from portal.errors import Conflict, Invalid
from portal.follow_up.service import Verdict
from portal.vocabulary import (
    AssignmentState,
    Disposition,
    LeadStatus,
    LedgerKind,
    NoticeTopic,
    ObligationState,
    Standing,
    StopCause,
)
from tests.support import checks
from tests.support.stage import CALL, GOES, STAFF, STAYING, STAYS, within
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

#: Feedback within an hour and never handed on: what is missed stays overdue until it is done.
OWED: dict[str, Any] = {
    "obligations": [
        {
            "kind": "respond",
            "within": within(2, "days", "calendar"),
            "on_breach": GOES,
            "warn_before": within(1, "hours", "calendar"),
        },
        {"kind": "feedback", "within": within(1, "hours", "calendar"), "on_breach": STAYS},
    ],
    "ladder": {"stop_on_overdue": 2, "breaches_in_a_row": 50, "minimum_sample": 100},
}


def owing(session: Session, leads: int = 3, **ladder: Any) -> tuple[Partner, list[Assignment]]:
    """A partner that accepted all leads but the last at 09:01, so that feedback on those is missed at 10:01."""
    partner = make_partner(session, "Nordhaven")
    publish_rules(session)
    publish_policy(session, {**OWED, "ladder": {**OWED["ladder"], **ladder}})
    found = [assignment_of(session, receive_lead(session, MONDAY + MINUTE)) for _ in range(leads)]
    held = [one for one in found if one is not None]
    for one in held[:-1]:
        acts.accept(session, rep_of(partner), one.id, MONDAY + MINUTE)
    return partner, held


def well(session: Session) -> None:
    session.commit()
    session.expire_all()
    assert checks.wrong_now(session) == []


def changes(session: Session, partner: Partner) -> list[tuple[datetime, str]]:
    rows = session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.partner_id == partner.id, LedgerEntry.kind == LedgerKind.CHANGE)
        .order_by(LedgerEntry.at)
    )
    return [(row.at, str(row.to_standing)) for row in rows]


@pytest.mark.parametrize("late", [0, 1, 9])
def test_a_sweep_that_comes_late_records_the_true_times_once(session: Session, late: int) -> None:
    partner, held = owing(session)
    rival = make_partner(session, "Weser")
    report = sweep(session, MONDAY + late * DAY + 2 * HOUR)
    session.refresh(partner)
    assert (partner.standing, report.breaches) == (Standing.STOPPED, 2)
    first, due = (obligations_of(session, one)["feedback"].due_at for one in held[:2])
    assert changes(session, partner) == [(first, "warned"), (due, "stopped")]
    offer = session.get_one(Assignment, held[2].id, populate_existing=True)
    assert (offer.state, offer.ended_at, offer.earlier_holder) == ("recalled", due, False)
    assert obligations_of(session, offer)["respond"].state is ObligationState.CANCELLED, "recalled before it was missed"
    live = select(Assignment).where(Assignment.lead_id == offer.lead_id, Assignment.ended_at.is_(None))
    new = session.scalars(live).one()
    assert new.partner_id == rival.id
    again = sweep(session, MONDAY + late * DAY + 2 * HOUR)
    assert (again.breaches, again.standing_changes, again.placed) == (0, 0, 0)
    well(session)


def test_a_stop_recorded_late_says_when_and_takes_back_what_came_since(session: Session) -> None:
    """Recorded late, a stop keeps its true instant, and no lead's timeline tells its end before its beginning."""
    partner, _ = owing(session)
    make_partner(session, "Weser")
    since, now = MONDAY + 5 * HOUR, MONDAY + 9 * HOUR
    for _ in range(2):
        receive_lead(session, since)
    came = Assignment.partner_id == partner.id, Assignment.offered_at == since
    offer = session.scalars(select(Assignment).where(*came)).one()
    sweep(session, now)
    session.refresh(offer)
    assert (offer.state, offer.ended_at) == (AssignmentState.RECALLED, since)
    entries = session.scalars(select(LedgerEntry).where(LedgerEntry.partner_id == partner.id)).all()
    assert {entry.recorded_at for entry in entries} == {now}
    assert all(entry.at < since for entry in entries)
    events = select(LeadEvent.kind).where(LeadEvent.lead_id == offer.lead_id).order_by(LeadEvent.at, LeadEvent.id)
    assert list(session.scalars(events)) == ["received", "offered", "recalled", "offered"]
    well(session)


def test_each_breach_is_told_once(session: Session) -> None:
    owing(session, 5)
    for days in (9, 9, 10):
        sweep(session, MONDAY + days * DAY)
    told = select(func.count()).select_from(Outbox).where(Outbox.audience == "partner")
    assert session.scalar(told.where(Outbox.topic == NoticeTopic.BREACH)) == 4
    assert session.scalar(told.where(Outbox.topic == NoticeTopic.STOPPED)) == 1
    assert session.scalar(told.where(Outbox.topic == NoticeTopic.WARNING)) == 0, "nobody is warned of what has passed"


def test_one_bad_row_is_set_aside_while_the_others_proceed(session: Session) -> None:
    partner, held = owing(session, 4)
    bad = obligations_of(session, held[0])["feedback"]
    bad.entry = 99
    session.commit()
    report = sweep(session, MONDAY + 2 * HOUR)
    session.expire_all()
    assert (report.breaches, report.set_aside) == (2, 1)
    assert (bad.state, bad.set_aside_at) == (ObligationState.OPEN, MONDAY + 2 * HOUR)
    assert bad.set_aside_why
    assert partner.standing is Standing.STOPPED
    assert sweep(session, MONDAY + 3 * HOUR).set_aside == 0
    assert differences(session) == []


def test_what_is_overdue_lifts_the_stop_as_it_is_done(session: Session) -> None:
    partner, held = owing(session, probation={"days": 2, "open_lead_cap": 1})
    sweep(session, MONDAY + 2 * HOUR)
    for number, one in enumerate(held[:2]):
        session.refresh(partner)
        assert partner.standing is Standing.STOPPED
        acts.feedback(session, rep_of(partner), one.id, Verdict(3, Disposition.LOST), MONDAY + (3 + number) * HOUR)
    session.refresh(partner)
    assert (partner.standing, partner.cap_now) == (Standing.PROBATION, 1)
    sweep(session, MONDAY + 5 * HOUR)
    waiting = select(func.count()).select_from(Assignment).where(Assignment.ended_at.is_(None))
    assert session.scalar(waiting) == 1, "room for one on probation: the lead that was recalled comes back"
    one = session.scalars(select(Assignment).where(Assignment.ended_at.is_(None))).one()
    acts.accept(session, rep_of(partner), one.id, MONDAY + 6 * HOUR)
    acts.feedback(session, rep_of(partner), one.id, Verdict(3, Disposition.LOST), MONDAY + 6 * HOUR + MINUTE)
    sweep(session, MONDAY + 4 * DAY)
    session.refresh(partner)
    assert (partner.standing, partner.cap_now) == (Standing.GOOD, 10)
    well(session)


def test_a_stop_by_row_waits_for_time_and_for_we_are_ready(session: Session) -> None:
    partner, held = owing(session, stop_on_overdue=50, breaches_in_a_row=2, stop_days=1)
    sweep(session, MONDAY + 2 * HOUR)
    session.refresh(partner)
    assert partner.standing_state["cause"] == StopCause.ROW
    acts.ready(session, rep_of(partner), partner.id, MONDAY + 3 * HOUR)
    for one in held[:2]:
        acts.feedback(session, rep_of(partner), one.id, Verdict(3, Disposition.LOST), MONDAY + 4 * HOUR)
    sweep(session, MONDAY + 5 * HOUR)
    session.refresh(partner)
    assert partner.standing is Standing.STOPPED, "stop_days have not passed"
    until = partner.standing_until
    assert until is not None
    sweep(session, until)
    session.refresh(partner)
    assert partner.standing is Standing.PROBATION
    assert changes(session, partner)[-1] == (until, "probation")
    with pytest.raises(Conflict):
        acts.ready(session, rep_of(partner), partner.id, until + HOUR)
    well(session)


def test_release_settles_what_is_overdue_and_offers_flow_again(session: Session) -> None:
    partner, held = owing(session, probation={"days": 2, "open_lead_cap": 3})
    sweep(session, MONDAY + 2 * HOUR)
    acts.release(session, STAFF, partner.id, "they called", MONDAY + 3 * HOUR)
    session.expire_all()
    owed = obligations_of(session, held[0])["feedback"]
    assert (owed.state, owed.settled_at) == (ObligationState.BREACHED, MONDAY + 3 * HOUR)
    assert partner.standing is Standing.PROBATION
    sweep(session, MONDAY + 4 * HOUR)
    assert session.scalar(select(func.count()).select_from(Assignment).where(Assignment.state == "offered")) == 1
    with pytest.raises(Conflict):
        acts.release(session, STAFF, partner.id, "again", MONDAY + 5 * HOUR)
    well(session)


def test_held_gets_nothing_keeps_what_it_has_and_comes_back_by_itself(session: Session) -> None:
    partner, held = owing(session)
    acts.hold(session, STAFF, partner.id, "holiday", MONDAY + 30 * MINUTE, MONDAY + 2 * MINUTE)
    lead = receive_lead(session, MONDAY + 5 * MINUTE)
    assert lead.status is LeadStatus.UNALLOCATED
    assert session.get_one(Assignment, held[2].id, populate_existing=True).state == "offered"
    sweep(session, MONDAY + 30 * MINUTE)
    session.refresh(lead)
    assert lead.status is LeadStatus.OFFERED
    assert [to for _, to in changes(session, partner)] == ["held", "good"]
    with pytest.raises(Invalid):
        acts.hold(session, STAFF, partner.id, "too late", MONDAY, MONDAY + HOUR)
    well(session)


def test_exempt_is_never_stopped_and_is_judged_afresh_at_its_end(session: Session) -> None:
    partner, _ = owing(session)
    acts.exempt(session, STAFF, partner.id, "pilot", MONDAY + DAY, MONDAY + 2 * MINUTE)
    sweep(session, MONDAY + 2 * HOUR)
    session.refresh(partner)
    assert partner.standing is Standing.EXEMPT
    assert receive_lead(session, MONDAY + 3 * HOUR).status is LeadStatus.OFFERED
    sweep(session, MONDAY + DAY)
    session.refresh(partner)
    assert (partner.standing, changes(session, partner)[-1][0]) == (Standing.STOPPED, MONDAY + DAY)
    well(session)


def test_waived_counts_nowhere(session: Session) -> None:
    partner, held = owing(session)
    sweep(session, MONDAY + 2 * HOUR)
    rows = [obligations_of(session, one)["feedback"] for one in held[:2]]
    acts.waive(session, STAFF, [rows[0].id], "our outage", MONDAY + 3 * HOUR)
    session.refresh(partner)
    assert partner.standing is Standing.STOPPED, "one is still overdue: only the way back leads out"
    acts.waive(session, STAFF, [rows[1].id], "our outage", MONDAY + 3 * HOUR)
    session.expire_all()
    assert partner.standing is Standing.PROBATION
    assert [row.state for row in rows] == [ObligationState.WAIVED] * 2
    with pytest.raises(Conflict):
        acts.waive(session, STAFF, [rows[0].id], "again", MONDAY + 4 * HOUR)
    well(session)


def test_a_waiver_needs_a_reason(session: Session) -> None:
    _, held = owing(session)
    with pytest.raises(Invalid):
        acts.waive(session, STAFF, [obligations_of(session, held[2])["respond"].id], " ", MONDAY + HOUR / 2)
    well(session)


def test_extended_is_due_later_and_what_was_missed_cannot_be(session: Session) -> None:
    partner, held = owing(session)
    row = obligations_of(session, held[0])["feedback"]
    acts.extend(session, STAFF, [row.id], "they are at a fair", MONDAY + 5 * HOUR, MONDAY + 30 * MINUTE)
    sweep(session, MONDAY + 2 * HOUR)
    session.refresh(partner)
    assert (row.state, partner.standing) == (ObligationState.OPEN, Standing.WARNED)
    with pytest.raises(Invalid):
        acts.extend(session, STAFF, [row.id], "less", MONDAY + 4 * HOUR, MONDAY + 2 * HOUR)
    sweep(session, MONDAY + 5 * HOUR)
    session.refresh(row)
    assert (row.state, row.breached_at) == (ObligationState.BREACHED, MONDAY + 5 * HOUR)
    with pytest.raises(Conflict):
        acts.extend(session, STAFF, [row.id], "too late", MONDAY + DAY, MONDAY + 6 * HOUR)
    well(session)


def test_an_extended_offer_is_answered_by_the_new_time(session: Session) -> None:
    _, held = owing(session)
    one = held[2]
    row = obligations_of(session, one)["respond"]
    acts.extend(session, STAFF, [row.id], "fair", row.due_at + DAY, MONDAY + 2 * MINUTE)
    session.expire_all()
    assert one.respond_by == row.due_at == MONDAY + MINUTE + 3 * DAY
    well(session)


def test_grace_is_met_and_a_breach_after_it_is_dated_at_the_due_time(session: Session) -> None:
    partner = make_partner(session)
    publish_rules(session)
    publish_policy(session, {**STAYING, "grace_minutes": 30})
    in_grace, late = (assignment_of(session, receive_lead(session, MONDAY + MINUTE)) for _ in range(2))
    assert in_grace is not None
    assert late is not None
    due = in_grace.respond_by
    assert due is not None
    acts.accept(session, rep_of(partner), in_grace.id, due + 29 * MINUTE)
    acts.accept(session, rep_of(partner), late.id, due + 30 * MINUTE)
    rows = [obligations_of(session, one)["respond"] for one in (in_grace, late)]
    assert [row.state for row in rows] == [ObligationState.MET, ObligationState.CURED]
    assert rows[1].breached_at == rows[1].due_at
    well(session)


def test_a_new_policy_breaches_nobody_backwards_and_an_announced_one_waits(session: Session) -> None:
    partner, held = owing(session)
    row = obligations_of(session, held[0])["feedback"]
    pinned = row.due_at, row.policy_version
    drafted = policies.draft(session, STAYING, "later", MONDAY + 2 * MINUTE, STAFF)
    later = policies.publish(session, drafted.id, MONDAY + 5 * DAY, MONDAY + 2 * MINUTE, STAFF)
    session.commit()
    strict = publish_policy(session, {**OWED, "ladder": {**OWED["ladder"], "stop_on_overdue": 1}}, MONDAY + 3 * MINUTE)
    assert strict.effective_from is not None
    assert strict.effective_from < MONDAY + 4 * MINUTE, "at once, though another one is announced"
    assert later.effective_from == MONDAY + 5 * DAY
    session.refresh(row)
    assert (row.due_at, row.policy_version) == pinned
    acts.feedback(session, rep_of(partner), held[0].id, Verdict(3, Disposition.LOST), MONDAY + 4 * MINUTE)
    sweep(session, MONDAY + 2 * HOUR)
    session.refresh(partner)
    assert partner.standing is Standing.STOPPED, "one overdue is enough now"
    well(session)


def test_a_stop_by_missed_offers_alone_has_the_way_back_of_a_row(session: Session) -> None:
    partner = make_partner(session)
    publish_rules(session)
    publish_policy(session, {**STAYING, "ladder": {"stop_on_overdue": 2}})
    for _ in range(2):
        receive_lead(session, MONDAY + MINUTE)
    sweep(session, MONDAY + DAY)
    session.refresh(partner)
    assert partner.standing is Standing.STOPPED
    assert partner.standing_state["cause"] == StopCause.ROW, "its own recall of offers left nothing overdue"
    left = select(func.count()).select_from(Obligation)
    assert session.scalar(left.where(Obligation.state == "breached", Obligation.settled_at.is_(None))) == 0
    well(session)


def test_an_act_of_a_partner_settles_what_it_owes_first(session: Session) -> None:
    partner, held = owing(session)
    acts.log(session, rep_of(partner), held[0].id, CALL, MONDAY + 3 * HOUR)
    session.expire_all()
    assert partner.standing is Standing.STOPPED
    assert session.get_one(Assignment, held[2].id).state == "recalled"
    well(session)


def test_a_waived_answer_of_a_standing_offer_is_asked_for_anew(session: Session) -> None:
    """No offer may stand for ever: its answer gets a fresh deadline, and missing that one hands the lead on."""
    partner = make_partner(session)
    publish_rules(session)
    offer = assignment_of(session, receive_lead(session))
    assert offer is not None
    first = obligations_of(session, offer)["respond"]
    acts.waive(session, STAFF, [first.id], "Our mail was down", MONDAY + DAY)
    session.refresh(first)
    again = obligations_of(session, offer)["respond"]
    session.refresh(offer)
    assert (first.state, again.state) == (ObligationState.WAIVED, ObligationState.OPEN)
    assert again.due_at > first.due_at
    assert offer.respond_by == again.due_at
    sweep(session, again.due_at)
    session.refresh(offer)
    assert offer.state is AssignmentState.EXPIRED
    assert partner.id == offer.partner_id
    assert differences(session) == []

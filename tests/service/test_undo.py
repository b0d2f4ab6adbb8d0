"""Taking back within a minute: deadlines, places and standing are as they were, and what cannot be is refused."""

import random
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.assignments import Activity, Assignment, Deal, Feedback, Obligation
from models.leads import Lead, LeadEvent
from models.partners import Partner
from models.platform import Audit, Outbox
from portal.accounts import access
from portal.accounts.actor import SYSTEM, Actor
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Conflict, NotFound
from portal.follow_up import policy
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Touch, Verdict
from portal.follow_up.undo import Ask
from portal.vocabulary import ActivityKind, ActivityOutcome, DealStage, Disposition, LeadStatus, Standing
from tests.support import world
from tests.support.checks import wrong_now
from tests.support.world import DAY, HOUR, MINUTE, MONDAY

SECOND = MINUTE / 60
CALL = Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
MAIL = Touch(ActivityKind.EMAIL, ActivityOutcome.REPLIED)
NOTE = Touch(ActivityKind.NOTE, ActivityOutcome.OTHER)
#: Nothing moves on when it is missed, so that it stays to be caught up with.
STAYING = {
    "obligations": [
        {"kind": "respond", "within": {"value": 2, "unit": "days", "clock": "business"},
         "on_breach": {"reassign": False}},
        {"kind": "first_contact", "within": {"value": 2, "unit": "hours", "clock": "calendar"},
         "on_breach": {"reassign": False}},
        {"kind": "next_touch", "within": {"value": 5, "unit": "days", "clock": "business"}, "touches": 3,
         "on_breach": {"reassign": False}},
        {"kind": "feedback", "within": {"value": 10, "unit": "days", "clock": "business"},
         "repeat": {"value": 30, "unit": "days", "clock": "business"}, "on_breach": {"reassign": False}},
    ],
    "ladder": {"stop_on_overdue": 2, "minimum_sample": 3},
}  # fmt: skip


class Desk:
    """A partner at work on its leads."""

    def __init__(self, session: Session, **settings: Any) -> None:
        self.session = session
        self.partner_id = world.make_partner(session, "Nordhaven", **settings).id
        world.publish_rules(session)

    @property
    def rep(self) -> Actor:
        return world.rep_of(self.session.get_one(Partner, self.partner_id))

    def lead(self, at: datetime = MONDAY, **facts: Any) -> str:
        """The assignment of a new lead, accepted a minute after it came."""
        held = world.assignment_of(self.session, world.receive_lead(self.session, now=at, **facts))
        assert held is not None
        acts.accept(self.session, self.rep, held.id, at + MINUTE)
        return held.id

    def log(self, held: str, at: datetime, touch: Touch = CALL) -> Ask:
        return Ask(activity_id=acts.log(self.session, self.rep, held, touch, at).id)

    def judge(self, held: str, at: datetime, disposition: Disposition, reason: str | None = None) -> Ask:
        verdict = Verdict(3, disposition, reason)
        return Ask(feedback_id=acts.feedback(self.session, self.rep, held, verdict, at).id)

    def undo(self, held: str, ask: Ask, at: datetime) -> None:
        acts.undo(self.session, self.rep, held, ask, at)

    def looks(self) -> dict[str, Any]:
        """Everything that a slip may move, as plain values; what was opened and cancelled again is left out."""
        self.session.expire_all()
        partner = self.session.get_one(Partner, self.partner_id)
        columns = [c.key for c in Obligation.__table__.columns if not c.key.startswith("warn")]
        owed = {
            row.id: tuple(getattr(row, name) for name in columns)
            for row in self.session.scalars(select(Obligation))
            if row.cancelled_at is None
        }
        held = {
            a.id: (a.state, a.touches, a.last_touch_at, a.counts_open, a.ended_at, a.end_reason, a.disposition,
                   a.earlier_holder)
            for a in self.session.scalars(select(Assignment))
        }  # fmt: skip
        leads = {lead.id: (lead.status, lead.reason) for lead in self.session.scalars(select(Lead))}
        state = {k: v for k, v in partner.standing_state.items() if k != "folded_until"}
        standing = (partner.standing, partner.standing_since, partner.cap_now, partner.standing_next_at, state)
        return {"owed": owed, "held": held, "leads": leads, "open": partner.open_leads, "standing": standing}


@pytest.fixture
def desk(session: Session) -> Desk:
    return Desk(session)


ACTS = ("touch", "note", *(disposition.value for disposition in Disposition))


def done(desk: Desk, held: str, act: str, at: datetime) -> Ask:
    """One of the acts that may be taken back."""
    if act in ("touch", "note"):
        return desk.log(held, at, CALL if act == "touch" else NOTE)
    return desk.judge(held, at, Disposition(act))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("worked", [False, True])
def test_everything_is_as_it_was(desk: Desk, act: str, worked: bool) -> None:
    held = desk.lead()
    if worked:
        desk.log(held, MONDAY + HOUR, MAIL)
    before = desk.looks()
    ask = done(desk, held, act, MONDAY + 2 * HOUR)
    desk.undo(held, ask, MONDAY + 2 * HOUR + 59 * SECOND)
    assert desk.looks() == before
    assert wrong_now(desk.session) == []


@pytest.mark.parametrize("disposition", [Disposition.WORKING, Disposition.LOST, Disposition.UNQUALIFIED])
def test_a_touch_and_its_feedback_go_together(desk: Desk, disposition: Disposition) -> None:
    held = desk.lead()
    before = desk.looks()
    touch, feedback = acts.log_and_judge(desk.session, desk.rep, held, CALL, Verdict(4, disposition), MONDAY + HOUR)
    assert touch.counted and feedback.given_at > touch.recorded_at
    desk.undo(held, Ask(touch.id, feedback.id), MONDAY + HOUR + 30 * SECOND)
    assert desk.looks() == before
    assert wrong_now(desk.session) == []


def test_nothing_is_erased_and_it_counts_nowhere(desk: Desk) -> None:
    held = desk.lead()
    desk.undo(held, desk.log(held, MONDAY + HOUR), MONDAY + HOUR + MINUTE / 2)
    touch = desk.session.query(Activity).one()
    assert (touch.counted, touch.taken_back_at) == (False, MONDAY + HOUR + MINUTE / 2)
    desk.undo(held, desk.judge(held, MONDAY + 2 * HOUR, Disposition.LOST), MONDAY + 2 * HOUR + SECOND)
    assert desk.session.query(Feedback).one().taken_back_at == MONDAY + 2 * HOUR + SECOND
    assert desk.session.scalars(access.feedback(desk.rep)).all() == []
    assert len(desk.session.scalars(access.feedback(desk.rep, taken_back=True)).all()) == 1
    told = [row.facts for row in desk.session.query(Audit).filter_by(action="assignment.undo").order_by(Audit.id)]
    assert told == [{"what": ["activity"]}, {"what": ["feedback"]}]
    kinds = [event.kind.value for event in desk.session.query(LeadEvent).order_by(LeadEvent.at, LeadEvent.id)]
    assert kinds[-2:] == ["closed", "reopened"]


def test_the_same_kind_counts_again_at_once(desk: Desk) -> None:
    held = desk.lead()
    desk.undo(held, desk.log(held, MONDAY + HOUR), MONDAY + HOUR + SECOND)
    again = acts.log(desk.session, desk.rep, held, CALL, MONDAY + HOUR + 2 * SECOND)
    assert again.counted
    assert wrong_now(desk.session) == []


def test_a_minute_is_a_minute(desk: Desk) -> None:
    held = desk.lead()
    ask = desk.log(held, MONDAY + HOUR)
    with pytest.raises(Conflict, match="More than a minute has passed"):
        desk.undo(held, ask, MONDAY + HOUR + MINUTE)
    assert desk.session.query(Activity).one().counted


def test_once_only(desk: Desk) -> None:
    held = desk.lead()
    ask = desk.log(held, MONDAY + HOUR)
    desk.undo(held, ask, MONDAY + HOUR + SECOND)
    with pytest.raises(Conflict, match="taken back already"):
        desk.undo(held, ask, MONDAY + HOUR + 2 * SECOND)


def test_anothers_or_a_mixed_up_one_does_not_exist(desk: Desk) -> None:
    held, other = desk.lead(), desk.lead()
    touch = desk.log(held, MONDAY + HOUR)
    rival = world.make_partner(desk.session, "Rival")
    for actor, assignment, ask in (
        (world.rep_of(rival), held, touch),
        (desk.rep, other, touch),
        (desk.rep, held, Ask("nothing")),
        (desk.rep, held, Ask(touch.activity_id, "nothing")),
        (desk.rep, held, Ask()),
    ):
        with pytest.raises(NotFound):
            acts.undo(desk.session, actor, assignment, ask, MONDAY + HOUR + SECOND)


def later(desk: Desk, held: str, what: str, at: datetime) -> None:
    """Something else on the same lead."""
    if what == "note":
        desk.log(held, at, NOTE)
    elif what == "feedback":
        desk.judge(held, at, Disposition.WORKING)
    elif what == "deal":
        facts = DealFacts(stage=DealStage.REGISTERED, amount_cents=0, currency="EUR")
        acts.register_deal(desk.session, desk.rep, held, facts, at)
    elif what == "waiver":
        row = world.obligations_of(desk.session, desk.session.get_one(Assignment, held))["next_touch"]
        acts.waive(desk.session, SYSTEM, [row.id], "kind", at)
    else:
        acts.recall(desk.session, SYSTEM, held, "ours", at)


@pytest.mark.parametrize("what", ["note", "feedback", "deal", "waiver", "recall"])
def test_what_something_later_rests_on_stays(desk: Desk, what: str) -> None:
    world.publish_policy(desk.session, STAYING, MONDAY - HOUR)
    held = desk.lead()
    ask = desk.log(held, MONDAY + HOUR)
    later(desk, held, what, MONDAY + HOUR + SECOND)
    with pytest.raises(Conflict, match="More was done on this lead since"):
        desk.undo(held, ask, MONDAY + HOUR + 2 * SECOND)
    assert wrong_now(desk.session) == []


def test_feedback_that_closed_a_deal_stays(desk: Desk) -> None:
    held = desk.lead()
    later(desk, held, "deal", MONDAY + HOUR)
    ask = desk.judge(held, MONDAY + 2 * HOUR, Disposition.LOST)
    with pytest.raises(Conflict, match="closed a deal"):
        desk.undo(held, ask, MONDAY + 2 * HOUR + SECOND)
    assert desk.session.query(Deal).one().stage is DealStage.LOST


def test_feedback_on_a_lead_that_a_deal_closed_is_due_again(desk: Desk) -> None:
    held = desk.lead()
    won = DealFacts(stage=DealStage.WON, amount_cents=0, currency="EUR")
    acts.register_deal(desk.session, desk.rep, held, won, MONDAY + HOUR)
    before = desk.looks()
    desk.undo(held, desk.judge(held, MONDAY + 2 * HOUR, Disposition.WON), MONDAY + 2 * HOUR + SECOND)
    assert desk.looks() == before
    desk.judge(held, MONDAY + 3 * HOUR, Disposition.WON)
    assert wrong_now(desk.session) == []


def test_a_returned_lead_that_somebody_took_up_stays_returned(desk: Desk) -> None:
    held = desk.lead()
    ask = desk.judge(held, MONDAY + HOUR, Disposition.UNQUALIFIED)
    lead_id = desk.session.get_one(Assignment, held).lead_id
    acts.take_out(desk.session, SYSTEM, lead_id, LeadStatus.DISQUALIFIED, "spam", MONDAY + HOUR + SECOND)
    with pytest.raises(Conflict, match="More was done"):
        desk.undo(held, ask, MONDAY + HOUR + 2 * SECOND)


def test_a_warning_that_was_not_told_waits_again(desk: Desk) -> None:
    held = desk.lead()
    lead_id = desk.session.get_one(Assignment, held).lead_id
    due = world.obligations_of(desk.session, desk.session.get_one(Assignment, held))["first_contact"]
    sweep(desk.session, due.warn_at + MINUTE)
    warnings = select(Outbox.state).where(Outbox.lead_id == lead_id, Outbox.topic == "warning")
    desk.session.commit()
    if "pending" not in desk.session.scalars(warnings).all():
        pytest.fail("the sweep leaves its warning to the posting")
    ask = desk.judge(held, due.warn_at + 2 * MINUTE, Disposition.LOST)
    assert set(desk.session.scalars(warnings)) == {"dropped"}
    desk.undo(held, ask, due.warn_at + 2 * MINUTE + SECOND)
    assert set(desk.session.scalars(warnings)) == {"pending"}


def test_a_place_that_a_new_lead_has_come_to_is_not_taken_twice(session: Session) -> None:
    desk = Desk(session, open_lead_cap=1)
    held = desk.lead()
    waiting = world.receive_lead(session, now=MONDAY + 30 * MINUTE)
    assert waiting.status is LeadStatus.UNALLOCATED
    first = desk.log(held, MONDAY + HOUR)
    desk.undo(held, first, MONDAY + HOUR + SECOND)
    again = desk.log(held, MONDAY + HOUR + 2 * SECOND)
    sweep(session, MONDAY + HOUR + 3 * SECOND)
    assert session.get_one(Lead, waiting.id).status is LeadStatus.OFFERED
    with pytest.raises(Conflict, match="A new lead has come to the place"):
        desk.undo(held, again, MONDAY + HOUR + 4 * SECOND)
    assert wrong_now(session) == []


def test_nobody_is_made_late_by_a_correction(desk: Desk) -> None:
    world.publish_policy(desk.session, STAYING, MONDAY - HOUR)
    held = desk.lead()
    due = world.obligations_of(desk.session, desk.session.get_one(Assignment, held))["first_contact"].due_at
    ask = desk.log(held, due - 10 * SECOND)
    with pytest.raises(Conflict, match="A deadline that this answered has passed since"):
        desk.undo(held, ask, due)
    assert wrong_now(desk.session) == []


def test_what_caught_up_without_a_change_of_standing_is_late_again(desk: Desk) -> None:
    world.publish_policy(desk.session, {**STAYING, "ladder": {"stop_on_overdue": 3}}, MONDAY - HOUR)
    one, two = desk.lead(), desk.lead()
    sweep(desk.session, MONDAY + 3 * HOUR)
    before = desk.looks()
    ask = desk.log(one, MONDAY + 4 * HOUR)
    desk.undo(one, ask, MONDAY + 4 * HOUR + SECOND)
    assert desk.looks() == before
    assert desk.session.get_one(Partner, desk.partner_id).standing is Standing.WARNED
    ask = desk.log(one, MONDAY + 5 * HOUR)
    other = desk.judge(two, MONDAY + 5 * HOUR + SECOND, Disposition.WORKING)
    with pytest.raises(Conflict, match="more was recorded for you since"):
        desk.undo(one, ask, MONDAY + 5 * HOUR + 2 * SECOND)
    desk.undo(two, other, MONDAY + 5 * HOUR + 3 * SECOND)
    assert wrong_now(desk.session) == []


def test_what_changed_the_standing_stays(desk: Desk) -> None:
    world.publish_policy(desk.session, STAYING, MONDAY - HOUR)
    one, two = desk.lead(), desk.lead()
    sweep(desk.session, MONDAY + 3 * HOUR)
    assert desk.session.get_one(Partner, desk.partner_id).standing is Standing.STOPPED
    desk.log(one, MONDAY + 4 * HOUR)
    activity = acts.log(desk.session, desk.rep, two, CALL, MONDAY + 4 * HOUR + SECOND)
    assert activity.undo_until is None
    with pytest.raises(Conflict, match="This changed your standing"):
        desk.undo(two, Ask(activity.id), MONDAY + 4 * HOUR + 2 * SECOND)
    assert desk.session.get_one(Partner, desk.partner_id).standing is not Standing.STOPPED
    assert wrong_now(desk.session) == []


def refused(desk: Desk, held: str, ask: Ask, at: datetime) -> str | None:
    """Take it back; the reason where that is refused."""
    try:
        desk.undo(held, ask, at)
    except Conflict as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize("seed", range(2))
def test_any_slip_taken_back_leaves_no_trace(session: Session, seed: int) -> None:
    """Work at random, some of it late; whatever is taken back at once leaves everything as it was."""
    rng, desk = random.Random(seed), Desk(session, open_lead_cap=50)
    world.publish_policy(session, STAYING, MONDAY - HOUR)
    now, taken = MONDAY, 0
    held = [desk.lead(now) for _ in range(6)]
    for _ in range(30):
        now += rng.choice((6 * MINUTE, HOUR, 5 * HOUR, DAY))
        sweep(session, now)
        live = [id_ for id_ in held if session.get_one(Assignment, id_).state.value == "accepted"]
        if not live:
            break
        one, before = rng.choice(live), desk.looks()
        ask = done(desk, one, rng.choice((*ACTS, "touch", "touch", "working")), now)
        if rng.random() < 0.3:
            continue
        now += 20 * SECOND
        if refused(desk, one, ask, now) in (policy.TURNED, policy.PASSED):
            continue
        after = desk.looks()
        moved = {id_ for id_, row in after["owed"].items() if before["owed"].get(id_) != row}
        assert not moved
        assert {k: v for k, v in after.items() if k != "owed"} == {k: v for k, v in before.items() if k != "owed"}
        assert wrong_now(session) == []
        taken += 1
    assert taken >= 3

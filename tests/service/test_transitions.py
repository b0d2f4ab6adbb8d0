"""The life of a lead, line by line: what each event does to assignment, lead and obligations."""

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from portal.accounts.actor import SYSTEM
from portal.compliance import partners
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Conflict, Invalid, NotFound
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Verdict
from portal.vocabulary import (
    AssignmentOrigin,
    DealStage,
    DeclineReason,
    Disposition,
    LeadStatus,
    ObligationState,
    QueueReason,
    Standing,
)
from tests.support import checks
from tests.support.stage import CALL, STAFF, STAYING
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


class Scene:
    """One lead with Nordhaven; Weser is the rival that gets it next."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.holder = make_partner(session, "Nordhaven")
        self.rival = make_partner(session, "Weser")
        publish_rules(session)

    def offered(self, now: datetime = MONDAY) -> Assignment:
        self.lead = receive_lead(self.session, now)
        found = assignment_of(self.session, self.lead)
        assert found is not None
        self.rep = rep_of(self.session.get_one(Partner, found.partner_id))
        self.one = found
        return found

    def accepted(self, now: datetime = MONDAY) -> Assignment:
        one = self.offered(now)
        return acts.accept(self.session, self.rep, one.id, now)

    def state(self) -> tuple[str, str, dict[str, str]]:
        """Assignment, lead, and the obligations of the first assignment; everything is checked on the way."""
        self.session.commit()
        self.session.expire_all()
        assert checks.wrong_now(self.session) == []
        owed = {kind: row.state.value for kind, row in obligations_of(self.session, self.one).items()}
        return self.one.state.value, self.lead.status.value, owed

    def next_one(self) -> Assignment:
        found = assignment_of(self.session, self.lead)
        assert found is not None
        assert found.id != self.one.id
        return found


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


def test_accept(scene: Scene) -> None:
    scene.accepted()
    owed = {"respond": "met", "first_contact": "open", "feedback": "open"}
    assert scene.state() == ("accepted", "accepted", owed)
    before = scene.one.accepted_at
    acts.accept(scene.session, scene.rep, scene.one.id, MONDAY + HOUR)
    assert scene.one.accepted_at == before
    assert scene.state() == ("accepted", "accepted", owed)


def test_decline_uses_the_turn_and_the_rival_gets_it(scene: Scene) -> None:
    one = scene.offered()
    acts.decline(scene.session, scene.rep, one.id, DeclineReason.NO_CAPACITY, None, MONDAY + HOUR)
    assert scene.state() == ("declined", "offered", {"respond": "met"})
    assert scene.next_one().partner_id != one.partner_id
    fresh = assignment_of(scene.session, receive_lead(scene.session, MONDAY + HOUR))
    assert fresh is not None
    assert fresh.partner_id != one.partner_id, "what it declined was its turn"


def test_respond_due_hands_on(scene: Scene) -> None:
    one = scene.offered()
    sweep(scene.session, one.respond_by - MINUTE)  # type: ignore[operator]
    assert scene.state() == ("offered", "offered", {"respond": "open"})
    sweep(scene.session, one.respond_by + DAY)  # type: ignore[operator]
    assert scene.state() == ("expired", "offered", {"respond": "breached"})
    respond = obligations_of(scene.session, one)["respond"]
    assert respond.breached_at == respond.due_at == one.respond_by == one.ended_at
    assert scene.next_one().partner_id != one.partner_id
    assert scene.session.get_one(Partner, one.partner_id).standing is Standing.GOOD, "lost it; nothing is overdue"


def test_respond_due_stays_where_the_policy_says_so_and_a_late_answer_cures_it(scene: Scene) -> None:
    publish_policy(scene.session, STAYING)
    one = scene.offered(MONDAY + MINUTE)
    sweep(scene.session, MONDAY + DAY)
    assert scene.state() == ("offered", "offered", {"respond": "breached"})
    acts.accept(scene.session, scene.rep, one.id, MONDAY + DAY)
    owed = {"respond": "cured", "first_contact": "open", "feedback": "open"}
    assert scene.state() == ("accepted", "accepted", owed)


def test_a_missed_first_contact_hands_on_and_cancels_the_rest(scene: Scene) -> None:
    one = scene.accepted()
    due = obligations_of(scene.session, one)["first_contact"].due_at
    sweep(scene.session, due)
    owed = {"respond": "met", "first_contact": "breached", "feedback": "cancelled"}
    assert scene.state() == ("expired", "offered", owed)


@pytest.mark.parametrize("late", [0, 1, 30])
def test_an_act_after_the_time_and_before_the_sweep_finds_what_the_sweep_would(scene: Scene, late: int) -> None:
    one = scene.offered()
    with pytest.raises(Conflict):
        acts.accept(scene.session, scene.rep, one.id, one.respond_by + late * DAY)  # type: ignore[operator]
    assert scene.state() == ("expired", "offered", {"respond": "breached"})
    assert scene.next_one().partner_id != one.partner_id


def test_a_moment_before_the_time_is_in_time(scene: Scene) -> None:
    one = scene.offered()
    acts.accept(scene.session, scene.rep, one.id, one.respond_by - MINUTE / 60_000_000)  # type: ignore[operator]
    assert scene.state()[0] == "accepted"


def test_recalled_by_staff(scene: Scene) -> None:
    one = scene.accepted()
    acts.recall(scene.session, STAFF, one.id, "a mistake", MONDAY + HOUR)
    owed = {"respond": "met", "first_contact": "cancelled", "feedback": "cancelled"}
    assert scene.state() == ("recalled", "offered", owed)
    assert not one.earlier_holder


def test_recalled_where_the_partner_is_switched_off(scene: Scene) -> None:
    one = scene.accepted()

    def off() -> tuple[Partner, list[str]]:
        return partners.change(scene.session, one.partner_id, {"active": False}, MONDAY + HOUR, SYSTEM)

    from portal.enforcement.placing import place_freed

    place_freed(scene.session, acts.settled(scene.session, MONDAY + HOUR, off)[1], MONDAY + HOUR)
    assert scene.state()[:2] == ("recalled", "offered")
    assert scene.next_one().partner_id != one.partner_id


@pytest.mark.parametrize("status", [LeadStatus.DISQUALIFIED, LeadStatus.NURTURE])
def test_taken_out_by_staff(scene: Scene, status: LeadStatus) -> None:
    scene.accepted()
    acts.take_out(scene.session, STAFF, scene.lead.id, status, "no lead", MONDAY + HOUR)
    owed = {"respond": "met", "first_contact": "cancelled", "feedback": "cancelled"}
    assert scene.state() == ("recalled", status.value, owed)


def test_merged(scene: Scene) -> None:
    other = receive_lead(scene.session)
    scene.accepted()
    acts.merge(scene.session, STAFF, scene.lead.id, other.id, MONDAY + HOUR)
    assert scene.state()[:2] == ("recalled", "duplicate")
    assert scene.lead.duplicate_of == other.id
    with pytest.raises(Invalid):
        acts.merge(scene.session, STAFF, other.id, scene.lead.id, MONDAY + HOUR)
    with pytest.raises(Invalid):
        acts.merge(scene.session, STAFF, other.id, other.id, MONDAY + HOUR)


def test_a_counted_touch_meets_and_moves_on(scene: Scene) -> None:
    publish_policy(scene.session, STAYING)
    one = scene.accepted(MONDAY + MINUTE)
    assert acts.log(scene.session, scene.rep, one.id, CALL, MONDAY + HOUR).counted
    assert scene.state() == (
        "accepted", "contacted", {"respond": "met", "first_contact": "met", "feedback": "open", "next_touch": "open"},
    )  # fmt: skip
    holder = scene.session.get_one(Partner, one.partner_id)
    assert holder.open_leads == 0
    again = acts.log(scene.session, scene.rep, one.id, CALL, MONDAY + HOUR + MINUTE)
    assert not again.counted
    acts.log(scene.session, scene.rep, one.id, CALL, MONDAY + 2 * HOUR)
    assert scene.state()[2]["next_touch"] == "met", "two touches were asked for"


def test_a_late_touch_cures(scene: Scene) -> None:
    publish_policy(scene.session, STAYING)
    one = scene.accepted(MONDAY + MINUTE)
    acts.log(scene.session, scene.rep, one.id, CALL, MONDAY + 2 * DAY)
    assert scene.state()[2]["first_contact"] == "cured"


@pytest.mark.parametrize("outcome", [Disposition.WON, Disposition.LOST])
def test_won_or_lost_by_feedback(scene: Scene, outcome: Disposition) -> None:
    one = scene.accepted()
    deal = acts.register_deal(scene.session, scene.rep, one.id, DealFacts(amount_cents=500), MONDAY + HOUR)
    acts.feedback(scene.session, scene.rep, one.id, Verdict(4, outcome), MONDAY + 2 * HOUR)
    owed = {"respond": "met", "first_contact": "cancelled", "feedback": "met"}
    assert scene.state() == ("closed", outcome.value, owed)
    assert deal.stage.value == outcome.value


@pytest.mark.parametrize("stage", [DealStage.WON, DealStage.LOST])
def test_won_or_lost_by_deal_leaves_feedback_due(scene: Scene, stage: DealStage) -> None:
    one = scene.accepted()
    deal = acts.register_deal(scene.session, scene.rep, one.id, DealFacts(amount_cents=500), MONDAY + HOUR)
    acts.change_deal(scene.session, scene.rep, deal.id, DealFacts(stage=stage), MONDAY + 2 * HOUR)
    owed = {"respond": "met", "first_contact": "cancelled", "feedback": "open"}
    assert scene.state() == ("closed", stage.value, owed)
    with pytest.raises(Invalid):
        acts.feedback(scene.session, scene.rep, one.id, Verdict(4, Disposition.WORKING), MONDAY + 3 * HOUR)
    acts.feedback(scene.session, scene.rep, one.id, Verdict(4, Disposition(stage.value)), MONDAY + 3 * HOUR)
    assert scene.state()[2]["feedback"] == "met"
    with pytest.raises(Conflict):
        acts.feedback(scene.session, scene.rep, one.id, Verdict(4, Disposition(stage.value)), MONDAY + 4 * HOUR)


def test_feedback_missed_on_a_won_lead_is_overdue_and_stays_with_its_partner(scene: Scene) -> None:
    one = scene.accepted()
    acts.register_deal(scene.session, scene.rep, one.id, DealFacts(stage=DealStage.WON, amount_cents=1), MONDAY + HOUR)
    sweep(scene.session, MONDAY + 30 * DAY)
    assert scene.state()[:2] == ("closed", "won")
    assert scene.state()[2]["feedback"] == "breached"
    assert scene.session.get_one(Partner, one.partner_id).standing is Standing.WARNED


@pytest.mark.parametrize(
    ("disposition", "status", "reason"),
    [
        (Disposition.UNQUALIFIED, LeadStatus.RETURNED, QueueReason.UNQUALIFIED.value),
        (Disposition.NURTURE, LeadStatus.NURTURE, None),
    ],
)
def test_given_back_by_feedback(scene: Scene, disposition: Disposition, status: LeadStatus, reason: str | None) -> None:
    publish_policy(scene.session, STAYING)
    one = scene.accepted(MONDAY + MINUTE)
    sweep(scene.session, MONDAY + 2 * DAY)
    acts.feedback(scene.session, scene.rep, one.id, Verdict(1, disposition), MONDAY + 2 * DAY)
    assert scene.state() == ("closed", status.value, {"respond": "met", "first_contact": "cured", "feedback": "met"})
    assert scene.lead.reason == reason
    sweep(scene.session, MONDAY + 3 * DAY)
    assert scene.state()[1] == status.value, "nothing hands it on by itself"


def test_working_asks_again(scene: Scene) -> None:
    one = scene.accepted()
    acts.feedback(scene.session, scene.rep, one.id, Verdict(3, Disposition.WORKING), MONDAY + HOUR)
    rows = scene.session.scalars(select(Obligation).where(Obligation.assignment_id == one.id)).all()
    feedback = sorted((row.due_at, row.state) for row in rows if row.kind == "feedback")
    assert [state for _, state in feedback] == [ObligationState.MET, ObligationState.OPEN]
    assert scene.state()[:2] == ("accepted", "accepted")


def test_reopened_goes_back_to_its_last_holder_with_fresh_deadlines(scene: Scene) -> None:
    one = scene.accepted()
    acts.feedback(scene.session, scene.rep, one.id, Verdict(3, Disposition.LOST), MONDAY + HOUR)
    acts.reopen(scene.session, STAFF, scene.lead.id, "they called", MONDAY + DAY)
    again = scene.next_one()
    assert scene.state()[:2] == ("closed", "accepted")
    assert (again.partner_id, again.origin) == (one.partner_id, AssignmentOrigin.REOPENED)
    fresh = obligations_of(scene.session, again)
    opened = {kind: row.opened_at for kind, row in fresh.items()}
    assert opened == dict.fromkeys(("first_contact", "feedback"), MONDAY + DAY)


def test_reopened_is_placed_by_the_rules_where_the_gates_bar_its_last_holder(scene: Scene) -> None:
    one = scene.accepted()
    acts.feedback(scene.session, scene.rep, one.id, Verdict(1, Disposition.UNQUALIFIED), MONDAY + HOUR)
    acts.reopen(scene.session, STAFF, scene.lead.id, "it is one", MONDAY + DAY)
    assert scene.state()[1] == "offered"
    assert scene.next_one().partner_id != one.partner_id


def test_who_no_longer_holds_it_gets_no_answer_but_that(scene: Scene) -> None:
    one = scene.offered()
    stranger = rep_of(scene.holder if one.partner_id == scene.rival.id else scene.rival)
    for actor, refusal in ((stranger, NotFound), (scene.rep, Conflict)):
        if actor is scene.rep:
            acts.decline(scene.session, scene.rep, one.id, DeclineReason.OTHER, None, MONDAY)
        with pytest.raises(refusal):
            acts.accept(scene.session, actor, one.id, MONDAY + HOUR)
        with pytest.raises(refusal):
            acts.log(scene.session, actor, one.id, CALL, MONDAY + HOUR)
        with pytest.raises(refusal):
            acts.feedback(scene.session, actor, one.id, Verdict(3, Disposition.WORKING), MONDAY + HOUR)


def test_after_its_moves_a_lead_waits_for_the_manager(session: Session) -> None:
    found = {one.id: one for one in (make_partner(session, f"P{n}") for n in range(8))}
    publish_rules(session)
    lead, moves = receive_lead(session), 0
    while lead.status is LeadStatus.OFFERED:
        one = assignment_of(session, lead)
        assert one is not None
        acts.decline(session, rep_of(found[one.partner_id]), one.id, DeclineReason.OTHER, None, MONDAY + moves * HOUR)
        moves += 1
        session.refresh(lead)
    assert (moves, lead.reason) == (6, QueueReason.HAND_OVER_LIMIT.value), "offered, and moved on five times"
    sweep(session, MONDAY + 30 * DAY)
    session.refresh(lead)
    assert lead.status is LeadStatus.UNALLOCATED, "nothing retries it by itself"
    held = {row.partner_id for row in session.scalars(select(Assignment).where(Assignment.lead_id == lead.id))}
    chosen = next(iter(found.keys() - held))
    acts.assign(session, STAFF, lead.id, chosen, "you next", MONDAY + 30 * DAY)
    session.refresh(lead)
    assert lead.status is LeadStatus.OFFERED
    assert checks.wrong_now(session) == []


class TestDuplicates:
    """The same person, the same company, the same id."""

    def test_of_a_live_lead_it_joins_the_timeline(self, scene: Scene) -> None:
        first = receive_lead(scene.session, email="anna@alpha.example.com", phone="+49 30 1234567")
        for same in ({"email": "Anna@ALPHA.example.com"}, {"email": None, "phone": "0049 (30) 1234567"}):
            again = receive_lead(scene.session, MONDAY + HOUR, **same)
            assert (again.status, again.duplicate_of) == (LeadStatus.DUPLICATE, first.id)
        other = receive_lead(scene.session, MONDAY + HOUR, email="bert@beta.example.com", phone="+49 30 7654321")
        assert other.status is LeadStatus.OFFERED

    @pytest.mark.parametrize(("days", "status"), [(180, LeadStatus.DUPLICATE), (181, LeadStatus.OFFERED)])
    def test_within_the_window_only(self, scene: Scene, days: int, status: LeadStatus) -> None:
        scene.offered()
        assert receive_lead(scene.session, MONDAY + days * DAY, email=scene.lead.email).status is status

    @pytest.mark.parametrize("turn", [0, 1])
    def test_of_a_closed_one_the_last_holder_is_asked_first(self, scene: Scene, turn: int) -> None:
        for _ in range(turn):
            receive_lead(scene.session)
        one = scene.accepted()
        acts.feedback(scene.session, scene.rep, one.id, Verdict(3, Disposition.LOST), MONDAY + HOUR)
        again = receive_lead(scene.session, MONDAY + DAY, email=scene.lead.email)
        offer = assignment_of(scene.session, again)
        assert offer is not None
        assert (offer.partner_id, offer.origin) == (one.partner_id, AssignmentOrigin.RETURNING)

    def test_but_not_one_that_was_at_fault(self, scene: Scene) -> None:
        one = scene.accepted()
        acts.feedback(scene.session, scene.rep, one.id, Verdict(1, Disposition.UNQUALIFIED), MONDAY + HOUR)
        offer = assignment_of(scene.session, receive_lead(scene.session, MONDAY + DAY, email=scene.lead.email))
        assert offer is not None
        assert offer.origin is AssignmentOrigin.ROTATION

    def test_the_same_company_is_offered_first_to_who_works_it(self, scene: Scene) -> None:
        one = scene.accepted()
        for number in range(3):
            same = receive_lead(scene.session, MONDAY + HOUR, email=f"n{number}@{scene.lead.company_domain}")
            offer = assignment_of(scene.session, same)
            assert offer is not None
            assert (offer.partner_id, offer.origin) == (one.partner_id, AssignmentOrigin.SAME_COMPANY)

    def test_a_free_mail_address_is_no_company(self, scene: Scene) -> None:
        got = [assignment_of(scene.session, receive_lead(scene.session, email=f"n{n}@gmail.com")) for n in range(2)]
        assert [one.origin for one in got if one] == [AssignmentOrigin.ROTATION] * 2
        assert len({one.partner_id for one in got if one}) == 2

    def test_a_known_external_id_stores_nothing(self, scene: Scene) -> None:
        first = receive_lead(scene.session, external_id="web-1")
        assert receive_lead(scene.session, MONDAY + DAY, external_id="web-1").id == first.id
        assert len(scene.session.scalars(select(Lead)).all()) == 1

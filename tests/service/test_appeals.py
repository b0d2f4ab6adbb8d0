"""Appeals and acknowledgements: who may say what and when, what an answer does, and what two at once come to."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals import Acknowledgement, Appeal, AppealFile
from models.assignments import Assignment, Obligation
from models.base import new_id
from models.compliance import LedgerEntry
from models.partners import Partner
from models.platform import Audit, Outbox
from models.session import unit
from portal.accounts.actor import Actor
from portal.compliance.agreements import agreements
from portal.compliance.appeals import File
from portal.enforcement import acts, appeals
from portal.enforcement.sweep import sweep
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.intake.definitions import publish_definition
from portal.vocabulary import (
    AgreementKind,
    AppealKind,
    AppealState,
    AssignmentState,
    LedgerKind,
    NoticeTopic,
    ObligationState,
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
)

STAFF = Actor(kind="user", id=None, name="Mira Manager", role=Role.CHANNEL_MANAGER)
POLICY: dict[str, Any] = {
    "obligations": [
        {"kind": "respond", "within": within(4, "hours"), "on_breach": STAYS},
        {"kind": "feedback", "within": within(1), "on_breach": STAYS},
    ],
    "ladder": {"stop_on_overdue": 2},
    "vendor": {"appeal_within": within(2)},
}
LATE = MONDAY + 5 * HOUR
CASE = "The customer asked us to wait; see the mail."


def admin_of(partner: Partner) -> Actor:
    return Actor("user", None, "Paula Admin", Role.PARTNER_ADMIN, partner_id=partner.id)


@pytest.fixture
def held(session: Session) -> Assignment:
    """An offer that was not answered in time and stays, overdue."""
    make_partner(session, "Nordhaven", now=MONDAY - DAY)
    publish_rules(session, now=MONDAY - DAY)
    publish_policy(session, POLICY, now=MONDAY - DAY)
    found = assignment_of(session, receive_lead(session, MONDAY))
    assert found is not None
    return found


def respond(session: Session, held: Assignment) -> Obligation:
    session.expire_all()
    first = select(Obligation).where(Obligation.assignment_id == held.id).order_by(Obligation.opened_at)
    return session.scalars(first.limit(1)).one()


def partner_of(session: Session, held: Assignment) -> Partner:
    return session.get_one(Partner, held.partner_id)


def file(session: Session, held: Assignment, at: datetime = LATE, **more: Any) -> Appeal:
    given = {
        "actor": admin_of(partner_of(session, held)), "kind": AppealKind.APPEAL, "case": CASE, "file": None,
        "id": respond(session, held).id, **more,
    }  # fmt: skip
    return appeals.file_appeal(session, given["actor"], given["id"], given["kind"], given["case"], given["file"], at)


def answer(session: Session, appeal: Appeal, granted: bool, at: datetime = LATE + HOUR, **more: Any) -> Appeal:
    return appeals.decide(session, STAFF, appeal.id, granted, more.get("reason", "Seen."), more.get("due_at"), at)


def well(session: Session) -> None:
    session.commit()
    session.expire_all()
    assert checks.wrong_now(session) == []


def ledger(session: Session) -> list[LedgerKind]:
    rows = session.scalars(select(LedgerEntry).order_by(LedgerEntry.at, LedgerEntry.id))
    return [row.kind for row in rows if row.kind is not LedgerKind.CHANGE]


def test_an_appeal_settles_first_and_is_promised_an_answer(session: Session, held: Assignment) -> None:
    """No sweep has run: the miss is recorded before it is appealed against."""
    made = file(session, held)
    assert respond(session, held).state is ObligationState.BREACHED
    # Monday 15:00 in Berlin, two business days: Wednesday's closing time.
    assert (made.state, made.decide_by) == (AppealState.OPEN, MONDAY + 2 * DAY + 7 * HOUR)
    assert ledger(session) == [LedgerKind.APPEAL]
    notice = session.scalars(select(Outbox).where(Outbox.topic == NoticeTopic.APPEAL)).one()
    assert (notice.audience, notice.facts["url"]) == ("manager", f"/appeals/{made.id}")
    assert session.scalars(select(Audit.action).where(Audit.object_type == "appeal")).all() == ["appeal.file"]
    well(session)


def test_without_a_promise_there_is_no_time_to_answer_by(session: Session, held: Assignment) -> None:
    publish_policy(session, {**POLICY, "vendor": {}}, now=MONDAY + HOUR)
    assert file(session, held).decide_by is None


def test_a_granted_appeal_waives_and_the_standing_follows(session: Session, held: Assignment) -> None:
    """Two overdue at once stopped the partner: the first appeal granted leaves one, and the stop's other way back."""
    acts.exempt(session, STAFF, held.partner_id, "So that the offers stay", LATE + DAY, MONDAY)
    second = assignment_of(session, receive_lead(session, MONDAY))
    assert second is not None
    made = file(session, held)
    granted = answer(session, made, True)
    assert (granted.state, granted.reason, granted.decided_by_name) == (AppealState.GRANTED, "Seen.", "Mira Manager")
    assert respond(session, held).state is ObligationState.WAIVED
    session.expire_all()
    kinds = obligations_of(session, held)
    assert kinds["respond"].state is ObligationState.OPEN, "an offer that stands is asked for anew"
    reasons = session.scalars(select(LedgerEntry.reason).where(LedgerEntry.kind == LedgerKind.WAIVE)).all()
    assert reasons == ["Appeal granted: Seen."]
    topics = session.scalars(select(Outbox.topic).where(Outbox.audience == "partner")).all()
    assert topics.count(NoticeTopic.ANSWERED) == 1 and NoticeTopic.WAIVED not in topics
    well(session)


def test_a_stop_that_rests_on_it_lifts(session: Session, held: Assignment) -> None:
    first = held
    acts.accept(session, admin_of(partner_of(session, held)), first.id, MONDAY)
    second = assignment_of(session, receive_lead(session, MONDAY))
    assert second is not None
    acts.accept(session, admin_of(partner_of(session, held)), second.id, MONDAY)
    late = MONDAY + 2 * DAY
    sweep(session, late)
    session.expire_all()
    assert partner_of(session, held).standing is Standing.STOPPED
    for each in (first, second):
        missed = obligations_of(session, each)["feedback"]
        made = file(session, held, late, id=missed.id)
        decided = answer(session, made, True, late + MINUTE)
    assert (decided.standing_before, decided.standing_after) == (Standing.STOPPED, Standing.PROBATION)
    well(session)


def test_a_refused_appeal_changes_nothing_but_is_told(session: Session, held: Assignment) -> None:
    made = file(session, held)
    before = partner_of(session, held).standing
    refused = answer(session, made, False, reason="The mail is of a later day.")
    assert (refused.state, refused.standing_after) == (AppealState.REFUSED, before)
    assert respond(session, held).state is ObligationState.BREACHED
    assert ledger(session) == [LedgerKind.APPEAL, LedgerKind.REFUSE]
    notice = session.scalars(select(Outbox).where(Outbox.topic == NoticeTopic.ANSWERED)).one()
    assert (notice.facts["state"], notice.facts["reason"]) == ("refused", "The mail is of a later day.")
    well(session)
    again = file(session, held, LATE + 2 * HOUR)
    assert again.id != made.id


def test_what_was_done_late_may_be_appealed_against(session: Session, held: Assignment) -> None:
    acts.accept(session, admin_of(partner_of(session, held)), held.id, LATE)
    assert respond(session, held).state is ObligationState.CURED
    answer(session, file(session, held, LATE + MINUTE), True)
    row = respond(session, held)
    assert row.state is ObligationState.WAIVED and row.cured_at is not None
    well(session)


def test_one_open_case_a_deadline(session: Session, held: Assignment) -> None:
    file(session, held)
    with pytest.raises(Conflict, match="waits for its answer"):
        file(session, held)


def test_an_answer_is_given_once(session: Session, held: Assignment) -> None:
    made = file(session, held)
    answer(session, made, False)
    for granted in (True, False):
        with pytest.raises(Conflict, match="refused already"):
            answer(session, made, granted)
    with pytest.raises(NotFound):
        appeals.decide(session, STAFF, new_id(), True, "r", None, LATE)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
def test_an_answer_says_why(session: Session, held: Assignment, reason: str) -> None:
    made = file(session, held)
    with pytest.raises(Invalid):
        answer(session, made, True, reason=reason)
    assert respond(session, held).state is ObligationState.BREACHED


@pytest.mark.parametrize("case", ["", " \n ", "x" * 10_001])
def test_a_case_is_said(session: Session, held: Assignment, case: str) -> None:
    with pytest.raises(Invalid):
        file(session, held, case=case)
    assert session.query(Appeal).count() == 0


def test_a_file_that_is_not_what_it_says_stops_the_appeal(session: Session, held: Assignment) -> None:
    with pytest.raises(Invalid, match="no PDF file inside"):
        file(session, held, file=File("proof.pdf", b"MZ"))
    assert session.query(Appeal).count() == 0
    made = file(session, held, file=File("C:\\x\\proof.pdf", b"%PDF-1.7"))
    kept = session.get_one(AppealFile, made.id)
    assert (kept.name, kept.media_type, kept.size, kept.content) == ("proof.pdf", "application/pdf", 8, b"%PDF-1.7")


def test_against_what_is_open_or_in_time_there_is_no_appeal(session: Session, held: Assignment) -> None:
    with pytest.raises(Conflict, match="still open"):
        file(session, held, MONDAY + HOUR)
    acts.accept(session, admin_of(partner_of(session, held)), held.id, MONDAY + HOUR)
    with pytest.raises(Conflict, match="met"):
        file(session, held, MONDAY + 2 * HOUR)


def test_a_month_later_it_is_too_late(session: Session, held: Assignment) -> None:
    with pytest.raises(Conflict, match="30 days"):
        file(session, held, MONDAY + 31 * DAY)


def test_a_rep_files_no_appeal_but_says_what_is_wrong(session: Session, held: Assignment) -> None:
    rep = Actor("user", None, "Rita Rep", Role.PARTNER_REP, partner_id=held.partner_id)
    with pytest.raises(Forbidden):
        file(session, held, actor=rep)
    made = file(session, held, actor=rep, kind=AppealKind.WRONG_DATA)
    assert made.kind is AppealKind.WRONG_DATA


def test_what_is_anothers_does_not_exist(session: Session, held: Assignment) -> None:
    rival = admin_of(make_partner(session, "Kestrel", now=MONDAY))
    with pytest.raises(NotFound):
        file(session, held, actor=rival)
    made = file(session, held)
    with pytest.raises(NotFound):
        appeals.withdraw(session, rival, made.id, LATE)
    with pytest.raises(NotFound):
        file(session, held, actor=STAFF)


def test_a_confirmed_late_hand_over_gives_more_time(session: Session, held: Assignment) -> None:
    made = file(session, held, MONDAY + HOUR, kind=AppealKind.LATE_HAND_OVER)
    with pytest.raises(Invalid, match="later than now"):
        answer(session, made, True, MONDAY + 2 * HOUR, due_at=MONDAY + 3 * HOUR)
    answer(session, made, True, MONDAY + 2 * HOUR, due_at=MONDAY + DAY)
    row = respond(session, held)
    assert (row.state, row.due_at) == (ObligationState.OPEN, MONDAY + DAY)
    assert session.get_one(Assignment, held.id).respond_by == MONDAY + DAY
    assert ledger(session) == [LedgerKind.APPEAL, LedgerKind.EXTEND]
    well(session)


def test_confirmed_wrong_data_takes_the_deadline_off(session: Session, held: Assignment) -> None:
    made = file(session, held, MONDAY + HOUR, kind=AppealKind.WRONG_DATA)
    answer(session, made, True, MONDAY + 2 * HOUR)
    assert respond(session, held).state is ObligationState.WAIVED
    assert session.get_one(Assignment, held.id).state is AssignmentState.OFFERED
    well(session)


def test_what_was_waived_meanwhile_is_granted_without_another_step(session: Session, held: Assignment) -> None:
    made = file(session, held)
    acts.waive(session, STAFF, [respond(session, held).id], "On the phone", LATE + MINUTE)
    answer(session, made, True)
    assert ledger(session).count(LedgerKind.WAIVE) == 1
    well(session)


def test_a_partner_takes_its_appeal_back(session: Session, held: Assignment) -> None:
    rep = Actor("user", None, "Rita Rep", Role.PARTNER_REP, partner_id=held.partner_id)
    made = file(session, held)
    with pytest.raises(Forbidden):
        appeals.withdraw(session, rep, made.id, LATE)
    mine = admin_of(partner_of(session, held))
    assert appeals.withdraw(session, mine, made.id, LATE).state is AppealState.WITHDRAWN
    with pytest.raises(Conflict):
        appeals.withdraw(session, mine, made.id, LATE)
    with pytest.raises(Conflict, match="withdrawn already"):
        answer(session, made, True)


def test_policy_and_definition_are_acknowledged_by_version(session: Session, held: Assignment) -> None:
    partner = partner_of(session, held)
    mine = admin_of(partner)
    body = {"criteria": [{"name": "x", "when": {"all": [{"field": "country", "op": "exists"}]}, "points": 1}],
            "grades": {"A": 1, "C": 0}}  # fmt: skip
    unit(session, lambda: publish_definition(session, body, "", MONDAY, STAFF))
    policy, definition = agreements(session, partner.id, MONDAY + HOUR)
    assert (policy.kind, policy.by, definition.kind) == (AgreementKind.POLICY, None, AgreementKind.DEFINITION)
    appeals.acknowledge(session, mine, AgreementKind.POLICY, policy.version, MONDAY + HOUR)
    appeals.acknowledge(session, mine, AgreementKind.POLICY, policy.version, MONDAY + 2 * HOUR)
    assert session.query(Acknowledgement).count() == 1
    found = agreements(session, partner.id, MONDAY + HOUR)[0].by
    assert found is not None and (found.at, found.user_name) == (MONDAY + HOUR, "Paula Admin")
    with pytest.raises(Conflict, match="read that one first"):
        appeals.acknowledge(session, mine, AgreementKind.POLICY, policy.version - 1, MONDAY + HOUR)
    publish_policy(session, POLICY, now=MONDAY + 3 * HOUR)
    assert agreements(session, partner.id, MONDAY + 4 * HOUR)[0].by is None


def test_only_a_partner_admin_acknowledges(session: Session, held: Assignment) -> None:
    rep = Actor("user", None, "Rita Rep", Role.PARTNER_REP, partner_id=held.partner_id)
    for who in (rep, STAFF):
        with pytest.raises(Forbidden):
            appeals.acknowledge(session, who, AgreementKind.POLICY, 2, MONDAY)
    with pytest.raises(NotFound):
        appeals.acknowledge(session, admin_of(partner_of(session, held)), AgreementKind.DEFINITION, 1, MONDAY)

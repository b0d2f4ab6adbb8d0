"""The demo: one of everything, on whatever day it is loaded, and a history that the product itself would have made."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.allocation import RuleVersion
from models.assignments import Assignment, Deal, Obligation
from models.compliance import LedgerEntry, Policy
from models.leads import Lead
from models.partners import Partner
from models.platform import Outbox, SweepProblem
from portal.accounts.service import sign_in
from portal.cli import demo
from portal.compliance.queries import view_of
from portal.enforcement.verify import differences
from portal.errors import Conflict
from portal.vocabulary import (
    AssignmentState,
    LeadStatus,
    LedgerKind,
    ObligationKind,
    ObligationState,
    QueueReason,
    Role,
    Standing,
    VersionState,
)
from tests.support.world import MONDAY, make_partner, make_user

#: A Wednesday at work, a Sunday night after Easter, and the quiet days after Christmas.
MOMENTS = [
    ("sqlite", datetime(2026, 3, 4, 10, 30, tzinfo=UTC)),
    ("sqlite", datetime(2026, 4, 12, 2, 5, tzinfo=UTC)),
    ("postgresql", datetime(2026, 12, 28, 17, 45, tzinfo=UTC)),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("database", "now"), MOMENTS, indirect=["database"])
def test_the_demo_has_one_of_everything_whenever_it_is_loaded(session: Session, now: datetime) -> None:
    logins = demo.load(session, now)

    assert differences(session) == []
    assert session.scalars(select(SweepProblem.problem)).all() == []
    assert_every_standing(session)
    assert_every_kind_of_lead(session)
    assert_the_interesting_partner(session, now)
    assert_people(session, logins, now)
    assert_nobody_is_told_of_old_news(session, now)
    assert session.scalars(select(Policy.number).order_by(Policy.number)).all() == [1, 2]
    states = session.scalars(select(RuleVersion.state).order_by(RuleVersion.number)).all()
    assert states == [VersionState.RETIRED, VersionState.PUBLISHED, VersionState.DRAFT]
    with pytest.raises(Conflict, match="empty database only"):
        demo.load(session, now)


def assert_every_standing(session: Session) -> None:
    standings = {row.name: row.standing for row in session.execute(select(Partner.name, Partner.standing))}
    assert len(standings) == 12
    assert set(standings.values()) == set(Standing)
    expected = {
        "Ostwind Systeme": Standing.WARNED, "Limmatwerk": Standing.REDUCED, "Vale Azul Tecnologia": Standing.STOPPED,
        "Polder en Vaart": Standing.STOPPED, "Hoshizora Works": Standing.PROBATION, "Prairie Signal": Standing.HELD,
        "Fjordlys Data": Standing.EXEMPT, "Isartal Consulting": Standing.GOOD, "Kestrel and Rowe": Standing.GOOD,
        "Quill Harbor": Standing.GOOD,
    }  # fmt: skip
    assert {name: standings[name] for name in expected} == expected
    done = set(session.scalars(select(LedgerEntry.kind)))
    assert done >= {LedgerKind.CHANGE, LedgerKind.READY, LedgerKind.RELEASE, LedgerKind.HOLD, LedgerKind.EXEMPT,
                    LedgerKind.WAIVE, LedgerKind.EXTEND}  # fmt: skip


def assert_every_kind_of_lead(session: Session) -> None:
    statuses = Counter(session.scalars(select(Lead.status)))
    # Received is passed through within one transaction; nobody in the demo asks to be erased.
    assert set(statuses) == set(LeadStatus) - {LeadStatus.RECEIVED, LeadStatus.ERASED}
    assert statuses[LeadStatus.POOLED] == 4
    assert statuses[LeadStatus.DUPLICATE] == 2
    waiting = set(session.scalars(select(Lead.reason).where(Lead.status == LeadStatus.UNALLOCATED)))
    assert waiting == {QueueReason.NO_RULE, QueueReason.NOBODY_ELIGIBLE, QueueReason.HAND_OVER_LIMIT}
    assert set(session.scalars(select(Lead.grade))) == {"A", "B", "C"}
    assert set(session.scalars(select(Assignment.state))) == set(AssignmentState)
    assert set(session.scalars(select(Obligation.state))) == set(ObligationState)
    assert set(session.scalars(select(Obligation.kind))) == set(ObligationKind)
    stages = Counter(stage.is_open for stage in session.scalars(select(Deal.stage)))
    assert stages[True] and stages[False]


def assert_the_interesting_partner(session: Session, now: datetime) -> None:
    """Two overdue, a third that would stop it within hours, a call due, and offers to answer."""
    ostwind = session.scalars(select(Partner).where(Partner.name == "Ostwind Systeme")).one()
    view = view_of(session, ostwind, now)
    assert len(view.overdue) == 2
    assert view.next_fall is not None
    assert view.next_fall.to is Standing.STOPPED
    assert now < view.next_fall.at <= now + timedelta(hours=5)
    owed = select(Obligation.kind).where(
        Obligation.partner_id == ostwind.id, Obligation.state == ObligationState.OPEN,
        Obligation.due_at.between(now, now + timedelta(hours=5)),
    )  # fmt: skip
    assert set(session.scalars(owed)) == {ObligationKind.RESPOND, ObligationKind.FIRST_CONTACT, ObligationKind.FEEDBACK}
    offers = select(func.count()).where(
        Assignment.partner_id == ostwind.id, Assignment.state == AssignmentState.OFFERED
    )
    assert session.scalar(offers) == 2


def assert_people(session: Session, logins: demo.DemoLogins, now: datetime) -> None:
    lines = list(logins)
    signed_in = [sign_in(session, address, logins.password, now) for *_, address in logins.people]
    session.commit()
    assert {user.role for user in signed_in} == set(Role)
    assert all(any(user.email in line for line in lines) for user in signed_in)
    assert any(logins.password in line for line in lines)
    of_stopped = next(user for user in signed_in if user.email.endswith("@valeazul.example"))
    assert of_stopped.role is Role.PARTNER_ADMIN
    assert session.get_one(Partner, of_stopped.partner_id).standing is Standing.STOPPED
    addresses = [*session.scalars(select(User.email)), *filter(None, session.scalars(select(Lead.email)))]
    assert all(address.endswith(".example") for address in addresses)


def assert_nobody_is_told_of_old_news(session: Session, now: datetime) -> None:
    pending = session.scalars(select(Outbox.created_at).where(Outbox.state == "pending")).all()
    assert pending
    assert min(pending) >= now - timedelta(days=1)


@pytest.mark.parametrize("what", ["partner", "user"])
def test_a_database_with_anybody_in_it_is_refused(session: Session, what: str) -> None:
    if what == "partner":
        make_partner(session)
    else:
        make_user(session, Role.ADMIN)
    before = session.scalars(select(func.count()).select_from(User)).one()
    with pytest.raises(Conflict, match="empty database only"):
        demo.load(session, MONDAY)
    assert session.scalars(select(func.count()).select_from(User)).one() == before
    assert session.scalars(select(Lead.id)).all() == []


def test_the_story_is_the_same_each_time() -> None:
    """Nothing is left to chance: the same number gives the same enquiry."""
    from portal.cli.demo_cast import enquiry

    facts = [enquiry(number) for number in range(1, 300)]
    assert facts == [enquiry(number) for number in range(1, 300)]
    assert len({fact["email"] for fact in facts}) == len(facts)

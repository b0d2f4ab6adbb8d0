"""The database's own guards, tried with plain SQL on both: what no code may do, the tables refuse."""

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from models.assignments import Assignment, Obligation
from models.base import new_id
from models.leads import Lead
from models.partners import Partner
from models.platform import Audit, AuditSeal
from models.session import read_only, unit
from portal.accounts.audit import broken_links, seal
from portal.vocabulary import AssignmentOrigin, AssignmentState, LeadStatus, ObligationState
from tests.support import world
from tests.support.world import HOUR, MONDAY


@pytest.fixture
def offer(session: Session) -> Assignment:
    """An offer in a partner's hands."""
    world.make_partner(session)
    world.publish_rules(session)
    found = world.assignment_of(session, world.receive_lead(session))
    assert found is not None
    return found


def refused(session: Session, statement: object) -> str:
    """The text with which the database refuses a statement."""
    with pytest.raises(DBAPIError) as caught:
        session.execute(statement)  # type: ignore[call-overload]
    session.rollback()
    return str(caught.value.orig)


@pytest.mark.parametrize("table", [Audit, AuditSeal])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_audit_and_seals_refuse_update_and_delete(session: Session, offer: Assignment, table: type, verb: str) -> None:
    unit(session, lambda: seal(session))
    column = {"action": "x"} if table is Audit else {"hash": "x"}
    statement = update(table).values(column) if verb == "update" else delete(table)
    assert "never change" in refused(session, statement)


def test_the_sealed_chain_holds_and_goes_on(session: Session, offer: Assignment) -> None:
    first = unit(session, lambda: seal(session))
    world.receive_lead(session, MONDAY + HOUR)
    second = unit(session, lambda: seal(session))
    assert first > 1
    assert second == 1
    assert list(broken_links(session)) == []


def test_a_forged_row_breaks_the_chain(session: Session, offer: Assignment) -> None:
    unit(session, lambda: seal(session))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        session.execute(text("DROP TRIGGER audit_no_update"))
    forged = session.scalars(select(Audit.id).limit(1)).one()
    session.execute(update(Audit).where(Audit.id == forged).values(action="something.else"))
    assert [line for line in broken_links(session) if forged in line]
    session.rollback()


def test_a_lead_has_one_live_assignment(session: Session, offer: Assignment) -> None:
    values = {
        "id": new_id(), "lead_id": offer.lead_id, "partner_id": offer.partner_id, "policy_id": offer.policy_id,
        "state": AssignmentState.OFFERED, "origin": AssignmentOrigin.BY_HAND, "respond_by": MONDAY,
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        session.execute(insert(Assignment).values(**values))
    session.rollback()


@pytest.mark.parametrize(
    ("name", "model", "values"),
    [
        ("ck_assignment_offer_has_respond_by", Assignment, {"respond_by": None}),
        ("ck_assignment_ended_at", Assignment, {"ended_at": MONDAY}),
        ("ck_assignment_accepted_at", Assignment, {"state": AssignmentState.ACCEPTED}),
        ("ck_obligation_instants", Obligation, {"state": ObligationState.BREACHED}),
        ("ck_obligation_instants", Obligation, {"met_at": MONDAY}),
        ("ck_obligation_order", Obligation, {"grace_until": MONDAY - HOUR}),
        ("ck_lead_has_contact", Lead, {"email": None, "phone": None}),
        ("ck_lead_pooled_until", Lead, {"status": LeadStatus.POOLED}),
        ("ck_lead_queue_reason", Lead, {"status": LeadStatus.UNALLOCATED}),
        ("ck_partner_open_leads", Partner, {"open_leads": -1}),
        ("ck_partner_weight", Partner, {"weight": 101}),
    ],
)
def test_a_named_check_refuses_what_cannot_be(
    session: Session, offer: Assignment, name: str, model: type, values: dict[str, object]
) -> None:
    assert name in refused(session, update(model).values(**values))


def test_a_reading_unit_is_refused_every_write(session: Session, offer: Assignment) -> None:
    session.rollback()
    read_only(session)
    with pytest.raises(DBAPIError):
        session.execute(update(Partner).values(open_leads=5))
    session.rollback()
    session.execute(update(Partner).values(open_leads=1))
    session.rollback()

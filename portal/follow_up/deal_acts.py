"""Registering and changing a deal, and what its stage does to lead, assignment and deadlines."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from models.assignments import Assignment, Deal
from models.base import new_id
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance.service import refold
from portal.deadlines import service as deadlines
from portal.deadlines.assignments import open_one
from portal.errors import Conflict, NotFound
from portal.follow_up import deals
from portal.follow_up.service import ENDED, Held, close_as, hold_of
from portal.vocabulary import AssignmentState, DealStage, Disposition, ObligationKind


@dataclass(frozen=True)
class DealFacts:
    """What a partner says of a deal. None: not said. ``amount_cents`` in hundredths of the currency's unit."""

    name: str | None = None
    stage: DealStage | None = None
    amount_cents: int | None = None
    currency: str | None = None
    expected_close: str | None = None
    closed_at: datetime | None = None
    lost_reason: str | None = None

    def said(self) -> dict[str, Any]:
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


def register(
    session: AnySession, assignment_id: str, facts: DealFacts, now: datetime, actor: Actor
) -> tuple[Deal, list[str]]:
    """Make a deal of an accepted lead: further touches are no longer asked for, updates are. Leads a stop freed."""
    held = hold_of(session, assignment_id, now, actor)
    if held.assignment.state is not AssignmentState.ACCEPTED:
        raise Conflict("Accept this lead first." if held.assignment.state is AssignmentState.OFFERED else ENDED)
    if deals.of_assignment(session, assignment_id) is not None:
        raise Conflict("This lead has a deal already: change that one.")
    deal = Deal(
        id=new_id(), assignment_id=assignment_id, lead_id=held.lead.id, partner_id=held.partner.id,
        stage=DealStage.REGISTERED, amount_cents=0, currency="EUR", created_at=held.at, changed_at=held.at,
    )  # fmt: skip
    session.add(deal)
    deadlines.close(
        deadlines.owed(session, assignment_id, [ObligationKind.NEXT_TOUCH]),
        held.at,
        cure=True,
    )
    return _change(session, held, deal, facts, actor, "deal.register")


def change(session: AnySession, deal_id: str, facts: DealFacts, now: datetime, actor: Actor) -> tuple[Deal, list[str]]:
    """Change an open deal; won or lost closes the lead too."""
    deal = session.get(Deal, deal_id)
    if deal is None or deal.partner_id != actor.partner_id:
        raise NotFound
    held = hold_of(session, deal.assignment_id, now, actor)
    session.refresh(deal)
    if held.assignment.state is not AssignmentState.ACCEPTED:
        raise Conflict(ENDED if not _closed(held.assignment) else "This deal is closed.")
    return _change(session, held, deal, facts, actor, "deal.change")


def _closed(assignment: Assignment) -> bool:
    return assignment.state is AssignmentState.CLOSED


def _change(
    session: AnySession, held: Held, deal: Deal, facts: DealFacts, actor: Actor, action: str
) -> tuple[Deal, list[str]]:
    for name, value in facts.said().items():
        setattr(deal, name, value)
    deal.changed_at = held.at
    deal.closed_at = None if deal.stage.is_open else (facts.closed_at or held.at)
    session.flush()
    if deal.stage.is_open:
        deadlines.meet(deadlines.owed(session, held.assignment.id, [ObligationKind.UPDATE]), held.at)
        open_one(session, held.partner, held.assignment, held.lead, ObligationKind.UPDATE, held.at)
    else:
        close_as(session, held, Disposition(deal.stage.value), actor)
    record(
        session,
        actor,
        action,
        "deal",
        deal.id,
        held.at,
        partner_id=held.partner.id,
        facts={"stage": deal.stage.value},
    )
    return deal, refold(session, held.partner, held.at).freed_leads

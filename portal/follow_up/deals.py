"""Deals: the opportunity that a lead became, and how its stage moves deadlines."""

from datetime import datetime

from sqlalchemy import select

from models.assignments import Assignment, Deal
from models.session import AnySession
from portal.vocabulary import DealStage, Disposition


def of_assignment(session: AnySession, assignment_id: str) -> Deal | None:
    """The deal of an assignment, if it became one."""
    return session.scalars(select(Deal).where(Deal.assignment_id == assignment_id)).first()


def close_with(
    session: AnySession, assignment: Assignment, disposition: Disposition, reason: str | None, at: datetime
) -> bool:
    """Won or lost by feedback closes the open deal the same way; whether there was one."""
    deal = of_assignment(session, assignment.id)
    if deal is None or not deal.stage.is_open:
        return False
    deal.stage, deal.closed_at, deal.changed_at = DealStage(disposition.value), at, at
    if disposition is Disposition.LOST:
        deal.lost_reason = reason
    return True

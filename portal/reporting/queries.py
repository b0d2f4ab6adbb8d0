"""What the figures read: one query for each kind of row, whatever the number of leads. Reads only."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from models.assignments import Activity, Assignment, Obligation
from models.leads import Lead
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.reporting.measures import DUE, Arrival, Deadline, Facts, Held
from portal.reporting.period import Period
from portal.vocabulary import AssignmentOrigin, ObligationKind


def facts(session: AnySession, actor: Actor, period: Period, now: datetime) -> Facts:
    """Everything the scoreboard is made of that ``actor`` may see, for a period and the one before it."""
    came = and_(Lead.received_at >= period.before.starts, Lead.received_at < period.ends)
    return Facts(
        _arrivals(session, actor, came),
        _held(session, actor, came),
        _feedback_deadlines(session, actor, came, now),
    )


def _arrivals(session: AnySession, actor: Actor, came: ColumnElement[bool]) -> list[Arrival]:
    handed = (
        select(func.min(func.coalesce(Assignment.offered_at, Assignment.accepted_at)))
        .where(Assignment.lead_id == Lead.id)
        .correlate(Lead)
        .scalar_subquery()
    )
    query = (
        access.leads(actor).where(came).with_only_columns(Lead.received_at, Lead.status, Lead.source, handed, Lead.id)
    )
    return [Arrival(*row) for row in session.execute(query)]


def _held(session: AnySession, actor: Actor, came: ColumnElement[bool]) -> list[Held]:
    """A lead that staff reopened was accepted for the partner: it neither answered nor could be late to."""
    touched = (
        select(func.min(Activity.occurred_at))
        .where(Activity.assignment_id == Assignment.id, Activity.counted)
        .correlate(Assignment)
        .scalar_subquery()
    )
    query = (
        access.assignments(actor)
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(came, Assignment.origin != AssignmentOrigin.REOPENED)
        .with_only_columns(
            Lead.received_at, Assignment.state, Assignment.offered_at, Assignment.accepted_at, Assignment.ended_at,
            touched, Lead.id,
        )
    )  # fmt: skip
    return [Held(*row) for row in session.execute(query)]


def _feedback_deadlines(session: AnySession, actor: Actor, came: ColumnElement[bool], now: datetime) -> list[Deadline]:
    """As in the rate of a standing: what was given early counts once it would have been due."""
    query = (
        access.obligations(actor)
        .join(Lead, Lead.id == Obligation.lead_id)
        .where(came, Obligation.kind == ObligationKind.FEEDBACK, Obligation.due_at <= now, Obligation.state.in_(DUE))
        .with_only_columns(Lead.received_at, Obligation.state, Lead.id)
    )
    return [Deadline(*row) for row in session.execute(query)]

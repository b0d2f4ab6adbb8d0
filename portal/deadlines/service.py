"""Obligations as rows: opened with everything pinned, then met, cured, breached, cancelled, waived or extended."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import object_session

from models.assignments import Obligation
from models.base import new_id
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.calendars.policy import Calendar, calendar_with
from portal.deadlines.live import LivePolicy
from portal.deadlines.policy import due_for, entry_for
from portal.deadlines.texts import calendar_text
from portal.deadlines.vendor_days import days_off
from portal.qualification.facts import lead_facts
from portal.vocabulary import ObligationKind, ObligationState

TOUCH_KINDS = (ObligationKind.FIRST_CONTACT, ObligationKind.NEXT_TOUCH, ObligationKind.UPDATE)


def calendar_of(partner: Partner) -> Calendar:
    """The partner's calendar as it is now, the vendor's days off left out as its session knows them.

    They lengthen deadlines alone: the days of a stop or a probation are counted in the partner's own calendar.
    """
    session = object_session(partner)
    text = calendar_text(partner.timezone, partner.country, partner.hours)
    return calendar_with(text, days_off(session) if session is not None else ())


def opening(
    policy: LivePolicy,
    kind: ObligationKind,
    lead_facts: Mapping[str, object],
    calendar: Calendar,
    at: datetime,
    *,
    assignment_id: str,
    lead_id: str,
    partner_id: str,
    number: int = 1,
) -> dict[str, Any] | None:
    """The columns of a new obligation, pinned under ``policy``; None where the policy asks for no such thing."""
    entry = entry_for(policy.document, kind, lead_facts)
    if entry is None:
        return None
    due = due_for(policy.document, entry, calendar, at)
    return {
        "id": new_id(), "assignment_id": assignment_id, "lead_id": lead_id, "partner_id": partner_id, "kind": kind,
        "state": ObligationState.OPEN, "policy_id": policy.id, "policy_version": policy.number,
        "entry": entry.index, "number": number, "reassign": entry.reassign,
        "opened_at": at, "warn_at": due.warn_at, "due_at": due.due_at, "grace_until": due.grace_until,
    }  # fmt: skip


def owed(session: AnySession, assignment_id: str, kinds: Iterable[ObligationKind] | None = None) -> list[Obligation]:
    """What is open, or breached and still to be cured, on one assignment."""
    query = select(Obligation).where(
        Obligation.assignment_id == assignment_id,
        Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)),
        Obligation.settled_at.is_(None),
    )
    if kinds is not None:
        query = query.where(Obligation.kind.in_(tuple(kinds)))
    return list(session.scalars(query.order_by(Obligation.due_at, Obligation.id)))


def meet(obligations: Iterable[Obligation], at: datetime) -> None:
    """Done: what is open is met, what is breached is cured."""
    for row in obligations:
        if row.state is ObligationState.OPEN:
            row.state, row.met_at = ObligationState.MET, at
        elif row.state is ObligationState.BREACHED:
            row.state, row.cured_at = ObligationState.CURED, at


def close(obligations: Iterable[Obligation], at: datetime, *, cure: bool) -> None:
    """The assignment ended: what is open is cancelled; what is breached is cured, or stays breached but not overdue."""
    for row in obligations:
        if row.state is ObligationState.OPEN:
            row.state, row.cancelled_at = ObligationState.CANCELLED, max(at, row.opened_at)
        elif cure:
            row.state, row.cured_at = ObligationState.CURED, at
        else:
            row.settled_at = at


def breach(row: Obligation) -> None:
    """Record an open obligation as breached: at its due instant, however late this is."""
    row.state, row.breached_at = ObligationState.BREACHED, row.due_at
    if row.reassign:
        row.settled_at = row.grace_until


def due_now(session: AnySession, partner_id: str, at: datetime) -> list[Obligation]:
    """The open obligations of a partner whose time, grace included, has run out by ``at``, in that order."""
    return list(
        session.scalars(
            select(Obligation)
            .where(
                Obligation.partner_id == partner_id,
                Obligation.state == ObligationState.OPEN,
                Obligation.set_aside_at.is_(None),
                Obligation.grace_until <= at,
            )
            .order_by(Obligation.grace_until, Obligation.id)
        )
    )


def extend(row: Obligation, due_at: datetime) -> None:
    """Move an open obligation's due instant; the grace it was opened with, and the warning's lead, move along."""
    shift: timedelta = due_at - row.due_at
    row.grace_until, row.due_at = row.grace_until + shift, due_at
    if row.warn_at is not None:
        row.warn_at, row.warned_at = max(row.warn_at + shift, row.opened_at), None


def waive(row: Obligation, at: datetime) -> None:
    """Take it off the partner: it counts nowhere from here on."""
    row.state, row.waived_at = ObligationState.WAIVED, at


def repeat_feedback(
    policy: LivePolicy, lead: Lead, partner: Partner, assignment_id: str, at: datetime
) -> dict[str, Any] | None:
    """The columns of the feedback that ``working`` asks for again, within the policy's ``repeat``."""
    facts = lead_facts(lead)
    entry = entry_for(policy.document, ObligationKind.FEEDBACK, facts)
    if entry is None or entry.repeat is None:
        return None
    row = opening(
        policy, ObligationKind.FEEDBACK, facts, calendar_of(partner), at,
        assignment_id=assignment_id, lead_id=lead.id, partner_id=partner.id,
    )  # fmt: skip
    due = due_for(policy.document, entry, calendar_of(partner), at, within=entry.repeat)
    return {**(row or {}), "warn_at": due.warn_at, "due_at": due.due_at, "grace_until": due.grace_until}

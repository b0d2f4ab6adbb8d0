"""Rows as the API shows them. What a partner may not know is left out here, and nowhere else."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from models.assignments import Activity, Assignment, Deal, Feedback, Obligation
from models.base import Model
from models.leads import Lead
from models.platform import Audit
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.api.kinds import instant_json, money_json
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, LeadStatus

OPEN_FACTS = (
    "country", "region", "product", "source", "campaign", "employees", "budget", "language",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip
#: Who enquired: absent for a partner until it has accepted or claimed the lead.
WHO = (
    "external_id", "email", "phone", "phone_suspect", "first_name", "last_name", "company", "postcode", "city",
    "message", "custom",
)  # fmt: skip
KNOWS_WHO = (AssignmentState.ACCEPTED, AssignmentState.CLOSED)
#: An assignment and what it put on its partner.
Held = tuple[Assignment, list[Obligation]]
OUTCOME = (LeadStatus.WON, LeadStatus.LOST)


def lead_json(session: AnySession, actor: Actor, lead: Lead, hindrance: str | None = None) -> dict[str, Any]:
    """One lead as ``actor`` may see it."""
    return leads_json(session, actor, [lead], {lead.id: hindrance})[0]


def leads_json(
    session: AnySession, actor: Actor, leads: Sequence[Lead], hindrances: dict[str, str | None] | None = None
) -> list[dict[str, Any]]:
    """Leads as ``actor`` may see them, in a number of queries that does not depend on how many there are."""
    current = _current(session, actor, leads)
    seen = _visible(session, actor, {lead.duplicate_of for lead in leads if lead.duplicate_of})
    return [_lead(actor, lead, current.get(lead.id), seen, (hindrances or {}).get(lead.id)) for lead in leads]


def new_lead_json(actor: Actor, lead: Lead, rows: Iterable[Model]) -> dict[str, Any]:
    """A lead that was stored just now, to staff who sent it; ``rows``: what was written for it."""
    by_table: dict[Any, list[Any]] = {}
    for row in rows:
        by_table.setdefault(row.__table__, []).append(row)
    offered = by_table.get(Assignment.__table__)
    held = (offered[0], by_table.get(Obligation.__table__, [])) if offered else None
    return _lead(actor, lead, held, {lead.duplicate_of or ""}, None)


def _lead(actor: Actor, lead: Lead, held: Held | None, seen: set[str], hindrance: str | None) -> dict[str, Any]:
    assignment, owed = held or (None, [])
    knows = actor.is_staff or (assignment is not None and assignment.state in KNOWS_WHO)
    pooled = lead.status is LeadStatus.POOLED
    return {
        "id": lead.id,
        "status": lead.status,
        "reason": lead.reason if actor.is_staff else None,
        "score": lead.score,
        "grade": lead.grade,
        "received_at": instant_json(lead.received_at),
        **{name: getattr(lead, name) for name in OPEN_FACTS},
        **({name: getattr(lead, name) for name in WHO} if knows else {}),
        "assignment": _assignment(assignment, owed) if assignment else None,
        "duplicate_of": lead.duplicate_of if lead.duplicate_of in seen else None,
        "pool": {"until": instant_json(lead.pool_until), "hindrance": hindrance} if pooled else None,
    }


def _current(session: AnySession, actor: Actor, leads: Sequence[Lead]) -> dict[str, Held]:
    """By lead: the live assignment, or the last one after won or lost, with its obligations in the order in which they
    are due. A partner's own only. One query: a lead that is posted waits for it."""
    states = (*LIVE_ASSIGNMENT, AssignmentState.CLOSED)
    rows = session.execute(
        access.assignments(actor)
        .outerjoin(Obligation, Obligation.assignment_id == Assignment.id)
        .add_columns(Obligation)
        .where(Assignment.lead_id.in_([lead.id for lead in leads]), Assignment.state.in_(states))
        .order_by(Assignment.id, Obligation.due_at, Obligation.id)
    ).all()
    owed: dict[str, list[Obligation]] = {}
    for assignment, obligation in rows:
        owed.setdefault(assignment.id, []).extend([obligation] if obligation is not None else [])
    found = {assignment.id: assignment for assignment, _ in rows}.values()
    ended = {lead.id for lead in leads if lead.status in OUTCOME}
    held = {row.lead_id: row for row in found if row.state is AssignmentState.CLOSED and row.lead_id in ended}
    held.update({row.lead_id: row for row in found if row.state in LIVE_ASSIGNMENT})
    return {lead_id: (row, owed[row.id]) for lead_id, row in held.items()}


def _visible(session: AnySession, actor: Actor, lead_ids: set[str]) -> set[str]:
    if not lead_ids or actor.is_staff:
        return lead_ids
    return set(session.scalars(access.leads(actor).where(Lead.id.in_(lead_ids)).with_only_columns(Lead.id)))


def assignment_json(session: AnySession, assignment: Assignment) -> dict[str, Any]:
    """One assignment with its obligations in the order in which they are due."""
    query = select(Obligation).where(Obligation.assignment_id == assignment.id)
    return _assignment(assignment, session.scalars(query.order_by(Obligation.due_at, Obligation.id)))


def _assignment(row: Assignment, owed: Iterable[Obligation]) -> dict[str, Any]:
    return {
        "id": row.id, "lead_id": row.lead_id, "partner_id": row.partner_id, "state": row.state,
        "offered_at": instant_json(row.offered_at), "respond_by": instant_json(row.respond_by),
        "accepted_at": instant_json(row.accepted_at), "ended_at": instant_json(row.ended_at),
        "obligations": [obligation_json(obligation) for obligation in owed],
    }  # fmt: skip


def obligation_json(row: Obligation) -> dict[str, Any]:
    """One obligation with its instants."""
    instants = (
        "opened_at", "warn_at", "due_at", "met_at", "breached_at", "cured_at", "waived_at", "cancelled_at",
    )  # fmt: skip
    return {
        "id": row.id, "kind": row.kind, "state": row.state, "assignment_id": row.assignment_id, "lead_id": row.lead_id,
        "partner_id": row.partner_id, **{name: instant_json(getattr(row, name)) for name in instants},
        "policy_version": row.policy_version,
    }  # fmt: skip


def activity_json(row: Activity) -> dict[str, Any]:
    """One touch or note."""
    return {
        "id": row.id, "assignment_id": row.assignment_id, "lead_id": row.lead_id, "kind": row.kind,
        "outcome": row.outcome, "occurred_at": instant_json(row.occurred_at),
        "recorded_at": instant_json(row.recorded_at), "note": row.note, "next_step_at": instant_json(row.next_step_at),
        "counted": row.counted, "sentence": row.sentence,
    }  # fmt: skip


def feedback_json(row: Feedback) -> dict[str, Any]:
    """One verdict."""
    return {
        "id": row.id, "assignment_id": row.assignment_id, "lead_id": row.lead_id, "rating": row.rating,
        "disposition": row.disposition, "reason": row.reason, "objections": row.objections,
        "competitor": row.competitor, "note": row.note, "given_at": instant_json(row.given_at),
    }  # fmt: skip


def deal_json(row: Deal) -> dict[str, Any]:
    """One deal."""
    return {
        "id": row.id, "assignment_id": row.assignment_id, "lead_id": row.lead_id, "partner_id": row.partner_id,
        "name": row.name, "stage": row.stage, "value": money_json(row.amount_cents, row.currency),
        "expected_close": row.expected_close, "closed_at": instant_json(row.closed_at), "lost_reason": row.lost_reason,
        "created_at": instant_json(row.created_at), "changed_at": instant_json(row.changed_at),
    }  # fmt: skip


def audit_json(row: Audit) -> dict[str, Any]:
    """One line of the audit."""
    names = (
        "id",
        "actor_kind",
        "actor_id",
        "actor_name",
        "action",
        "object_type",
        "object_id",
        "partner_id",
        "facts",
    )
    return {"at": instant_json(row.at), **{name: getattr(row, name) for name in names}}

"""What a notice is about, as it stands when it is told: whether it still holds, and the facts it is told with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.platform import Outbox
from models.session import AnySession
from portal.notifications.facts import OBLIGATION, ask_of
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, LeadStatus, NoticeTopic, ObligationState

#: Their link is a secret: once the mail is made the outbox forgets it.
SECRET = (NoticeTopic.INVITATION, NoticeTopic.PASSWORD_RESET)
OF_STANDING = (NoticeTopic.STOPPED, NoticeTopic.REINSTATED, NoticeTopic.STANDING)
SIZES = ("grade", "product", "region", "country", "employees")


@dataclass(frozen=True)
class Matter:
    """The rows behind one notice, each None where the notice has none or it is gone."""

    partner: Partner | None = None
    assignment: Assignment | None = None
    lead: Lead | None = None
    obligation: Obligation | None = None


def matters(session: AnySession, rows: Sequence[Outbox]) -> dict[str, Matter]:
    """The matter of each notice by its id, in four queries however many there are."""
    partners = _by_id(session, Partner, {row.partner_id for row in rows})
    assignments = _by_id(session, Assignment, {row.assignment_id for row in rows})
    leads = _by_id(session, Lead, {row.lead_id for row in rows})
    obligations = _obligations(session, rows)
    return {
        row.id: Matter(
            partners.get(row.partner_id or ""), assignments.get(row.assignment_id or ""),
            leads.get(row.lead_id or ""), obligations.get(_named(row)) or obligations.get(_key(row)),
        )
        for row in rows
    }  # fmt: skip


def settled(row: Outbox, about: Matter, now: datetime) -> bool:
    """Whether a notice is no longer to be told, since what it says is over.

    1. An offer that is answered or gone; news of a lead that the partner no longer holds.
    2. A warning whose obligation is done, taken off or moved, or whose time has passed: another notice tells that.
    3. A late notice whose obligation was done since, or no longer counts as overdue; that a lead moved on stays told.
    4. A change of standing that another has followed.
    5. A lead that has left the queue.
    6. A link for one use that no longer works.
    What a notice does not name cannot settle it.
    """
    topic, state = row.topic, about.assignment.state if about.assignment else None
    if topic is NoticeTopic.OFFER:
        return state not in (None, AssignmentState.OFFERED)
    if topic is NoticeTopic.ENQUIRED_AGAIN:
        return state is not None and state not in LIVE_ASSIGNMENT
    if topic is NoticeTopic.WARNING:
        return _passed(row, now) or _is_other(about.obligation, ObligationState.OPEN) or _moved(row, about.obligation)
    if topic is NoticeTopic.EXTENDED:
        return _is_other(about.obligation, ObligationState.OPEN)
    if topic is NoticeTopic.BREACH:
        over = about.obligation is not None and about.obligation.settled_at is not None
        return _is_other(about.obligation, ObligationState.BREACHED) or (over and not row.facts.get("moved"))
    if topic in OF_STANDING:
        told = row.facts.get("to")
        return about.partner is not None and told is not None and about.partner.standing != told
    if topic is NoticeTopic.UNALLOCATED:
        return about.lead is not None and about.lead.status is not LeadStatus.UNALLOCATED
    return topic in SECRET and _passed(row, now, "until")


def facts_now(row: Outbox, about: Matter) -> dict[str, Any]:
    """The facts to tell: those of the cause, with what may be known of the lead and no more.

    The lead's name is there only while the partner holds it accepted, and is never kept in the outbox.
    """
    facts = dict(row.facts)
    if about.lead is not None:
        facts.update(known_of(about.lead, about.assignment))
    if about.obligation is not None:
        facts["hands_on"] = about.obligation.reassign
    if about.assignment is not None and about.assignment.state is AssignmentState.OFFERED:
        by = about.assignment.respond_by
        facts["respond_by"] = by.isoformat() if by else None
    if row.topic is NoticeTopic.BREACH and row.audience != "partner":
        facts["url"] = f"/partners/{row.partner_id}"
    return facts


def known_of(lead: Lead, assignment: Assignment | None) -> dict[str, Any]:
    """What may be said of a lead to the partner of ``assignment``."""
    known = {name: getattr(lead, name) for name in SIZES}
    holds = assignment is not None and _holds(assignment) and lead.status is not LeadStatus.ERASED
    return {**known, "holds": holds, "lead": _name(lead) if holds else None}


def in_words(session: AnySession, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts whose way back names obligations by their ids, with what each asks for in words."""
    told = [str(step) for step in facts.get("way_back") or ()]
    ids = {found for step in told for found in OBLIGATION.findall(step)}
    if not ids:
        return dict(facts)
    rows = session.execute(
        select(Obligation.id, Obligation.kind, Assignment, Lead)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Lead, Lead.id == Obligation.lead_id)
        .where(Obligation.id.in_(ids))
    ).all()
    words = {row.id: _ask_with_name(row.kind, row.Lead, row.Assignment) for row in rows}
    steps = [OBLIGATION.sub(lambda found: words.get(found[1], "Do what is owed"), step) for step in told]
    return {**facts, "way_back": steps}


def _ask_with_name(kind: str, lead: Lead, assignment: Assignment) -> str:
    named = known_of(lead, assignment)["lead"]
    return ask_of({"kind": kind}) + (f" ({named})" if named else "")


def _holds(assignment: Assignment) -> bool:
    kept = assignment.state in (AssignmentState.ACCEPTED, AssignmentState.CLOSED)
    return kept and assignment.accepted_at is not None


def _name(lead: Lead) -> str | None:
    return lead.company or " ".join(filter(None, (lead.first_name, lead.last_name))) or None


def _passed(row: Outbox, now: datetime, name: str = "due_at") -> bool:
    try:
        return datetime.fromisoformat(str(row.facts.get(name))) <= now
    except ValueError:
        return False


def _is_other(obligation: Obligation | None, state: ObligationState) -> bool:
    return obligation is not None and obligation.state is not state


def _by_id(session: AnySession, of: type[Any], ids: Iterable[str | None]) -> dict[str, Any]:
    wanted = [id_ for id_ in ids if id_]
    if not wanted:
        return {}
    return {found.id: found for found in session.scalars(select(of).where(of.id.in_(wanted)))}


def _moved(row: Outbox, obligation: Obligation | None) -> bool:
    return obligation is not None and obligation.due_at.isoformat() != row.facts.get("due_at")


def _named(row: Outbox) -> str:
    """The id of the obligation that a reminder is for: it stands in what keeps that reminder one."""
    topic, _, rest = str(row.once or "").partition(":")
    return rest.partition(":")[0] if topic in (NoticeTopic.WARNING, NoticeTopic.BREACH) else ""


def _key(row: Outbox) -> str:
    return f"{row.assignment_id} {row.facts.get('kind')} {row.facts.get('due_at')}"


def _obligations(session: AnySession, rows: Sequence[Outbox]) -> dict[str, Obligation]:
    """The obligations that notices speak of, by their ids and by assignment, kind and due time."""
    ids = {row.assignment_id for row in rows if row.assignment_id and row.facts.get("kind")}
    if not ids:
        return {}
    found = session.scalars(
        select(Obligation).where(Obligation.assignment_id.in_(ids)).order_by(Obligation.opened_at, Obligation.id)
    )
    known = {}
    for one in found:
        known[one.id] = known[f"{one.assignment_id} {one.kind.value} {one.due_at.isoformat()}"] = one
    return known

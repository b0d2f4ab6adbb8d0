"""What a partner reads about its own appeals: those it filed, and against what it may say something."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from models.appeals import Appeal, AppealFile
from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.appealable import may_file, why_not
from portal.vocabulary import AppealKind, ObligationState
from portal.web.partner import words
from portal.web.partner.reading import visible

SHOWN = 30
OWED = (ObligationState.OPEN, ObligationState.BREACHED)


@dataclass(frozen=True)
class Subject:
    """A deadline of the partner's own; ``lead`` is named and linked only while the partner may see it."""

    obligation: Obligation
    name: str
    lead_id: str | None


def subject(session: AnySession, actor: Actor, obligation_id: str) -> Subject:
    """One deadline. Raises NotFound."""
    row = access.one(session, access.obligations(actor), Obligation.id, obligation_id)
    found = session.execute(
        access.assignments(actor)
        .join(Lead, Lead.id == Assignment.lead_id)
        .add_columns(Lead, visible(actor).label("seen"))
        .where(Assignment.id == row.assignment_id)
    ).one()
    held, lead, seen = found
    name = words.name_of(lead, words.knows(held)) if seen else "a lead that has moved on"
    return Subject(row, name, lead.id if seen else None)


def kinds_for(actor: Actor, row: Obligation, now: datetime) -> list[AppealKind]:
    """What this visitor may say about a deadline now."""
    return [
        kind for kind in AppealKind
        if may_file(kind, actor.role) and why_not(kind, row.state, row.due_at, now) is None
    ]  # fmt: skip


def of_obligations(session: AnySession, actor: Actor, ids: Iterable[str]) -> Mapping[str, Appeal]:
    """The latest appeal against each of these deadlines."""
    query = access.appeals(actor).where(Appeal.obligation_id.in_(list(ids)))
    return {row.obligation_id: row for row in session.scalars(query.order_by(Appeal.opened_at, Appeal.id))}


def own(session: AnySession, actor: Actor) -> Sequence[tuple[Appeal, Obligation]]:
    """The partner's appeals with what they are about, the latest first."""
    query = access.appeals(actor).join(Obligation, Obligation.id == Appeal.obligation_id).add_columns(Obligation)
    rows = session.execute(query.order_by(Appeal.opened_at.desc(), Appeal.id.desc()).limit(SHOWN))
    return [(appeal, obligation) for appeal, obligation in rows]


def file_name(session: AnySession, appeal_id: str) -> str | None:
    """The name of the evidence."""
    return session.scalar(select(AppealFile.name).where(AppealFile.appeal_id == appeal_id))


def of_lead(session: AnySession, actor: Actor, lead_id: str) -> str | None:
    """The most urgent deadline that is owed on a lead the partner holds; None where nothing is."""
    query = (
        access.obligations(actor)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .where(
            Obligation.lead_id == lead_id, visible(actor), Obligation.state.in_(OWED), Obligation.settled_at.is_(None)
        )
        .order_by(Obligation.due_at, Obligation.id)
    )
    found = session.scalars(query.limit(1)).first()
    return found.id if found else None

"""What the pages of appeals read: those that wait, most urgent first, and what one of them is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func

from models.appeals import Appeal, AppealFile
from models.assignments import Activity, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.effect import Effect, of_waiving
from portal.compliance.service import TICK, business_days, ladders, marks_of
from portal.compliance.state import State
from portal.vocabulary import AppealState
from portal.web.staff import paging

MOST_TOUCHES = 30


@dataclass(frozen=True)
class Case:
    """An appeal with whom and what it is about."""

    appeal: Appeal
    partner: Partner
    obligation: Obligation
    lead: Lead


def _cases(actor: Actor) -> Select[Appeal]:
    return (
        access.appeals(actor)
        .join(Partner, Partner.id == Appeal.partner_id)
        .join(Obligation, Obligation.id == Appeal.obligation_id)
        .join(Lead, Lead.id == Appeal.lead_id)
        .add_columns(Partner, Obligation, Lead)
    )


def _read(rows: Iterable[Any]) -> list[Case]:
    return [Case(*row) for row in rows]


def waiting(session: AnySession, actor: Actor, limit: int = 1000) -> list[Case]:
    """Appeals without an answer, the one promised first at the top, those without a promise last."""
    query = _cases(actor).where(Appeal.state == AppealState.OPEN)
    query = query.order_by(Appeal.decide_by.is_(None), Appeal.decide_by, Appeal.opened_at, Appeal.id).limit(limit)
    return _read(session.execute(query))


def waiting_count(session: AnySession, actor: Actor) -> int:
    """How many appeals wait for an answer."""
    waits = access.appeals(actor).where(Appeal.state == AppealState.OPEN)
    return session.scalar(waits.with_only_columns(func.count())) or 0


def answered(session: AnySession, actor: Actor, page: int) -> tuple[Sequence[Case], bool]:
    """A page of those that were answered or taken back, the latest first; and whether others follow."""
    query = _cases(actor).where(Appeal.state != AppealState.OPEN).order_by(Appeal.decided_at.desc(), Appeal.id.desc())
    found = session.execute(query.limit(paging.SIZE + 1).offset((page - 1) * paging.SIZE))
    return paging.cut(_read(found))


def case(session: AnySession, actor: Actor, appeal_id: str) -> Case:
    """One appeal. Raises NotFound."""
    found = access.one(session, access.appeals(actor), Appeal.id, appeal_id)
    return Case(
        found,
        session.get_one(Partner, found.partner_id),
        session.get_one(Obligation, found.obligation_id),
        session.get_one(Lead, found.lead_id),
    )


def touches(session: AnySession, actor: Actor, obligation: Obligation) -> Sequence[Activity]:
    """What the partner recorded on that lead, the latest first."""
    query = access.activities(actor).where(Activity.assignment_id == obligation.assignment_id)
    return session.scalars(query.order_by(Activity.recorded_at.desc(), Activity.id.desc()).limit(MOST_TOUCHES)).all()


def evidence(session: AnySession, appeal_id: str) -> tuple[str, int] | None:
    """Name and size in bytes of an appeal's file, its content left where it is."""
    kept = session.query(AppealFile.name, AppealFile.size).filter_by(appeal_id=appeal_id).first()
    return (kept[0], kept[1]) if kept else None


def effect(session: AnySession, partner: Partner, obligation_id: str, now: datetime) -> Effect:
    """What granting would do to the partner's standing. Writes nothing."""
    versions = ladders(session)
    at = max(now, partner.folded_until + TICK)
    marks = marks_of(session, partner, versions)
    state, days = State.from_json(partner.standing_state), business_days(session, partner)
    return of_waiving(state, marks, versions, days, [obligation_id], at)

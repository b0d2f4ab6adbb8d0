"""What staff read of leads: the queue, the table with its filters, and who could be given one by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import Select, func, or_, select, true, union_all

from models.allocation import Decision
from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.allocation.candidates import gate_facts, look_at
from portal.allocation.hand import barred
from portal.allocation.live import snapshot
from portal.allocation.record import Candidate
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, DecisionOutcome, LeadStatus, QueueReason
from portal.web.staff import paging
from portal.web.staff.forms import end_of_day, start_of_day

WAITING = (LeadStatus.UNALLOCATED, LeadStatus.RETURNED)
MOST_CANDIDATES = 100
#: Among so many of the newest leads a part of a word is looked for; a whole address or id is found among all.
LOOKED_AT = 50_000
MOST_WHOLE, LEAST_DIGITS = 200, 5
TEXTS = (
    Lead.company, Lead.first_name, Lead.last_name, Lead.email, Lead.phone, Lead.city, Lead.product, Lead.external_id,
)  # fmt: skip
T = TypeVar("T")


def _waiting(actor: Actor) -> Select[Lead]:
    return access.leads(actor).where(Lead.status.in_(WAITING))


@dataclass(frozen=True)
class Waiting:
    """A lead that nobody has. ``since``: from when on. ``sentence``: why it found nobody, once that was tried."""

    lead: Lead
    since: datetime
    sentence: str


def waiting(session: AnySession, actor: Actor, page: int) -> tuple[Sequence[Waiting], bool]:
    """A page of leads that nobody has, best grade first, then oldest; and whether others follow."""
    latest = (
        select(Decision.id)
        .where(Decision.lead_id == Lead.id)
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(1)
        .correlate(Lead)
        .scalar_subquery()
    )
    left = select(func.max(Assignment.ended_at)).where(Assignment.lead_id == Lead.id).correlate(Lead).scalar_subquery()
    query = _waiting(actor).outerjoin(Decision, Decision.id == latest).add_columns(Decision, left)
    query = query.order_by(Lead.grade, Lead.received_at, Lead.id)
    found = session.execute(query.limit(paging.SIZE + 1).offset((page - 1) * paging.SIZE))
    return paging.cut([_waits(lead, decision, left_at) for lead, decision, left_at in found])


def _waits(lead: Lead, decision: Decision | None, left_at: datetime | None) -> Waiting:
    tried = decision is not None and decision.outcome is DecisionOutcome.QUEUED
    return Waiting(lead, left_at or lead.received_at, decision.sentence if decision is not None and tried else "")


def waiting_count(session: AnySession, actor: Actor) -> int:
    """How many leads nobody has."""
    return session.scalar(select(func.count()).select_from(_waiting(actor).subquery())) or 0


def retriable(session: AnySession, actor: Actor, limit: int) -> Sequence[Lead]:
    """The waiting leads that the rules may place, best grade first, then oldest."""
    query = access.leads(actor).where(
        Lead.status == LeadStatus.UNALLOCATED, Lead.reason != QueueReason.HAND_OVER_LIMIT.value
    )
    return session.scalars(query.order_by(Lead.grade, Lead.received_at, Lead.id).limit(limit)).all()


@dataclass(frozen=True)
class Wanted:
    """The filters of the table of leads; ``since`` and ``until`` are days in the reader's zone, both included."""

    status: LeadStatus | None = None
    partner_id: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def any(self) -> bool:
        return self != Wanted()

    @property
    def dated(self) -> bool:
        """Whether days are given."""
        return self.since is not None or self.until is not None


def leads(session: AnySession, actor: Actor, wanted: Wanted, after: str | None) -> tuple[Sequence[Lead], str | None]:
    """A page of leads, newest first, and the cursor of the next one."""
    query = access.leads(actor).order_by(Lead.id.desc()).limit(paging.SIZE + 1)
    if after:
        query = query.where(Lead.id < after)
    rows, more = paging.cut(session.scalars(_filtered(query, session, actor, wanted)).all())
    return rows, rows[-1].id if more else None


def _filtered(query: Select[Lead], session: AnySession, actor: Actor, wanted: Wanted) -> Select[Lead]:
    if wanted.status is not None:
        query = query.where(Lead.status == wanted.status)
    if wanted.partner_id:
        its = _holding(actor).where(Assignment.partner_id == wanted.partner_id)
        query = query.where(Lead.id.in_(its.with_only_columns(Assignment.lead_id)))
    if wanted.text:
        query = query.where(Lead.id.in_(finding(session, wanted)))
    return _dated(query, wanted)


def _dated(query: Select[T], wanted: Wanted) -> Select[T]:
    if wanted.since is not None:
        query = query.where(Lead.received_at >= start_of_day(wanted.since))
    return query if wanted.until is None else query.where(Lead.received_at < end_of_day(wanted.until))


def finding(session: AnySession, wanted: Wanted) -> Select[str]:
    """The ids of the leads that a text finds, in a time that does not grow with all the leads there ever were.

    1. A whole e-mail address, phone, domain, external id or id, each by its index, finds those leads alone.
    2. Otherwise parts of words, among the newest ``LOOKED_AT`` leads; among all of the period where days are given.
    """
    text, spoken = wanted.text, wanted.text.casefold()
    digits = "".join(each for each in text if each.isdigit() or each == "+")
    wholes = [Lead.email_norm == spoken, Lead.company_domain == spoken, Lead.external_id == text, Lead.id == spoken]
    wholes += [Lead.phone_norm == digits] if len(digits) >= LEAST_DIGITS else []
    whole = union_all(*(select(Lead.id).where(each) for each in wholes)).subquery()
    known = session.scalars(select(whole.c.id).limit(MOST_WHOLE)).all()
    if known:
        return select(Lead.id).where(Lead.id.in_(known))
    newest = select(Lead.id).order_by(Lead.id.desc()).limit(1).offset(LOOKED_AT).scalar_subquery()
    within = true() if wanted.dated else Lead.id > func.coalesce(newest, "")
    parts = or_(*(column.ilike(paging.like(text), escape="\\") for column in TEXTS))
    return _dated(select(Lead.id).where(within, parts), wanted)


def _holding(actor: Actor) -> Select[Assignment]:
    """Assignments in which a partner has the lead, or closed it as won or lost."""
    closed = (Assignment.state == AssignmentState.CLOSED) & Assignment.disposition.in_(access.OUTCOME)
    return access.assignments(actor).where(or_(Assignment.state.in_(LIVE_ASSIGNMENT), closed))


def holders(session: AnySession, actor: Actor, lead_ids: Sequence[str]) -> dict[str, Partner]:
    """Who has each of these leads, or closed it; partners outside a portfolio are left out."""
    rows = session.execute(
        _holding(actor)
        .where(Assignment.lead_id.in_(lead_ids))
        .join(Partner, Partner.id == Assignment.partner_id)
        .add_columns(Partner)
        .order_by(Assignment.id)
    )
    return {assignment.lead_id: partner for assignment, partner in rows}


def names(session: AnySession, actor: Actor) -> list[tuple[str, str]]:
    """(id, name) of every partner the actor sees, for a filter or a choice."""
    seen = (
        access.partners(actor)
        .with_only_columns(Partner.id, Partner.name)
        .order_by(func.lower(Partner.name), Partner.id)
    )
    return [(id_, name) for id_, name in session.execute(seen)]


def candidates(session: AnySession, actor: Actor, lead: Lead, text: str, now: datetime) -> tuple[list[Candidate], int]:
    """Who could be given a lead by hand, those without a warning first, those that cannot be chosen last.

    At most ``MOST_CANDIDATES``, and how many there are in all.
    """
    seen = {id_ for id_, name in names(session, actor) if text.casefold() in name.casefold()}
    roster = [facts for id_, facts in snapshot(session).roster.items() if id_ in seen]
    found = look_at(session, roster, gate_facts(session, lead), now)
    found = sorted(found, key=lambda c: (barred(c), sum(not gate.passed for gate in c.gates), c.facts.name.casefold()))
    return found[:MOST_CANDIDATES], len(found)

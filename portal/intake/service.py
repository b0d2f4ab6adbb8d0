"""Receiving a lead: stored, scored, allocated and given its deadline in one transaction."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from models.assignments import Assignment
from models.base import new_id
from models.leads import Campaign, Lead
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation.live import Snapshot, snapshot
from portal.allocation.service import place
from portal.deadlines.assignments import event
from portal.intake.policy import LeadIn
from portal.notifications.outbox import notify
from portal.qualification.facts import lead_facts
from portal.qualification.policy import score
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    LIVE_LEAD,
    AssignmentOrigin,
    DecisionOutcome,
    LeadEventKind,
    LeadStatus,
    NoticeTopic,
)

DUPLICATE_DAYS = 180
#: A later enquiry by the same person about a lead in one of these opens a new lead.
ENDED_LEAD = (LeadStatus.WON, LeadStatus.LOST, LeadStatus.RETURNED, LeadStatus.NURTURE)


def receive(session: AnySession, new: LeadIn, now: datetime, actor: Actor) -> tuple[Lead, bool]:
    """Store one enquiry and place it. The lead, and whether it is new (False: its ``external_id`` was known).

    1. A known ``external_id``: the earlier lead, nothing stored.
    2. The same person, with a live lead: a duplicate that joins that lead's timeline; its partner is told.
    3. The same person, with an ended lead: a new lead, offered first to the last holder if never at fault.
    4. The same company: a new lead, offered first to the partner that works that company now.
    5. Scored by the published lead definition; disqualified and nurture leads stay out of the usual allocation.
    """
    if (earlier := _by_external_id(session, new.external_id)) is not None:
        return earlier, False
    lead, config = _stored(session, new, now), snapshot(session)
    event(session, lead.id, LeadEventKind.RECEIVED, now, actor, facts={"source": lead.source})
    record(session, actor, "lead.receive", "lead", lead.id, now, facts={"external_id": lead.external_id})
    _one_at_a_time(session, lead)
    original = _same_person(session, lead, now)
    if original is not None and original.status in LIVE_LEAD:
        _join(session, lead, original, now, actor)
    else:
        _prefer(session, lead, original)
        _qualify_and_place(session, lead, config, now)
    session.flush()
    return lead, True


def _by_external_id(session: AnySession, external_id: str | None) -> Lead | None:
    if external_id is None:
        return None
    return session.scalars(select(Lead).where(Lead.external_id == external_id)).first()


def _stored(session: AnySession, new: LeadIn, now: datetime) -> Lead:
    facts = asdict(new)
    received_at = facts.pop("received_at") or now
    lead = Lead(id=new_id(), status=LeadStatus.RECEIVED, received_at=received_at, created_at=now, **facts)
    lead.campaign_id = _campaign_id(session, new.campaign, now)
    session.add(lead)
    session.flush()
    return lead


def _campaign_id(session: AnySession, name: str | None, now: datetime) -> str | None:
    """The campaign of that name, created bare where nobody knows it."""
    if name is None:
        return None
    known = session.scalars(select(Campaign.id).where(Campaign.name == name)).first()
    if known is None:
        known = new_id()
        session.add(Campaign(id=known, name=name, created_at=now))
        session.flush()
    return known


def _one_at_a_time(session: AnySession, lead: Lead) -> None:
    """Two enquiries of one person at the same moment are taken one after the other, so that the second finds the first.

    SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for key in sorted(filter(None, (lead.email_norm, lead.phone_norm))):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _same_person(session: AnySession, lead: Lead, now: datetime) -> Lead | None:
    """The person's latest lead within the window, a live one first; itself and duplicates aside.

    A phone that cannot be one is no sign of a person beside an e-mail address: many type the same made-up number.
    """
    same = [Lead.email_norm == lead.email_norm] if lead.email_norm else []
    if lead.phone_norm and not (lead.phone_suspect and lead.email_norm):
        same.append(Lead.phone_norm == lead.phone_norm)
    if not same:
        return None
    rows = session.scalars(
        select(Lead)
        .where(
            or_(*same),
            Lead.id != lead.id,
            Lead.status.in_((*LIVE_LEAD, *ENDED_LEAD)),
            Lead.received_at >= lead.received_at - timedelta(days=DUPLICATE_DAYS),
        )
        .order_by(Lead.received_at.desc(), Lead.id.desc())
        .limit(20)
    ).all()
    return next((row for row in rows if row.status in LIVE_LEAD), rows[0] if rows else None)


def _join(session: AnySession, lead: Lead, original: Lead, now: datetime, actor: Actor) -> None:
    lead.status, lead.duplicate_of, lead.grade = LeadStatus.DUPLICATE, original.id, original.grade
    held = session.scalars(
        select(Assignment).where(Assignment.lead_id == original.id, Assignment.state.in_(LIVE_ASSIGNMENT))
    ).first()
    facts: dict[str, object] = {"lead": lead.id, "source": lead.source}
    event(session, original.id, LeadEventKind.ENQUIRED_AGAIN, now, actor, facts=facts)
    if held is not None:
        notify(
            session, NoticeTopic.ENQUIRED_AGAIN, "partner", now, partner_id=held.partner_id, assignment_id=held.id,
            lead_id=original.id, once=f"again:{lead.id}",
            facts={"url": f"/leads/{original.id}", "grade": original.grade},
        )  # fmt: skip


def _prefer(session: AnySession, lead: Lead, original: Lead | None) -> None:
    """Who is asked first: the person's last holder, never at fault; else the partner that works the company."""
    holder = _faultless_holder(session, original) if original is not None else None
    if holder is not None:
        lead.prefer_partner_id, lead.prefer_origin = holder, AssignmentOrigin.RETURNING
    elif lead.company_domain is not None:
        works = _works_company(session, lead)
        lead.prefer_partner_id, lead.prefer_origin = works, AssignmentOrigin.SAME_COMPANY if works else None


def _faultless_holder(session: AnySession, original: Lead) -> str | None:
    """The last holder of a lead, unless it ever declined, let expire or returned that lead."""
    rows = session.scalars(
        select(Assignment).where(Assignment.lead_id == original.id).order_by(Assignment.id.desc())
    ).all()
    if not rows or any(row.earlier_holder for row in rows if row.partner_id == rows[0].partner_id):
        return None
    return rows[0].partner_id


def _works_company(session: AnySession, lead: Lead) -> str | None:
    """The partner with a live assignment at the lead's company, the latest where several have."""
    return session.scalars(
        select(Assignment.partner_id)
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(
            Lead.company_domain == lead.company_domain,
            Lead.id != lead.id,
            Assignment.state.in_(LIVE_ASSIGNMENT),
        )
        .order_by(Assignment.id.desc())
        .limit(1)
    ).first()


def _qualify_and_place(session: AnySession, lead: Lead, config: Snapshot, now: datetime) -> None:
    """Score the lead, then place it. One kept for nurture is offered only to who asked for early leads."""
    scored = score(config.definition, lead_facts(lead))
    lead.score, lead.grade, lead.definition_id = scored.points, scored.grade, config.definition_id
    if not scored.qualified and not scored.nurture:
        lead.status, lead.reason = LeadStatus.DISQUALIFIED, scored.reason
        return
    lead.status = LeadStatus.RECEIVED
    placed = place(session, lead, now, early=scored.nurture)
    if scored.nurture and placed.outcome is DecisionOutcome.QUEUED:
        lead.status, lead.reason = LeadStatus.NURTURE, scored.reason

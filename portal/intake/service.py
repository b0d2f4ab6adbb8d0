"""Receiving a lead: stored, scored, allocated and given its deadline in one transaction."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Table, bindparam, case, func, or_, select
from sqlalchemy.orm import make_transient_to_detached

from models.assignments import Assignment
from models.base import Model, new_id
from models.leads import Campaign, Lead
from models.platform import Outbox
from models.session import AnySession, insert_now
from portal.accounts.actor import Actor
from portal.accounts.audit import entry
from portal.allocation.candidates import at_company, facts_of_new
from portal.allocation.live import snapshot
from portal.allocation.service import decide
from portal.deadlines.assignments import line
from portal.intake.policy import LeadIn
from portal.notifications.outbox import notice_row
from portal.qualification.facts import lead_facts
from portal.qualification.policy import DEFAULT_GRADE, score
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
LEADS = cast(Table, Lead.__table__)
#: Leads with this external id, or of this person, the first before the others, then the latest first.
RELATIVES = (
    select(LEADS.c.id, LEADS.c.external_id, LEADS.c.status, LEADS.c.received_at)
    .where(
        or_(
            LEADS.c.external_id == bindparam("external"),
            LEADS.c.email_norm == bindparam("email"),
            LEADS.c.phone_norm == bindparam("phone"),
        )
    )
    .order_by(
        case((LEADS.c.external_id == bindparam("external"), 0), else_=1), LEADS.c.received_at.desc(), LEADS.c.id.desc()
    )
    .limit(50)
)
CAMPAIGN = select(Campaign.id).where(Campaign.name == bindparam("called"))
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
    lead = _made(session, new, now)
    _one_at_a_time(session, lead)
    known, original = _relatives(session, lead)
    if known is not None:
        return known, False
    received = line(lead.id, LeadEventKind.RECEIVED, now, actor, facts={"source": lead.source})
    audited = entry(actor, "lead.receive", "lead", lead.id, now, facts={"external_id": lead.external_id})
    if original is not None and original.status in LIVE_LEAD:
        rows = _join(session, lead, original, now, actor)
    else:
        rows = _qualify_and_place(session, lead, original, now)
    insert_now(session, lead, received, audited, *rows)
    make_transient_to_detached(lead)
    session.add(lead)
    return lead, True


def _made(session: AnySession, new: LeadIn, now: datetime) -> Lead:
    """The lead, not yet written. Columns are given in full, so that every lead is one and the same statement."""
    facts = asdict(new)
    received_at = facts.pop("received_at") or now
    return Lead(
        id=new_id(), status=LeadStatus.RECEIVED, reason=None, score=None, grade=DEFAULT_GRADE, definition_id=None,
        received_at=received_at, created_at=now, campaign_id=_campaign_id(session, new.campaign, now),
        duplicate_of=None, hand_overs=0, pool_until=None, pool=None, tried_at=None, retry_at=None,
        prefer_partner_id=None, prefer_origin=None, **facts,
    )  # fmt: skip


def _campaign_id(session: AnySession, name: str | None, now: datetime) -> str | None:
    """The campaign of that name, created bare where nobody knows it."""
    if name is None:
        return None
    known = session.execute(CAMPAIGN, {"called": name}).scalar_one_or_none()
    if known is None:
        known = new_id()
        insert_now(session, Campaign(id=known, name=name, created_at=now))
    return str(known)


def _one_at_a_time(session: AnySession, lead: Lead) -> None:
    """Two enquiries of one person at the same moment are taken one after the other, so that the second finds the first.

    SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for key in sorted(filter(None, (lead.email_norm, lead.phone_norm))):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _relatives(session: AnySession, lead: Lead) -> tuple[Lead | None, Lead | None]:
    """The lead that has this ``external_id``, and the person's latest within the window, a live one first.

    A phone that cannot be one is no sign of a person beside an e-mail address: many type the same made-up number.
    """
    phone = None if lead.phone_suspect and lead.email_norm else lead.phone_norm
    named = {"external": lead.external_id, "email": lead.email_norm, "phone": phone}
    rows = session.execute(RELATIVES, named).all()
    known = next((row.id for row in rows if lead.external_id and row.external_id == lead.external_id), None)
    if known is not None:
        return session.get_one(Lead, known), None
    since = lead.received_at - timedelta(days=DUPLICATE_DAYS)
    person = [r for r in rows if r.received_at >= since and r.status in (*LIVE_LEAD, *ENDED_LEAD)]
    latest = next((r for r in person if r.status in LIVE_LEAD), person[0] if person else None)
    return None, session.get_one(Lead, latest.id) if latest else None


def _join(session: AnySession, lead: Lead, original: Lead, now: datetime, actor: Actor) -> list[Model]:
    """The rows of a duplicate beside its own: a line in the original's timeline, a notice to who holds it."""
    lead.status, lead.duplicate_of, lead.grade = LeadStatus.DUPLICATE, original.id, original.grade
    held = session.scalars(
        select(Assignment).where(Assignment.lead_id == original.id, Assignment.state.in_(LIVE_ASSIGNMENT))
    ).first()
    facts: dict[str, object] = {"lead": lead.id, "source": lead.source}
    again = line(original.id, LeadEventKind.ENQUIRED_AGAIN, now, actor, facts=facts)
    if held is None:
        return [again]
    notice = notice_row(
        NoticeTopic.ENQUIRED_AGAIN, "partner", now, partner_id=held.partner_id, assignment_id=held.id,
        lead_id=original.id, once=f"again:{lead.id}",
        facts={"url": f"/leads/{original.id}", "grade": original.grade},
    )  # fmt: skip
    return [again, Outbox(**notice)]


def _prefer(session: AnySession, lead: Lead, original: Lead | None, works: str | None) -> None:
    """Who is asked first: the person's last holder, never at fault; else the partner that works the company."""
    holder = _faultless_holder(session, original) if original is not None else None
    if holder is not None:
        lead.prefer_partner_id, lead.prefer_origin = holder, AssignmentOrigin.RETURNING
    elif works is not None:
        lead.prefer_partner_id, lead.prefer_origin = works, AssignmentOrigin.SAME_COMPANY


def _faultless_holder(session: AnySession, original: Lead) -> str | None:
    """The last holder of a lead, unless it ever declined, let expire or returned that lead."""
    rows = session.scalars(
        select(Assignment).where(Assignment.lead_id == original.id).order_by(Assignment.id.desc())
    ).all()
    if not rows or any(row.earlier_holder for row in rows if row.partner_id == rows[0].partner_id):
        return None
    return rows[0].partner_id


def _qualify_and_place(session: AnySession, lead: Lead, original: Lead | None, now: datetime) -> list[Model]:
    """Score the lead, then place it; the rows to write beside it.

    One kept for nurture is offered only to who asked for early leads, and waits as nurture where nobody did.
    """
    config = snapshot(session)
    scored = score(config.definition, lead_facts(lead))
    lead.score, lead.grade, lead.definition_id = scored.points, scored.grade, config.definition_id
    if not scored.qualified and not scored.nurture:
        lead.status, lead.reason = LeadStatus.DISQUALIFIED, scored.reason
        return []
    works, owner = at_company(session, lead)
    _prefer(session, lead, original, works)
    placed = decide(session, lead, facts_of_new(session, lead, owner), now)
    if scored.nurture and placed.outcome is DecisionOutcome.QUEUED:
        lead.status, lead.reason = LeadStatus.NURTURE, scored.reason
        return placed.rows[-1:]
    return placed.rows

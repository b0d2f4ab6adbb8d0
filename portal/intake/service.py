"""Receiving a lead: stored, scored, allocated and given its deadline in one transaction."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import bindparam, func, select

from models.base import Model, new_id
from models.leads import Campaign, Lead
from models.platform import Outbox
from models.prepared import Prepared
from models.session import AnySession
from models.writing import bare, insert_now, stored
from portal.accounts.actor import Actor
from portal.accounts.audit import entry
from portal.allocation.candidates import facts_of_new
from portal.allocation.choosing import Desk
from portal.allocation.desk import DatabaseDesk
from portal.allocation.live import snapshot
from portal.allocation.service import decide
from portal.deadlines.assignments import line
from portal.intake.known import Known, Original, known_of
from portal.intake.policy import LeadIn
from portal.notifications.outbox import notice_row
from portal.qualification.facts import lead_facts
from portal.qualification.policy import DEFAULT_GRADE, score
from portal.vocabulary import LIVE_LEAD, AssignmentOrigin, DecisionOutcome, LeadEventKind, LeadStatus, NoticeTopic

#: Two enquiries of one person at the same moment are taken one after the other, so that the second finds the first.
#: {one, other}; SQLite has one writer at a time anyway.
_key = (func.pg_advisory_xact_lock(func.hashtextextended(bindparam(name), 0)) for name in ("one", "other"))
ONE_AT_A_TIME = Prepared(select(*_key))


COLUMNS = tuple(each.name for each in fields(LeadIn))


def receive(session: AnySession, new: LeadIn, now: datetime, actor: Actor) -> tuple[Lead, bool]:
    """Store one enquiry and place it. The lead, and whether it is new (False: its ``external_id`` was known).

    1. A known ``external_id``: the earlier lead, nothing stored.
    2. The same person, with a live lead: a duplicate that joins that lead's timeline; its partner is told.
    3. The same person, with an ended lead: a new lead, offered first to the last holder if never at fault.
    4. The same company: a new lead, offered first to the partner that works that company now.
    5. Scored by the published lead definition; disqualified and nurture leads stay out of the usual allocation.
    """
    lead, rows = receive_rows(session, new, now, actor)
    return lead, rows is not None


def receive_rows(session: AnySession, new: LeadIn, now: datetime, actor: Actor) -> tuple[Lead, list[Model] | None]:
    """The same; instead of whether it is new all the rows that were written for it, None where it was known."""
    lead = made(new, now)
    _one_at_a_time(session, lead)
    known = known_of(session, lead)
    if known.itself is not None:
        return session.get_one(Lead, known.itself), None
    rows = rows_of(session, DatabaseDesk(session, now), lead, known, now, actor)
    insert_now(session, *rows)
    return stored(session, Lead, lead), rows


def rows_of(session: AnySession, desk: Desk, lead: Lead, known: Known, now: datetime, actor: Actor) -> list[Model]:
    """A new lead, placed at ``desk``, with everything that is to be written beside it."""
    lead.campaign_id = known.campaign_id or _new_campaign(session, lead.campaign, now)
    received = line(lead.id, LeadEventKind.RECEIVED, now, actor, facts={"source": lead.source})
    audited = entry(actor, "lead.receive", "lead", lead.id, now, facts={"external_id": lead.external_id})
    if known.original is not None and known.original.lead.status in LIVE_LEAD:
        return [lead, received, audited, *_join(lead, known.original, now, actor)]
    return [lead, received, audited, *_qualify_and_place(session, desk, lead, known, now)]


def made(new: LeadIn, now: datetime) -> Lead:
    """The lead, not yet written. Columns are given in full, so that every lead is one and the same statement."""
    facts = {name: getattr(new, name) for name in COLUMNS}
    received_at = facts.pop("received_at") or now
    return bare(
        Lead, id=new_id(), status=LeadStatus.RECEIVED, reason=None, score=None, grade=DEFAULT_GRADE, definition_id=None,
        received_at=received_at, created_at=now, campaign_id=None,
        duplicate_of=None, hand_overs=0, pool_until=None, pool=None, tried_at=None, retry_at=None,
        prefer_partner_id=None, prefer_origin=None, **facts,
    )  # fmt: skip


def _new_campaign(session: AnySession, name: str | None, now: datetime) -> str | None:
    """A campaign that nobody knew, created bare."""
    if name is None:
        return None
    made = new_id()
    insert_now(session, Campaign(id=made, name=name, created_at=now))
    return made


def _one_at_a_time(session: AnySession, lead: Lead) -> None:
    keys = sorted(filter(None, (lead.email_norm, lead.phone_norm)))
    if keys and session.get_bind().dialect.name == "postgresql":
        ONE_AT_A_TIME.rows(session, one=keys[0], other=keys[-1])


def _join(lead: Lead, original: Original, now: datetime, actor: Actor) -> list[Model]:
    """The rows of a duplicate beside its own: a line in the original's timeline, a notice to who holds it."""
    kin = original.lead
    lead.status, lead.duplicate_of, lead.grade = LeadStatus.DUPLICATE, kin.id, kin.grade
    facts: dict[str, object] = {"lead": lead.id, "source": lead.source}
    again = line(kin.id, LeadEventKind.ENQUIRED_AGAIN, now, actor, facts=facts)
    if original.held is None:
        return [again]
    assignment_id, partner_id = original.held
    notice = notice_row(
        NoticeTopic.ENQUIRED_AGAIN, "partner", now, partner_id=partner_id, assignment_id=assignment_id,
        lead_id=kin.id, once=f"again:{lead.id}", facts={"url": f"/leads/{kin.id}", "grade": kin.grade},
    )  # fmt: skip
    return [again, bare(Outbox, **notice)]


def _prefer(lead: Lead, known: Known) -> None:
    """Who is asked first: the person's last holder, never at fault; else the partner that works the company."""
    if known.original is not None and known.original.holder is not None:
        lead.prefer_partner_id, lead.prefer_origin = known.original.holder, AssignmentOrigin.RETURNING
    elif known.works is not None:
        lead.prefer_partner_id, lead.prefer_origin = known.works, AssignmentOrigin.SAME_COMPANY


def _qualify_and_place(session: AnySession, desk: Desk, lead: Lead, known: Known, now: datetime) -> list[Model]:
    """Score the lead, then place it; the rows to write beside it.

    One kept for nurture is offered only to who asked for early leads, and waits as nurture where nobody did.
    """
    config = snapshot(session)
    scored = score(config.definition, lead_facts(lead))
    lead.score, lead.grade, lead.definition_id = scored.points, scored.grade, config.definition_id
    if not scored.qualified and not scored.nurture:
        lead.status, lead.reason = LeadStatus.DISQUALIFIED, scored.reason
        return []
    _prefer(lead, known)
    placed, rows = decide(session, desk, lead, facts_of_new(session, lead, known.owns), now)
    if scored.nurture and placed.outcome is DecisionOutcome.QUEUED:
        lead.status, lead.reason = LeadStatus.NURTURE, scored.reason
        return rows[-1:]
    return rows

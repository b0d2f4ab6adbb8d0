"""Receiving a lead: stored, scored, allocated and given its deadline in one transaction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, case, func, literal, null, or_, select, true, union_all
from sqlalchemy.orm import make_transient_to_detached

from models.assignments import Assignment
from models.base import Model, new_id
from models.leads import Campaign, Lead
from models.partners import Live
from models.platform import Outbox
from models.session import AnySession, insert_now
from portal.accounts.actor import Actor
from portal.accounts.audit import entry
from portal.allocation.candidates import facts_of_new
from portal.allocation.live import snapshot
from portal.allocation.service import decide
from portal.allocation.statements import OWNS, WORKS
from portal.deadlines.assignments import line
from portal.deadlines.live import read_already
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
CAMPAIGNS = cast(Table, Campaign.__table__)
LIVE = cast(Table, Live.__table__)
_kin = (
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
    .subquery()
)


def _told(what: str, id_: Any, where: Any) -> Any:
    """One more row of ``KNOWN``: what it is, and an id."""
    nothing = null().label("external_id"), null().label("status"), null().label("received_at")
    return select(literal(what).label("what"), id_.label("id"), *nothing).where(where)


#: All that is asked before an enquiry is placed, in one statement: the live revision, its campaign, who works its
#: company and who owns the account, and the leads with its external id or of its person. {called, domain, but,
#: external, email, phone}
KNOWN = union_all(
    select(literal("lead").label("what"), _kin.c.id, _kin.c.external_id, _kin.c.status, _kin.c.received_at),
    _told("live", LIVE.c.revision, LIVE.c.id == 1),
    _told("campaign", CAMPAIGNS.c.id, CAMPAIGNS.c.name == bindparam("called")),
    _told("works", WORKS.c.partner_id, true()),
    _told("owns", OWNS.c.partner_id, true()),
)
#: Two enquiries of one person at the same moment are taken one after the other, so that the second finds the first.
#: {one, other}; SQLite has one writer at a time anyway.
_key = (func.pg_advisory_xact_lock(func.hashtextextended(bindparam(name), 0)) for name in ("one", "other"))
ONE_AT_A_TIME = select(*_key)
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
    lead = _made(new, now)
    _one_at_a_time(session, lead)
    known = _known(session, lead)
    if known.itself is not None:
        return session.get_one(Lead, known.itself), False
    lead.campaign_id = known.campaign_id or _new_campaign(session, lead.campaign, now)
    original = session.get_one(Lead, known.original) if known.original else None
    received = line(lead.id, LeadEventKind.RECEIVED, now, actor, facts={"source": lead.source})
    audited = entry(actor, "lead.receive", "lead", lead.id, now, facts={"external_id": lead.external_id})
    if original is not None and original.status in LIVE_LEAD:
        rows = _join(session, lead, original, now, actor)
    else:
        rows = _qualify_and_place(session, lead, original, known, now)
    insert_now(session, lead, received, audited, *rows)
    make_transient_to_detached(lead)
    session.add(lead)
    return lead, True


@dataclass(frozen=True)
class Known:
    """What the database knows of an enquiry: ids. ``itself``: the lead with its external id; ``original``: the latest
    of its person; ``works``, ``owns``: the partners at its company."""

    itself: str | None
    original: str | None
    campaign_id: str | None
    works: str | None
    owns: str | None


def _made(new: LeadIn, now: datetime) -> Lead:
    """The lead, not yet written. Columns are given in full, so that every lead is one and the same statement."""
    facts = asdict(new)
    received_at = facts.pop("received_at") or now
    return Lead(
        id=new_id(), status=LeadStatus.RECEIVED, reason=None, score=None, grade=DEFAULT_GRADE, definition_id=None,
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
        session.execute(ONE_AT_A_TIME, {"one": keys[0], "other": keys[-1]})


def _known(session: AnySession, lead: Lead) -> Known:
    """What the database knows already: the lead with this ``external_id``, and the person's latest within the window.

    A phone that cannot be one is no sign of a person beside an e-mail address: many type the same made-up number.
    """
    phone = None if lead.phone_suspect and lead.email_norm else lead.phone_norm
    asked = {"external": lead.external_id, "email": lead.email_norm, "phone": phone, "called": lead.campaign,
             "domain": lead.company_domain, "but": lead.id}  # fmt: skip
    rows = session.execute(KNOWN, asked).all()
    ids = {row.what: row.id for row in rows if row.what != "lead"}
    read_already(session, ids["live"])
    kin = sorted((row for row in rows if row.what == "lead"), key=lambda r: (r.received_at, r.id), reverse=True)
    itself = next((row.id for row in kin if lead.external_id and row.external_id == lead.external_id), None)
    return Known(itself, _original(lead, kin), ids.get("campaign"), ids.get("works"), ids.get("owns"))


def _original(lead: Lead, kin: Sequence[Any]) -> str | None:
    """The person's latest lead within the window, a live one first."""
    since = lead.received_at - timedelta(days=DUPLICATE_DAYS)
    person = [row for row in kin if row.received_at >= since and row.status in (*LIVE_LEAD, *ENDED_LEAD)]
    live = next((row.id for row in person if row.status in LIVE_LEAD), None)
    return live or next((row.id for row in person), None)


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


def _qualify_and_place(
    session: AnySession, lead: Lead, original: Lead | None, known: Known, now: datetime
) -> list[Model]:
    """Score the lead, then place it; the rows to write beside it.

    One kept for nurture is offered only to who asked for early leads, and waits as nurture where nobody did.
    """
    config = snapshot(session)
    scored = score(config.definition, lead_facts(lead))
    lead.score, lead.grade, lead.definition_id = scored.points, scored.grade, config.definition_id
    if not scored.qualified and not scored.nurture:
        lead.status, lead.reason = LeadStatus.DISQUALIFIED, scored.reason
        return []
    _prefer(session, lead, original, known.works)
    placed, rows = decide(session, lead, facts_of_new(session, lead, known.owns), now)
    if scored.nurture and placed.outcome is DecisionOutcome.QUEUED:
        lead.status, lead.reason = LeadStatus.NURTURE, scored.reason
        return rows[-1:]
    return rows

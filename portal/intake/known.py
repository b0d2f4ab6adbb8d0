"""What the database knows of an enquiry before it is placed: its campaign, person and company."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, literal, null, select, true, union_all

from models.assignments import Assignment
from models.leads import Campaign, Lead
from models.partners import Live
from models.prepared import Prepared
from models.session import AnySession
from portal.allocation.statements import OWNS, WORKS
from portal.deadlines.live import read_already
from portal.vocabulary import LIVE_ASSIGNMENT, LIVE_LEAD, LeadStatus

DUPLICATE_DAYS = 180
#: Of one person and external id so many leads are looked at.
KIN = 50
#: A later enquiry by the same person about a lead in one of these opens a new lead.
ENDED_LEAD = (LeadStatus.WON, LeadStatus.LOST, LeadStatus.RETURNED, LeadStatus.NURTURE)
LEADS = cast(Table, Lead.__table__)
CAMPAIGNS = cast(Table, Campaign.__table__)
LIVE = cast(Table, Live.__table__)
KIN_COLUMNS = (LEADS.c.id, LEADS.c.external_id, LEADS.c.status, LEADS.c.received_at, LEADS.c.grade)


def _kin(column: Any, name: str) -> Any:
    """The latest leads that share one value. By one column each: SQLite would go through all leads for several."""
    same = select(*KIN_COLUMNS).where(column == bindparam(name))
    latest = same.order_by(LEADS.c.received_at.desc(), LEADS.c.id.desc()).limit(KIN).subquery()
    return select(literal("lead").label("what"), *latest.c)


def _told(what: str, id_: Any, where: Any) -> Any:
    """One more row of ``KNOWN``: what it is, and an id."""
    nothing = (null().label(name) for name in ("external_id", "status", "received_at", "grade"))
    return select(literal(what).label("what"), id_.label("id"), *nothing).where(where)


#: All that is asked before an enquiry is placed, in one statement: the live revision, its campaign, who works its
#: company and who owns the account, and the leads with its external id or of its person. {called, domain, but,
#: external, email, phone}
KNOWN = Prepared(
    union_all(
        _kin(LEADS.c.external_id, "external"),
        _kin(LEADS.c.email_norm, "email"),
        _kin(LEADS.c.phone_norm, "phone"),
        _told("live", LIVE.c.revision, LIVE.c.id == 1),
        _told("campaign", CAMPAIGNS.c.id, CAMPAIGNS.c.name == bindparam("called")),
        _told("works", WORKS.c.partner_id, true()),
        _told("owns", OWNS.c.partner_id, true()),
    )
)


class Kin(NamedTuple):
    """A lead with the enquiry's external id, or of its person."""

    id: str
    external_id: str | None
    status: LeadStatus
    received_at: datetime
    grade: str


@dataclass(frozen=True)
class Original:
    """The person's latest lead within the window. ``held``: its live assignment and that one's partner. ``holder``:
    who held it last, where that one was never at fault."""

    lead: Kin
    held: tuple[str, str] | None = None
    holder: str | None = None


@dataclass(frozen=True)
class Known:
    """``itself``: the lead with the enquiry's external id; ``works``, ``owns``: the partners at its company. Ids."""

    itself: str | None = None
    original: Original | None = None
    campaign_id: str | None = None
    works: str | None = None
    owns: str | None = None


def known_of(session: AnySession, lead: Lead) -> Known:
    """What is known of one enquiry, in one query, and one more where its person is known."""
    asked = {"external": lead.external_id, "email": lead.email_norm, "phone": phone_of(lead), "called": lead.campaign,
             "domain": lead.company_domain, "but": lead.id}  # fmt: skip
    rows = KNOWN.rows(session, **asked)
    ids = {row.what: row.id for row in rows if row.what != "lead"}
    read_already(session, ids["live"])
    itself, person = sort_out(lead, {row.id: Kin(*row[1:]) for row in rows if row.what == "lead"}.values())
    original = None
    if person is not None and itself is None:
        history = session.execute(select(*HISTORY).where(Assignment.lead_id == person.id).order_by(Assignment.id))
        original = original_of(person, history.all())
    return Known(itself, original, ids.get("campaign"), ids.get("works"), ids.get("owns"))


#: What is read of the assignments of a person's earlier lead.
HISTORY = (Assignment.lead_id, Assignment.id, Assignment.partner_id, Assignment.state, Assignment.earlier_holder)


def phone_of(lead: Lead) -> str | None:
    """The number that tells the person.

    One that cannot be a phone is no sign of a person beside an e-mail address: many type the same made-up number.
    """
    return None if lead.phone_suspect and lead.email_norm else lead.phone_norm


def sort_out(lead: Lead, kin: Iterable[Kin]) -> tuple[str | None, Kin | None]:
    """The lead that has this ``external_id``, and the person's latest within the window, a live one first."""
    external = lead.external_id
    latest = sorted(kin, key=lambda k: (k.received_at, k.id), reverse=True)
    nearest = sorted(latest, key=lambda k: not (external and k.external_id == external))[:KIN]
    itself = next((k.id for k in nearest if external and k.external_id == external), None)
    since = lead.received_at - timedelta(days=DUPLICATE_DAYS)
    person = [k for k in nearest if k.received_at >= since and k.status in (*LIVE_LEAD, *ENDED_LEAD)]
    live = next((k for k in person if k.status in LIVE_LEAD), None)
    return itself, live or next(iter(person), None)


def original_of(person: Kin, history: Sequence[Any]) -> Original:
    """The earlier lead with who holds it and who held it; ``history``: its assignments, the first one first.

    The last holder counts unless it ever declined, let expire or returned that lead.
    """
    held = next(((row.id, row.partner_id) for row in history if row.state in LIVE_ASSIGNMENT), None)
    last = history[-1].partner_id if history else None
    at_fault = any(row.earlier_holder for row in history if row.partner_id == last)
    return Original(person, held, None if at_fault else last)

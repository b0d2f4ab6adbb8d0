"""Who may see what: one query for each kind of object. Screens, API, exports and search all start here.

A partner sees its own. A channel manager with a portfolio sees those partners; what belongs to no partner is open to
all staff. What a query here does not give does not exist for that actor.
"""

from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from models.accounts import ApiKey, User
from models.appeals import Acknowledgement, Appeal
from models.assignments import Activity, Assignment, Deal, Feedback, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead, LeadEvent
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.errors import NotFound
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, Disposition, LeadEventKind, LeadStatus, Role

T = TypeVar("T")
#: In nobody's hands, and not closed by anybody: whoever manages partners may have to act.
NOBODYS = (
    LeadStatus.RECEIVED, LeadStatus.DUPLICATE, LeadStatus.DISQUALIFIED, LeadStatus.NURTURE, LeadStatus.UNALLOCATED,
    LeadStatus.POOLED, LeadStatus.RETURNED,
)  # fmt: skip
#: What the person did, and no partner: every holder may read it.
ENQUIRIES = (LeadEventKind.RECEIVED, LeadEventKind.ENQUIRED_AGAIN)
#: Closed by its outcome: the partner keeps its own won and lost leads in sight.
OUTCOME = (Disposition.WON, Disposition.LOST)


def _of(actor: Actor, column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Rows of a partner that the actor may see."""
    if actor.is_partner:
        return column == actor.partner_id
    if actor.role is Role.CHANNEL_MANAGER and actor.portfolio is not None:
        return column.in_(actor.portfolio)
    return true()


def partners(actor: Actor) -> Select[Partner]:
    """Partners: its own, its portfolio's, or all."""
    return select(Partner).where(_of(actor, Partner.id))


@lru_cache(maxsize=1024)
def holds(partner_id: str | None) -> ColumnElement[bool]:
    """That a partner holds the lead now, or was the last to hold it and closed it as won or lost.

    A lead that was reopened and went elsewhere is out of sight, whatever becomes of it there. Asked from the
    partner's assignments, not lead by lead, so that it costs the same however many leads others have; kept, since
    building it costs more than asking the database.
    """
    held, later, of = aliased(Assignment), aliased(Assignment), aliased(Lead)
    went_on = select(later.id).where(later.lead_id == held.lead_id, later.id > held.id).exists()
    closed = (
        (held.state == AssignmentState.CLOSED)
        & held.disposition.in_(OUTCOME)
        & of.status.in_((LeadStatus.WON, LeadStatus.LOST))
        & ~went_on
    )
    return Lead.id.in_(
        select(held.lead_id)
        .join(of, of.id == held.lead_id)
        .where(held.partner_id == partner_id, or_(held.state.in_(LIVE_ASSIGNMENT), closed))
    )


def leads(actor: Actor) -> Select[Lead]:
    """Leads: in the partner's hands now (or won or lost by it); for a portfolio its partners' and those in no hands."""
    if actor.is_partner:
        return select(Lead).where(holds(actor.partner_id))
    if actor.role is Role.CHANNEL_MANAGER and actor.portfolio is not None:
        ever = select(Assignment.lead_id).where(Assignment.partner_id.in_(actor.portfolio))
        return select(Lead).where(or_(Lead.id.in_(ever), Lead.status.in_(NOBODYS)))
    return select(Lead)


def assignments(actor: Actor) -> Select[Assignment]:
    """Assignments of the partners the actor sees."""
    return select(Assignment).where(_of(actor, Assignment.partner_id))


def obligations(actor: Actor) -> Select[Obligation]:
    """Obligations of the partners the actor sees."""
    return select(Obligation).where(_of(actor, Obligation.partner_id))


def deals(actor: Actor) -> Select[Deal]:
    """Deals of the partners the actor sees."""
    return select(Deal).where(_of(actor, Deal.partner_id))


def activities(actor: Actor) -> Select[Activity]:
    """Touches and notes of the partners the actor sees."""
    return select(Activity).where(_of(actor, Activity.partner_id))


def feedback(actor: Actor, *, taken_back: bool = False) -> Select[Feedback]:
    """Feedback of the partners the actor sees; what was taken back counts nowhere and is left out unless asked for."""
    found = select(Feedback).where(_of(actor, Feedback.partner_id))
    return found if taken_back else found.where(Feedback.taken_back_at.is_(None))


def ledger(actor: Actor) -> Select[LedgerEntry]:
    """Ledger lines of the partners the actor sees."""
    return select(LedgerEntry).where(_of(actor, LedgerEntry.partner_id))


def appeals(actor: Actor) -> Select[Appeal]:
    """Appeals of the partners the actor sees."""
    return select(Appeal).where(_of(actor, Appeal.partner_id))


def acknowledgements(actor: Actor) -> Select[Acknowledgement]:
    """What the partners that the actor sees have acknowledged."""
    return select(Acknowledgement).where(_of(actor, Acknowledgement.partner_id))


def timeline(actor: Actor) -> Select[LeadEvent]:
    """Timeline lines: staff all; a partner its own, and the person's own enquiries on leads it holds."""
    if not actor.is_partner:
        return select(LeadEvent)
    enquiries = LeadEvent.partner_id.is_(None) & LeadEvent.kind.in_(ENQUIRIES)
    return select(LeadEvent).where(or_(LeadEvent.partner_id == actor.partner_id, enquiries))


def users(actor: Actor) -> Select[User]:
    """People: an admin all, a partner its own team, a manager the teams of its partners."""
    if actor.role is Role.ADMIN:
        return select(User)
    if actor.is_partner or actor.role is Role.CHANNEL_MANAGER:
        return select(User).where(User.partner_id.is_not(None), _of(actor, User.partner_id))
    return select(User).where(false())


def keys(actor: Actor) -> Select[ApiKey]:
    """Keys: an admin all, a partner admin its own partner's."""
    if actor.role is Role.ADMIN:
        return select(ApiKey)
    if actor.role is Role.PARTNER_ADMIN:
        return select(ApiKey).where(ApiKey.partner_id == actor.partner_id)
    return select(ApiKey).where(false())


def one(session: AnySession, query: Select[T], column: InstrumentedAttribute[str], object_id: str) -> T:
    """The one object of an access query by its id. Raises NotFound, the same for hidden and for absent."""
    found = session.scalars(query.where(column == object_id)).first()
    if found is None:
        raise NotFound
    return found

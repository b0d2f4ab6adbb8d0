"""What a link of a mail may still do: found for its reader alone, used up in the transaction of the act."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import select, update

from models.accounts import User
from models.assignments import Assignment
from models.leads import Lead
from models.notices import MailLink
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.accounts.service import actor_for_user
from portal.deadlines import service as deadlines
from portal.errors import Conflict
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, Disposition, MailAct, ObligationKind

ANSWERS = (MailAct.ACCEPT, MailAct.DECLINE)
OUTCOMES = (Disposition.WON, Disposition.LOST)


class Ended(Enum):
    """Why a link does nothing any more."""

    USED = "used"
    GONE = "gone"
    ANSWERED = "answered"
    CLOSED = "closed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Opened:
    """A link that was made for somebody who may still act. ``lead``: None where it is out of the partner's sight."""

    link: MailLink
    user: User
    actor: Actor
    assignment: Assignment
    lead: Lead | None
    ended: Ended | None


def opened(session: AnySession, link_id: str, now: datetime) -> Opened | None:
    """The link, with what stands against using it now; None where it is nobody's any more.

    Nobody's: never made or long forgotten, its reader switched off, or the assignment another partner's.
    """
    row = session.execute(
        select(MailLink, User)
        .join(User, User.id == MailLink.user_id)
        .where(MailLink.id == link_id, MailLink.ended_at.is_(None), User.active, User.partner_id.is_not(None))
    ).first()
    if row is None:
        return None
    link, user = row
    actor = actor_for_user(session, user)
    held = session.scalars(access.assignments(actor).where(Assignment.id == link.assignment_id)).first()
    if held is None:
        return None
    lead = session.scalars(access.leads(actor).where(Lead.id == held.lead_id)).first()
    owed = bool(deadlines.owed(session, held.id, [ObligationKind.FEEDBACK]))
    ended = ended_by(link, held.state, held.disposition, now, seen=lead is not None, feedback_owed=owed)
    return Opened(link, user, actor, held, lead, ended)


def ended_by(
    link: MailLink,
    state: AssignmentState,
    disposition: Disposition | None,
    now: datetime,
    *,
    seen: bool,
    feedback_owed: bool,
) -> Ended | None:
    """Why a link does nothing any more; None where it still acts. The first that holds is told.

    1. It was used.
    2. The lead has left these hands, or is out of their sight.
    3. It answers an offer that the partner has accepted.
    4. The lead is closed; only feedback that is still owed on a won or lost one may be given.
    5. Its time is over.
    """
    if link.used_at is not None:
        return Ended.USED
    if state not in (*LIVE_ASSIGNMENT, AssignmentState.CLOSED) or not seen:
        return Ended.GONE
    if link.act in ANSWERS and state is AssignmentState.ACCEPTED:
        return Ended.ANSWERED
    late_word = link.act is MailAct.FEEDBACK and disposition in OUTCOMES and feedback_owed
    if state is AssignmentState.CLOSED and not late_word:
        return Ended.CLOSED
    return Ended.EXPIRED if link.expires_at <= now else None


def spend(session: AnySession, link_id: str, now: datetime) -> None:
    """Use a link up, in the transaction of its act; of two at the same moment one wins. Raises Conflict."""
    used = session.execute(
        update(MailLink)
        .where(MailLink.id == link_id, MailLink.used_at.is_(None), MailLink.ended_at.is_(None))
        .where(MailLink.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict("This link was used already.")

"""Whether a partner can be told of a lead: the column that allocation's gate reads."""

from datetime import datetime

from sqlalchemy import select

from models.accounts import User
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import SYSTEM
from portal.accounts.audit import record


def refresh_reachable(session: AnySession, partner_id: str | None, now: datetime) -> None:
    """Bring ``partner.reachable`` up to date; who becomes reachable is tried for waiting leads again.

    Reachable: it has an active user (an invited one counts, even after the invitation expired) whose
    address has no permanent bounce on record. Call it in the transaction of whatever changed a user.
    """
    session.flush()
    # Locked first, so that of two changes at once the later one counts the other's.
    partner = session.get(Partner, partner_id, with_for_update=True) if partner_id else None
    if partner is None:
        return
    answering = select(User.id).where(User.partner_id == partner_id, User.active, User.bounced_at.is_(None))
    reachable = session.scalars(answering.limit(1)).first() is not None
    if reachable and not partner.reachable:
        partner.freed_at = now
    partner.reachable = reachable


def address_bounced(session: AnySession, user_id: str, address: str, now: datetime) -> None:
    """A mail server said that ``address`` will never take mail: nothing more is sent there.

    Nothing changes where the user has another address by now, or the bounce is on record already.
    """
    user = session.get(User, user_id)
    if user is None or user.email != address or user.bounced_at is not None:
        return
    user.bounced_at = now
    record(session, SYSTEM, "user.bounced", "user", user.id, now, partner_id=user.partner_id)
    refresh_reachable(session, user.partner_id, now)

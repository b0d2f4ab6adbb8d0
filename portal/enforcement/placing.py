"""Placing leads that wait: right after they were set free, and again whenever something changed that may help."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import and_, func, or_, select

from models.leads import Lead
from models.partners import Live, Partner
from models.session import AnySession, unit
from portal.allocation import pool
from portal.allocation.service import place
from portal.deadlines.assignments import locked_lead, send_on
from portal.vocabulary import LeadStatus, QueueReason

log = structlog.get_logger()
#: How far apart two acts may be written that happened at once: clocks and commits of several processes.
OVERLAP = timedelta(minutes=1)


def place_freed(session: AnySession, lead_ids: Iterable[str], now: datetime) -> int:
    """Place leads that an ended assignment set free, each in its own transaction; how many found a place.

    What fails here stays unallocated and visible, and the sweep takes it up: nothing is lost.
    """
    return sum(_place_or_leave(session, lead_id, now) for lead_id in lead_ids)


def _place_or_leave(session: AnySession, lead_id: str, now: datetime) -> bool:
    try:
        return unit(session, partial(place_waiting, session, lead_id, now))
    except Exception as error:  # what set the lead free is done and stays done, whatever is wrong with this one
        log.error("placing: left to the sweep", lead_id=lead_id, problem=repr(error))
        return False


def place_waiting(session: AnySession, lead_id: str, now: datetime, *, by_hand: bool = False) -> bool:
    """Place one lead if it still waits; whether it found a partner or the pool.

    One at the policy's limit of moves is tried only where a manager says so (``by_hand``).
    """
    lead = locked_lead(session, lead_id)
    limited = lead.reason == QueueReason.HAND_OVER_LIMIT and not by_hand
    if lead.status is not LeadStatus.UNALLOCATED or limited:
        return False
    place(session, lead, now)
    return lead.status is not LeadStatus.UNALLOCATED


def waiting(session: AnySession, now: datetime, limit: int = 200) -> list[str]:
    """Leads worth another try, best grade first, then oldest.

    1. Never tried since they were set free (a crash may have come between), or
    2. tried before a partner's room or standing grew, or before rules or settings changed, or
    3. tried so shortly after such a change that it may have missed another one just being committed: once more, or
    4. time alone opens a gate: a closure or quiet period ended, a day or week cap began anew.
    Leads at the policy's limit of moves wait for a manager and are not among them. After the ``limit`` best come as
    many that were not tried for the longest time, so that no number of better ones keeps a lead from its try.
    """
    freed = session.scalar(select(func.max(Partner.freed_at)))
    changed = session.scalar(select(Live.changed_at).where(Live.id == 1))
    newest = max((t for t in (freed, changed) if t is not None), default=now)
    overlooked = and_(Lead.tried_at <= newest + OVERLAP, Lead.tried_at <= now - OVERLAP)
    query = (
        select(Lead.id)
        .where(
            Lead.status == LeadStatus.UNALLOCATED,
            Lead.reason != QueueReason.HAND_OVER_LIMIT.value,
            or_(Lead.tried_at.is_(None), Lead.tried_at <= newest, overlooked, Lead.retry_at <= now),
        )
        .limit(limit)
    )
    best = session.scalars(query.order_by(Lead.grade, Lead.received_at, Lead.id)).all()
    if len(best) < limit:
        return list(best)
    return list(dict.fromkeys((*best, *session.scalars(query.order_by(Lead.tried_at, Lead.received_at, Lead.id)))))


def end_pool(session: AnySession, lead_id: str, now: datetime) -> bool:
    """A lead that nobody claimed goes where its rule says; whether it was still in the pool."""
    lead = locked_lead(session, lead_id)
    if lead.status is not LeadStatus.POOLED or lead.pool_until is None or lead.pool_until > now:
        return False
    rule = (lead.pool or {}).get("rule")
    send_on(session, lead, now, counts=False)
    place(session, lead, now, unclaimed_of=rule)
    return True


def over(session: AnySession, now: datetime) -> list[str]:
    """Pooled leads whose time is over."""
    return list(pool.due_back(session, now))

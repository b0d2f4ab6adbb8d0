"""The day's start: one mail for each user of a partner with what is overdue and what is due by the end of the day.

It is a warning that names no assignment, one for each partner and day. It keeps to opening hours as every
warning does, so it goes out when they begin, and on a day without any it waits for the next.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import IntegrityError

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.platform import Outbox
from models.session import AnySession
from portal.notifications.matter import known_of
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic, ObligationState

#: A partner open past midnight has two days in one evening, and needs one digest.
APART = timedelta(hours=12)
LONGEST_DAY = timedelta(hours=25)


def is_digest(row: Outbox) -> bool:
    """Whether a notice is a day's digest."""
    return row.topic is NoticeTopic.WARNING and row.audience == "partner" and str(row.once).startswith("digest:")


def write_digests(session: AnySession, now: datetime) -> int:
    """Write the digest of each partner whose day has begun, to be posted from the next pass on; how many.

    1. Something is overdue, or due by the end of the partner's local day, and was owed when that day began:
       what came up since has been told by itself.
    2. None is waiting, none was written for this day, and none was posted in the last 12 hours.
    """
    owing = select(Partner.id, Partner.timezone).where(Partner.active, Partner.id.in_(_owing(now)))
    zones = {row.id: row.timezone for row in session.execute(owing)}
    done = _done(session, zones, now) if zones else set()
    return sum(
        _write(session, partner_id, zone, now)
        for partner_id, zone in sorted(zones.items())
        if partner_id not in done and _owed(session, partner_id, zone, now, opened_before=day(zone, now)[0])
    )


def items(session: AnySession, partner_id: str, zone: str, now: datetime) -> list[dict[str, Any]]:
    """What a partner owes by the end of its day: overdue first, then by due time; facts as of a notice each."""
    rows = _owed(session, partner_id, zone, now)
    return [
        {
            "kind": obligation.kind, "due_at": obligation.due_at.isoformat(), "url": f"/leads/{lead.id}",
            "late": obligation.state is ObligationState.BREACHED, "obligation_id": obligation.id,
            "assignment_id": assignment.id,
            **known_of(lead, assignment),
        }
        for obligation, assignment, lead in rows
    ]  # fmt: skip


def day(zone: str, now: datetime) -> tuple[datetime, datetime]:
    """The local day of ``now`` in ``zone``: its first instant and the next day's. Aware."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    return (
        datetime.combine(today, time.min, place),
        datetime.combine(today + timedelta(days=1), time.min, place),
    )


def key_of(partner_id: str, zone: str, now: datetime) -> str:
    """What keeps a day's digest one."""
    return f"digest:{partner_id}:{day(zone, now)[0].date().isoformat()}"


def _still_owed() -> ColumnElement[bool]:
    return and_(Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)), Obligation.settled_at.is_(None))


def _owing(now: datetime) -> Any:
    return select(Obligation.partner_id).where(_still_owed(), Obligation.due_at < now + LONGEST_DAY)


def _owed(
    session: AnySession, partner_id: str, zone: str, now: datetime, opened_before: datetime | None = None
) -> Sequence[Any]:
    _, ends = day(zone, now)
    owed = (
        select(Obligation, Assignment, Lead)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Lead, Lead.id == Obligation.lead_id)
        .where(Obligation.partner_id == partner_id, _still_owed(), Obligation.due_at < ends)
        .order_by(Obligation.due_at, Obligation.id)
    )
    if opened_before is not None:
        owed = owed.where(Obligation.opened_at < opened_before).limit(1)
    rows = session.execute(owed).all()
    return sorted(rows, key=lambda row: row.Obligation.state is not ObligationState.BREACHED)


def _done(session: AnySession, zones: dict[str, str], now: datetime) -> set[str]:
    keys = {key_of(partner_id, zone, now) for partner_id, zone in zones.items()}
    recent = and_(
        Outbox.partner_id.in_(zones),
        Outbox.created_at > now - 8 * LONGEST_DAY,
        Outbox.once.like("digest:%"),
        or_(Outbox.state == "pending", Outbox.posted_at > now - APART),
    )
    return set(filter(None, session.scalars(select(Outbox.partner_id).where(or_(Outbox.once.in_(keys), recent)))))


def _write(session: AnySession, partner_id: str, zone: str, now: datetime) -> int:
    try:
        with session.begin_nested():
            notify(
                session, NoticeTopic.WARNING, "partner", now, partner_id=partner_id,
                once=key_of(partner_id, zone, now), facts={"url": "/work"},
            )  # fmt: skip
            session.flush()
    except IntegrityError:  # another process was first
        return 0
    return 1

"""The heartbeat of whoever serves, and the outages that its silence shows.

A beat is written on a timer, never by a request. Silence becomes an outage when the clock looks, or when the next
beat comes, whichever is first; so no act after an outage can be measured before the outage is on record.
"""

from datetime import datetime

from sqlalchemy import delete, select

from models.base import new_id
from models.excuses import Heartbeat, Outage
from models.session import AnySession
from portal.accounts.actor import SYSTEM
from portal.accounts.audit import record
from portal.compliance.outages import HELD_AT_MOST, Beat, Machine, gap_of
from portal.vocabulary import OutageKind, OutageOrigin

#: A process that has been silent for so long left nothing to compare with.
KEPT = HELD_AT_MOST * 5
FALSE_ALARM = "The portal was there all the time: a clock had been moved."
REASON = "Nobody could reach the portal: the process that serves it was not running."


def beat(session: AnySession, name: str, now: datetime, machine: Machine) -> None:
    """One process says that it serves. Where all were silent for too long, the outage ends here and is recorded."""
    last = _last(session)
    gap = gap_of([last] if last else [], now, machine)
    going_on = _going_on(session)
    if gap is not None:
        _ended(session, going_on or _begun(session, gap[0], now), now)
    elif going_on is not None:
        going_on.ends_at, going_on.withdrawn_at, going_on.withdrawn_by_name = now, now, SYSTEM.name
        going_on.withdrawn_reason = FALSE_ALARM
    _written(session, name, now, machine)


def watch(session: AnySession, now: datetime, machine: Machine) -> bool:
    """Record that nobody serves, where that is so; whether it is. Where no beat was ever written it never is."""
    last = _last(session)
    gap = gap_of([last] if last else [], now, machine)
    if gap is None:
        return False
    if _found(session, gap[0]) is None:
        _begun(session, gap[0], now)
    return True


def silent(session: AnySession, now: datetime) -> bool:
    """Whether an outage is going on, for which the sweep holds back what falls due: at most a week."""
    going_on = _going_on(session)
    return going_on is not None and going_on.starts_at > now - HELD_AT_MOST


def last_beat(session: AnySession) -> datetime | None:
    """When a process last said that it serves; None where none ever did."""
    return session.scalar(select(Heartbeat.beat_at).order_by(Heartbeat.beat_at.desc()).limit(1))


def _last(session: AnySession) -> Beat | None:
    row = session.scalars(select(Heartbeat).order_by(Heartbeat.beat_at.desc()).limit(1)).first()
    return Beat(row.beat_at, Machine(row.boot, row.ticks)) if row else None


def _going_on(session: AnySession) -> Outage | None:
    return session.scalars(select(Outage).where(Outage.ends_at.is_(None), Outage.withdrawn_at.is_(None))).first()


def _found(session: AnySession, starts_at: datetime) -> Outage | None:
    found = select(Outage).where(Outage.origin == OutageOrigin.HEARTBEAT, Outage.starts_at == starts_at)
    return session.scalars(found).first()


def _begun(session: AnySession, starts_at: datetime, now: datetime) -> Outage:
    """The outage that began at the last beat; the index on its start keeps it one."""
    known = _found(session, starts_at)
    if known is not None:
        return known
    outage = Outage(
        id=new_id(), kind=OutageKind.OUTAGE, origin=OutageOrigin.HEARTBEAT, starts_at=starts_at, reason=REASON,
        created_at=now, created_by_name=SYSTEM.name,
    )  # fmt: skip
    session.add(outage)
    session.flush()
    record(session, SYSTEM, "outage.found", "outage", outage.id, now, facts={"from": starts_at.isoformat()})
    return outage


def _ended(session: AnySession, outage: Outage, now: datetime) -> None:
    if outage.ends_at is None and outage.withdrawn_at is None:
        outage.ends_at = now
        facts = {"from": outage.starts_at.isoformat(), "to": now.isoformat()}
        record(session, SYSTEM, "outage.end", "outage", outage.id, now, facts=facts)


def _written(session: AnySession, name: str, now: datetime, machine: Machine) -> None:
    row = session.get(Heartbeat, name)
    if row is None:
        session.execute(delete(Heartbeat).where(Heartbeat.beat_at < now - KEPT))
        row = Heartbeat(name=name, started_at=now)
        session.add(row)
    row.beat_at, row.boot, row.ticks = now, machine.boot, machine.ticks

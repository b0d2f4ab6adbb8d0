"""Days off of the vendor: declared for all partners, left out of every deadline that opens afterwards."""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from models.base import new_id
from models.calendars import VendorDay
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.calendars.hours import DayOff
from portal.deadlines.live import cached, changed
from portal.errors import Invalid, NotFound

#: In one calendar year. With the longest closure of a partner this leaves openings within the 400 days searched.
MOST_A_YEAR = 30
YEARS_AHEAD = 3
LONGEST_NAME = 100


def days_off(session: AnySession) -> tuple[DayOff, ...]:
    """The declared days in order, cached by revision."""
    return cached(session, "vendor_days", _load)


def _load(session: AnySession) -> tuple[DayOff, ...]:
    rows = session.execute(select(VendorDay.day, VendorDay.name).order_by(VendorDay.day))
    return tuple(DayOff(day, name) for day, name in rows)


def declare(session: AnySession, day: date, name: str, now: datetime, actor: Actor) -> VendorDay:
    """Make a day a day off from this commit on. Raises Invalid.

    1. It is today (UTC) or later, at most three years ahead: what is past is never counted anew.
    2. It is not declared yet, and has a name that partners may read.
    3. A year has at most 30: else a partner with few hours might have no opening left.
    Deadlines that are open keep their due time; nothing is opened again.
    """
    errors = [*_why_not_day(session, day, now), *_why_not_name(name)]
    if errors:
        raise Invalid(errors)
    row = VendorDay(
        id=new_id(), day=day, name=name.strip(), declared_at=now, declared_by=actor.id, declared_by_name=actor.name
    )
    session.add(row)
    session.flush()
    changed(session)
    record(session, actor, "vendor_day.declare", "vendor_day", row.id, now,
           facts={"day": day.isoformat(), "name": row.name})  # fmt: skip
    return row


def _why_not_day(session: AnySession, day: date, now: datetime) -> list[tuple[str, str]]:
    if not now.date() <= day <= now.date() + timedelta(days=366 * YEARS_AHEAD):
        return [("day", f"Give today or a later day, at most {YEARS_AHEAD} years ahead.")]
    if session.scalar(select(VendorDay.id).where(VendorDay.day == day)):
        return [("day", "This day is declared already.")]
    in_year = VendorDay.day.between(date(day.year, 1, 1), date(day.year, 12, 31))
    if (session.scalar(select(func.count()).select_from(VendorDay).where(in_year)) or 0) >= MOST_A_YEAR:
        return [("day", f"{day.year} has {MOST_A_YEAR} days off already; withdraw one first.")]
    return []


def _why_not_name(name: str) -> list[tuple[str, str]]:
    if not name.strip() or "\x00" in name:
        return [("name", "Say what day it is: partners read it beside their due times.")]
    return [("name", f"Use at most {LONGEST_NAME} characters.")] if len(name.strip()) > LONGEST_NAME else []


def withdraw(session: AnySession, day_id: str, now: datetime, actor: Actor) -> VendorDay:
    """Count a day again in deadlines that open from now on. Raises NotFound, and Invalid for a day that is past."""
    row = session.scalars(select(VendorDay).where(VendorDay.id == day_id).with_for_update()).first()
    if row is None:
        raise NotFound
    if row.day < now.date():
        raise Invalid([("day", "This day is past: it stays as it was counted.")])
    session.delete(row)
    session.flush()
    changed(session)
    record(session, actor, "vendor_day.withdraw", "vendor_day", row.id, now,
           facts={"day": row.day.isoformat(), "name": row.name})  # fmt: skip
    return row

"""The vendor's own hours and quiet periods: whether a lead arrived in hours, and when nobody is to get leads."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from models.partners import Live
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation.arrival import HOURS, vendor_calendar
from portal.calendars.errors import CalendarError
from portal.compliance.settings import CHECKS
from portal.deadlines.live import changed
from portal.errors import Conflict, Invalid

SETTINGS = (*HOURS, "quiet_periods")
UNSAID: dict[str, Any] = {
    "timezone": "UTC", "country": None, "opening_hours": None, "holidays": None, "closures": [], "quiet_periods": [],
}  # fmt: skip


def settings(session: AnySession) -> dict[str, Any]:
    """What is set, and what counts where nothing is."""
    return {**UNSAID, **(session.scalars(select(Live.vendor).where(Live.id == 1)).one() or {})}


def checked(data: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """The settings after a change; null takes one back to where nothing was said. Raises Invalid."""
    errors = [(name, "The vendor has no such setting.") for name in data if name not in SETTINGS]
    wanted = {**current, **{name: value for name, value in data.items() if name in SETTINGS}}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    for name in {"quiet_periods", "country"} & set(wanted):
        try:
            wanted[name] = CHECKS[name](wanted[name])
        except ValueError as error:
            errors.append((name, str(error)))
    try:
        vendor_calendar(wanted)
    except CalendarError as error:
        errors.append((error.field, error.message))
    if errors:
        raise Invalid(errors)
    return wanted


def mark(settings: Mapping[str, Any]) -> str:
    """A short word for the settings as they are, to know them again by."""
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def change(
    session: AnySession, data: Mapping[str, Any], now: datetime, actor: Actor, read: str | None = None
) -> dict[str, Any]:
    """Set what is sent, from now on; leads that wait are tried again. ``read``: the ``mark`` of what was read.

    Raises Invalid, and Conflict where what was read is no longer so.
    """
    live = session.scalars(select(Live).where(Live.id == 1).with_for_update()).one()
    if read is not None and read != mark(UNSAID | (live.vendor or {})):
        raise Conflict("Somebody else changed the hours meanwhile: look again first.")
    live.vendor = checked(data, live.vendor or {})
    live.changed_at = max(live.changed_at, now)
    session.flush()
    changed(session)
    record(session, actor, "vendor.change", "vendor", "vendor", now, facts={"changed": sorted(data)})
    return settings(session)

"""By whose hours a due time is worked out, and in which zone it is told: for every page that explains one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import g
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from models.base import db
from models.partners import Partner
from portal.accounts import access
from portal.calendars.describe import zone_name
from portal.calendars.hours import Calendar, parse_calendar
from portal.deadlines import example
from portal.deadlines.example import Example
from portal.deadlines.service import calendar_of
from portal.deadlines.vendor_days import days_off
from portal.web.shell import zone
from portal.web.staff.forms import LAST_YEAR
from portal.web.visitor import actor, now

FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
DEFAULT_HOURS = "default hours"
DEFAULT_LABEL = "Default: Mon to Fri 09:00-17:00"


@dataclass(frozen=True)
class Clockwork:
    """A calendar to count in, whose it is, and the zone in which its instants are shown."""

    calendar: Calendar
    whose: str
    zone: str

    def zone_at(self, at: datetime) -> str:
        """The zone in words, by the name that its clocks go by at an instant: "CET (Berlin)"."""
        name, place = zone_name(at.astimezone(ZoneInfo(self.zone))), place_name(self.zone)
        return name if name == place else f"{name} ({place})"


def place_name(name: str) -> str:
    """An IANA zone as people read it: "Berlin"."""
    return name.rpartition("/")[2].replace("_", " ")


def partners() -> Sequence[Partner]:
    """The partners whose calendars the visitor may choose, by name; read once a request."""
    if "example_partners" not in g:
        g.example_partners = db.session.scalars(access.partners(actor()).order_by(Partner.name, Partner.id)).all()
    return cast(Sequence[Partner], g.example_partners)


def calendars() -> list[SelectChoice]:
    """The vendor's default, then every partner that the visitor sees."""
    named = [SelectChoice(partner.id, partner.name) for partner in partners()]
    return [SelectChoice("", DEFAULT_LABEL), *named]


def zones() -> list[SelectChoice]:
    """The calendar's own, the reader's, those of the partners, and UTC."""
    known = sorted({zone(), "UTC", *(partner.timezone for partner in partners())})
    return [SelectChoice("", "The calendar's zone"), *(SelectChoice(name, name.replace("_", " ")) for name in known)]


def clockwork(partner_id: str | None, shown_in: str | None) -> Clockwork:
    """The calendar chosen; one that the visitor may not see is the vendor's default, as is none."""
    known = shown_in in {choice.value for choice in zones()} if shown_in else False
    found = next((partner for partner in partners() if partner.id == partner_id), None) if partner_id else None
    if found is not None:
        return Clockwork(
            calendar_of(found), f"{found.name}'s hours", shown_in if known and shown_in else found.timezone
        )
    place = shown_in if known and shown_in else zone()
    return Clockwork(default_calendar(place), DEFAULT_HOURS, place)


def default_calendar(place: str) -> Calendar:
    """Monday to Friday 09:00-17:00 in a zone, no public holidays; the vendor's days off left out."""
    plain = parse_calendar({"timezone": place, "country": "DE", "holidays": None})
    return replace(plain, days_off=days_off(db.session))


def start_of(typed: datetime | None, place: str) -> datetime:
    """The start in UTC: what was typed, in the zone; else the coming Friday 16:00."""
    if typed is not None and 1900 <= typed.year <= LAST_YEAR:
        return typed.replace(tzinfo=ZoneInfo(place)).astimezone(UTC)
    return friday(place)


def friday(place: str) -> datetime:
    """The coming Friday 16:00 in a zone, in UTC: where deadlines surprise people."""
    today = now().astimezone(ZoneInfo(place)).date()
    day = today + timedelta(days=(4 - today.weekday()) % 7 or 7)
    return datetime.combine(day, time(16), tzinfo=ZoneInfo(place)).astimezone(UTC)


def told(found: Example, clocks: Clockwork) -> dict[str, Any]:
    """One deadline, worked out, in words."""
    year = found.start.astimezone(ZoneInfo(clocks.zone)).year
    return {
        "sentence": example.sentence(found, clocks.zone, year, clocks.whose),
        "why": example.why(found, clocks.calendar, clocks.zone, year),
    }

"""What the frame around every page says of its reader: organisation, zone, and a partner's standing."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request, url_for

from portal.calendars.describe import zone_name
from portal.web.shell import when, zone
from portal.web.visitor import actor, now, signed_in, visitor


def hold() -> None:
    """Keep the reader's partner for the length of the request: its zone is asked for with every instant shown."""
    if request.endpoint not in (None, "static") and request.blueprint != "bootstrap" and signed_in():
        g.organisation = visitor().organisation


def frame() -> dict[str, Any]:
    """The layout's context; nothing where nobody is signed in."""
    if not signed_in():
        return {}
    partner, place = visitor().organisation, zone()
    short = zone_name(now().astimezone(ZoneInfo(place)))
    shown: dict[str, Any] = {
        "user_line": partner.name if partner else actor().role.label,
        "zone_line": f"Times in {short} ({place.split('/')[-1].replace('_', ' ')})",
    }
    if partner is not None:
        until = when(partner.standing_until) if partner.standing_until else None
        shown["my_standing"] = {"standing": partner.standing, "url": url_for("standing.index"), "until": until}
    return shown

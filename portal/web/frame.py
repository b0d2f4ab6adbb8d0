"""What the frame around every page says of its reader: organisation, zone, and a partner's standing."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, url_for

from portal.calendars.describe import zone_name
from portal.web.shell import when, zone
from portal.web.visitor import actor, now, signed_in, visitor


def frame() -> dict[str, Any]:
    """The layout's context; where nobody is signed in, only the zone in which times are shown."""
    place = zone()
    reader = f"{zone_name(now().astimezone(ZoneInfo(place)))} ({place.split('/')[-1].replace('_', ' ')})"
    if not signed_in():
        return {"reader_zone": reader}
    partner = visitor().organisation
    shown: dict[str, Any] = {
        "reader_zone": reader,
        "zone_line": f"Times in {reader}",
        "user_line": partner.name if partner else actor().role.label,
    }
    if partner is not None:
        until = when(partner.standing_until) if partner.standing_until else None
        shown["my_standing"] = {"standing": partner.standing, "url": url_for("standing.index"), "until": until}
    return shown


def install(app: Flask) -> None:
    """Give every template the frame's words."""
    app.context_processor(frame)

"""What every page needs: the reader's times, the navigation, and answering a form with a sentence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.calendars.describe import Described, describe_instant, exact
from portal.errors import Conflict, Forbidden, Invalid
from portal.vocabulary import Role
from portal.web.visitor import actor, now, signed_in, visitor

SOON = timedelta(hours=4)
#: Label, endpoint, icon, and the short word of the phone's bottom bar (None: under More).
Item = tuple[str, str, str, str | None]
PARTNER_NAV: tuple[Item, ...] = (
    ("My work", "work.index", "check-square", "My work"),
    ("Open pool", "pool.index", "inbox", "Open pool"),
    ("All our leads", "our_leads.index", "people", None),
    ("Our standing", "standing.index", "ladder", "Standing"),
    ("Team and hours", "team.index", "clock", None),
)
MANAGER_NAV: tuple[Item, ...] = (
    ("Morning", "morning.index", "sunrise", "Morning"),
    ("Compliance board", "board.index", "shield", "Board"),
    ("Queue", "queue.index", "hourglass", "Queue"),
    ("Fairness", "fairness.index", "chart", None),
    ("Appeals", "appeals.index", "appeal", None),
    ("Outages", "outages.index", "clock", None),
)
MARKETING_NAV: tuple[Item, ...] = (
    ("Leads", "leads.index", "people", "Leads"),
    ("Lead definition", "definition.index", "target", None),
)
ADMIN_NAV: tuple[Item, ...] = (
    ("Rules", "rules.index", "signpost", None),
    ("Policies", "policies.index", "timer", None),
    ("Partners", "partners.index", "people", None),
    ("People and keys", "people.index", "key", None),
    ("Audit", "audit.index", "scroll", None),
    ("Health", "machinery.index", "heart", None),
)
EVERYONE_NAV: tuple[Item, ...] = (
    ("Scoreboard", "scoreboard.index", "grid", None),
    ("Coverage", "coverage.index", "search", None),
    ("Due times", "due_times.index", "calendar", None),
)


#: Pages without an entry of their own, and the entry that they belong to.
WITHIN = {
    "partner": "board",
    "partner_why": "board",
    "our_why": "standing",
    "board_acts": "board",
    "by_hand": "queue",
    "lead_actions": "leads",
    "lead": "leads",
    "appeal": "standing",
    "our_due_times": "team",
    "policy_drafts": "policies",
    "policy_whatif": "policies",
    "ahead": "morning",
    "signals": "morning",
    "vendor_days": "policies",
    "vendor_hours": "rules",
    "lists": "rules",
    "rules_edit": "rules",
    "rules_text": "rules",
    "rules_try": "rules",
    "rules_whatif": "rules",
}


def zone() -> str:
    """The reader's zone: its partner's, or its own."""
    if not signed_in():
        return "UTC"
    organisation = visitor().organisation
    return organisation.timezone if organisation else actor().timezone


def when(at: datetime | None) -> str:
    """An instant in the reader's zone, exact: "today 17:00 CET"."""
    return exact(at, zone(), now()) if at else ""


def due(at: datetime) -> dict[str, str]:
    """What the due-time chip shows: iso, relative, exact, level (late, soon, later)."""
    text = describe_instant(at, zone(), now())
    soon = at - now() < SOON or text["exact"].startswith("today")
    return {"iso": at.isoformat(), **_texts(text), "level": "late" if at <= now() else "soon" if soon else "later"}


def since(at: datetime) -> dict[str, str]:
    """An instant of the past: "3 h ago", never late."""
    text = describe_instant(at, zone(), now(), past="ago")
    return {"iso": at.isoformat(), **_texts(text), "level": "later"}


def _texts(described: Described) -> dict[str, str]:
    return {"relative": described["relative"], "exact": described["exact"]}


def navigation() -> list[dict[str, Any]]:
    """The groups of the sidebar for the visitor's role."""
    if not signed_in():
        return []
    role = actor().role
    if role.is_partner:
        return [_group(None, PARTNER_NAV)]
    groups = [_group(None, MANAGER_NAV)] if role in (Role.CHANNEL_MANAGER, Role.ADMIN) else []
    groups += [_group("Marketing", MARKETING_NAV), _group("Everyone", EVERYONE_NAV)]
    return groups + ([_group("Admin", ADMIN_NAV)] if role is Role.ADMIN else [])


def _group(label: str | None, items: tuple[Item, ...]) -> dict[str, Any]:
    here = (request.endpoint or "").split(".")[0]
    here = "our_leads" if here == "lead" and actor().is_partner else WITHIN.get(here, here)
    return {
        "label": label,
        "items": [
            {
                "label": text,
                "url": url_for(endpoint),
                "icon": icon,
                "tab": tab,
                "active": endpoint.split(".")[0] == here,
            }
            for text, endpoint, icon, tab in items
        ],
    }


def saved(sentence: str) -> None:
    """Tell what was done, on the next page."""
    flash(sentence, "saved")


def safe_next(target: str | None, fallback: str) -> str:
    """Where to go on, if it is a path of this site; else ``fallback``."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    parts = urlsplit(target)
    return fallback if parts.netloc or parts.scheme else target


def attempt(work: Callable[[], Any], sentence: str, target: str) -> ResponseReturnValue:
    """Do an act from a button: its sentence where it worked, the reason where it was refused; then ``target``.

    What cannot be seen stays 404; a state that rules it out is told where the reader stands.
    """
    try:
        work()
        saved(sentence)
    except (Conflict, Invalid, Forbidden) as refusal:
        flash(str(refusal), "refused")
    return redirect(safe_next(request.form.get("next"), target))


def install(app: Flask) -> None:
    """Give every template the words it needs."""
    app.jinja_env.filters.update(when=when, due=due, since=since)
    app.jinja_env.globals.update(nav=navigation, zone=zone, now=now)

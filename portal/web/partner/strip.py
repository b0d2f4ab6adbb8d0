"""The standing strip: one sentence on what happens next, the way back under it, one button."""

from typing import Any

from flask import abort, url_for

from models.base import db
from models.partners import Partner
from portal.compliance import queries as standing
from portal.compliance.queries import View
from portal.compliance.way_back import Way
from portal.vocabulary import Standing
from portal.web.shell import when
from portal.web.visitor import now, visitor

CALM = (Standing.GOOD, Standing.EXEMPT)


def own_partner() -> Partner:
    """The partner the visitor belongs to."""
    return visitor().organisation or abort(404)


def read() -> View:
    """The visitor's own standing, with what follows from it."""
    return standing.view_of(db.session, own_partner(), now())


def at_risk(view: View) -> bool:
    """Whether something about the standing needs telling on every page."""
    return view.state.shown not in CALM or bool(view.overdue) or view.next_fall is not None


def strip(view: View | None = None, *, always: bool = False, link: bool = True) -> dict[str, Any] | None:
    """The strip of a page; None where nothing is at risk and it is not always shown."""
    view = view or read()
    if not always and not at_risk(view):
        return None
    sentence, detail = standing.strip(view, when)
    can_say = any(step.kind is Way.READY for step in view.steps)
    see = {"label": "See our standing", "url": url_for("standing.index")} if link else None
    return {
        "sentence": sentence,
        "detail": detail,
        "standing": view.state.shown,
        "until": when(view.state.measure_until) if view.state.measure else None,
        "action": ready() if can_say else see,
        "keep": can_say,
    }


def ready() -> dict[str, Any]:
    """The button of a stopped partner."""
    return {"label": "We are ready", "url": url_for("standing.ready"), "post": True, "primary": True}

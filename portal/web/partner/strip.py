"""The standing strip: one sentence on what happens next, the way back under it, one button."""

from typing import Any

from flask import abort, url_for

from models.base import db
from models.partners import Partner
from portal.compliance import queries as standing
from portal.compliance.agreements import agreements
from portal.compliance.queries import View
from portal.compliance.way_back import Way
from portal.vocabulary import Role, Standing
from portal.web.shell import when
from portal.web.visitor import actor, now, visitor

CALM = (Standing.GOOD, Standing.EXEMPT)


def own_partner() -> Partner:
    """The partner the visitor belongs to."""
    return visitor().organisation or abort(404)


def read(*, named: bool = True) -> View:
    """The visitor's own standing, with what follows from it; ``named``: with what each obligation asks for."""
    return standing.view_of(db.session, own_partner(), now(), named=named)


def at_risk(view: View) -> bool:
    """Whether something about the standing needs telling on every page."""
    return view.state.shown not in CALM or bool(view.overdue) or view.next_fall is not None


def strip(view: View | None = None, *, always: bool = False, link: bool = True) -> dict[str, Any] | None:
    """The strip of a page; where nothing is at risk and it is not always shown, what is to be read, or None."""
    view = view or read(named=False)
    asked = None if at_risk(view) else _new_agreement()
    if not always and not at_risk(view):
        return asked
    sentence, detail = standing.strip(view, when)
    can_say = any(step.kind is Way.READY for step in view.steps)
    see = {"label": "See our standing", "url": url_for("standing.index")} if link else None
    shown = {
        "sentence": sentence,
        "detail": detail,
        "standing": view.state.shown,
        "until": when(view.state.measure_until) if view.state.measure else None,
        "action": ready() if can_say else see,
        "keep": can_say,
    }
    return {**shown, "detail": asked["sentence"], "action": asked["action"], "keep": True} if asked else shown


def _new_agreement() -> dict[str, Any] | None:
    """Where nothing is at risk: asks a partner admin to read what came to rule; None where it has."""
    if actor().role is not Role.PARTNER_ADMIN:
        return None
    unread = [it for it in agreements(db.session, own_partner().id, now()) if it.by is None]
    if not unread:
        return None
    url = url_for("standing.agreement", what=unread[0].kind.value)
    return {
        "sentence": f"{unread[0].title} rules: read and acknowledge it.", "detail": None, "standing": None,
        "until": None, "action": {"label": "Read it", "url": url}, "keep": True,
    }  # fmt: skip


def ready() -> dict[str, Any]:
    """The button of a stopped partner."""
    return {"label": "We are ready", "url": url_for("standing.ready"), "post": True, "primary": True}

"""Obligations: every deadline with what became of it, and staff giving more time or taking one off."""

from typing import Any

from sqlalchemy import ColumnElement

from models.assignments import Obligation
from portal.accounts import access
from portal.api import answers, bodies
from portal.api.call import ALL, MANAGERS, call
from portal.api.cursors import page
from portal.api.edge import Call
from portal.api.shapes import obligation_json
from portal.enforcement import acts

TAG = "Obligations"
OWED = answers.Obligation


def find_obligation(this: Call) -> Obligation:
    """The obligation that the path names, where the actor sees it."""
    return access.one(this.session, access.obligations(this.actor), Obligation.id, this.id("obligation_id"))


@call("GET", "/obligations", ALL, {200: answers.ListOf(OWED)}, tag=TAG, query=bodies.ObligationQuery)
def list_obligations(this: Call) -> tuple[int, Any]:
    """List obligations, in the order in which they are due. A partner sees its own."""
    query = access.obligations(this.actor).where(*_conditions(this.query))
    columns = [Obligation.due_at, Obligation.id]
    rows, following = page(this.session, query, columns, this.query, name="obligations")
    return 200, {"items": [obligation_json(row) for row in rows], "next": following}


def _conditions(which: bodies.ObligationQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.state is not None:
        found.append(Obligation.state == which.state)
    if which.kind is not None:
        found.append(Obligation.kind == which.kind)
    if which.partner is not None:
        found.append(Obligation.partner_id == which.partner)
    if which.due_before is not None:
        found.append(Obligation.due_at < which.due_before)
    return found


def _shown(this: Call) -> tuple[int, Any]:
    session = this.read()
    row = access.one(session, access.obligations(this.actor), Obligation.id, this.id("obligation_id"))
    return 200, obligation_json(row)


@call(
    "POST",
    "/obligations/<obligation_id>/waive",
    MANAGERS,
    {200: OWED},
    tag=TAG,
    find=find_obligation,
    body=bodies.WithReason,
)
def waive(this: Call) -> tuple[int, Any]:
    """Waive an obligation, open or missed: it counts nowhere from here on."""
    acts.waive(this.session, this.actor, [this.id("obligation_id")], this.body.reason, this.now)
    return _shown(this)


@call(
    "POST",
    "/obligations/<obligation_id>/extend",
    MANAGERS,
    {200: OWED},
    tag=TAG,
    find=find_obligation,
    body=bodies.Extend,
)
def extend(this: Call) -> tuple[int, Any]:
    """Extend an open obligation."""
    acts.extend(this.session, this.actor, [this.id("obligation_id")], this.body.reason, this.body.due_at, this.now)
    return _shown(this)

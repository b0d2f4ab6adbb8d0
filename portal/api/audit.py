"""The audit: who did what to which object."""

from typing import Any

from sqlalchemy import ColumnElement, select

from models.platform import Audit
from portal.api import answers, bodies
from portal.api.call import ADMIN, call
from portal.api.cursors import page
from portal.api.edge import Call
from portal.api.shapes import audit_json


@call("GET", "/audit", ADMIN, {200: answers.ListOf(answers.AuditRow)}, tag="Audit", query=bodies.AuditQuery)
def list_audit(this: Call) -> tuple[int, Any]:
    """List what was done, newest first."""
    query = select(Audit).where(*_conditions(this.query))
    rows, following = page(this.session, query, [Audit.id], this.query, name="audit", newest_first=True)
    return 200, {"items": [audit_json(row) for row in rows], "next": following}


def _conditions(which: bodies.AuditQuery) -> list[ColumnElement[bool]]:
    wanted = (
        (Audit.object_type, which.object_type), (Audit.object_id, which.object_id),
        (Audit.partner_id, which.partner), (Audit.action, which.action),
    )  # fmt: skip
    found: list[ColumnElement[bool]] = [column == value for column, value in wanted if value is not None]
    if which.from_ is not None:
        found.append(Audit.at >= which.from_)
    if which.to is not None:
        found.append(Audit.at < which.to)
    return found

"""The audit: who did what to which object, newest first, and whether each row is sealed."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_, select

from models.base import db
from models.platform import Audit, AuditSeal
from portal.web import gate
from portal.web.shell import since
from portal.web.staff import paging

audit = Blueprint("audit", __name__, url_prefix="/audit")
gate.only(audit, *gate.ADMINS)
FILTERS = ("object", "actor", "action")
PAGES = {
    "lead": ("lead.page", "lead_id"),
    "partner": ("partner.page", "partner_id"),
    "rule_version": ("rules.version", "version_id"),
    "policy": ("policies.version", "version_id"),
}


@audit.get("")
def index() -> ResponseReturnValue:
    """A page of the audit; filters stay in the address."""
    wanted = {name: paging.words(name) for name in FILTERS}
    after = request.args.get("after") or None
    rows, more = paging.cut(_rows(wanted, after))
    return render_template(
        "audit/index.html",
        rows=[_row(row, seal) for row, seal in rows],
        wanted=wanted,
        filtered=any(wanted.values()),
        first_url=paging.here(after=None) if after else None,
        next_url=paging.here(after=rows[-1][0].id) if more else None,
    )


def _rows(wanted: dict[str, str], after: str | None) -> list[tuple[Audit, int | None]]:
    query = select(Audit, AuditSeal.number).outerjoin(AuditSeal, AuditSeal.audit_id == Audit.id)
    query = query.where(*_conditions(**wanted)).order_by(Audit.id.desc()).limit(paging.SIZE + 1)
    found = db.session.execute(query.where(Audit.id < after) if after else query)
    return [(row, seal) for row, seal in found]


def _conditions(*, object: str, actor: str, action: str) -> list[ColumnElement[bool]]:
    """What a row must meet.

    1. The object's kind or id. 2. Part of the actor's name, or its id. 3. The beginning of the action.
    """
    found = [or_(Audit.object_type == object, Audit.object_id == object)] if object else []
    found += [or_(Audit.actor_name.ilike(paging.like(actor), escape="\\"), Audit.actor_id == actor)] if actor else []
    found += [Audit.action.startswith(action, autoescape=True)] if action else []
    return found


def _row(row: Audit, seal: int | None) -> dict[str, Any]:
    return {
        "at": since(row.at),
        "who": row.actor_name or "Fairlead",
        "kind": row.actor_kind,
        "action": row.action,
        "type": row.object_type,
        "id": row.object_id,
        "seal": seal,
        "only": paging.here(object=row.object_id, after=None),
        "url": _url(row),
        "facts": "; ".join(
            f"{key} {value}" for key, value in sorted(row.facts.items()) if value not in (None, "", [], {})
        ),
    }


def _url(row: Audit) -> str | None:
    if row.object_type not in PAGES:
        return None
    endpoint, name = PAGES[row.object_type]
    return url_for(endpoint, **{name: row.object_id})  # type: ignore[arg-type]

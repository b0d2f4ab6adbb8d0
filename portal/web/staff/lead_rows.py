"""The leads behind a number, a page of them at a time, each with who has it."""

from collections.abc import Sequence
from typing import Any

from flask import url_for

from models.base import db
from models.leads import Lead
from portal.accounts import access
from portal.web.shell import since
from portal.web.staff import lead_reading, paging
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import actor


def lead_rows(ids: Sequence[str]) -> dict[str, Any]:
    """What a template needs for one page of these leads, the latest first; in two queries.

    ``hidden``: how many of the page's leads are in hands that the visitor does not see.
    """
    first = (paging.page_number() - 1) * paging.SIZE
    shown, more = paging.cut(sorted(ids, reverse=True)[first : first + paging.SIZE + 1])
    found = {lead.id: lead for lead in db.session.scalars(access.leads(actor()).where(Lead.id.in_(shown)))}
    held = lead_reading.holders(db.session, actor(), shown)
    rows = [_row(found[id_], held.get(id_)) for id_ in shown if id_ in found]
    return {"rows": rows, "total": len(ids), "hidden": len(shown) - len(rows), **paging.numbered(more)}


def _row(lead: Lead, holder: Any) -> dict[str, Any]:
    place = ", ".join(filter(None, (lead.city or lead.region, lead.country)))
    return {
        "name": lead_name(lead),
        "url": url_for("lead.page", lead_id=lead.id),
        "grade": lead.grade,
        "place": place,
        "product": lead.product or "",
        "status": lead.status.label,
        "holder": holder.name if holder else "",
        "received": since(lead.received_at),
    }

"""Why a partner got no leads, or few, in some days, told to staff: every cause with its count and its leads."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.partners import Partner
from portal.accounts import access
from portal.allocation import why_none as words
from portal.allocation.why_none import DUE_FIRST, GOT, NOT_ASKED, POOLED, Why
from portal.reporting import decided
from portal.reporting.period import Period
from portal.vocabulary import AssignmentOrigin, Gate, Role
from portal.web import gate
from portal.web.shell import when
from portal.web.staff import days as pages
from portal.web.staff import paging
from portal.web.staff.lead_rows import lead_rows
from portal.web.visitor import actor

partner_why = Blueprint("partner_why", __name__, url_prefix="/partners")
gate.only(partner_why, *gate.MANAGERS)
#: How a partner came to a lead.
ORIGINS = {
    AssignmentOrigin.ROTATION.value: "in turn", AssignmentOrigin.RULE.value: "by a rule without turns",
    AssignmentOrigin.RETURNING.value: "returning person", AssignmentOrigin.SAME_COMPANY.value: "same company",
    AssignmentOrigin.BY_HAND.value: "by hand", AssignmentOrigin.CLAIM.value: "claimed from the pool",
    AssignmentOrigin.REOPENED.value: "reopened",
}  # fmt: skip
NO_SETTING = (Gate.STANDING, Gate.EARLIER_HOLDER, Gate.CONFLICT, POOLED, DUE_FIRST, NOT_ASKED)


@partner_why.get("/<partner_id>/why")
def index(partner_id: str) -> ResponseReturnValue:
    """The last 30 days, or those that the address asks for; ``cause=`` lists the leads behind one number."""
    partner = access.one(db.session, access.partners(actor()), Partner.id, partner_id)
    days = pages.asked()
    why = decided.why_of(db.session, partner, days.starts, days.ends)
    spans = decided.spans_without(db.session, actor(), partner.id, days.starts, days.ends)
    cause = request.args.get("cause", "")
    ids = [*why.got] if cause == GOT else why.of(cause).leads
    told = words.reasons(why, "staff")
    return render_template(
        "partner/why.html",
        partner=partner,
        days=days,
        words=[pages.day(days.first), pages.day(days.last)],
        lengths=pages.spans(days),
        title="Why it got no leads" if not why.got else "Why it got no more leads",
        sentence=words.headline(why, "staff", partner.name),
        why=why,
        got_url=_rows_url(GOT),
        came_by=_came_by(why),
        reasons=[_shown(reason, partner, days) for reason in told],
        spans=[{"from": when(first), "to": when(last) if last else None} for first, last in spans],
        cause=cause if ids else "",
        behind=next((reason.sentence for reason in told if reason.name == cause), "Leads it got"),
        all_url=paging.here(cause=None, page=None),
        **lead_rows(ids),
    )


def _came_by(why: Why) -> str:
    """How it came to the leads it got: "3 in turn, 1 by hand"."""
    counts = {name: sum(origin == name for origin in why.got.values()) for name in ORIGINS}
    return ", ".join(f"{count} {ORIGINS[name]}" for name, count in counts.items() if count)


def _rows_url(cause: str) -> str:
    return paging.here(cause=cause, page=None) + "#rows"


def _shown(reason: words.Reason, partner: Partner, days: Period) -> dict[str, Any]:
    details = ", ".join(f"{told}: {count:,}" for told, count in reason.details.items())
    return {"sentence": reason.sentence, "change": reason.change, "details": details,
            "rows_url": _rows_url(reason.name), "link": _link(reason.name, partner, days)}  # fmt: skip


def _link(cause: str, partner: Partner, days: Period) -> dict[str, str] | None:
    """Where the cause can be changed or looked into, if this visitor may."""
    if cause == Gate.STANDING:
        return {"label": "Its standing", "url": url_for("partner.page", partner_id=partner.id)}
    if cause == DUE_FIRST:
        return {"label": "Fairness", "url": url_for("fairness.index", **pages.address(days))}
    if actor().role is not Role.ADMIN:
        return None
    if cause == NOT_ASKED:
        return {"label": "Rules", "url": url_for("rules.index")}
    if cause in NO_SETTING:
        return None
    return {"label": "Settings", "url": url_for("partners.edit", partner_id=partner.id)}

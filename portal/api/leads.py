"""Leads: received, listed, shown, explained, claimed, and what staff do to them by hand."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.allocation import pool
from portal.allocation.why import decision_for
from portal.api import answers, bodies, idempotency
from portal.api.call import ALL, MANAGERS, MARKETING, PARTNER, call
from portal.api.cursors import opened, page, seal
from portal.api.edge import Call, known_form
from portal.api.shapes import assignment_json, lead_json, leads_json, new_lead_json
from portal.enforcement import acts
from portal.errors import Invalid, NotFound
from portal.intake.policy import LeadFactsIn, parse_lead
from portal.intake.service import receive_rows
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, LeadStatus

TAG = "Leads"
#: A partner may search by who enquired only where it may read that.
READABLE = (LeadStatus.ACCEPTED, LeadStatus.CONTACTED, LeadStatus.WON, LeadStatus.LOST)
SEARCHED = (Lead.email, Lead.company, Lead.external_id, Lead.first_name, Lead.last_name)
FOUND = answers.Lead


def find_lead(this: Call) -> Lead:
    """The lead that the path names, where the actor sees it; a pooled one where a partner may claim it."""
    lead_id = this.id("lead_id")
    lead = this.session.scalars(access.leads(this.actor).where(Lead.id == lead_id)).first()
    if lead is None and this.actor.partner_id is not None:
        lead = _pooled(this, lead_id, this.actor.partner_id)
    if lead is None:
        raise NotFound
    return lead


def _pooled(this: Call, lead_id: str, partner_id: str) -> Lead | None:
    lead = this.session.get(Lead, lead_id)
    if lead is None or lead.status is not LeadStatus.POOLED or lead.pool_until is None or lead.pool_until <= this.now:
        return None
    return lead if pool.look(this.session, lead, partner_id, this.now) else None


def find_to_claim(this: Call) -> None:
    """For a partner the claim itself says what exists; staff must see the lead to be told it is not theirs."""
    if this.actor.is_staff:
        find_lead(this)
    else:
        this.id("lead_id")


@call(
    "POST",
    "/leads",
    MARKETING,
    {201: FOUND, 200: FOUND},
    tag=TAG,
    body=LeadFactsIn,
    raw=True,
    keeps_answer=True,
    replay=idempotency.may_see_lead,
)
def receive_lead(this: Call) -> tuple[int, Any]:
    """Receive a lead.

    It is stored, scored and handed on in one transaction. A contact, e-mail or phone, is needed. A known
    `external_id` answers 200 with the earlier lead and stores nothing.
    """
    new = parse_lead(this.body, this.now)

    def work() -> tuple[int, Any]:
        if this.claim is not None:
            this.claim.again()
        lead, rows = receive_rows(this.session, new, this.now, this.actor)
        known = lead_json(this.session, this.actor, lead) if rows is None else None
        status, body = (200, known) if known else (201, new_lead_json(this.actor, lead, rows or ()))
        this.shows = lead.id
        if this.claim is not None:
            this.claim.keep_within(status, body)
        return status, body

    return this.write(work)


@call("GET", "/leads", ALL, {200: answers.ListOf(FOUND)}, tag=TAG, query=bodies.LeadQuery)
def list_leads(this: Call) -> tuple[int, Any]:
    """List leads, newest first.

    A partner sees the leads in its hands and those it won or lost; `status=pooled` lists what it may claim.
    """
    which: bodies.LeadQuery = this.query
    if this.actor.partner_id is not None and which.status is LeadStatus.POOLED:
        return 200, _pool_page(this, which, this.actor.partner_id)
    query = access.leads(this.actor).where(*_conditions(this.actor, which))
    rows, following = page(this.session, query, [Lead.id], which, name="leads", newest_first=True)
    return 200, {"items": leads_json(this.session, this.actor, rows), "next": following}


def _conditions(actor: Actor, which: bodies.LeadQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.status is not None:
        found.append(Lead.status == which.status)
    if which.partner is not None:
        found.append(_held_by(which.partner) if actor.partner_id in (None, which.partner) else false())
    if which.q:
        found.append(_says(actor, which.q))
    if which.from_ is not None:
        found.append(Lead.received_at >= which.from_)
    if which.to is not None:
        found.append(Lead.received_at < which.to)
    return found


def _held_by(partner_id: str) -> ColumnElement[bool]:
    """Held now, or won or lost, by a partner: the assignment that the answer shows."""
    closed = and_(
        Assignment.state == AssignmentState.CLOSED, Lead.status.in_((LeadStatus.WON, LeadStatus.LOST)),
        Assignment.disposition == Lead.status,
    )  # fmt: skip
    return (
        select(Assignment.id)
        .where(
            Assignment.lead_id == Lead.id, Assignment.partner_id == partner_id,
            or_(Assignment.state.in_(LIVE_ASSIGNMENT), closed),
        )
        .exists()
    )  # fmt: skip


def _says(actor: Actor, text: str) -> ColumnElement[bool]:
    name = func.coalesce(Lead.first_name, "") + " " + func.coalesce(Lead.last_name, "")
    says = or_(
        *(column.icontains(text, autoescape=True) for column in SEARCHED),
        name.icontains(text, autoescape=True),
    )
    return says if actor.is_staff else and_(says, Lead.status.in_(READABLE))


def _pool_page(this: Call, which: bodies.LeadQuery, partner_id: str) -> dict[str, Any]:
    """What a partner may claim: best grade first, then what leaves soonest. Who enquired is not searched."""
    shown = (
        [] if which.q or which.partner not in (None, partner_id) else pool.shown_to(this.session, partner_id, this.now)
    )
    if which.cursor is not None:
        after = tuple(opened("pool", which.cursor))
        shown = [seen for seen in shown if _place(seen.lead) > after]
    shown = [seen for seen in shown if _within(seen.lead, which)]
    rows = shown[: which.limit]
    items = leads_json(this.session, this.actor, [r.lead for r in rows], {r.lead.id: r.hindrance for r in rows})
    return {"items": items, "next": seal("pool", _place(rows[-1].lead)) if len(shown) > which.limit else None}


def _place(lead: Lead) -> tuple[str, datetime, str]:
    assert lead.pool_until is not None
    return lead.grade, lead.pool_until, lead.id


def _within(lead: Lead, which: bodies.LeadQuery) -> bool:
    early = which.from_ is not None and lead.received_at < which.from_
    return not early and not (which.to is not None and lead.received_at >= which.to)


@call("GET", "/leads/<lead_id>", ALL, {200: FOUND}, tag=TAG, find=find_lead)
def show_lead(this: Call) -> tuple[int, Any]:
    """Show a lead."""
    lead: Lead = this.found
    hindrance = None
    if this.actor.partner_id is not None and lead.status is LeadStatus.POOLED:
        seen = pool.look(this.session, lead, this.actor.partner_id, this.now)
        hindrance = seen.hindrance if seen else None
    return 200, lead_json(this.session, this.actor, lead, hindrance)


@call("GET", "/leads/<lead_id>/decision", ALL, {200: answers.Decision}, tag=TAG, find=find_lead)
def explain_lead(this: Call) -> tuple[int, Any]:
    """Explain a lead: why it went where it went.

    The vendor sees the latest decision with all candidates; a partner the one about its own assignment, with
    its own gates.
    """
    return 200, decision_for(this.session, this.actor, this.found.id)


@call(
    "POST",
    "/leads/<lead_id>/claim",
    PARTNER,
    {200: answers.Assignment},
    tag=TAG,
    find=find_to_claim,
    replay=idempotency.may_see_lead,
)
def claim_lead(this: Call) -> tuple[int, Any]:
    """Claim a pooled lead.

    The first one gets it, accepted. Who comes second is told that it is no longer available (409).
    """
    assignment = acts.claim(this.session, this.actor, this.id("lead_id"), this.now)
    this.shows = assignment.lead_id
    return 200, assignment_json(this.read(), assignment)


def _shown(this: Call) -> tuple[int, Any]:
    """The lead after an act of staff."""
    lead_id, session = this.id("lead_id"), this.read()
    return 200, lead_json(session, this.actor, access.one(session, access.leads(this.actor), Lead.id, lead_id))


@call("POST", "/leads/<lead_id>/assign", MANAGERS, {200: FOUND}, tag=TAG, find=find_lead, body=bodies.Assign)
def assign_lead(this: Call) -> tuple[int, Any]:
    """Assign a lead by hand.

    Anyone whose standing allows leads; from another's hands it is recalled first. Outside the rotation.
    """
    query = access.partners(this.actor).where(Partner.id == this.body.partner_id)
    if this.session.scalars(query).first() is None:
        raise Invalid([("partner_id", "There is no partner by that id.")])
    acts.assign(this.session, this.actor, this.id("lead_id"), this.body.partner_id, this.body.reason, this.now)
    return _shown(this)


@call("POST", "/leads/<lead_id>/reopen", MANAGERS, {200: FOUND}, tag=TAG, find=find_lead, body=bodies.WithReason)
def reopen_lead(this: Call) -> tuple[int, Any]:
    """Reopen a lead. It goes to its last holder where the gates allow, else by the rules."""
    acts.reopen(this.session, this.actor, this.id("lead_id"), this.body.reason, this.now)
    return _shown(this)


@call(
    "POST",
    "/leads/<lead_id>/disqualify",
    MANAGERS,
    {200: FOUND},
    tag=TAG,
    find=find_lead,
    body=bodies.WithReason,
)
def disqualify_lead(this: Call) -> tuple[int, Any]:
    """Disqualify a lead, from whatever hands it is in."""
    acts.take_out(this.session, this.actor, this.id("lead_id"), LeadStatus.DISQUALIFIED, this.body.reason, this.now)
    return _shown(this)


@call(
    "POST",
    "/leads/<lead_id>/nurture",
    MANAGERS,
    {200: FOUND},
    tag=TAG,
    find=find_lead,
    body=bodies.WithReason,
)
def nurture_lead(this: Call) -> tuple[int, Any]:
    """Nurture a lead: put it aside for later, from whatever hands it is in."""
    acts.take_out(this.session, this.actor, this.id("lead_id"), LeadStatus.NURTURE, this.body.reason, this.now)
    return _shown(this)


@call("POST", "/leads/<lead_id>/merge", MANAGERS, {200: FOUND}, tag=TAG, find=find_lead, body=bodies.Merge)
def merge_lead(this: Call) -> tuple[int, Any]:
    """Merge a lead into another. It becomes that one's duplicate and joins its timeline."""
    try:
        into = access.one(this.session, access.leads(this.actor), Lead.id, known_form(this.body.into))
    except NotFound:
        raise Invalid([("into", "There is no lead by that id.")]) from None
    acts.merge(this.session, this.actor, this.id("lead_id"), into.id, this.now)
    return _shown(this)

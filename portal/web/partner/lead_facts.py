"""What the page of a lead shows: the contact, the facts, the deadlines as a checklist, who held it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pycountry

from models.assignments import Assignment, Deal, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.deadlines.live import Timeline, policies
from portal.vocabulary import LIVE_ASSIGNMENT, Gate, ObligationKind, ObligationState
from portal.web.partner import words
from portal.web.shell import due, when
from portal.web.visitor import now

HOW = {
    ObligationKind.RESPOND: "Accept or decline",
    ObligationKind.FIRST_CONTACT: "A call, e-mail, meeting, demo or message",
    ObligationKind.NEXT_TOUCH: "A call, e-mail, meeting, demo or message",
    ObligationKind.FEEDBACK: "Rate the lead and say where it stands",
    ObligationKind.UPDATE: "A touch, another stage or the close",
}
ENDED = {
    ObligationState.MET: ("met", "Done", "met_at"),
    ObligationState.CURED: ("cured", "Done late", "cured_at"),
    ObligationState.WAIVED: ("waived", "Waived", "waived_at"),
    ObligationState.CANCELLED: ("cancelled", "Not needed any more", "cancelled_at"),
}
Fact = tuple[str, Any]


def clocks(session: AnySession, rows: Iterable[Obligation]) -> list[dict[str, Any]]:
    """Obligations of one assignment as a checklist."""
    rules = policies(session)
    return [clock(row, rules) for row in rows]


def clock(row: Obligation, rules: Timeline) -> dict[str, Any]:
    """One line of the checklist: what is asked, within what, and how it stands."""
    entry = rules.by_id(row.policy_id).document.obligations[row.entry]
    name = f"Touch {row.number}" if row.kind is ObligationKind.NEXT_TOUCH else row.kind.label
    shown = {"name": name, "detail": f"{HOW[row.kind]}. Within {entry.within}"}
    if row.state in ENDED:
        state, word, instant = ENDED[row.state]
        return {**shown, "state": state, "right": word, "right_detail": when(getattr(row, instant))}
    if row.settled_at is not None or row.set_aside_at is not None:
        return {**shown, "state": "cancelled", "right": "Missed", "right_detail": f"due {when(row.due_at)}"}
    late = row.state is ObligationState.BREACHED or row.due_at <= now()
    return {**shown, "state": "late" if late else "open", "due": due(row.due_at)}


def contact(lead: Lead) -> list[Fact]:
    """How to reach the person; only for whom may know. Calling and writing are links on the card itself."""
    phone = f"{lead.phone} (looks wrong)" if lead.phone_suspect and lead.phone else lead.phone
    town = " ".join(part for part in (lead.postcode, lead.city) if part)
    region = None if lead.region == lead.city else lead.region
    address = ", ".join(part for part in (town, region, lead.country) if part)
    return given(
        ("Person", words.person(lead)),
        ("Company", lead.company),
        ("Phone", phone),
        ("E-mail", lead.email),
        ("Place", address),
        ("Speaks", language(lead.language)),
    )


def language(tag: str | None) -> str | None:
    """A language by its name, or the tag as it came."""
    known = pycountry.languages.get(alpha_2=(tag or "").split("-")[0].lower() or "-")
    return known.name if known else tag


def facts(lead: Lead, known: bool) -> list[Fact]:
    """What the lead is about. Not yet known: only what says nothing about who it is."""
    budget = f"{lead.budget:,.0f}" if lead.budget is not None and known else None
    people = f"{lead.employees:,} people" if lead.employees and known else words.size(lead)
    custom = [(str(name), value) for name, value in sorted(lead.custom.items())] if known and lead.custom else []
    return given(
        ("Wants", lead.product),
        ("Size", people),
        ("Budget", budget),
        ("Place", None if known else words.place(lead)),
        ("From", lead.campaign or lead.source),
        ("Asked", when(lead.received_at)),
        *custom,
    )


def staff_facts(lead: Lead) -> list[Fact]:
    """What only the vendor's people see of a lead."""
    score = f"{lead.score} points, grade {lead.grade}" if lead.score is not None else f"Grade {lead.grade}"
    tracking = " · ".join(
        value for name in ("source", "medium", "campaign", "term", "content") if (value := getattr(lead, f"utm_{name}"))
    )
    return given(
        ("Score", score),
        ("Your id", lead.external_id),
        ("Reason", lead.reason),
        ("Tracking", tracking),
        ("Moves caused by partners", lead.hand_overs or None),
        ("Tried again", when(lead.retry_at) if lead.retry_at else None),
        ("In the pool until", when(lead.pool_until) if lead.pool_until else None),
    )


def given(*items: Fact) -> list[Fact]:
    """The facts that there are."""
    return [(name, value) for name, value in items if value not in (None, "")]


def holdings(session: AnySession, actor: Actor, lead_id: str) -> list[dict[str, Any]]:
    """Who held the lead, latest first, each with its deadlines; partners outside a portfolio are left out."""
    rows = session.execute(
        access.assignments(actor)
        .join(Partner, Partner.id == Assignment.partner_id)
        .add_columns(Partner)
        .where(Assignment.lead_id == lead_id)
        .order_by(Assignment.id.desc())
    ).all()
    owed: dict[str, list[dict[str, Any]]] = {}
    rules = policies(session)
    for row in session.scalars(
        access.obligations(actor).where(Obligation.lead_id == lead_id).order_by(Obligation.opened_at, Obligation.id)
    ):
        owed.setdefault(row.assignment_id, []).append(clock(row, rules))
    return [
        {
            "id": held.id,
            "partner": partner.name,
            "url": f"/partners/{partner.id}" if actor.manages_partners else None,
            "state": held.state.label,
            "origin": held.origin.label,
            "since": words.held_since(held),
            "ended": held.ended_at,
            "reason": held.decline_reason.label if held.decline_reason else held.end_reason,
            "live": held.state in LIVE_ASSIGNMENT,
            "clocks": owed.get(held.id, []),
        }
        for held, partner in rows
    ]


#: The gates that tell a partner something even where they let it through; the others are told where they did not.
TELLING = (Gate.STANDING, Gate.TERRITORY, Gate.CERTIFIED, Gate.OPEN_CAP, Gate.CLOSURE)


def reasons(gates: list[dict[str, Any]], only_closed: bool = False) -> list[dict[str, Any]]:
    """Gates as ticks and crosses; of those that are long, only what ruled a partner out."""
    shown = [g for g in gates if not g["passed"] or (not only_closed and g["gate"] in TELLING)]
    if only_closed and not shown:
        return [{"ok": True, "text": "Every gate is open."}]
    return [{"ok": gate["passed"], "text": gate["sentence"]} for gate in shown]


def deal_facts(deal: Deal) -> list[Fact]:
    """A deal as facts; the amount as "EUR 48,000"."""
    return given(
        ("Name", deal.name),
        ("Stage", deal.stage.label),
        ("Amount", money(deal)),
        ("Expected", deal.expected_close),
        ("Closed", when(deal.closed_at) if deal.closed_at else None),
        ("Why lost", deal.lost_reason),
    )


def money(deal: Deal) -> str:
    """The deal's amount: whole units where there are no hundredths."""
    whole, part = divmod(deal.amount_cents, 100)
    return f"{deal.currency} {whole:,}" + (f".{part:02}" if part else "")


def day_of(text: str | None) -> date | None:
    """A stored day as a date."""
    return date.fromisoformat(text) if text else None

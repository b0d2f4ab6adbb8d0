"""What acts on many leads read: the leads that may be acted on, to whom they can go, and what speaks against that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func

from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.allocation.candidates import facts_of_all, look_at
from portal.allocation.hand import BARRING
from portal.allocation.live import snapshot
from portal.allocation.sentences import gate_sentence
from portal.vocabulary import LIVE_ASSIGNMENT


@dataclass(frozen=True)
class Chosen:
    """A lead that may be acted on by hand, and who holds it now."""

    lead: Lead
    holder: Partner | None


def chosen(session: AnySession, actor: Actor, ids: Sequence[str]) -> list[Chosen]:
    """Those of the leads that the actor may act on, in the order given.

    One in the hands of a partner outside the portfolio is out of reach, as on its own page.
    """
    leads = {lead.id: lead for lead in session.scalars(access.leads(actor).where(Lead.id.in_(ids)))}
    live = access.assignments(actor).where(Assignment.lead_id.in_(leads), Assignment.state.in_(LIVE_ASSIGNMENT))
    rows = session.execute(live.join(Partner, Partner.id == Assignment.partner_id).add_columns(Partner))
    held = {assignment.lead_id: partner for assignment, partner in rows}
    out = _elsewhere(session, [id_ for id_ in leads if id_ not in held])
    return [Chosen(leads[id_], held.get(id_)) for id_ in dict.fromkeys(ids) if id_ in leads and id_ not in out]


def _elsewhere(session: AnySession, lead_ids: Sequence[str]) -> set[str]:
    """Those that somebody holds all the same."""
    query = session.query(Assignment.lead_id)
    return {row[0] for row in query.filter(Assignment.lead_id.in_(lead_ids), Assignment.state.in_(LIVE_ASSIGNMENT))}


def partners(session: AnySession, actor: Actor) -> Sequence[Partner]:
    """To whom leads can be given, by name."""
    return session.scalars(access.partners(actor).order_by(func.lower(Partner.name), Partner.id)).all()


def barred(partner: Partner | None) -> str:
    """Why a partner can be given nothing even by hand; empty where it can."""
    if partner is None:
        return ""
    if not partner.active:
        return f"{partner.name} is switched off."
    if not partner.reachable:
        return f"{partner.name} has nobody who can be reached: add a person first."
    if partner.standing.allows_leads:
        return ""
    return f"{partner.name} is {partner.standing.label.lower()} and gets no leads. Release it first, or choose another."


def against(session: AnySession, leads: Sequence[Lead], to: Partner, now: datetime) -> dict[str, list[str]]:
    """By lead the sentences of the gates that it would not pass at a partner.

    What bars the partner altogether is told once, not here.
    """
    facts = snapshot(session).roster[to.id]
    found = {}
    for id_, about in facts_of_all(session, leads).items():
        missed = [
            gate
            for seen in look_at(session, [facts], about, now)
            for gate in seen.gates
            if not gate.passed and gate.gate not in BARRING
        ]
        found[id_] = [gate_sentence(gate.gate, gate.passed, gate.facts, "staff", to.name) for gate in missed]
    return found

"""Many acts of one kind by hand: each in its own transactions, so that a refusal stops none of the others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from models.leads import Lead
from models.partners import Partner
from models.session import AnySession, unit
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.allocation import hand
from portal.enforcement import acts
from portal.enforcement.placing import place_waiting
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import LeadStatus


@dataclass(frozen=True)
class Told:
    """What became of one of many: ``sentence`` says it, or why it was refused."""

    id: str
    done: bool
    sentence: str


def each(ids: Iterable[str], work: Callable[[str], str]) -> list[Told]:
    """Do ``work`` for each id, once. What is refused is told and left as it was; the others go on."""
    return [_one(id_, work) for id_ in dict.fromkeys(ids)]


def _one(id_: str, work: Callable[[str], str]) -> Told:
    try:
        return Told(id_, True, work(id_))
    except (Conflict, Invalid, NotFound) as refusal:
        return Told(id_, False, str(refusal))


def waive(session: AnySession, actor: Actor, ids: Iterable[str], reason: str, now: datetime) -> list[Told]:
    """Waive many obligations, of one partner or several."""

    def work(id_: str) -> str:
        acts.waive(session, actor, [id_], reason, now)
        return "Waived."

    return each(ids, work)


def extend(
    session: AnySession, actor: Actor, ids: Iterable[str], reason: str, due_at: datetime, now: datetime
) -> list[Told]:
    """Extend many obligations to one instant, of one partner or several."""

    def work(id_: str) -> str:
        acts.extend(session, actor, [id_], reason, due_at, now)
        return "Extended."

    return each(ids, work)


def assign(
    session: AnySession, actor: Actor, lead_ids: Iterable[str], partner_id: str, reason: str, now: datetime
) -> list[Told]:
    """Offer many leads to one partner by hand, out of whose hands they ever are."""
    name = session.get_one(Partner, partner_id).name

    def work(lead_id: str) -> str:
        acts.assign(session, actor, lead_id, partner_id, reason, now)
        return f"Offered to {name}."

    return each(lead_ids, work)


def again(session: AnySession, actor: Actor, lead_ids: Iterable[str], reason: str, now: datetime) -> list[Told]:
    """Have many leads placed by the rules again.

    1. In a partner's hands: taken back first, without its fault.
    2. Waiting for a partner, at the limit of moves too: tried again.
    3. Any other is refused: the rules do not place it.
    """
    reason = hand.said(reason)
    return each(lead_ids, lambda lead_id: _again(session, actor, lead_id, reason, now))


def _again(session: AnySession, actor: Actor, lead_id: str, reason: str, now: datetime) -> str:
    held = hand.live_assignment(session, lead_id)
    if held is not None:
        acts.recall(session, actor, held.id, reason, now)
    else:
        unit(session, lambda: _try(session, actor, lead_id, reason, now))
    return whereabouts(session, lead_id)


def _try(session: AnySession, actor: Actor, lead_id: str, reason: str, now: datetime) -> None:
    status = session.get_one(Lead, lead_id).status
    if status is not LeadStatus.UNALLOCATED:
        raise Conflict(f"This lead is {status.label.lower()}: the rules do not place it. Assign it by hand.")
    record(session, actor, "lead.again", "lead", lead_id, now, facts={"reason": reason})
    place_waiting(session, lead_id, now, by_hand=True)


def whereabouts(session: AnySession, lead_id: str) -> str:
    """Where a lead is now, in a sentence."""
    lead, held = session.get_one(Lead, lead_id, populate_existing=True), hand.live_assignment(session, lead_id)
    if held is not None:
        return f"Offered to {session.get_one(Partner, held.partner_id).name}."
    pooled = lead.status is LeadStatus.POOLED
    return "In the open pool." if pooled else "Waits in the queue: nobody can take it now."

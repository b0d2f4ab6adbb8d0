"""One act as the edge calls it: settle what fell due first, act in one transaction, then place what was set free."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from models.assignments import Activity, Assignment, Deal, Feedback
from models.leads import Lead
from models.session import AnySession, unit
from portal.accounts.actor import Actor
from portal.allocation import hand, pool
from portal.compliance import acts as standing
from portal.compliance.service import Folded
from portal.compliance.settle import settle
from portal.enforcement.placing import place_freed
from portal.errors import Conflict, Unsettled
from portal.follow_up import deal_acts
from portal.follow_up import service as follow_up
from portal.follow_up.mail_actions import spend
from portal.follow_up.service import Touch, Verdict
from portal.follow_up.undo import Ask, take_back
from portal.vocabulary import DeclineReason, LeadStatus

T = TypeVar("T")
SETTLING_ROUNDS = 20


def settled(session: AnySession, now: datetime, work: Callable[[], T]) -> T:
    """Run one act. Where a deadline of the partner has passed unrecorded, that is recorded first, for itself.

    So an act at or after the due time finds what the sweep would have made of it, however late the sweep is.
    """
    for _ in range(SETTLING_ROUNDS):
        try:
            return unit(session, work)
        except Unsettled as unsettled:
            done = unit(session, partial(settle, session, unsettled.partner_id, now))
            place_freed(session, done.freed_leads, now)
    raise Conflict("Many deadlines are being recorded just now. Try again in a moment.")


def _then_place(
    session: AnySession, now: datetime, work: Callable[[], tuple[T, list[str]]], link: str | None = None
) -> T:
    """``link``: the link of a mail by which it is done, used up in the act's own transaction."""

    def once() -> tuple[T, list[str]]:
        if link is not None:
            spend(session, link, now)
        return work()

    result, freed = settled(session, now, once)
    place_freed(session, freed, now)
    return result


def accept(session: AnySession, actor: Actor, assignment_id: str, now: datetime, link: str | None = None) -> Assignment:
    """Accept an offer of the actor's partner."""
    return _then_place(session, now, lambda: follow_up.accept(session, assignment_id, now, actor), link)


def decline(
    session: AnySession,
    actor: Actor,
    assignment_id: str,
    reason: DeclineReason,
    note: str | None,
    now: datetime,
    link: str | None = None,
) -> Assignment:
    """Decline an offer; the lead is then placed anew."""
    return _then_place(session, now, lambda: follow_up.decline(session, assignment_id, reason, note, now, actor), link)


def log(
    session: AnySession, actor: Actor, assignment_id: str, touch: Touch, now: datetime, link: str | None = None
) -> Any:
    """Record a touch or note; the Activity."""
    return _then_place(session, now, lambda: follow_up.log(session, assignment_id, touch, now, actor), link)


def feedback(
    session: AnySession, actor: Actor, assignment_id: str, verdict: Verdict, now: datetime, link: str | None = None
) -> Feedback:
    """Record the partner's verdict."""
    return _then_place(session, now, lambda: follow_up.give_feedback(session, assignment_id, verdict, now, actor), link)


def log_and_judge(
    session: AnySession,
    actor: Actor,
    assignment_id: str,
    touch: Touch,
    verdict: Verdict,
    now: datetime,
    link: str | None = None,
) -> tuple[Activity, Feedback]:
    """Record a touch together with the verdict it brought."""
    return _then_place(
        session, now, lambda: follow_up.log_and_judge(session, assignment_id, touch, verdict, now, actor), link
    )


def undo(session: AnySession, actor: Actor, assignment_id: str, ask: Ask, now: datetime) -> Assignment:
    """Take back a touch or feedback within a minute."""
    return _then_place(session, now, lambda: take_back(session, assignment_id, ask, now, actor))


def register_deal(
    session: AnySession, actor: Actor, assignment_id: str, facts: deal_acts.DealFacts, now: datetime
) -> Deal:
    """Make a deal of a lead."""
    return _then_place(session, now, lambda: deal_acts.register(session, assignment_id, facts, now, actor))


def change_deal(session: AnySession, actor: Actor, deal_id: str, facts: deal_acts.DealFacts, now: datetime) -> Deal:
    """Change a deal's stage, amount or dates."""
    return _then_place(session, now, lambda: deal_acts.change(session, deal_id, facts, now, actor))


def claim(session: AnySession, actor: Actor, lead_id: str, now: datetime) -> Assignment:
    """Claim a pooled lead."""
    return settled(session, now, lambda: pool.claim(session, lead_id, now, actor))


def assign(session: AnySession, actor: Actor, lead_id: str, partner_id: str, reason: str, now: datetime) -> Assignment:
    """Give a lead to a partner by hand. From another's hands it is recalled first, in a transaction of its own.

    Who cannot be given it is told before the recall, so that a refusal leaves everything as it was.
    """
    held = hand.live_assignment(session, lead_id)
    if held is not None:
        if held.partner_id == partner_id:
            raise Conflict("This partner holds the lead already.")
        chosen = hand.candidate(session, session.get_one(Lead, lead_id), partner_id, now)
        if hand.barred(chosen):
            raise Conflict(hand.refusal(session, chosen))
        freed = settled(session, now, lambda: hand.recall(session, held.id, hand.said(reason), now, actor))
        place_freed(session, [other for other in freed if other != lead_id], now)
    return settled(session, now, lambda: hand.assign(session, lead_id, partner_id, reason, now, actor))


def recall(session: AnySession, actor: Actor, assignment_id: str, reason: str, now: datetime) -> None:
    """Take a lead back; it is then placed anew."""
    place_freed(session, settled(session, now, lambda: hand.recall(session, assignment_id, reason, now, actor)), now)


def take_out(session: AnySession, actor: Actor, lead_id: str, status: LeadStatus, reason: str, now: datetime) -> None:
    """Disqualify a lead or keep it for nurture."""
    freed = settled(session, now, lambda: hand.take_out(session, lead_id, status, reason, now, actor))
    place_freed(session, freed, now)


def merge(session: AnySession, actor: Actor, lead_id: str, into: str, now: datetime) -> None:
    """Make one lead the duplicate of another."""
    place_freed(session, settled(session, now, lambda: hand.merge(session, lead_id, into, now, actor)), now)


def reopen(session: AnySession, actor: Actor, lead_id: str, reason: str, now: datetime) -> None:
    """Bring a closed lead back."""
    place_freed(session, settled(session, now, lambda: hand.reopen(session, lead_id, reason, now, actor)), now)


def _measure(session: AnySession, now: datetime, work: Callable[[], Folded]) -> None:
    place_freed(session, settled(session, now, work).freed_leads, now)


def hold(session: AnySession, actor: Actor, partner_id: str, reason: str, until: datetime, now: datetime) -> None:
    """No new leads for a partner until an instant."""
    _measure(session, now, lambda: standing.hold(session, partner_id, reason, until, now, actor))


def exempt(session: AnySession, actor: Actor, partner_id: str, reason: str, until: datetime, now: datetime) -> None:
    """Never stop a partner until an instant."""
    _measure(session, now, lambda: standing.exempt(session, partner_id, reason, until, now, actor))


def release(session: AnySession, actor: Actor, partner_id: str, reason: str, now: datetime) -> None:
    """End a stop, hold or exemption by hand."""
    _measure(session, now, lambda: standing.release(session, partner_id, reason, now, actor))


def ready(session: AnySession, actor: Actor, partner_id: str, now: datetime) -> None:
    """A stopped partner says that it is ready."""
    _measure(session, now, lambda: standing.ready(session, partner_id, now, actor))


def waive(session: AnySession, actor: Actor, obligation_ids: Iterable[str], reason: str, now: datetime) -> None:
    """Waive one or many obligations, each in its own transaction."""
    for obligation_id in obligation_ids:
        _measure(session, now, partial(standing.waive, session, obligation_id, reason, now, actor))


def extend(
    session: AnySession,
    actor: Actor,
    obligation_ids: Iterable[str],
    reason: str,
    due_at: datetime,
    now: datetime,
) -> None:
    """Extend one or many obligations to an instant, each in its own transaction."""
    for obligation_id in obligation_ids:
        _measure(session, now, partial(standing.extend, session, obligation_id, reason, due_at, now, actor))

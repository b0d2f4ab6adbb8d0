"""Offers whose notice reached nobody at the partner: excused once, and the partner counts as unreachable."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, select, union

from models.accounts import User
from models.assignments import Obligation
from models.excuses import Excuse
from models.partners import Partner
from models.platform import Mail, Outbox
from models.session import AnySession
from portal.accounts.reach import refresh_reachable
from portal.compliance.excuses import write
from portal.compliance.outages import Excused
from portal.compliance.service import Folded, enter, refold
from portal.vocabulary import ExcuseEffect, NoticeTopic, ObligationKind, ObligationState

#: A notice is tried for less than two days; older ones have been looked at.
LOOKED_BACK = timedelta(days=30)
REASON = "The offer's notice could not be delivered to anybody at the partner."


def unreached(session: AnySession, now: datetime) -> list[str]:
    """Answers owed or missed whose offer nobody could be told of; the ids of the obligations.

    All of these hold:
    1. The offer's notice was posted, and each mail that was made of it was given up for good: the address takes
       none, or the last try had no better luck. A mail kept here (no mail server) is a delivered one.
    2. Some mail was given up; or none was made at all, since nobody there can be reached.
    3. Its answer is open or missed, and this offer was not excused before.
    """
    return list(session.scalars(union(_given_up(now), _to_nobody(now))))


def _owed(now: datetime) -> Select[str]:
    """Respond obligations of offers whose notice is in no mail that may still arrive, or has."""
    arriving = exists().where(Mail.outbox_id == Outbox.id, Mail.state != "undeliverable")
    before = exists().where(Excuse.key == "undelivered:" + Obligation.assignment_id)
    return select(Obligation.id).where(
        Obligation.kind == ObligationKind.RESPOND,
        Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)),
        Obligation.set_aside_at.is_(None),
        Obligation.opened_at > now - LOOKED_BACK,
        Outbox.topic == NoticeTopic.OFFER,
        Outbox.audience == "partner",
        Outbox.state == "posted",
        ~arriving,
        ~before,
    )


def _given_up(now: datetime) -> Select[str]:
    given_up = select(Mail.outbox_id).where(Mail.state == "undeliverable").distinct().subquery()
    return (
        _owed(now)
        .select_from(given_up)
        .join(Outbox, Outbox.id == given_up.c.outbox_id)
        .join(Obligation, Obligation.assignment_id == Outbox.assignment_id)
    )


def _to_nobody(now: datetime) -> Select[str]:
    joined = (Outbox.partner_id == Partner.id) & (Outbox.created_at > now - LOOKED_BACK)
    return (
        _owed(now)
        .select_from(Partner)
        .join(Outbox, joined)
        .join(Obligation, Obligation.assignment_id == Outbox.assignment_id)
        .where(~Partner.reachable)
    )


def excuse_unreached(session: AnySession, obligation_id: str, now: datetime) -> Folded:
    """Waive an answer that nobody could know of; an offer that stands is asked for anew. Raises Unsettled.

    From then on the partner is unreachable and gets no leads, until a mail arrives there again.
    """
    row = session.get_one(Obligation, obligation_id)
    partner, at = enter(session, row.partner_id, now)
    session.refresh(row)
    key = f"undelivered:{row.assignment_id}"
    known = session.scalars(select(Excuse.id).where(Excuse.key == key)).first()
    if known is not None or row.state not in (ObligationState.OPEN, ObligationState.BREACHED):
        return Folded()
    partner.reachable = False
    write(session, partner, row, Excused(ExcuseEffect.WAIVED, row.due_at), at, REASON, key=key)
    return refold(session, partner, at)


def reached_again(session: AnySession) -> list[str]:
    """Unreachable partners that a mail has reached since, at an address that is not known to bounce."""
    arrived = (
        select(Mail.id)
        .join(User, User.id == Mail.user_id)
        .where(User.partner_id == Partner.id, User.active, User.bounced_at.is_(None), Mail.sent_at > _last_excuse())
    )
    return list(session.scalars(select(Partner.id).where(~Partner.reachable, arrived.exists())))


def _last_excuse() -> ColumnElement[datetime]:
    return (
        select(Excuse.at)
        .where(Excuse.partner_id == Partner.id, Excuse.key.like("undelivered:%"))
        .order_by(Excuse.at.desc())
        .limit(1)
        .correlate(Partner)
        .scalar_subquery()
    )


def reach(session: AnySession, partner_id: str, now: datetime) -> None:
    """A mail has arrived there: the partner counts as reachable again where it has such a user."""
    refresh_reachable(session, partner_id, now)

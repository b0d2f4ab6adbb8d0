"""Taking back mails that a mail server has not taken yet, once nothing in them holds any more."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from models.platform import Mail, Outbox
from models.session import AnySession
from portal.notifications.groups import GROUPS
from portal.notifications.matter import SECRET, matters, settled

#: What is delivered at once is left alone: only mails that have waited for a while are looked at.
WAITED = timedelta(minutes=1)
AT_ONCE = 100


def withdraw_settled(session: AnySession, now: datetime) -> int:
    """Delete mails that still wait for a mail server and tell only what is settled by now; how many.

    1. Looked at are a partner's mails that go out next and have waited for a minute, and those with a link for one
       use; one under lease is being sent.
    2. A mail of several notices goes only when all of them are settled.
    """
    free = or_(Mail.lease_until.is_(None), Mail.lease_until < now)
    waiting = session.execute(
        select(Mail, Outbox)
        .join(Outbox, Outbox.id == Mail.outbox_id)
        .where(Mail.state == "waiting", Mail.created_at <= now - WAITED, free)
        .where(or_(Outbox.audience == "partner", Outbox.topic.in_(SECRET)))
        .order_by(Mail.not_before, Mail.id)
        .limit(AT_ONCE)
        .with_for_update(of=Mail, skip_locked=True)
    ).all()
    about = matters(session, [row.Outbox for row in waiting])
    over = [row.Mail for row in waiting if settled(row.Outbox, about[row.Outbox.id], now)]
    firsts = {row.Mail.id: row.Outbox for row in waiting}
    gone = [mail for mail in over if _all_settled(session, firsts[mail.id], now)]
    for mail in gone:
        session.delete(mail)
    return len(gone)


def _all_settled(session: AnySession, first: Outbox, now: datetime) -> bool:
    rows = _told_with(session, first)
    about = matters(session, rows)
    return all(settled(row, about[row.id], now) for row in rows)


def _told_with(session: AnySession, first: Outbox) -> Sequence[Outbox]:
    """The notices that may share a mail with ``first``: of a group, posted together for the same partner's people."""
    if first.topic not in GROUPS:
        return [first]
    return session.scalars(
        select(Outbox).where(
            Outbox.partner_id == first.partner_id,
            Outbox.posted_at == first.posted_at,
            Outbox.audience == first.audience,
            Outbox.topic.in_(GROUPS),
        )
    ).all()

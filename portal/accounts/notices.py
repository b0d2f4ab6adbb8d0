"""What a user has turned off of what may be turned off, and the end of a user's links in mails."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update

from models.accounts import User
from models.base import new_id
from models.notices import MailLink, MutedNotice
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.vocabulary import NoticeKind


def muted(session: AnySession, user_id: str) -> frozenset[NoticeKind]:
    """The kinds of notice that a user does not get."""
    return frozenset(session.scalars(select(MutedNotice.kind).where(MutedNotice.user_id == user_id)))


def mute(session: AnySession, actor: Actor, user: User, unwanted: Collection[NoticeKind], now: datetime) -> None:
    """Turn off these kinds and no others; where that changes something it is audited."""
    before, wanted = muted(session, user.id), frozenset(unwanted)
    if before == wanted:
        return
    session.execute(delete(MutedNotice).where(MutedNotice.user_id == user.id, MutedNotice.kind.in_(before - wanted)))
    session.add_all(MutedNotice(id=new_id(), user_id=user.id, kind=kind, since=now) for kind in sorted(wanted - before))
    record(session, actor, "user.notices_set", "user", user.id, now, partner_id=user.partner_id,
           facts={"off": sorted(kind.value for kind in wanted)})  # fmt: skip


def end_links(session: AnySession, user: User, now: datetime) -> None:
    """End every link of a user's mails that is not used yet; switching the user on again revives none."""
    session.execute(
        update(MailLink)
        .where(MailLink.user_id == user.id, MailLink.used_at.is_(None), MailLink.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )

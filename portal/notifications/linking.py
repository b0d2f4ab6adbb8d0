"""Links that act, as rows: made for each reader of a mail, forgotten some time after they have ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete

from models.accounts import User
from models.base import new_id
from models.notices import MailLink
from models.platform import Outbox
from models.session import AnySession
from portal.notifications.facts import DIGEST_LISTS
from portal.notifications.links import LIFETIME, act_path, acts_of
from portal.vocabulary import NoticeTopic

#: For this long after its end a link can still say what became of it.
REMEMBERED = timedelta(days=30)


def with_links(
    session: AnySession, row: Outbox, facts: Mapping[str, Any], user: User, now: datetime
) -> Mapping[str, Any]:
    """``facts`` with the reader's own links for what can be done about them, and about each item of a digest."""
    if "items" in facts:
        items = [_with(session, row.topic, row.audience, item, item.get("assignment_id"), user, now)
                 for item in facts["items"][:DIGEST_LISTS]]  # fmt: skip
        return {**facts, "items": [*items, *facts["items"][DIGEST_LISTS:]]}
    return _with(session, row.topic, row.audience, facts, row.assignment_id, user, now)


def _with(
    session: AnySession,
    topic: NoticeTopic,
    audience: str,
    facts: Mapping[str, Any],
    assignment_id: str | None,
    user: User,
    now: datetime,
) -> Mapping[str, Any]:
    possible = acts_of(topic, audience, facts) if assignment_id else ()
    if not possible:
        return facts
    made = [
        MailLink(id=new_id(), user_id=user.id, assignment_id=assignment_id, act=act, created_at=now,
                 expires_at=now + LIFETIME)
        for act in possible
    ]  # fmt: skip
    session.add_all(made)
    return {**facts, "acts": [(link.act.label, act_path(link.id)) for link in made]}


def forget_links(session: AnySession, now: datetime) -> None:
    """Delete links that ended so long ago that nobody asks what became of them."""
    session.execute(delete(MailLink).where(MailLink.expires_at < now - REMEMBERED))

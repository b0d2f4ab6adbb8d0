"""From the outbox to mails: who reads a notice, and in which words."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, not_, select

from models.accounts import Portfolio, User
from models.base import new_id
from models.platform import Mail, Outbox
from models.session import AnySession
from portal.notifications.layout import House, Reader, write
from portal.notifications.messages import say
from portal.vocabulary import NoticeTopic, Role

#: Several of these at once become one mail for each reader, so that a late sweep floods nobody.
GROUPED = (NoticeTopic.WARNING, NoticeTopic.BREACH, NoticeTopic.MOVED_ON, NoticeTopic.UNALLOCATED)
#: These wait for the partner's opening hours.
QUIET = (NoticeTopic.WARNING, NoticeTopic.BREACH)
#: Their link is a secret: once the mail is made the outbox forgets it.
SECRET = (NoticeTopic.INVITATION, NoticeTopic.PASSWORD_RESET)


def post_pending(
    session: AnySession,
    house: House,
    now: datetime,
    *,
    keep: bool,
    quiet: Collection[str] = (),
    limit: int = 200,
) -> int:
    """Turn up to ``limit`` pending notices, oldest first, into mails; how many mails.

    1. Each reader gets one mail for a notice; notices of a grouped topic that are posted together share one.
    2. ``quiet``: partners outside their hours now. Their warnings and late notices wait.
    3. A warning whose due time has passed is dropped: what it warned of is told by another.
    4. ``keep``: there is no mail server. The mail is kept to be read here, and counts as delivered.
    """
    rows = _pending(session, quiet, limit)
    piles: dict[tuple[str, str], list[Outbox]] = defaultdict(list)
    people: dict[str, User] = {}
    known: dict[tuple[str, str | None, str | None], Sequence[User]] = {}
    for row in rows:
        row.state, row.posted_at = ("dropped", None) if _is_stale(row, now) else ("posted", now)
        if row.state == "dropped":
            continue
        address = (row.audience, row.partner_id, row.user_id)
        if address not in known:
            known[address] = readers(session, row)
        for user in known[address]:
            people[user.id] = user
            piles[user.id, f"{row.topic}:{row.audience}" if row.topic in GROUPED else row.id].append(row)
    session.add_all(_mail(people[user_id], pile, house, now, keep) for (user_id, _), pile in piles.items())
    _forget_secrets(rows)
    session.flush()
    return len(piles)


def pending_partners(session: AnySession) -> list[str]:
    """Partners that have a notice waiting which keeps to opening hours."""
    waiting = select(Outbox.partner_id).where(Outbox.state == "pending", keeps_hours()).distinct()
    return [partner_id for partner_id in session.scalars(waiting) if partner_id]


def readers(session: AnySession, row: Outbox) -> Sequence[User]:
    """Whom a notice is for; nobody without an account that is switched on.

    1. partner: all users of the partner but those whose address bounces.
    2. manager: channel managers whose portfolio is empty or holds the partner; a notice of no partner goes to
       all of them. Where there is none: the admins.
    3. user: the one named, even where the address has bounced: only a mail can show that it works again.
    """
    active = select(User).where(User.active).order_by(User.id)
    if row.audience == "user":
        return session.scalars(active.where(User.id == row.user_id)).all()
    reached = active.where(User.bounced_at.is_(None))
    if row.audience == "partner":
        return session.scalars(reached.where(User.partner_id == row.partner_id)).all()
    managers = reached.where(User.role == Role.CHANNEL_MANAGER, _sees(row.partner_id))
    return session.scalars(managers).all() or session.scalars(reached.where(User.role == Role.ADMIN)).all()


def _sees(partner_id: str | None) -> ColumnElement[bool]:
    any_row = select(Portfolio.id).where(Portfolio.user_id == User.id)
    if partner_id is None:
        return any_row.exists() | ~any_row.exists()
    return ~any_row.exists() | any_row.where(Portfolio.partner_id == partner_id).exists()


def keeps_hours() -> ColumnElement[bool]:
    """The notices that wait for their partner's opening hours."""
    return and_(Outbox.audience == "partner", Outbox.topic.in_(QUIET), Outbox.partner_id.is_not(None))


def _pending(session: AnySession, quiet: Collection[str], limit: int) -> Sequence[Outbox]:
    pending = select(Outbox).where(Outbox.state == "pending")
    if quiet:
        pending = pending.where(not_(and_(keeps_hours(), Outbox.partner_id.in_(quiet))))
    oldest = pending.order_by(Outbox.created_at, Outbox.id).limit(limit)
    return session.scalars(oldest.with_for_update(skip_locked=True)).all()


def _is_stale(row: Outbox, now: datetime) -> bool:
    try:
        due = datetime.fromisoformat(str(row.facts.get("due_at")))
    except ValueError:
        return False
    return row.topic is NoticeTopic.WARNING and due <= now


def _mail(user: User, pile: Sequence[Outbox], house: House, now: datetime, keep: bool) -> Mail:
    reader = Reader(user.name, user.timezone)
    first = pile[0]
    message = write([say(row.topic, row.audience, row.facts, reader, house) for row in pile], reader, house)
    return Mail(
        id=new_id(), outbox_id=first.id, user_id=user.id, address=user.email,
        message_id=_message_id(first, user, house),
        subject=message.subject, text=message.text, html=message.html, state="kept" if keep else "waiting",
        created_at=now, not_before=now,
    )  # fmt: skip


def _message_id(row: Outbox, user: User, house: House) -> str:
    """The same for the same notice and reader, however often it is sent (RFC 5322, 3.6.4)."""
    host = (urlsplit(house.base_url).hostname or "localhost").replace(":", "-")
    return f"<{row.id}.{user.id}@{host}>"


def _forget_secrets(rows: Iterable[Outbox]) -> None:
    for row in rows:
        if row.topic in SECRET:
            row.facts = {name: value for name, value in row.facts.items() if name not in ("url", "secret")}

"""From the outbox to mails: what still holds, who reads it, and in which words."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from models.accounts import Portfolio, User
from models.base import new_id
from models.notices import MutedNotice
from models.platform import Mail, Outbox
from models.session import AnySession
from portal.notifications.digest import is_digest, items, key_of, write_digests
from portal.notifications.groups import GROUPS, ORDER
from portal.notifications.kinds import kind_of
from portal.notifications.layout import House, Mute, Reader
from portal.notifications.linking import forget_links, with_links
from portal.notifications.links import unsubscribe_path
from portal.notifications.matter import SECRET, Matter, facts_now, in_words, matters, settled
from portal.notifications.messages import say
from portal.notifications.page import write
from portal.notifications.withdraw import withdraw_settled
from portal.vocabulary import NoticeKind, NoticeTopic, ObligationKind, Role

#: These wait for the partner's opening hours: reminders, and what an answer given then changes nothing about.
QUIET = (
    NoticeTopic.WARNING, NoticeTopic.BREACH, NoticeTopic.MOVED_ON, NoticeTopic.STANDING, NoticeTopic.EXTENDED,
    NoticeTopic.WAIVED, NoticeTopic.EXCUSED, NoticeTopic.ANSWERED, NoticeTopic.POLICY,
)  # fmt: skip
#: Audiences of the vendor's people, who share mails.
STAFF = ("manager", "admin")
#: Unless an offer has to be answered within this.
URGENT = timedelta(hours=4)
Told = Mapping[str, Mapping[str, Any]]
Piles = dict[tuple[str, str], list[Outbox]]


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

    1. What is settled by now is dropped: nobody is told of what no longer holds (``matter.settled``).
    2. Each reader gets one mail for a notice; reminders that are posted together share one, and where the day's
       digest lists what they remind of, it speaks for them.
    3. A reader who has turned a kind of notice off gets none of that kind; what must be sent is of no kind.
    4. Where something can be done straight from the mail, each reader gets links of their own for it.
    5. ``quiet``: partners outside their hours now. Their reminders wait, but for a warning of an offer that has
       to be answered within four hours.
    6. A mail that waits for its mail server is taken back once all it tells is settled.
    7. ``keep``: there is no mail server. The mail is kept to be read here, and counts as delivered.
    """
    rows = _pending(session, quiet, limit, now)
    about = matters(session, rows)
    told = {row.id: facts for row in rows if (facts := _facts(session, row, about[row.id], now)) is not None}
    for row in rows:
        row.state, row.posted_at = ("posted", now) if row.id in told else ("dropped", None)
    people, piles = _piles(session, [row for row in rows if row.id in told], told)
    for (user_id, _), pile in piles.items():
        session.add(_mail(session, people[user_id], pile, told, house, now, keep))
    _forget_secrets(rows)
    forget_links(session, now)
    withdraw_settled(session, now)
    write_digests(session, now)
    session.flush()
    return len(piles)


def _facts(session: AnySession, row: Outbox, about: Matter, now: datetime) -> dict[str, Any] | None:
    """What a notice is told with; None where there is nothing to tell any more."""
    if is_digest(row) and about.partner is not None:
        row.once = key_of(about.partner.id, about.partner.timezone, now)
        due = items(session, about.partner.id, about.partner.timezone, now)
        return {**row.facts, "items": due} if due else None
    return None if settled(row, about, now) else in_words(session, facts_now(row, about))


def _piles(session: AnySession, rows: Sequence[Outbox], told: Told) -> tuple[dict[str, User], Piles]:
    """Which notices each reader gets in one mail.

    1. What a digest lists is not told once more to whoever gets that digest.
    2. Who reads a notice in two roles reads it once.
    """
    ordered = sorted(rows, key=lambda row: _rank(row, told))
    people, wanted = _wanted(session, ordered)
    listed = _listed(rows, told, wanted)
    piles: Piles = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for row in ordered:
        for user_id in wanted[row.id]:
            event = (user_id, _event(row))
            covered = not is_digest(row) and row.audience == "partner" and (user_id, *_key(row)) in listed
            if covered or event in seen:
                continue
            seen.add(event)
            piles[user_id, _pile(row)].append(row)
    return people, piles


def _wanted(session: AnySession, rows: Sequence[Outbox]) -> tuple[dict[str, User], dict[str, list[str]]]:
    """The readers of each notice who have not turned it off, by the notice's id."""
    people: dict[str, User] = {}
    known: dict[tuple[str, str | None, str | None], Sequence[User]] = {}
    for row in rows:
        if (address := _address(row)) not in known:
            known[address] = readers(session, row)
            people.update({user.id: user for user in known[address]})
    muted = _muted(session, people)
    return people, {row.id: [u.id for u in known[_address(row)] if (u.id, _kind(row)) not in muted] for row in rows}


def _address(row: Outbox) -> tuple[str, str | None, str | None]:
    return row.audience, row.partner_id, row.user_id


def _muted(session: AnySession, user_ids: Collection[str]) -> set[tuple[str, NoticeKind | None]]:
    if not user_ids:
        return set()
    rows = session.execute(select(MutedNotice.user_id, MutedNotice.kind).where(MutedNotice.user_id.in_(user_ids)))
    return {(row.user_id, row.kind) for row in rows}


def _kind(row: Outbox) -> NoticeKind | None:
    return kind_of(row.topic, row.audience, digest=is_digest(row))


def _event(row: Outbox) -> str:
    """What happened, whoever it is told to: managers and admins may be the same people."""
    if row.topic is NoticeTopic.BREACH and row.once and row.audience in STAFF:
        return row.once.rpartition(":")[0]
    return row.id


def _pile(row: Outbox) -> str:
    """Notices with the same name go into one mail."""
    if row.topic not in GROUPS or is_digest(row):
        return row.id
    return f"{GROUPS[row.topic]}:{'staff' if row.audience in STAFF else row.audience}"


def _key(row: Outbox) -> tuple[str | None, str, str]:
    return row.partner_id, str(row.facts.get("kind")), str(row.facts.get("due_at")) + str(row.facts.get("url"))


def _listed(
    rows: Iterable[Outbox], told: Told, wanted: Mapping[str, Sequence[str]]
) -> set[tuple[str, str | None, str, str]]:
    """What the digests among ``rows`` tell of already, and whom."""
    return {
        (user_id, row.partner_id, str(item["kind"]), str(item["due_at"]) + str(item["url"]))
        for row in rows if is_digest(row)
        for item in told[row.id]["items"]
        for user_id in wanted[row.id]
    }  # fmt: skip


def _rank(row: Outbox, told: Told) -> tuple[int, str]:
    """The order within a mail; across mails it is the order of their making."""
    moved = row.topic is NoticeTopic.BREACH and row.facts.get("moved")
    topic = NoticeTopic.MOVED_ON if moved else row.topic
    return ORDER.index(topic) if topic in ORDER else -1, str(told[row.id].get("due_at") or "")


def pending_partners(session: AnySession) -> list[str]:
    """Partners that have a notice waiting which keeps to opening hours."""
    waiting = select(Outbox.partner_id).where(Outbox.state == "pending", keeps_hours()).distinct()
    return [partner_id for partner_id in session.scalars(waiting) if partner_id]


def readers(session: AnySession, row: Outbox) -> Sequence[User]:
    """Whom a notice is for; nobody without an account that is switched on.

    1. partner: all users of the partner but those whose address bounces.
    2. manager: channel managers whose portfolio is empty or holds the partner; a notice of no partner goes to
       all of them. Where there is none: the admins. admin: the admins.
    3. user: the one named, even where the address has bounced: only a mail can show that it works again.
    """
    active = select(User).where(User.active).order_by(User.id)
    if row.audience == "user":
        return session.scalars(active.where(User.id == row.user_id)).all()
    reached = active.where(User.bounced_at.is_(None))
    if row.audience == "partner":
        return session.scalars(reached.where(User.partner_id == row.partner_id)).all()
    admins = reached.where(User.role == Role.ADMIN)
    if row.audience == "admin":
        return session.scalars(admins).all()
    managers = reached.where(User.role == Role.CHANNEL_MANAGER, _sees(row.partner_id))
    return session.scalars(managers).all() or session.scalars(admins).all()


def _sees(partner_id: str | None) -> ColumnElement[bool]:
    any_row = select(Portfolio.id).where(Portfolio.user_id == User.id)
    if partner_id is None:
        return any_row.exists() | ~any_row.exists()
    return ~any_row.exists() | any_row.where(Portfolio.partner_id == partner_id).exists()


def keeps_hours(now: datetime | None = None) -> ColumnElement[bool]:
    """The notices that wait for their partner's opening hours; with ``now`` without those that are urgent then."""
    quiet = and_(Outbox.audience == "partner", Outbox.topic.in_(QUIET), Outbox.partner_id.is_not(None))
    if now is None:
        return quiet
    # Instants are kept as ISO 8601 in UTC, so their order is that of their text.
    urgent = and_(
        Outbox.topic == NoticeTopic.WARNING,
        Outbox.facts["kind"].as_string() == ObligationKind.RESPOND.value,
        Outbox.facts["due_at"].as_string() < (now + URGENT).isoformat(),
    )
    return and_(quiet, not_(func.coalesce(urgent, false())))


def _pending(session: AnySession, quiet: Collection[str], limit: int, now: datetime) -> Sequence[Outbox]:
    """The oldest first. A digest written in this very pass waits for the next: that one knows who is open."""
    fresh = and_(Outbox.once.like("digest:%"), Outbox.created_at >= now)
    pending = select(Outbox).where(Outbox.state == "pending", or_(Outbox.once.is_(None), not_(fresh)))
    if quiet:
        pending = pending.where(not_(and_(keeps_hours(now), Outbox.partner_id.in_(quiet))))
    oldest = pending.order_by(Outbox.created_at, Outbox.id).limit(limit)
    return session.scalars(oldest.with_for_update(skip_locked=True)).all()


def _mail(
    session: AnySession, user: User, pile: Sequence[Outbox], told: Told, house: House, now: datetime, keep: bool
) -> Mail:
    reader, first, kind = Reader(user.name, user.timezone, now), pile[0], _kind_of_all(pile)
    facts = {row.id: with_links(session, row, told[row.id], user, now) for row in pile}
    mute = Mute(f"No more mails of this kind ({kind.label})", unsubscribe_path(kind, user.id)) if kind else None
    message = write([say(row.topic, row.audience, facts[row.id], reader, house) for row in pile], reader, house, mute)
    return Mail(
        id=new_id(), outbox_id=first.id, user_id=user.id, address=user.email,
        message_id=_message_id(first, user, house), kind=kind,
        subject=message.subject, text=message.text, html=message.html, state="kept" if keep else "waiting",
        created_at=now, not_before=now,
    )  # fmt: skip


def _kind_of_all(pile: Sequence[Outbox]) -> NoticeKind | None:
    """The one kind by which a whole mail can be turned off; None where a part of it is always sent."""
    kinds = {_kind(row) for row in pile}
    return kinds.pop() if len(kinds) == 1 else None


def _message_id(row: Outbox, user: User, house: House) -> str:
    """The same for the same notice and reader, however often it is sent (RFC 5322, 3.6.4)."""
    host = (urlsplit(house.base_url).hostname or "localhost").replace(":", "-")
    return f"<{row.id}.{user.id}@{host}>"


def _forget_secrets(rows: Iterable[Outbox]) -> None:
    for row in rows:
        if row.topic in SECRET:
            row.facts = {name: value for name, value in row.facts.items() if name not in ("url", "secret")}

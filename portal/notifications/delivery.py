"""Sending what waits: at least once on the wire, marked once in the database.

A sender leases a mail in one transaction, sends it outside any, and marks it in another; that counts only
while its fencing token is still the last one given out. Killed in between, the mail goes out again with the same
Message-ID, once the lease has run out: it is short, and renewed for as long as the letter is being handed over.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from models.platform import Mail, Outbox
from models.session import AnySession, read_only, unit
from portal.notifications.links import Links
from portal.notifications.matter import SECRET
from portal.notifications.transports import Bounced, Deferred, Letter, Transport, Unavailable

LEASE = timedelta(seconds=20)
#: A letter that is still not handed over after this long is left to whoever takes it next.
LONGEST_SENDING_SECONDS = 120.0
#: How long after each try the next one comes; after the last there is none.
BACK_OFF = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1_800, 7_200, 21_600, 43_200))
ATTEMPTS = len(BACK_OFF) + 1
SENT_SECRET = "This mail held a link for one use. It was sent and is not kept."

log = structlog.get_logger(__name__)
OnBounce = Callable[[AnySession, str, str, datetime], None]


@dataclass
class Delivered:
    """What one round came to. ``halted``: the mail server takes nothing now, whoever it is for."""

    sent: int = 0
    deferred: int = 0
    undeliverable: int = 0
    halted: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class _Leased:
    """A mail under lease, as plain values: nothing is read from the database while it is being sent."""

    id: str
    token: int
    outbox_id: str
    user_id: str
    attempts: int
    letter: Letter


def deliver_due(
    session: AnySession,
    transport: Transport,
    now: datetime,
    *,
    sender: str,
    links: Links,
    bounced: OnBounce,
    limit: int = 50,
    stopping: Callable[[], bool] = lambda: False,
    only: Sequence[str] | None = None,
) -> Delivered:
    """Send up to ``limit`` mails that are due, oldest first. Commits for itself; call it outside any.

    ``only``: the ids to send, where they are due, instead of whatever is. ``links`` signs the addresses that act.

    1. Not taken now, for whatever passing reason: tried again after 30 s, 2, 10 and 30 min, 2, 6 and 12 h.
    2. No such address: undeliverable at once, and in the same transaction
       ``bounced(session, user_id, address, now)``.
    3. Not taken at the eighth try: undeliverable.
    4. A server that takes nothing ends the round; the mails after it have lost no try.
    """
    clock, done = _clock(now), Delivered()
    for mail_id in due(session, now, limit) if only is None else only[:limit]:
        if stopping():
            break
        leased = unit(session, partial(_lease, session, mail_id, sender, links, clock))
        if leased is not None and not _attempt(session, leased, transport, clock, bounced, done):
            done.halted = True
            break
    return done


def due(session: AnySession, now: datetime, limit: int) -> Sequence[str]:
    """Ids of mails that wait for a sender at ``now``, oldest first; those under lease have one."""
    read_only(session)
    free = or_(Mail.lease_until.is_(None), Mail.lease_until < now)
    waiting = select(Mail.id).where(Mail.state == "waiting", Mail.not_before <= now, free)
    found = session.scalars(waiting.order_by(Mail.not_before, Mail.id).limit(limit)).all()
    session.rollback()
    return found


def _clock(now: datetime) -> Callable[[], datetime]:
    """``now`` moved on by the time that really passes: a lease taken late in a round runs its full length."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def _lease(
    session: AnySession, mail_id: str, sender: str, links: Links, clock: Callable[[], datetime]
) -> _Leased | None:
    """Take a mail under a new token; None where another sender has it, it is done, or it is not due yet."""
    now = clock()
    free = or_(Mail.lease_until.is_(None), Mail.lease_until < now)
    taken = session.execute(
        update(Mail)
        .where(Mail.id == mail_id, Mail.state == "waiting", Mail.not_before <= now, free)
        .values(lease_token=Mail.lease_token + 1, lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None
    mail = session.get_one(Mail, mail_id, populate_existing=True)
    return _Leased(mail.id, mail.lease_token, mail.outbox_id, mail.user_id, mail.attempts, _letter(mail, sender, links))


def _letter(mail: Mail, sender: str, links: Links) -> Letter:
    """The mail as it goes out; only from here on its links work."""
    return Letter(
        mail.message_id, sender, mail.address, mail.subject, links.signed(mail.text),
        links.signed(mail.html) if mail.html else None, mail.created_at,
        links.unsubscribe(mail.kind, mail.user_id) if mail.kind else None,
    )  # fmt: skip


def _attempt(
    session: AnySession,
    leased: _Leased,
    transport: Transport,
    clock: Callable[[], datetime],
    bounced: OnBounce,
    done: Delivered,
) -> bool:
    """One try; False where the server takes nothing now."""
    try:
        with _kept(session, leased, clock):
            transport.send(leased.letter)
    except Bounced as error:
        reason = str(error)
        done.undeliverable += unit(session, lambda: _bounce(session, leased, reason, clock(), bounced))
        return True
    except Exception as error:  # a mail that cannot even be written must hold up no other
        reason = str(error) if isinstance(error, Deferred | Unavailable) else repr(error)
        given_up = unit(session, lambda: _defer(session, leased, reason, clock()))
        done.undeliverable, done.deferred = done.undeliverable + given_up, done.deferred + (not given_up)
        log.warning("mail.deferred", mail=leased.id, attempt=leased.attempts + 1, reason=reason)
        return not isinstance(error, Unavailable)
    done.sent += unit(session, lambda: _mark_sent(session, leased, clock()))
    return True


@contextmanager
def _kept(session: AnySession, leased: _Leased, clock: Callable[[], datetime]) -> Iterator[None]:
    """Renews the lease while the letter is being handed over: a slow server makes nobody else send it too."""
    over, bind = threading.Event(), session.get_bind()

    def renew() -> None:
        end = time.monotonic() + LONGEST_SENDING_SECONDS
        while not over.wait(LEASE.total_seconds() / 3) and time.monotonic() < end:
            try:
                with Session(bind) as own:
                    unit(own, partial(_renew, own, leased, clock))
            except Exception:  # at worst the mail goes out twice under one Message-ID
                log.exception("mail.lease", mail=leased.id)

    renewing = threading.Thread(target=renew, name="mail-lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def _renew(session: AnySession, leased: _Leased, clock: Callable[[], datetime]) -> None:
    session.execute(
        update(Mail)
        .where(Mail.id == leased.id, Mail.lease_token == leased.token, Mail.state == "waiting")
        .values(lease_until=clock() + LEASE)
        .execution_options(synchronize_session=False)
    )


def _mark(session: AnySession, leased: _Leased, **values: object) -> bool:
    """Write the outcome and give the lease back, unless another sender has taken the mail over since."""
    marked = session.execute(
        update(Mail)
        .where(Mail.id == leased.id, Mail.lease_token == leased.token, Mail.state == "waiting")
        .values(lease_until=None, attempts=Mail.attempts + 1, **values)
        .execution_options(synchronize_session=False)
    )
    return bool(marked.rowcount == 1)  # type: ignore[attr-defined]


def _mark_sent(session: AnySession, leased: _Leased, now: datetime) -> bool:
    topic = session.scalars(select(Outbox.topic).where(Outbox.id == leased.outbox_id)).one()
    forgotten = {"text": SENT_SECRET, "html": None} if topic in SECRET else {}
    return _mark(session, leased, state="sent", sent_at=now, last_error=None, **forgotten)


def _defer(session: AnySession, leased: _Leased, reason: str, now: datetime) -> bool:
    """Put the next try off; True where there is none."""
    attempts = leased.attempts + 1
    if attempts >= ATTEMPTS:
        return _mark(session, leased, state="undeliverable", last_error=reason)
    _mark(session, leased, not_before=now + BACK_OFF[attempts - 1], last_error=reason)
    return False


def _bounce(session: AnySession, leased: _Leased, reason: str, now: datetime, bounced: OnBounce) -> bool:
    if not _mark(session, leased, state="undeliverable", last_error=reason):
        return False
    bounced(session, leased.user_id, leased.letter.address, now)
    return True

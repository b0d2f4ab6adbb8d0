"""The way of a notice to its reader, as one unit of work each: seal, post, deliver."""

from collections.abc import Callable, Sequence
from datetime import datetime

from models.base import db
from models.partners import Partner
from models.session import AnySession, read_only, unit
from portal.accounts.audit import seal
from portal.accounts.reach import address_bounced
from portal.calendars.describe import exact
from portal.calendars.policy import is_open
from portal.config import Settings
from portal.deadlines.service import calendar_of
from portal.notifications.delivery import Delivered, deliver_due
from portal.notifications.layout import House
from portal.notifications.links import Links
from portal.notifications.posting import pending_partners, post_pending
from portal.notifications.transports import SmtpTransport

BATCH = 1000


def seal_all() -> int:
    """Seal what has been audited so far; how many rows."""
    sealed = batch = unit(db.session(), lambda: seal(db.session(), BATCH))
    while batch == BATCH:
        batch = unit(db.session(), lambda: seal(db.session(), BATCH))
        sealed += batch
    return sealed


def post_all(settings: Settings, now: datetime) -> int:
    """Make mails of every notice that may be told now; how many mails."""
    house = House(settings.base_url, settings.vendor, exact)
    quiet = _closed(db.session(), now)
    mails, batch = 0, -1
    while batch != 0:
        batch = unit(
            db.session(),
            lambda: post_pending(db.session(), house, now, keep=not settings.smtp_url, quiet=quiet),
        )
        mails += batch
    return mails


def deliver(
    settings: Settings,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
    only: Sequence[str] | None = None,
) -> Delivered:
    """Send what is due, or what of it is named in ``only``; nothing without a mail server."""
    if not settings.smtp_url:
        return Delivered()
    return deliver_due(
        db.session(),
        SmtpTransport(settings.smtp_url),
        now,
        sender=settings.mail_from,
        links=Links(settings.base_url, settings.secret_key),
        bounced=address_bounced,
        stopping=stopping,
        only=only,
    )


def _closed(session: AnySession, now: datetime) -> frozenset[str]:
    """Of the partners with a notice that keeps to opening hours, those outside theirs."""
    read_only(session)
    partners = [session.get_one(Partner, partner_id) for partner_id in pending_partners(session)]
    closed = frozenset(p.id for p in partners if not is_open(calendar_of(p), now))
    session.rollback()
    return closed

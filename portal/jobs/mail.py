"""The one job: send one mail. Doing it again does nothing, so it may be pushed, lost and repeated at will."""

from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

from redis import Redis, RedisError
from rq import get_current_job
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import Session

from models.session import configure_engine
from portal.accounts.reach import address_bounced
from portal.config import Settings
from portal.jobs import broker
from portal.jobs.moment import now_of
from portal.notifications.delivery import Delivered, deliver_due
from portal.notifications.links import Links
from portal.notifications.transports import SmtpTransport, secure_context


@dataclass(frozen=True)
class House:
    """What a job needs, made before its process is forked."""

    settings: Settings
    engine: Engine


HOUSE: ContextVar[House] = ContextVar("house")


def prepare(settings: Settings) -> House:
    """Make ready in this process what every job forked from it will use. No connection is opened, so none is shared."""
    engine = create_engine(settings.database_url, poolclass=NullPool)
    configure_engine(engine)
    if settings.smtp_url:
        secure_context()
    house = House(settings, engine)
    HOUSE.set(house)
    return house


def send(mail_id: str) -> str:
    """Send the mail where it is due and nobody else has it; says what came of it.

    1. While the mail server rests, nothing is tried: the mail stays due and comes again.
    2. Sent by another meanwhile, or under another's lease: nothing to do.
    3. The mail is leased, sent and marked as any sender does it (portal.notifications.delivery).
    """
    house, job = HOUSE.get(), get_current_job()
    if not house.settings.smtp_url or (job is not None and _rests(job.connection)):
        return "left"
    with Session(house.engine) as session:
        done = _deliver(session, house.settings, mail_id)
    if done.halted and job is not None:
        with suppress(RedisError):
            broker.rest(job.connection)
    return next((word for word in ("sent", "deferred", "undeliverable") if getattr(done, word)), "left")


def _rests(connection: "Redis") -> bool:
    try:
        return broker.rests(connection)
    except RedisError:
        return False


def _deliver(session: Session, settings: Settings, mail_id: str) -> Delivered:
    return deliver_due(
        session,
        SmtpTransport(settings.smtp_url),
        now_of(session),
        sender=settings.mail_from,
        links=Links(settings.base_url, settings.secret_key),
        bounced=address_bounced,
        only=[mail_id],
    )

"""Reading the outbox."""

from sqlalchemy import select

from models.platform import Outbox
from models.session import AnySession


def told(session: AnySession, once: str) -> bool:
    """Whether a notice for this event was written already."""
    return session.scalars(select(Outbox.id).where(Outbox.once == once).limit(1)).first() is not None

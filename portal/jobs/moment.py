"""The time that this process and every other on the same database agree on."""

from datetime import datetime

from sqlalchemy import func, select

from models.session import AnySession
from portal.clock import utc_now


def now_of(session: AnySession) -> datetime:
    """The time by the database's clock, which all hosts share; a file has none, so by this machine's. UTC."""
    if session.get_bind().dialect.name == "sqlite":
        return utc_now()
    at = session.scalars(select(func.clock_timestamp())).one()
    session.rollback()
    return at  # type: ignore[no-any-return]

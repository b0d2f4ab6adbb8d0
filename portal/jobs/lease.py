"""One leader at a time: a name held in the database until an instant, taken over when that has passed."""

from datetime import datetime, timedelta

from sqlalchemy import or_, update

from models.platform import Lease
from models.session import AnySession

HELD = timedelta(seconds=30)


def take(session: AnySession, name: str, owner: str, now: datetime) -> bool:
    """Take or renew the lease for 30 seconds; False while another owner holds it.

    Decided by one conditional UPDATE, or by the primary key where nobody ever held it: the loser's unit
    begins again and finds the row.
    """
    taken = session.execute(
        update(Lease)
        .where(Lease.name == name, or_(Lease.owner == owner, Lease.until <= now))
        .values(owner=owner, until=now + HELD, beat_at=now)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount == 1:  # type: ignore[attr-defined]
        return True
    if session.get(Lease, name) is not None:
        return False
    session.add(Lease(name=name, owner=owner, until=now + HELD, beat_at=now))
    session.flush()
    return True


def give_back(session: AnySession, name: str, owner: str, now: datetime) -> None:
    """Let the next one in at once; nothing where ``owner`` holds it no more."""
    session.execute(
        update(Lease)
        .where(Lease.name == name, Lease.owner == owner)
        .values(until=now)
        .execution_options(synchronize_session=False)
    )

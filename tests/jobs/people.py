"""Named characters for these tests: a partner, its rival, staff with and without a portfolio."""

from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy.orm import Session

from models.accounts import Portfolio, User
from models.base import new_id
from models.partners import Partner
from models.platform import Outbox
from portal.notifications.outbox import notice_row
from portal.vocabulary import NoticeTopic, Role

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
_slots = count(1000)


def partner(session: Session, name: str = "Northwind", **more: object) -> Partner:
    """A partner in Berlin, open Monday to Friday 09:00 to 17:00; nobody of it has an account yet."""
    columns = {
        "id": new_id(), "slot": next(_slots), "name": name, "timezone": "Europe/Berlin", "country": "DE",
        "created_at": NOW, "standing_since": NOW, "standing_state": {}, "folded_until": NOW, **more,
    }  # fmt: skip
    made = Partner(**columns)
    session.add(made)
    session.flush()
    return made


def user(session: Session, email: str, role: Role, of: Partner | None = None, **more: object) -> User:
    """Someone with an account, without a password."""
    columns = {
        "id": new_id(), "email": email, "name": email.partition("@")[0].title(), "role": role,
        "partner_id": of.id if of else None, "timezone": "Europe/Berlin", "created_at": NOW, **more,
    }  # fmt: skip
    made = User(**columns)
    session.add(made)
    session.flush()
    return made


def sees(session: Session, manager: User, seen: Partner) -> None:
    """Put a partner into a manager's portfolio."""
    session.add(Portfolio(id=new_id(), user_id=manager.id, partner_id=seen.id))
    session.flush()


def notice(session: Session, topic: NoticeTopic, audience: str = "partner", **more: object) -> Outbox:
    """A notice in the outbox, as its cause would write it."""
    row = Outbox(**notice_row(topic, audience, NOW, **more))  # type: ignore[arg-type]
    session.add(row)
    session.flush()
    return row

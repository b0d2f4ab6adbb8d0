"""Writing a notice in the transaction of its cause. Who reads it and how it is sent comes later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from models.base import new_id
from models.platform import Outbox
from models.session import AnySession
from portal.vocabulary import NoticeTopic


def notice_row(
    topic: NoticeTopic,
    audience: str,
    now: datetime,
    *,
    partner_id: str | None = None,
    user_id: str | None = None,
    assignment_id: str | None = None,
    lead_id: str | None = None,
    once: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The columns of one outbox row. ``audience``: partner, manager, admin, user. ``once``: one for each event."""
    return {
        "id": new_id(), "topic": topic, "audience": audience, "partner_id": partner_id, "user_id": user_id,
        "assignment_id": assignment_id, "lead_id": lead_id, "once": once, "facts": dict(facts or {}),
        "created_at": now, "state": "pending",
    }  # fmt: skip


def notify(session: AnySession, topic: NoticeTopic, audience: str, now: datetime, **details: Any) -> None:
    """Add one notice to the outbox; ``details`` as in ``notice_row``."""
    session.add(Outbox(**notice_row(topic, audience, now, **details)))


def tell_moved_on(session: AnySession, partner_id: str, assignment_id: str, lead_id: str, at: datetime) -> None:
    """Tell a partner that we took a lead back, without why: a reason may speak of others. Call it after the end.

    An offer that nobody had been told of is taken back in silence.
    """
    offer = session.scalars(select(Outbox.state).where(Outbox.once == f"offer:{assignment_id}")).first()
    if offer in (None, "posted"):
        notify(
            session, NoticeTopic.MOVED_ON, "partner", at, partner_id=partner_id, assignment_id=assignment_id,
            lead_id=lead_id, once=f"moved_on:{assignment_id}", facts={"at": at.isoformat(), "url": "/work"},
        )  # fmt: skip


def drop_pending(session: AnySession, assignment_id: str, topics: tuple[NoticeTopic, ...]) -> None:
    """Take back what is not posted yet, since the matter is settled: nobody is told of what no longer holds."""
    session.execute(
        update(Outbox)
        .where(Outbox.assignment_id == assignment_id, Outbox.state == "pending", Outbox.topic.in_(topics))
        .values(state="dropped")
    )

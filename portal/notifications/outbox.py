"""Writing a notice in the transaction of its cause. Who reads it and how it is sent comes later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update

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
    """The columns of one outbox row. ``audience``: partner, manager or user. ``once``: one notice for each event."""
    return {
        "id": new_id(), "topic": topic, "audience": audience, "partner_id": partner_id, "user_id": user_id,
        "assignment_id": assignment_id, "lead_id": lead_id, "once": once, "facts": dict(facts or {}),
        "created_at": now, "state": "pending",
    }  # fmt: skip


def notify(session: AnySession, topic: NoticeTopic, audience: str, now: datetime, **details: Any) -> None:
    """Add one notice to the outbox; ``details`` as in ``notice_row``."""
    session.add(Outbox(**notice_row(topic, audience, now, **details)))


def drop_pending(session: AnySession, assignment_id: str, topics: tuple[NoticeTopic, ...]) -> None:
    """Take back what is not posted yet, since the matter is settled: nobody is told of what no longer holds."""
    session.execute(
        update(Outbox)
        .where(Outbox.assignment_id == assignment_id, Outbox.state == "pending", Outbox.topic.in_(topics))
        .values(state="dropped")
    )

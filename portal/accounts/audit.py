"""The audit: one row for each act, in its transaction, sealed afterwards into a hash chain."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, true

from models.base import new_id
from models.platform import Audit, AuditSeal
from models.session import AnySession
from models.writing import bare, tracked
from portal.accounts.actor import Actor

GENESIS = "0" * 64


def record(
    session: AnySession,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    now: datetime,
    *,
    partner_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add one audit row. ``facts`` must be JSON and hold no contact data and no secret."""
    session.add(tracked(Audit, entry(actor, action, object_type, object_id, now, partner_id=partner_id, facts=facts)))


def entry(
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    now: datetime,
    *,
    partner_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Audit:
    """One audit row, not yet written."""
    return bare(
        Audit, id=new_id(), at=now, actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name, action=action,
        object_type=object_type, object_id=object_id, partner_id=partner_id, facts=dict(facts or {}),
    )  # fmt: skip


def canonical(row: Audit) -> str:
    """The text that is sealed: the row's columns as JSON with sorted keys, the instant in ISO 8601 UTC."""
    return json.dumps(
        {
            "id": row.id, "at": row.at.isoformat(), "actor_kind": row.actor_kind, "actor_id": row.actor_id,
            "actor_name": row.actor_name, "action": row.action, "object_type": row.object_type,
            "object_id": row.object_id, "partner_id": row.partner_id, "facts": row.facts,
        },
        sort_keys=True, separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip


def link(previous: str, row: Audit) -> str:
    """The hash of the chain's next link (sha-256, hex)."""
    return hashlib.sha256(f"{previous}\n{canonical(row)}".encode()).hexdigest()


def seal(session: AnySession, limit: int = 1000) -> int:
    """Seal up to ``limit`` unsealed rows, oldest first; how many. Called by the one clock process only."""
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).first()
    previous, first = (last.hash, last.number + 1) if last else (GENESIS, 1)
    sealed = select(AuditSeal.audit_id).where(AuditSeal.audit_id == Audit.id).exists()
    recent = Audit.id >= an_hour_before(last.audit_id) if last else true()
    rows = session.scalars(select(Audit).where(recent, ~sealed).order_by(Audit.id).limit(limit)).all()
    for number, row in enumerate(rows, start=first):
        previous = link(previous, row)
        session.add(AuditSeal(number=number, audit_id=row.id, hash=previous))
    session.flush()
    return len(rows)


def an_hour_before(audit_id: str) -> str:
    """The lowest id (UUIDv7) made an hour before another one: a transaction may commit rows older than those sealed."""
    stamp = int(audit_id.replace("-", "")[:12], 16) - 3_600_000
    text = f"{max(stamp, 0):012x}"
    return f"{text[:8]}-{text[8:]}"


def broken_links(session: AnySession) -> Iterator[str]:
    """A sentence for each link of the chain that does not hold; nothing where all is well."""
    previous, expected = GENESIS, 1
    rows = session.execute(
        select(AuditSeal, Audit).outerjoin(Audit, Audit.id == AuditSeal.audit_id).order_by(AuditSeal.number)
        .execution_options(yield_per=1000)
    )  # fmt: skip
    pairs: Iterable[tuple[AuditSeal, Audit | None]] = ((sealed, row) for sealed, row in rows)
    for sealed, row in pairs:
        if sealed.number != expected:
            yield f"The audit chain misses link {expected}."
        if row is None:
            yield f"Audit row {sealed.audit_id} was sealed and is gone."
        elif link(previous, row) != sealed.hash:
            yield f"Audit row {row.id} is not what was sealed."
        previous, expected = sealed.hash, sealed.number + 1

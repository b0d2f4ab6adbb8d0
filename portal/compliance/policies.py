"""Policy versions: drafted, checked, published at once or for a later date."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update

from models.base import new_id
from models.compliance import Policy
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance.service import TICK
from portal.deadlines.document import PolicyError, parse_policy
from portal.deadlines.live import changed, policies
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState


def draft(session: AnySession, body: Mapping[str, Any], note: str, now: datetime, actor: Actor) -> Policy:
    """Store a checked draft as the next version, with its defaults filled in. Raises Invalid."""
    try:
        document = parse_policy(body)
    except PolicyError as error:
        raise Invalid(error.errors) from error
    number = (session.scalar(select(func.max(Policy.number))) or 0) + 1
    policy = Policy(
        id=new_id(), number=number, state=VersionState.DRAFT, body=document.body, note=note, created_at=now,
        created_by=actor.id, created_by_name=actor.name,
    )  # fmt: skip
    session.add(policy)
    record(session, actor, "policy.draft", "policy", policy.id, now, facts={"number": number})
    return policy


def publish(
    session: AnySession, policy_id: str, effective_from: datetime | None, now: datetime, actor: Actor
) -> Policy:
    """Let a draft rule from ``effective_from`` on (None: at once). Raises NotFound, Conflict, Invalid.

    1. Every partner is locked and the policy takes effect after the last event of each: none is judged backwards.
    2. Open deadlines keep the version they were opened under. 3. The sweep folds each standing at that instant.
    4. One that was published for a later date still takes over at that date.
    """
    policy = session.get(Policy, policy_id)
    if policy is None:
        raise NotFound
    if policy.state is not VersionState.DRAFT:
        raise Conflict(f"Policy {policy.number} is published already: draft a new one to change it.")
    session.execute(select(Partner.id).order_by(Partner.id).with_for_update())
    last = session.scalar(select(func.max(Partner.folded_until)))
    earliest = max(now, last + TICK if last else now)
    earliest = max(earliest, policies(session).at(earliest).effective_from + TICK)
    if effective_from is not None and effective_from < now:
        raise Invalid([("effective_from", "Give an instant in the future, or leave it out to publish at once.")])
    start = max(earliest, effective_from or now)
    policy.state, policy.published_at, policy.effective_from = VersionState.PUBLISHED, now, start
    session.execute(
        update(Partner)
        .where(or_(Partner.standing_next_at.is_(None), Partner.standing_next_at > start))
        .values(standing_next_at=start)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    changed(session)
    record(session, actor, "policy.publish", "policy", policy.id, now,
           facts={"number": policy.number, "effective_from": start.isoformat()})  # fmt: skip
    return policy

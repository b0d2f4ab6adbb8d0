"""Policy versions: drafted, edited in place, checked, published at once or for a later date, brought back."""

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
from portal.deadlines.difference import differences
from portal.deadlines.document import PolicyDocument, PolicyError, parse_policy
from portal.deadlines.live import changed, policies
from portal.errors import Conflict, Invalid, NotFound
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic, VersionState


class Overtaken(Conflict):
    """Another change of the draft came first; nothing of this one is stored."""


def checked(body: object) -> PolicyDocument:
    """A document that can be published. Raises Invalid with (dotted field, sentence) for all that is wrong."""
    try:
        return parse_policy(body)
    except PolicyError as error:
        raise Invalid(error.errors) from error


def draft(session: AnySession, body: Mapping[str, Any], note: str, now: datetime, actor: Actor) -> Policy:
    """Store a checked draft as the next version, with its defaults filled in. Raises Invalid."""
    document = checked(body)
    number = (session.scalar(select(func.max(Policy.number))) or 0) + 1
    policy = Policy(
        id=new_id(), number=number, state=VersionState.DRAFT, body=document.body, note=note, created_at=now,
        created_by=actor.id, created_by_name=actor.name, changed_at=now, changed_by_name=actor.name,
    )  # fmt: skip
    session.add(policy)
    record(session, actor, "policy.draft", "policy", policy.id, now, facts={"number": number})
    return policy


def revise(
    session: AnySession, policy_id: str, revision: int, body: object, note: str, now: datetime, actor: Actor
) -> Policy:
    """Put another document in a draft's place. Raises NotFound, Conflict, Overtaken, Invalid; then nothing is stored.

    1. It is a draft still. 2. Nobody changed it since ``revision``. 3. The document can be published.
    """
    document = checked(body)
    policy = _held(session, policy_id, revision)
    policy.body, policy.note = document.body, note
    policy.revision, policy.changed_at, policy.changed_by_name = revision + 1, now, actor.name
    record(session, actor, "policy.revise", "policy", policy.id, now,
           facts={"number": policy.number, "revision": policy.revision})  # fmt: skip
    return policy


def _held(session: AnySession, policy_id: str, revision: int | None) -> Policy:
    """The draft, its row locked, at the revision that was read (None: at any)."""
    query = select(Policy).where(Policy.id == policy_id).with_for_update()
    policy = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if policy is None:
        raise NotFound
    if policy.state is not VersionState.DRAFT:
        raise Conflict(f"Policy {policy.number} is published already: draft a new one to change it.")
    if revision is not None and policy.revision != revision:
        raise Overtaken(f"{policy.changed_by_name or 'Somebody else'} changed draft {policy.number} meanwhile.")
    return policy


def publish(
    session: AnySession, policy_id: str, effective_from: datetime | None, now: datetime, actor: Actor,
    revision: int | None = None,
) -> Policy:  # fmt: skip
    """Let a draft rule from ``effective_from`` on (None: at once). Raises NotFound, Conflict, Overtaken, Invalid.

    1. Every partner is locked and the policy takes effect after the last event of each: none is judged backwards.
    2. Open deadlines keep the version they were opened under. 3. The sweep folds each standing at that instant.
    4. One that was published for a later date still takes over at that date.
    5. ``revision``: the one that was read; a draft that was changed since is not published unseen (None: as it is).
    6. A later date is announced to every active partner, with what is then otherwise.
    """
    policy = _held(session, policy_id, revision)
    if effective_from is not None and effective_from < now:
        raise Invalid([("effective_from", "Give an instant in the future, or leave it out to publish at once.")])
    start = max(_earliest(session, now), effective_from or now)
    policy.state, policy.published_at, policy.effective_from = VersionState.PUBLISHED, now, start
    session.execute(
        update(Partner)
        .where(or_(Partner.standing_next_at.is_(None), Partner.standing_next_at > start))
        .values(standing_next_at=start)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    if effective_from is not None and effective_from > now:
        _announce(session, policy, start, now)
    changed(session)
    record(session, actor, "policy.publish", "policy", policy.id, now,
           facts={"number": policy.number, "effective_from": start.isoformat()})  # fmt: skip
    return policy


def _announce(session: AnySession, policy: Policy, start: datetime, now: datetime) -> None:
    """One notice for each active partner: what holds from ``start`` on, against what would hold without it."""
    before, after = policies(session).at(start).document, parse_policy(policy.body)
    facts = {
        "number": policy.number, "starts_at": start.isoformat(), "url": "/team/due-times",
        "changes": [change.sentence for change in differences(before, after)],
    }  # fmt: skip
    for partner_id in session.scalars(select(Partner.id).where(Partner.active).order_by(Partner.id)):
        notify(session, NoticeTopic.POLICY, "partner", now, partner_id=partner_id,
               once=f"policy:{policy.id}:{partner_id}", facts=facts)  # fmt: skip


def _earliest(session: AnySession, now: datetime) -> datetime:
    """The first instant from which a policy may rule: after the last event of each partner, now locked."""
    session.execute(select(Partner.id).order_by(Partner.id).with_for_update())
    last = session.scalar(select(func.max(Partner.folded_until)))
    earliest = max(now, last + TICK if last else now)
    return max(earliest, policies(session).at(earliest).effective_from + TICK)


def bring_back(
    session: AnySession, policy_id: str, effective_from: datetime | None, note: str, now: datetime, actor: Actor
) -> Policy:
    """Publish what an earlier version says anew, under the next number. Raises NotFound, Conflict, Invalid.

    1. It was published, and another one rules now. 2. Its document passes the check of today.
    3. The old version stays as it was: what was opened under it keeps its number.
    """
    earlier = session.get(Policy, policy_id)
    if earlier is None:
        raise NotFound
    if earlier.state is VersionState.DRAFT:
        raise Conflict(f"Policy {earlier.number} is a draft: publish it as it is.")
    if policies(session).at(now).id == earlier.id:
        raise Conflict(f"Policy {earlier.number} is live already.")
    anew = draft(session, earlier.body, note or f"Back to policy {earlier.number}", now, actor)
    session.flush()
    return publish(session, anew.id, effective_from, now, actor)

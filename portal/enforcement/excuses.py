"""Excuses as the sweep applies them, one transaction a partner; and outages declared and withdrawn by staff."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from models.base import new_id
from models.excuses import Excuse, Outage
from models.session import AnySession, unit
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance import excuses, unreached
from portal.compliance.service import Folded
from portal.enforcement.acts import settled
from portal.enforcement.placing import place_freed
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.vocabulary import OutageKind, OutageOrigin

#: How far back and ahead a declaration may reach, and how long it may be.
BACK, AHEAD, LONGEST = timedelta(days=60), timedelta(days=366), timedelta(days=31)
REASON = 1000
Each = Callable[[str, list[str], Callable[[str], None]], int]


def apply_outages(session: AnySession, now: datetime, each: Each) -> int:
    """Excuse what outages excuse; how many deadlines.

    1. Once as soon as an outage is known, and once more after its end: what was opened meanwhile.
    2. Each partner in its own transaction; where one is set aside the outage stays undone and comes up again.
    ``each(step, ids, work)`` runs ``work`` on each id and says how many were set aside.
    """
    known = unit(session, lambda: excuses.undone(session))
    before = _count(session) if known else 0
    for outage in known:
        over = outage.ends_at is not None and outage.ends_at <= now
        if outage.applied_at is None or over:
            _apply(session, outage.id, now, each, over=over)
    return _count(session) - before if known else 0


def _apply(session: AnySession, outage_id: str, now: datetime, each: Each, *, over: bool) -> None:
    found = unit(session, lambda: excuses.partners_of(session, session.get_one(Outage, outage_id)))
    aside = each("excuse", found, lambda it: _excuse(session, it, outage_id, now))
    if not aside:
        unit(session, lambda: _mark(session, outage_id, now, over=over))


def _excuse(session: AnySession, partner_id: str, outage_id: str, now: datetime) -> None:
    _folded(session, now, partial(excuses.excuse, session, partner_id, outage_id, now))


def _mark(session: AnySession, outage_id: str, now: datetime, *, over: bool) -> None:
    outage = session.get_one(Outage, outage_id)
    outage.applied_at = outage.applied_at or now
    outage.done_at = now if over else outage.done_at


def apply_unreached(session: AnySession, now: datetime, each: Each) -> None:
    """Excuse offers that nobody could be told of; partners that a mail has reached since get leads again."""
    found = unit(session, lambda: unreached.unreached(session, now))
    each("unreached", found, lambda it: _folded(session, now, partial(unreached.excuse_unreached, session, it, now)))
    again = unit(session, lambda: unreached.reached_again(session))
    each("reach", again, lambda it: unit(session, lambda: unreached.reach(session, it, now)))


def _folded(session: AnySession, now: datetime, work: Callable[[], Folded]) -> None:
    place_freed(session, settled(session, now, work).freed_leads, now)


def _count(session: AnySession) -> int:
    return unit(session, lambda: session.query(Excuse).count())


def declare(
    session: AnySession, actor: Actor, kind: OutageKind, starts_at: datetime, ends_at: datetime, reason: str,
    now: datetime,
) -> Outage:  # fmt: skip
    """Declare an outage or a closed vendor; the next sweep excuses what it excuses. Raises Invalid, Forbidden."""
    only_for_all(actor)
    reason = reason.replace("\0", "").strip()
    errors = _why_not(starts_at, ends_at, reason, now)
    if errors:
        raise Invalid(errors)
    return unit(session, lambda: _declare(session, actor, kind, starts_at, ends_at, reason, now))


def _declare(
    session: AnySession, actor: Actor, kind: OutageKind, starts_at: datetime, ends_at: datetime, reason: str,
    now: datetime,
) -> Outage:  # fmt: skip
    outage = Outage(
        id=new_id(), kind=kind, origin=OutageOrigin.DECLARED, starts_at=starts_at, ends_at=ends_at, reason=reason,
        created_at=now, created_by=actor.id, created_by_name=actor.name,
    )  # fmt: skip
    session.add(outage)
    facts = {"kind": kind, "from": starts_at.isoformat(), "to": ends_at.isoformat(), "reason": reason}
    record(session, actor, "outage.declare", "outage", outage.id, now, facts=facts)
    return outage


def only_for_all(actor: Actor) -> None:
    """An outage concerns every partner, so whoever manages some of them only cannot declare one."""
    if not actor.manages_partners or actor.portfolio is not None:
        raise Forbidden("An outage excuses every partner: somebody who manages all of them has to declare it.")


def _why_not(starts_at: datetime, ends_at: datetime, reason: str, now: datetime) -> list[tuple[str, str]]:
    errors = []
    if not now - BACK <= starts_at <= now + AHEAD:
        errors.append(("starts_at", f"Give a time at most {BACK.days} days ago and at most a year ahead."))
    if not starts_at < ends_at <= starts_at + LONGEST:
        errors.append(("ends_at", f"Give a time after the start, at most {LONGEST.days} days after it."))
    if not reason.strip() or len(reason) > REASON:
        errors.append(("reason", f"Say why, in at most {REASON:,} characters: partners read it."))
    return errors


def withdraw(session: AnySession, actor: Actor, outage_id: str, reason: str, now: datetime) -> None:
    """Take an outage back: it excuses nothing more; what it has excused stays. Raises NotFound, Conflict, Invalid."""
    only_for_all(actor)
    unit(session, lambda: _withdraw(session, actor, outage_id, reason, now))


def _withdraw(session: AnySession, actor: Actor, outage_id: str, reason: str, now: datetime) -> None:
    outage = session.get(Outage, outage_id, with_for_update=True)
    if outage is None:
        raise NotFound
    if outage.withdrawn_at is not None:
        raise Conflict("This outage was withdrawn already.")
    reason = reason.replace("\0", "").strip()
    if not reason:
        raise Invalid([("reason", "Say why: it is kept.")])
    outage.withdrawn_at, outage.withdrawn_by_name = now, actor.name
    outage.withdrawn_reason = reason
    facts = {"reason": outage.withdrawn_reason}
    record(session, actor, "outage.withdraw", "outage", outage.id, now, facts=facts)

"""What people do to standing by hand: hold, exempt, release, ready, waive, extend. Each is one unit of work's core."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance.service import Folded, add_measure, enter, refold
from portal.deadlines import service as deadlines
from portal.deadlines.assignments import open_one
from portal.errors import Conflict, Invalid, NotFound
from portal.notifications.outbox import notify
from portal.vocabulary import AssignmentState, LedgerKind, NoticeTopic, ObligationKind, ObligationState, Standing


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Invalid([("reason", "Say why: it goes into the partner's ledger.")])
    return reason.strip()


def _measure(
    session: AnySession, partner: Partner, kind: LedgerKind, at: datetime, actor: Actor,
    reason: str | None, until: datetime | None = None,
) -> Folded:  # fmt: skip
    add_measure(session, partner, kind, at, actor, reason=reason, until=until)
    facts = {"reason": reason, "until": until.isoformat() if until else None}
    record(session, actor, f"partner.{kind.value}", "partner", partner.id, at, partner_id=partner.id, facts=facts)
    return refold(session, partner, at)


def hold(session: AnySession, partner_id: str, reason: str, until: datetime, now: datetime, actor: Actor) -> Folded:
    """No new leads until ``until``; what it holds stays. Raises Invalid, NotFound, Unsettled."""
    return _until(session, partner_id, LedgerKind.HOLD, reason, until, now, actor)


def exempt(session: AnySession, partner_id: str, reason: str, until: datetime, now: datetime, actor: Actor) -> Folded:
    """Never stopped until ``until``; deadlines run and are recorded as ever. Raises Invalid, NotFound, Unsettled."""
    return _until(session, partner_id, LedgerKind.EXEMPT, reason, until, now, actor)


def _until(
    session: AnySession,
    partner_id: str,
    kind: LedgerKind,
    reason: str,
    until: datetime,
    now: datetime,
    actor: Actor,
) -> Folded:
    partner, at = enter(session, partner_id, now)
    if until <= at:
        raise Invalid([("until", "Give an end in the future.")])
    return _measure(session, partner, kind, at, actor, _reason(reason), until)


def release(session: AnySession, partner_id: str, reason: str, now: datetime, actor: Actor) -> Folded:
    """End a stop, hold or exemption by hand. What is overdue stays breached but no longer counts as overdue."""
    partner, at = enter(session, partner_id, now)
    if partner.standing not in (Standing.STOPPED, Standing.HELD, Standing.EXEMPT):
        raise Conflict(f"{partner.name} is {partner.standing.label.lower()}: there is nothing to release.")
    for row in overdue(session, partner_id):
        row.settled_at = at
    return _measure(session, partner, LedgerKind.RELEASE, at, actor, _reason(reason))


def ready(session: AnySession, partner_id: str, now: datetime, actor: Actor) -> Folded:
    """A user of a stopped partner says that it is ready for leads again."""
    partner, at = enter(session, partner_id, now)
    if partner.standing is not Standing.STOPPED:
        raise Conflict("Your leads are not stopped: there is nothing to confirm.")
    return _measure(session, partner, LedgerKind.READY, at, actor, None)


def overdue(session: AnySession, partner_id: str) -> Sequence[Obligation]:
    """What a partner missed and can still do."""
    return session.scalars(
        select(Obligation).where(
            Obligation.partner_id == partner_id,
            Obligation.state == ObligationState.BREACHED,
            Obligation.settled_at.is_(None),
        )
    ).all()


def waive(session: AnySession, obligation_id: str, reason: str, now: datetime, actor: Actor) -> Folded:
    """Take an open or breached obligation off a partner. Raises Conflict where it has ended otherwise.

    An offer that stands is asked for its answer anew, with a fresh deadline: none may stand for ever.
    """
    row, partner, at = _entered(session, obligation_id, now)
    if row.state not in (ObligationState.OPEN, ObligationState.BREACHED):
        raise Conflict(f"This one is {row.state.label.lower()}: only what is open or missed can be waived.")
    waive_row(session, partner, row, at, actor, reason)
    return refold(session, partner, at)


def waive_row(
    session: AnySession, partner: Partner, row: Obligation, at: datetime, actor: Actor, reason: str, *,
    tell: bool = True,
) -> None:  # fmt: skip
    """Waive one obligation of a partner that is locked; the caller folds. What was done late may be waived, too.

    ``tell``: with a notice of its own; False where the caller tells it.
    """
    deadlines.waive(row, at)
    assignment = session.get_one(Assignment, row.assignment_id)
    if row.kind is ObligationKind.RESPOND and assignment.state is AssignmentState.OFFERED:
        anew = open_one(session, partner, assignment, session.get_one(Lead, row.lead_id), row.kind, at)
        assignment.respond_by = anew.due_at if anew else assignment.respond_by
    _by_hand(session, partner, row, LedgerKind.WAIVE, NoticeTopic.WAIVED if tell else None, at, actor, reason)


def extend(
    session: AnySession, obligation_id: str, reason: str, due_at: datetime, now: datetime, actor: Actor
) -> Folded:
    """Give more time for an open obligation. Raises Conflict where it is not open, Invalid where that is not later."""
    row, partner, at = _entered(session, obligation_id, now)
    if row.state is not ObligationState.OPEN:
        raise Conflict(f"This one is {row.state.label.lower()}: only what is open can be extended.")
    if due_at <= max(at, row.due_at):
        raise Invalid([("due_at", "Give an instant later than now and than the time it is due.")])
    extend_row(session, partner, row, due_at, at, actor, reason)
    return refold(session, partner, at)


def extend_row(
    session: AnySession, partner: Partner, row: Obligation, due_at: datetime, at: datetime, actor: Actor,
    reason: str, *, tell: bool = True,
) -> None:  # fmt: skip
    """Give an open obligation of a locked partner until ``due_at``; the caller folds, or goes on to settle."""
    deadlines.extend(row, due_at)
    assignment = session.get_one(Assignment, row.assignment_id)
    if row.kind is ObligationKind.RESPOND and assignment.state is AssignmentState.OFFERED:
        assignment.respond_by = due_at
    _by_hand(session, partner, row, LedgerKind.EXTEND, NoticeTopic.EXTENDED if tell else None, at, actor, reason)


def _entered(session: AnySession, obligation_id: str, now: datetime) -> tuple[Obligation, Partner, datetime]:
    found = session.get(Obligation, obligation_id)
    if found is None:
        raise NotFound
    partner, at = enter(session, found.partner_id, now)
    session.refresh(found)
    return found, partner, at


def _by_hand(
    session: AnySession, partner: Partner, row: Obligation, kind: LedgerKind, topic: NoticeTopic | None, at: datetime,
    actor: Actor, reason: str,
) -> None:  # fmt: skip
    reason = _reason(reason)
    add_measure(session, partner, kind, at, actor, reason=reason, obligation_ids=[row.id])
    facts = {
        "reason": reason,
        "kind": row.kind,
        "due_at": row.due_at.isoformat(),
        "url": f"/leads/{row.lead_id}",
    }
    record(
        session,
        actor,
        f"obligation.{kind.value}",
        "obligation",
        row.id,
        at,
        partner_id=partner.id,
        facts=facts,
    )
    if topic is not None:
        notify(session, topic, "partner", at, partner_id=partner.id, assignment_id=row.assignment_id,
               lead_id=row.lead_id, facts={**facts, "partner": partner.name})  # fmt: skip

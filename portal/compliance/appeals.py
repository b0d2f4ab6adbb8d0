"""Appeals: a partner states its case, staff decide, and the standing follows in the same transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from models.appeals import Appeal, AppealFile
from models.assignments import Obligation
from models.base import new_id
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.calendars.policy import add_span
from portal.compliance.acts import extend_row, waive_row
from portal.compliance.appealable import LATE, LONGEST, may_file, why_not
from portal.compliance.evidence import media_type, safe_name
from portal.compliance.service import Folded, add_measure, enter, refold
from portal.deadlines.live import policies
from portal.deadlines.service import calendar_of
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.notifications.outbox import notify
from portal.vocabulary import AppealKind, AppealState, LedgerKind, NoticeTopic, ObligationState

ONLY_ADMINS = "Appeals are filed by whoever manages the team: ask a partner admin of yours."
OPEN_ALREADY = "This deadline has an appeal that waits for its answer."
REASON = 1000


@dataclass(frozen=True)
class File:
    """A file as it was sent."""

    name: str
    content: bytes


def file_appeal(
    session: AnySession, obligation_id: str, kind: AppealKind, case: str, file: File | None, now: datetime,
    actor: Actor,
) -> Appeal:  # fmt: skip
    """State a case about a deadline of the actor's partner. Raises NotFound, Forbidden, Conflict, Invalid, Unsettled.

    1. Who and when: ``appealable``. 2. One open case a deadline. 3. The case is said in 1 to 10,000 characters; a
    file is one of the kinds of ``evidence``. 4. The answer is promised by the policy that rules now, in the partner's
    own hours. 5. Ledger, audit and the managers' notice are written with it.
    """
    row = session.get(Obligation, obligation_id)
    if row is None or row.partner_id != actor.partner_id:
        raise NotFound
    if not may_file(kind, actor.role):
        raise Forbidden(ONLY_ADMINS)
    partner, at = enter(session, row.partner_id, now)
    session.refresh(row)
    if hindrance := why_not(kind, row.state, row.due_at, at):
        raise Conflict(hindrance)
    if session.scalars(_open_on(obligation_id)).first() is not None:
        raise Conflict(OPEN_ALREADY)
    appeal = Appeal(
        id=new_id(), partner_id=partner.id, obligation_id=row.id, lead_id=row.lead_id, kind=kind,
        state=AppealState.OPEN, statement=_case(case), opened_at=at, opened_by=actor.id, opened_by_name=actor.name,
        decide_by=_promised(session, partner, at), standing_before=partner.standing,
    )  # fmt: skip
    session.add(appeal)
    session.flush()
    _keep(session, appeal, file)
    _note(session, partner, appeal, LedgerKind.APPEAL, at, actor, None)
    _tell_managers(session, partner, appeal, row, at)
    return appeal


def _open_on(obligation_id: str) -> Select[Appeal]:
    return select(Appeal).where(Appeal.obligation_id == obligation_id, Appeal.state == AppealState.OPEN)


def _case(case: str) -> str:
    said = case.replace("\0", "").strip()
    if not said:
        raise Invalid([("case", "Say what happened: it is what the decision rests on.")])
    if len(said) > LONGEST:
        raise Invalid([("case", f"Use at most {LONGEST:,} characters.")])
    return said


def _keep(session: AnySession, appeal: Appeal, file: File | None) -> None:
    if file is None:
        return
    try:
        kind = media_type(file.name, file.content)
    except ValueError as error:
        raise Invalid([("file", str(error))]) from None
    kept = AppealFile(
        appeal_id=appeal.id, name=safe_name(file.name), media_type=kind, size=len(file.content), content=file.content
    )
    session.add(kept)


def _promised(session: AnySession, partner: Partner, at: datetime) -> datetime | None:
    within = policies(session).at(at).document.appeal_within
    return add_span(calendar_of(partner), at, within) if within else None


def decide(
    session: AnySession, appeal_id: str, granted: bool, reason: str, due_at: datetime | None, now: datetime,
    actor: Actor,
) -> tuple[Appeal, Folded]:  # fmt: skip
    """Answer an appeal, once. Raises NotFound, Conflict, Invalid, Unsettled.

    Granted: what was missed is waived; what is open is waived, or due at ``due_at`` where that is given. A deadline
    that counts against nobody any more (waived, cancelled, met since) stays as it is. Refused: nothing changes. The
    answer goes to the partner with the reason, and into ledger and audit.
    """
    found = session.get(Appeal, appeal_id)
    if found is None:
        raise NotFound
    partner, at = enter(session, found.partner_id, now)
    session.refresh(found)
    if found.state is not AppealState.OPEN:
        raise Conflict(f"This appeal is {found.state.label.lower()} already: an answer is not changed.")
    row, said = session.get_one(Obligation, found.obligation_id, populate_existing=True), _reason(reason)
    before = partner.standing
    _answered(found, AppealState.GRANTED if granted else AppealState.REFUSED, at, actor, said)
    if granted:
        _grant(session, partner, row, due_at, at, actor, said)
    else:
        _note(session, partner, found, LedgerKind.REFUSE, at, actor, said)
    folded = refold(session, partner, at)
    found.standing_before, found.standing_after = before, partner.standing
    _tell_partner(session, partner, found, row, at)
    facts = {"state": found.state, "reason": said, "standing": partner.standing, "obligation_id": row.id}
    record(session, actor, "appeal.decide", "appeal", found.id, at, partner_id=partner.id, facts=facts)
    return found, folded


def _grant(
    session: AnySession, partner: Partner, row: Obligation, due_at: datetime | None, at: datetime, actor: Actor,
    reason: str,
) -> None:  # fmt: skip
    reason = f"Appeal granted: {reason}"
    if row.state is ObligationState.OPEN and due_at is not None:
        if due_at <= max(at, row.due_at):
            raise Invalid([("due_at", "Give an instant later than now and than the time it is due.")])
        extend_row(session, partner, row, due_at, at, actor, reason, tell=False)
    elif row.state in (ObligationState.OPEN, *LATE):
        waive_row(session, partner, row, at, actor, reason, tell=False)


def withdraw(session: AnySession, appeal_id: str, now: datetime, actor: Actor) -> Appeal:
    """Take one's own appeal back. Raises NotFound, Forbidden, Conflict, Unsettled."""
    found = session.get(Appeal, appeal_id)
    if found is None or found.partner_id != actor.partner_id:
        raise NotFound
    if not may_file(found.kind, actor.role):
        raise Forbidden(ONLY_ADMINS)
    partner, at = enter(session, found.partner_id, now)
    session.refresh(found)
    if found.state is not AppealState.OPEN:
        raise Conflict(f"This appeal is {found.state.label.lower()} already.")
    _answered(found, AppealState.WITHDRAWN, at, actor, None)
    record(session, actor, "appeal.withdraw", "appeal", found.id, at, partner_id=partner.id)
    return found


def _answered(appeal: Appeal, state: AppealState, at: datetime, actor: Actor, reason: str | None) -> None:
    appeal.state, appeal.decided_at, appeal.reason = state, at, reason
    appeal.decided_by, appeal.decided_by_name = actor.id, actor.name


def _reason(reason: str) -> str:
    said = reason.replace("\0", "").strip()
    if not said or len(said) > REASON:
        raise Invalid([("reason", f"Say why, in at most {REASON:,} characters: the partner reads it.")])
    return said


def _note(
    session: AnySession, partner: Partner, appeal: Appeal, kind: LedgerKind, at: datetime, actor: Actor,
    reason: str | None,
) -> None:  # fmt: skip
    """A line of the ledger, and for a new case the audit row."""
    add_measure(session, partner, kind, at, actor, reason=reason, obligation_ids=[appeal.obligation_id])
    if kind is LedgerKind.APPEAL:
        facts = {"kind": appeal.kind, "obligation_id": appeal.obligation_id}
        record(session, actor, "appeal.file", "appeal", appeal.id, at, partner_id=partner.id, facts=facts)


def _facts(partner: Partner, appeal: Appeal, row: Obligation) -> dict[str, object]:
    return {
        "partner": partner.name, "about": appeal.kind, "kind": row.kind, "was_due_at": row.due_at.isoformat(),
        "by": appeal.decide_by.isoformat() if appeal.decide_by else None,
    }  # fmt: skip


def _tell_managers(session: AnySession, partner: Partner, appeal: Appeal, row: Obligation, at: datetime) -> None:
    facts = {**_facts(partner, appeal, row), "url": f"/appeals/{appeal.id}"}
    notify(session, NoticeTopic.APPEAL, "manager", at, partner_id=partner.id, once=f"appeal:{appeal.id}", facts=facts)


def _tell_partner(session: AnySession, partner: Partner, appeal: Appeal, row: Obligation, at: datetime) -> None:
    facts = {
        **_facts(partner, appeal, row), "state": appeal.state, "reason": appeal.reason,
        "url": f"/standing/appeals/{appeal.id}",
    }  # fmt: skip
    once = f"answered:{appeal.id}"
    notify(session, NoticeTopic.ANSWERED, "partner", at, partner_id=partner.id, once=once, facts=facts)

"""One enforcement pass: what time has decided is recorded, told and carried on. Needs the database and nothing else."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import delete, or_, select, union

from models.assignments import Obligation
from models.base import new_id
from models.leads import Lead
from models.partners import Partner
from models.platform import IdempotentAnswer, SweepProblem
from models.session import AnySession, unit
from portal.accounts.audit import seal
from portal.compliance.beats import silent
from portal.compliance.settle import Settled, settle
from portal.enforcement.excuses import apply_outages, apply_unreached
from portal.enforcement.placing import end_pool, over, place_freed, place_waiting, waiting
from portal.notifications.outbox import notify
from portal.vocabulary import NoticeTopic, ObligationState

log = structlog.get_logger()
RETRY, KEPT = timedelta(minutes=5), timedelta(hours=24)
BATCH = 500


@dataclass
class Report:
    """What one pass did."""

    partners: int = 0
    breaches: int = 0
    standing_changes: int = 0
    warnings: int = 0
    pools_ended: int = 0
    placed: int = 0
    sealed: int = 0
    set_aside: int = 0
    excused: int = 0
    held: int = 0

    def sentence(self) -> str:
        """The pass in plain words."""
        away = "Nobody serves the portal: nothing is recorded as missed until it is back. " if self.held else ""
        return (
            f"{away}{self.breaches} missed deadlines recorded for {self.partners} partners, "
            f"{self.standing_changes} changes of standing, {self.warnings} warnings, "
            f"{self.placed} leads placed, {self.pools_ended} left the pool, "
            f"{self.set_aside} set aside.{f' {self.excused} excused.' if self.excused else ''}"
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def sweep(session: AnySession, now: datetime) -> Report:
    """Record, warn, hand on and retry; safe to run twice, late, or beside acts.

    1. Partners with a deadline passed or a standing that time changes, each in its own transaction.
    2. Warnings that are due. 3. Pooled leads whose time is over. 4. Waiting leads worth another try.
    5. Audit rows are sealed. One row that cannot be processed is set aside and reported; the others proceed.
    6. Before 1: what outages and notices that reached nobody excuse. While nobody serves the portal, 1 waits: a
       deadline that falls due meanwhile is given its time back afterwards. A late or missing sweep excuses nobody.
    """
    report = Report(held=int(unit(session, lambda: silent(session, now))))
    if not report.held:
        _excuse(session, now, report)
        _each(
            session,
            "settle",
            _partners_due(session, now),
            now,
            report,
            lambda it: _settle(session, it, now, report),
        )
    report.warnings = unit(session, lambda: warn(session, now))
    _each(session, "pool", over(session, now), now, report, lambda it: _end_pool(session, it, now, report))
    _each(session, "place", waiting(session, now), now, report, lambda it: _place(session, it, now, report))
    report.sealed = unit(session, lambda: seal(session))
    unit(session, lambda: forget_answers(session, now))
    return report


def _excuse(session: AnySession, now: datetime, report: Report) -> None:
    def each(step: str, ids: list[str], work: Callable[[str], None]) -> int:
        before = report.set_aside
        _each(session, step, ids, now, report, work)
        return report.set_aside - before

    report.excused = apply_outages(session, now, each)
    apply_unreached(session, now, each)


def forget_answers(session: AnySession, now: datetime) -> None:
    """Idempotent answers are kept for a day: nobody repeats a request later, and they hold contact data."""
    session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at < now - KEPT))


def _partners_due(session: AnySession, now: datetime) -> list[str]:
    """Partners with an open obligation past its time, or a standing whose next change by time alone has come."""
    owing = select(Obligation.partner_id.label("id")).where(
        Obligation.state == ObligationState.OPEN,
        Obligation.set_aside_at.is_(None),
        Obligation.grace_until <= now,
    )
    turning = select(Partner.id.label("id")).where(Partner.standing_next_at <= now)
    both = union(owing, turning).subquery()
    found = list(session.scalars(select(both.c.id).order_by(both.c.id)))
    session.commit()
    return found


def _each(
    session: AnySession,
    step: str,
    ids: Iterable[str],
    now: datetime,
    report: Report,
    work: Callable[[str], None],
) -> None:
    resting = _resting(session, step, now)
    for object_id in ids:
        if object_id in resting:
            continue
        try:
            work(object_id)
        except Exception as error:  # one bad row must not hold up the others; it is reported and tried again later
            session.rollback()
            log.error("sweep: set aside", step=step, object_id=object_id, problem=repr(error))
            unit(session, partial(_set_aside, session, step, object_id, repr(error), now))
            report.set_aside += 1


def _resting(session: AnySession, step: str, now: datetime) -> set[str]:
    rows = session.scalars(select(SweepProblem.object_id).where(SweepProblem.step == step, SweepProblem.retry_at > now))
    found = set(rows)
    session.commit()
    return found


def _set_aside(session: AnySession, step: str, object_id: str, why: str, now: datetime) -> None:
    known = session.scalars(
        select(SweepProblem).where(SweepProblem.step == step, SweepProblem.object_id == object_id)
    ).first()
    if known is None:
        known = SweepProblem(id=new_id(), step=step, object_id=object_id, first_at=now, times=0)
        session.add(known)
    known.problem, known.last_at, known.times, known.retry_at = why[:2000], now, known.times + 1, now + RETRY


def _settle(session: AnySession, partner_id: str, now: datetime, report: Report) -> None:
    done: Settled = unit(session, lambda: settle(session, partner_id, now))
    report.partners += 1
    report.breaches += done.breaches
    report.standing_changes += done.changes
    report.set_aside += done.set_aside
    report.placed += place_freed(session, done.freed_leads, now)


def _end_pool(session: AnySession, lead_id: str, now: datetime, report: Report) -> None:
    report.pools_ended += unit(session, lambda: end_pool(session, lead_id, now))


def _place(session: AnySession, lead_id: str, now: datetime, report: Report) -> None:
    report.placed += unit(session, lambda: place_waiting(session, lead_id, now))


def warn(session: AnySession, now: datetime, limit: int = BATCH) -> int:
    """Write the warnings that are due: one for each obligation, and none once its time has passed."""
    rows = session.execute(
        select(Obligation, Lead, Partner.name)
        .join(Lead, Lead.id == Obligation.lead_id)
        .join(Partner, Partner.id == Obligation.partner_id)
        .where(
            Obligation.state == ObligationState.OPEN,
            Obligation.warned_at.is_(None),
            Obligation.warn_at <= now,
            or_(Obligation.due_at > now, Obligation.grace_until > now),
        )
        .order_by(Obligation.warn_at)
        .limit(limit)
        .with_for_update(of=Obligation, skip_locked=True)
    ).all()
    for row, lead, partner in rows:
        row.warned_at = now
        facts = {
            "partner": partner, "kind": row.kind, "due_at": row.due_at.isoformat(), "grade": lead.grade,
            "url": f"/leads/{lead.id}",
        }  # fmt: skip
        notify(
            session, NoticeTopic.WARNING, "partner", now, partner_id=row.partner_id, assignment_id=row.assignment_id,
            lead_id=row.lead_id, once=f"warning:{row.id}:{row.due_at.isoformat()}", facts=facts,
        )  # fmt: skip
    return len(rows)

"""How the machinery is doing, for an admin: clock, notices and mails, sweep, audit; and what was set aside."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, func, select, true

from models.assignments import Obligation
from models.base import db
from models.leads import Lead
from models.partners import Partner
from models.platform import Audit, AuditSeal, SweepProblem
from portal.accounts.audit import an_hour_before
from portal.config import Settings
from portal.jobs.status import QueueStatus, Status, Waiting, status
from portal.vocabulary import ObligationState
from portal.web import gate
from portal.web.shell import since, when
from portal.web.staff.partner_words import lead_name
from portal.web.visitor import now

#: Not "health": that name is the door for load balancers, which anybody may ask.
health = Blueprint("machinery", __name__, url_prefix="/health")
gate.only(health, *gate.ADMINS)
MOST = 100
#: Longer than this, what should be on its way is not.
SLOW, SEALED_BY = timedelta(minutes=5), timedelta(minutes=15)
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
STOPPED = "Nothing is swept and no mail leaves: start fairlead clock."


@health.get("")
def index() -> ResponseReturnValue:
    """One line for each part, then the rows that the sweep could not work on."""
    lines = [_database(), *_parts(_status()), _audit()]
    problems, set_aside = _problems(), _set_aside()
    wrong = sum(line["ok"] is False for line in lines) + len(problems) + len(set_aside)
    return render_template("health/index.html", lines=lines, problems=problems, set_aside=set_aside, wrong=wrong)


def _status() -> Status:
    settings: Settings = current_app.extensions["fairlead"]
    if not settings.redis_url:
        return status(db.session, None, now())
    # Only where there is one to ask: most requests never need the client.
    from portal.jobs.broker import connect

    redis = connect(settings.redis_url)
    try:
        return status(db.session, redis, now())
    finally:
        redis.close()


def _line(text: str, detail: str, ok: bool | None = True) -> dict[str, Any]:
    """``ok``: True all is well, False somebody should act, None worth knowing."""
    return {"text": text, "detail": detail, "ok": ok}


def _database() -> dict[str, Any]:
    bound = db.session.get_bind()
    dialect = bound.dialect if isinstance(bound, Engine) else bound.engine.dialect
    version = ".".join(str(part) for part in (dialect.server_version_info or ()))
    return _line("Database.", f"{DATABASES.get(dialect.name, dialect.name)} {version}".strip())


def _parts(found: Status) -> list[dict[str, Any]]:
    return [_clock(found), _notices(found), _mails(found), _undeliverable(found), _sweep(found), _workers(found.queue)]


def _clock(found: Status) -> dict[str, Any]:
    beat = f"Last beat {_ago(found.clock_beat_at)}." if found.clock_beat_at else "None has run yet."
    return _line("Clock.", f"{beat} {STOPPED}" if found.clock_is_silent else beat, not found.clock_is_silent)


def _notices(found: Status) -> dict[str, Any]:
    waits = found.notices
    return _line("Notices to be written.", _waits(waits, "None waits."), not _slow(waits))


def _mails(found: Status) -> dict[str, Any]:
    told = _waits(found.waiting, "None waits.")
    told += f" {found.due.count:,} should be on their way by now." if found.due.count else ""
    told += f" {found.retrying:,} tried before without being taken." if found.retrying else ""
    return _line("Mails.", told, False if _slow(found.due) else None if found.retrying else True)


def _undeliverable(found: Status) -> dict[str, Any]:
    count = found.undeliverable
    told = f"{count:,} in the last seven days: Morning says to whom." if count else "None in the last seven days."
    return _line("Undeliverable mails.", told, None if count else True)


def _sweep(found: Status) -> dict[str, Any]:
    count = found.sweep_problems.count
    told = f"{count:,} row{'' if count == 1 else 's'} could not be worked on; below." if count else "Nothing set aside."
    return _line("Sweep.", told, not count)


def _workers(queue: QueueStatus | None) -> dict[str, Any]:
    if queue is None:
        return _line("Workers.", "No Redis is set: the clock sends mails itself.")
    if not queue.answers:
        return _line("Workers.", "Redis does not answer: the clock sends mails itself.", False)
    silent = [worker.name for worker in queue.workers if worker.is_silent(now())]
    told = f"{len(queue.workers)} signed on; jobs: {queue.queued:,} wait, {queue.running:,} run"
    told += f", {queue.given_up:,} given up." if queue.given_up else "."
    told += f" Silent: {', '.join(silent)}." if silent else ""
    return _line("Workers.", told, None if silent or queue.given_up else True)


def _audit() -> dict[str, Any]:
    """Rows without their seal; as when sealing, looked for from an hour before the last one sealed."""
    last = db.session.scalar(select(AuditSeal.audit_id).order_by(AuditSeal.number.desc()).limit(1))
    recent = Audit.id >= an_hour_before(last) if last else true()
    sealed = select(AuditSeal.audit_id).where(AuditSeal.audit_id == Audit.id).exists()
    waits = Waiting(*db.session.execute(select(func.count(), func.min(Audit.at)).where(recent, ~sealed)).one())
    return _line("Audit.", _waits(waits, "Every row is sealed.", "for a seal"), not _slow(waits, SEALED_BY))


def _waits(found: Waiting, nothing: str, what: str = "") -> str:
    if not found.count or found.oldest_at is None:
        return nothing
    one = found.count == 1
    end = f"since {when(found.oldest_at)}." if one else f"the oldest since {when(found.oldest_at)}."
    return f"{found.count:,} wait{'s' if one else ''}{' ' + what if what else ''}, {end}"


def _slow(found: Waiting, allowed: timedelta = SLOW) -> bool:
    return found.oldest_at is not None and now() - found.oldest_at > allowed


def _ago(at: datetime) -> str:
    seconds = int((now() - at).total_seconds())
    return f"{max(seconds, 0)} s ago" if seconds < 60 else f"{since(at)['relative']}, {when(at)}"


def _problems() -> list[dict[str, Any]]:
    rows = db.session.scalars(select(SweepProblem).order_by(SweepProblem.last_at.desc()).limit(MOST))
    return [
        {
            "step": row.step.replace("_", " ").capitalize(), "id": row.object_id, "problem": row.problem,
            "first": when(row.first_at), "times": row.times, "again": when(row.retry_at),
        }
        for row in rows
    ]  # fmt: skip


def _set_aside() -> list[dict[str, Any]]:
    """Deadlines that could not be judged: they count nowhere until somebody mends or waives them."""
    query = (
        select(Obligation, Lead, Partner)
        .join(Lead, Lead.id == Obligation.lead_id)
        .join(Partner, Partner.id == Obligation.partner_id)
        .where(
            Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)),
            Obligation.set_aside_at.is_not(None),
        )
        .order_by(Obligation.set_aside_at.desc(), Obligation.id)
        .limit(MOST)
    )
    return [
        {
            "id": row.id, "kind": row.kind.label, "why": row.set_aside_why or "", "at": when(row.set_aside_at),
            "lead": lead_name(lead), "lead_url": url_for("lead.page", lead_id=lead.id), "partner": partner.name,
            "partner_url": url_for("partner.page", partner_id=partner.id),
        }
        for row, lead, partner in db.session.execute(query)
    ]  # fmt: skip

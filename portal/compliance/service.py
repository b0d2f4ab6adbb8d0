"""Standing as stored: folded forward in the transaction of its cause, with what a change brings about."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, or_, select

from models.assignments import Assignment, Obligation
from models.base import new_id
from models.compliance import LedgerEntry
from models.partners import Partner, PartnerVersion
from models.session import AnySession
from portal.accounts.actor import SYSTEM, Actor
from portal.calendars.policy import Clock, Span, Unit, add_span, calendar_from_json
from portal.compliance import policy
from portal.compliance.policy import (
    BusinessDays,
    Ladder,
    LadderVersion,
    Mark,
    Measure,
    State,
    Step,
    advance,
    next_change,
)
from portal.compliance.told import standing_facts
from portal.deadlines import assignments
from portal.deadlines import service as deadlines
from portal.deadlines.live import policies
from portal.deadlines.texts import calendar_text
from portal.errors import NotFound, Unsettled
from portal.notifications.outbox import notify
from portal.vocabulary import AssignmentState, LedgerKind, NoticeTopic, ObligationState, Standing

MEASURES = (LedgerKind.HOLD, LedgerKind.EXEMPT, LedgerKind.RELEASE, LedgerKind.READY)
TICK = timedelta(microseconds=1)
#: What a mark is made of; read as plain columns where many are.
MARKED = (
    Obligation.id, Obligation.partner_id, Obligation.assignment_id, Obligation.kind, Obligation.opened_at,
    Obligation.due_at, Obligation.grace_until, Obligation.met_at, Obligation.breached_at, Obligation.cured_at,
    Obligation.waived_at, Obligation.cancelled_at, Obligation.set_aside_at, Obligation.settled_at, Obligation.reassign,
)  # fmt: skip


@dataclass
class Folded:
    """What a fold changed: its steps, and the leads that a stop set free (each is then placed for itself)."""

    steps: list[Step] = field(default_factory=list)
    freed_leads: list[str] = field(default_factory=list)


def lock_partner(session: AnySession, partner_id: str) -> Partner:
    """The partner, locked for this transaction and read afresh. Raises NotFound."""
    partner = session.scalars(
        select(Partner).where(Partner.id == partner_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if partner is None:
        raise NotFound
    return partner


def enter(session: AnySession, partner_id: str, now: datetime) -> tuple[Partner, datetime]:
    """Lock a partner for an act and say at which instant the act happens.

    The instant is ``now``, or just after what was last folded where another process was ahead of our clock: a
    partner's events keep one order. Raises Unsettled where a deadline has passed that is not recorded yet.
    """
    partner = lock_partner(session, partner_id)
    at = max(now, partner.folded_until + TICK)
    if deadlines.due_now(session, partner.id, at):
        raise Unsettled(partner.id)
    return partner, at


def ladders(session: AnySession) -> list[LadderVersion]:
    """Every published ladder with the instant from which it rules, oldest first."""
    return [
        LadderVersion(p.effective_from, Ladder.from_mapping(p.body["ladder"]), p.number)
        for p in policies(session).policies
    ]


def ladder_at(session: AnySession, at: datetime) -> Ladder:
    """The ladder that rules at ``at``."""
    return policy.ladder_at(ladders(session), at)


def mark(row: Any) -> Mark:
    """An obligation, or a row of ``MARKED``, as the fold sees it."""
    return Mark(
        id=row.id, kind=row.kind, opened_at=row.opened_at, due_at=row.due_at, grace_until=row.grace_until,
        met_at=row.met_at, breached_at=row.breached_at, cured_at=row.cured_at, waived_at=row.waived_at,
        cancelled_at=row.cancelled_at or row.set_aside_at, settled_at=row.settled_at, hands_on=row.reassign,
        assignment_id=row.assignment_id,
    )  # fmt: skip


def marks_of(session: AnySession, partner: Partner, versions: Sequence[LadderVersion]) -> list[Mark]:
    """One partner's obligations that can still matter."""
    return marks_of_all(session, [partner], versions)[partner.id]


def marks_of_all(
    session: AnySession, partners: Sequence[Partner], versions: Sequence[LadderVersion]
) -> dict[str, list[Mark]]:
    """By partner the obligations that can still matter, in one query.

    Each partner's from its own last fold on: due within the longest horizon of any ladder before it, owed now, or
    done since.
    """
    found: dict[str, list[Mark]] = {partner.id: [] for partner in partners}
    if not found:
        return found
    days = max(max(v.ladder.window_days, v.ladder.decay_days) for v in versions) + 1
    folded = case({p.id: p.folded_until for p in partners}, value=Obligation.partner_id)
    since = case({p.id: p.folded_until - timedelta(days=days) for p in partners}, value=Obligation.partner_id)
    rows = session.execute(
        select(*MARKED)
        .where(
            Obligation.partner_id.in_(found),
            or_(
                Obligation.due_at >= since,
                Obligation.cured_at > folded,
                Obligation.waived_at > folded,
                Obligation.settled_at > folded,
                Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED))
                & Obligation.settled_at.is_(None),
            ),
        )
        .order_by(Obligation.due_at, Obligation.id)
    )
    for row in rows:
        found[row.partner_id].append(mark(row))
    return found


def measures_of(session: AnySession, partner_id: str, after: datetime) -> list[Measure]:
    """Hand measures on a partner after an instant, in order."""
    rows = session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.partner_id == partner_id, LedgerEntry.kind.in_(MEASURES), LedgerEntry.at > after)
        .order_by(LedgerEntry.at, LedgerEntry.id)
    )
    return [Measure(row.kind, row.at, row.until) for row in rows]


def business_days(session: AnySession, partner: Partner) -> BusinessDays:
    """One partner's business days."""
    return business_days_of_all(session, [partner.id])[partner.id]


def business_days_of_all(session: AnySession, partner_ids: Sequence[str]) -> dict[str, BusinessDays]:
    """By partner ``(start, n) -> instant``: n business days after start, in the calendar that held just before it.

    Settings are kept with their valid-from, so that the past is judged by its own calendar, now and in years.
    """
    columns = (PartnerVersion.partner_id, PartnerVersion.valid_from, PartnerVersion.facts)
    query = select(*columns).where(PartnerVersion.partner_id.in_(partner_ids)).order_by(PartnerVersion.valid_from)
    versions: dict[str, list[Any]] = {id_: [] for id_ in partner_ids}
    for row in session.execute(query):
        versions[row.partner_id].append(row)
    return {id_: _days_of(rows) for id_, rows in versions.items()}


def _days_of(versions: Sequence[Any]) -> BusinessDays:
    starts = [version.valid_from for version in versions]

    def days(start: datetime, count: int) -> datetime:
        facts = versions[max(0, bisect_left(starts, start) - 1)].facts
        calendar = calendar_from_json(calendar_text(facts["timezone"], facts["country"], facts["hours"]))
        return add_span(calendar, start, Span(count, Unit.DAYS, Clock.BUSINESS))

    return days


def refold(session: AnySession, partner: Partner, at: datetime, recorded_at: datetime | None = None) -> Folded:
    """Bring the standing of a locked partner to ``at``, with all that follows, in the caller's transaction.

    ``recorded_at``: when that is, where ``at`` is a past instant that a late sweep comes to; left out: ``at``.

    1. The fold runs from where it was last left over all events since then.
    2. Where it enters a stop, the partner's offers are recalled as of the stop (later ones as of now), and the
       fold runs again over what that changed: a stop whose own recall leaves nothing overdue counts as row.
    3. Each step becomes a line of the ledger and a notice; the guard's columns follow the standing.
    """
    session.flush()
    versions, before = ladders(session), State.from_json(partner.standing_state)
    measures, folded = measures_of(session, partner.id, partner.folded_until), Folded()
    while True:
        marks = marks_of(session, partner, versions)
        state, steps = advance(before, marks, measures, versions, business_days(session, partner), at)
        stop = next((s for s in steps if s.to is Standing.STOPPED), None)
        recalled = recall_offers(session, partner, stop.at, at) if stop else []
        if not recalled:
            break
        folded.freed_leads += recalled
        session.flush()
    folded.steps = steps
    words = standing_facts(state, marks, versions, business_days(session, partner), at) if steps else {}
    for step in steps:
        _record(session, partner, step, at, recorded_at or at, words if step is steps[-1] else {})
    _store(session, partner, state, at)
    partner.standing_next_at = next_change(state, marks, versions)
    return folded


def recall_offers(session: AnySession, partner: Partner, stopped_at: datetime, at: datetime) -> list[str]:
    """Take back what a stopped partner has not answered; the ids of the leads, now waiting to be placed."""
    offers = session.scalars(
        select(Assignment)
        .where(Assignment.partner_id == partner.id, Assignment.state == AssignmentState.OFFERED)
        .order_by(Assignment.lead_id)
    ).all()
    for offer in offers:
        when = stopped_at if offer.offered_at is not None and offer.offered_at <= stopped_at else at
        assignments.end(session, partner, offer, AssignmentState.RECALLED, when, SYSTEM, reason="stopped")
        assignments.send_on(session, assignments.locked_lead(session, offer.lead_id), when, counts=False)
    return [offer.lead_id for offer in offers]


def _store(session: AnySession, partner: Partner, state: State, at: datetime) -> None:
    """Write the folded state and the columns that allocation's guard reads."""
    could = partner.standing.allows_leads, partner.cap_now
    if state.shown is not partner.standing:
        partner.standing_since = state.shown_since
    partner.standing, partner.standing_until = state.shown, state.shown_until
    partner.standing_state, partner.folded_until = state.to_json(), at
    derive(partner, ladder_at(session, at))
    if (partner.standing.allows_leads, partner.cap_now) > could:
        partner.freed_at = at


def derive(partner: Partner, ladder: Ladder) -> None:
    """Set the cap and weight that count under the partner's standing."""
    partner.cap_now, partner.weight_now_x2 = derived(partner, partner.standing, ladder)


def derived(partner: Partner, standing: Standing, ladder: Ladder) -> tuple[int, int]:
    """The cap and weight that count for a partner under a standing.

    1. Reduced: half the weight (it is given in halves) and half the cap, rounded up.
    2. Probation: the ladder's small cap, where it is the smaller one.
    3. Otherwise its own.
    """
    if standing is Standing.REDUCED:
        return -(-partner.open_lead_cap // 2), partner.weight
    if standing is Standing.PROBATION:
        return min(partner.open_lead_cap, ladder.probation_open_lead_cap), 2 * partner.weight
    return partner.open_lead_cap, 2 * partner.weight


def _record(
    session: AnySession, partner: Partner, step: Step, at: datetime, recorded_at: datetime, words: Mapping[str, Any]
) -> None:
    if step.from_ is step.to:
        return
    session.add(
        LedgerEntry(
            id=new_id(), partner_id=partner.id, at=step.at, recorded_at=recorded_at, kind=LedgerKind.CHANGE,
            from_standing=step.from_, to_standing=step.to, obligation_ids=list(step.because),
            facts={"cause": step.cause}, actor_name=SYSTEM.name,
        )
    )  # fmt: skip
    _tell(session, partner, step, at, words)


def _tell(session: AnySession, partner: Partner, step: Step, at: datetime, words: Mapping[str, Any]) -> None:
    """One notice for each change: a stop with its way back and a return are told to both sides.

    ``words``: what the standing after it means (``standing_facts``); empty where another change followed at once.
    """
    topic = NoticeTopic.STANDING
    if step.to in (Standing.STOPPED, Standing.HELD):
        topic = NoticeTopic.STOPPED
    elif step.from_ in (Standing.STOPPED, Standing.HELD):
        topic = NoticeTopic.REINSTATED
    facts = {
        "partner": partner.name, "from": step.from_, "to": step.to, "cause": step.cause, "at": step.at.isoformat(),
        "obligations": list(step.because), "url": "/standing", "reason": _reason_at(session, partner, step.at), **words,
    }  # fmt: skip
    once = f"standing:{partner.id}:{step.at.isoformat()}:{step.from_}>{step.to}"
    notify(session, topic, "partner", at, partner_id=partner.id, once=once, facts=facts)
    if topic is not NoticeTopic.STANDING:
        facts = {**facts, "url": f"/partners/{partner.id}"}
        notify(session, topic, "manager", at, partner_id=partner.id, once=f"{once}:manager", facts=facts)


def _reason_at(session: AnySession, partner: Partner, at: datetime) -> str | None:
    """Why a person changed the standing at that instant; None where nobody did."""
    by_hand = (LedgerKind.HOLD, LedgerKind.EXEMPT, LedgerKind.RELEASE)
    entry = select(LedgerEntry.reason).where(LedgerEntry.partner_id == partner.id, LedgerEntry.at == at)
    return session.scalars(entry.where(LedgerEntry.kind.in_(by_hand)).limit(1)).first()


def add_measure(
    session: AnySession,
    partner: Partner,
    kind: LedgerKind,
    at: datetime,
    actor: Actor,
    *,
    reason: str | None = None,
    until: datetime | None = None,
    obligation_ids: Sequence[str] = (),
) -> None:
    """A line of the ledger written by hand; hold, exempt, release and ready are read by the next fold."""
    session.add(
        LedgerEntry(
            id=new_id(), partner_id=partner.id, at=at, recorded_at=at, kind=kind, until=until, reason=reason,
            obligation_ids=list(obligation_ids), actor_id=actor.id, actor_name=actor.name,
        )
    )  # fmt: skip

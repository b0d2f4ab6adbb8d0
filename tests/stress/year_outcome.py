"""What must hold on every day of the story, by a few statements; and what became of each habit at its end."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    AssignmentOrigin,
    AssignmentState,
    LeadStatus,
    LedgerKind,
    ObligationState,
    Standing,
)
from tests.stress.year import HABITS, START, Year
from tests.support.world import DAY

IN_HAND = (LeadStatus.OFFERED, LeadStatus.ACCEPTED, LeadStatus.CONTACTED)
LATE = (ObligationState.BREACHED, ObligationState.CURED)
WORDS = ("habit", "partners", "offers", "kept", "stops", "days stopped", "won", "moved on", "at the end")


def _held(*states: AssignmentState) -> ColumnElement[int]:
    """How many assignments of the lead at hand are in one of these states."""
    found = select(func.count()).where(Assignment.lead_id == Lead.id, Assignment.state.in_(states))
    return found.correlate(Lead).scalar_subquery()


def never(now: datetime) -> dict[str, Select[Any]]:
    """Statements that each find what must never be, by the sentence for it."""
    open_now = (Assignment.state == AssignmentState.OFFERED) | (
        (Assignment.state == AssignmentState.ACCEPTED) & (Assignment.touches == 0)
    )
    counted = select(func.count()).where(Assignment.partner_id == Partner.id, open_now).correlate(Partner)
    lies = select(Assignment.id).join(Partner, Partner.id == Assignment.partner_id)
    due = select(Obligation.id)
    return {
        "a lead was left as received": select(Lead.id).where(Lead.status == LeadStatus.RECEIVED),
        "a lead in hand has not one holder": select(Lead.id).where(
            Lead.status.in_(IN_HAND), _held(*LIVE_ASSIGNMENT) != 1
        ),
        "a lead in nobody's hands has a holder": select(Lead.id).where(
            Lead.status.not_in(IN_HAND), _held(*LIVE_ASSIGNMENT) != 0
        ),
        "a lead waits without a reason": select(Lead.id).where(
            Lead.status == LeadStatus.UNALLOCATED, Lead.reason.is_(None)
        ),
        "an offer lies with who is stopped": lies.where(
            Partner.standing == Standing.STOPPED, Assignment.state == AssignmentState.OFFERED
        ),
        "a deadline was missed at another time than it was due": due.where(
            Obligation.state.in_(LATE),
            or_(Obligation.breached_at.is_(None), Obligation.breached_at != Obligation.due_at),
        ),
        "a deadline is past and was not recorded": due.where(
            Obligation.state == ObligationState.OPEN, Obligation.grace_until <= now
        ),
        "a count of open leads is not that of the rows": select(Partner.id).where(
            Partner.open_leads != counted.scalar_subquery()
        ),
        "more open leads than the cap": select(Partner.id).where(Partner.open_leads > Partner.open_lead_cap),
    }  # fmt: skip


def wrong_today(session: AnySession, year: Year, now: datetime) -> list[str]:
    """A sentence for each thing that is wrong at the end of a day; empty where all is well."""
    found = [f"{says}: {rows[:3]}" for says, what in never(now).items() if (rows := session.scalars(what).all())]
    stored = session.scalar(select(func.count()).select_from(Lead))
    if stored != year.sent:
        found.append(f"{year.sent} enquiries were taken, {stored} leads are there")
    found += _while_stopped(session, now - 2 * DAY)
    session.rollback()
    return found


def changes(session: AnySession) -> dict[str, list[Any]]:
    """By partner its changes of standing, in the order in which they were recorded."""
    rows: dict[str, list[Any]] = defaultdict(list)
    query = select(LedgerEntry).where(LedgerEntry.kind == LedgerKind.CHANGE)
    for entry in session.scalars(query.order_by(LedgerEntry.recorded_at, LedgerEntry.at, LedgerEntry.id)):
        rows[entry.partner_id].append(entry)
    return rows


def _while_stopped(session: AnySession, since: datetime) -> Iterator[str]:
    """Offers and claims of the last days made after a stop was recorded and before it was lifted."""
    history = changes(session)
    given_at = func.coalesce(Assignment.offered_at, Assignment.accepted_at)
    query = select(Assignment.id, Assignment.partner_id, given_at.label("at")).where(given_at >= since)
    for row in session.execute(query):
        entries = history[row.partner_id]
        place = bisect_right([entry.recorded_at for entry in entries], row.at)
        last = entries[place - 1] if place else None
        if last is not None and last.to_standing is Standing.STOPPED and last.recorded_at < row.at:
            yield f"assignment {row.id} was given to a partner stopped since {last.recorded_at}"


@dataclass
class Outcome:
    """What became of the partners of one habit."""

    habit: str
    partners: int = 0
    offers: int = 0
    met: int = 0
    due: int = 0
    stops: int = 0
    stopped: timedelta = timedelta(0)
    won: int = 0
    moved: int = 0
    at_end: str = ""

    @property
    def kept(self) -> float:
        """The part of all deadlines that fell due, done in time."""
        return self.met / self.due if self.due else 0.0

    def cells(self) -> list[str]:
        """The line as it is shown."""
        return [
            self.habit, str(self.partners), f"{self.offers:,}", f"{100 * self.kept:.1f} %", str(self.stops),
            f"{self.stopped / DAY / max(1, self.partners):.1f} each", f"{self.won:,}", f"{self.moved:,}", self.at_end,
        ]  # fmt: skip


def outcomes(session: AnySession, year: Year) -> list[Outcome]:
    """One line a habit."""
    found = {habit.name: Outcome(habit.name) for habit in HABITS}
    of = {id_: found[member.habit.name] for id_, member in year.members.items()}
    ends: dict[str, dict[str, int]] = {name: defaultdict(int) for name in found}
    for partner in session.scalars(select(Partner).order_by(Partner.slot)):
        of[partner.id].partners += 1
        ends[of[partner.id].habit][partner.standing.value] += 1
    for state, partner_id, number in _counted(session, Obligation.state):
        of[partner_id].met += number * (state is ObligationState.MET)
        of[partner_id].due += number * (state in (ObligationState.MET, *LATE))
    for state, partner_id, number in _counted(session, Assignment.state):
        of[partner_id].offers += number
        of[partner_id].moved += number * (state is AssignmentState.EXPIRED)
    for disposition, partner_id, number in _counted(session, Assignment.disposition):
        of[partner_id].won += number * (disposition == "won")
    for partner_id, entries in changes(session).items():
        of[partner_id].stops += sum(entry.to_standing is Standing.STOPPED for entry in entries)
        of[partner_id].stopped += days_stopped(entries, year.end)
    for name, outcome in found.items():
        outcome.at_end = ", ".join(f"{number} {word}" for word, number in sorted(ends[name].items()))
    session.rollback()
    return list(found.values())


def _counted(session: AnySession, column: Any) -> Sequence[Any]:
    table = column.class_
    return session.execute(select(column, table.partner_id, func.count()).group_by(column, table.partner_id)).all()


def days_stopped(entries: Sequence[Any], end: datetime) -> timedelta:
    """How long a partner was stopped, by its changes of standing."""
    total, since = timedelta(0), None
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.id)):
        if since is not None and entry.from_standing is Standing.STOPPED:
            total, since = total + (entry.at - since), None
        if entry.to_standing is Standing.STOPPED:
            since = entry.at
    return total + (end - since if since is not None else timedelta(0))


def shares(session: AnySession, year: Year) -> dict[tuple[str, tuple[str, ...]], list[int]]:
    """Turns of each prompt partner, among those that the same leads fit: by country and products."""
    query = select(Assignment.partner_id, func.count()).where(Assignment.origin == AssignmentOrigin.ROTATION)
    turns: dict[str, int] = {row[0]: row[1] for row in session.execute(query.group_by(Assignment.partner_id))}
    found: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for member in year.members.values():
        if member.habit.name == "prompt":
            found[member.country, member.products].append(turns.get(member.id, 0))
    session.rollback()
    return dict(found)


def last_offers(session: AnySession, year: Year, habit: str, days: float) -> int:
    """Leads that partners of a habit were given in the last ``days`` of the story."""
    ids = [id_ for id_, member in year.members.items() if member.habit.name == habit]
    given_at = func.coalesce(Assignment.offered_at, Assignment.accepted_at)
    since = max(START, year.end - days * DAY)
    query = select(func.count()).where(Assignment.partner_id.in_(ids), given_at >= since)
    return session.scalars(query.select_from(Assignment)).one()

"""What the partner's screens read. Every query starts in portal.accounts.access; none grows with the rows shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from models.assignments import Activity, Assignment, Obligation
from models.leads import Lead
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, ObligationKind, ObligationState
from portal.web.partner.words import OUTCOMES

OWED = (ObligationState.OPEN, ObligationState.BREACHED)
PAGE = 50
MOST_ROWS = 1000
GROUPS = ("Overdue", "Today", "Tomorrow", "This week", "Later")
STATES = ("offered", "accepted", "contacted", "won", "lost")


@dataclass
class Work:
    """One lead that something is owed on: the most urgent first, then what else."""

    assignment: Assignment
    lead: Lead
    owed: list[Obligation] = field(default_factory=list)
    last: Activity | None = None

    @property
    def first(self) -> Obligation:
        return self.owed[0]

    def overdue(self, now: datetime) -> bool:
        """Whether the most urgent one is past its time, recorded or not yet."""
        return self.first.state is ObligationState.BREACHED or self.first.due_at <= now


@lru_cache(maxsize=1024)
def visible(actor: Actor) -> ColumnElement[bool]:
    """Assignments whose lead their partner may open: live or closed as won or lost, the lead still in its sight.

    Kept, since building the condition costs more than asking the database.
    """
    closed = and_(Assignment.state == AssignmentState.CLOSED, Assignment.disposition.in_(OUTCOMES))
    in_sight = Assignment.lead_id.in_(access.leads(actor).with_only_columns(Lead.id).correlate(None))
    return and_(or_(Assignment.state.in_(LIVE_ASSIGNMENT), closed), in_sight)


def work(session: AnySession, actor: Actor) -> list[Work]:
    """Everything the partner owes, a row for each lead, the most urgent first."""
    rows = session.execute(
        access.obligations(actor)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Lead, Lead.id == Assignment.lead_id)
        .add_columns(Assignment, Lead)
        .where(
            Obligation.state.in_(OWED),
            Obligation.settled_at.is_(None),
            Obligation.set_aside_at.is_(None),
            visible(actor),
        )
        .order_by(Obligation.due_at, Obligation.id)
        .limit(MOST_ROWS)
    )
    found: dict[str, Work] = {}
    for obligation, assignment, lead in rows:
        found.setdefault(assignment.id, Work(assignment, lead)).owed.append(obligation)
    _add_last_touches(session, actor, found)
    return list(found.values())


def _add_last_touches(session: AnySession, actor: Actor, found: dict[str, Work]) -> None:
    latest = (
        select(func.max(Activity.id))
        .where(Activity.assignment_id.in_(found), Activity.counted)
        .group_by(Activity.assignment_id)
    )
    for activity in session.scalars(access.activities(actor).where(Activity.id.in_(latest))):
        found[activity.assignment_id].last = activity


def grouped(rows: Sequence[Work], now: datetime, zone: str) -> dict[str, list[Work]]:
    """The rows by the day on which they are due in the partner's zone.

    A week ends on Sunday. On a Sunday what is due tomorrow is not this week's; it has a heading of its own, for it
    may be due in two hours.
    """
    groups: dict[str, list[Work]] = {name: [] for name in GROUPS}
    for row in rows:
        groups[_group(row, now, ZoneInfo(zone))].append(row)
    return groups


def _group(row: Work, now: datetime, zone: ZoneInfo) -> str:
    if row.overdue(now):
        return "Overdue"
    today, day = now.astimezone(zone).date(), row.first.due_at.astimezone(zone).date()
    if day <= today:
        return "Today"
    if day <= today + timedelta(days=6 - today.weekday()):
        return "This week"
    return "Tomorrow" if day == today + timedelta(days=1) else "Later"


@dataclass(frozen=True)
class Page:
    """One page of the partner's leads; ``next`` is the cursor of the next one."""

    rows: Sequence[tuple[Assignment, Lead]]
    next: str | None


def own_leads(session: AnySession, actor: Actor, state: str | None, words: str, after: str | None) -> Page:
    """The leads in the partner's hands, and those it won or lost, newest first.

    What the partner may not see yet is not searched either: an offer is found by product and place only.
    """
    later = aliased(Assignment)
    newer = select(later.id).where(
        later.lead_id == Assignment.lead_id, later.partner_id == Assignment.partner_id, later.id > Assignment.id
    )
    query = (
        access.assignments(actor)
        .join(Lead, Lead.id == Assignment.lead_id)
        .add_columns(Lead)
        .where(visible(actor), ~newer.exists())
        .order_by(Assignment.id.desc())
        .limit(PAGE + 1)
    )
    for condition in (in_state(state), _found(words), Assignment.id < after if after else None):
        query = query if condition is None else query.where(condition)
    rows = [(assignment, lead) for assignment, lead in session.execute(query)]
    return Page(rows[:PAGE], rows[PAGE - 1][0].id if len(rows) > PAGE else None)


def in_state(state: str | None) -> ColumnElement[bool] | None:
    """The condition of one filter of the list; None for all."""
    if state in ("won", "lost"):
        return Assignment.disposition == state
    if state == "contacted":
        return and_(Assignment.state == AssignmentState.ACCEPTED, Assignment.touches > 0)
    if state == "accepted":
        return and_(Assignment.state == AssignmentState.ACCEPTED, Assignment.touches == 0)
    return Assignment.state == AssignmentState.OFFERED if state == "offered" else None


def _found(words: str) -> ColumnElement[bool] | None:
    """Every word is somewhere in the lead: "sommer backup" finds Birgit Sommer who asked for Tidewell Backup."""
    return and_(*(_has_word(word) for word in words.split())) if words.strip() else None


def _has_word(word: str) -> ColumnElement[bool]:
    part = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"

    def has(*columns: object) -> ColumnElement[bool]:
        return or_(*(column.ilike(part, escape="\\") for column in columns))  # type: ignore[attr-defined]

    known = and_(
        Assignment.state != AssignmentState.OFFERED,
        has(Lead.company, Lead.first_name, Lead.last_name, Lead.email, Lead.phone, Lead.city),
    )
    return or_(known, has(Lead.product, Lead.region, Lead.country))


def is_owed(row: Obligation) -> bool:
    """Whether it is open, or late and can still be done."""
    return row.state in OWED and row.settled_at is None and row.set_aside_at is None


def owed(session: AnySession, actor: Actor, assignment_id: str) -> list[Obligation]:
    """What is owed on one assignment, the most urgent first."""
    rows = session.scalars(access.obligations(actor).where(Obligation.assignment_id == assignment_id))
    return urgent(rows)


def urgent(rows: Iterable[Obligation]) -> list[Obligation]:
    """Those of some obligations that are owed, the most urgent first."""
    return sorted(filter(is_owed, rows), key=lambda row: (row.due_at, row.id))


def due_next(
    session: AnySession,
    actor: Actor,
    assignment_ids: Sequence[str],
    kinds: Sequence[ObligationKind] = tuple(ObligationKind),
) -> dict[str, Obligation]:
    """The most urgent obligation of each of these assignments, of all kinds or of some."""
    rows = session.scalars(
        access.obligations(actor)
        .where(
            Obligation.assignment_id.in_(assignment_ids),
            Obligation.state.in_(OWED),
            Obligation.settled_at.is_(None),
            Obligation.kind.in_(kinds),
        )
        .order_by(Obligation.due_at.desc(), Obligation.id.desc())
    )
    return {row.assignment_id: row for row in rows}


def met_by(session: AnySession, actor: Actor, activity: Activity) -> tuple[list[ObligationKind], Obligation | None]:
    """What a counted touch met or caught up with, and the touch or update that is asked for next."""
    rows = session.scalars(
        access.obligations(actor)
        .where(Obligation.assignment_id == activity.assignment_id)
        .order_by(Obligation.due_at, Obligation.id)
    ).all()
    met = [row.kind for row in rows if activity.recorded_at in (row.met_at, row.cured_at)]
    ahead = (ObligationKind.NEXT_TOUCH, ObligationKind.UPDATE)
    following = (row for row in rows if row.state is ObligationState.OPEN and row.kind in ahead)
    return met, next(following, None)

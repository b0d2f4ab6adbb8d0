"""What the morning page reads, in a number of queries that does not grow with what it shows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from models.accounts import User
from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.platform import Mail
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.ahead import Fall, falls
from portal.compliance.forecast import Forecast
from portal.vocabulary import AssignmentState, ObligationKind, Role, Standing
from portal.web.staff.board_reading import owed

LATELY, MAILS = timedelta(hours=24), timedelta(days=7)
MOST_PEOPLE = 500


@dataclass(frozen=True)
class ToBeStopped:
    """A partner that a stop or another lower rung awaits. ``contact``: whom to write to, where it can be reached.

    ``misses``: the deadlines that bring it about if they are missed, the next one first, each with its lead.
    """

    partner: Partner
    fall: Forecast
    overdue: int
    contact: User | None
    misses: Sequence[tuple[Obligation, Lead]]


def to_be_stopped(session: AnySession, actor: Actor, now: datetime) -> list[ToBeStopped]:
    """The partners that will be stopped within 48 hours if they do nothing, the first one first."""
    return with_leads(session, actor, [f for f in falls(session, actor, now) if f.told.to is Standing.STOPPED])


def with_leads(session: AnySession, actor: Actor, found: Sequence[Fall]) -> list[ToBeStopped]:
    """Changes to come, each with whom to write to and the deadlines that prevent it."""
    people = contacts(session, actor, [fall.partner.id for fall in found])
    missed = _missed(session, actor, [id_ for fall in found for id_ in fall.told.misses])
    return [
        ToBeStopped(it.partner, it.told, it.overdue, people.get(it.partner.id), missed[it.partner.id]) for it in found
    ]


def _missed(session: AnySession, actor: Actor, ids: Sequence[str]) -> dict[str, list[tuple[Obligation, Lead]]]:
    """Obligations with their leads, by partner, the next due first."""
    query = access.obligations(actor).where(Obligation.id.in_(ids)).join(Lead, Lead.id == Obligation.lead_id)
    found: dict[str, list[tuple[Obligation, Lead]]] = defaultdict(list)
    for row, lead in session.execute(query.add_columns(Lead).order_by(Obligation.due_at, Obligation.id)):
        found[row.partner_id].append((row, lead))
    return found


def contacts(session: AnySession, actor: Actor, partner_ids: Sequence[str]) -> dict[str, User]:
    """Whom to write to at each partner: its first admin, else its first rep, that takes mail."""
    query = access.users(actor).where(User.partner_id.in_(partner_ids), User.active, User.bounced_at.is_(None))
    found: dict[str, User] = {}
    for user in session.scalars(query.order_by(User.role != Role.PARTNER_ADMIN, User.created_at, User.id)):
        found.setdefault(str(user.partner_id), user)
    return found


def mail_address(user: User) -> str:
    """A link that opens a mail to somebody."""
    return f"mailto:{quote(user.email, safe='@')}"


@dataclass(frozen=True)
class NewlyStopped:
    """A partner stopped of late. ``freed``: how many of its offers were taken back for that."""

    partner: Partner
    freed: int


def newly_stopped(session: AnySession, actor: Actor, now: datetime) -> list[NewlyStopped]:
    """The partners that were stopped in the last 24 hours and still are, the latest first."""
    stopped = access.partners(actor).where(Partner.standing == Standing.STOPPED, Partner.standing_since > now - LATELY)
    partners = session.scalars(stopped.order_by(Partner.standing_since.desc(), Partner.name)).all()
    freed = (
        select(Assignment.partner_id, func.count())
        .join(Partner, Partner.id == Assignment.partner_id)
        .where(
            Assignment.partner_id.in_([p.id for p in partners]), Assignment.state == AssignmentState.RECALLED,
            Assignment.end_reason == "stopped", Assignment.ended_at >= Partner.standing_since,
        )
        .group_by(Assignment.partner_id)
    )  # fmt: skip
    counts = {row[0]: row[1] for row in session.execute(freed)}
    return [NewlyStopped(partner, counts.get(partner.id, 0)) for partner in partners]


@dataclass(frozen=True)
class Unanswered:
    """An offer whose answer is due today or was due before."""

    lead: Lead
    partner: Partner
    obligation: Obligation
    offered_at: datetime


def unanswered(session: AnySession, actor: Actor, until: datetime, most: int) -> tuple[list[Unanswered], int]:
    """Offers to be answered before ``until``, the earliest first, at most ``most``; and how many in all."""
    query = (
        access.obligations(actor)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Lead, Lead.id == Obligation.lead_id)
        .join(Partner, Partner.id == Obligation.partner_id)
        .where(
            Obligation.kind == ObligationKind.RESPOND, owed(), Obligation.due_at < until,
            Assignment.state == AssignmentState.OFFERED,
        )
    )  # fmt: skip
    rows = query.add_columns(Lead, Partner, Assignment.offered_at).order_by(Obligation.due_at, Obligation.id)
    found = [Unanswered(lead, partner, it, at) for it, lead, partner, at in session.execute(rows.limit(most))]
    total = session.scalar(query.with_only_columns(func.count())) or 0
    return found, total


@dataclass(frozen=True)
class Unreached:
    """People of one partner (None: of the vendor) whose mail does not arrive, of how many that are active."""

    partner: Partner | None
    people: tuple[User, ...]
    of: int
    since: datetime


def unreached(session: AnySession, actor: Actor, now: datetime) -> list[Unreached]:
    """Where notices do not arrive, the latest first.

    1. The address has a permanent bounce on record; or
    2. a mail of the last seven days to the address it still has was given up.
    """
    # An id holds the millisecond it was made in: older mails are passed over by their key.
    first = str(UUID(int=max(0, int((now - MAILS).timestamp() * 1000)) << 80))
    given_up = (
        select(Mail.user_id, Mail.address, func.max(Mail.created_at).label("at"))
        .where(Mail.id >= first, Mail.created_at > now - MAILS, Mail.state == "undeliverable")
        .group_by(Mail.user_id, Mail.address)
        .subquery()
    )
    query = (
        access.users(actor)
        .outerjoin(given_up, and_(given_up.c.user_id == User.id, given_up.c.address == User.email))
        .outerjoin(Partner, Partner.id == User.partner_id)
        .where(User.active, or_(User.bounced_at.is_not(None), given_up.c.at.is_not(None)))
        .add_columns(Partner, func.coalesce(User.bounced_at, given_up.c.at))
        .order_by(User.name, User.id)
        .limit(MOST_PEOPLE)
    )
    by_partner: dict[str | None, list[tuple[User, Partner | None, datetime]]] = defaultdict(list)
    for user, partner, at in session.execute(query):
        by_partner[user.partner_id].append((user, partner, at))
    sizes = _team_sizes(session, actor, [id_ for id_ in by_partner if id_])
    rows = [_unreached(found, sizes.get(id_ or "", 0)) for id_, found in by_partner.items()]
    return sorted(rows, key=lambda row: row.since, reverse=True)


def _unreached(found: list[tuple[User, Partner | None, datetime]], size: int) -> Unreached:
    return Unreached(found[0][1], tuple(user for user, _, _ in found), size, max(at for _, _, at in found))


def _team_sizes(session: AnySession, actor: Actor, partner_ids: Sequence[str]) -> dict[str, int]:
    query = access.users(actor).where(User.active, User.partner_id.in_(partner_ids)).group_by(User.partner_id)
    return {str(row[0]): row[1] for row in session.execute(query.with_only_columns(User.partner_id, func.count()))}


def due_counts(session: AnySession, actor: Actor, now: datetime, ends: Sequence[datetime]) -> list[int]:
    """How much is owed: late by now, then up to each of ``ends`` (ascending, none before ``now``) since the last."""
    edges = [now, *ends]
    sums = [func.count().filter(Obligation.due_at <= now)] + [
        func.count().filter(Obligation.due_at > start, Obligation.due_at <= end)
        for start, end in zip(edges, ends, strict=False)
    ]
    query = access.obligations(actor).where(owed(), Obligation.due_at <= ends[-1]).with_only_columns(*sums)
    return list(session.execute(query).one())

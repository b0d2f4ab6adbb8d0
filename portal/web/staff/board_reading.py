"""What the compliance board reads: a number of queries that does not grow with the partners shown."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, and_, case, func, or_, select

from models.assignments import Obligation
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.policy import LadderVersion, Mark, Rate, State, ladder_at, tally_at
from portal.compliance.service import ladders, mark
from portal.vocabulary import ObligationState, Standing
from portal.web.staff import paging

WORST_FIRST = (
    Standing.STOPPED,
    Standing.HELD,
    Standing.PROBATION,
    Standing.REDUCED,
    Standing.WARNED,
    Standing.EXEMPT,
    Standing.GOOD,
)
COLUMNS = (
    Obligation.id,
    Obligation.partner_id,
    Obligation.assignment_id,
    Obligation.kind,
    Obligation.opened_at,
    Obligation.due_at,
    Obligation.grace_until,
    Obligation.met_at,
    Obligation.breached_at,
    Obligation.cured_at,
    Obligation.waived_at,
    Obligation.cancelled_at,
    Obligation.set_aside_at,
    Obligation.settled_at,
    Obligation.reassign,
)


@dataclass(frozen=True)
class Row:
    """One partner of the board. ``next_due``: the earliest of what is open or overdue."""

    partner: Partner
    rate: Rate
    overdue: int
    next_due: datetime | None


def owed() -> Any:
    """What a partner still has to do: open, or missed and still to be done."""
    return and_(
        Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)),
        Obligation.settled_at.is_(None),
        Obligation.set_aside_at.is_(None),
    )


def rows(
    session: AnySession, actor: Actor, now: datetime, standing: Standing | None, tier: str, text: str, page: int
) -> tuple[list[Row], bool]:
    """A page of partners, worst standing first, then the next deadline; and whether others follow."""
    next_due = (
        select(Obligation.partner_id, func.min(Obligation.due_at).label("due_at"))
        .where(owed())
        .group_by(Obligation.partner_id)
        .subquery()
    )
    query = _filtered(access.partners(actor), standing, tier, text)
    found = session.execute(
        query.outerjoin(next_due, next_due.c.partner_id == Partner.id)
        .add_columns(next_due.c.due_at)
        .order_by(_worst(), next_due.c.due_at.is_(None), next_due.c.due_at, func.lower(Partner.name), Partner.id)
        .limit(paging.SIZE + 1)
        .offset((page - 1) * paging.SIZE)
    ).all()
    kept, more = paging.cut(found)
    versions = ladders(session)
    marks = _marks(session, [partner.id for partner, _ in kept], versions, now)
    return [_row(partner, due_at, marks[partner.id], versions, now) for partner, due_at in kept], more


def _row(
    partner: Partner, due_at: datetime | None, marks: list[Mark], versions: Sequence[LadderVersion], now: datetime
) -> Row:
    tally = tally_at(State.from_json(partner.standing_state), marks, versions, now)
    return Row(partner, tally.rate, len(tally.overdue), due_at)


def _worst() -> Any:
    return case({each.value: rank for rank, each in enumerate(WORST_FIRST)}, value=Partner.standing)


def _filtered(query: Select[Partner], standing: Standing | None, tier: str, text: str) -> Select[Partner]:
    if standing is not None:
        query = query.where(Partner.standing == standing)
    if tier:
        query = query.where(Partner.tier == tier)
    return query.where(Partner.name.ilike(paging.like(text), escape="\\")) if text else query


def _marks(
    session: AnySession, partner_ids: Iterable[str], versions: Sequence[LadderVersion], now: datetime
) -> dict[str, list[Mark]]:
    """What counts in the rate now, or is overdue now, for many partners at once."""
    since = now - ladder_at(versions, now).window
    found: dict[str, list[Mark]] = defaultdict(list)
    query = select(*COLUMNS).where(
        Obligation.partner_id.in_(list(partner_ids)),
        or_(and_(Obligation.due_at > since, Obligation.due_at <= now), owed()),
    )
    for row in session.execute(query):
        found[row.partner_id].append(mark(cast(Obligation, row)))
    return found


def counts(session: AnySession, actor: Actor) -> dict[Standing, int]:
    """How many partners stand where."""
    seen = access.partners(actor).with_only_columns(Partner.standing, func.count()).group_by(Partner.standing)
    return {row[0]: row[1] for row in session.execute(seen)}


def tiers(session: AnySession, actor: Actor) -> list[str]:
    """The tiers in use."""
    seen = access.partners(actor).with_only_columns(Partner.tier).distinct().order_by(Partner.tier)
    return list(session.scalars(seen))


def window_days(session: AnySession, now: datetime) -> int:
    """Over how many days the rate is taken now."""
    return ladder_at(ladders(session), now).window_days

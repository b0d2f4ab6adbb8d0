"""What the compliance board reads: a number of queries that does not grow with the partners shown."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from models.assignments import Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.policy import LadderVersion, Mark, Rate, State, ladder_at, tally_at
from portal.compliance.service import MARKED, ladders, mark
from portal.vocabulary import ObligationState, Standing
from portal.web.staff import paging
from portal.web.staff.partner_search import searched

WORST_FIRST = (
    Standing.STOPPED,
    Standing.HELD,
    Standing.PROBATION,
    Standing.REDUCED,
    Standing.WARNED,
    Standing.EXEMPT,
    Standing.GOOD,
)
#: How the board may be ordered, and what that is called.
SORTS = {
    "standing": "Worst standing first",
    "kept": "Least kept first",
    "overdue": "Most overdue first",
    "next": "Next deadline first",
    "open": "Fullest first",
    "name": "By name",
}
#: What falls due within this time can be waived or extended on the board itself.
SOON = timedelta(days=7)
#: So many deadlines of a partner are listed on the board; all of them are on its page.
LISTED = 12
#: So many partners are put in order of what they kept: each one's rows are counted for that.
MOST_BY_RATE = 500
#: The trend: so many spans of so many days, up to now.
SPANS, SPAN = 6, timedelta(days=14)
ENDED = (ObligationState.MET, ObligationState.CURED, ObligationState.BREACHED)


@dataclass(frozen=True)
class Wanted:
    """The filters and the order of the board."""

    standing: Standing | None = None
    tier: str = ""
    text: str = ""
    sort: str = "standing"

    @property
    def any(self) -> bool:
        """Whether some partners are left out."""
        return bool(self.standing or self.tier or self.text)


@dataclass(frozen=True)
class Soon:
    """A deadline that is missed or soon due, with its lead."""

    obligation: Obligation
    lead: Lead


@dataclass(frozen=True)
class Row:
    """One partner of the board.

    ``next_due``: the earliest of what is open or overdue. ``trend``: (kept, due) of each span, the oldest first.
    ``soon``: the first of the ``soon_count`` deadlines that are overdue or due soon.
    """

    partner: Partner
    rate: Rate
    overdue: int
    next_due: datetime | None
    trend: Sequence[tuple[int, int]]
    soon: Sequence[Soon]
    soon_count: int


def owed() -> Any:
    """What a partner still has to do: open, or missed and still to be done."""
    return and_(
        Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED)),
        Obligation.settled_at.is_(None),
        Obligation.set_aside_at.is_(None),
    )


def rows(session: AnySession, actor: Actor, now: datetime, wanted: Wanted, page: int) -> tuple[list[Row], bool]:
    """A page of partners in the order asked for; and whether others follow."""
    versions = ladders(session)
    query = _filtered(access.partners(actor), session, actor, wanted)
    if wanted.sort == "kept":
        found, more = _by_rate(session, query, versions, now, page)
    else:
        found, more = _by_column(session, query, wanted.sort, now, page)
    ids = [partner.id for partner, _ in found]
    marks, trend = _marks(session, ids, versions, now), trends(session, ids, now)
    listed, counted = soon(session, actor, ids, now)
    tallies = {p.id: tally_at(State.from_json(p.standing_state), marks[p.id], versions, now) for p, _ in found}
    return [
        Row(p, tallies[p.id].rate, len(tallies[p.id].overdue), due_at, trend[p.id], listed[p.id], counted.get(p.id, 0))
        for p, due_at in found
    ], more


Found = list[tuple[Partner, datetime | None]]


def _by_column(session: AnySession, query: Select[Any], sort: str, now: datetime, page: int) -> tuple[Found, bool]:
    late = func.count().filter(or_(Obligation.state == ObligationState.BREACHED, Obligation.grace_until <= now))
    owes = (
        select(Obligation.partner_id, func.min(Obligation.due_at).label("due_at"), late.label("late"))
        .where(owed())
        .group_by(Obligation.partner_id)
        .subquery()
    )
    due_next = (owes.c.due_at.is_(None), owes.c.due_at)
    worst = case({each.value: rank for rank, each in enumerate(WORST_FIRST)}, value=Partner.standing)
    orders: dict[str, tuple[Any, ...]] = {
        "standing": (worst, *due_next),
        "overdue": (func.coalesce(owes.c.late, 0).desc(), *due_next),
        "next": due_next,
        "open": ((Partner.open_leads * 1.0 / case((Partner.cap_now == 0, 1), else_=Partner.cap_now)).desc(),),
        "name": (),
    }
    found = session.execute(
        query.outerjoin(owes, owes.c.partner_id == Partner.id)
        .add_columns(owes.c.due_at)
        .order_by(*orders[sort], func.lower(Partner.name), Partner.id)
        .limit(paging.SIZE + 1)
        .offset((page - 1) * paging.SIZE)
    ).all()
    kept, more = paging.cut(found)
    return [(partner, due_at) for partner, due_at in kept], more


def _by_rate(
    session: AnySession, query: Select[Any], versions: Sequence[LadderVersion], now: datetime, page: int
) -> tuple[Found, bool]:
    """Least kept first; those with too few to count come last."""
    partners = session.scalars(query.order_by(func.lower(Partner.name), Partner.id).limit(MOST_BY_RATE)).all()
    marks = _marks(session, [partner.id for partner in partners], versions, now)

    def place(partner: Partner) -> tuple[bool, float]:
        rate = tally_at(State.from_json(partner.standing_state), marks[partner.id], versions, now).rate
        return rate.value is None, rate.value or 0.0

    found = sorted(partners, key=place)[(page - 1) * paging.SIZE :]
    kept, more = paging.cut(found[: paging.SIZE + 1])
    owes = (
        select(Obligation.partner_id, func.min(Obligation.due_at))
        .where(owed(), Obligation.partner_id.in_([partner.id for partner in kept]))
        .group_by(Obligation.partner_id)
    )
    due_at = {row[0]: row[1] for row in session.execute(owes)}
    return [(partner, due_at.get(partner.id)) for partner in kept], more


def _filtered(query: Select[Any], session: AnySession, actor: Actor, wanted: Wanted) -> Select[Any]:
    if wanted.standing is not None:
        query = query.where(Partner.standing == wanted.standing)
    if wanted.tier:
        query = query.where(Partner.tier == wanted.tier)
    return searched(query, session, actor, wanted.text)


def _marks(
    session: AnySession, partner_ids: Iterable[str], versions: Sequence[LadderVersion], now: datetime
) -> dict[str, list[Mark]]:
    """What counts in the rate now, or is overdue now, for many partners at once."""
    since = now - ladder_at(versions, now).window
    found: dict[str, list[Mark]] = defaultdict(list)
    query = select(*MARKED).where(
        Obligation.partner_id.in_(list(partner_ids)),
        or_(and_(Obligation.due_at > since, Obligation.due_at <= now), owed()),
    )
    for row in session.execute(query):
        found[row.partner_id].append(mark(row))
    return found


def trends(session: AnySession, partner_ids: Sequence[str], now: datetime) -> dict[str, list[tuple[int, int]]]:
    """By partner what it kept of what fell due, (kept, due) for each span, the oldest first. One query."""
    edges = [now - SPAN * n for n in range(SPANS, -1, -1)]
    sums = []
    for start, end in pairwise(edges):
        fell = and_(Obligation.due_at > start, Obligation.due_at <= end)
        sums += [func.count().filter(fell, Obligation.state == ObligationState.MET), func.count().filter(fell)]
    query = (
        select(Obligation.partner_id, *sums)
        .where(
            Obligation.partner_id.in_(partner_ids), Obligation.due_at > edges[0], Obligation.due_at <= now,
            Obligation.state.in_(ENDED),
        )
        .group_by(Obligation.partner_id)
    )  # fmt: skip
    found: dict[str, list[tuple[int, int]]] = {id_: [(0, 0)] * SPANS for id_ in partner_ids}
    for id_, *numbers in session.execute(query):
        found[id_] = list(zip(numbers[::2], numbers[1::2], strict=True))
    return found


def soon(
    session: AnySession, actor: Actor, partner_ids: Sequence[str], now: datetime
) -> tuple[dict[str, list[Soon]], dict[str, int]]:
    """By partner the first deadlines that are overdue or due soon, and how many there are in all. One query."""
    ranked = (
        access.obligations(actor)
        .where(Obligation.partner_id.in_(partner_ids), *falling(now))
        .with_only_columns(
            Obligation.id,
            func.row_number()
            .over(partition_by=Obligation.partner_id, order_by=(Obligation.due_at, Obligation.id))
            .label("place"),
            func.count().over(partition_by=Obligation.partner_id).label("total"),
        )
        .subquery()
    )
    query = (
        select(Obligation, Lead, ranked.c.total)
        .join(ranked, ranked.c.id == Obligation.id)
        .join(Lead, Lead.id == Obligation.lead_id)
        .where(ranked.c.place <= LISTED)
        .order_by(Obligation.due_at, Obligation.id)
    )
    listed: dict[str, list[Soon]] = defaultdict(list)
    counted: dict[str, int] = {}
    for row, lead, total in session.execute(query):
        listed[row.partner_id].append(Soon(row, lead))
        counted[row.partner_id] = total
    return listed, counted


def falling(now: datetime) -> tuple[Any, Any]:
    """What is overdue or due soon."""
    return owed(), Obligation.due_at <= now + SOON


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

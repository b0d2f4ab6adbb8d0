"""What the page of one partner reads: its deadlines, its ledger, what it holds, who works there."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from models.accounts import User
from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.policy import Mark, Measure, State, advance
from portal.compliance.service import TICK, business_days_of_all, ladders, marks_of_all
from portal.vocabulary import LIVE_ASSIGNMENT, LedgerKind, ObligationState
from portal.web.staff import paging
from portal.web.staff.board_reading import owed

MOST_OWED = 300
SHORT = 20
PLACE = ("country", "region", "postcode_prefix")
Owed = tuple[Obligation, Lead]


def owed_now(session: AnySession, actor: Actor, partner_id: str) -> list[Owed]:
    """What the partner still has to do, most urgent first, each with its lead."""
    query = _with_lead(actor, partner_id).where(owed()).order_by(Obligation.due_at, Obligation.id).limit(MOST_OWED)
    return [(row, lead) for row, lead in session.execute(query)]


def ended(session: AnySession, actor: Actor, partner_id: str, page: int) -> tuple[Sequence[Owed], bool]:
    """A page of what came to an end, latest due first; and whether others follow."""
    query = _with_lead(actor, partner_id).where(~owed()).order_by(Obligation.due_at.desc(), Obligation.id.desc())
    found = session.execute(query.limit(paging.SIZE + 1).offset((page - 1) * paging.SIZE))
    return paging.cut([(row, lead) for row, lead in found])


def chosen(
    session: AnySession, actor: Actor, partner_id: str, ids: Sequence[str], *states: ObligationState
) -> list[Owed]:
    """Those of the obligations that are this partner's, owed, and in one of ``states``."""
    query = _with_lead(actor, partner_id).where(Obligation.id.in_(ids[:MOST_OWED]), Obligation.state.in_(states))
    return [(row, lead) for row, lead in session.execute(query.order_by(Obligation.due_at, Obligation.id))]


def _with_lead(actor: Actor, partner_id: str) -> Select[Obligation, Lead]:
    return (
        access.obligations(actor)
        .join(Lead, Lead.id == Obligation.lead_id)
        .add_columns(Lead)
        .where(Obligation.partner_id == partner_id)
    )


def ledger(
    session: AnySession, actor: Actor, partner_id: str, page: int, size: int
) -> tuple[Sequence[LedgerEntry], bool]:
    """Lines of the ledger, latest first; and whether others follow."""
    query = access.ledger(actor).where(LedgerEntry.partner_id == partner_id)
    query = query.order_by(LedgerEntry.at.desc(), LedgerEntry.id.desc()).limit(size + 1).offset((page - 1) * size)
    rows = session.scalars(query).all()
    return rows[:size], len(rows) > size


def held(session: AnySession, actor: Actor, partner_id: str) -> tuple[list[tuple[Assignment, Lead]], int]:
    """The leads in the partner's hands now, latest first and at most a page of them; and how many in all."""
    live = access.assignments(actor).where(Assignment.partner_id == partner_id, Assignment.state.in_(LIVE_ASSIGNMENT))
    query = live.join(Lead, Lead.id == Assignment.lead_id).add_columns(Lead)
    rows = session.execute(query.order_by(Assignment.id.desc()).limit(paging.SIZE))
    total = session.scalar(select(func.count()).select_from(live.subquery())) or 0
    return [(assignment, lead) for assignment, lead in rows], total


def people(session: AnySession, actor: Actor, partner_id: str) -> Sequence[User]:
    """Who works there, those switched off last."""
    query = access.users(actor).where(User.partner_id == partner_id)
    return session.scalars(query.order_by(User.active.desc(), User.name).limit(200)).all()


def state_if(
    session: AnySession, partner: Partner, now: datetime, *, waived: Sequence[str] = (), release: bool = False
) -> State:
    """The standing as it would be at ``now`` after waiving obligations, or after a release. Writes nothing."""
    return states_if(session, [partner], now, waived=waived, release=release)[partner.id]


def states_if(
    session: AnySession, partners: Sequence[Partner], now: datetime, *, waived: Sequence[str] = (),
    release: bool = False,
) -> dict[str, State]:  # fmt: skip
    """The same for many partners, by id, in as many queries as for one."""
    versions, taken = ladders(session), frozenset(waived)
    marks = marks_of_all(session, partners, versions)
    days = business_days_of_all(session, [partner.id for partner in partners])
    found = {}
    for partner in partners:
        at = max(now, partner.folded_until + TICK)
        seen = [_as_if(mark, at, taken, release) for mark in marks[partner.id]]
        measures = [Measure(LedgerKind.RELEASE, at, None)] if release else []
        before = State.from_json(partner.standing_state)
        found[partner.id] = advance(before, seen, measures, versions, days[partner.id], at)[0]
    return found


def _as_if(mark: Mark, at: datetime, waived: Collection[str], release: bool) -> Mark:
    if mark.id in waived:
        return replace(mark, waived_at=at)
    overdue = mark.breached_at is not None and not (mark.cured_at or mark.waived_at or mark.settled_at)
    return replace(mark, settled_at=at) if release and overdue else mark


def settings(partner: Partner) -> list[tuple[str, Any]]:
    """What the partner is set up to be, in words."""
    caps = [f"{partner.open_lead_cap} open"]
    caps += [f"{partner.daily_cap} a day"] if partner.daily_cap else []
    caps += [f"{partner.weekly_cap} a week"] if partner.weekly_cap else []
    quiet = [f"{period['days']} days before {period['kind'].replace('_', ' ')}" for period in partner.quiet_periods]
    return [
        ("Tier", partner.tier),
        ("Weight", partner.weight),
        ("Place", f"{partner.country}, {partner.timezone}"),
        ("Caps", ", ".join(caps)),
        ("Covers", some(places(partner)) or "Everywhere"),
        ("Certified", some(partner.products) or "All products"),
        ("Tags", some(partner.tags) or "None"),
        ("Early leads", "Yes" if partner.wants_early_leads else "No"),
        ("Quiet", some(quiet) or "Never"),
        ("Active", "Yes" if partner.active else "No: it gets no leads"),
    ]


def places(partner: Partner) -> list[str]:
    """The territories that a partner covers, each as it is written: "DE BY", "AT"; none: everywhere."""
    return [" ".join(t[name] for name in PLACE if t.get(name)) for t in partner.territories]


def some(items: Sequence[Any], most: int = 8) -> str:
    """The first of a list, and how many more there are."""
    shown = ", ".join(str(item) for item in items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown

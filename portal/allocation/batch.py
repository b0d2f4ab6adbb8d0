"""A desk for placing many leads in one transaction: every row locked and read first, every change written last."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from sqlalchemy import Table, bindparam, func, select, update

from models.allocation import Rotation
from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from models.writing import insert_now
from portal.allocation.candidates import state_now
from portal.allocation.choosing import Asked, Pair, rotation_key
from portal.allocation.configuration import Snapshot
from portal.allocation.document import Strategy
from portal.allocation.gates import LeadFacts, PartnerFacts, day_key, week_key
from portal.allocation.memory import MemoryDesk
from portal.allocation.ranking import ranked
from portal.allocation.rotation import Credits
from portal.allocation.statements import SAVE_TURNS
from portal.allocation.strategies import Ranked
from portal.compliance.service import TICK
from portal.vocabulary import LIVE_ASSIGNMENT, StrategyKind

PARTNER = cast(Table, Partner.__table__)
ROTATION = cast(Table, Rotation.__table__)
#: {slot_, open_, day_, today_, week_, this_week_}
KEEP_COUNTS = (
    update(PARTNER)
    .where(PARTNER.c.slot == bindparam("slot_"))
    .values(
        open_leads=bindparam("open_"), day_key=bindparam("day_"), day_offers=bindparam("today_"),
        week_key=bindparam("week_"), week_offers=bindparam("this_week_"),
    )
)  # fmt: skip


def open_desk(session: AnySession, config: Snapshot, leads: Iterable[Asked], now: datetime) -> MemoryDesk:
    """Lock and read what these leads may touch, in the order rotations, then partners; nobody else gets at it."""
    rotations = _rotations(session, config, leads)
    partners = list(config.roster.values())
    locked = session.execute(select(PARTNER.c.slot, PARTNER.c.folded_until).order_by(PARTNER.c.slot).with_for_update())
    earliest = {slot: folded_until + TICK for slot, folded_until in locked}
    return MemoryDesk(
        now, dict(state_now(session, partners, now)), partial(_ranked, session, now), rotations,
        _held(session, partners), earliest,
    )  # fmt: skip


def close_desk(session: AnySession, config: Snapshot, desk: MemoryDesk) -> None:
    """Write the places taken and the turns used."""
    by_slot = {facts.slot: facts for facts in config.roster.values()}
    if desk.taken:
        session.execute(KEEP_COUNTS, [_counts(desk, by_slot[slot]) for slot in sorted(desk.taken)])
    keys = sorted(desk.turned_keys)
    known = set(session.scalars(select(Rotation.key).where(Rotation.key.in_(keys)))) if keys else set()
    packed = {key: (desk.rotations[key][0].pack(), desk.rotations[key][1]) for key in keys}
    insert_now(session, *(Rotation(key=k, credits=c, turns=n) for k, (c, n) in packed.items() if k not in known))
    if known:
        session.execute(SAVE_TURNS, [{"of": k, "after": packed[k][0], "so_far": packed[k][1]} for k in sorted(known)])


def _counts(desk: MemoryDesk, facts: PartnerFacts) -> dict[str, int]:
    state, zone = desk.known[facts.slot], facts.calendar.zone
    return {
        "slot_": facts.slot, "open_": state.open_leads, "day_": day_key(zone, desk.now), "today_": state.offered_today,
        "week_": week_key(zone, desk.now), "this_week_": state.offered_this_week,
    }  # fmt: skip


def _rotations(session: AnySession, config: Snapshot, leads: Iterable[Asked]) -> dict[str, tuple[Credits, int]]:
    turning = [r for r in config.all_rules if r.strategy.kind is StrategyKind.WEIGHTED_ROUND_ROBIN]
    keys = {rotation_key(rule, lead.values) for lead in leads for rule in turning}
    keys |= {r.name for r in config.all_rules if r.strategy.kind is StrategyKind.BEST_CONVERSION}
    wanted = select(Rotation.key, Rotation.credits, Rotation.turns).where(Rotation.key.in_(sorted(keys)))
    rows = session.execute(wanted.order_by(Rotation.key).with_for_update())
    return {key: (Credits.unpack(packed), turns) for key, packed, turns in rows}


def _held(session: AnySession, partners: Sequence[PartnerFacts]) -> dict[tuple[int, str], int]:
    """Open leads by slot and product, where any partner has a cap for one."""
    capped = {facts.id: facts.slot for facts in partners if facts.product_caps}
    found = dict[tuple[int, str], int]()
    if not capped:
        return found
    rows = session.execute(
        select(Assignment.partner_id, Lead.product, func.count())
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(
            Assignment.partner_id.in_(list(capped)), Assignment.state.in_(LIVE_ASSIGNMENT), Assignment.counts_open,
            Lead.product.is_not(None),
        )
        .group_by(Assignment.partner_id, Lead.product)
    )  # fmt: skip
    for partner_id, product, count in rows:
        key = capped[partner_id], (product or "").casefold()
        found[key] = found.get(key, 0) + count
    return found


def _ranked(
    session: AnySession, now: datetime, strategy: Strategy, eligible: Sequence[Pair], lead: LeadFacts,
    credits: Credits, turns: int,
) -> Ranked:  # fmt: skip
    return ranked(session, strategy, eligible, lead, credits, turns, now)

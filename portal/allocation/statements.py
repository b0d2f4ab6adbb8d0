"""The statements of the hot path, built once: what placing one lead asks of the database, apart from its inserts."""

import json
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)

from models.allocation import Rotation
from models.assignments import Assignment, Deal
from models.leads import Lead
from models.partners import Partner
from models.prepared import Prepared
from models.session import AnySession
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, DealStage, Standing

PARTNER = cast(Table, Partner.__table__)
ROTATION = cast(Table, Rotation.__table__)
LEAD = cast(Table, Lead.__table__)
ASSIGNMENT = cast(Table, Assignment.__table__)
DEAL = cast(Table, Deal.__table__)
NO_LEADS = (Standing.STOPPED, Standing.HELD)
OPEN_STAGES = tuple(stage for stage in DealStage if stage.is_open)

#: The rotation's credits, its row locked: {of}. What is read after it is the latest.
LOCK_ROTATION = Prepared(
    select(ROTATION.c.credits, ROTATION.c.turns).where(ROTATION.c.key == bindparam("of")).with_for_update()
)
#: {of, after}
SAVE_TURN = Prepared(
    update(ROTATION)
    .where(ROTATION.c.key == bindparam("of"))
    .values(credits=bindparam("after"), turns=ROTATION.c.turns + 1)
)
_STATE = select(
    PARTNER.c.slot, type_coerce(PARTNER.c.standing, String), PARTNER.c.active, PARTNER.c.reachable,
    PARTNER.c.open_leads, PARTNER.c.cap_now, PARTNER.c.weight_now_x2, PARTNER.c.day_key, PARTNER.c.day_offers,
    PARTNER.c.week_key, PARTNER.c.week_offers,
)  # fmt: skip
#: The same of rotations whose turns were counted elsewhere: {of, after, so_far}
SAVE_TURNS = (
    update(ROTATION)
    .where(ROTATION.c.key == bindparam("of"))
    .values(credits=bindparam("after"), turns=bindparam("so_far"))
)
#: How partners stand now: {slots}, one value however many they are, so that it is one and the same statement.
_STATE_NOW = {
    "postgresql": Prepared(_STATE.where(PARTNER.c.slot == func.any(bindparam("slots", type_=ARRAY(Integer))))),
    "sqlite": Prepared(
        _STATE.where(
            PARTNER.c.slot.in_(select(func.json_each(bindparam("slots", type_=String)).table_valued("value").c.value))
        )
    ),
}
STANDINGS = {standing.value: standing for standing in Standing}


def state_rows(session: AnySession, slots: Iterable[int]) -> list[Any]:
    """How the partners of these slots stand now."""
    kind = session.get_bind().dialect.name
    return _STATE_NOW[kind].rows(session, slots=list(slots) if kind == "postgresql" else json.dumps([*slots]))


_same_day, _same_week = PARTNER.c.day_key == bindparam("day"), PARTNER.c.week_key == bindparam("week")


def _below(same: Any, count: Any, cap: Any) -> Any:
    """Another day or week, or no cap, or fewer than the cap."""
    return or_(cap.is_(None), ~same, count < cap)


#: A place by hand: who may have leads at all. {of, day, week}
_TAKE_PLACE = (
    update(PARTNER)
    .where(PARTNER.c.id == bindparam("of"), PARTNER.c.active, PARTNER.c.reachable)
    .where(*(PARTNER.c.standing != none for none in NO_LEADS))
    .values(
        open_leads=PARTNER.c.open_leads + 1,
        day_offers=case((_same_day, PARTNER.c.day_offers + 1), else_=1),
        day_key=bindparam("day"),
        week_offers=case((_same_week, PARTNER.c.week_offers + 1), else_=1),
        week_key=bindparam("week"),
    )
    .returning(PARTNER.c.folded_until)
)
#: The guard: the same, below every cap. One row changed, or none. Both tell until when its standing is folded.
TAKE_PLACE = Prepared(
    _TAKE_PLACE.where(
        PARTNER.c.open_leads < PARTNER.c.cap_now,
        _below(_same_day, PARTNER.c.day_offers, PARTNER.c.daily_cap),
        _below(_same_week, PARTNER.c.week_offers, PARTNER.c.weekly_cap),
    )
)
TAKE_PLACE_BY_HAND = Prepared(_TAKE_PLACE)

_at_company = and_(LEAD.c.company_domain == bindparam("domain"), LEAD.c.id != bindparam("but"))
WORKS = (
    select(literal("works").label("what"), ASSIGNMENT.c.partner_id)
    .join(LEAD, LEAD.c.id == ASSIGNMENT.c.lead_id)
    .where(_at_company, ASSIGNMENT.c.state.in_(LIVE_ASSIGNMENT))
    .order_by(ASSIGNMENT.c.id.desc())
    .limit(1)
    .subquery()
)
_live_deals = (
    select(LEAD.c.company_domain, DEAL.c.partner_id, literal("owns").label("what"))
    .join(LEAD, LEAD.c.id == DEAL.c.lead_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == DEAL.c.assignment_id)
    .where(DEAL.c.stage.in_(OPEN_STAGES), ASSIGNMENT.c.state == AssignmentState.ACCEPTED)
    .order_by(DEAL.c.created_at, DEAL.c.id)
)
#: The live deals at companies, the earliest first: {domains}.
OWNERS = _live_deals.where(LEAD.c.company_domain.in_(bindparam("domains", expanding=True)))
OWNS = _live_deals.where(_at_company).limit(1).subquery()
#: Who works a company now (the latest live assignment) and who owns its account (the earliest live deal), leaving one
#: lead aside: {domain, but}. A deal is live while it is open and its partner still holds the lead that it came from.
COMPANY = union_all(select(WORKS.c.what, WORKS.c.partner_id), select(OWNS.c.what, OWNS.c.partner_id))

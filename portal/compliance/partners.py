"""Partners as the vendor and they themselves set them up: created, changed, kept with their valid-from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from models.assignments import Assignment
from models.base import new_id
from models.partners import Partner, PartnerVersion
from models.session import AnySession
from portal.accounts.actor import SYSTEM, Actor
from portal.accounts.audit import record
from portal.compliance.policy import initial, next_change
from portal.compliance.service import TICK, derive, enter, ladder_at, ladders, refold
from portal.deadlines import assignments
from portal.deadlines.live import changed
from portal.errors import Invalid
from portal.notifications.outbox import tell_moved_on
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, Standing

SETTINGS = (
    "name", "tier", "weight", "timezone", "country", "hours", "quiet_periods", "territories", "products", "tags",
    "open_lead_cap", "daily_cap", "weekly_cap", "wants_early_leads", "active", "postcode",
    "product_caps",
)  # fmt: skip


def create(session: AnySession, settings: Mapping[str, Any], now: datetime, actor: Actor) -> Partner:
    """A new partner in good standing from checked settings (``portal.compliance.settings``). Raises Invalid."""
    _name_is_free(session, settings["name"], None)
    slot = session.scalars(select(func.coalesce(func.max(Partner.slot), -1) + 1)).one()
    first = initial(now)
    partner = Partner(
        id=new_id(), slot=slot, created_at=now, standing=Standing.GOOD, standing_since=now,
        standing_state=first.to_json(), folded_until=now, open_leads=0, reachable=False, **settings,
    )  # fmt: skip
    session.add(partner)
    session.flush()  # The columns' defaults are there from here on.
    derive(partner, ladder_at(session, now))
    partner.standing_next_at = next_change(first, [], ladders(session))
    _keep(session, partner, now, actor)
    record(session, actor, "partner.create", "partner", partner.id, now, partner_id=partner.id)
    return partner


def _name_is_free(session: AnySession, name: str, partner_id: str | None) -> None:
    same = session.scalars(select(Partner.id).where(func.lower(Partner.name) == name.lower())).first()
    if same is not None and same != partner_id:
        raise Invalid([("name", "Another partner has this name: choose one that tells them apart.")])


def change(
    session: AnySession, partner_id: str, settings: Mapping[str, Any], now: datetime, actor: Actor
) -> tuple[Partner, list[str]]:
    """Change settings from now on; the ids of leads to place next. Raises NotFound, Invalid, Unsettled.

    1. The past is judged by what held then: the standing is folded to this instant under the old settings first.
    2. Deadlines that are open keep what was pinned.
    3. A partner that is no longer active loses what it holds, without its fault.
    """
    partner, at = enter(session, partner_id, now)
    freed = refold(session, partner, at).freed_leads
    _name_is_free(session, settings.get("name", partner.name), partner.id)
    for name, value in settings.items():
        setattr(partner, name, value)
    derive(partner, ladder_at(session, at))
    partner.freed_at = at
    _keep(session, partner, at, actor)
    if not partner.active:
        freed += _withdraw(session, partner, at + TICK)
        freed += refold(session, partner, at + TICK).freed_leads
    record(session, actor, "partner.change", "partner", partner.id, at, partner_id=partner.id,
           facts={"changed": sorted(settings)})  # fmt: skip
    return partner, freed


def _withdraw(session: AnySession, partner: Partner, at: datetime) -> list[str]:
    held = session.scalars(
        select(Assignment)
        .where(Assignment.partner_id == partner.id, Assignment.state.in_(LIVE_ASSIGNMENT))
        .order_by(Assignment.lead_id)
    ).all()
    for assignment in held:
        assignments.end(session, partner, assignment, AssignmentState.RECALLED, at, SYSTEM, reason="deactivated")
        tell_moved_on(session, partner.id, assignment.id, assignment.lead_id, at)
        assignments.send_on(session, assignments.locked_lead(session, assignment.lead_id), at, counts=False)
    return [assignment.lead_id for assignment in held]


def _keep(session: AnySession, partner: Partner, at: datetime, actor: Actor) -> None:
    """Keep the settings with their valid-from and have every process read them afresh."""
    facts = {name: getattr(partner, name) for name in SETTINGS}
    session.add(PartnerVersion(id=new_id(), partner_id=partner.id, valid_from=at, facts=facts, changed_by=actor.id))
    changed(session)

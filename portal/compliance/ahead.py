"""The next 48 hours across partners: who comes down a rung, when, and what prevents it. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from models.assignments import Obligation
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.forecast import Forecast, below, forecast
from portal.compliance.policy import BusinessDays, LadderVersion, Mark, State, tally_at
from portal.compliance.service import business_days_of_all, ladders, marks_of_all
from portal.vocabulary import ObligationState, Standing

AHEAD = timedelta(hours=48)
#: So many partners, by their next deadline, are looked at.
MOST_LOOKED_AT = 200


@dataclass(frozen=True)
class Fall:
    """A partner's change for the worse to come: ``told.misses`` are what prevents it if done in time."""

    partner: Partner
    told: Forecast
    overdue: int


def falls(session: AnySession, actor: Actor, now: datetime, span: timedelta = AHEAD) -> list[Fall]:
    """Partners that come down within ``span`` if nobody does anything, the first one first; one change each.

    1. A stop is told before any other rung, for it is the worst. 2. Else the first rung below the present one.
    3. Who is stopped already, and who stays where it is, is not told.
    """
    versions, until = ladders(session), now + span
    partners = _at_risk(session, actor, now, until)
    marks = marks_of_all(session, partners, versions)
    calendars = business_days_of_all(session, [partner.id for partner in partners])
    found = [_fall(p, marks[p.id], versions, calendars[p.id], now, until) for p in partners]
    return sorted((fall for fall in found if fall), key=lambda fall: (fall.told.at, fall.partner.name))


def _at_risk(session: AnySession, actor: Actor, now: datetime, until: datetime) -> Sequence[Partner]:
    """Those not stopped that have a deadline by then, or whose standing time may change by then."""
    soon = (
        select(Obligation.partner_id, func.min(Obligation.due_at).label("due_at"))
        .where(
            Obligation.state == ObligationState.OPEN, Obligation.set_aside_at.is_(None),
            Obligation.grace_until <= until,
        )
        .group_by(Obligation.partner_id)
        .subquery()
    )  # fmt: skip
    query = (
        access.partners(actor)
        .outerjoin(soon, soon.c.partner_id == Partner.id)
        .where(
            Partner.standing != Standing.STOPPED,
            or_(soon.c.partner_id.is_not(None), Partner.standing_next_at <= until),
        )
        .order_by(soon.c.due_at.is_(None), soon.c.due_at, Partner.standing_next_at, Partner.id)
    )
    return session.scalars(query.limit(MOST_LOOKED_AT)).all()


def _fall(
    partner: Partner, marks: list[Mark], versions: Sequence[LadderVersion], days: BusinessDays, now: datetime,
    until: datetime,
) -> Fall | None:  # fmt: skip
    state = State.from_json(partner.standing_state)
    ahead = forecast(state, marks, versions, days, now, until)
    stops = [told for told in ahead if told.to is Standing.STOPPED]
    lower = [told for told in ahead if below(told.to, state.shown)]
    first = next(iter(stops + lower), None)
    return Fall(partner, first, len(tally_at(state, marks, versions, now).overdue)) if first else None

"""Where other systems' deadlines are known to go wrong, one line each: what is due here, and who is breached.

Every lead is offered and left alone; what is checked is the instant that is pinned, and what the sweep makes of it.
"""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from models.assignments import Assignment, Obligation
from models.partners import Partner
from models.session import unit
from portal.compliance import partners
from portal.compliance.settings import parse_settings
from portal.deadlines import vendor_days
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Invalid
from portal.follow_up.service import Verdict
from portal.vocabulary import Disposition, ObligationState
from tests.support import checks
from tests.support.stage import GOES, STAFF, STAYS, within
from tests.support.world import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    assignment_of,
    make_partner,
    obligations_of,
    publish_policy,
    publish_rules,
    receive_lead,
    rep_of,
)

SPLIT = {day: [["09:00", "12:30"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def policy(value: int, unit_: str = "hours", on_breach: dict[str, Any] = STAYS, **more: Any) -> dict[str, Any]:
    """Answer and first contact within the same time."""
    due = {"within": within(value, unit_), "warn_before": None, "on_breach": on_breach}
    return {"obligations": [{"kind": "respond", **due}, {"kind": "first_contact", **due}], **more}


def berlin(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def offer(session: Session, at: datetime) -> tuple[Assignment, Obligation]:
    """A lead that comes in at an instant, and its answer."""
    found = assignment_of(session, receive_lead(session, at))
    assert found is not None
    return found, obligations_of(session, found)["respond"]


@pytest.mark.parametrize(
    ("start", "hours", "value", "unit_", "due"),
    [
        pytest.param("2026-03-06T16:00", {}, 2, "hours", "2026-03-09T10:00", id="Friday 16:00 and two hours"),
        pytest.param("2026-03-06T16:00", {}, 2, "days", "2026-03-10T17:00", id="Friday 16:00 and two days"),
        pytest.param("2026-03-07T11:00", {}, 2, "hours", "2026-03-09T11:00", id="Saturday arrival"),
        pytest.param("2026-03-06T12:00", {"opening_hours": SPLIT}, 1, "hours", "2026-03-06T14:00", id="lunch break"),
        pytest.param("2026-03-06T13:00", {"opening_hours": SPLIT}, 1, "hours", "2026-03-06T14:30", id="within lunch"),
        pytest.param("2026-03-07T23:00", {"opening_hours": ALWAYS}, 2, "hours", "2026-03-08T01:00", id="24/7 calendar"),
        pytest.param("2026-03-28T23:00", {"opening_hours": ALWAYS}, 4, "hours", "2026-03-29T04:00", id="24/7 and DST"),
        pytest.param("2026-12-31T16:30", {"holidays": {"country": "DE"}}, 1, "hours", "2027-01-04T09:30", id="year"),
        pytest.param("2028-02-28T16:30", {}, 1, "hours", "2028-02-29T09:30", id="leap day"),
    ],
)  # fmt: skip
def test_the_instant_that_is_pinned(
    session: Session, start: str, hours: dict[str, Any], value: int, unit_: str, due: str
) -> None:
    make_partner(session, "Nordhaven", **hours)
    publish_rules(session)
    publish_policy(session, policy(value, unit_))
    _, row = offer(session, berlin(start))
    assert row.due_at == berlin(due)
    sweep(session, row.due_at - MINUTE)
    assert session.get_one(Obligation, row.id, populate_existing=True).state is ObligationState.OPEN
    sweep(session, row.due_at)
    row = session.get_one(Obligation, row.id, populate_existing=True)
    assert (row.state, row.breached_at) == (ObligationState.BREACHED, berlin(due))


def test_a_week_without_a_working_day_is_refused(session: Session) -> None:
    partner = make_partner(session, "Nordhaven")
    current = {"timezone": partner.timezone, "country": partner.country, "hours": partner.hours}
    for hours in ({"mon": []}, {}):
        with pytest.raises(Invalid, match="week without openings"):
            parse_settings({"opening_hours": hours}, current)


def test_a_holiday_added_later_moves_nothing_that_is_open(session: Session) -> None:
    partner = make_partner(session, "Nordhaven")
    publish_rules(session)
    publish_policy(session, policy(2))
    friday = berlin("2026-03-06T16:00")
    _, before = offer(session, friday)
    unit(session, lambda: vendor_days.declare(session, date(2026, 3, 9), "Company day", friday, STAFF))
    holiday = {"closures": [{"from": "2026-03-10", "to": "2026-03-10"}]}
    _change(session, partner, holiday, friday + MINUTE)
    _, after = offer(session, friday + 2 * MINUTE)
    assert before.due_at == berlin("2026-03-09T10:00"), "pinned when it was opened"
    assert after.due_at == berlin("2026-03-11T10:02"), "the day off and the closure are left out"


def _change(session: Session, partner: Partner, settings: dict[str, Any], now: datetime) -> None:
    current = {"timezone": partner.timezone, "country": partner.country, "hours": partner.hours}
    columns = parse_settings(settings, current)
    unit(session, lambda: partners.change(session, partner.id, columns, now, STAFF))


def test_a_sweep_that_was_off_for_a_day_records_the_same(session: Session) -> None:
    make_partner(session, "Nordhaven")
    publish_rules(session)
    publish_policy(session, policy(2))
    one, row = offer(session, MONDAY)
    sweep(session, row.due_at + 24 * HOUR)
    row = session.get_one(Obligation, row.id, populate_existing=True)
    assert (row.state, row.breached_at) == (ObligationState.BREACHED, row.due_at)
    acts.accept(session, rep_of(session.get_one(Partner, one.partner_id)), one.id, row.due_at + 25 * HOUR)
    assert session.get_one(Obligation, row.id, populate_existing=True).state is ObligationState.CURED
    session.commit()
    assert checks.wrong_now(session) == []


def test_a_policy_shortened_after_opening_breaches_nobody_sooner(session: Session) -> None:
    make_partner(session, "Nordhaven")
    publish_rules(session)
    publish_policy(session, policy(5, "days"))
    _, before = offer(session, MONDAY)
    publish_policy(session, policy(1), now=MONDAY + HOUR)
    _, after = offer(session, MONDAY + 2 * HOUR)
    sweep(session, MONDAY + DAY)
    states = [session.get_one(Obligation, row.id, populate_existing=True).state for row in (before, after)]
    assert states == [ObligationState.OPEN, ObligationState.BREACHED]
    assert (before.policy_version, after.policy_version) == (2, 3)


def test_a_lead_handed_on_gives_the_next_partner_its_whole_time(session: Session) -> None:
    make_partner(session, "Nordhaven")
    make_partner(session, "Weser", timezone="America/New_York", country="US")
    publish_rules(session)
    publish_policy(session, policy(2, on_breach=GOES))
    first, row = offer(session, MONDAY)
    sweep(session, row.due_at)
    second = session.query(Assignment).filter_by(lead_id=first.lead_id, ended_at=None).one()
    fresh = obligations_of(session, second)["respond"]
    assert second.partner_id != first.partner_id and fresh.opened_at == row.due_at
    assert fresh.due_at == berlin("2026-03-02T11:00", "America/New_York"), "two of its own hours, from its opening on"


def test_two_partners_in_two_zones_each_keep_their_own_hours(session: Session) -> None:
    make_partner(session, "Nordhaven")
    make_partner(session, "Hudson", timezone="America/New_York", country="US")
    publish_rules(session)
    publish_policy(session, policy(2))
    due = {}
    for _ in range(2):
        one, row = offer(session, berlin("2026-03-06T12:00"))
        due[session.get_one(Partner, one.partner_id).name] = row.due_at
    assert due == {
        "Nordhaven": berlin("2026-03-06T14:00"),
        "Hudson": berlin("2026-03-06T11:00", "America/New_York"),
    }


def test_a_reopened_lead_has_a_fresh_deadline(session: Session) -> None:
    partner = make_partner(session, "Nordhaven")
    publish_rules(session)
    publish_policy(session, policy(2))
    one, _ = offer(session, MONDAY)
    acts.accept(session, rep_of(partner), one.id, MONDAY + MINUTE)
    old = obligations_of(session, one)["first_contact"]
    acts.feedback(session, rep_of(partner), one.id, Verdict(3, Disposition.LOST), MONDAY + HOUR)
    friday = berlin("2026-03-06T16:00")
    acts.reopen(session, STAFF, one.lead_id, "they called", friday)
    fresh = obligations_of(session, _latest(session, one.lead_id))["first_contact"]
    assert (fresh.opened_at, fresh.due_at) == (friday, berlin("2026-03-09T10:00"))
    assert session.get_one(Obligation, old.id, populate_existing=True).state is ObligationState.CANCELLED


def _latest(session: Session, lead_id: str) -> Assignment:
    return session.query(Assignment).filter_by(lead_id=lead_id).order_by(Assignment.id.desc()).limit(1).one()

"""Days off of the vendor: who may be due later by them, and who never is."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.calendars import VendorDay
from models.partners import Partner
from models.platform import Audit
from models.session import unit
from portal.allocation.live import snapshot
from portal.compliance.service import business_days
from portal.deadlines import vendor_days
from portal.deadlines.service import calendar_of
from portal.enforcement.sweep import sweep
from portal.errors import Invalid, NotFound
from tests.support import checks
from tests.support.stage import STAFF
from tests.support.world import (
    DAY,
    HOUR,
    MONDAY,
    assignment_of,
    make_partner,
    obligations_of,
    publish_rules,
    receive_lead,
)

TUESDAY = MONDAY.date() + timedelta(days=1)


def declare(session: Session, day: date, name: str = "Company day") -> str:
    return unit(session, lambda: vendor_days.declare(session, day, name, MONDAY, STAFF)).id


def due(session: Session) -> object:
    found = assignment_of(session, receive_lead(session, MONDAY))
    assert found is not None
    return obligations_of(session, found)["respond"].due_at


def test_it_is_left_out_of_what_opens_after_it_was_declared_and_counts_again_when_withdrawn(session: Session) -> None:
    make_partner(session, "Nordhaven")
    publish_rules(session)
    plain = due(session)
    day = declare(session, TUESDAY)
    assert due(session) == plain + DAY  # type: ignore[operator]
    unit(session, lambda: vendor_days.withdraw(session, day, MONDAY + HOUR, STAFF))
    assert due(session) == plain
    sweep(session, MONDAY + HOUR)
    session.commit()
    assert checks.wrong_now(session) == []
    rows = session.query(Audit).filter_by(object_id=day).order_by(Audit.id).all()
    assert [(row.action, row.facts["day"]) for row in rows] == [
        ("vendor_day.declare", TUESDAY.isoformat()), ("vendor_day.withdraw", TUESDAY.isoformat()),
    ]  # fmt: skip


def test_leads_are_offered_on_it_as_on_any_day(session: Session) -> None:
    partner = make_partner(session, "Nordhaven")
    publish_rules(session)
    declare(session, MONDAY.date())
    assert assignment_of(session, receive_lead(session, MONDAY + HOUR)) is not None
    facts = snapshot(session).roster[partner.id]
    assert [day.day for day in facts.calendar.days_off] == [MONDAY.date()]


def test_the_days_of_a_stop_are_the_partners_own(session: Session) -> None:
    partner = make_partner(session, "Nordhaven")
    before = business_days(session, partner)(MONDAY, 3)
    declare(session, TUESDAY)
    assert business_days(session, session.get_one(Partner, partner.id))(MONDAY, 3) == before


def test_a_partner_out_of_any_session_has_its_own_calendar(session: Session) -> None:
    partner = make_partner(session, "Nordhaven")
    declare(session, TUESDAY)
    assert calendar_of(session.get_one(Partner, partner.id)).days_off
    session.expunge_all()
    assert calendar_of(partner).days_off == ()


def test_a_name_is_kept_without_space_around_it(session: Session) -> None:
    declare(session, TUESDAY, " Company day ")
    assert session.query(VendorDay).one().name == "Company day"


@pytest.mark.parametrize(
    ("day", "name", "field"),
    [
        (MONDAY.date() - timedelta(days=1), "x", "day"),
        (MONDAY.date() + timedelta(days=3 * 366 + 1), "x", "day"),
        (TUESDAY, " ", "name"),
        (TUESDAY, "x" * 101, "name"),
        (TUESDAY, "a\x00", "name"),
    ],
)
def test_what_cannot_be_declared(session: Session, day: date, name: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        declare(session, day, name)
    assert [where for where, _ in caught.value.errors] == [field]
    assert session.query(VendorDay).count() == 0


def test_a_day_is_declared_once_and_a_year_has_at_most_thirty(session: Session) -> None:
    for number in range(vendor_days.MOST_A_YEAR):
        declare(session, TUESDAY + timedelta(days=number))
    with pytest.raises(Invalid, match="declared already"):
        declare(session, TUESDAY)
    with pytest.raises(Invalid, match="2026 has 30 days off already"):
        declare(session, TUESDAY + timedelta(days=200))
    declare(session, date(2027, 1, 4))


def test_a_day_that_is_past_stays(session: Session) -> None:
    day = declare(session, TUESDAY)
    with pytest.raises(Invalid, match="it stays as it was counted"):
        unit(session, lambda: vendor_days.withdraw(session, day, MONDAY + 3 * DAY, STAFF))
    with pytest.raises(NotFound):
        unit(session, lambda: vendor_days.withdraw(session, "none", MONDAY, STAFF))
    assert session.query(Assignment).count() == 0 and session.query(VendorDay).count() == 1

"""Each gate open and closed, the order in which they are told, and when time alone opens one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.allocation.gates import (
    BY_SETTINGS,
    GateResult,
    LeadFacts,
    PartnerFacts,
    PartnerNow,
    day_key,
    evaluate,
    retry_at,
    static_miss,
    week_key,
)
from portal.allocation.gates import closed as quickly_closed
from portal.vocabulary import Gate, Standing
from tests.policy.allocation_partners import NOW, calendar, lead, partner, state


def closed(
    facts: PartnerFacts | None = None, now_: PartnerNow | None = None, of: LeadFacts | None = None, at: datetime = NOW
) -> set[Gate]:
    results = evaluate(facts or partner(), now_ or state(), of or lead(), at)
    return {result.gate for result in results if not result.passed}


def test_all_gates_are_asked_in_the_order_of_the_vocabulary() -> None:
    bad = state(active=False, standing=Standing.STOPPED, open_leads=10)
    results = evaluate(partner(), bad, lead(), NOW)
    assert [result.gate for result in results] == list(Gate)
    assert [result.gate for result in results if not result.passed] == [Gate.ACTIVE, Gate.STANDING, Gate.OPEN_CAP]


def test_a_partner_without_limits_takes_every_lead() -> None:
    assert closed() == set()


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"active": False}, Gate.ACTIVE),
        ({"reachable": False}, Gate.REACHABLE),
        ({"standing": Standing.STOPPED}, Gate.STANDING),
        ({"standing": Standing.HELD}, Gate.STANDING),
        ({"open_leads": 10}, Gate.OPEN_CAP),
        ({"open_leads": 11}, Gate.OPEN_CAP),
        ({"open_leads": 0, "cap_now": 0}, Gate.OPEN_CAP),
    ],
)
def test_how_a_partner_stands_closes_a_gate(changes: dict[str, Any], gate: Gate) -> None:
    assert closed(now_=state(**changes)) == {gate}


@pytest.mark.parametrize("standing", [s for s in Standing if s not in (Standing.STOPPED, Standing.HELD)])
def test_every_other_standing_lets_leads_through(standing: Standing) -> None:
    assert closed(now_=state(standing=standing, open_leads=9)) == set()


BAVARIA = (("DE", "DE-BY", None),)


@pytest.mark.parametrize(
    ("territories", "of", "passes"),
    [
        ((), lead(), True),
        ((("DE", None, None),), lead(), True),
        ((("AT", None, None),), lead(), False),
        ((("AT", None, None), ("DE", None, None)), lead(), True),
        (BAVARIA, lead(region="DE-BY"), True),
        (BAVARIA, lead(region="BY"), True),
        (BAVARIA, lead(region="by"), True),
        (BAVARIA, lead(region="DE-HH"), False),
        (BAVARIA, lead(region=None), True),
        ((("DE", "BY", None),), lead(region="DE-BY"), True),
        ((("DE", None, "20"),), lead(), True),
        ((("DE", None, "20"),), lead(postcode="80331"), False),
        ((("DE", None, "20"),), lead(postcode=None), True),
        ((("GB", None, "SW1A"),), lead(country="GB", postcode="sw1 a1aa"), True),
        ((("DE", "DE-HH", "20"),), lead(postcode="21073"), False),
        ((("AT", None, None),), lead(country=None), True),
    ],
)
def test_the_territory_gate(territories: tuple[Any, ...], of: LeadFacts, passes: bool) -> None:
    facts = partner(territories=territories)
    assert (Gate.TERRITORY not in closed(facts, of=of)) is passes
    assert (static_miss(facts, of) is None) is passes


@pytest.mark.parametrize(
    ("products", "product", "passes"),
    [
        ((), "Widget Pro", True),
        (("Widget Pro", "Gadget"), "Widget Pro", True),
        (("widget pro",), "Widget Pro", True),
        (("Gadget",), "Widget Pro", False),
        (("Gadget",), None, True),
    ],
)
def test_the_certification_gate(products: tuple[str, ...], product: str | None, passes: bool) -> None:
    facts, of = partner(products=frozenset(products)), lead(product=product)
    assert (Gate.CERTIFIED not in closed(facts, of=of)) is passes
    assert static_miss(facts, of) == (None if passes else Gate.CERTIFIED)


def test_settings_alone_name_the_first_gate_they_close() -> None:
    facts = partner(territories=(("AT", None, None),), products=frozenset({"Gadget"}))
    assert static_miss(facts, lead()) is Gate.TERRITORY


@pytest.mark.parametrize(
    ("cap", "offered", "passes"), [(None, 99, True), (3, 2, True), (3, 3, False), (3, 4, False), (0, 0, False)]
)
def test_caps_for_day_and_week(cap: int | None, offered: int, passes: bool) -> None:
    daily = closed(partner(daily_cap=cap), state(offered_today=offered))
    weekly = closed(partner(weekly_cap=cap), state(offered_this_week=offered))
    assert daily == (set() if passes else {Gate.DAILY_CAP})
    assert weekly == (set() if passes else {Gate.WEEKLY_CAP})


@pytest.mark.parametrize(
    ("caps", "product", "open_of", "passes"),
    [
        ({}, "Widget Pro", 9, True),
        ({"widget pro": 2}, "Widget Pro", 1, True),
        ({"widget pro": 2}, "WIDGET PRO", 2, False),
        ({"widget pro": 2}, "Gadget", 2, True),
        ({"widget pro": 2}, None, 2, True),
        ({"widget pro": 0}, "Widget Pro", 0, False),
    ],
)
def test_a_cap_for_one_product(caps: dict[str, int], product: str | None, open_of: int, passes: bool) -> None:
    facts, of = partner(product_caps=caps), lead(product=product)
    assert closed(facts, state(open_of_product=open_of), of) == (set() if passes else {Gate.PRODUCT_CAP})
    assert static_miss(facts, of) is None, "it is full now, not for ever"


BERLIN = ZoneInfo("Europe/Berlin")


def berlin(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "passes"),
    [
        (berlin(3, 8, 23, 59), True),
        (berlin(3, 9, 0), False),
        (berlin(3, 13, 23, 59), False),
        (berlin(3, 14, 0), True),
    ],
)
def test_a_closure_covers_its_local_days(at: datetime, passes: bool) -> None:
    facts = partner(calendar=calendar(("2026-03-09", "2026-03-13")))
    assert (Gate.CLOSURE not in closed(facts, at=at)) is passes


def test_evenings_and_public_holidays_close_no_gate() -> None:
    assert closed(at=berlin(12, 25, 23)) == set()


MONTH, QUARTER = {"kind": "month_end", "days": 3}, {"kind": "quarter_end", "days": 5}


@pytest.mark.parametrize(
    ("periods", "at", "passes"),
    [
        ((MONTH,), berlin(4, 27, 23, 59), True),
        ((MONTH,), berlin(4, 28, 0), False),
        ((MONTH,), berlin(4, 30, 23, 59), False),
        ((MONTH,), berlin(5, 1, 0), True),
        ((MONTH,), berlin(2, 25, 23), True),
        ((MONTH,), berlin(2, 26, 0), False),
        ((QUARTER,), berlin(4, 30, 12), True),
        ((QUARTER,), berlin(6, 25, 23), True),
        ((QUARTER,), berlin(6, 26, 0), False),
        ((QUARTER,), berlin(12, 31, 23), False),
        ((MONTH, QUARTER), berlin(6, 26, 12), False),
        ((), berlin(6, 30, 12), True),
    ],
)
def test_quiet_periods_are_the_last_local_days(periods: tuple[Any, ...], at: datetime, passes: bool) -> None:
    assert (Gate.QUIET_PERIOD not in closed(partner(quiet_periods=periods), at=at)) is passes


@pytest.mark.parametrize(
    ("kind", "wants", "passes"), [("qualified", False, True), ("early", False, False), ("early", True, True)]
)
def test_early_leads_go_to_who_asked_for_them(kind: str, wants: bool, passes: bool) -> None:
    gates = closed(partner(wants_early_leads=wants), of=lead(kind=kind))
    assert gates == (set() if passes else {Gate.WANTS_KIND})


def test_who_held_the_lead_before_is_skipped() -> None:
    assert closed(of=lead(earlier_holders=frozenset({"north"}))) == {Gate.EARLIER_HOLDER}
    assert closed(of=lead(earlier_holders=frozenset({"south"}))) == set()


def test_an_account_of_another_partner_is_a_conflict() -> None:
    assert closed(of=lead(conflict_owner="south")) == {Gate.CONFLICT}
    assert closed(of=lead(conflict_owner="north")) == set()


def test_facts_of_a_gate_name_no_other_partner() -> None:
    """They are stored with the decision and turned into sentences for the partner itself."""
    results = evaluate(partner(), state(), lead(conflict_owner="south", earlier_holders=frozenset({"south"})), NOW)
    assert "south" not in str([result.facts for result in results])


def again(facts: PartnerFacts, now_: PartnerNow, at: datetime) -> datetime | None:
    return retry_at(facts, evaluate(facts, now_, lead(), at), at)


@pytest.mark.parametrize(
    ("facts", "now_", "at", "expected"),
    [
        (partner(), state(), NOW, None),
        (partner(), state(open_leads=10), NOW, None),
        (partner(daily_cap=1), state(offered_today=1), NOW, berlin(3, 3, 0)),
        (partner(weekly_cap=1), state(offered_this_week=1), NOW, berlin(3, 9, 0)),
        (partner(weekly_cap=1), state(offered_this_week=1), berlin(3, 8, 23), berlin(3, 9, 0)),
        (partner(calendar=calendar(("2026-03-01", "2026-03-05"))), state(), NOW, berlin(3, 6, 0)),
        (partner(quiet_periods=(MONTH,)), state(), berlin(4, 29, 12), berlin(5, 1, 0)),
        (partner(quiet_periods=(MONTH,)), state(), berlin(12, 31, 12), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        # Clocks go forward on the night to 29 March: the day that is waited for begins an hour earlier.
        (partner(daily_cap=0), state(), berlin(3, 29, 12), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (partner(daily_cap=1, weekly_cap=1), state(offered_today=1, offered_this_week=1), NOW, berlin(3, 3, 0)),
    ],
)
def test_the_instant_at_which_time_alone_opens_a_gate(
    facts: PartnerFacts, now_: PartnerNow, at: datetime, expected: datetime | None
) -> None:
    assert again(facts, now_, at) == expected


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        (partner(calendar=calendar(("2026-03-01", "2026-03-05"), ("2026-03-06", "2026-03-08"))), NOW),
        (partner(quiet_periods=(MONTH,)), berlin(3, 30, 12)),
        (partner(quiet_periods=(MONTH, QUARTER)), berlin(6, 27, 12)),
    ],
)
def test_at_that_instant_the_gate_is_open_and_just_before_it_is_not(facts: PartnerFacts, at: datetime) -> None:
    until = again(facts, state(), at)
    assert until is not None
    assert len(closed(facts, at=until - timedelta(microseconds=1))) == 1
    assert closed(facts, at=until) == set()


@pytest.mark.parametrize(
    ("zone", "at", "day", "monday"),
    [
        ("Europe/Berlin", datetime(2026, 3, 1, 23, tzinfo=UTC), "2026-03-02", "2026-03-02"),
        ("Europe/Berlin", datetime(2026, 3, 1, 22, 59, tzinfo=UTC), "2026-03-01", "2026-02-23"),
        ("America/New_York", datetime(2026, 3, 2, 4, 59, tzinfo=UTC), "2026-03-01", "2026-02-23"),
        ("Pacific/Auckland", datetime(2026, 3, 8, 12, tzinfo=UTC), "2026-03-09", "2026-03-09"),
    ],
)
def test_days_and_weeks_are_the_partners_own(zone: str, at: datetime, day: str, monday: str) -> None:
    assert day_key(ZoneInfo(zone), at) == datetime.fromisoformat(day).toordinal()
    assert week_key(ZoneInfo(zone), at) == datetime.fromisoformat(monday).toordinal()


def test_a_result_is_a_plain_value() -> None:
    assert GateResult(Gate.ACTIVE, True, {}) == evaluate(partner(), state(), lead(), NOW)[0]


@given(
    facts=st.builds(
        partner,
        daily_cap=st.none() | st.integers(0, 3),
        weekly_cap=st.none() | st.integers(0, 3),
        wants_early_leads=st.booleans(),
        quiet_periods=st.sampled_from([(), ({"kind": "month_end", "days": 31},)]),
        calendar=st.sampled_from([calendar(), calendar(("2026-03-01", "2026-03-31"))]),
        product_caps=st.sampled_from([{}, {"backup": 1}]),
    ),
    now_=st.builds(
        state,
        active=st.booleans(),
        reachable=st.booleans(),
        standing=st.sampled_from(Standing),
        open_leads=st.integers(0, 11),
        offered_today=st.integers(0, 4),
        offered_this_week=st.integers(0, 4),
        open_of_product=st.integers(0, 2),
    ),
    of=st.builds(
        lead,
        kind=st.sampled_from(["qualified", "early"]),
        product=st.none() | st.just("Backup"),
        conflict_owner=st.none() | st.just("other"),
        earlier_holders=st.sampled_from([frozenset(), frozenset({"north"})]),
    ),
)
def test_the_quick_answer_is_the_full_one(facts: PartnerFacts, now_: PartnerNow, of: LeadFacts) -> None:
    full = [g.gate for g in evaluate(facts, now_, of, NOW) if not g.passed]
    quick = quickly_closed(facts, now_, of, NOW)
    assert [gate for gate in full if gate not in BY_SETTINGS] == list(quick)

"""Thirty-two contenders on one database: one outcome each time, no cap passed, no error that a caller could see."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.assignments import Activity, Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.vocabulary import (
    LIVE_LEAD,
    AssignmentState,
    LeadStatus,
    LedgerKind,
    ObligationKind,
    ObligationState,
    Standing,
)
from tests.stress import jobs
from tests.support import checks
from tests.support.databases import Database
from tests.support.racing import Outcome, Racers
from tests.support.stage import CALL, STAYS, within
from tests.support.world import (
    HOUR,
    MINUTE,
    MONDAY,
    make_partner,
    publish_policy,
    publish_rules,
    receive_lead,
    rep_of,
)

pytestmark = pytest.mark.timeout(180)
POOL = {"name": "Pool", "strategy": {"kind": "open_pool", "hours": 48}, "then": "queue"}

#: What the answer to an offer came to, by what became of the offer.
ANSWERED = {
    AssignmentState.ACCEPTED: ObligationState.MET,
    AssignmentState.DECLINED: ObligationState.MET,
    AssignmentState.EXPIRED: ObligationState.BREACHED,
    AssignmentState.RECALLED: ObligationState.CANCELLED,
}


@pytest.fixture(scope="module")
def racers_of() -> Iterator[Callable[[Database], Racers]]:
    """The contenders on a database, started when first asked for."""
    made: dict[str, Racers] = {}

    def racers(database: Database) -> Racers:
        if database.url not in made:
            made[database.url] = Racers(database.url)
        return made[database.url]

    yield racers
    for one in made.values():
        one.close()


@pytest.fixture
def racers(database: Database, racers_of: Callable[[Database], Racers]) -> Racers:
    return racers_of(database)


def race(session: Session, racers: Racers, job: Callable[..., None], *given: object, seconds: float = 4) -> Outcome:
    """The race, while this test holds no lock."""
    session.commit()
    return racers.race(job, *given, seconds=seconds)


def all_well(session: Session, outcome: Outcome) -> Counter[str]:
    """No error was shown and nothing is wrong; what was counted."""
    assert not outcome.errors, outcome.errors[0]
    session.expire_all()
    assert checks.wrong_now(session) == []
    session.commit()
    return outcome.counts


def statuses(session: Session) -> dict[LeadStatus, int]:
    return {row[0]: row[1] for row in session.execute(select(Lead.status, func.count()).group_by(Lead.status))}


def test_a_storm_of_enquiries_fills_every_cap_and_passes_none(session: Session, racers: Racers) -> None:
    caps = [3, 5, 8, 13]
    found = [make_partner(session, f"Partner {n}", open_lead_cap=cap, weight=n + 1) for n, cap in enumerate(caps)]
    publish_rules(session)
    counts = all_well(session, race(session, racers, jobs.storm, 8))
    assert counts["receive"] == 32 * 8
    for partner in found:
        session.refresh(partner)
    assert [partner.open_leads for partner in found] == caps
    # Two of eight are sent by all under one id, two by all as one person.
    total = 32 * 6 + 2
    kinds = statuses(session)
    assert sum(kinds.values()) == total
    assert kinds[LeadStatus.OFFERED] == sum(caps)
    assert kinds[LeadStatus.DUPLICATE] == 2 * 31
    shared = select(Lead.email_norm).where(Lead.status.in_(LIVE_LEAD)).group_by(Lead.email_norm)
    assert session.scalars(shared.having(func.count() > 1)).all() == []


def test_a_cap_for_one_product_holds_where_no_rotation_makes_anybody_wait(session: Session, racers: Racers) -> None:
    found = [make_partner(session, f"Partner {n}", open_lead_cap=50, product_caps={"widget": n + 2}) for n in range(3)]
    publish_rules(session, {"name": "All", "strategy": {"kind": "least_loaded"}, "then": "queue"})
    counts = all_well(session, race(session, racers, jobs.of_one_product, 2))
    assert counts["receive"] == 64
    for partner in found:
        session.refresh(partner)
    assert [partner.open_leads for partner in found] == [2, 3, 4]


def test_of_many_that_claim_one_gets_it(session: Session, racers: Racers) -> None:
    found = [make_partner(session, f"Partner {n}", open_lead_cap=9) for n in range(4)]
    publish_rules(session, POOL)
    leads = [receive_lead(session).id for _ in range(20)]
    partners = [partner.id for partner in found]
    counts = all_well(session, race(session, racers, jobs.claim_all, leads, partners))
    assert counts["claim"] == 20
    assert statuses(session) == {LeadStatus.ACCEPTED: 20}
    assert counts["claim: Conflict"] == 31 * 20


def test_an_answer_and_the_end_of_time_have_one_outcome(session: Session, racers: Racers) -> None:
    for n in range(4):
        make_partner(session, f"Partner {n}", open_lead_cap=100)
    publish_rules(session)
    for _ in range(24):
        receive_lead(session, MONDAY - MINUTE)
    offers = [(one.id, one.partner_id) for one in session.scalars(select(Assignment))]
    all_well(session, race(session, racers, jobs.answer_or_expire, offers))
    for one_id, _ in offers:
        session.expire_all()
        one = session.get_one(Assignment, one_id)
        answer = select(Obligation.state).where(Obligation.assignment_id == one_id, Obligation.kind == "respond")
        assert session.scalars(answer).one() is ANSWERED[one.state]


def test_days_of_everything_at_once_leave_no_trace_of_the_race(session: Session, racers: Racers) -> None:
    """Stops, holds, releases, sweeps and caps that change, against enquiries and acts: everything still adds up."""
    for n in range(5):
        make_partner(session, f"Partner {n}", open_lead_cap=4 + n, weight=n + 1)
    france = {"all": [{"field": "country", "op": "eq", "value": "FR"}]}
    publish_rules(
        session, {**POOL, "when": france}, {"name": "All", "strategy": {"kind": "weighted_round_robin"}, "then": "pool"}
    )
    hours = [
        {"kind": kind, "within": within(hours, "hours", "calendar"), "on_breach": STAYS}
        for kind, hours in (("first_contact", 2), ("feedback", 5))
    ]
    respond = {"kind": "respond", "within": within(1, "hours", "calendar")}
    probation = {"days": 1, "open_lead_cap": 2}
    ladder = {"minimum_sample": 5, "window_days": 2, "stop_days": 0, "probation": probation}
    publish_policy(session, {"obligations": [respond, *hours], "ladder": ladder})
    with racers.clock.get_lock():
        racers.clock.value = 1
    counts = all_well(session, race(session, racers, jobs.live, seconds=7))
    assert counts["receive"] > 20
    now = MONDAY + (racers.clock.value + 1) * MINUTE
    sweep(session, now)
    assert checks.wrong_now(session) == []
    assert checks.wrong_after_sweep(session, now) == []


def an_hour_for_contact(session: Session, **ladder: object) -> None:
    """Who accepts has an hour for the first contact; what is missed stays, and only overdue work stops anybody."""
    contact = {"kind": "first_contact", "within": within(1, "hours", "calendar"), "on_breach": STAYS}
    respond = {"kind": "respond", "within": within(30, "days", "calendar"), "on_breach": STAYS}
    never = {"breaches_in_a_row": 1000, "minimum_sample": 1000, "probation": {"days": 0, "open_lead_cap": 5}}
    publish_policy(session, {"obligations": [respond, contact], "ladder": {**never, **ladder}}, now=MONDAY - HOUR)


def accepted(session: Session, partners: int, each: int) -> list[Assignment]:
    """So many leads at each of so many partners, accepted on Monday."""
    for n in range(partners):
        make_partner(session, f"Partner {n}", now=MONDAY - HOUR, open_lead_cap=each)
    publish_rules(session, now=MONDAY - HOUR)
    for _ in range(partners * each):
        receive_lead(session, MONDAY)
    found = list(session.scalars(select(Assignment).order_by(Assignment.id)))
    for one in found:
        acts.accept(session, rep_of(session.get_one(Partner, one.partner_id)), one.id, MONDAY)
    return found


def contacts(session: Session) -> list[Obligation]:
    found = select(Obligation).where(Obligation.kind == ObligationKind.FIRST_CONTACT)
    return list(session.scalars(found.order_by(Obligation.id).execution_options(populate_existing=True)))


def test_a_cure_and_the_stop_that_it_lifts_come_in_their_order(session: Session, racers: Racers) -> None:
    an_hour_for_contact(session, stop_on_overdue=3)
    late = [(one.id, one.partner_id) for one in accepted(session, 2, 4)]
    all_well(session, race(session, racers, jobs.cure_or_stop, late))
    for row in contacts(session):
        assert (row.state, row.breached_at) == (ObligationState.CURED, row.due_at)
    for partner in session.scalars(select(Partner)):
        assert partner.standing is Standing.GOOD
        stops = select(LedgerEntry.at).where(LedgerEntry.partner_id == partner.id)
        entries = stops.where(LedgerEntry.kind == LedgerKind.CHANGE, LedgerEntry.to_standing == Standing.STOPPED)
        assert len(session.scalars(entries).all()) == 1, "stopped once, lifted once"


def test_a_waiver_takes_off_once_what_is_missed_meanwhile(session: Session, racers: Racers) -> None:
    an_hour_for_contact(session, stop_on_overdue=1000)
    accepted(session, 2, 3)
    ids = [row.id for row in contacts(session)]
    counts = all_well(session, race(session, racers, jobs.waive_or_miss, ids, MONDAY + HOUR))
    assert counts["waive"] == len(ids)
    assert {row.state for row in contacts(session)} == {ObligationState.WAIVED}
    waivers = session.scalars(select(LedgerEntry).where(LedgerEntry.kind == LedgerKind.WAIVE)).all()
    assert sorted(id_ for entry in waivers for id_ in entry.obligation_ids) == ids
    assert {partner.standing for partner in session.scalars(select(Partner))} == {Standing.GOOD}


def test_a_touch_taken_back_at_the_last_moment_is_missed_or_stays(session: Session, racers: Racers) -> None:
    an_hour_for_contact(session, stop_on_overdue=1000)
    due_at = MONDAY + HOUR
    for one in accepted(session, 2, 5):
        acts.log(session, rep_of(session.get_one(Partner, one.partner_id)), one.id, CALL, due_at - MINUTE / 3)
    slips = [(it.id, it.assignment_id, it.partner_id) for it in session.scalars(select(Activity))]
    counts = all_well(session, race(session, racers, jobs.undo_or_miss, slips, due_at))
    sweep(session, due_at + MINUTE)
    taken_back = set(session.scalars(select(Activity.assignment_id).where(Activity.taken_back_at.is_not(None))))
    assert counts["undo"] == len(taken_back)
    for row in contacts(session):
        missed = row.assignment_id in taken_back
        assert row.state is (ObligationState.BREACHED if missed else ObligationState.MET)
        assert row.breached_at == (row.due_at if missed else None)


def test_files_and_single_enquiries_and_answers_make_one_lead_of_each(session: Session, racers: Racers) -> None:
    found = [make_partner(session, f"Partner {n}", open_lead_cap=5 + n, weight=n + 1) for n in range(4)]
    publish_rules(session)
    counts = all_well(session, race(session, racers, jobs.all_ways_in, 60, 5))
    assert counts["import"] == 11 * 5 and counts["receive"] == 11 * 5
    numbers = list(session.scalars(select(Lead.external_id)))
    assert len(numbers) == len(set(numbers)) == 60
    live = select(Lead.email_norm).where(Lead.status.in_(LIVE_LEAD)).group_by(Lead.email_norm)
    assert session.scalars(live.having(func.count() > 1)).all() == []
    for partner in found:
        session.refresh(partner)
        assert partner.open_leads <= partner.cap_now


def test_stops_and_returns_by_turns_let_nothing_through(session: Session, racers: Racers) -> None:
    an_hour_for_contact(session, stop_on_overdue=1)
    found = [make_partner(session, f"Partner {n}", now=MONDAY - HOUR, open_lead_cap=4) for n in range(5)]
    publish_rules(session, now=MONDAY - HOUR)
    for _ in range(10):
        receive_lead(session, MONDAY)
    with racers.clock.get_lock():
        racers.clock.value = 1
    counts = all_well(session, race(session, racers, jobs.stop_and_lift, [p.id for p in found], 10, seconds=6))
    lifts = select(func.count()).where(
        LedgerEntry.kind == LedgerKind.CHANGE, LedgerEntry.from_standing == Standing.STOPPED
    )
    assert counts["cycles"] >= 5
    assert (session.scalar(lifts) or 0) >= counts["cycles"]

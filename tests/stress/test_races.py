"""Thirty-two contenders on one database: one outcome each time, no cap passed, no error that a caller could see."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.assignments import Assignment, Obligation
from models.leads import Lead
from portal.enforcement.sweep import sweep
from portal.vocabulary import LIVE_LEAD, AssignmentState, LeadStatus, ObligationState
from tests.stress import jobs
from tests.support import checks
from tests.support.databases import Database
from tests.support.racing import Outcome, Racers
from tests.support.stage import STAYS, within
from tests.support.world import MINUTE, MONDAY, make_partner, publish_policy, publish_rules, receive_lead

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

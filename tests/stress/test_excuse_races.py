"""Answers to appeals, waivers, outages and sweeps at once: each deadline is taken off once, each appeal answered."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.appeals import Appeal
from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.excuses import Excuse, Outage
from models.partners import Partner
from portal.accounts.actor import Actor
from portal.enforcement import acts, appeals, excuses
from portal.enforcement.sweep import sweep
from portal.vocabulary import AppealKind, AppealState, LedgerKind, ObligationState, OutageKind, Role
from tests.stress.test_races import all_well, race, racers, racers_of
from tests.support.racing import Racers, Turns
from tests.support.stage import STAYS, within
from tests.support.world import DAY, HOUR, MINUTE, MONDAY, make_partner, publish_policy, publish_rules, receive_lead

__all__ = ["racers", "racers_of"]
pytestmark = pytest.mark.timeout(180)
STAFF = Actor(kind="user", id=None, name="Mira Manager", role=Role.ADMIN)
LATE = MONDAY + 6 * HOUR
PARTNERS, EACH = 3, 6


def decide_waive_sweep(turns: Turns, appeal_ids: list[str], obligation_ids: list[str]) -> None:
    """A third answers, a third waives, a third sweeps at the end of an outage; each in an order of its own."""
    doing = turns.number % 3
    for number, appeal_id in enumerate(turns.dice.sample(appeal_ids, len(appeal_ids))):
        if doing == 0:
            turns.act("decide", appeals.decide, STAFF, appeal_id, turns.number % 2 == 0, "Seen", None, LATE)
        elif doing == 1:
            turns.act("waive", acts.waive, STAFF, [obligation_ids[number]], "By hand", LATE)
        else:
            turns.act("sweep", sweep, LATE)


def test_what_is_answered_waived_and_excused_at_once_is_so_once(session: Session, racers: Racers) -> None:
    for n in range(PARTNERS):
        make_partner(session, f"Partner {n}", now=MONDAY - DAY, open_lead_cap=EACH)
    publish_rules(session, now=MONDAY - DAY)
    respond = {"kind": "respond", "within": within(4, "hours"), "on_breach": STAYS}
    ladder = {"stop_on_overdue": 100, "breaches_in_a_row": 100, "minimum_sample": 1000}
    publish_policy(session, {"obligations": [respond], "ladder": ladder}, now=MONDAY - DAY)
    for _ in range(PARTNERS * EACH):
        receive_lead(session, MONDAY)
    rows = list(session.scalars(select(Obligation).order_by(Obligation.id)))
    ids = [row.id for row in rows]
    admins = {
        p.id: Actor("user", None, "A", Role.PARTNER_ADMIN, partner_id=p.id) for p in session.scalars(select(Partner))
    }
    filed = [
        appeals.file_appeal(session, admins[row.partner_id], row.id, AppealKind.WRONG_DATA, "c", None, MONDAY + MINUTE)
        for row in rows
    ]
    excuses.declare(session, STAFF, OutageKind.OUTAGE, MONDAY + 3 * HOUR, MONDAY + 5 * HOUR, "r", LATE)
    counts = all_well(session, race(session, racers, decide_waive_sweep, [a.id for a in filed], ids))
    assert counts["decide"] == len(filed)
    assert session.scalar(select(func.count()).where(Appeal.state == AppealState.OPEN)) == 0
    _each_once(session, ids)
    sweep(session, LATE + timedelta(seconds=1))
    assert session.scalars(select(Outage.done_at)).one() is not None
    live = session.scalar(select(func.count()).select_from(Assignment).where(Assignment.ended_at.is_(None)))
    assert live == PARTNERS * EACH, "nobody lost a lead to a kindness"


def _each_once(session: Session, ids: list[str]) -> None:
    """One waiver a deadline in the ledger, one excuse for one outage."""
    of: Callable[[LedgerKind], list[str]] = lambda kind: [  # noqa: E731
        id_ for entry in session.scalars(select(LedgerEntry).where(LedgerEntry.kind == kind))
        for id_ in entry.obligation_ids
    ]  # fmt: skip
    waived = of(LedgerKind.WAIVE)
    assert len(waived) == len(set(waived))
    extended = of(LedgerKind.EXTEND)
    assert len(extended) == len(set(extended))
    excused = list(session.scalars(select(Excuse.obligation_id)))
    assert len(excused) == len(set(excused)) and set(extended) <= set(excused)
    states = set(session.scalars(select(Obligation.state).where(Obligation.id.in_(ids))))
    assert states <= {ObligationState.WAIVED, ObligationState.OPEN, ObligationState.BREACHED}

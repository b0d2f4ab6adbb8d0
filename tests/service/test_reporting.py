"""What the figures read from a real database: whose rows, of which days, in how many queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.partners import Partner
from portal.accounts.actor import SYSTEM, Actor
from portal.enforcement import acts
from portal.follow_up.service import Touch, Verdict
from portal.reporting import queries
from portal.reporting.measures import Facts, scoreboard
from portal.reporting.period import Period
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AssignmentState,
    DeclineReason,
    Disposition,
    LeadStatus,
    Role,
)
from tests.support import world
from tests.support.world import DAY, HOUR, MINUTE, MONDAY

MARCH = Period(date(2026, 3, 2), date(2026, 3, 8), "Europe/Berlin")
EARLIER, LATER = MONDAY - 30 * DAY, MONDAY + 60 * DAY


def rules_for(session: Session, partner: Partner, now: datetime = MONDAY) -> None:
    rule = {"name": "One", "pool": {"partners": [partner.id]}, "strategy": {"kind": "weighted_round_robin"}}
    world.publish_rules(session, {**rule, "then": "queue"}, now=now)


def offer(session: Session, partner: Partner, at: datetime = MONDAY, **facts: Any) -> Assignment:
    lead = world.receive_lead(session, now=at, **facts)
    held = world.assignment_of(session, lead)
    assert held is not None and held.partner_id == partner.id
    return held


def work(session: Session, partner: Partner, at: datetime = MONDAY) -> Assignment:
    """An offer answered after an hour, called an hour later, with feedback after two more."""
    held, rep = offer(session, partner, at, source="Fair"), world.rep_of(partner)
    acts.accept(session, rep, held.id, at + HOUR)
    acts.log(session, rep, held.id, Touch(ActivityKind.CALL, ActivityOutcome.REACHED), at + 2 * HOUR)
    acts.feedback(session, rep, held.id, Verdict(rating=4, disposition=Disposition.WON), at + 4 * HOUR)
    return held


def read(session: Session, actor: Actor = SYSTEM, now: datetime = LATER, asked: Period = MARCH) -> Facts:
    return queries.facts(session, actor, asked, now)


def test_a_lead_is_read_with_all_that_became_of_it(session: Session) -> None:
    partner = world.make_partner(session, now=EARLIER)
    rules_for(session, partner)
    work(session, partner)
    found = read(session)
    assert [(a.received_at, a.status, a.source, a.handed_at) for a in found.arrivals] == [
        (MONDAY, LeadStatus.WON, "Fair", MONDAY)
    ]
    (held,) = found.held
    assert (held.offered_at, held.accepted_at, held.touched_at) == (MONDAY, MONDAY + HOUR, MONDAY + 2 * HOUR)
    assert held.state is AssignmentState.CLOSED and held.offered_at is not None and held.offered_at.tzinfo is UTC
    figures = {f.key: f.number for f in scoreboard(found, MARCH)}
    assert figures == {
        "leads": "1", "qualified": "1", "hand_over": "under 1 min", "response": "1.0 h", "first_contact": "1.0 h",
        "feedback": "1 of 1", "outcomes": "1 won",
    }  # fmt: skip


def test_the_first_of_several_hands_is_the_hand_over(session: Session) -> None:
    first, second = world.make_partner(session, now=EARLIER), world.make_partner(session, now=EARLIER)
    rules_for(session, first)
    held = offer(session, first)
    rules_for(session, second, MONDAY + MINUTE)
    acts.decline(session, world.rep_of(first), held.id, DeclineReason.OTHER, None, MONDAY + 3 * HOUR)
    found = read(session)
    assert [arrival.handed_at for arrival in found.arrivals] == [MONDAY]
    assert sorted(row.state for row in found.held) == [AssignmentState.DECLINED, AssignmentState.OFFERED]


def test_a_reopened_lead_is_no_answer(session: Session) -> None:
    partner = world.make_partner(session, now=EARLIER)
    rules_for(session, partner)
    held = work(session, partner)
    acts.reopen(session, SYSTEM, held.lead_id, "They came back", MONDAY + DAY)
    assert len(read(session).held) == 1


def test_feedback_counts_once_it_would_have_been_due(session: Session) -> None:
    partner = world.make_partner(session, now=EARLIER)
    rules_for(session, partner)
    work(session, partner)
    assert read(session, now=MONDAY + DAY).deadlines == []
    assert len(read(session).deadlines) == 1


def test_only_leads_of_the_period_and_the_one_before_are_read(session: Session) -> None:
    partner = world.make_partner(session, now=EARLIER, open_lead_cap=50)
    rules_for(session, partner, EARLIER)
    moment, before = timedelta(seconds=1), MARCH.before.starts
    edges = (before - moment, before, MARCH.starts, MARCH.ends - moment, MARCH.ends)
    for at in edges:
        offer(session, partner, at)
    found = read(session)
    assert sorted(row.received_at for row in found.arrivals) == list(edges[1:4])
    assert sorted(row.received_at for row in found.held) == list(edges[1:4])


def test_a_portfolio_sees_its_partners_and_what_nobody_has(session: Session) -> None:
    mine, other = world.make_partner(session, now=EARLIER), world.make_partner(session, now=EARLIER)
    rules_for(session, other)
    work(session, other)
    rules_for(session, mine, MONDAY + MINUTE)
    work(session, mine, MONDAY + 2 * MINUTE)
    world.publish_rules(
        session,
        {"name": "None", "when": {"all": [{"field": "product", "op": "eq", "value": "X"}]},
         "strategy": {"kind": "weighted_round_robin"}, "then": "queue"},
        now=MONDAY + 3 * MINUTE,
    )  # fmt: skip
    world.receive_lead(session, now=MONDAY + 4 * MINUTE)
    manager = world.actor_of(session, world.make_user(session, Role.CHANNEL_MANAGER, portfolio=[mine.id]))
    found, everything = read(session, manager), read(session)
    assert [len(found.arrivals), len(found.held), len(found.deadlines)] == [2, 1, 1]
    assert [len(everything.arrivals), len(everything.held), len(everything.deadlines)] == [3, 2, 2]
    assert {row.received_at for row in found.arrivals} == {MONDAY + 2 * MINUTE, MONDAY + 4 * MINUTE}


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    sent: list[str] = []
    engine = session.get_bind()

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_many_leads_cost_as_many_queries_as_few(session: Session) -> None:
    partner = world.make_partner(session, now=EARLIER, open_lead_cap=500)
    rules_for(session, partner)
    sent = []
    for number in (10, 90):
        for _ in range(number):
            offer(session, partner)
        with statements(session) as seen:
            found = read(session)
        sent.append(len(seen))
    assert len(found.arrivals) == 100
    assert sent == [3, 3]

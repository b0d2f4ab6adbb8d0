"""What is read of stored decisions on real databases: why none, shares by the weights of that moment, coverage."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from models.allocation import Decision, Rotation
from models.base import new_id
from models.partners import Partner
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.allocation.rotation import TICKS, Credits
from portal.allocation.why_none import DUE_FIRST, NOT_ASKED, POOLED, Why
from portal.compliance import partners
from portal.enforcement import acts
from portal.reporting import decided
from portal.reporting.coverage import NO_RULE, Cell
from portal.reporting.fairness import Fairness, fairness
from portal.vocabulary import AssignmentState, DeclineReason, Gate, LeadStatus, Role
from tests.support import world
from tests.support.world import DAY, HOUR, MINUTE, MONDAY

TURNS = {"name": "All", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}


def why(session: Session, partner: Partner, starts: datetime = MONDAY, ends: datetime = MONDAY + 30 * DAY) -> Why:
    return decided.why_of(session, partner, starts, ends)


def told(found: Why) -> dict[str, int]:
    return {cause.name: cause.count for cause in found.causes}


def shares(session: Session, starts: datetime = MONDAY, ends: datetime = MONDAY + 30 * DAY) -> Fairness:
    return fairness(decided.offers(session, starts, ends), decided.weights(session))


def coverage(session: Session, now: datetime = MONDAY + DAY, actor: Any = SYSTEM, **more: Any) -> list[Cell]:
    asked = {"regions": False, "everything": False, **more}
    return decided.coverage(session, actor, MONDAY, MONDAY + 30 * DAY, now, **asked)


def test_what_kept_a_partner_from_leads_is_counted_as_it_was_then(session: Session) -> None:
    """Settings changed later change nothing of what is told of the days before."""
    mine = world.make_partner(session, "Mine", products=["Pro"], territories=[{"country": "DE"}], open_lead_cap=1)
    world.make_partner(session, "Rival")
    world.publish_rules(session, TURNS)
    for number in range(2):
        world.receive_lead(session, now=MONDAY + number * MINUTE, product="Pro")
    for number, facts in enumerate([{"country": "FR"}, {"product": "Lite"}, {"product": "Pro"}]):
        world.receive_lead(session, now=MONDAY + HOUR + number * MINUTE, **facts)
    before = why(session, mine)
    assert len(before.got) == 1 and told(before)[Gate.TERRITORY] == 1 and told(before)[Gate.CERTIFIED] == 1
    assert told(before).get(DUE_FIRST, 0) + told(before)[Gate.OPEN_CAP] == 2 and before.decided == 5
    wider = {"products": [], "territories": [], "open_lead_cap": 100}
    unit(session, lambda: partners.change(session, mine.id, wider, MONDAY + DAY, SYSTEM))
    assert why(session, mine) == before
    assert why(session, mine, MONDAY + DAY).decided == 0
    assert why(session, mine, MONDAY, MONDAY + HOUR).decided == 2


def test_a_stop_is_told_with_its_days(session: Session) -> None:
    mine = world.make_partner(session, "Mine")
    world.make_partner(session, "Rival")
    world.publish_rules(session, TURNS)
    manager = world.actor_of(session, world.make_user(session, Role.CHANNEL_MANAGER))
    acts.hold(session, manager, mine.id, "r", MONDAY + 20 * DAY, MONDAY + HOUR)
    world.receive_lead(session, now=MONDAY + 2 * HOUR)
    acts.release(session, manager, mine.id, "r", MONDAY + 3 * HOUR)
    found = why(session, mine)
    assert told(found) == {Gate.STANDING: 1} and dict(found.causes[0].details) == {"on hold": 1}
    ((first, last),) = decided.spans_without(session, SYSTEM, mine.id, MONDAY, MONDAY + DAY)
    assert last is not None and first - MONDAY < 2 * HOUR and timedelta(0) <= last - MONDAY - 3 * HOUR < MINUTE
    assert decided.spans_without(session, SYSTEM, mine.id, MONDAY + DAY, MONDAY + 2 * DAY) == []
    acts.hold(session, manager, mine.id, "r", MONDAY + 20 * DAY, MONDAY + DAY)
    spans = decided.spans_without(session, SYSTEM, mine.id, MONDAY + 2 * DAY, MONDAY + 3 * DAY)
    assert len(spans) == 1 and spans[0][1] is None


def test_pool_and_hand_are_told_apart_from_turns(session: Session) -> None:
    mine, rival = world.make_partner(session, "Mine"), world.make_partner(session, "Rival")
    world.publish_rules(session, {"name": "Open", "strategy": {"kind": "open_pool"}, "then": "queue"})
    pooled = world.receive_lead(session)
    taken = world.receive_lead(session)
    acts.claim(session, world.rep_of(rival), taken.id, MONDAY + HOUR)
    world.publish_rules(session, {**TURNS, "pool": {"partners": [rival.id]}}, now=MONDAY + HOUR)
    world.receive_lead(session, now=MONDAY + 2 * HOUR)
    assert told(why(session, mine)) == {POOLED: 2, NOT_ASKED: 1}
    acts.claim(session, world.rep_of(mine), pooled.id, MONDAY + HOUR)
    assert why(session, mine).got == {pooled.id: "claim"}


def test_shares_follow_the_weights_of_each_moment(session: Session) -> None:
    """And the balances are what the rotation itself has stored."""
    one, two = world.make_partner(session, "One", weight=1), world.make_partner(session, "Two", weight=1)
    world.publish_rules(session, TURNS)
    for number in range(4):
        world.receive_lead(session, now=MONDAY + number * MINUTE)
    unit(session, lambda: partners.change(session, one.id, {"weight": 3}, MONDAY + DAY, SYSTEM))
    for number in range(1, 5):
        world.receive_lead(session, now=MONDAY + DAY + number * MINUTE)
    (found,) = shares(session).rotations
    assert {line.slot: line.share for line in found.lines} == {one.slot: Fraction(5), two.slot: Fraction(3)}
    assert found.drawn == 8 and not found.steady and sum(line.got for line in found.lines) == 8
    stored = Credits.unpack(session.get_one(Rotation, "All").credits)
    assert all(abs(line.balance * TICKS - stored.get(line.slot)) < TICKS // 10**9 for line in found.lines)
    (late,) = shares(session, MONDAY + DAY).rotations
    assert late.steady and late.drawn == 4 and late.lines[0].share == 3


def test_a_declined_turn_is_used_and_one_by_hand_is_not_of_the_rotation(session: Session) -> None:
    one = world.make_partner(session, "One")
    world.publish_rules(session, {**TURNS, "strategy": {**TURNS["strategy"], "by": "country"}})  # type: ignore[dict-item]
    lead = world.receive_lead(session)
    held = world.assignment_of(session, lead)
    assert held is not None
    acts.decline(session, world.rep_of(one), held.id, DeclineReason.OTHER, None, MONDAY + HOUR)
    admin = world.actor_of(session, world.make_user(session, Role.ADMIN))
    acts.assign(session, admin, lead.id, one.id, "Try once more", MONDAY + 2 * HOUR)
    found = shares(session)
    assert [(each.rule, each.value, each.drawn) for each in found.rotations] == [("All", "DE", 1)]
    assert dict(found.rotations[0].lines[0].used) == {AssignmentState.DECLINED: 1}
    assert found.outside == {(one.id, "by_hand"): 1}


def test_coverage_tells_what_found_nobody_and_who_could_take_it_now(session: Session) -> None:
    mine = world.make_partner(session, "Mine", territories=[{"country": "DE"}])
    only_here = {"any": [{"field": "country", "op": "in", "value": ["DE", "FR"]}]}
    world.publish_rules(session, {**TURNS, "when": only_here})
    for country, budget in (("DE", 100), ("FR", 70), ("FR", None), ("IT", 5)):
        world.receive_lead(session, country=country, budget=budget, product="Pro")
    found = {cell.spot.country: cell for cell in coverage(session)}
    assert [*found] == ["FR", "IT", "DE"]
    france = found["FR"]
    assert (len(france.leads), len(france.nobody), france.waiting, france.value) == (2, 2, 2, 70)
    assert (france.cause, france.able, france.covering) == (Gate.TERRITORY, (), 0)
    assert found["IT"].cause == NO_RULE and found["DE"].able == (mine.id,) and not found["DE"].nobody
    session.get_one(type(world.receive_lead(session, country="FR")), france.leads[0]).status = LeadStatus.DISQUALIFIED
    session.commit()
    pro = next(cell for cell in coverage(session) if cell.spot == france.spot)
    assert len(pro.leads) == 1
    assert {cell.spot.country for cell in coverage(session, everything=True)} >= {"DE", "FR", "IT"}


def test_many_decisions_are_streamed(session: Session) -> None:
    """More than are held in memory at once: each is counted, a lead only once."""
    mine = world.make_partner(session, "Mine")
    world.make_partner(session, "Rival")
    world.publish_rules(session, TURNS)
    world.receive_lead(session)
    one = session.query(Decision).one()
    columns = {c.key: getattr(one, c.key) for c in Decision.__table__.columns if c.key != "id"}
    unit(session, lambda: session.execute(
        Decision.__table__.insert(), [{**columns, "id": new_id(), "assignment_id": None} for _ in range(2000)]
    ))  # fmt: skip
    assert why(session, mine).decided == 1
    assert shares(session).rotations[0].drawn == 2001

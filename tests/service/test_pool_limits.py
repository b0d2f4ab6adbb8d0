"""What a partner may take from the open pool at once: the rule's own limit, and its caps by product."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.partners import Partner
from portal.allocation import pool
from portal.enforcement import acts
from portal.errors import Conflict
from portal.follow_up.service import Touch
from portal.vocabulary import ActivityKind, ActivityOutcome
from tests.support import world
from tests.support.world import HOUR, MINUTE, MONDAY

CALL = Touch(ActivityKind.CALL, ActivityOutcome.REACHED)


def pooled(session: Session, count: int, max_open: int | None = None, **facts: Any) -> list[str]:
    strategy = {"kind": "open_pool", **({"max_open": max_open} if max_open else {})}
    world.publish_rules(session, {"name": "All", "strategy": strategy, "then": "queue"})
    return [world.receive_lead(session, **facts).id for _ in range(count)]


def hindrances(session: Session, partner: Partner) -> list[str | None]:
    found = [one.hindrance for one in pool.shown_to(session, partner.id, MONDAY + HOUR)]
    session.rollback()
    return found


def test_a_pool_lets_each_partner_hold_so_many_untouched(session: Session) -> None:
    partner, other = world.make_partner(session), world.make_partner(session)
    first, second, third = pooled(session, 3, max_open=1)
    assert hindrances(session, partner) == [None, None, None]
    taken = acts.claim(session, world.rep_of(partner), first, MONDAY + HOUR)
    said = "Of leads from the pool you have 1 without a touch, and may have 1. Log a touch first."
    assert hindrances(session, partner) == [said, said]
    assert hindrances(session, other) == [None, None], "the limit is each partner's own"
    with pytest.raises(Conflict, match="Log a touch first"):
        acts.claim(session, world.rep_of(partner), second, MONDAY + HOUR)
    session.rollback()
    acts.log(session, world.rep_of(partner), taken.id, CALL, MONDAY + HOUR + MINUTE)
    acts.claim(session, world.rep_of(partner), second, MONDAY + HOUR + 2 * MINUTE)
    acts.claim(session, world.rep_of(other), third, MONDAY + HOUR + 2 * MINUTE)


def test_without_a_limit_the_caps_alone_bind(session: Session) -> None:
    partner = world.make_partner(session, open_lead_cap=3)
    for lead in pooled(session, 3):
        acts.claim(session, world.rep_of(partner), lead, MONDAY + HOUR)
    assert world.receive_lead(session).status.value == "unallocated", "nobody who could claim it: no pool"


def test_a_cap_by_product_binds_a_claim(session: Session) -> None:
    partner = world.make_partner(session, product_caps={"Widget": 1})
    first, second = pooled(session, 2, product="Widget")
    acts.claim(session, world.rep_of(partner), first, MONDAY + HOUR)
    assert hindrances(session, partner) == ["You had 1 of 1 open leads for Widget: no room."]
    with pytest.raises(Conflict, match="1 of 1 open leads for Widget"):
        acts.claim(session, world.rep_of(partner), second, MONDAY + HOUR)

"""Who comes second to a pooled lead: told so where it was shown the lead; where it was not, there never was one."""

import pytest
from sqlalchemy.orm import Session

from portal.enforcement import acts
from portal.errors import Conflict, NotFound
from tests.support import world
from tests.support.world import HOUR, MONDAY

POOL = {"name": "Locals", "pool": {"tags": ["local"]}, "strategy": {"kind": "open_pool"}, "then": "queue"}


def test_only_who_was_asked_is_told_that_a_lead_has_left_the_pool(session: Session) -> None:
    first, second = (world.make_partner(session, tags=["local"]) for _ in range(2))
    outsider = world.make_partner(session, tags=["global"])
    world.publish_rules(session, POOL)
    lead = world.receive_lead(session, MONDAY + HOUR)
    with pytest.raises(NotFound):
        acts.claim(session, world.rep_of(outsider), lead.id, MONDAY + 2 * HOUR)
    acts.claim(session, world.rep_of(first), lead.id, MONDAY + 2 * HOUR)
    with pytest.raises(Conflict, match="no longer available"):
        acts.claim(session, world.rep_of(second), lead.id, MONDAY + 2 * HOUR)
    with pytest.raises(NotFound):
        acts.claim(session, world.rep_of(outsider), lead.id, MONDAY + 2 * HOUR)

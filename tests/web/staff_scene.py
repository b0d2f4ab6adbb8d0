"""The scene of the vendor's screens: its people, two partners, and leads in hands, in the queue and closed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.session import unit
from portal.compliance.settle import settle
from portal.enforcement import acts
from portal.vocabulary import Role
from tests.support import world
from tests.support.visits import Visitor, within
from tests.support.world import HOUR, MINUTE, MONDAY

NOON = MONDAY + 2 * HOUR
#: Before the scene: the time in which partners kept and missed things.
BEFORE = MONDAY - timedelta(days=28)


@dataclass
class Office:
    """Ids and addresses only: no object outlives the session it was read in."""

    app: Flask
    partner: str
    rival: str
    admin: str
    manager: str
    own: str
    marketer: str
    rep: str
    clock: time_machine.Traveller
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def visit(self, who: str) -> Visitor:
        """A signed-in browser of one of the people."""
        if who not in self.visitors:
            self.visitors[who] = Visitor(self.app, getattr(self, who))
        return self.visitors[who]

    def do(self, work: Callable[[Session], Any]) -> Any:
        """Something in the database, beside the browsers."""
        return within(self.app, work)

    def rules(self, *partners: str, at: datetime = NOON) -> None:
        """Rules by which every lead goes to these partners; to nobody without any."""

        def build(session: Session) -> None:
            first = [{"name": "Only", "pool": {"partners": list(partners)},
                      "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}]  # fmt: skip
            never = {"name": "None", "when": {"all": [{"field": "product", "op": "eq", "value": "Nothing"}]},
                     "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}  # fmt: skip
            world.publish_rules(session, *(first if partners else [never]), now=at)

        self.do(build)

    def lead(
        self, holder: str | None = None, at: datetime = NOON, accepted: bool = False, **facts: Any
    ) -> tuple[str, str]:
        """A lead offered to ``holder``, or in the queue; the ids of the lead and its assignment ("" in the queue)."""
        self.rules(*([holder] if holder else []), at=at)

        def build(session: Session) -> tuple[str, str]:
            lead = world.receive_lead(session, now=at, **facts)
            held = world.assignment_of(session, lead)
            if held is not None and accepted:
                acts.accept(session, world.rep_of(session.get_one(Partner, held.partner_id)), held.id, at + MINUTE)
            return lead.id, held.id if held else ""

        return self.do(build)

    def stop(self, partner: str, count: int = 3) -> None:
        """Let a partner miss ``count`` answers in a row, weeks ago: three stop it."""
        for number in range(count):
            self.lead(partner, at=BEFORE + number * MINUTE)

        def build(session: Session) -> None:
            unit(session, lambda: settle(session, partner, BEFORE + timedelta(days=7)))

        self.do(build)

    def status(self, lead_id: str) -> str:
        """How a lead stands."""
        return str(self.do(lambda session: session.get_one(Lead, lead_id).status.value))

    def holder(self, lead_id: str) -> str | None:
        """Who has a lead."""

        def read(session: Session) -> str | None:
            live = session.query(Assignment).filter_by(lead_id=lead_id, ended_at=None).first()
            return live.partner_id if live else None

        return self.do(read)  # type: ignore[no-any-return]

    def standing(self, partner: str) -> str:
        """How a partner stands."""
        return str(self.do(lambda session: session.get_one(Partner, partner).standing.value))


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """Monday, 12:00 in Berlin: two partners, an admin, a marketer, a manager of all and one of the first partner."""

    def build(session: Session) -> dict[str, str]:
        partner = world.make_partner(session, "Nordhaven", now=BEFORE, open_lead_cap=200, tier="gold")
        rival = world.make_partner(session, "Rival and Sons", now=BEFORE, open_lead_cap=200)
        people = {
            "admin": world.make_user(session, Role.ADMIN, password=True, name="Ines Okafor"),
            "manager": world.make_user(session, Role.CHANNEL_MANAGER, password=True, name="Tom Ferreira"),
            "own": world.make_user(
                session, Role.CHANNEL_MANAGER, password=True, name="Uma Own", portfolio=[partner.id]
            ),
            "marketer": world.make_user(session, Role.MARKETER, password=True, name="Lea Mark"),
            "rep": world.make_user(session, Role.PARTNER_REP, partner=partner, password=True, name="Ole Brandt"),
        }
        return {name: user.email for name, user in people.items()} | {"partner": partner.id, "rival": rival.id}

    with time_machine.travel(NOON, tick=True) as clock:
        yield Office(app=app, clock=clock, **within(app, build))

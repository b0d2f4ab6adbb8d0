"""The scene of the partner's screens: a partner with two people, its rival, and leads in their hands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from portal.accounts.actor import Actor
from portal.enforcement import acts
from portal.follow_up.service import Touch
from portal.vocabulary import ActivityKind, ActivityOutcome, Role
from tests.support import world
from tests.support.visits import Visitor, within
from tests.support.world import HOUR, MINUTE, MONDAY

NOON = MONDAY + 2 * HOUR
#: What nobody reads before the lead is accepted.
SECRETS = (
    "Halvorsen Logistik",
    "Birgit",
    "Sommer",
    "birgit@halvorsen.example.com",
    "66969412",
    "Call me before Friday",
)
LEAD = {
    "company": "Halvorsen Logistik AG",
    "first_name": "Birgit",
    "last_name": "Sommer",
    "email": "birgit@halvorsen.example.com",
    "phone": "+49 40 66969412",
    "message": "Call me before Friday",
    "product": "Tidewell Backup",
    "region": "Hamburg",
    "employees": 312,
    "custom": {"contact": "Birgit Sommer"},
}

PEOPLE: dict[str, tuple[Role, str, str | None]] = {
    "admin": (Role.PARTNER_ADMIN, "Jana Petersen", "partner"),
    "rep": (Role.PARTNER_REP, "Ole Brandt", "partner"),
    "rival_rep": (Role.PARTNER_REP, "Mia Rival", "rival"),
    "manager": (Role.CHANNEL_MANAGER, "Tom Ferreira", None),
}


@dataclass
class Scene:
    """Ids and addresses only: no object outlives the session it was read in."""

    app: Flask
    partner: str
    rival: str
    clock: time_machine.Traveller
    visitors: dict[str, Visitor] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def address(self, who: str) -> str:
        """The e-mail address of one of the scene's people, who is there from when it is first asked for."""
        if who not in self.addresses:
            role, name, partner_id = PEOPLE[who][0], PEOPLE[who][1], getattr(self, PEOPLE[who][2] or "", None)

            def build(session: Session) -> str:
                partner = session.get_one(Partner, partner_id) if partner_id else None
                return world.make_user(session, role, partner=partner, password=True, name=name).email

            self.addresses[who] = self.do(build)
        return self.addresses[who]

    def visit(self, who: str = "admin") -> Visitor:
        """A signed-in browser of one of the scene's people, kept for the length of a test."""
        if who not in self.visitors:
            self.visitors[who] = Visitor(self.app, self.address(who))
        return self.visitors[who]

    def do(self, work: Callable[[Session], Any]) -> Any:
        """Something in the database, beside the browsers."""
        return within(self.app, work)

    def lead(
        self, holder: str | None = None, at: datetime = NOON, accepted: bool = False, **facts: Any
    ) -> tuple[str, str]:
        """A lead offered to ``holder`` (the partner, unless told); the ids of the lead and its assignment."""

        def build(session: Session) -> tuple[str, str]:
            only = {"name": "Only", "pool": {"partners": [holder or self.partner]},
                    "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}  # fmt: skip
            world.publish_rules(session, only, now=at)
            lead = world.receive_lead(session, now=at, **facts)
            held = world.assignment_of(session, lead)
            assert held is not None
            if accepted:
                acts.accept(session, self.actor(session, holder or self.partner), held.id, at + MINUTE)
            return lead.id, held.id

        return self.do(build)

    def actor(self, session: Session, partner_id: str) -> Actor:
        """Somebody of a partner."""
        return world.rep_of(session.get_one(Partner, partner_id))

    def accept(self, assignment_id: str, at: datetime) -> None:
        """The holder accepts."""

        def act(session: Session) -> None:
            held = session.get_one(Assignment, assignment_id)
            acts.accept(session, self.actor(session, held.partner_id), assignment_id, at)

        self.do(act)

    def call(self, assignment_id: str, at: datetime) -> None:
        """The holder calls and reaches the person."""

        def act(session: Session) -> None:
            held = session.get_one(Assignment, assignment_id)
            touch = Touch(ActivityKind.CALL, ActivityOutcome.REACHED, note="A call of the holder")
            acts.log(session, self.actor(session, held.partner_id), assignment_id, touch, at)

        self.do(act)

    def state(self, assignment_id: str) -> str:
        """How an assignment stands."""
        return str(self.do(lambda session: session.get_one(Assignment, assignment_id).state.value))

    def lead_row(self, lead_id: str) -> Lead:
        """A lead's row, read whole."""
        found: Lead = self.do(lambda session: session.get_one(Lead, lead_id))
        return found


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    """Monday, noon in Berlin less an hour: two partners, and people as they are asked for; no leads yet."""

    def build(session: Session) -> dict[str, str]:
        partner = world.make_partner(session, "Nordhaven", open_lead_cap=200)
        rival = world.make_partner(session, "Rival and Sons", open_lead_cap=200)
        return {"partner": partner.id, "rival": rival.id}

    with time_machine.travel(NOON, tick=True) as clock:
        yield Scene(app=app, clock=clock, **within(app, build))

"""The desk of a choice that is carried out: the database, read and taken from under its locks."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from models.allocation import Rotation
from models.session import AnySession
from models.writing import insert_now
from portal.allocation.candidates import states_now, take_place
from portal.allocation.choosing import Pair
from portal.allocation.document import Strategy
from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow
from portal.allocation.product_caps import has_room
from portal.allocation.ranking import ranked
from portal.allocation.rotation import Credits
from portal.allocation.statements import LOCK_ROTATION, SAVE_TURN
from portal.allocation.strategies import Ranked


class DatabaseDesk:
    """Reads partners as they stand in this transaction, takes places by the guard, keeps turns in locked rows."""

    def __init__(self, session: AnySession, now: datetime) -> None:
        self.session, self.now = session, now

    def states(self, partners: Sequence[PartnerFacts], lead: LeadFacts) -> Mapping[int, PartnerNow]:
        return states_now(self.session, partners, lead, self.now)

    def take(self, facts: PartnerFacts, lead: LeadFacts) -> datetime | None:
        if not has_room(self.session, facts, lead.product):
            return None
        return take_place(self.session, facts, self.now)

    def rotation(self, key: str) -> tuple[Credits, int]:
        """Its row locked; made where it is new (a race on that is begun again by the unit)."""
        row = LOCK_ROTATION.first(self.session, of=key)
        if row is None:
            insert_now(self.session, Rotation(key=key, credits=b"", turns=0))
        return (Credits.unpack(row.credits), row.turns) if row else (Credits(), 0)

    def turned(self, key: str, credits: Credits) -> None:
        SAVE_TURN.rows(self.session, of=key, after=credits.pack())

    def ranked(
        self, strategy: Strategy, eligible: Sequence[Pair], lead: LeadFacts, credits: Credits, turns: int
    ) -> Ranked:
        return ranked(self.session, strategy, eligible, lead, credits, turns, self.now)

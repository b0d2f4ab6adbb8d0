"""The desk of many choices at once: partners and rotations held in memory, places and turns noted as they are taken.

The same choices come of it as of one after the other in the database, since both go through ``choosing``. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from portal.allocation.choosing import Pair
from portal.allocation.document import Strategy
from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow, product_cap
from portal.allocation.rotation import Credits
from portal.allocation.strategies import Ranked

Rank = Callable[[Strategy, Sequence[Pair], LeadFacts, Credits, int], Ranked]


@dataclass
class MemoryDesk:
    """``known``: how partners stand, by slot. ``rotations``: credits and turns by key. ``held``: open leads by slot and
    casefolded product. ``earliest``: by slot, before when a partner can be given nothing (its standing is told until
    then). ``taken`` and ``turned_keys`` say what changed."""

    now: datetime
    known: dict[int, PartnerNow]
    rank: Rank
    rotations: dict[str, tuple[Credits, int]] = field(default_factory=dict)
    held: dict[tuple[int, str], int] = field(default_factory=dict)
    earliest: Mapping[int, datetime] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    turned_keys: set[str] = field(default_factory=set)

    def states(self, partners: Sequence[PartnerFacts], lead: LeadFacts) -> Mapping[int, PartnerNow]:
        if lead.product is None or not any(facts.product_caps for facts in partners):
            return self.known
        counted = {p.slot: self._counted(p, lead.product) for p in partners if p.slot in self.known}
        return {**self.known, **counted}

    def _counted(self, facts: PartnerFacts, product: str) -> PartnerNow:
        state = self.known[facts.slot]
        if product_cap(facts, product) is None:
            return state
        return state._replace(open_of_product=self.held.get((facts.slot, product.casefold()), 0))

    def take(self, facts: PartnerFacts, lead: LeadFacts) -> datetime | None:
        """A place for sure: nobody else takes any while these are held."""
        state, slot = self.known[facts.slot], facts.slot
        self.known[slot] = state._replace(
            open_leads=state.open_leads + 1, offered_today=state.offered_today + 1,
            offered_this_week=state.offered_this_week + 1,
        )  # fmt: skip
        if lead.product is not None:
            key = slot, lead.product.casefold()
            self.held[key] = self.held.get(key, 0) + 1
        self.taken.add(slot)
        return max(self.now, self.earliest.get(slot, self.now))

    def rotation(self, key: str) -> tuple[Credits, int]:
        return self.rotations.get(key) or (Credits(), 0)

    def turned(self, key: str, credits: Credits) -> None:
        self.rotations[key] = credits, self.rotation(key)[1] + 1
        self.turned_keys.add(key)

    def ranked(
        self, strategy: Strategy, eligible: Sequence[Pair], lead: LeadFacts, credits: Credits, turns: int
    ) -> Ranked:
        return self.rank(strategy, eligible, lead, credits, turns)

"""The desk of a replayed choice: partners as they stood then, with what the replay changed so far. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.allocation.choosing import Pair
from portal.allocation.document import Strategy
from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow, product_cap
from portal.allocation.replay.book import Book
from portal.allocation.replay.past import Event, Past, moment
from portal.allocation.rotation import Credits
from portal.allocation.strategies import Ranked

Rank = Callable[[Strategy, Sequence[Pair], LeadFacts, Credits, int, datetime], Ranked]
#: After every id of its second.
LAST = "~"


@dataclass
class ReplayDesk:
    """``event``: the stored decision whose rows tell how partners stood; None: all is put together from what is kept.

    ``caps``: each partner's own open-lead cap then, by slot. Places are the book's; the turn is kept at once.
    """

    now: datetime
    past: Past
    book: Book
    caps: Mapping[int, int]
    rank: Rank
    event: Event | None

    def states(self, partners: Sequence[PartnerFacts], lead: LeadFacts) -> Mapping[int, PartnerNow]:
        return {facts.slot: self._state(facts, lead) for facts in partners}

    def _state(self, facts: PartnerFacts, lead: LeadFacts) -> PartnerNow:
        event = self.event
        key = event.moment if event is not None else moment(self.now, LAST)
        if event is not None and facts.slot in event.rows:
            state = self.past.stored(event, facts)
        else:
            state = self.past.state(facts, self.caps[facts.slot], self.now, key)
        if lead.product is not None and product_cap(facts, lead.product) is not None and not state.open_of_product:
            own = event.assignment_id if event is not None else None
            held = self.past.open_of(facts.slot, lead.product.casefold(), self.now, key, own)
            state = state._replace(open_of_product=held)
        return self.book.changed(state, facts, lead.product, self.now)

    def take(self, facts: PartnerFacts, lead: LeadFacts) -> datetime | None:
        """A place for sure: who holds none was asked for its gates."""
        return self.now

    def rotation(self, key: str) -> tuple[Credits, int]:
        return self.past.rotations.get(key) or (Credits(), 0)

    def turned(self, key: str, credits: Credits) -> None:
        self.past.rotations[key] = credits, self.rotation(key)[1] + 1

    def ranked(
        self, strategy: Strategy, eligible: Sequence[Pair], lead: LeadFacts, credits: Credits, turns: int
    ) -> Ranked:
        return self.rank(strategy, eligible, lead, credits, turns, self.now)

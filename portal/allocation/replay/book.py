"""What a replay changed so far: leads that partners have in it and had not, and the other way round. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

from portal.allocation.gates import PartnerFacts, PartnerNow, day_key, week_key


@dataclass
class Book:
    """Differences to what there was, by slot: open leads (of a product), and leads given today and this week."""

    open: Counter[int] = field(default_factory=Counter)
    products: Counter[tuple[int, str]] = field(default_factory=Counter)
    days: Counter[tuple[int, int]] = field(default_factory=Counter)
    weeks: Counter[tuple[int, int]] = field(default_factory=Counter)
    _ends: list[tuple[datetime, int, str, int]] = field(default_factory=list)

    def note(self, facts: PartnerFacts, product: str | None, at: datetime, span: timedelta | None, by: int) -> None:
        """A place taken (``by`` 1) or not taken (-1) at ``at``, for as long as ``span``; None: for good."""
        slot, zone, name = facts.slot, facts.calendar.zone, (product or "").casefold()
        self.open[slot] += by
        self.products[slot, name] += by
        self.days[slot, day_key(zone, at)] += by
        self.weeks[slot, week_key(zone, at)] += by
        if span is not None:
            heappush(self._ends, (at + span, slot, name, by))

    def until(self, at: datetime) -> None:
        """Let end what has ended by ``at``."""
        while self._ends and self._ends[0][0] <= at:
            _, slot, name, by = heappop(self._ends)
            self.open[slot] -= by
            self.products[slot, name] -= by

    def changed(self, state: PartnerNow, facts: PartnerFacts, product: str | None, at: datetime) -> PartnerNow:
        """How a partner stands with these differences; of the day and the week only where it has a cap for them."""
        slot, zone = facts.slot, facts.calendar.zone
        if slot not in self.open:
            return state
        today, week, taken = 0, 0, 0
        if facts.daily_cap is not None:
            today = self.days[slot, day_key(zone, at)]
        if facts.weekly_cap is not None:
            week = self.weeks[slot, week_key(zone, at)]
        if facts.product_caps:
            taken = self.products[slot, (product or "").casefold()]
        return state._replace(
            open_leads=max(0, state.open_leads + self.open[slot]), offered_today=max(0, state.offered_today + today),
            offered_this_week=max(0, state.offered_this_week + week),
            open_of_product=max(0, state.open_of_product + taken),
        )  # fmt: skip

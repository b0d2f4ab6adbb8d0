"""Who of a rule's pool is worth asking about a lead: found by territory, without going through everybody. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from portal.allocation.gates import LeadFacts, PartnerFacts, static_miss, tight
from portal.vocabulary import Gate

#: How many kinds of lead (place and product) a pool keeps its answer for.
KEPT = 4096


class Fitting(NamedTuple):
    """Those whose settings take such a lead, by slot, and the slots of the others as bits, by the gate they miss."""

    partners: tuple[PartnerFacts, ...]
    missed: Mapping[Gate, int]


class Pool:
    """The partners that a rule names, in the order of their slots, with an index by country and postcode."""

    def __init__(self, partners: Iterable[PartnerFacts]) -> None:
        self.partners = tuple(sorted(partners, key=lambda facts: facts.slot))
        self._slots = sum(1 << facts.slot for facts in self.partners)
        self._everywhere = [facts for facts in self.partners if not facts.territories]
        self._country: dict[str, dict[str, list[PartnerFacts]]] = {}
        for facts in self.partners:
            for country, _, prefix in facts.territories:
                self._country.setdefault(country, {}).setdefault(tight(prefix or ""), []).append(facts)
        self._known: dict[tuple[str | None, ...], Fitting] = {}

    def __contains__(self, facts: PartnerFacts) -> bool:
        return bool(self._slots >> facts.slot & 1)

    def __iter__(self) -> Iterator[PartnerFacts]:
        return iter(self.partners)

    def __len__(self) -> int:
        return len(self.partners)

    def fitting(self, lead: LeadFacts) -> Fitting:
        """Who covers the lead and is certified for it, as ``static_miss`` says; kept for the next such lead."""
        key = (lead.country, lead.region, self._part(lead), lead.product)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[key] = self._fitting(lead)
        return known

    def _part(self, lead: LeadFacts) -> str | None:
        """As much of the postcode as any territory of that country looks at."""
        prefixes = self._country.get(lead.country or "", {})
        return lead.postcode and tight(lead.postcode)[: max(map(len, prefixes), default=0)]

    def _fitting(self, lead: LeadFacts) -> Fitting:
        near = {facts.slot: facts for facts in self._near(lead)}
        misses = {slot: static_miss(facts, lead) for slot, facts in near.items()}
        partners = tuple(near[slot] for slot in sorted(near) if misses[slot] is None)
        uncertified = sum(1 << slot for slot, miss in misses.items() if miss is Gate.CERTIFIED)
        fitting = sum(1 << facts.slot for facts in partners)
        away = self._slots & ~fitting & ~uncertified
        return Fitting(partners, {Gate.TERRITORY: away, Gate.CERTIFIED: uncertified})

    def _near(self, lead: LeadFacts) -> Iterable[PartnerFacts]:
        """Everybody whose territories could take the lead: no one else can, whatever the rest of it says."""
        if lead.country is None:
            return self.partners
        prefixes = self._country.get(lead.country, {})
        if not lead.postcode:
            return (*self._everywhere, *(facts for some in prefixes.values() for facts in some))
        start = tight(lead.postcode)
        return (*self._everywhere, *(f for n in {*map(len, prefixes)} for f in prefixes.get(start[:n], ())))

"""Rankings other than the rotation's. Pure: the same inputs give the same order, always."""

from collections.abc import Iterable
from fractions import Fraction

from portal.allocation.gates import PartnerFacts, PartnerNow


def least_loaded(candidates: Iterable[tuple[PartnerFacts, PartnerNow | None]]) -> list[PartnerFacts]:
    """Those with room, the least loaded first.

    1. The smallest share of its cap in use. 2. Then the fewest open leads. 3. Then the lower slot.
    """
    able = [(facts, state) for facts, state in candidates if state is not None]
    return [facts for facts, state in sorted(able, key=lambda pair: _load(*pair))]


def _load(facts: PartnerFacts, state: PartnerNow) -> tuple[Fraction, int, int]:
    return Fraction(state.open_leads, max(1, state.cap_now)), state.open_leads, facts.slot

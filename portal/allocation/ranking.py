"""What a strategy needs of the database to rank partners: outcomes, places, loads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from models.session import AnySession
from portal.allocation.conversion import outcomes
from portal.allocation.document import Strategy
from portal.allocation.gates import PartnerFacts, PartnerNow
from portal.allocation.places import partner_places, place_of
from portal.allocation.rotation import Credits
from portal.allocation.strategies import Contender, Ranked, metres_between, rank
from portal.vocabulary import StrategyKind

#: Strategies that read and keep the rule's rotation: its row is locked before the partners are asked.
NEEDS_TURN = (StrategyKind.BEST_CONVERSION,)
Pair = tuple[PartnerFacts, PartnerNow]


class Located(Protocol):
    """A lead, as far as a distance needs it."""

    @property
    def country(self) -> str | None:
        """ISO 3166 alpha-2."""

    @property
    def postcode(self) -> str | None:
        """As it was given."""


def ranked(
    session: AnySession, strategy: Strategy, eligible: Sequence[Pair], lead: Located, credits: Credits, turns: int,
    now: datetime,
) -> Ranked:  # fmt: skip
    """The order of those whom every gate let through, at least one; see ``portal.allocation.strategies.rank``."""
    plain = [Contender(p.slot, state.weight_now_x2, state.open_leads, state.cap_now) for p, state in eligible]
    if strategy.kind is StrategyKind.NEAREST:
        return rank(strategy, _measured(session, eligible, plain, lead), credits, turns)
    if strategy.kind is not StrategyKind.BEST_CONVERSION:
        return rank(strategy, plain, credits, turns)
    known = outcomes(session, now)
    counted = [
        one._replace(won=won, of=of)
        for one, (facts, _) in zip(plain, eligible, strict=True) for won, of in [known.of(facts.id)]
    ]  # fmt: skip
    return rank(strategy, counted, credits, turns, known.mean)


def _measured(
    session: AnySession, eligible: Sequence[Pair], plain: Sequence[Contender], lead: Located
) -> list[Contender]:
    """The same with how far each is from the lead, where both places are known."""
    here = place_of(session, lead.country, lead.postcode)
    if here is None:
        return list(plain)
    places = partner_places(session)
    far = [places.get(facts.id) for facts, _ in eligible]
    return [
        one._replace(metres=metres_between(here, point) if point else None)
        for one, point in zip(plain, far, strict=True)
    ]

"""Where leads find a partner and where they do not: territories by products, without a map. Pure.

A cell is a place (a country, or a region of it) and a product. It tells how many leads came in, how many of them
once found nobody, what those were worth, what kept partners off, and how many partners could take such a lead now.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow, closed
from portal.allocation.pools import Pool
from portal.allocation.record import Stored, briefly
from portal.allocation.sentences import CAUSES
from portal.vocabulary import Gate

NO_RULE, NO_PARTNER = "no_rule", "no_partner"
#: Why a lead found nobody, in the words of the decision about it.
WORDS = {gate.value: f"All {words}" for gate, words in CAUSES.items()} | {
    NO_RULE: "No rule takes it", NO_PARTNER: "The rule asks no partner",
    Gate.TERRITORY.value: "Outside every territory", Gate.CERTIFIED.value: "Nobody certified for it",
}  # fmt: skip
BY_SETTINGS = (Gate.TERRITORY, Gate.CERTIFIED)


class Came(NamedTuple):
    """A lead that came in. ``waits``: nobody has it now."""

    lead_id: str
    country: str | None
    region: str | None
    product: str | None
    budget: float | None
    waits: bool


class Found(NamedTuple):
    """When a lead first found nobody, and why: a gate's name, ``no_rule`` or ``no_partner``."""

    at: datetime
    cause: str


class Spot(NamedTuple):
    """Which cell: empty where a lead does not say. Products are told apart without regard to case."""

    country: str
    region: str
    product: str


@dataclass(frozen=True)
class Cell:
    """One place and product. ``value``: what the leads that found nobody said they would spend, where they said it.

    ``able`` of ``covering`` partners could take such a lead now; the others cover it and are kept off for now.
    """

    spot: Spot
    product: str
    leads: tuple[str, ...] = ()
    nobody: tuple[str, ...] = ()
    waiting: int = 0
    value: float = 0
    causes: Mapping[str, int] = field(default_factory=dict)
    able: tuple[str, ...] = ()
    covering: int = 0

    @property
    def cause(self) -> str | None:
        """What most often kept the first of them from a partner."""
        return next(iter(self.causes), None)

    @property
    def gap(self) -> bool:
        """Whether a lead found nobody here, or would find nobody now."""
        return bool(self.nobody) or not self.able


def cause_of(rule: str | None, record: Stored) -> str:
    """Why a lead found nobody, from its decision.

    1. No rule takes it. 2. The rule asks no partner. 3. What kept off most of those that cover it.
    4. Where nobody covers it: what most of all miss, territory or certificate.
    """
    if rule is None:
        return NO_RULE
    shut = Counter(each.closed[0] for each in briefly(record) if each.closed)
    shut.update({gate: int(bits, 16).bit_count() for gate, bits in record.get("missed", {}).items()})
    if not shut:
        return NO_PARTNER
    fitting = {gate: count for gate, count in shut.items() if gate not in BY_SETTINGS}
    order = [gate.value for gate in Gate]
    return min(fitting or shut, key=lambda gate: (-shut[gate], order.index(gate)))


def cells(came: Iterable[Came], nobody: Mapping[str, Found], *, regions: bool) -> dict[Spot, Cell]:
    """Count leads by place and product; ``regions``: by region, else by country."""
    found: dict[Spot, list[Came]] = {}
    for lead in came:
        found.setdefault(spot_of(lead.country, lead.region if regions else None, lead.product), []).append(lead)
    return {spot: _cell(spot, leads, nobody) for spot, leads in found.items()}


def spot_of(country: str | None, region: str | None, product: str | None) -> Spot:
    """The cell of such a lead; "DE-BY" and "by" are one region of DE."""
    bare = (region or "").strip().upper().removeprefix(f"{country}-")
    return Spot(country or "", bare if country else "", (product or "").casefold())


def _cell(spot: Spot, leads: list[Came], nobody: Mapping[str, Found]) -> Cell:
    lost = [lead for lead in leads if lead.lead_id in nobody]
    return Cell(
        spot, leads[0].product or "", tuple(lead.lead_id for lead in leads), tuple(lead.lead_id for lead in lost),
        sum(lead.waits for lead in lost), sum(lead.budget or 0 for lead in lost),
        dict(Counter(nobody[lead.lead_id].cause for lead in lost).most_common()),
    )  # fmt: skip


def with_empty(found: Mapping[Spot, Cell], partners: Iterable[PartnerFacts], *, regions: bool) -> dict[Spot, Cell]:
    """The same, and a cell for every place and product that a partner or a lead knows, though no lead came."""
    roster = [*partners]
    places = {(spot.country, spot.region) for spot in found}
    places |= {spot_of(c, r if regions else None, None)[:2] for facts in roster for c, r, _ in facts.territories}
    names = {cell.spot.product: cell.product for cell in found.values()}
    names |= {product.casefold(): product for facts in roster for product in sorted(facts.products)}
    spots = (Spot(country, region, product) for country, region in places for product in names)
    return {**{spot: Cell(spot, names[spot.product]) for spot in spots}, **found}


def with_partners(
    found: Iterable[Cell], partners: Iterable[PartnerFacts], states: Mapping[int, PartnerNow], now: datetime
) -> list[Cell]:
    """Add who covers each cell and who of them could take a lead of it now, rules aside."""
    pool = Pool(partners)
    asked: Callable[[Cell], LeadFacts] = lambda cell: LeadFacts(  # noqa: E731
        cell.spot.country or None, cell.spot.region or None, None, cell.product or None
    )
    return [_staffed(cell, pool, asked(cell), states, now) for cell in found]


def _staffed(cell: Cell, pool: Pool, lead: LeadFacts, states: Mapping[int, PartnerNow], now: datetime) -> Cell:
    fit = [facts for facts in pool.fitting(lead).partners if facts.slot in states]
    able = tuple(facts.id for facts in fit if not closed(facts, states[facts.slot], lead, now))
    return replace(cell, able=able, covering=len(fit))


def worst_first(found: Iterable[Cell]) -> list[Cell]:
    """Most leads that found nobody, most value, fewest partners able, most leads; then by name."""
    return sorted(
        found,
        key=lambda cell: (-len(cell.nobody), -cell.value, bool(cell.able), -len(cell.leads), len(cell.able), cell.spot),
    )

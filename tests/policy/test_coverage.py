"""Coverage: which leads found nobody and why, who could take one now, the worst place first."""

import json
from typing import Any

import pytest

from portal.allocation.record import Candidate, pack
from portal.reporting.coverage import (
    NO_PARTNER,
    NO_RULE,
    WORDS,
    Came,
    Cell,
    Found,
    Spot,
    cause_of,
    cells,
    spot_of,
    with_empty,
    with_partners,
    worst_first,
)
from portal.vocabulary import Gate, Standing
from tests.policy.allocation_partners import NOW, lead, partner, state


def record(*closed: Gate, **missed: int) -> dict[str, Any]:
    rows = [
        Candidate(partner(slot=slot), state(standing=Standing.STOPPED), lead(), NOW, (gate,))
        for slot, gate in enumerate(closed)
    ]
    stored = pack(lead(), rows, {Gate(name): slots for name, slots in missed.items()})
    return json.loads(json.dumps(stored))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("rule", "stored", "cause"),
    [
        (None, record(), NO_RULE),
        ("All", record(), NO_PARTNER),
        ("All", record(territory=0b111, certified=0b1000), Gate.TERRITORY),
        ("All", record(territory=0b1, certified=0b1110), Gate.CERTIFIED),
        ("All", record(Gate.STANDING, territory=0b111000), Gate.STANDING),
        ("All", record(Gate.OPEN_CAP, Gate.CLOSURE, Gate.OPEN_CAP), Gate.OPEN_CAP),
        ("All", record(Gate.OPEN_CAP, Gate.STANDING), Gate.STANDING),
    ],
)
def test_the_cause_is_what_kept_off_most_of_those_that_cover_it(
    rule: str | None, stored: dict[str, Any], cause: str
) -> None:
    assert cause_of(rule, stored) == cause
    assert WORDS[cause]


def came(number: int, country: str | None = "DE", region: str | None = None, **more: Any) -> Came:
    return Came(**{"lead_id": f"l{number}", "country": country, "region": region, "product": "Pro", "budget": None,
                   "waits": False, **more})  # fmt: skip


def test_leads_are_counted_by_place_and_product() -> None:
    nobody = {"l1": Found(NOW, Gate.STANDING.value), "l2": Found(NOW, NO_RULE), "l3": Found(NOW, NO_RULE)}
    leads = [
        came(1, region="DE-BY", budget=100.0, waits=True), came(2, region="by", budget=50.0), came(3, region="BY"),
        came(4, region="HH", product="PRO"), came(5, country=None, product=None, waits=True),
    ]  # fmt: skip
    by_region = cells(leads, nobody, regions=True)
    assert {spot: (len(cell.leads), len(cell.nobody)) for spot, cell in by_region.items()} == {
        Spot("DE", "BY", "pro"): (3, 3), Spot("DE", "HH", "pro"): (1, 0), Spot("", "", ""): (1, 0),
    }  # fmt: skip
    bavaria = by_region[spot_of("DE", "DE-BY", "Pro")]
    assert (bavaria.value, bavaria.waiting, bavaria.cause, dict(bavaria.causes)) == (
        150, 1, NO_RULE, {NO_RULE: 2, Gate.STANDING: 1},
    )  # fmt: skip
    by_country = cells(leads, nobody, regions=False)
    assert len(by_country[Spot("DE", "", "pro")].leads) == 4
    assert sum(len(cell.leads) for cell in by_country.values()) == len(leads)


def test_who_covers_a_cell_and_who_could_take_a_lead_now() -> None:
    bavarian = partner(id="a", slot=0, territories=(("DE", "BY", None),), products=frozenset({"Pro"}))
    stopped = partner(id="b", slot=1)
    early = partner(id="c", slot=2, territories=(("AT", None, None),))
    spots = [Cell(spot_of("DE", "BY", "Pro"), "Pro"), Cell(spot_of("DE", "HH", "Pro"), "Pro"),
             Cell(spot_of("AT", None, "Other"), "Other"), Cell(spot_of("FR", None, None), "")]  # fmt: skip
    states = {0: state(), 1: state(standing=Standing.STOPPED), 2: state()}
    found = with_partners(spots, [bavarian, stopped, early], states, NOW)
    assert [(cell.able, cell.covering, cell.gap) for cell in found] == [
        (("a",), 2, False), ((), 1, True), (("c",), 2, False), ((), 1, True),
    ]  # fmt: skip


def test_places_and_products_without_leads_are_there_when_asked_for() -> None:
    partners = [partner(territories=(("AT", "DE-X", None), ("CH", None, None)), products=frozenset({"Lite"}))]
    found = with_empty(cells([came(1)], {}, regions=False), partners, regions=False)
    assert {*found} == {Spot(country, "", product) for country in ("DE", "AT", "CH") for product in ("pro", "lite")}
    assert len(found[Spot("DE", "", "pro")].leads) == 1 and found[Spot("CH", "", "lite")].product == "Lite"


def test_the_worst_place_comes_first() -> None:
    def cell(name: str, nobody: int = 0, value: float = 0, able: int = 1, leads: int = 0) -> Cell:
        ids = tuple(str(n) for n in range(max(leads, nobody)))
        return Cell(Spot(name, "", ""), "", ids, ids[:nobody], value=value, able=tuple(str(n) for n in range(able)))

    order = [cell("many", nobody=3), cell("dear", nobody=2, value=9), cell("cheap", nobody=2), cell("bare", able=0),
             cell("busy", leads=5, able=4), cell("fit", able=1), cell("rich", able=3)]  # fmt: skip
    assert [each.spot.country for each in worst_first(reversed(order))] == [each.spot.country for each in order]

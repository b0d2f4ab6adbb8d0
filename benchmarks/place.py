"""Placing a lead in process: enquiry to committed offer, beside the same rows by plain SQL."""

from collections.abc import Iterator

from benchmarks import seed
from benchmarks.floor import Floor
from benchmarks.house import House, house
from benchmarks.options import Options
from benchmarks.results import Row
from benchmarks.timing import by_turns
from benchmarks.written import Written, written_by

#: (partners, regions): about 50 eligible for each lead, then everybody for every lead.
SIZES = ((100, 2), (1000, 20), (5000, 100), (100, 1), (1000, 1))
QUICK = ((12, 3),)
RULES, SAMPLES = 50, 4
#: What a placed lead must have written: a figure for anything less would be a lie.
NEEDED = {"lead", "assignment", "obligation", "decision", "outbox", "audit", "lead_event", "+partner", "+rotation"}


def run(options: Options) -> Iterator[Row]:
    """A row for each database and size."""
    for kind in options.databases:
        for number, regions in QUICK if options.quick else SIZES:
            with house(kind, "place") as made:
                seed.partners(made, number, regions)
                seed.rules(made, 5 if options.quick else RULES)
                yield measure(made, number, regions, 0.2 if options.quick else 6.0)


def measure(made: House, number: int, regions: int, seconds: float) -> Row:
    """Placed leads a second, product and floor by turns."""
    leads = samples(made, regions)
    made.analyze()
    floor, before = Floor(made.engine, leads), made.count("assignment")
    acts = [0, 0]

    def product() -> None:
        seed.place_one(made, regions)
        acts[0] += 1

    def bare() -> None:
        floor.once()
        acts[1] += 1

    pair = by_turns(product, bare, seconds, 0.05 if seconds < 1 else 0.25)
    floor.close()
    assert made.count("assignment") == before + sum(acts), "every lead was placed and stored"
    return Row(
        "place", "place a lead", made.kind, size(number, regions), "leads/s", pair.product.rate, pair.floor.rate,
        more={**pair.more(), "rows": leads[-1].counts(), "placed": acts[0]},
    )  # fmt: skip


def samples(made: House, regions: int) -> list[Written]:
    """What the product writes for a lead, of some leads; the first ones, which still fill caches, left out."""
    for _ in range(SAMPLES):
        seed.place_one(made, regions)
    leads = [written_by(made.engine, lambda: seed.place_one(made, regions)) for _ in range(SAMPLES)]
    for lead in leads:
        missing = NEEDED - set(lead.counts())
        assert not missing, f"a lead that was not placed: nothing in {sorted(missing)}"
    return leads


def size(number: int, regions: int) -> str:
    """A size in words."""
    eligible = number // regions
    return f"{number:,} partners, {eligible if regions > 1 else 'all'} eligible"

"""Placing a file's leads in batches: beside one by one, and beside a set-based floor that decides nothing."""

from collections.abc import Iterator

from benchmarks import place, seed
from benchmarks.house import NOW, House, house
from benchmarks.options import Options
from benchmarks.results import Row
from benchmarks.timing import Pace, slice_of
from benchmarks.written import Written
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.intake.bulk import BATCH, receive_all
from portal.intake.policy import parse_lead

SIZES, QUICK = ((100, 2), (1000, 20)), ((12, 3),)
TABLES = ("lead", "assignment", "obligation", "lead_event", "audit", "outbox", "decision")
#: What is unique to each copy.
OWN = {("outbox", "once"): "('floor:' || n)", ("lead", "external_id"): "NULL"}
GOAL_FASTER, GOAL_RATE = 5, 3000


def run(options: Options) -> Iterator[Row]:
    """A row for each database and size."""
    batches = 1 if options.quick else 12
    for kind in options.databases:
        for number, regions in QUICK if options.quick else SIZES:
            with house(kind, "bulk") as made:
                seed.partners(made, number, regions)
                seed.rules(made, 5 if options.quick else place.RULES)
                yield measure(made, place.size(number, regions), regions, batches, 20 if options.quick else BATCH)


def measure(made: House, size: str, regions: int, batches: int, batch: int) -> Row:
    """Leads a second in batches; the floor writes as many leads by one INSERT ... SELECT a table."""
    model = place.samples(made, regions)[-1]
    made.analyze()
    alone = slice_of(lambda: seed.place_one(made, regions), 0.2 if batches == 1 else 3.0)
    before = made.count("assignment")
    product = slice_of_batches(made, regions, batches, batch)
    assert made.count("assignment") == before + product.times + batch, "every lead was placed and stored"
    floor = _floor(made, model, batches, batch)
    faster = product.rate / alone.rate
    return Row(
        "bulk", f"place leads in batches of {batch}", made.kind, size, "leads/s", product.rate, floor.rate,
        f"{GOAL_FASTER} times one by one", faster >= GOAL_FASTER,
        {"one_by_one": alone.rate, "faster": faster, "goal_rate": GOAL_RATE, "leads": product.times},
    )  # fmt: skip


def slice_of_batches(made: House, regions: int, batches: int, batch: int) -> Pace:
    """So many batches, from what the files' reader parsed to commit; the first batch is not counted."""
    parsed = [[parse_lead(seed.enquiry(regions), NOW) for _ in range(batch)] for _ in range(batches + 1)]
    some = iter(parsed)

    def one() -> None:
        news = next(some)
        unit(made.session, lambda: receive_all(made.session, news, NOW, SYSTEM))

    one()
    total = Pace()
    for _ in range(batches):
        done = slice_of(one, 0)
        total.times, total.seconds = total.times + batch, total.seconds + done.seconds
    return total


def _floor(made: House, model: Written, batches: int, batch: int) -> Pace:
    owners, total, first = seed.partner_ids(made), Pace(), 1
    for _ in range(batches):
        done = slice_of(lambda first=first: seed.bulk(made, model, TABLES, batch, owners, OWN, first=first), 0)  # type: ignore[misc]
        total.times, total.seconds, first = total.times + batch, total.seconds + done.seconds, first + batch
    return total

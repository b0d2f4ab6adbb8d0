"""Deciding about a lead without storing anything: by number of partners and rules."""

from collections.abc import Iterator

from sqlalchemy import select

from benchmarks import place, seed
from benchmarks.house import NOW, House, house
from benchmarks.options import Options
from benchmarks.results import Row
from benchmarks.timing import slice_of
from models.leads import Lead
from models.session import AnySession
from portal.allocation.candidates import gate_facts
from portal.allocation.desk import DatabaseDesk
from portal.allocation.service import decide
from portal.vocabulary import DecisionOutcome

#: (partners, regions, rules)
SIZES = ((100, 2, 10), (100, 2, 200), (1000, 20, 10), (1000, 20, 200), (5000, 100, 10), (5000, 100, 200))
QUICK = ((12, 3, 5),)


def run(options: Options) -> Iterator[Row]:
    """A row for each database and size."""
    for kind in options.databases:
        for number, regions, rules in QUICK if options.quick else SIZES:
            with house(kind, "decide") as made:
                seed.place_one(made, regions)  # waits: there is no rule yet
                seed.partners(made, number, regions)
                seed.rules(made, rules)
                made.analyze()
                yield measure(made, f"{place.size(number, regions)}, {rules} rules", 0.1 if options.quick else 2.0)


def measure(made: House, size: str, seconds: float) -> Row:
    """Milliseconds for one decision, everything it reads included; each is rolled back."""
    lead_id = made.session.scalars(select(Lead.id)).one()
    made.session.rollback()
    slice_of(lambda: _decided(made.session, lead_id), seconds / 4)
    pace = slice_of(lambda: _decided(made.session, lead_id), seconds)
    assert made.count("assignment") == 0, "a decision that is not written down leaves nothing"
    return Row("decide", "decide", made.kind, size, "ms", 1000 * pace.seconds / pace.times, more={"times": pace.times})


def _decided(session: AnySession, lead_id: str) -> None:
    lead = session.get_one(Lead, lead_id)
    placed, _ = decide(session, DatabaseDesk(session, NOW), lead, gate_facts(session, lead), NOW)
    assert placed.outcome is DecisionOutcome.OFFERED
    session.rollback()
    session.expunge_all()

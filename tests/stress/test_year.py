"""Weeks of a small channel: every promise is looked after every day, and each habit ends where it should."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from benchmarks import __main__ as bench
from benchmarks import results
from benchmarks import year as year_bench
from benchmarks.options import Options
from models.assignments import Assignment
from models.base import new_id
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner
from portal.enforcement.verify import differences
from portal.vocabulary import AssignmentState, LeadStatus, LedgerKind, Standing
from tests.stress.year import START, Year
from tests.stress.year_outcome import Outcome, days_stopped, last_offers, outcomes, shares, wrong_today
from tests.support import checks
from tests.support.databases import Database
from tests.support.machine import counted_ids
from tests.support.world import DAY, MINUTE, assignment_of, publish_rules, receive_lead

pytestmark = pytest.mark.timeout(180)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    counted_ids(monkeypatch)


def told(session: Session, partners: int, days: int, leads: int, seed: int = 1) -> tuple[Year, list[str]]:
    """A story, and everything that was wrong on any of its days."""
    year, wrong = Year(session, partners, days, leads, seed), list[str]()

    def each_day(now: datetime) -> None:
        wrong.extend(f"{now}: {sentence}" for sentence in wrong_today(session, year, now))

    year.run(each_day)
    return year, wrong


@on_sqlite
@pytest.mark.usefixtures("ids_in_order")
def test_weeks_of_a_channel_keep_every_promise(session: Session) -> None:
    year, wrong = told(session, 20, 25, 9)
    assert wrong == []
    assert differences(session) == []
    assert checks.wrong_after_sweep(session, year.now) == []
    session.rollback()
    by = {line.habit: line for line in outcomes(session, year)}
    _ends_where_it_should(session, year, by)
    for group, turns in shares(session, year).items():
        assert max(turns) - min(turns) <= 2, f"{group}: {turns}"


def _ends_where_it_should(session: Session, year: Year, by: dict[str, Outcome]) -> None:
    prompt, silent, recovering = by["prompt"], by["silent"], by["recovering"]
    assert (prompt.stops, prompt.kept, prompt.moved) == (0, 1.0, 0)
    assert prompt.at_end == f"{prompt.partners} good"
    assert silent.at_end == f"{silent.partners} stopped"
    assert silent.stops == silent.partners, "who says nothing stays stopped"
    assert last_offers(session, year, "silent", year.days / 3) == 0
    assert last_offers(session, year, "prompt", year.days / 3) > 20
    assert recovering.stops > 0
    assert "stopped" not in recovering.at_end
    assert last_offers(session, year, "recovering", year.days / 3) > 0
    assert by["gaming"].kept < 1 and by["slow"].kept < 1
    assert sum(line.moved for line in by.values()) > 0


@on_sqlite
@pytest.mark.usefixtures("ids_in_order")
def test_one_seed_tells_one_story(session: Session, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stories = []
    for seed in (1, 1, 2):
        session.rollback()
        database.reset()
        counted_ids(monkeypatch)
        told(session, 5, 2, 9, seed)
        stories.append(_rows(session))
        session.expunge_all()
    assert len(stories[0]) > 10
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]


def _rows(session: Session) -> list[tuple[object, ...]]:
    """Who was given what when, and what became of it."""
    query = select(Partner.name, Assignment.state, Assignment.offered_at, Assignment.accepted_at, Assignment.ended_at)
    rows = session.execute(query.join(Partner, Partner.id == Assignment.partner_id).order_by(Assignment.id)).all()
    session.rollback()
    return [tuple(row) for row in rows]


@on_sqlite
@pytest.mark.usefixtures("ids_in_order")
def test_whatever_is_put_wrong_is_found(session: Session) -> None:
    year, wrong = told(session, 6, 4, 9)
    assert wrong == []
    held = select(Assignment.id).where(Assignment.state == AssignmentState.OFFERED).limit(1).scalar_subquery()
    holder = select(Assignment.partner_id).where(Assignment.id == held).scalar_subquery()
    lead = select(Assignment.lead_id).where(Assignment.id == held).scalar_subquery()
    slips = {
        "lies with who is stopped": update(Partner).where(Partner.id == holder).values(standing=Standing.STOPPED),
        "not that of the rows": update(Partner).where(Partner.id == holder).values(open_leads=Partner.open_leads + 1),
        "has a holder": update(Lead).where(Lead.id == lead).values(status=LeadStatus.LOST),
        "has not one holder": update(Assignment).where(Assignment.id == held).values(
            state=AssignmentState.RECALLED, ended_at=year.now
        ),
    }  # fmt: skip
    for sentence, slip in slips.items():
        session.execute(slip)
        assert any(sentence in each for each in wrong_today(session, year, year.now)), sentence
    assert any("was not recorded" in each for each in wrong_today(session, year, year.now + 60 * DAY))
    year.sent += 1
    stored = session.scalar(select(func.count(Lead.id)))
    assert f"{year.sent} enquiries were taken, {stored} leads are there" in wrong_today(session, year, year.now)


@on_sqlite
def test_a_lead_that_a_stopped_partner_was_given_is_found(session: Session) -> None:
    year = Year(session, 5, 2, 9)
    partner = next(iter(year.members.values()))
    publish_rules(session, {"name": "One", "strategy": {"kind": "named", "partner": partner.id}, "then": "queue"})
    lead = receive_lead(session, START, country=partner.country)
    year.sent = 1
    assert wrong_today(session, year, START) == []
    stop = {"from_standing": Standing.GOOD, "to_standing": Standing.STOPPED, "kind": LedgerKind.CHANGE}
    given = assignment_of(session, lead)
    assert given is not None and given.partner_id == partner.id
    for after, found in ((MINUTE, []), (-MINUTE, [f"assignment {given.id} was given to a partner stopped since"])):
        at = START + after
        session.add(
            LedgerEntry(id=new_id(), partner_id=partner.id, at=at, recorded_at=at, actor_name="Fairlead", **stop)
        )
        session.commit()
        wrong = wrong_today(session, year, START)
        assert len(wrong) == len(found) and all(map(str.startswith, wrong, found))


def test_days_of_a_stop_are_counted_to_its_end_or_the_story_s() -> None:
    def change(day: int, from_: Standing, to: Standing) -> LedgerEntry:
        return LedgerEntry(id=str(day), at=START + day * DAY, from_standing=from_, to_standing=to)

    once = [change(2, Standing.GOOD, Standing.STOPPED), change(5, Standing.STOPPED, Standing.PROBATION)]
    assert days_stopped(once, START + 30 * DAY) == 3 * DAY
    again = [*once, change(10, Standing.PROBATION, Standing.STOPPED)]
    assert days_stopped(again, START + 30 * DAY) == 23 * DAY


def test_the_year_is_told_by_name_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "OUT", tmp_path)
    assert bench.parse(["year"]).sections == ["year"]
    assert "year" not in bench.SECTIONS, "it takes minutes: only where it is named"
    (row,) = year_bench.run(Options(("year",), ("sqlite",), quick=True))
    kept = json.loads((tmp_path / "year-quick.json").read_text())
    assert kept["rows"]["lead"] == kept["leads"] > 0
    assert sum(habit["partners"] for habit in kept["habits"]) == kept["partners"]
    assert row.more["kept_in"] == str(tmp_path / "year-quick.json")

"""What if: the past replayed by its own rules is the past; by other rules it shows who gains, who loses, who finds
nobody. Nothing is written by it."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.allocation import Decision, RuleVersion
from models.assignments import Assignment
from models.base import Model
from models.partners import Partner
from models.session import unit
from models.trials import Trial
from portal.accounts.actor import SYSTEM
from portal.allocation import lists, versions
from portal.allocation.replay import reading, trials
from portal.allocation.replay.reading import Period
from portal.allocation.replay.run import prepared, run, walk
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import DeclineReason, TrialState
from tests.support.databases import Database
from tests.support.machine import Vendor
from tests.support.stage import CALL, STAFF
from tests.support.world import (
    DAY,
    EVERYONE,
    HOUR,
    MINUTE,
    MONDAY,
    assignment_of,
    make_partner,
    publish_rules,
    receive_lead,
    rep_of,
)

ALWAYS = Period(MONDAY - DAY, MONDAY + 10_000 * DAY)


def quiet(done: int, whole: int) -> None:
    """Nobody listens."""


class Replayed(Vendor):
    """Whatever happened: replayed by the rules that were live, every decision ends as it did."""

    def check(self) -> None:
        """The machine's own checks have a test of their own."""
        self.session.commit()
        self.session.expire_all()

    def sweep(self, a: int, b: int) -> None:
        self.session.commit()
        sweep(self.session, self.now)

    def teardown(self) -> None:
        try:
            self.compare(ALWAYS)
            middle = MONDAY + (self.now - MONDAY) / 2
            self.compare(Period(middle, self.now + DAY))
        finally:
            super().teardown()

    def compare(self, period: Period) -> None:
        self.session.commit()
        replay = prepared(self.session, period, None, quiet)
        walk(self.session, replay, period, quiet)
        told = [self._told(decision) for decision in replay.report.parted]
        self.session.rollback()
        assert told == []
        assert replay.report.otherwise == 0
        result = replay.finish().result({n: (str(n), str(n)) for n in range(9)})
        assert result["elsewhere"] == 0
        for each in result["partners"]:
            assert (each["before"], each["late_before"]) == (each["after"], each["late_after"])
            assert each["caps_before"] == each["caps_after"]
        assert result["nobody"]["before"] == result["nobody"]["after"]
        assert result["nobody"]["causes_before"] == result["nobody"]["causes_after"]

    def _told(self, decision_id: str) -> Any:
        row = self.session.get_one(Decision, decision_id)
        return row.decided_at.isoformat(), row.rule, row.origin, row.outcome.value, row.partner_id, row.path


#: How many stories are told, by database.
EXAMPLES = {"sqlite": 12, "postgresql": 4}


@pytest.mark.timeout(0)
def test_the_past_replayed_by_its_own_rules_is_the_past(app: Flask, database: Database) -> None:
    story = type("Story", (Replayed,), {"database": database})
    told = settings(
        max_examples=EXAMPLES[database.kind], stateful_step_count=25, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with app.app_context():
        run_state_machine_as_test(story, settings=told)  # type: ignore[no-untyped-call]


# On a small world.


@pytest.fixture
def north_south(session: Session) -> Session:
    """Two partners that take turns on Monday: six leads, three each; South's answers are late."""
    for name in ("North", "South"):
        make_partner(session, name, open_lead_cap=4)
    publish_rules(session)
    for number in range(6):
        receive_lead(session, MONDAY + number * MINUTE, product="valves")
    return session


def partner_id(session: Session, name: str) -> str:
    return session.scalars(select(Partner.id).where(Partner.name == name)).one()


def by_other_rules(session: Session, *rules: dict[str, Any], period: Period = ALWAYS) -> dict[str, Any]:
    session.rollback()
    return run(session, period, rules, quiet)


def shares(result: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {p["name"]: (p["before"], p["after"]) for p in result["partners"]}


def named(session: Session, name: str) -> dict[str, Any]:
    return {"name": "All", "strategy": {"kind": "named", "partner": partner_id(session, name)}, "then": "queue"}


def test_rules_that_send_everything_to_one_partner_show_it(north_south: Session) -> None:
    result = by_other_rules(north_south, named(north_south, "North"))
    assert shares(result) == {"North": (3, 4), "South": (3, 0)}
    assert (result["leads"], result["elsewhere"]) == (6, 4)
    assert result["nobody"]["causes_after"] == {"open_cap": 2}
    assert (result["nobody"]["before"], result["nobody"]["after"], result["nobody"]["new"]) == (0, 2, 2)
    north = result["partners"][0]
    assert (north["caps_before"], north["caps_after"]) == ({}, {"open_cap": 2})


def test_a_lead_that_moves_takes_up_a_place_as_long_as_leads_do_there(session: Session) -> None:
    """North works a lead within the hour: in the replay too, so that it has room for each of the hourly leads."""
    for name in ("North", "South"):
        make_partner(session, name, open_lead_cap=1)
    publish_rules(session)
    for number in range(6):
        at = MONDAY + 2 * number * HOUR
        lead = receive_lead(session, at)
        held = assignment_of(session, lead)
        assert held is not None
        rep = rep_of(session.get_one(Partner, held.partner_id))
        acts.accept(session, rep, held.id, at + MINUTE)
        acts.log(session, rep, held.id, CALL, at + HOUR)
    assert shares(by_other_rules(session, named(session, "North"))) == {"North": (3, 6), "South": (3, 0)}


def test_leads_that_find_nobody_and_places_without_cover_are_told(north_south: Session) -> None:
    only = {"field": "product", "op": "eq", "value": "valves"}
    receive_lead(north_south, MONDAY + HOUR, product="pumps", country="FR", region="75")
    result = by_other_rules(north_south, {**EVERYONE, "when": {"all": [only]}})
    assert result["nobody"]["causes_after"] == {"no_rule": 1}
    assert result["uncovered"] == [
        {"country": "FR", "region": "75", "product": "pumps", "cause": "no_rule", "before": 0, "after": 1}
    ]
    assert result["elsewhere"] == 1


def test_a_move_that_only_its_holder_caused_happens_only_where_that_one_has_it(session: Session) -> None:
    """North declines what it gets, and South takes it. Where everything goes to South, nothing is declined."""
    for name in ("North", "South"):
        make_partner(session, name)
    publish_rules(session, named(session, "North") | {"then": {"partner": partner_id(session, "South")}})
    lead = receive_lead(session, MONDAY)
    held = assignment_of(session, lead)
    assert held is not None
    rep = rep_of(session.get_one(Partner, held.partner_id))
    acts.decline(session, rep, held.id, DeclineReason.NOT_A_FIT, None, MONDAY + HOUR)
    assert shares(by_other_rules(session, named(session, "South"))) == {"North": (1, 0), "South": (1, 1)}
    assert shares(by_other_rules(session, named(session, "North"))) == {"North": (1, 1), "South": (1, 0)}


def test_who_would_be_late_goes_by_each_partners_own_past(session: Session) -> None:
    for name in ("North", "South"):
        make_partner(session, name, open_lead_cap=100)
    publish_rules(session)
    for number in range(8):
        receive_lead(session, MONDAY + number * MINUTE)
    south = session.get_one(Partner, partner_id(session, "South"))
    for held in session.scalars(select(Assignment).where(Assignment.partner_id == south.id)).all():
        acts.accept(session, rep_of(south), held.id, MONDAY + HOUR)
        acts.log(session, rep_of(south), held.id, CALL, MONDAY + 2 * HOUR)
    sweep(session, MONDAY + 20 * DAY)
    period = Period(MONDAY - DAY, MONDAY + DAY)
    result = by_other_rules(session, named(session, "North"), period=period)
    assert {p["name"]: (p["late_before"], p["late_after"]) for p in result["partners"]} == {
        "North": (4, 8), "South": (0, 0),
    }  # fmt: skip
    result = by_other_rules(session, named(session, "South"), period=period)
    assert {p["name"]: (p["late_before"], p["late_after"]) for p in result["partners"]} == {
        "North": (4, 0), "South": (0, 0),
    }  # fmt: skip


def test_a_partner_that_was_not_asked_stands_as_its_rows_tell(north_south: Session) -> None:
    """South was stopped on Tuesday and back on Wednesday; West, set up then, was in no rule at all."""
    session, tuesday = north_south, MONDAY + DAY
    south = partner_id(session, "South")
    acts.hold(session, STAFF, south, "moving", tuesday + 2 * HOUR, tuesday)
    publish_rules(session, named(session, "North"), now=tuesday)
    west = make_partner(session, "West", now=tuesday)
    for hour in (1, 3):
        sweep(session, tuesday + hour * HOUR)
        receive_lead(session, tuesday + hour * HOUR)
    both = {**EVERYONE, "pool": {"partners": [south, west.id]}}
    result = by_other_rules(session, both, period=Period(tuesday, tuesday + DAY))
    assert shares(result) == {"North": (1, 0), "South": (0, 1), "West": (0, 1)}


def test_the_same_question_gives_the_same_answer_and_writes_nothing(north_south: Session) -> None:
    before = _everything(north_south)
    rules = {**EVERYONE, "strategy": {"kind": "least_loaded"}}
    one, other = (by_other_rules(north_south, rules) for _ in range(2))
    assert one == other
    assert _everything(north_south) == before


def _everything(session: Session) -> dict[str, Any]:
    """Every row of every table but the what-ifs' own."""
    session.rollback()
    tables = [t for name, t in sorted(Model.metadata.tables.items()) if name != "trial"]
    found = {t.name: sorted(map(repr, session.execute(select(t)))) for t in tables}
    session.rollback()
    return found


def test_a_period_without_leads_has_an_answer_too(north_south: Session) -> None:
    result = by_other_rules(north_south, EVERYONE, period=Period(MONDAY - 9 * DAY, MONDAY - DAY))
    assert (result["leads"], result["partners"], result["uncovered"]) == (0, [], [])


def test_leads_that_wait_are_tried_again_as_places_come_free(session: Session) -> None:
    """North has one place. In the replay the second lead waits until the first is worked, then North gets it."""
    make_partner(session, "North", open_lead_cap=1)
    make_partner(session, "South", open_lead_cap=9)
    publish_rules(session)
    leads = [receive_lead(session, MONDAY + number * MINUTE) for number in range(2)]
    first = assignment_of(session, leads[0])
    assert first is not None
    rep = rep_of(session.get_one(Partner, first.partner_id))
    assert rep.partner_id == partner_id(session, "North")
    acts.accept(session, rep, first.id, MONDAY + HOUR)
    acts.log(session, rep, first.id, CALL, MONDAY + 2 * HOUR)
    receive_lead(session, MONDAY + DAY)
    result = by_other_rules(session, named(session, "North"))
    assert shares(result)["North"] == (1, 2)
    assert result["nobody"]["causes_after"] == {"open_cap": 1}


# As rows.


def asked(session: Session, *, live: bool = False, days: int = 1) -> str:
    def work() -> str:
        version = session.scalars(select(RuleVersion)).one()
        rules = [named(session, "North")]
        drafted = version if live else versions.draft(session, rules, "", MONDAY, SYSTEM)
        start = MONDAY - days * DAY
        return trials.ask(session, drafted.id, start, MONDAY + HOUR, MONDAY + DAY, SYSTEM).id

    return unit(session, work)


def clock() -> datetime:
    return MONDAY + DAY


def test_it_is_kept_with_how_far_it_is(north_south: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 2)
    seen: list[tuple[int, int, TrialState]] = []
    trial_id = asked(north_south)

    def look() -> bool:
        found = north_south.get_one(Trial, trial_id, populate_existing=True)
        seen.append((found.done, found.whole, found.state))
        north_south.rollback()
        return False

    assert trials.carry_out(north_south, trial_id, "me", clock, look) is TrialState.DONE
    running = TrialState.RUNNING
    assert seen == [(0, 0, running), *((n, 12, running) for n in (2, 4, 6, 8, 10))]
    found = north_south.get_one(Trial, trial_id, populate_existing=True)
    assert (found.done, found.whole, found.ended_at) == (12, 12, clock())
    assert found.result is not None and shares(found.result)["North"] == (3, 4)
    north_south.rollback()
    assert trials.carry_out(north_south, trial_id, "other", clock) is None


def test_one_that_is_cancelled_ends_with_its_next_step(north_south: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 2)
    trial_id, steps = asked(north_south), []

    def look() -> bool:
        steps.append(1)
        if len(steps) == 2:
            unit(north_south, lambda: trials.cancel(north_south, trial_id, clock()))
        return False

    assert trials.carry_out(north_south, trial_id, "me", clock, look) is None
    found = north_south.get_one(Trial, trial_id, populate_existing=True)
    assert (found.state, found.done, found.result, len(steps)) == (TrialState.CANCELLED, 2, None, 2)
    with pytest.raises(Conflict):
        trials.cancel(north_south, trial_id, clock())


def test_one_whose_worker_died_is_begun_anew(north_south: Session) -> None:
    trial_id = asked(north_south)
    assert unit(north_south, lambda: trials._taken(north_south, trial_id, "dead", clock()))
    assert trials.due(north_south, clock()) == []
    assert trials.carry_out(north_south, trial_id, "me", clock) is None

    def later() -> datetime:
        return clock() + trials.LEASE

    assert trials.due(north_south, later()) == [trial_id]
    assert trials.carry_out(north_south, trial_id, "me", later) is TrialState.DONE


def test_who_is_told_to_stop_gives_it_back(north_south: Session) -> None:
    trial_id = asked(north_south)
    assert trials.carry_out(north_south, trial_id, "me", clock, lambda: True) is None
    assert trials.due(north_south, clock()) == [trial_id]


def test_what_cannot_be_replayed_ends_with_the_problem(north_south: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("no such thing\nwith more")

    monkeypatch.setattr(trials, "run", broken)
    trial_id = asked(north_south)
    assert trials.carry_out(north_south, trial_id, "me", clock) is TrialState.BROKEN
    found = north_south.get_one(Trial, trial_id, populate_existing=True)
    assert (found.problem, found.ended_at) == ("RuntimeError: no such thing", clock())


def test_the_live_version_stands_for_the_rules_as_they_were(north_south: Session) -> None:
    trial_id = asked(north_south, live=True)
    publish_rules(north_south, named(north_south, "South"), now=MONDAY + 30 * MINUTE)
    receive_lead(north_south, MONDAY + 40 * MINUTE)
    assert trials.carry_out(north_south, trial_id, "me", clock) is TrialState.DONE
    found = north_south.get_one(Trial, trial_id, populate_existing=True)
    assert found.result is not None
    assert (found.result["leads"], found.result["elsewhere"]) == (7, 0)
    assert shares(found.result) == {"North": (3, 3), "South": (4, 4)}


def test_a_list_counts_as_it_was(session: Session) -> None:
    for name in ("North", "South"):
        make_partner(session, name)
    unit(session, lambda: lists.save(session, "vip", ["Globex"], MONDAY, SYSTEM))
    vip = {"all": [{"field": "company", "op": "in", "value": ["list:vip"]}]}
    publish_rules(session, {**named(session, "North"), "name": "Vip", "when": vip}, named(session, "South"))
    receive_lead(session, MONDAY + MINUTE, company="Globex")
    unit(session, lambda: lists.save(session, "vip", ["Initech"], MONDAY + HOUR, SYSTEM))
    receive_lead(session, MONDAY + 2 * HOUR, company="Globex")
    session.rollback()
    result = run(session, ALWAYS, None, quiet)
    assert (shares(result), result["elsewhere"]) == ({"North": (1, 1), "South": (1, 1)}, 0)


def test_a_draft_that_is_wrong_or_gone_is_not_replayed(north_south: Session) -> None:
    begun, ends, now = MONDAY - DAY, MONDAY, MONDAY + DAY
    nobody = {"name": "All", "strategy": {"kind": "named", "partner": "nobody"}, "then": "queue"}

    def work() -> str:
        draft = versions.draft(north_south, [EVERYONE], "", MONDAY, SYSTEM)
        draft.rules = [nobody]
        return draft.id

    draft_id = unit(north_south, work)
    with pytest.raises(Invalid):
        trials.ask(north_south, draft_id, begun, ends, now, SYSTEM)
    with pytest.raises(NotFound):
        trials.ask(north_south, "none", begun, ends, now, SYSTEM)
    for start, end in ((now, now + DAY), (ends, begun), (ends, ends), (now - 800 * DAY, now)):
        with pytest.raises(Invalid):
            trials.ask(north_south, draft_id, start, end, now, SYSTEM)


def test_so_many_at_once_and_no_more(north_south: Session) -> None:
    for _ in range(trials.MOST_UNDER_WAY):
        asked(north_south, live=True)
    with pytest.raises(Conflict):
        asked(north_south, live=True)

"""What if: the past replayed by its own rules is the past; by other rules it shows who gains, who loses, who finds
nobody. Nothing is written by it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.allocation import Decision
from models.base import Base, db
from portal.allocation.replay.reading import Period
from portal.allocation.replay.run import prepared, run, walk
from tests.support.databases import Database
from tests.support.machine import Vendor
from tests.support.world import DAY, MONDAY

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
        from portal.enforcement.sweep import sweep

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


def test_the_past_replayed_by_its_own_rules_is_the_past(app: Any, database: Database) -> None:
    with app.app_context():
        Replayed.database = database
        run_state_machine_as_test(
            Replayed,
            settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip

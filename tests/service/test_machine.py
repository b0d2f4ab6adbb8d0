"""Acts of all kinds in any order, on both databases: what PRODUCT promises holds after every one."""

import os

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.databases import Database
from tests.support.machine import Vendor

#: How many stories are told, by database; MACHINE_EXAMPLES tells more of them, at random.
EXAMPLES = {"sqlite": 9, "postgresql": 3}
STEPS = 50
LONGER = int(os.environ.get("MACHINE_EXAMPLES", "0"))


@pytest.mark.timeout(0)
def test_any_story_keeps_the_promises(app: Flask, database: Database) -> None:
    story = type("Story", (Vendor,), {"database": database})
    told = settings(
        max_examples=LONGER or EXAMPLES[database.kind], stateful_step_count=STEPS, deadline=None,
        derandomize=not LONGER, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with app.app_context():
        run_state_machine_as_test(story, settings=told)  # type: ignore[no-untyped-call]

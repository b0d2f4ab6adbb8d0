"""A decision's candidates survive being packed: every gate is told in the same words afterwards."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.allocation.gates import LeadFacts, PartnerNow, evaluate
from portal.allocation.record import pack, unpack
from portal.allocation.sentences import gate_sentence
from portal.vocabulary import Gate, Standing
from tests.policy.allocation_partners import partner

NOW = datetime(2026, 3, 30, 9, 0, tzinfo=UTC)
LEAD = LeadFacts(country="DE", region="Hamburg", postcode="20457", product="Backup", kind="early")
STATES = {
    "room": PartnerNow(True, Standing.GOOD, True, 3, 10, 2, 1, 2),
    "full": PartnerNow(True, Standing.REDUCED, True, 5, 5, 1, 4, 9),
    "stopped": PartnerNow(False, Standing.STOPPED, False, 0, 10, 2, 0, 0),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "everywhere": {},
    "elsewhere": {"territories": (("AT", None, None),), "products": frozenset({"Archive"})},
    "capped and quiet": {
        "daily_cap": 4,
        "weekly_cap": 9,
        "quiet_periods": ({"kind": "month_end", "days": 3},),
        "wants_early_leads": True,
    },
}


def stored(state: PartnerNow, settings: dict[str, Any], rank: int | None) -> dict[str, Any]:
    facts = partner(**settings)
    gates = [[g.gate.value, g.passed, dict(g.facts)] for g in evaluate(facts, state, LEAD, NOW)]
    eligible = all(passed for _, passed, _ in gates)
    return {"partner": facts.id, "name": "P", "eligible": eligible, "gates": gates, "rank": rank, "credit": 7}


def told(candidate: dict[str, Any], audience: str) -> list[str]:
    return [gate_sentence(Gate(g), passed, facts, audience, "P") for g, passed, facts in candidate["gates"]]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("state", STATES)
def test_a_packed_candidate_is_told_in_the_same_words(state: str, settings: str) -> None:
    before = stored(STATES[state], SETTINGS[settings], rank=2)
    after = next(unpack(json.loads(json.dumps(pack([before])))))
    for audience in ("staff", "partner"):
        assert told(after, audience) == told(before, audience)
    assert (after["eligible"], after["rank"], after["credit"]) == (before["eligible"], 2, 7)


def test_who_was_ruled_out_by_settings_is_kept_with_its_gate() -> None:
    missed = {"partner": "p2", "name": "Q", "eligible": False, "gates": [["territory", False, {}]], "rank": None,
              "credit": None}  # fmt: skip
    first = stored(STATES["room"], SETTINGS["everywhere"], rank=1)
    both = list(unpack(json.loads(json.dumps(pack([first, missed])))))
    assert [c["partner"] for c in both] == [first["partner"], "p2"]
    assert [g[:2] for g in both[1]["gates"]] == [["territory", False]]
    assert not both[1]["eligible"]

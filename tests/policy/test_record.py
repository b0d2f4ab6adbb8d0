"""A decision's candidates survive being packed: every gate is told in the same words afterwards."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.allocation.gates import GATES, LeadFacts, PartnerNow, evaluate
from portal.allocation.record import Candidate, pack, unpack
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


def candidate(state: PartnerNow, settings: dict[str, Any], rank: int | None) -> Candidate:
    facts = partner(**settings)
    shut = tuple(g.gate for g in evaluate(facts, state, LEAD, NOW) if not g.passed)
    return Candidate(facts, state, LEAD, NOW, shut, rank, 7)


def told(gates: Iterable[Iterable[Any]], audience: str) -> list[str]:
    return [gate_sentence(Gate(g), passed, facts, audience, "P") for g, passed, facts in gates]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("state", STATES)
def test_a_packed_candidate_is_told_in_the_same_words(state: str, settings: str) -> None:
    before = candidate(STATES[state], SETTINGS[settings], rank=2)
    kept = json.loads(json.dumps(pack(LEAD, [before], {})))
    after = next(unpack(kept, {before.facts.slot: before.facts.id}))
    for audience in ("staff", "partner"):
        assert told(after["gates"], audience) == told(before.gates, audience)
    assert (after["partner"], after["rank"], after["credit"]) == (before.facts.id, 2, 7)
    assert after["eligible"] is before.eligible


def test_who_was_ruled_out_by_settings_is_kept_with_its_gate() -> None:
    first = candidate(STATES["room"], SETTINGS["everywhere"], rank=1)
    kept = json.loads(json.dumps(pack(LEAD, [first], {Gate.TERRITORY: 1 << 70, Gate.CERTIFIED: 0})))
    both = list(unpack(kept, {first.facts.slot: first.facts.id, 70: "p2", 71: "p3"}))
    assert [c["partner"] for c in both] == [first.facts.id, "p2"]
    assert [g[:2] for g in both[1]["gates"]] == [["territory", False]]
    assert not both[1]["eligible"]


def test_a_partner_reads_nothing_of_others() -> None:
    both = [candidate(STATES["room"], SETTINGS["everywhere"], rank=1)]
    assert list(unpack(pack(LEAD, both, {Gate.TERRITORY: 1 << 70}), {99: "me"})) == []


def test_a_record_from_before_a_gate_was_added_tells_the_gates_of_its_day() -> None:
    before = candidate(STATES["room"], SETTINGS["everywhere"], rank=1)
    kept = json.loads(json.dumps(pack(LEAD, [before], {})))
    kept["gates"] = kept["gates"][:-1]
    after = next(unpack(kept, {before.facts.slot: before.facts.id}))
    assert [gate for gate, *_ in after["gates"]] == [gate.value for gate in GATES][:-1]

"""What staff and the partner read about a gate and a decision; what a partner must never read."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from portal.allocation.gates import evaluate
from portal.allocation.sentences import Seen, decision_sentence, gate_sentence, missed_sentence
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate, QueueReason, Standing, StrategyKind
from tests.policy.allocation_partners import NOW, calendar, lead, partner, state

HAMBURG = {"country": "DE", "region": "DE-HH", "postcode": None, "all": False}


@pytest.mark.parametrize(
    ("gate", "passed", "facts", "staff", "you"),
    [
        (Gate.ACTIVE, True, {}, "Nordhaven is active.", "You are active."),
        (Gate.ACTIVE, False, {}, "Nordhaven is not active.", "You are not active."),
        (Gate.STANDING, True, {"standing": "good"}, "Nordhaven was in good standing.", "You were in good standing."),
        (Gate.STANDING, True, {"standing": "probation"}, "Nordhaven was on probation.", "You were on probation."),
        (Gate.STANDING, False, {"standing": "stopped"}, "Nordhaven was stopped: no new leads.",
         "You were stopped: no new leads."),
        (Gate.TERRITORY, True, HAMBURG, "Hamburg (DE-HH) is in its territory.",
         "Hamburg (DE-HH) is in your territory."),
        (Gate.TERRITORY, False, {**HAMBURG, "region": "BY", "postcode": "80331"},
         "80331, Bayern (DE-BY) is not in its territory.", "80331, Bayern (DE-BY) is not in your territory."),
        (Gate.TERRITORY, True, {**HAMBURG, "region": "the north"}, "the north, DE is in its territory.",
         "the north, DE is in your territory."),
        (Gate.TERRITORY, True, {"country": None, "region": None, "postcode": None, "all": False},
         "The lead names no country.", "The lead names no country."),
        (Gate.TERRITORY, True, {**HAMBURG, "all": True}, "Nordhaven covers every territory.",
         "You cover every territory."),
        (Gate.TERRITORY, False, {}, "The lead is outside its territory.", "The lead is outside your territory."),
        (Gate.CERTIFIED, True, {"product": "Widget", "all": False}, "Nordhaven is certified for Widget.",
         "You are certified for Widget."),
        (Gate.CERTIFIED, False, {}, "Nordhaven is not certified for the product.",
         "You are not certified for the product."),
        (Gate.CERTIFIED, True, {"product": None, "all": False}, "The lead names no product.",
         "The lead names no product."),
        (Gate.OPEN_CAP, True, {"open": 4, "cap": 10}, "Nordhaven had 4 of 10 open leads.",
         "You had 4 of 10 open leads."),
        (Gate.OPEN_CAP, False, {"open": 10, "cap": 10}, "Nordhaven had 10 of 10 open leads: no room.",
         "You had 10 of 10 open leads: no room."),
        (Gate.OPEN_CAP, False, {"open": 9, "cap": 10}, "Nordhaven had no room left at that moment.",
         "You had no room left at that moment."),
        (Gate.DAILY_CAP, True, {"offered": 0, "cap": None}, "Nordhaven has no cap for that day.",
         "You have no cap for that day."),
        (Gate.WEEKLY_CAP, False, {"offered": 5, "cap": 5}, "Nordhaven had 5 of 5 leads that week: no room.",
         "You had 5 of 5 leads that week: no room."),
        (Gate.CLOSURE, False, {"until": "2026-03-05T23:00:00+00:00", "last": "2026-03-05"},
         "Nordhaven was closed until the end of Thu 5 Mar 2026.", "You were closed until the end of Thu 5 Mar 2026."),
        (Gate.WANTS_KIND, False, {"kind": "early"}, "Nordhaven did not ask for early leads.",
         "You did not ask for early leads."),
        (Gate.EARLIER_HOLDER, False, {}, "Nordhaven had held this lead before and it moved on.",
         "You had held this lead before and it moved on."),
        (Gate.CONFLICT, False, {}, "Another partner owns the account by an open deal.", "Others were due first."),
    ],
)  # fmt: skip
def test_a_gate_in_words(gate: Gate, passed: bool, facts: dict[str, Any], staff: str, you: str) -> None:
    assert gate_sentence(gate, passed, facts, "staff", "Nordhaven") == staff
    assert gate_sentence(gate, passed, facts, "partner", "Nordhaven") == you


BUSY = {"until": "2026-03-05T23:00:00+00:00", "last": "2026-03-05"}


@pytest.mark.parametrize(
    ("gate", "passed", "facts"), list(product(Gate, (True, False), ({}, BUSY, {"standing": "held"})))
)
def test_every_gate_has_a_sentence_whatever_was_kept(gate: Gate, passed: bool, facts: dict[str, Any]) -> None:
    for audience in ("staff", "partner"):
        sentence = gate_sentence(gate, passed, facts, audience, "Nordhaven")
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert "Nordhaven" not in gate_sentence(gate, passed, facts, "partner", "Nordhaven")


@pytest.mark.parametrize("standing", list(Standing))
def test_what_the_gates_answer_can_be_told(standing: Standing) -> None:
    away = partner(calendar=calendar(("2026-03-01", "2026-03-05")), quiet_periods=({"kind": "month_end", "days": 31},))
    for result in evaluate(away, state(standing=standing), lead(), NOW):
        assert gate_sentence(result.gate, result.passed, result.facts, "partner", "Nordhaven").endswith(".")


def candidate(name: str, closed: Gate | None = None, rank: int | None = None, facts: Any = None) -> dict[str, Any]:
    """A candidate as a decision keeps it."""
    gates = [[gate.value, gate is not closed, facts or {}] for gate in Gate]
    return {
        "partner": name.lower(),
        "name": name,
        "eligible": closed is None,
        "rank": rank,
        "credit": 7,
        "gates": gates,
    }


WON = [candidate("Nordhaven", rank=1), candidate("Sudberg", rank=2), candidate("Ostfeld", Gate.OPEN_CAP)]


def seen(candidates: Sequence[dict[str, Any]]) -> Seen:
    """What a decision about these candidates, the first of them the winner, tells of all."""
    closed = Counter(Gate(gate) for c in candidates for gate, passed, _ in c["gates"] if not passed)
    fit = sum(c["eligible"] for c in candidates)
    return Seen(fit, bool(candidates) and candidates[0]["rank"] is not None, closed)


def decided(
    audience: str, origin: AssignmentOrigin, strategy: StrategyKind, candidates: Sequence[dict[str, Any]] = WON
) -> str:
    return decision_sentence(
        outcome=DecisionOutcome.OFFERED, origin=origin, strategy=strategy, reason=None, winner="Nordhaven",
        seen=seen(candidates), audience=audience,
    )  # fmt: skip


ROBIN, LEAST, NAMED = StrategyKind.WEIGHTED_ROUND_ROBIN, StrategyKind.LEAST_LOADED, StrategyKind.NAMED


@pytest.mark.parametrize(
    ("origin", "strategy", "candidates", "sentence"),
    [
        (AssignmentOrigin.ROTATION, ROBIN, WON, "Nordhaven was next in turn among 2 partners that fit."),
        (AssignmentOrigin.ROTATION, ROBIN, WON[::2], "Nordhaven was next in turn as the only partner that fits."),
        (AssignmentOrigin.RULE, LEAST, WON, "Nordhaven was the least loaded among 2 partners that fit."),
        (AssignmentOrigin.RULE, LEAST, WON[::2], "Nordhaven was the only partner that fits."),
        (AssignmentOrigin.RULE, NAMED, WON, "Nordhaven is the partner that the rule names."),
        (AssignmentOrigin.RULE, ROBIN, [candidate("Nordhaven")],
         "Nordhaven is the partner to whom the rule turns where nobody else can take a lead."),
        (AssignmentOrigin.RETURNING, ROBIN, WON, "Nordhaven held this person's last lead and was asked first."),
        (AssignmentOrigin.SAME_COMPANY, ROBIN, WON, "Nordhaven is working this company and was asked first."),
    ],
)  # fmt: skip
def test_to_staff_who_got_it_and_why(
    origin: AssignmentOrigin, strategy: StrategyKind, candidates: list[dict[str, Any]], sentence: str
) -> None:
    assert decided("staff", origin, strategy, candidates) == sentence


@pytest.mark.parametrize(("origin", "strategy"), list(product(AssignmentOrigin, (ROBIN, LEAST, NAMED))))
def test_to_the_partner_no_name_count_or_rank(origin: AssignmentOrigin, strategy: StrategyKind) -> None:
    sentence = decided("partner", origin, strategy)
    assert not any(word in sentence for word in ("Nordhaven", "Sudberg", "Ostfeld", "rule", "rank", "1", "2"))


def test_to_the_partner_whose_turn_it_was() -> None:
    assert decided("partner", AssignmentOrigin.ROTATION, ROBIN) == "It was your turn among those that fit."


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        (candidate("Sudberg", rank=2), "Others were due first."),
        (candidate("Sudberg", Gate.CONFLICT), "Others were due first."),
        (candidate("Sudberg", Gate.STANDING, facts={"standing": "stopped"}), "You were stopped: no new leads."),
        (candidate("Sudberg", Gate.OPEN_CAP, facts={"open": 3, "cap": 3}), "You had 3 of 3 open leads: no room."),
    ],
)
def test_to_a_partner_that_did_not_get_it(own: dict[str, Any], sentence: str) -> None:
    assert missed_sentence(own) == sentence


def queued(
    *candidates: dict[str, Any], reason: QueueReason = QueueReason.NOBODY_ELIGIBLE, audience: str = "staff"
) -> str:
    return decision_sentence(
        outcome=DecisionOutcome.QUEUED, origin=None, strategy=ROBIN, reason=reason, winner=None, seen=seen(candidates),
        audience=audience,
    )  # fmt: skip


def test_to_staff_why_nobody_got_it() -> None:
    full, away = Gate.OPEN_CAP, Gate.CLOSURE
    assert queued(reason=QueueReason.NO_RULE) == "No rule takes this lead."
    assert queued() == "The rule asks no partner."
    assert queued(candidate("A", full), candidate("B", full), candidate("C", Gate.TERRITORY)) == (
        "All 2 partners that fit are out: 2 at their cap of open leads."
    )
    assert queued(candidate("A", full), candidate("B", full), candidate("C", away)) == (
        "All 3 partners that fit are out: 2 at their cap of open leads, 1 closed."
    )
    assert queued(candidate("A", away)) == "The only partner that fits is out: 1 closed."
    assert queued(candidate("A", Gate.TERRITORY), candidate("B", Gate.CERTIFIED)) == (
        "None of 2 partners fits: 1 outside their territory, 1 not certified for the product."
    )
    assert queued(candidate("A", full), audience="partner") == "No partner could take it."


def test_in_the_open_pool() -> None:
    sentence = decision_sentence(
        outcome=DecisionOutcome.POOLED, origin=None, strategy=StrategyKind.OPEN_POOL, reason=None, winner=None,
        seen=seen(WON), audience="partner",
    )  # fmt: skip
    assert sentence == "It is in the open pool: the first to claim it gets it."

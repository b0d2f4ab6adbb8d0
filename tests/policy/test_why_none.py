"""Why a partner got none: each lead once, its own causes only, and nothing of a rival's for the partner."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow, evaluate
from portal.allocation.record import Candidate, pack
from portal.allocation.why_none import (
    CAUSES,
    CHANGES,
    DUE_FIRST,
    GOT,
    NOBODYS,
    NOT_ASKED,
    POOLED,
    Decided,
    Why,
    headline,
    reasons,
    why_none,
)
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate, Standing
from tests.policy.allocation_partners import NOW, calendar, lead, partner, state

ME, RIVAL = partner(id="me", slot=3), partner(id="rival", slot=1, name="Rival Systems")
OFFERED, POOL = DecisionOutcome.OFFERED, DecisionOutcome.POOLED


def candidate(facts: PartnerFacts, now: PartnerNow, asked: LeadFacts, rank: int | None = None) -> Candidate:
    shut = tuple(g.gate for g in evaluate(facts, now, asked, NOW) if not g.passed)
    return Candidate(facts, now, asked, NOW, shut, None if shut else rank, 0)


def decided(
    lead_id: str = "l", *, to: str | None = "rival", outcome: DecisionOutcome = OFFERED, hour: int = 0,
    origin: AssignmentOrigin = AssignmentOrigin.ROTATION, me: PartnerFacts | None = ME, asked: LeadFacts | None = None,
    missed: Gate | None = None, **now: Any,
) -> Decided:  # fmt: skip
    """A stored decision with the rival first, and this partner in such a state (None: not asked)."""
    about = asked or lead()
    rows = [candidate(RIVAL, state(), about, 1)]
    if me is not None and missed is None:
        rows.append(candidate(me, state(**now), about, 2))
    record = json.loads(json.dumps(pack(about, rows, {missed: 1 << 3} if missed else {})))
    winner = to if outcome is OFFERED else None
    return Decided(f"d{hour:02}", lead_id, NOW + timedelta(hours=hour), outcome, winner, origin.value, record)


def why(*decisions: Decided) -> Why:
    return why_none(decisions, 3, "me")


KEPT_OFF: list[tuple[str, dict[str, Any], str]] = [
    (Gate.ACTIVE, {"active": False}, ""),
    (Gate.REACHABLE, {"reachable": False}, ""),
    (Gate.STANDING, {"standing": Standing.STOPPED}, "stopped"),
    (Gate.STANDING, {"standing": Standing.HELD}, "on hold"),
    (Gate.TERRITORY, {"missed": Gate.TERRITORY}, "20095, Hamburg (DE-HH)"),
    (Gate.CERTIFIED, {"missed": Gate.CERTIFIED}, "Widget Pro"),
    (Gate.OPEN_CAP, {"open_leads": 10}, "cap of 10"),
    (Gate.DAILY_CAP, {"me": partner(id="me", slot=3, daily_cap=2), "offered_today": 2}, "cap of 2"),
    (Gate.WEEKLY_CAP, {"me": partner(id="me", slot=3, weekly_cap=2), "offered_this_week": 2}, "cap of 2"),
    (Gate.CLOSURE, {"me": partner(id="me", slot=3, calendar=calendar(("2026-03-01", "2026-03-05")))}, ""),
    (Gate.QUIET_PERIOD,
     {"me": partner(id="me", slot=3, quiet_periods=({"kind": "month_end", "days": 31},))}, ""),
    (Gate.WANTS_KIND, {"asked": lead(kind="early")}, ""),
    (Gate.EARLIER_HOLDER, {"asked": lead(earlier_holders=frozenset({"me"}))}, ""),
    (Gate.CONFLICT, {"asked": lead(conflict_owner="rival")}, ""),
    (Gate.PRODUCT_CAP,
     {"me": partner(id="me", slot=3, product_caps={"widget pro": 1}), "open_of_product": 1}, "cap of 1 for Widget Pro"),
    (POOLED, {"outcome": POOL}, ""),
    (DUE_FIRST, {}, ""),
    (NOT_ASKED, {"me": None}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "how", "detail"), KEPT_OFF)
def test_each_cause_is_told_by_its_name(name: str, how: dict[str, Any], detail: str) -> None:
    found = why(decided(**how))
    assert [(cause.name, cause.count) for cause in found.causes] == [(name, 1)]
    assert dict(found.causes[0].details) == {detail: 1}
    (told,) = reasons(found, "staff")
    assert told.name == name and told.leads == 1 and told.sentence.startswith("1 lead ")


def test_every_gate_has_its_words() -> None:
    assert {*CAUSES} == {*CHANGES} == {gate.value for gate in Gate} | {POOLED, DUE_FIRST, NOT_ASKED}


def test_what_it_got_counts_as_got_whatever_came_before_or_after() -> None:
    found = why(
        decided(hour=0, open_leads=10), decided(hour=1, to="me"),
        decided(hour=2, asked=lead(earlier_holders=frozenset({"me"}))),
    )  # fmt: skip
    assert found.got == {"l": "rotation"} and found.causes == ()


def test_the_last_decision_that_asked_it_tells_why_in_any_order() -> None:
    first, then = decided(hour=1, open_leads=10), decided(hour=2, standing=Standing.STOPPED)
    by_hand = decided(hour=3, me=None, origin=AssignmentOrigin.BY_HAND)
    for order in ([first, then, by_hand], [by_hand, then, first]):
        assert [(cause.name, cause.leads) for cause in why(*order).causes] == [(Gate.STANDING, ("l",))]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(KEPT_OFF), st.booleans()), max_size=30))
def test_the_counts_add_up_to_the_leads(drawn: list[tuple[int, Any, bool]]) -> None:
    stored = [
        decided(f"lead {number}", hour=hour, **(how | ({"to": "me", "outcome": OFFERED} if got else {})))
        for hour, (number, (_, how, _), got) in enumerate(drawn)
    ]
    found = why(*stored)
    leads = [*found.got, *(each for cause in found.causes for each in cause.leads)]
    assert sorted(leads) == sorted({each.lead_id for each in stored}) and found.decided == len(leads)
    assert all(sum(cause.details.values()) == cause.count for cause in found.causes)
    told = [reason.leads for reason in reasons(found, "staff")]
    assert sum(count or 0 for count in told) == len(leads) - len(found.got)


def test_a_partner_reads_of_itself_only() -> None:
    """Losing on rank and on a conflict are one line without a count; what it was not asked of is no line at all."""
    found = why(
        decided("a"), decided("b"), decided("c", asked=lead(conflict_owner="rival")), decided("d", me=None),
        decided("e", standing=Standing.STOPPED), decided("f", missed=Gate.TERRITORY),
    )  # fmt: skip
    told = reasons(found, "partner")
    assert [(reason.name, reason.leads) for reason in told] == [
        (Gate.STANDING, 1), (DUE_FIRST, None), (Gate.TERRITORY, 1),
    ]  # fmt: skip
    assert told[1].sentence == NOBODYS and not told[2].details
    text = str(told) + headline(found, "partner")
    assert "Rival" not in text and "rank" not in text and "conflict" not in text and "rule" not in text
    assert [reason.leads for reason in reasons(found, "staff")] == [2, 1, 1, 1, 1]


def test_only_a_conflict_reads_as_any_other_turn() -> None:
    rank, conflict = why(decided()), why(decided(asked=lead(conflict_owner="rival")))
    assert reasons(rank, "partner") == reasons(conflict, "partner")
    assert headline(rank, "partner") == headline(conflict, "partner") == f"You got no leads in these days. {NOBODYS}"


def test_half_a_share_is_told_as_what_changes_it() -> None:
    (told,) = reasons(why(decided(standing=Standing.REDUCED)), "partner")
    assert told.change == "On reduced leads you get half your share: see the way back."


def test_the_headline_names_what_was_in_reach() -> None:
    stopped = [decided(f"s{n}", standing=Standing.STOPPED) for n in range(2)]
    away = [decided(f"t{n}", missed=Gate.TERRITORY) for n in range(5)]
    assert headline(why(*stopped, *away), "partner") == (
        "You got no leads in these days. What stood in your way most often: 2 leads while you were stopped."
    )
    assert headline(why(*away, decided("g", to="me")), "staff", "Nordhaven") == (
        "Nordhaven got 1 lead in these days. What stood in its way most often: 5 leads outside its territory."
    )
    assert headline(why(), "partner") == "You got no leads in these days. Nothing came in that could have been yours."
    assert headline(why(decided(to="me")), "partner") == "You got 1 lead in these days."
    assert why(decided(to="me")).of(GOT).count == 0
    held = [decided("h", standing=Standing.HELD), *stopped]
    assert reasons(why(*held), "partner")[0].sentence == "3 leads while you were stopped or on hold"


def test_nothing_in_reach_but_others_first() -> None:
    assert headline(why(decided("a"), decided("b", missed=Gate.TERRITORY)), "partner") == (
        f"You got no leads in these days. {NOBODYS}"
    )

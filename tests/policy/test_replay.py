"""Re-dating one obligation, ending an assignment by a new hand-over: each case of the table."""

import pytest

from portal.compliance.policy import Mark, initial
from portal.compliance.replay import handed_on, lived, redated, under
from portal.vocabulary import Standing, StopCause
from tests.policy.standing_marks import START, at, days, ladder, mark, rules


def dated(one: Mark, due: float, *, hands_on: bool = False) -> Mark:
    return redated(one, at(due), at(due), hands_on=hands_on)


def told(one: Mark) -> dict[str, float]:
    names = ("met_at", "breached_at", "cured_at", "waived_at", "cancelled_at", "settled_at")
    return {
        name.removesuffix("_at"): (value - START).total_seconds() / 3600
        for name in names
        if (value := getattr(one, name)) is not None
    }


@pytest.mark.parametrize(
    ("one", "due", "hands_on", "becomes"),
    [
        (mark(10, met=8), 9, False, {"met": 8}),
        (mark(10, met=8), 8, False, {"breached": 8, "cured": 8}),  # at the due instant the breach is made first
        (mark(10, met=8), 6, False, {"breached": 6, "cured": 8}),
        (mark(10, met=8), 6, True, {"breached": 6}),
        (mark(10, cured=14), 20, False, {"met": 14}),
        (mark(10, cured=14), 12, False, {"breached": 12, "cured": 14}),
        (mark(10), 20, False, {}),
        (mark(10, waived=7), 5, False, {"breached": 5, "waived": 7}),
        (mark(10, waived=7), 8, False, {"waived": 7}),
        (mark(10, waived=15), 20, False, {"waived": 15}),
        (mark(10, cancelled=7), 5, False, {"breached": 5, "settled": 7}),
        (mark(10, cancelled=7), 8, False, {"cancelled": 7}),
        (mark(10, settled=15), 20, False, {"cancelled": 15}),
        (mark(10, settled=15), 12, False, {"breached": 12, "settled": 15}),
        (mark(10, settled=10, hands_on=True), 20, False, {}),  # moved by its own breach: no act
        (mark(10, cured=14, waived=16), 20, False, {"met": 14}),  # kept now: nothing to waive
    ],
)
def test_acts_stand_at_their_true_times(one: Mark, due: float, hands_on: bool, becomes: dict[str, float]) -> None:
    assert told(dated(one, due, hands_on=hands_on)) == becomes


def test_with_the_same_instants_it_is_what_it_was() -> None:
    one = mark(10, settled=10, hands_on=True)
    assert redated(one, one.due_at, one.grace_until, hands_on=True) is one


def ended(*others: Mark, first: Mark | None = None) -> dict[str, dict[str, float]]:
    """What the rest of an assignment becomes once its first obligation newly takes the lead away at hour 10."""
    was = first or mark(50, met=40, assignment="a", id="first")
    marks = [was, *others]
    new = [dated(was, 10, hands_on=True), *others]
    return {m.id: told(m) for m in handed_on({m.id: m for m in marks}, new, at(100)) if m.id != "first"}


@pytest.mark.parametrize(
    ("other", "becomes"),
    [
        (mark(30, opened=10, assignment="a", id="o"), None),
        (mark(30, opened=9, assignment="a", id="o"), {"cancelled": 10}),
        (mark(30, opened=1, met=12, assignment="a", id="o"), {"cancelled": 10}),
        (mark(30, opened=1, met=9, assignment="a", id="o"), {"met": 9}),
        (mark(8, opened=1, cured=12, assignment="a", id="o"), {"breached": 8, "settled": 10}),
        (mark(8, opened=1, cured=9, assignment="a", id="o"), {"breached": 8, "cured": 9, "settled": 10}),
        (mark(30, opened=10, assignment="b", id="o"), {}),
    ],
)
def test_a_new_hand_over_ends_the_rest_of_its_assignment(other: Mark, becomes: dict[str, float] | None) -> None:
    assert ended(other).get("o") == becomes


def test_a_recorded_hand_over_has_ended_it_already() -> None:
    was = mark(10, settled=10, hands_on=True, assignment="a", id="first")
    other = mark(30, opened=1, cancelled=10, assignment="a", id="o")
    assert handed_on({m.id: m for m in (was, other)}, [was, other], at(100)) == [was, other]


def test_one_ladder_rules_from_the_start_of_the_period_on() -> None:
    versions = rules(ladder(), (10, ladder(stop_days=1)), (30, ladder(stop_days=2)))
    ruled = under(versions, at(20), ladder(stop_days=7))
    assert [(v.ladder.stop_days, v.number) for v in ruled] == [(5, 1), (1, 2), (7, 4)]


def test_a_stop_of_the_replay_alone_is_answered_at_once() -> None:
    rule = ladder(breaches_in_a_row=1, stop_days=1, probation_days=0)
    missed = [mark(5, cured=5.5)]
    silent = lived(initial(START), missed, (), rules(rule), days, START, at(200))
    assert (silent.standing, silent.stops, silent.stopped) == (Standing.STOPPED, 1, ((at(5), at(200)),))
    answered = lived(initial(START), missed, (), rules(rule), days, START, at(200), really=())
    assert (answered.standing, answered.stopped) == (Standing.GOOD, ((at(5), at(29)),))
    truly = lived(initial(START), missed, (), rules(rule), days, START, at(200), really=silent.low)
    assert truly == silent and silent.steps[0].cause is StopCause.ROW

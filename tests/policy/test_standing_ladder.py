"""Each sentence of the ladder's rules as a case: which rung is named, what stops, and what leads back."""

from fractions import Fraction

import pytest

from portal.compliance.policy import Ladder, State, initial, rate_at
from portal.vocabulary import LedgerKind, Standing, StopCause
from tests.policy.standing_marks import (
    HOUR,
    START,
    at,
    cured,
    days,
    fold,
    ladder,
    mark,
    measure,
    met,
    rules,
    told,
)

OVERDUE_2 = ladder(stop_on_overdue=2)
ROW_3 = ladder(breaches_in_a_row=3)
RATE = ladder(minimum_sample=5, window_days=10, decay_days=20)


def test_the_default_ladder_is_the_one_in_use() -> None:
    sent = {"window_days": 90, "minimum_sample": 5, "warn_below": 0.9, "reduce_below": 0.8, "stop_below": 0.6,
            "stop_on_overdue": 3, "breaches_in_a_row": 3, "stop_days": 5,
            "probation": {"days": 10, "open_lead_cap": 2}, "decay_days": 180}  # fmt: skip
    assert Ladder.from_mapping(sent) == Ladder.from_mapping({}) == Ladder()


def test_a_ladder_is_read_exactly() -> None:
    read = Ladder.from_mapping(
        {"warn_below": 0.7, "probation": {"days": 0, "open_lead_cap": 1}, "severity": {"respond": 2}}
    )
    assert (read.warn_below, read.probation_days, read.probation_open_lead_cap) == (Fraction(7, 10), 0, 1)
    assert read.severity == {"respond": 2}


@pytest.mark.parametrize(
    ("kept", "missed", "shown"),
    [
        (10, 0, "good"),
        (9, 1, "good"),  # 0.90 is not below 0.90
        (27, 3, "good"),
        (17, 2, "warned"),  # 0.894...
        (8, 2, "warned"),  # 0.80 is not below 0.80
        (7, 2, "reduced"),
        (3, 2, "reduced"),  # 0.60 is not below 0.60
        (5, 4, "stopped"),
        (2, 2, "good"),  # below the minimum sample
    ],
)
def test_rate_names_the_rung(kept: int, missed: int, shown: str) -> None:
    """The missed come last and are done late, so that nothing is overdue and the rate never was lower."""
    marks = [*met(*range(1, kept + 1)), *cured(*range(50, 50 + missed))]
    state, _ = fold(marks, 60, RATE)
    assert state.shown == shown
    assert state.cause is (StopCause.RATE if shown == "stopped" else None)


def test_anything_overdue_warns_until_it_is_done() -> None:
    state, steps = fold([mark(5, cured=8)], 10, ladder())
    assert told(steps) == [(5, "warned"), (8, "good")]
    assert steps[0].overdue == 1
    assert state.shown_since == at(8)


@pytest.mark.parametrize("act", ["waived", "settled"])
def test_waived_or_settled_is_not_overdue(act: str) -> None:
    _, steps = fold([mark(5, **{act: 8})], 10, ladder())
    assert told(steps) == [(5, "warned"), (8, "good")]


@pytest.mark.parametrize("acts", [{"cancelled": 3}, {"waived": 3}, {"met": 3}])
def test_ended_in_time_is_never_a_breach(acts: dict[str, float]) -> None:
    assert told(fold([mark(5, **acts)], 10, ladder(breaches_in_a_row=1, stop_on_overdue=1))[1]) == []


def test_grace_delays_the_breach_but_not_its_date() -> None:
    late = mark(5, grace=2)
    state, steps = fold([late], 10, ladder())
    assert told(steps) == [(7, "warned")]
    assert state.last_breach_at == at(5)
    assert told(fold([mark(5, grace=2, met=6)], 10, ladder())[1]) == []


def test_a_breach_that_takes_the_lead_away_is_never_overdue_but_counts_in_the_row() -> None:
    marks = [mark(5 + i, hands_on=True, settled=5 + i) for i in range(3)]
    state, steps = fold(marks, 20, ladder(stop_on_overdue=1, breaches_in_a_row=3))
    assert told(steps) == [(7, "stopped")]
    assert (state.cause, state.because) == (StopCause.ROW, tuple(m.id for m in marks))


def test_a_breach_that_takes_the_lead_away_ends_the_rest_of_its_assignment() -> None:
    contact = mark(5, kind="first_contact", hands_on=True, assignment="a")
    feedback, other = mark(6, assignment="a"), mark(7, assignment="b")
    state, _ = fold([contact, feedback, other], 10, ladder())
    assert state.because == (other.id,)
    same_instant = mark(5, assignment="a")
    state, _ = fold([contact, same_instant], 10, ladder(stop_on_overdue=1))
    assert (state.shown, state.last_breach_at) == (Standing.GOOD, at(5))


def test_overdue_at_once_stops_and_lifts_when_nothing_is_overdue() -> None:
    marks = [mark(5, cured=12), mark(6, cured=9)]
    _, steps = fold(marks, 11, OVERDUE_2)
    assert told(steps) == [(5, "warned"), (6, "stopped")]
    assert steps[-1].because == tuple(m.id for m in marks)
    state, steps = fold(marks, 12, OVERDUE_2)
    assert told(steps)[2:] == [(12, "probation")]
    assert (state.fresh_from, state.probation_until) == (at(12), days(at(12), 10))


def test_probation_ends_good_after_its_business_days() -> None:
    marks = [mark(5, cured=12), mark(6, cured=9)]
    over = (days(at(12), 10) - START) / HOUR
    assert told(fold(marks, over, OVERDUE_2)[1])[3:] == [(over, "good")]
    assert told(fold(marks, over - 1, OVERDUE_2)[1])[3:] == []


def test_without_probation_days_a_stop_lifts_straight_to_good() -> None:
    state, steps = fold([mark(5, cured=6)], 20, ladder(stop_on_overdue=1, probation_days=0))
    assert told(steps) == [(5, "stopped"), (6, "good")]
    assert state.fresh_from == at(6)


def test_three_in_a_row_stop_even_when_each_is_done_late() -> None:
    state, steps = fold(cured(5, 6, 7), 10, ROW_3)
    assert told(steps)[-1] == (7, "stopped")
    assert (state.cause, len(state.because)) == (StopCause.ROW, 3)


@pytest.mark.parametrize(
    "between",
    [mark(6.5, met=6.4), mark(50, met=6.5), mark(6.2, met=6.6, grace=1)],
    ids=["met", "met long before due", "met in grace"],
)
def test_a_met_between_breaks_the_row(between: object) -> None:
    state, _ = fold([*cured(5, 6, 7), between], 10, ROW_3)  # type: ignore[list-item]
    assert state.rung is Standing.GOOD


def test_waived_and_cancelled_do_not_break_a_row_and_do_not_lengthen_it() -> None:
    marks = [*cured(5, 6, 7), mark(6.5, cancelled=6.4), mark(6.6, waived=6.5)]
    assert fold(marks, 10, ROW_3)[0].rung is Standing.STOPPED
    marks = [*cured(5), mark(6, cured=6.25, waived=6.8), *cured(7)]
    assert fold(marks, 10, ROW_3)[0].rung is Standing.GOOD


def test_overdue_wins_over_row_and_rate() -> None:
    every = ladder(stop_on_overdue=3, breaches_in_a_row=3, minimum_sample=3)
    assert fold([mark(5), mark(6), mark(7)], 8, every)[0].cause is StopCause.OVERDUE
    assert fold(cured(5, 6, 7), 8, every)[0].cause is StopCause.ROW


def test_row_stop_needs_days_since_the_last_breach_and_ready() -> None:
    marks, lift = cured(5, 6, 7), (days(at(7), 5) - START) / HOUR
    silent, _ = fold(marks, lift + 500, ROW_3)
    assert (silent.shown, silent.stop_until) == (Standing.STOPPED, at(lift))
    early = [measure(LedgerKind.READY, 8)]
    assert told(fold(marks, lift, ROW_3, early)[1])[-1] == (lift, "probation")
    assert told(fold(marks, lift - 0.1, ROW_3, early)[1])[-1] == (7, "stopped")
    late = [measure(LedgerKind.READY, lift + 30)]
    assert told(fold(marks, lift + 40, ROW_3, late)[1])[-1] == (lift + 30, "probation")


def test_ready_said_before_the_stop_does_not_count() -> None:
    state, _ = fold(cured(5, 6, 7), 1000, ROW_3, [measure(LedgerKind.READY, 6.9)])
    assert (state.shown, state.ready_at) == (Standing.STOPPED, None)


def test_a_breach_during_the_stop_moves_its_end_and_must_be_done() -> None:
    marks = [*cured(5, 6, 7), mark(30, cured=400)]
    said = [measure(LedgerKind.READY, 8)]
    assert fold(marks, 399, ROW_3, said)[0].shown is Standing.STOPPED
    assert fold(marks, 399, ROW_3, said)[0].stop_until == days(at(30), 5)
    assert told(fold(marks, 400, ROW_3, said)[1])[-1] == (400, "probation")


def test_a_waived_breach_no_longer_holds_the_end_of_a_stop() -> None:
    marks = [*cured(5, 6), mark(7, cured=7.1, waived=8)]
    assert fold(marks, 10, ROW_3)[0].stop_until == days(at(6), 5)
    forgiven = [mark(due, cured=due + 0.1, waived=9) for due in (5, 6, 7)]
    state, _ = fold(forgiven, 10, ROW_3)
    assert (state.shown, state.stop_until) == (Standing.STOPPED, at(7))
    said = [measure(LedgerKind.READY, 10)]
    assert told(fold(forgiven, 10, ROW_3, said)[1])[-1] == (10, "probation")


def test_a_rate_that_recovers_by_itself_does_not_lift_a_stop() -> None:
    marks = [*cured(5, 6, 7), *met(4, 4.2, *range(10, 60))]
    state, _ = fold(marks, 100, ladder(minimum_sample=5))
    assert state.cause is StopCause.RATE
    assert rate_at(state, marks, rules(RATE), at(100)).value == pytest.approx(52 / 55)


def test_the_recall_of_offers_that_leaves_nothing_overdue_counts_as_row() -> None:
    offers = [mark(due, kind="respond") for due in (5, 6)]
    waiting = mark(9, kind="respond")
    state, steps = fold([*offers, waiting], 50, OVERDUE_2)
    assert told(steps) == [(5, "warned"), (6, "stopped")]
    assert (state.cause, state.stop_until, state.last_breach_at) == (StopCause.ROW, days(at(6), 5), at(6))
    assert state.because == tuple(m.id for m in offers)
    as_rows = [mark(m, kind="respond", id=o.id, settled=6) for m, o in zip((5, 6), offers, strict=True)]
    assert fold([*as_rows, mark(9, kind="respond", id=waiting.id, cancelled=6)], 50, OVERDUE_2) == (
        state,
        steps,
    )


def test_one_offer_missed_can_stop_and_its_recall_makes_it_a_row() -> None:
    once = ladder(stop_on_overdue=1)
    recalled = mark(5, kind="respond", settled=5)
    assert fold([recalled], 9, once)[0].cause is StopCause.ROW


def test_an_accepted_lead_still_overdue_keeps_the_cause() -> None:
    state, _ = fold([mark(5, kind="respond"), mark(6)], 9, OVERDUE_2)
    assert state.cause is StopCause.OVERDUE


@pytest.mark.parametrize("late", [mark(40), mark(40, cured=40.1), mark(40, kind="respond", opened=20)])
def test_a_breach_on_probation_stops_again_as_row(late: object) -> None:
    marks = [mark(5, cured=12), mark(6, cured=9), late]
    state, steps = fold(marks, 50, OVERDUE_2)  # type: ignore[arg-type]
    assert told(steps)[3:] == [(40, "stopped")]
    assert (state.cause, len(state.because)) == (StopCause.ROW, 1)


def test_what_fell_due_before_the_lift_does_not_count_against_probation() -> None:
    in_grace = mark(11, grace=3, cured=20)
    _, steps = fold([mark(5, cured=12), mark(6, cured=9), in_grace], 30, OVERDUE_2)
    assert told(steps)[2:] == [(12, "probation")]


def test_low_rates_name_nothing_on_probation() -> None:
    strict = ladder(stop_on_overdue=1, minimum_sample=1, window_days=90)
    marks = [mark(5, cured=6), mark(5.5, grace=2, cured=30)]
    assert told(fold(marks, 40, strict)[1]) == [
        (5, "stopped"),
        (6, "probation"),
        (7.5, "stopped"),
        (30, "probation"),
    ]
    assert told(fold(marks[:1], 40, strict)[1])[-1] == (6, "probation")


def test_a_lift_is_a_fresh_start() -> None:
    both = ladder(stop_on_overdue=2, breaches_in_a_row=3, probation_days=0)
    marks = [mark(5, cured=12), mark(6, cured=9), *cured(20, 21)]
    state, _ = fold(marks, 50, both)
    assert (state.shown, state.fresh_from) == (Standing.GOOD, at(12))
    assert rate_at(state, marks, rules(both), at(50)).due == 2
    assert fold([*marks, *cured(22)], 50, both)[0].cause is StopCause.ROW


def test_old_breaches_leave_window_and_decay() -> None:
    low = ladder(minimum_sample=5, window_days=2, decay_days=4)
    _, steps = fold([*met(6, 7, 8, 9), *cured(12)], 200, low)
    assert told(steps) == [(12, "warned"), (6 + 48, "good")], "then only 4 are left in the window"
    _, steps = fold([*cured(12), *met(*range(13, 20))], 200, low)
    assert told(steps) == [(12, "warned"), (12.25, "good"), (16, "warned"), (12 + 48, "good")]
    decaying = ladder(breaches_in_a_row=3, window_days=2, decay_days=2)
    assert fold(cured(5, 6, 54), 60, decaying)[0].rung is Standing.GOOD
    assert fold(cured(5, 6, 52), 60, decaying)[0].rung is Standing.STOPPED


def test_overdue_stays_overdue_however_old() -> None:
    state, _ = fold([mark(5)], 24 * 400, ladder(decay_days=10, window_days=10))
    assert state.shown is Standing.WARNED


def test_severity_weighs_and_nothing_weighs_nothing() -> None:
    heavy = ladder(minimum_sample=2, severity={"respond": Fraction(3), "update": Fraction(0)})
    marks = [*cured(5), mark(6, kind="respond", met=5.9), mark(7, kind="update", cured=7.1)]
    rate = rate_at(initial(START), marks, rules(heavy), at(10))
    assert (rate.kept, rate.due, rate.value) == (1, 2, 0.75)
    assert rate_at(initial(START), marks[:1], rules(heavy), at(10)).value is None


def test_met_early_enters_the_rate_when_it_falls_due() -> None:
    one = mark(50, met=2)
    assert rate_at(initial(START), [one], rules(ladder()), at(49)).due == 0
    assert rate_at(initial(START), [one], rules(ladder()), at(50)).due == 1


def test_held_ends_at_its_date_and_shows_the_rung_again() -> None:
    held = [measure(LedgerKind.HOLD, 2, 20)]
    state, steps = fold([mark(5, cured=30)], 25, ladder(), held)
    assert told(steps) == [(2, "held"), (20, "warned")]
    assert (state.shown_since, state.since) == (at(20), at(5))


def test_a_stop_under_a_hold_shows_when_the_hold_ends() -> None:
    offers = [mark(5, kind="respond"), mark(6, kind="respond")]
    state, steps = fold(offers, 25, OVERDUE_2, [measure(LedgerKind.HOLD, 2, 20)])
    assert told(steps) == [(2, "held"), (20, "stopped")]
    assert state.cause is StopCause.ROW


def test_exempt_is_never_stopped_and_named_afresh_at_its_end() -> None:
    state, steps = fold([mark(5), mark(6)], 25, OVERDUE_2, [measure(LedgerKind.EXEMPT, 2, 20)])
    assert told(steps) == [(2, "exempt"), (20, "stopped")]
    state, _ = fold([mark(5), mark(6)], 19, OVERDUE_2, [measure(LedgerKind.EXEMPT, 2, 20)])
    assert state.rung is Standing.WARNED


def test_exempting_a_stopped_partner_lifts_with_a_fresh_start() -> None:
    state, steps = fold(cured(5, 6, 7), 30, ROW_3, [measure(LedgerKind.EXEMPT, 10, 20)])
    assert told(steps)[-2:] == [(10, "exempt"), (20, "good")]
    assert state.fresh_from == at(10)


def test_release_lifts_a_stop_and_what_is_overdue_no_longer_counts() -> None:
    _, steps = fold([mark(5), mark(6)], 30, OVERDUE_2, [measure(LedgerKind.RELEASE, 10)])
    assert told(steps) == [(5, "warned"), (6, "stopped"), (10, "probation")]
    _, steps = fold([mark(5)], 30, ladder(), [measure(LedgerKind.HOLD, 7, 90), measure(LedgerKind.RELEASE, 10)])
    assert told(steps) == [(5, "warned"), (7, "held"), (10, "good")]


def test_release_of_a_hold_also_ends_a_stop_under_it() -> None:
    by_hand = [measure(LedgerKind.HOLD, 2, 90), measure(LedgerKind.RELEASE, 10)]
    assert told(fold(cured(5, 6, 7), 30, ROW_3, by_hand)[1]) == [(2, "held"), (10, "probation")]


def test_all_that_one_instant_brings_is_one_step() -> None:
    _, steps = fold([mark(5), mark(5), mark(5)], 9, OVERDUE_2)
    assert [(step.from_, step.to, len(step.because)) for step in steps] == [(Standing.GOOD, Standing.STOPPED, 3)]


def test_a_breach_at_the_instant_of_a_lift_prevents_it() -> None:
    lift = (days(at(7), 5) - START) / HOUR
    said = [measure(LedgerKind.READY, 8)]
    state, _ = fold([*cured(5, 6, 7), mark(lift, hands_on=True)], lift, ROW_3, said)
    assert (state.shown, state.stop_until) == (Standing.STOPPED, days(at(lift), 5))


def test_a_new_ladder_counts_from_its_own_instant() -> None:
    mild, strict = ladder(), ladder(stop_on_overdue=1)
    _, steps = fold([mark(5)], 30, rules(mild, (20, strict)))
    assert told(steps) == [(5, "warned"), (20, "stopped")]
    _, steps = fold([mark(5)], 19, rules(mild, (20, strict)))
    assert told(steps) == [(5, "warned")]


def test_a_promised_end_of_stop_is_not_moved_by_a_new_ladder() -> None:
    stricter = ladder(breaches_in_a_row=3, stop_days=9)
    state, _ = fold(cured(5, 6, 7), 30, rules(ROW_3, (10, stricter)))
    assert state.stop_until == days(at(7), 5)


def test_the_state_survives_its_json() -> None:
    measures = [measure(LedgerKind.HOLD, 20, 90), measure(LedgerKind.READY, 21)]
    for until in (0, 6, 8, 30, 2000):
        state, _ = fold(cured(5, 6, 7), until, ROW_3, measures)
        assert State.from_json(state.to_json()) == state

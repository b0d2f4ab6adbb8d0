"""What a partner is told: the way back, the forecast, and the sentences for both."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import pytest

from portal.compliance import sentences
from portal.compliance.facts import Rate
from portal.compliance.forecast import Forecast, forecast, worse
from portal.compliance.policy import Ladder, Mark, Measure, State, rate_at, tally_at
from portal.compliance.way_back import Way, WayBackStep, to_keep, way_back
from portal.vocabulary import LedgerKind, Standing
from tests.policy.standing_marks import at, cured, days, fold, ladder, mark, measure, met, rules

OVERDUE_3 = ladder(stop_on_overdue=3)
ROW_3 = ladder(breaches_in_a_row=3)


def when(instant: datetime) -> str:
    return f"{instant:%a} {instant.day} {instant:%b %H:%M} UTC"


def describe(obligation_id: str) -> str:
    return f"Call about {obligation_id}"


def ways(
    marks: Sequence[Mark], hour: float, rule: Ladder, by_hand: Sequence[Measure] = ()
) -> tuple[State, list[WayBackStep]]:
    state, _ = fold(marks, hour, rule, by_hand)
    return state, way_back(state, marks, rules(rule), days, at(hour))


def headline(marks: Sequence[Mark], hour: float, rule: Ladder, by_hand: Sequence[Measure] = ()) -> str:
    state, steps = ways(marks, hour, rule, by_hand)
    return sentences.way_back_headline(state, steps, when)


def ahead(marks: Sequence[Mark], hour: float, rule: Ladder, by_hand: Sequence[Measure] = ()) -> list[Forecast]:
    state, _ = fold(marks, hour, rule, by_hand)
    return forecast(state, marks, rules(rule), days, at(hour))


def told(marks: Sequence[Mark], hour: float, rule: Ladder) -> list[str]:
    return [sentences.forecast_sentence(one, when) for one in ahead(marks, hour, rule)]


def test_stopped_by_overdue_lists_what_to_do() -> None:
    marks = [mark(5, id="a"), mark(6, id="b"), mark(7, id="c", cured=8), mark(7, id="d")]
    state, steps = ways(marks, 9, OVERDUE_3)
    assert sentences.way_back_sentences(state, steps, describe, when) == [
        "3 overdue. Do these and leads resume at once.",
        "Call about a: was due Mon 2 Mar 14:00 UTC.",
        "Call about b: was due Mon 2 Mar 15:00 UTC.",
        "Call about d: was due Mon 2 Mar 16:00 UTC.",
    ]
    assert headline(marks[:1], 9, ladder(stop_on_overdue=1)) == "1 overdue. Do this and leads resume at once."


@pytest.mark.parametrize(
    ("extra", "ready", "hour", "sentence"),
    [
        (
            [],
            False,
            10,
            "Leads resume Mon 9 Mar 16:00 UTC if nothing else is missed and you say you are ready.",
        ),
        ([], True, 10, "Leads resume Mon 9 Mar 16:00 UTC if nothing else is missed."),
        (
            [mark(8)],
            True,
            10,
            "Leads resume Mon 9 Mar 17:00 UTC if nothing else is missed and you do the 1 overdue.",
        ),
        ([], False, 400, "Leads resume at once when you say you are ready."),
        ([mark(8)], True, 400, "Leads resume at once when you do the 1 overdue."),
        ([mark(8)], False, 400, "Leads resume at once when you do the 1 overdue and say you are ready."),
    ],
)
def test_stopped_by_row_says_when_and_what(extra: list[Mark], ready: bool, hour: float, sentence: str) -> None:
    said = [measure(LedgerKind.READY, 9)] if ready else []
    assert headline([*cured(5, 6, 7), *extra], hour, ROW_3, said) == sentence


def test_the_steps_of_a_row_stop() -> None:
    state, steps = ways([*cured(5, 6, 7), mark(8, id="late")], 10, ROW_3)
    assert [(step.kind, step.obligation_id, step.at) for step in steps] == [
        (Way.DO, "late", at(8)),
        (Way.WAIT, None, days(at(8), 5)),
        (Way.READY, None, None),
    ]
    assert sentences.way_back_sentences(state, steps, describe, when)[2:] == [
        "Miss nothing until Mon 9 Mar 17:00 UTC.",
        "Say you are ready for leads.",
    ]


def test_probation_is_kept_until_its_end() -> None:
    stop = ladder(stop_on_overdue=1)
    state, steps = ways([mark(5, cured=6)], 10, stop)
    assert [(step.kind, step.at) for step in steps] == [(Way.PROBATION, days(at(6), 10))]
    assert sentences.standing_sentence(state, stop, steps, when) == (
        "You are on probation until Mon 16 Mar 15:00 UTC: leads again, at most 2 open at once."
    )
    assert sentences.way_back_headline(state, steps, when) == (
        "Miss nothing until Mon 16 Mar 15:00 UTC and you are back to Good; one miss stops leads again."
    )


def test_warned_does_the_overdue_and_keeps_the_next() -> None:
    rule = ladder(minimum_sample=5)
    late = [mark(55, id="a"), mark(56, id="b")]
    open_ = [mark(60 + n) for n in range(6)]
    marks = [*met(*range(1, 22)), *cured(50), *late, *open_]
    state, steps = ways(marks, 57, rule)
    assert state.rung is Standing.WARNED
    assert [(step.kind, step.obligation_id, step.count, step.at) for step in steps] == [
        (Way.DO, "a", None, at(55)),
        (Way.DO, "b", None, at(56)),
        (Way.KEEP, None, 6, at(65)),
    ]
    assert sentences.way_back_headline(state, steps, when) == (
        "Way back to Good: do the 2 overdue, then keep the next 6 in time."
    )
    rate = rate_at(state, marks, rules(rule), at(57))
    assert sentences.rate_sentence(rate, rule) == "Kept 21 of 24 due in the last 90 days (88 %)."
    assert sentences.because_sentence(2, rate, rule) == "Because 2 are overdue and 21 of 24 were kept (below 90 %)."


@pytest.mark.parametrize(
    ("kept", "due", "threshold", "count"),
    [
        (21, 24, "0.9", 6),
        (9, 10, "0.9", 0),
        (8, 10, "0.9", 10),
        (0, 1, "0.5", 1),
        (3, 4, "1", None),
        (4, 4, "1", 0),
    ],
)
def test_how_many_to_keep(kept: int, due: int, threshold: str, count: int | None) -> None:
    assert to_keep(Rate(kept, due, Fraction(kept), Fraction(due), 1), Fraction(threshold)) == count


def test_where_keeping_cannot_help_the_window_does() -> None:
    whole = ladder(minimum_sample=1, warn_below=Fraction(1), reduce_below=Fraction(0), stop_below=Fraction(0))
    _, steps = ways(cured(5), 10, whole)
    assert [(step.kind, step.count, step.at) for step in steps] == [(Way.KEEP, None, at(5 + 90 * 24))]
    assert sentences.step_sentence(steps[0], describe, when) == (
        "Miss nothing more: back to Good Sun 31 May 14:00 UTC at the earliest."
    )


def test_good_and_exempt_have_no_way_to_go() -> None:
    assert ways([], 10, OVERDUE_3)[1] == []
    state, steps = ways([mark(5)], 10, OVERDUE_3, [measure(LedgerKind.EXEMPT, 6, 24)])
    assert steps == []
    assert sentences.way_back_sentences(state, steps, describe, when) == []
    assert sentences.standing_sentence(state, OVERDUE_3, steps, when) == (
        "You are exempt until Tue 3 Mar 09:00 UTC: deadlines run, and leads are not stopped."
    )


def test_held_says_until_when_and_what_a_stop_under_it_asks() -> None:
    hold = [measure(LedgerKind.HOLD, 2, 24)]
    state, steps = ways([], 10, OVERDUE_3, hold)
    assert sentences.standing_sentence(state, OVERDUE_3, steps, when) == (
        "Your leads are on hold until Tue 3 Mar 09:00 UTC: no new leads."
    )
    assert sentences.way_back_sentences(state, steps, describe, when) == ["The hold ends Tue 3 Mar 09:00 UTC."]
    _, steps = ways(cured(5, 6, 7), 10, ROW_3, hold)
    assert [step.kind for step in steps] == [Way.HOLD, Way.WAIT, Way.READY]


@pytest.mark.parametrize(
    ("marks", "sentence"),
    [
        ([mark(1), mark(2), mark(9)], "Miss 1 more"),
        ([mark(1), mark(2), mark(9), mark(9)], "Miss either of these"),
        ([mark(1), mark(2), mark(9), mark(9), mark(9)], "Miss any of these 3"),
        ([mark(1), mark(8), mark(9)], "Miss both of these"),
        ([mark(7), mark(8), mark(9)], "Miss all 3 of these"),
        ([mark(1), mark(8), mark(9), mark(9)], "Miss 2 of these 3"),
    ],
)
def test_the_forecast_of_a_stop(marks: list[Mark], sentence: str) -> None:
    assert told(marks, 5, OVERDUE_3)[-1] == f"{sentence} by Mon 2 Mar 18:00 UTC and you will be stopped."


def test_the_forecast_names_the_due_time_not_the_grace() -> None:
    stop = ladder(stop_on_overdue=1)
    one = mark(9, grace=2)
    assert [(f.at, f.by, f.misses) for f in ahead([one], 5, stop)] == [(at(11), at(9), (one.id,))]
    assert told([one], 5, stop) == ["Miss this one by Mon 2 Mar 18:00 UTC and you will be stopped."]


def test_a_lead_that_moves_on_is_not_missed_twice() -> None:
    contact = mark(6, kind="first_contact", hands_on=True, assignment="a")
    assert told([mark(1), mark(2), contact, mark(9, assignment="a")], 5, OVERDUE_3) == []


def test_one_miss_on_probation_stops() -> None:
    stop = ladder(stop_on_overdue=2)
    marks = [mark(1, cured=3), mark(2, cured=3), mark(9), mark(12)]
    assert told(marks, 5, stop) == ["Miss this one by Mon 2 Mar 18:00 UTC and you will be stopped."]


def test_the_forecast_of_a_rate_says_how_few_suffice() -> None:
    rule = ladder(minimum_sample=5, stop_on_overdue=100)
    marks = [*met(1, 2, 3), *cured(4), mark(9), mark(9), mark(9)]
    [one] = ahead(marks, 6, rule)
    assert (one.to, len(one.misses), one.need) == (Standing.STOPPED, 3, 2), "4 of 7 kept is below 0.60, 5 of 7 not"
    tight = [*met(1, 2, 3, 4), *cured(5), mark(9), mark(9)]
    assert [(one.to, one.need) for one in ahead(tight, 6, rule)] == [(Standing.STOPPED, 2)]


def test_what_time_alone_brings_is_told_without_a_miss() -> None:
    state, _ = fold([mark(1, cured=2)], 5, ladder(stop_on_overdue=1))
    [only] = forecast(state, [mark(1, cured=2)], rules(ladder(stop_on_overdue=1)), days, at(5))
    assert (only.to, only.misses) == (Standing.GOOD, ())
    assert sentences.forecast_sentence(only, when) == "You are back to Good Mon 16 Mar 11:00 UTC if nothing changes."


def test_the_first_stop_is_told_before_lesser_falls() -> None:
    marks = [mark(7), mark(8), mark(9)]
    told_first = worse(ahead(marks, 5, OVERDUE_3), Standing.GOOD)
    assert told_first is not None
    assert told_first.to is Standing.STOPPED
    lesser = worse(ahead(marks[:2], 5, OVERDUE_3), Standing.GOOD)
    assert lesser is not None
    assert sentences.forecast_sentence(lesser, when) == "Miss this one by Mon 2 Mar 16:00 UTC and you will be warned."
    assert worse([], Standing.GOOD) is None


def test_the_strip_says_what_is_overdue_and_what_comes() -> None:
    marks = [mark(1), mark(2), mark(9)]
    state, _ = fold(marks, 5, OVERDUE_3)
    overdue = len(tally_at(state, marks, rules(OVERDUE_3), at(5)).overdue)
    first = worse(ahead(marks, 5, OVERDUE_3), state.shown)
    assert sentences.strip_sentence(overdue, first, when) == (
        "2 are overdue. Miss 1 more by Mon 2 Mar 18:00 UTC and you will be stopped."
    )
    assert sentences.strip_sentence(1, None, when) == "1 is overdue."
    assert sentences.strip_sentence(0, None, when) == ""


@pytest.mark.parametrize(
    ("rung", "sentence"),
    [
        (Standing.GOOD, "You are in good standing. New leads come at full share."),
        (Standing.WARNED, "You are warned. New leads still come."),
        (Standing.REDUCED, "You are reduced: half the share and half the open leads."),
    ],
)
def test_each_rung_in_one_sentence(rung: Standing, sentence: str) -> None:
    state = replace(fold([], 1, OVERDUE_3)[0], rung=rung)
    assert sentences.standing_sentence(state, OVERDUE_3, [], when) == sentence


def test_a_way_back_already_gone_says_that_leads_resume() -> None:
    """Read between the instant of a lift and the sweep that records it."""
    state, _ = fold(cured(5, 6, 7), 10, ROW_3, [measure(LedgerKind.READY, 9)])
    assert way_back(state, cured(5, 6, 7), rules(ROW_3), days, at(400)) == []
    assert sentences.way_back_headline(state, [], when) == "Nothing more is to be done: leads resume in a moment."


def test_stopped_in_one_sentence() -> None:
    state, steps = ways([mark(5), mark(6), mark(7)], 9, OVERDUE_3)
    assert sentences.standing_sentence(state, OVERDUE_3, steps, when) == (
        "You are stopped: no new leads. 3 overdue. Do these and leads resume at once."
    )


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (mark(5), "Feedback, due Mon 2 Mar 14:00 UTC: overdue."),
        (mark(5, cured=7), "Feedback, due Mon 2 Mar 14:00 UTC: done late, Mon 2 Mar 16:00 UTC."),
        (mark(5, cured=20), "Feedback, due Mon 2 Mar 14:00 UTC: overdue."),
        (mark(5, kind="respond", hands_on=True), "Answer the offer, due Mon 2 Mar 14:00 UTC: missed."),
        (mark(5, settled=6), "Feedback, due Mon 2 Mar 14:00 UTC: missed."),
        (mark(5, waived=6), "Feedback, due Mon 2 Mar 14:00 UTC: waived, it no longer counts."),
    ],
)
def test_what_one_obligation_did(one: Mark, sentence: str) -> None:
    assert sentences.reason_sentence(one, at(10), when) == sentence


def test_a_small_sample_says_so() -> None:
    few = Rate(1, 2, Fraction(1), Fraction(2), 5)
    assert sentences.rate_sentence(few, Ladder()) == "Kept 1 of 2 due in the last 90 days: too few to count."
    none = Rate(0, 0, Fraction(0), Fraction(0), 5)
    assert sentences.rate_sentence(none, Ladder()) == "Nothing fell due in the last 90 days."
    assert sentences.because_sentence(0, few, Ladder()) == ""


def test_the_rungs_quote_the_policy() -> None:
    rungs = sentences.rung_sentences(Ladder())
    assert rungs[Standing.STOPPED][1] == "Below 60 %, 3 overdue, or 3 missed in a row."
    assert rungs[Standing.PROBATION] == (
        "Leads again, at most 2 open at once.",
        "One miss stops again. 10 business days without a miss: back to Good.",
    )
    assert sentences.probation_sentence(replace(Ladder(), probation_days=1)).startswith("1 business day without")


def test_nothing_is_forecast_when_nothing_is_open() -> None:
    assert ahead([*met(1), *cured(2)], 5, OVERDUE_3) == []

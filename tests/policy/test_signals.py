"""Signals: each rule at its thresholds, below its smallest sample, and with the rows behind it."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.compliance.signals import (
    NAMES,
    SENTENCES,
    Entry,
    Judgement,
    Kind,
    Offer,
    accepts_all,
    back_dated,
    copied_notes,
    last_minute,
    plain,
    signals,
    untouched_feedback,
)
from portal.vocabulary import ActivityKind, Disposition

NOW = datetime(2026, 3, 30, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def accepted(count: int, *, touches: int = 0, days: int = 10) -> list[Offer]:
    at = NOW - days * DAY
    return [Offer(f"a{n}", f"l{n}", at - HOUR, at + DAY, at, None, False, False, touches) for n in range(count)]


def declined(count: int, hours: float, *, of: int = 20) -> list[Offer]:
    start = NOW - 9 * DAY
    return [
        Offer(f"d{hours}{n}", f"l{n}", start, start + of * HOUR, None, start + hours * HOUR, True, False, 0)
        for n in range(count)
    ]


def notes(*texts: str | None, kind: ActivityKind = ActivityKind.NOTE) -> list[Entry]:
    return [Entry(f"n{n}", f"l{n}", kind, NOW, NOW, text) for n, text in enumerate(texts)]


def calls(count: int, back: timedelta) -> list[Entry]:
    return [Entry(f"c{n}{back}", f"l{n}", ActivityKind.CALL, NOW - back, NOW, None) for n in range(count)]


def judged(count: int, *, touched: bool, disposition: Disposition = Disposition.LOST) -> list[Judgement]:
    return [Judgement(f"j{n}{touched}", f"l{n}", disposition, NOW, touched) for n in range(count)]


@pytest.mark.parametrize(
    ("offers", "found"),
    [
        (accepted(10), (10, 10)),
        (accepted(9), None),  # too few
        (accepted(10, days=6), None),  # not a week yet
        (accepted(6) + accepted(4, touches=1), (6, 10)),
        (accepted(5) + accepted(5, touches=1), None),  # half of them touched
        (accepted(19) + declined(1, 1), (19, 19)),  # 95 % of 20
        (accepted(18) + declined(1, 1), None),
        ([*accepted(10), Offer("e", "l", NOW, NOW, None, NOW, False, True, 0)], None),  # what ran out counts
        ([], None),
    ],
)
def test_accepting_everything_and_touching_few(offers: list[Offer], found: tuple[int, int] | None) -> None:
    signal = accepts_all(offers, NOW)
    assert (signal and (signal.count, signal.of)) == found


@pytest.mark.parametrize(
    ("offers", "found"),
    [
        (declined(5, 19), (5, 5)),
        (declined(5, 18), (5, 5)),  # the last tenth of 20 hours begins there
        (declined(5, 17.9), None),
        (declined(4, 19), None),
        (declined(3, 19) + declined(3, 2), (3, 6)),
        (declined(3, 19) + declined(4, 2), None),
        (accepted(10), None),
    ],
)
def test_declining_at_the_last_minute(offers: list[Offer], found: tuple[int, int] | None) -> None:
    signal = last_minute(offers)
    assert (signal and (signal.count, signal.of)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (notes(*["Called, no answer."] * 8), (8, 8)),
        (notes(*["Called no answer", "called NO answer!"] * 4), (8, 8)),
        (notes(*["Same"] * 7), None),
        (notes(*["Same"] * 4, *"abcd"), (8, 8)),  # single letters are as good as nothing
        (notes("Same", "Same", *[f"Number {n}" for n in range(6)]), None),  # on two leads only
        (notes(*["Same"] * 3, *[f"Number {n}" for n in range(6)]), None),  # a third of them
        (notes(None, "", "  ", "-", *[f"Number {n}" for n in range(4)]), (4, 8)),
        (notes(*[None] * 9, kind=ActivityKind.CALL), None),  # a touch needs no note
        (notes(*["Same"] * 8, kind=ActivityKind.CALL), (8, 8)),
    ],
)
def test_copied_and_empty_notes(entries: list[Entry], found: tuple[int, int] | None) -> None:
    signal = copied_notes(entries)
    assert (signal and (signal.count, signal.of)) == found


@pytest.mark.parametrize(
    ("judgements", "found"),
    [
        (judged(5, touched=False), (5, 5)),
        (judged(4, touched=False), None),
        (judged(2, touched=False) + judged(3, touched=True), (2, 5)),
        (judged(2, touched=False) + judged(4, touched=True), None),
        (judged(9, touched=False, disposition=Disposition.WORKING), None),
        (judged(5, touched=True), None),
    ],
)
def test_feedback_without_contact(judgements: list[Judgement], found: tuple[int, int] | None) -> None:
    signal = untouched_feedback(judgements)
    assert (signal and (signal.count, signal.of)) == found


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (calls(10, 2 * DAY), (10, 10)),
        (calls(9, 2 * DAY), None),
        (calls(10, DAY), None),  # exactly a day is not more than one
        (calls(3, 2 * DAY) + calls(7, HOUR), (3, 10)),
        (calls(2, 2 * DAY) + calls(8, HOUR), None),
    ],
)
def test_back_dating(entries: list[Entry], found: tuple[int, int] | None) -> None:
    signal = back_dated(entries)
    assert (signal and (signal.count, signal.of)) == found


def test_rows_stand_behind_each_signal_and_every_kind_has_its_words() -> None:
    found = signals(accepted(10) + declined(5, 19), calls(10, 2 * DAY), judged(5, touched=False), NOW)
    assert {signal.kind for signal in found} == {Kind.LAST_MINUTE, Kind.UNTOUCHED_FEEDBACK, Kind.BACK_DATED}
    assert all(len(signal.rows) == signal.count for signal in found)
    assert "dated 2 days back" in next(s for s in found if s.kind is Kind.BACK_DATED).rows[0].detail
    assert set(NAMES) == set(SENTENCES) == set(Kind)
    assert signals([], [], [], NOW) == []


def test_the_latest_row_comes_first_and_a_note_is_quoted_in_short() -> None:
    late = Entry("z", "l", ActivityKind.NOTE, NOW + HOUR, NOW + HOUR, "x" * 300)
    signal = copied_notes([*notes(*["x" * 300] * 8), late])
    assert signal is not None and signal.rows[0].at == NOW + HOUR
    assert signal.rows[0].detail == f"“{'x' * 80}”"
    assert plain(" Re: Call-back 12! ") == "recallback12"

"""Properties of the fold over arbitrary histories: it can be split, recomputed and asked what comes next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.compliance.facts import ladder_at
from portal.compliance.fold import advance, next_change, tally_at
from portal.compliance.forecast import forecast
from portal.compliance.policy import Ladder, LadderVersion, Mark, Measure, State, Step, initial
from portal.compliance.rules import rung_named, stop_named
from portal.compliance.tally import Tally, View
from portal.compliance.way_back import way_back
from portal.vocabulary import LedgerKind, ObligationKind, Standing, StopCause
from tests.policy.standing_marks import HOUR, START, at, days, ladder, mark, met, rules

END = 240
TICK = timedelta(microseconds=1)
HAND = (LedgerKind.HOLD, LedgerKind.EXEMPT, LedgerKind.RELEASE, LedgerKind.READY, LedgerKind.READY)
SEVERITY = {Standing.GOOD: 0, Standing.WARNED: 1, Standing.REDUCED: 2, Standing.STOPPED: 3}


@st.composite
def obligations(draw: st.DrawFn) -> list[Mark]:
    """Histories on whole hours, so that many things fall on the same instant."""
    return [_obligation(draw, f"o{n:02}") for n in range(draw(st.integers(0, 14)))]


def _obligation(draw: st.DrawFn, id_: str) -> Mark:
    opened = draw(st.integers(0, 100))
    due = opened + draw(st.integers(1, 40))
    grace = due + draw(st.sampled_from([0, 0, 0, 2]))
    kind = draw(st.sampled_from(ObligationKind))
    one = Mark(id_, kind, at(opened), at(due), at(grace), hands_on=draw(st.booleans()),
               assignment_id=f"a{draw(st.integers(0, 5))}")  # fmt: skip
    end = draw(st.sampled_from(["met", "met", "open", "open", "cured", "waived", "waived_late", "cancelled"]))
    if end in ("met", "waived", "cancelled"):
        return replace(one, **{f"{end}_at": at(draw(st.integers(opened, grace)) - 0.5)})
    later = at(grace + draw(st.integers(0, 60)))
    if end == "waived_late":
        return replace(one, breached_at=one.due_at, waived_at=later)
    return replace(one, breached_at=one.due_at, cured_at=later, hands_on=False) if end == "cured" else one


@st.composite
def ladders(draw: st.DrawFn) -> list[LadderVersion]:
    few = st.integers(1, 3)
    tenths = draw(st.lists(st.integers(0, 10), min_size=3, max_size=3).map(sorted))

    def one() -> Ladder:
        window = draw(st.integers(1, 4))
        return Ladder(
            window_days=window, decay_days=window + draw(st.integers(0, 3)), minimum_sample=draw(few),
            stop_below=Fraction(tenths[0], 10), reduce_below=Fraction(tenths[1], 10),
            warn_below=Fraction(tenths[2], 10), stop_on_overdue=draw(few), breaches_in_a_row=draw(few),
            stop_days=draw(st.integers(0, 2)), probation_days=draw(st.integers(0, 2)),
        )  # fmt: skip

    return rules(one(), *[(draw(st.integers(1, 150)), one()) for _ in range(draw(st.integers(0, 1)))])


@st.composite
def by_hand(draw: st.DrawFn) -> list[Measure]:
    hours = draw(st.lists(st.integers(1, 150), max_size=5))
    spans = [draw(st.integers(1, 50)) for _ in hours]
    return [Measure(draw(st.sampled_from(HAND)), at(h), at(h + n)) for h, n in zip(hours, spans, strict=True)]


def recorded(marks: Sequence[Mark], measures: Sequence[Measure], steps: Sequence[Step], until: datetime) -> list[Mark]:
    """The rows as kept by ``until``: breaches, and what hand-overs, stops and releases took back."""
    rows = {mark.id: mark for mark in marks}
    events = [(m.breach_at, 0, m.id) for m in marks if m.hands_on and m.breach_at and m.breach_at <= until]
    events += [(s.at, 1, "") for s in steps if s.to is Standing.STOPPED and s.from_ is not s.to]
    events += [(m.at, 1, "release") for m in measures if m.kind is LedgerKind.RELEASE and m.at <= until]
    for t, _, what in sorted(events):
        if what in rows and rows[what].breach_at != t:
            continue
        for row in list(rows.values()):
            if _taken(row, t, what, rows):
                rows[row.id] = row.taken_back(t)
    return [_broken(row, until) for row in rows.values()]


def _taken(row: Mark, t: datetime, what: str, rows: dict[str, Mark]) -> bool:
    owed = _owed(row, t)
    if what == "release":
        return owed
    if what in rows:
        return row.id != what and row.assignment_id == rows[what].assignment_id and (owed or row.is_open(t))
    return row.kind is ObligationKind.RESPOND and (owed or row.is_open(t))


def _owed(row: Mark, t: datetime) -> bool:
    broken = row.breach_at is not None and row.breach_at <= t and not row.hands_on
    return broken and not any(a is not None and a < t for a in (row.cured_at, row.waived_at, row.settled_at))


def _broken(row: Mark, until: datetime) -> Mark:
    return replace(row, breached_at=row.due_at) if row.breach_at is not None and row.breach_at <= until else row


def run(state: State, marks: Sequence[Mark], measures: Sequence[Measure], versions: Sequence[LadderVersion],
        until: datetime) -> tuple[State, list[Step]]:  # fmt: skip
    return advance(state, marks, measures, versions, days, until)


def known(marks: Sequence[Mark], hour: int) -> list[Mark]:
    """Histories in which nothing is opened or done after an hour."""
    return [m for m in marks if m.opened_at <= at(hour) and not any(act > at(hour) for act in m.acts)]


def needed(marks: Sequence[Mark], state: State, versions: Sequence[LadderVersion]) -> list[Mark]:
    """The rows that the documentation of ``advance`` asks for."""
    since = state.folded_until - max(max(v.ladder.window, v.ladder.decay) for v in versions)
    acted = (any(act > state.folded_until for act in mark.acts) for mark in marks)
    return [m for m, a in zip(marks, acted, strict=True) if a or m.due_at > since or _owed(m, state.folded_until)]


@settings(max_examples=120, deadline=None)
@given(obligations(), ladders(), by_hand(), st.lists(st.integers(0, END), max_size=4).map(sorted))
def test_any_split_and_the_rows_needed_give_the_same_as_one_go(
    marks: list[Mark], versions: list[LadderVersion], measures: list[Measure], cuts: list[int]
) -> None:
    whole = run(initial(START), marks, measures, versions, at(END))
    state, steps, rows = initial(START), list[Step](), list(marks)
    for cut in (*cuts, END):
        state, more = run(State.from_json(state.to_json()), needed(rows, state, versions), measures, versions, at(cut))
        steps += more
        rows = recorded(rows, measures, steps, at(cut))
    assert (state, steps) == whole


@settings(max_examples=80, deadline=None)
@given(obligations(), ladders(), by_hand())
def test_recomputing_from_the_rows_gives_what_is_stored(
    marks: list[Mark], versions: list[LadderVersion], measures: list[Measure]
) -> None:
    state, steps = run(initial(START), marks, measures, versions, at(END))
    assert run(initial(START), recorded(marks, measures, steps, at(END)), measures, versions, at(END)) == (
        state,
        steps,
    )


@settings(max_examples=60, deadline=None)
@given(obligations(), ladders(), by_hand(), st.integers(0, 150))
def test_nothing_changes_before_the_next_change(
    marks: list[Mark], versions: list[LadderVersion], measures: list[Measure], hour: int
) -> None:
    """With no acts to come, going from next change to next change is the same as going on without looking."""
    marks = known(marks, hour)
    state, steps = run(initial(START), marks, measures, versions, at(hour))
    marks = recorded(marks, measures, steps, at(hour))
    ahead = run(state, marks, (), versions, at(3 * END))
    walked: list[Step] = []
    while (t := next_change(state, marks, versions)) is not None and t <= at(3 * END):
        before, none = run(state, marks, (), versions, t - TICK)
        assert (replace(before, folded_until=state.folded_until), none) == (state, [])
        state, more = run(state, marks, (), versions, t)
        walked += more
        marks = recorded(marks, (), more, t)
    assert (replace(state, folded_until=at(3 * END)), walked) == ahead


@settings(max_examples=60, deadline=None)
@given(obligations(), ladders(), by_hand(), st.integers(0, END))
@example([], rules(Ladder()), [Measure(LedgerKind.HOLD, at(1), at(5))], 2)
def test_a_stop_always_has_a_way_back_and_never_lies_under_an_exemption(
    marks: list[Mark], versions: list[LadderVersion], measures: list[Measure], hour: int
) -> None:
    state, steps = run(initial(START), marks, measures, versions, at(hour))
    rows = recorded(marks, measures, steps, at(hour))
    if state.rung is Standing.STOPPED or state.measure is Standing.HELD:
        assert way_back(state, rows, versions, days, at(hour))
    if state.measure is Standing.EXEMPT:
        assert state.rung not in (Standing.STOPPED, Standing.PROBATION)
    assert (state.rung is Standing.STOPPED) == (state.cause is not None)


@settings(max_examples=60, deadline=None)
@given(obligations(), ladders(), by_hand())
def test_a_stop_is_left_only_by_its_way_back(
    marks: list[Mark], versions: list[LadderVersion], measures: list[Measure]
) -> None:
    """Out of a stop: nothing overdue, and by rate or row a word since; or an exemption."""
    _, steps = run(initial(START), marks, measures, versions, at(END))
    said = [m.at for m in measures if m.kind in (LedgerKind.READY, LedgerKind.RELEASE)]
    stop: Step | None = None
    for step in steps:
        if stop and step.rung is not Standing.STOPPED and step.to is not Standing.EXEMPT:
            assert step.overdue == 0
            assert step.rung in (Standing.PROBATION, Standing.GOOD)
            assert stop.cause is StopCause.OVERDUE or any(stop.at <= word <= step.at for word in said)
        stop = (stop or step) if step.rung is Standing.STOPPED else None


@settings(max_examples=60, deadline=None)
@given(obligations(), ladders(), st.integers(0, END), st.booleans())
def test_the_sums_agree_with_counting_by_hand(
    marks: list[Mark], versions: list[LadderVersion], hour: int, fresh: bool
) -> None:
    t, rule = at(hour), ladder_at(versions, at(hour))
    state = replace(initial(START), fresh_from=at(30) if fresh else None)
    tally = tally_at(state, marks, versions, t)
    out = [m for m in marks if not any(x and x <= t for x in (m.waived_at, m.cancelled_at))]
    counted = [m for m in out if m.due_at > t - rule.decay and (not fresh or m.due_at > at(30))]
    broken = {m.id for m in out if m.breach_at and m.breach_at <= t}
    kept = [m for m in counted if m.id not in broken and m.met_at and m.met_at <= t]
    missed = [m for m in counted if m.id in broken]
    window = [m for m in kept + missed if t - rule.window < m.due_at <= t]
    assert (tally.rate.kept, tally.rate.due) == (len([m for m in window if m in kept]), len(window))
    assert set(tally.missed_in_window) == {m.id for m in window if m in missed}
    assert set(tally.overdue) == {m.id for m in out if m.id in broken and not m.hands_on
                                  and not (m.cured_at and m.cured_at <= t)}  # fmt: skip
    last_met = max((m.met_at for m in kept if m.met_at), default=START - HOUR)
    assert set(tally.in_a_row) == {m.id for m in missed if m.breach_at and m.breach_at > last_met}


@settings(max_examples=60, deadline=None)
@given(obligations(), ladders(), st.integers(0, 150), st.data())
def test_missing_one_more_never_names_a_better_rung(
    marks: list[Mark], versions: list[LadderVersion], hour: int, data: st.DataObject
) -> None:
    kept = [m for m in marks if m.met_at is not None]
    if not kept:
        return
    one = data.draw(st.sampled_from(kept))
    missed = replace(one, met_at=None, breached_at=one.due_at)
    view = View(at(hour), True, ladder_at(versions, at(hour)), None)
    better = Tally(marks, view)
    worse = Tally([missed if m is one else m for m in marks], view)
    # A met counts in a row from when it was done, a breach from the end of its grace: compare once both have.
    if one.grace_until <= at(hour):
        assert _rung(worse, view.ladder) >= _rung(better, view.ladder)


def _rung(tally: Tally, rule: Ladder) -> int:
    return SEVERITY[(stop_named(tally, rule, on_probation=False) or rung_named(tally, rule)).rung]


@settings(max_examples=60, deadline=None)
@given(obligations(), ladders(), st.integers(0, 150))
@example(  # What was kept leaves the rate's window first: a stop after the last deadline.
    [*met(1, 1.5, 2), mark(3, id="late", kind="respond")],
    rules(ladder(window_days=1, decay_days=2, minimum_sample=1, stop_below=Fraction(1, 10))),
    2,
)
@example(  # An offer missed, and recalled by the stop that it brings: that one counts as row, and one miss suffices.
    [mark(1, kind="respond")], rules(ladder(stop_on_overdue=1, breaches_in_a_row=2)), 0
)
def test_the_forecast_is_what_comes_when_nothing_is_done(
    marks: list[Mark], versions: list[LadderVersion], hour: int
) -> None:
    marks = known(marks, hour)
    state, steps = run(initial(START), marks, (), versions, at(hour))
    rows = recorded(marks, (), steps, at(hour))
    told = forecast(state, rows, versions, days, at(hour))
    _, ahead = run(state, rows, (), versions, at(3 * END))
    changes = [(s.at, s.to) for s in ahead if s.from_ is not s.to]
    assert [(f.at, f.to) for f in told] == changes[: len(told)]
    stops = [t for t, to in changes if to is Standing.STOPPED]
    assert [f.at for f in told if f.to is Standing.STOPPED][:1] == stops[:1]
    for one in told:
        assert 1 <= one.need <= max(1, len(one.misses))


def test_a_quiet_ladder_names_nothing() -> None:
    assert rung_named(Tally([], View(START, True, ladder(), None)), ladder()).rung is Standing.GOOD

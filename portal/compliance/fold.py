"""Standing as a fold in time order over what a partner kept and missed, what was done by hand, and time
itself.

Within one instant things count in this order, so that the stored standing and the one recomputed from the
rows agree: what time brings (all of it as one step), what was said or done by hand, what was done about
obligations. An act at a deadline's own instant thus finds the breach already made, and a stop sees what was
overdue before its own recall of offers settled it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from portal.compliance import rules
from portal.compliance.facts import Ladder, LadderVersion, Mark, Measure, Rate, ladder_at
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State, Step
from portal.compliance.tally import Tally, View
from portal.vocabulary import LedgerKind, ObligationKind, Standing, StopCause


def advance(
    state: State,
    marks: Iterable[Mark],
    measures: Iterable[Measure],
    ladders: Sequence[LadderVersion],
    business_days: BusinessDays,
    until: datetime,
) -> tuple[State, list[Step]]:
    """Fold everything in (``state.folded_until``, ``until``] into ``state``: the new state, and its steps.

    ``marks``: all of a partner's obligations, or those that can still matter: due after ``folded_until`` less
    the longest window or decay of any ladder, still open or overdue, or changed after ``folded_until``.
    Either gives the same; so does any split of the time into parts. ``measures``: those after
    ``folded_until`` (earlier ones are passed over).

    A stop recalls the partner's unanswered offers; the fold counts them as recalled from that instant on (the
    caller records it in the rows). A breach that takes the lead away does the same to the rest of its
    assignment.
    """
    fold = _Fold(state, marks, measures, ladders, business_days)
    return fold.run(until)


def next_change(state: State, marks: Iterable[Mark], ladders: Sequence[LadderVersion]) -> datetime | None:
    """The next instant after ``folded_until`` at which time alone may change the standing, or None.

    These are the instants at which ``advance`` steps if nobody does anything: a deadline's end, a kept
    deadline entering the rate, one leaving window or decay, the end of a measure, probation or stop, and a
    new ladder.
    """
    after = state.folded_until
    ladder = ladder_at(ladders, after)
    brought = [at for mark in marks for at in _brought(mark, ladder)]
    publishes = [v.effective_from for v in ladders]
    return min((at for at in (*brought, *publishes, *state.timers) if at > after), default=None)


def tally_at(state: State, marks: Iterable[Mark], ladders: Sequence[LadderVersion], t: datetime) -> Tally:
    """What counts at ``t``, under the ladder that rules then and the last fresh start of ``state``."""
    return Tally(marks, View(t, True, ladder_at(ladders, t), state.fresh_from))


def rate_at(state: State, marks: Iterable[Mark], ladders: Sequence[LadderVersion], t: datetime) -> Rate:
    """Kept of due as the ladder reads it at ``t``; with the marks of one kind alone, that kind's figure."""
    return tally_at(state, marks, ladders, t).rate


def _brought(mark: Mark, ladder: Ladder) -> Iterator[datetime]:
    """The instants at which time alone changes what a mark counts as."""
    if mark.breach_at is not None:
        yield mark.breach_at
    elif mark.met_at is not None:
        yield mark.due_at
    else:
        return
    yield mark.due_at + ladder.window
    yield mark.due_at + ladder.decay


class _Fold:
    """One run of the fold: the state so far, the sums at this instant, and the instants still to come."""

    def __init__(
        self,
        state: State,
        marks: Iterable[Mark],
        measures: Iterable[Measure],
        ladders: Sequence[LadderVersion],
        days: BusinessDays,
    ) -> None:
        self.state, self.days, self.steps = state, days, list[Step]()
        self.marks = {mark.id: mark for mark in marks}
        self.measures = sorted((m for m in measures if m.at > state.folded_until), key=lambda m: m.at)
        self.ladders = sorted(ladders, key=lambda v: (v.effective_from, v.number))
        self.siblings: dict[str, list[str]] = {}
        for mark in self.marks.values():
            self.siblings.setdefault(mark.assignment_id, []).append(mark.id)
        self.taken_back: set[str] = set()
        self._rule(state.folded_until, acted=True)

    def _rule(self, t: datetime, *, acted: bool) -> None:
        """Take up the ladder that rules at ``t``: the sums and the instants to come are its own."""
        self.ladder = ladder_at(self.ladders, t)
        self._recount(t, acted=acted)
        brought = {(at, mark.id) for mark in self.marks.values() for at in _brought(mark, self.ladder) if at >= t}
        acts = {(at, mark.id) for mark in self.marks.values() for at in mark.acts if at >= t}
        self.brought, self.acts = sorted(brought, reverse=True), sorted(acts, reverse=True)

    def _recount(self, t: datetime, *, acted: bool) -> None:
        """Sum up anew. What was taken back within this instant stays so before other acts of it are seen."""
        self.acted = acted
        self.tally = Tally(self.marks.values(), View(t, acted, self.ladder, self.state.fresh_from))
        self._look(self.taken_back, t, acted=True)
        self.acted = acted

    def run(self, until: datetime) -> tuple[State, list[Step]]:
        """Start with what the rows say of the instant last folded, then take instant after instant."""
        self._done(self.state.folded_until)
        while (t := self._next()) is not None and t <= until:
            self.state = replace(self.state, folded_until=t)
            self.taken_back.clear()
            self._time(t)
            self._by_hand(t)
            self._done(t)
        return replace(self.state, folded_until=max(until, self.state.folded_until)), self.steps

    def _next(self) -> datetime | None:
        after = self.state.folded_until
        for agenda in (self.brought, self.acts):
            while agenda and agenda[-1][0] <= after:
                agenda.pop()
        ahead = [agenda[-1][0] for agenda in (self.brought, self.acts) if agenda]
        ahead += [m.at for m in self.measures if m.at > after][:1]
        index = bisect_right([v.effective_from for v in self.ladders], after)
        ahead += [v.effective_from for v in self.ladders[index : index + 1]]
        return min((*ahead, *self.state.timers), default=None)

    def _time(self, t: datetime) -> None:
        """What time brings: a new ladder, ends of measures, deadlines running out, deadlines growing old."""
        if any(v.effective_from == t for v in self.ladders):
            self._rule(t, acted=False)
        due = _taken(self.brought, t)
        self._look(due, t, acted=False)
        for id_ in due:
            self._hand_over(id_, t)
        before = self.state
        if self.state.measure_until is not None and self.state.measure_until <= t:
            self.state = rules.unmeasured(self.state)
        self._turn(before, t)

    def _by_hand(self, t: datetime) -> None:
        for measure in [m for m in self.measures if m.at == t]:
            before = self.state
            self.state = rules.measured(self.state, measure, t, self.ladder, self.days)
            if measure.kind is LedgerKind.RELEASE:
                self._take_back(self.tally.overdue, t)
            if self.state.fresh_from != before.fresh_from:
                self._recount(t, acted=self.acted)
            self._turn(before, t)

    def _done(self, t: datetime) -> None:
        """What was done about obligations at ``t``."""
        self._look(_taken(self.acts, t), t, acted=True)
        self._turn(self.state, t)

    def _look(self, ids: Iterable[str], t: datetime, *, acted: bool) -> None:
        self.acted = acted
        view = View(t, acted, self.ladder, self.state.fresh_from)
        for id_ in ids:
            self.tally.look(self.marks[id_], view)

    def _turn(self, before: State, t: datetime) -> None:
        """Apply the rules until none changes anything, then recall offers where that stopped the partner."""
        while (after := rules.next_state(self.state, self.tally, self.ladder, t, self.days)) != self.state:
            fresh = after.fresh_from != self.state.fresh_from
            self.state = after
            if fresh:
                self._recount(t, acted=self.acted)
        if self.state.shown is Standing.STOPPED and before.shown is not Standing.STOPPED:
            self._recall(t)
        self._note(before, t)

    def _recall(self, t: datetime) -> None:
        """The partner's unanswered offers go: open ones are cancelled, missed ones are no longer overdue."""
        owed = set(self.tally.overdue)
        responds = (m for m in self.marks.values() if m.kind is ObligationKind.RESPOND)
        self._take_back([m.id for m in responds if m.id in owed or m.is_open(t)], t)
        if self.state.cause is StopCause.OVERDUE and not self.tally.overdue:
            self.state = rules.as_row(self.state, self.ladder, self.days)

    def _hand_over(self, id_: str, t: datetime) -> None:
        """A breach that takes the lead away ends what else its assignment asked for.

        What was missed at the same instant stays missed, and is no longer overdue.
        """
        mark = self.marks[id_]
        if not (mark.hands_on and mark.breach_at == t and mark.assignment_id):
            return
        others = (self.marks[other] for other in self.siblings[mark.assignment_id] if other != id_)
        owed = set(self.tally.overdue)
        self._take_back([m.id for m in others if m.id in owed or m.is_open(t)], t)

    def _take_back(self, ids: Iterable[str], t: datetime) -> None:
        """Count marks as taken back at ``t``, at once."""
        view = View(t, True, self.ladder, self.state.fresh_from)
        for id_ in ids:
            self.marks[id_] = self.marks[id_].taken_back(t)
            self.taken_back.add(id_)
            self.tally.look(self.marks[id_], view)

    def _note(self, before: State, t: datetime) -> None:
        """Write down a change of what is shown, of the rung under it, or of a stop's cause."""
        now = self.state
        if now.shown is not before.shown:
            self.state = now = replace(now, shown_since=t)
        if (now.shown, now.rung, now.cause) != (before.shown, before.rung, before.cause):
            tally = self.tally
            figures = (len(tally.overdue), len(tally.in_a_row), tally.rate)
            self.steps.append(Step(t, before.shown, now.shown, now.rung, now.cause, now.because, *figures))


def _taken(agenda: list[tuple[datetime, str]], t: datetime) -> list[str]:
    """The ids due at ``t``, taken off an agenda that is sorted latest first."""
    ids = []
    while agenda and agenda[-1][0] <= t:
        ids.append(agenda.pop()[1])
    return ids

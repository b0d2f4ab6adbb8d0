"""A past period under another policy: the same acts at the same true times, deadlines and ladder otherwise. Pure.

First order: nobody acts otherwise because a deadline lies elsewhere. What was never done is never done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from portal.compliance.facts import Ladder, LadderVersion, Mark, Measure
from portal.compliance.fold import advance
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State, Step
from portal.vocabulary import LedgerKind, Standing, StopCause

TICK = timedelta(microseconds=1)
#: No partner is stopped more often than this in a period that anybody asks about.
MOST_STOPS = 100
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Lived:
    """One partner's period under one policy.

    ``due``: the deadlines that ran out in it, ``missed``: those of them that were not kept in time.
    ``moved``: the assignments whose lead a missed deadline took away. ``stopped``: the times without leads;
    ``low``: the times on the lowest rung, with those that a hold lay over.
    """

    standing: Standing
    steps: tuple[Step, ...]
    due: int
    missed: int
    moved: frozenset[str]
    stopped: tuple[Span, ...]
    low: tuple[Span, ...]

    @property
    def stops(self) -> int:
        """How often it was stopped."""
        return sum(step.to is Standing.STOPPED and step.from_ is not step.to for step in self.steps)


def redated(mark: Mark, due_at: datetime, grace_until: datetime, *, hands_on: bool) -> Mark:
    """What an obligation would have been with other instants, its acts at their true times.

    1. With the same instants and the same hand-over it is what it was.
    2. What came before the end of its grace stands: done is met, waived is waived, a lead that left cancels.
    3. What came at that instant or after it finds a breach: done is cured (unless the breach took the lead away),
       a lead that left settles it, a waiver waives it.
    4. That the lead moved away through its own breach is no act: with other instants it need not have.
    """
    if (due_at, grace_until, hands_on) == (mark.due_at, mark.grace_until, mark.hands_on):
        return mark
    done = mark.met_at or mark.cured_at
    left = mark.cancelled_at or (None if _took_away(mark) else mark.settled_at)
    bare = Mark(mark.id, mark.kind, mark.opened_at, due_at, grace_until, hands_on=hands_on,
                assignment_id=mark.assignment_id)  # fmt: skip
    first = min((at for at in (done, mark.waived_at, left) if at is not None), default=None)
    if first is None:
        return bare
    if first >= grace_until:
        cured = None if hands_on else done
        return replace(bare, breached_at=due_at, cured_at=cured, waived_at=mark.waived_at, settled_at=left)
    if first == done:
        return replace(bare, met_at=done)
    return replace(bare, waived_at=first) if first == mark.waived_at else replace(bare, cancelled_at=first)


def _took_away(mark: Mark) -> bool:
    return mark.hands_on and mark.breached_at is not None


def handed_on(was: Mapping[str, Mark], marks: Iterable[Mark], until: datetime) -> list[Mark]:
    """The marks once each breach up to ``until`` that takes a lead away has ended its assignment.

    ``was``: the marks as recorded, by id; what a recorded breach ended stands there already.
    1. What the assignment asked for from then on was never asked.
    2. What was open then is cancelled, whatever became of it later. 3. What was missed by then stays missed.
    """
    marks = list(marks)
    ends: dict[str, tuple[datetime, str]] = {}
    for mark in marks:
        at = mark.breach_at
        recorded = mark is was[mark.id] and mark.breached_at is not None
        if mark.hands_on and at is not None and at <= until and mark.assignment_id and not recorded:
            ends[mark.assignment_id] = min(ends.get(mark.assignment_id, (at, mark.id)), (at, mark.id))
    found = (_ended(mark, *ends[mark.assignment_id]) if mark.assignment_id in ends else mark for mark in marks)
    return [mark for mark in found if mark is not None]


def _ended(mark: Mark, at: datetime, by: str) -> Mark | None:
    if mark.id == by:
        return mark
    if mark.opened_at >= at:
        return None
    if mark.breach_at is not None and mark.breach_at <= at:
        cured = mark.cured_at if mark.cured_at is not None and mark.cured_at < at else None
        return replace(mark, breached_at=mark.due_at, cured_at=cured, settled_at=min(mark.settled_at or at, at))
    if any(act < at for act in mark.acts):
        return mark
    bare = replace(mark, met_at=None, breached_at=None, cured_at=None, waived_at=None, settled_at=None)
    return replace(bare, cancelled_at=at)


def under(ladders: Sequence[LadderVersion], since: datetime, ladder: Ladder) -> list[LadderVersion]:
    """The ladders where another one rules from ``since`` on, in place of all that were published after it."""
    earlier = [version for version in ladders if version.effective_from < since]
    number = max((version.number for version in ladders), default=0) + 1
    return [*earlier, LadderVersion(since, ladder, number)]


def lived(
    state: State,
    marks: Sequence[Mark],
    measures: Sequence[Measure],
    ladders: Sequence[LadderVersion],
    days: BusinessDays,
    since: datetime,
    until: datetime,
    really: Sequence[Span] | None = None,
) -> Lived:
    """The period (``since``, ``until``] from a state folded up to ``since``.

    ``really``: when its rung was stopped in truth; None: this is the truth. A stop by rate or row outside these
    times was never answered by "we are ready": it is taken as said at once, for else the partner would stay stopped.
    """
    told = [*measures, *(() if really is None else _ready_after(marks, really, since, until))]
    for _ in range(MOST_STOPS):
        after, steps = advance(state, marks, told, ladders, days, until)
        silent = None if really is None else _unanswered(steps, told, really)
        if silent is None:
            break
        told.append(Measure(LedgerKind.READY, silent.at + TICK))
    return _told(state, after, steps, marks, since, until)


def _ready_after(marks: Sequence[Mark], really: Sequence[Span], since: datetime, until: datetime) -> list[Measure]:
    """ "Ready" said after each miss, where nearly all stops begin: it is heard by a stopped partner alone."""
    misses = {m.breach_at for m in marks if m.breach_at is not None and since < m.breach_at <= until}
    return [Measure(LedgerKind.READY, at + TICK) for at in sorted(misses) if not _during(at, really)]


def _during(at: datetime, spans: Sequence[Span]) -> bool:
    return any(start <= at < end for start, end in spans)


def _unanswered(steps: Sequence[Step], told: Sequence[Measure], really: Sequence[Span]) -> Step | None:
    """The first stop that happened only here and that nobody answered."""
    said = {measure.at for measure in told if measure.kind is LedgerKind.READY}
    for step in steps:
        here = step.to is Standing.STOPPED and step.cause is not StopCause.OVERDUE
        if here and step.at + TICK not in said and not _during(step.at, really):
            return step
    return None


def _told(
    before: State, after: State, steps: Sequence[Step], marks: Sequence[Mark], since: datetime, until: datetime
) -> Lived:
    ran_out = [m for m in marks if since < m.grace_until <= until and _counts(m, until)]
    broken = [m for m in ran_out if m.breach_at is not None]
    moved = frozenset(m.assignment_id for m in broken if m.hands_on and m.waived_at is None)
    return Lived(
        after.shown, tuple(step for step in steps if step.at > since), len(ran_out), len(broken), moved,
        _spans(before.shown, [(step.at, step.to) for step in steps], since, until),
        _spans(before.rung, [(step.at, step.rung) for step in steps], since, until),
    )  # fmt: skip


def _counts(mark: Mark, until: datetime) -> bool:
    """Whether it was kept or missed by then: what was cancelled or waived before it ran out is neither."""
    return mark.breach_at is not None or (mark.met_at is not None and mark.met_at <= until)


def _spans(
    before: Standing, turns: Sequence[tuple[datetime, Standing]], since: datetime, until: datetime
) -> tuple[Span, ...]:
    """When it was stopped, within the period."""
    now, start, found = before, since, list[Span]()
    for at, to in turns:
        if now is Standing.STOPPED and to is not Standing.STOPPED:
            found.append((start, at))
        if to is Standing.STOPPED and now is not Standing.STOPPED:
            start = at
        now = to
    return (*found, (start, until)) if now is Standing.STOPPED else tuple(found)

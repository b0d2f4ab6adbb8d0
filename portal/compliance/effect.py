"""What waiving would do to a standing: the fold run forward with and without. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portal.compliance.facts import LadderVersion, Mark, Rate
from portal.compliance.fold import advance, tally_at
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State


@dataclass(frozen=True, slots=True)
class Effect:
    """The standing and kept of due as they are, and as they would be."""

    before: State
    after: State
    rate_before: Rate
    rate_after: Rate

    @property
    def changes(self) -> bool:
        """Whether another standing would be shown."""
        return self.before.shown is not self.after.shown


def of_waiving(
    state: State, marks: Iterable[Mark], ladders: Sequence[LadderVersion], days: BusinessDays, ids: Collection[str],
    t: datetime,
) -> Effect:  # fmt: skip
    """The effect of waiving obligations at ``t``, after everything else of that instant. ``state`` is folded before."""
    now = list(marks)
    then = [replace(mark, waived_at=t) if mark.id in ids and mark.waived_at is None else mark for mark in now]
    before, _ = advance(state, now, (), ladders, days, t)
    after, _ = advance(state, then, (), ladders, days, t)
    return Effect(before, after, tally_at(before, now, ladders, t).rate, tally_at(after, then, ladders, t).rate)

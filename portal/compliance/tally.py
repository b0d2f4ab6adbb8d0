"""What counts for and against a partner at one instant, kept up to date mark by mark as time goes on."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import TypeVar

from portal.compliance.facts import Ladder, Mark, Rate
from portal.vocabulary import ObligationKind

#: (instant, 0 a breach or 1 a met, obligation id): in this order endings stand in a row.
Ending = tuple[datetime, int, str]
BREACH, MET = 0, 1
Key = TypeVar("Key", Ending, tuple[datetime, str])


@dataclass(frozen=True, slots=True)
class View:
    """From where marks are looked at: the instant, whether acts of that very instant are seen, the rules.

    ``decayed_at``, ``window_at``: what fell due up to here is too old for row and rate; worked out once for all marks.
    """

    t: datetime
    acted: bool
    ladder: Ladder
    fresh_from: datetime | None
    decayed_at: datetime = field(init=False)
    window_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decayed_at", self.t - self.ladder.decay)
        object.__setattr__(self, "window_at", self.t - self.ladder.window)

    def done(self, act: datetime | None) -> bool:
        return act is not None and (act < self.t or (self.acted and act == self.t))


@dataclass(frozen=True, slots=True)
class Share:
    """What one mark adds: overdue now, an undecayed breach, its place in the row, its part in the rate."""

    overdue: bool = False
    breach: bool = False
    ending: Ending | None = None
    rated: bool = False
    kept: bool = False


NOTHING = Share()


def share_of(mark: Mark, view: View) -> Share:
    """What a mark counts as.

    1. Waived or cancelled: nowhere.
    2. Breached: overdue until it is cured or settled, however old it is; never where its breach took the lead
       away.
    3. Row: what is not older than ``decay_days`` and fell due after the last fresh start.
    4. Rate: what also fell due within the last ``window_days``, weighing more than nothing. Met early counts
       from its due instant on.
    """
    if view.done(mark.waived_at) or view.done(mark.cancelled_at):
        return NOTHING
    recent = mark.due_at > view.decayed_at
    fresh = recent and (view.fresh_from is None or mark.due_at > view.fresh_from)
    rated = fresh and view.window_at < mark.due_at <= view.t and view.ladder.weight(mark.kind) > 0
    breach_at = mark.breach_at
    if breach_at is not None and breach_at <= view.t:
        overdue = not (mark.hands_on or view.done(mark.cured_at) or view.done(mark.settled_at))
        return Share(overdue, recent, (breach_at, BREACH, mark.id) if fresh else None, rated)
    if mark.met_at is not None and view.done(mark.met_at):
        return Share(False, False, (mark.met_at, MET, mark.id) if fresh else None, rated, rated)
    return NOTHING


class Tally:
    """The sums over all marks at one instant; ``look`` renews a mark's share when something happened."""

    def __init__(self, marks: Iterable[Mark], view: View) -> None:
        self.ladder = view.ladder
        self._shares: dict[str, Share] = {}
        self._overdue: list[tuple[datetime, str]] = []
        self._breaches: list[tuple[datetime, str]] = []
        self._endings: list[Ending] = []
        self._rated: list[tuple[datetime, str]] = []
        self._kept: Counter[ObligationKind] = Counter()
        self._due: Counter[ObligationKind] = Counter()
        for mark in marks:
            self.look(mark, view)

    def look(self, mark: Mark, view: View) -> None:
        """Count a mark afresh as ``view`` sees it."""
        old, new = self._shares.get(mark.id, NOTHING), share_of(mark, view)
        if old != new:
            self._list(mark, old, new)
            self._rate(mark, old, -1)
            self._rate(mark, new, 1)
            self._shares[mark.id] = new

    def _list(self, mark: Mark, old: Share, new: Share) -> None:
        key = (mark.due_at, mark.id)
        _move(self._overdue, key if old.overdue else None, key if new.overdue else None)
        _move(self._breaches, key if old.breach else None, key if new.breach else None)
        _move(self._endings, old.ending, new.ending)
        missed = old.rated and not old.kept, new.rated and not new.kept
        _move(self._rated, key if missed[0] else None, key if missed[1] else None)

    def _rate(self, mark: Mark, share: Share, sign: int) -> None:
        if share.rated:
            self._due[mark.kind] += sign
            self._kept[mark.kind] += sign * share.kept

    def _weight(self, counts: Counter[ObligationKind]) -> Fraction:
        if not self.ladder.severity:
            return Fraction(counts.total())
        return sum((self.ladder.weight(kind) * count for kind, count in counts.items()), Fraction(0))

    @property
    def overdue(self) -> tuple[str, ...]:
        """What was missed and can still be done, by due instant."""
        return tuple(id_ for _, id_ in self._overdue)

    @property
    def in_a_row(self) -> tuple[str, ...]:
        """The breaches since the last met, oldest first."""
        row: list[str] = []
        for _, ending, id_ in reversed(self._endings):
            if ending == MET:
                break
            row.append(id_)
        return tuple(reversed(row))

    @property
    def breaches_since_fresh(self) -> tuple[str, ...]:
        """Every breach that fell due after the last fresh start."""
        return tuple(id_ for _, ending, id_ in self._endings if ending == BREACH)

    @property
    def missed_in_window(self) -> tuple[str, ...]:
        """What the rate counts as not kept, by due instant."""
        return tuple(id_ for _, id_ in self._rated)

    @property
    def last_breach_at(self) -> datetime | None:
        """The due instant of the last breach that was neither waived nor is older than ``decay_days``."""
        return self._breaches[-1][0] if self._breaches else None

    @property
    def rate(self) -> Rate:
        weights = self._weight(self._kept), self._weight(self._due)
        return Rate(self._kept.total(), self._due.total(), *weights, self.ladder.minimum_sample)


def _move(ordered: list[Key], old: Key | None, new: Key | None) -> None:
    """Take ``old`` out of a sorted list and put ``new`` in."""
    if old == new:
        return
    if old is not None:
        del ordered[bisect_left(ordered, old)]
    if new is not None:
        insort(ordered, new)

"""The figures of the scoreboard: what each one means, in one sentence, and how it is computed. Pure.

All of them are about the leads that came in during a period, whenever the rest happened: the rows behind a figure
are those leads, and both sides count the same ones. Times are elapsed time, nights and weekends included, and the
typical one is the median.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from statistics import median

from portal.calendars.describe import MONTHS
from portal.reporting.period import Period
from portal.vocabulary import AssignmentState, LeadStatus, ObligationState

HOUR, DAY = 3600, 86400
#: Fewer than this say nothing about the next ones.
ENOUGH = 5
#: So many sources have a mark of their own in the chart; the table has all.
SOURCES = 5
NO_SOURCE = "No source"
NEVER_QUALIFIED = (LeadStatus.RECEIVED, LeadStatus.DUPLICATE, LeadStatus.DISQUALIFIED)
#: Put aside or erased: it was qualified if a partner had it before.
QUALIFIED_IF_HANDED = (LeadStatus.NURTURE, LeadStatus.ERASED)
OUTCOMES = ("won", "in work", "lost or back")
GONE = (LeadStatus.LOST, LeadStatus.RETURNED, LeadStatus.NURTURE, LeadStatus.ERASED)
FEEDBACK = {
    ObligationState.MET: "In time",
    ObligationState.CURED: "Done late",
    ObligationState.BREACHED: "Missed",
}
DUE = tuple(FEEDBACK)
#: Label, and up to how many seconds.
HAND_OVER_BINS = (("to 1 h", HOUR), ("to 4 h", 4 * HOUR), ("to 1 day", DAY), ("to 3 days", 3 * DAY))
PARTNER_BINS = (("to 4 h", 4 * HOUR), ("to 1 day", DAY), ("to 2 days", 2 * DAY), ("to 5 days", 5 * DAY))


class Chart(StrEnum):
    LINE = "line"
    COLUMNS = "columns"
    BARS = "bars"
    STACKED = "stacked"


@dataclass(frozen=True)
class Arrival:
    """A lead. ``handed_at``: its first offer or claim."""

    received_at: datetime
    status: LeadStatus
    source: str | None = None
    handed_at: datetime | None = None
    lead_id: str = ""

    @property
    def qualified(self) -> bool:
        """Whether it met the lead definition, as far as its status tells today."""
        if self.status in QUALIFIED_IF_HANDED:
            return self.handed_at is not None
        return self.status not in NEVER_QUALIFIED


@dataclass(frozen=True)
class Held:
    """A lead in a partner's hands; ``received_at`` is the lead's. ``offered_at``: None where it was claimed.

    ``touched_at``: when the first touch that counted took place.
    """

    received_at: datetime
    state: AssignmentState
    offered_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    touched_at: datetime | None = None
    lead_id: str = ""


@dataclass(frozen=True)
class Deadline:
    """A feedback deadline that has fallen due; ``received_at`` is its lead's."""

    received_at: datetime
    state: ObligationState
    lead_id: str = ""


@dataclass(frozen=True)
class Facts:
    """What the figures are computed from, of a period or of several."""

    arrivals: Sequence[Arrival] = ()
    held: Sequence[Held] = ()
    deadlines: Sequence[Deadline] = ()

    def within(self, period: Period) -> "Facts":
        """Only what belongs to leads of a period."""
        starts, ends = period.starts, period.ends
        return Facts(
            [row for row in self.arrivals if starts <= row.received_at < ends],
            [row for row in self.held if starts <= row.received_at < ends],
            [row for row in self.deadlines if starts <= row.received_at < ends],
        )


@dataclass(frozen=True)
class Part:
    """One line of a figure's table: a number for each of its series, in the period and in the one before."""

    label: str
    values: tuple[int, ...]
    before: tuple[int, ...]


@dataclass(frozen=True)
class Figure:
    """A number with its definition, what it is made of, and the one before.

    ``number`` and ``compare`` are words for the reader; ``value`` and ``was`` the same as plain numbers, in
    ``unit``, None where there is none. ``kind``: what ``parts`` are by; ``series``: what their numbers count.
    """

    key: str
    title: str
    definition: str
    chart: Chart
    kind: str
    series: tuple[str, ...]
    number: str
    compare: str
    value: float | None
    was: float | None
    unit: str
    parts: tuple[Part, ...] = field(default=())


def scoreboard(facts: Facts, period: Period) -> tuple[Figure, ...]:
    """Every figure of a period, compared with the one before."""
    now, then = facts.within(period), facts.within(period.before)
    return tuple(
        figure(now, then, period)
        for figure in (_leads, _qualified, _hand_over, _response, _first_contact, _feedback, _outcomes)
    )


def _leads(now: Facts, then: Facts, period: Period) -> Figure:
    told = "Enquiries that came in, duplicates and those that did not qualify included."
    return _counted("leads", "Leads", told, now.arrivals, then.arrivals, period)


def _qualified(now: Facts, then: Facts, period: Period) -> Figure:
    told = (
        "Leads that met the lead definition: without duplicates, disqualified ones, and those kept to nurture before "
        "any partner had them."
    )
    return _counted("qualified", "Qualified leads", told, good(now), good(then), period)


def good(facts: Facts) -> list[Arrival]:
    """The leads that met the lead definition."""
    return [row for row in facts.arrivals if row.qualified]


def _counted(
    key: str, title: str, definition: str, now: Sequence[Arrival], then: Sequence[Arrival], period: Period
) -> Figure:
    """A count of leads, point by point beside the same point of the period before."""
    here, there = (Counter(p.point_of(row.received_at) for row in rows) for p, rows in _both(now, then, period))
    parts = (Part(day_words(day), (here[n],), (there[n],)) for n, day in enumerate(period.points))
    return Figure(
        key, title, definition, Chart.LINE, "Day" if period.step == 1 else f"{period.step} days from", ("leads",),
        f"{len(now):,}", change(len(now), len(then)), len(now), len(then), "leads", tuple(parts),
    )  # fmt: skip


def _both(
    now: Sequence[Arrival], then: Sequence[Arrival], period: Period
) -> tuple[tuple[Period, Sequence[Arrival]], tuple[Period, Sequence[Arrival]]]:
    return (period, now), (period.before, then)


def day_words(day: date) -> str:
    """A day without its year: "2 Mar"."""
    return f"{day.day} {MONTHS[day.month - 1]}"


def change(now: int, before: int) -> str:
    """The count before, and the change in percent where there were enough to say so: "368 before, +12 %"."""
    if before < ENOUGH:
        return f"{before:,} before" if before else "none before"
    percent = round(100 * (now - before) / before)
    return f"{before:,} before, {percent:+d} %" if percent else f"{before:,} before, the same"


def _hand_over(now: Facts, then: Facts, period: Period) -> Figure:
    told = "From the arrival of a qualified lead to its first offer or claim. This one is the vendor's own promise."
    base = Figure("hand_over", "Hand-over time", told, Chart.COLUMNS, "Took", ("leads",), "", "", None, None, "hours")
    waits = [[hand_over_wait(row) for row in good(facts)] for facts in (now, then)]
    return _timed(base, waits[0], waits[1], HAND_OVER_BINS, "handed over", "none yet")


def hand_over_wait(row: Arrival) -> float | None:
    """Seconds from its arrival to its first offer or claim; None where there is none yet."""
    return _seconds(row.received_at, row.handed_at)


def _response(now: Facts, then: Facts, period: Period) -> Figure:
    told = "From an offer to the partner's accept or decline. Offers that were taken back unanswered are left out."
    base = Figure("response", "Response time", told, Chart.COLUMNS, "Took", ("offers",), "", "", None, None, "hours")
    waits = [[answer_wait(row) for row in facts.held if was_asked(row)] for facts in (now, then)]
    return _timed(base, waits[0], waits[1], PARTNER_BINS, "answered", "no answer")


def was_asked(row: Held) -> bool:
    """Whether a partner was asked, and the question was left with it."""
    return row.offered_at is not None and (row.accepted_at is not None or row.state is not AssignmentState.RECALLED)


def answer_wait(row: Held) -> float | None:
    """Seconds from the offer to its answer; None where there is none."""
    declined = row.ended_at if row.state is AssignmentState.DECLINED else None
    return _seconds(row.offered_at, row.accepted_at or declined)


def _first_contact(now: Facts, then: Facts, period: Period) -> Figure:
    told = "From accepting or claiming a lead to the first touch that counted."
    base = Figure(
        "first_contact", "First contact time", told, Chart.COLUMNS, "Took", ("leads",), "", "", None, None, "hours"
    )
    waits = [[contact_wait(row) for row in facts.held if row.accepted_at is not None] for facts in (now, then)]
    return _timed(base, waits[0], waits[1], PARTNER_BINS, "contacted", "none yet")


def contact_wait(row: Held) -> float | None:
    """Seconds from accepting or claiming to the first touch; None where there is none yet."""
    return _seconds(row.accepted_at, row.touched_at)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Elapsed seconds, never less than none; None where it has not ended."""
    return max(0.0, (end - start).total_seconds()) if start and end else None


Wait = float | None


def _timed(
    base: Figure, now: Sequence[Wait], then: Sequence[Wait], bins: Sequence[tuple[str, int]], done: str, none: str
) -> Figure:
    """The median of what has ended, and how many took how long; what has not ended has a mark of its own."""
    middle, was = _middle(now), _middle(then)
    ended = sum(wait is not None for wait in now)
    few = ", too few to compare" if 0 < ended < ENOUGH else f"; {length(was)} before" if was is not None else ""
    here, there = _in_bins(now, bins), _in_bins(then, bins)
    labels = [*(label for label, _ in bins), "longer", none]
    return replace(
        base,
        number=length(middle) if middle is not None else "None yet",
        compare=f"{ended:,} of {len(now):,} {done}{few}",
        value=_hours(middle),
        was=_hours(was),
        parts=tuple(Part(label, (here[n],), (there[n],)) for n, label in enumerate(labels)),
    )


def _middle(waits: Iterable[Wait]) -> float | None:
    ended = [wait for wait in waits if wait is not None]
    return median(ended) if ended else None


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / HOUR, 2)


def _in_bins(waits: Iterable[Wait], bins: Sequence[tuple[str, int]]) -> Counter[int]:
    """How many waits each bin has."""
    return Counter(bin_of(wait, bins) for wait in waits)


def bin_of(wait: Wait, bins: Sequence[tuple[str, int]]) -> int:
    """The bin of a wait; after the bins comes what took longer, then what has not ended."""
    if wait is None:
        return len(bins) + 1
    return next((n for n, (_, most) in enumerate(bins) if wait <= most), len(bins))


def length(seconds: float) -> str:
    """A length of time for a figure: "under 1 min", "12 min", "3.5 h", "2.1 days"."""
    if seconds < 60:
        return "under 1 min"
    if seconds < HOUR:
        return f"{int(seconds // 60)} min"
    if seconds < 2 * DAY:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds / DAY:.1f} days"


def _feedback(now: Facts, then: Facts, period: Period) -> Figure:
    told = "Feedback deadlines that have fallen due and were met in time; waived and cancelled ones are left out."
    here, there = (Counter(row.state for row in facts.deadlines if row.state in DUE) for facts in (now, then))
    kept, due, was = here[ObligationState.MET], here.total(), share(there[ObligationState.MET], there.total())
    before = f"; {was} of {there.total():,} before" if was else ""
    labels = [FEEDBACK[state] for state in DUE]
    return Figure(
        "feedback", "Feedback kept of due", told, Chart.BARS, "Feedback", ("deadlines",),
        f"{kept:,} of {due:,}" if due else "None due yet",
        f"{share(kept, due) or ('too few for a rate' if due else 'no rate')}{before}",
        round(kept / due, 4) if due else None,
        round(there[ObligationState.MET] / there.total(), 4) if there.total() else None, "kept of due",
        tuple(Part(label, (here[state],), (there[state],)) for label, state in zip(labels, DUE, strict=True)),
    )  # fmt: skip


def share(kept: int, due: int) -> str:
    """A share in whole percent, half rounded up; nothing where there are too few."""
    return f"{(200 * kept + due) // (2 * due)} %" if due >= ENOUGH else ""


def _outcomes(now: Facts, then: Facts, period: Period) -> Figure:
    told = "What has become so far of the qualified leads, by their source; lost or back: lost, not a lead, or not yet."
    here, there = (_by_source(good(facts)) for facts in (now, then))
    nothing = (0, 0, 0)
    sums, sums_then = (_sums([*by.values(), nothing]) for by in (here, there))
    won, ended, won_then, ended_then = sums[0], sums[0] + sums[2], sums_then[0], sums_then[0] + sums_then[2]
    before = f"; {won_then:,} of {ended_then:,} before" if ended_then else ""
    names = sorted({*here, *there}, key=lambda name: (-sum(here.get(name, nothing)), name))
    return Figure(
        "outcomes", "Outcomes by source", told, Chart.STACKED, "Source", OUTCOMES, f"{won:,} won",
        f"of {ended:,} that have ended{before}", won, won_then, "leads won",
        tuple(Part(name, here.get(name, nothing), there.get(name, nothing)) for name in names),
    )  # fmt: skip


def _by_source(arrivals: Iterable[Arrival]) -> dict[str, tuple[int, int, int]]:
    """For each source: won, in work, lost or back."""
    found: dict[str, list[int]] = {}
    for row in arrivals:
        found.setdefault(source_of(row), [0, 0, 0])[OUTCOMES.index(outcome_of(row))] += 1
    return {name: (counts[0], counts[1], counts[2]) for name, counts in found.items()}


def source_of(row: Arrival) -> str:
    """Where a lead came from, as the figures name it."""
    return row.source or NO_SOURCE


def outcome_of(row: Arrival) -> str:
    """What has become of a qualified lead so far: one of ``OUTCOMES``."""
    return OUTCOMES[0] if row.status is LeadStatus.WON else OUTCOMES[2] if row.status in GONE else OUTCOMES[1]


def gathered(parts: Sequence[Part], most: int = SOURCES) -> list[Part]:
    """The first parts, and the sum of the others as one, so that a chart has no more than ``most`` marks."""
    shown = [part for part in parts if any(part.values)]
    if len(shown) <= most:
        return shown
    rest = shown[most - 1 :]
    values, before = _sums(part.values for part in rest), _sums(part.before for part in rest)
    return [*shown[: most - 1], Part(f"{len(rest)} others", values, before)]


def _sums(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Column by column."""
    return tuple(sum(column) for column in zip(*rows, strict=True))

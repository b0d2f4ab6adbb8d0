"""Which deadline applies, what its instants are, and what counts as a touch. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.calendars.errors import CalendarError
from portal.calendars.policy import Calendar, Span, add_span, subtract_span
from portal.deadlines.document import Entry, PolicyDocument
from portal.vocabulary import ActivityKind, ActivityOutcome, ObligationKind

#: A second touch of one kind within this time of a counted one does not count.
APART = timedelta(minutes=5)


@dataclass(frozen=True)
class Due:
    """The instants of one obligation, in UTC. ``grace_until``: breached from then on, as of ``due_at``."""

    opened_at: datetime
    warn_at: datetime | None
    due_at: datetime
    grace_until: datetime


def entry_for(document: PolicyDocument, kind: ObligationKind, facts: Mapping[str, object]) -> Entry | None:
    """The first entry of that kind whose condition the lead's facts meet; None: no such deadline."""
    fitting = (entry for entry in document.obligations if entry.kind is kind)
    return next((entry for entry in fitting if entry.when is None or entry.when.matches(facts)), None)


def due_for(
    document: PolicyDocument,
    entry: Entry,
    calendar: Calendar,
    opened_at: datetime,
    *,
    within: Span | None = None,
) -> Due:
    """When what ``entry`` opens at ``opened_at`` is warned of, due and breached.

    1. Due the entry's ``within`` after opening, or the given one (feedback asked for again: its ``repeat``).
    2. Breached when the policy's grace has elapsed after that, in plain minutes.
    3. Warned ``warn_before`` the due time, but never at the opening or before it: that says as much itself.
    Raises CalendarError where the calendar is not open for 400 days.
    """
    due_at = add_span(calendar, opened_at, within or entry.within)
    grace_until = due_at + timedelta(minutes=document.grace_minutes)
    return Due(opened_at, _warn_at(calendar, opened_at, due_at, entry.warn_before), due_at, grace_until)


def _warn_at(calendar: Calendar, opened_at: datetime, due_at: datetime, before: Span | None) -> datetime | None:
    if before is None:
        return None
    try:
        at = subtract_span(calendar, due_at, before)
    except CalendarError:  # Nothing was open for so long before it: there is no time to warn in.
        return None
    return at if at > opened_at else None


def touch_counts(
    *,
    kind: ActivityKind,
    outcome: ActivityOutcome,
    recorded_at: datetime,
    occurred_at: datetime,
    accepted_at: datetime | None,
    ended_at: datetime | None,
    last_counted_same_kind_at: datetime | None,
) -> tuple[bool, str]:
    """Whether a touch counts, and the sentence that says so or why not. All of these must hold:

    1. Its kind is not a note. 2. Its outcome is not bounced. 3. It is recorded after acceptance.
    4. It is not dated after it is recorded, in the future. 5. It is dated within the time for which the
    partner holds the lead; the minute of acceptance counts whole, since people date by the minute.
    6. The last counted touch of its kind on this assignment was recorded five minutes ago or more.
    """
    why_not = (
        _why_kind(kind, outcome)
        or _why_dates(recorded_at, occurred_at, accepted_at, ended_at)
        or _why_again(kind, recorded_at, last_counted_same_kind_at)
    )
    return (False, f"Does not count: {why_not}") if why_not else (True, "Counts as a touch.")


def _why_kind(kind: ActivityKind, outcome: ActivityOutcome) -> str | None:
    if kind is ActivityKind.NOTE:
        return "a note is kept, but it does not reach the customer."
    if outcome is ActivityOutcome.BOUNCED:
        return "it bounced, so it did not reach the customer."
    return None


def _why_dates(
    recorded_at: datetime, occurred_at: datetime, accepted_at: datetime | None, ended_at: datetime | None
) -> str | None:
    if accepted_at is None or recorded_at < accepted_at:
        return "accept the lead first."
    if occurred_at > recorded_at:
        return "it is dated in the future; log it once it is done."
    if occurred_at < accepted_at.replace(second=0, microsecond=0):
        return "it is dated before you accepted the lead."
    if ended_at is not None and occurred_at > ended_at:
        return "it is dated after this lead was closed or moved on."
    return None


def _why_again(kind: ActivityKind, recorded_at: datetime, last_at: datetime | None) -> str | None:
    if last_at is None or recorded_at - last_at >= APART:
        return None
    return f"the last {kind.label.lower()} was logged less than 5 minutes before."

"""Policies as people read them, with deadlines worked out for a few moments of a week."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.calendars.describe import WEEKDAYS
from portal.calendars.errors import CalendarError
from portal.calendars.hours import Calendar, parse_calendar
from portal.compliance.facts import Ladder
from portal.compliance.sentences import percent, rung_sentences
from portal.deadlines.document import Entry, PolicyDocument
from portal.deadlines.policy import due_for
from portal.vocabulary import ObligationKind

#: (day of the week from Monday, hour, minute): the moments whose deadlines are worked out.
MOMENTS = ((0, 9, 0), (2, 15, 30), (4, 16, 0), (5, 12, 0))
BEGINS = {
    ObligationKind.RESPOND: "offered",
    ObligationKind.FIRST_CONTACT: "accepted",
    ObligationKind.NEXT_TOUCH: "touched",
    ObligationKind.FEEDBACK: "accepted",
    ObligationKind.UPDATE: "changed",
}
ANY_WEEK = datetime(2026, 3, 2, tzinfo=UTC).date()


def deadlines(document: PolicyDocument) -> list[dict[str, str]]:
    """Each deadline in words: what, for which leads, within what, and what follows a miss."""
    return [
        {
            "what": entry.kind.label,
            "leads": _leads(entry),
            "within": str(entry.within),
            "warned": f"{entry.warn_before} before" if entry.warn_before else "Not warned",
            "missed": _missed(entry),
        }
        for entry in document.obligations
    ]


def _leads(entry: Entry) -> str:
    told = entry.when.sentence() if entry.when is not None and not entry.when.always else "any lead"
    extra = f"; {entry.touches} touches in all" if entry.touches else ""
    again = f"; again after {entry.repeat}" if entry.repeat else ""
    return f"{told[:1].upper()}{told[1:]}{extra}{again}"


def _missed(entry: Entry) -> str:
    lead = "The lead moves to the next partner" if entry.reassign else "The lead stays and can be caught up with"
    told = " and ".join(reader.value for reader in entry.notify)
    return f"{lead}; told: {told}." if told else f"{lead}; nobody is told."


def ladder(document: PolicyDocument) -> list[tuple[str, str]]:
    """The rungs with their thresholds, and what the figures are taken over."""
    rules = Ladder.from_mapping(document.ladder)
    rungs = [(standing.label, f"{gets} {why}") for standing, (gets, why) in rung_sentences(rules).items()]
    stop = f"{rules.stop_days} business days since the last miss, nothing overdue, and the partner says it is ready"
    weighed = ", ".join(f"{kind.replace('_', ' ')} {float(weight):g}" for kind, weight in rules.severity.items())
    return [
        *rungs,
        ("Counted over", f"{rules.window_days} days, from {rules.minimum_sample} due on"),
        ("Forgotten", f"What is older than {rules.decay_days} days counts nowhere"),
        ("Out of a stop", f"By overdue: when nothing is overdue. Else: {stop}"),
        *([("Weights", weighed)] if weighed else []),
    ]


def rest(document: PolicyDocument) -> list[tuple[str, str]]:
    """What else the policy sets."""
    return [
        ("Moves", f"After {document.hand_overs} moves that partners caused a lead waits for a manager"),
        ("Grace", f"{document.grace_minutes} minutes" if document.grace_minutes else "None"),
        ("We hand over", f"within {document.hand_over_within}" if document.hand_over_within else "No promise"),
        ("We answer appeals", f"within {document.appeal_within}" if document.appeal_within else "No promise"),
    ]


def examples(document: PolicyDocument, zone: str) -> dict[str, Any]:
    """When each deadline falls for a few moments of a plain week: Monday to Friday 09:00-17:00, no holidays."""
    calendar = parse_calendar({"timezone": zone, "country": "DE", "holidays": None})
    starts = [_moment(calendar, *moment) for moment in MOMENTS]
    return {
        "starts": [_said(start, calendar) for start in starts],
        "rows": [
            {
                "what": entry.kind.label,
                "begins": BEGINS[entry.kind],
                "within": str(entry.within),
                "leads": _leads(entry),
                "due": [_due(document, entry, calendar, start) for start in starts],
            }
            for entry in document.obligations
        ],
    }


def example_sentence(document: PolicyDocument, zone: str) -> str:
    """The first deadline for one moment: "An offer made Fri 16:00 is due Tue 17:00."."""
    calendar = parse_calendar({"timezone": zone, "country": "DE", "holidays": None})
    start = _moment(calendar, 4, 16, 0)
    entry = next(e for e in document.obligations if e.kind is ObligationKind.RESPOND)
    return f"An offer made {_said(start, calendar)} is due {_due(document, entry, calendar, start)}."


def _moment(calendar: Calendar, day: int, hour: int, minute: int) -> datetime:
    local = datetime.combine(ANY_WEEK + timedelta(days=day), time(hour, minute), tzinfo=ZoneInfo(calendar.timezone))
    return local.astimezone(UTC)


def _due(document: PolicyDocument, entry: Entry, calendar: Calendar, start: datetime) -> str:
    try:
        due_at = due_for(document, entry, calendar, start).due_at
    except CalendarError:
        return "Never within a year"
    weeks = (due_at.astimezone(calendar.zone).date() - ANY_WEEK).days // 7
    later = {0: "", 1: " next week"}.get(weeks, f" {weeks} weeks on")
    return _said(due_at, calendar) + later


def _said(at: datetime, calendar: Calendar) -> str:
    local = at.astimezone(calendar.zone)
    return f"{WEEKDAYS[local.weekday()]} {local:%H:%M}"


def effect(number: int, document: PolicyDocument, live: PolicyDocument | None, when: str) -> list[str]:
    """What publishing does, in sentences."""
    told = [
        f"Publish policy {number}: it rules what opens {when}. "
        "Deadlines that are open keep the policy they were opened under."
    ]
    if live is None:
        return told
    now, then = Ladder.from_mapping(live.ladder), Ladder.from_mapping(document.ladder)
    if _stricter(then, now):
        told.append(
            f"The ladder gets stricter: a stop below {percent(float(then.stop_below))}, at {then.stop_on_overdue} "
            f"overdue or {then.breaches_in_a_row} missed in a row. Every partner is looked at again under it."
        )
    elif now != then:
        told.append("The ladder changes. Every partner is looked at again under it.")
    return told


def _stricter(then: Ladder, now: Ladder) -> bool:
    return (
        then.stop_below > now.stop_below
        or then.stop_on_overdue < now.stop_on_overdue
        or then.breaches_in_a_row < now.breaches_in_a_row
    )

"""The policy document: which deadlines, which ladder. Parsed whole, refused whole, pure.

What is left out means the default policy's value (``DEFAULT_POLICY``); null, where it is taken, means none.
``PolicyDocument.body`` has every value written out: stored, no published policy follows later defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portal.calendars.spans import Clock, Span, Unit
from portal.deadlines.fields import Complaints, Fields
from portal.deadlines.ladder import DEFAULT_LADDER, LADDER, read_ladder
from portal.qualification.conditions import Condition, ConditionError, parse_condition
from portal.vocabulary import ObligationKind

PARTS = ("obligations", "ladder", "hand_overs", "grace_minutes", "vendor")
ENTRY = ("kind", "when", "within", "warn_before", "on_breach", "touches", "repeat")
MOST_ENTRIES = 100


class Reader(StrEnum):
    """Who is told of a breach."""

    PARTNER = "partner"
    MANAGER = "manager"
    ADMIN = "admin"


class PolicyError(ValueError):
    """A policy that cannot be used; ``errors`` are (dotted field, sentence)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {sentence}" for where, sentence in errors))
        self.errors = errors


@dataclass(frozen=True)
class Entry:
    """One deadline of a policy. ``index``: its place among the entries, from 0, pinned on what it opens.

    ``when`` None: every lead. ``touches`` (next touch): how many counted touches are asked for in all.
    ``repeat`` (feedback): how long after a "working" answer it is due again; None: asked once.
    """

    index: int
    kind: ObligationKind
    within: Span
    when: Condition | None = None
    warn_before: Span | None = None
    reassign: bool = False
    notify: tuple[Reader, ...] = ()
    touches: int | None = None
    repeat: Span | None = None
    #: ``when`` as it was sent.
    sent_when: Mapping[str, Any] | None = field(default=None, hash=False, repr=False)

    @property
    def body(self) -> dict[str, Any]:
        """The entry as JSON, every value written out."""
        return {
            "kind": self.kind.value,
            "when": self.sent_when,
            "within": self.within.as_mapping(),
            "warn_before": self.warn_before and self.warn_before.as_mapping(),
            "on_breach": {"reassign": self.reassign, "notify": [reader.value for reader in self.notify]},
            "touches": self.touches,
            "repeat": self.repeat and self.repeat.as_mapping(),
        }


@dataclass(frozen=True)
class PolicyDocument:
    """A whole policy. ``ladder``: plain JSON values in the shape of the API, every default written out."""

    obligations: tuple[Entry, ...]
    hand_overs: int
    grace_minutes: int
    hand_over_within: Span | None
    appeal_within: Span | None
    ladder: Mapping[str, Any] = field(hash=False)

    @property
    def body(self) -> dict[str, Any]:
        """The document as JSON, every value written out; ``parse_policy`` of it gives the same document."""
        promises = {"hand_over_within": self.hand_over_within, "appeal_within": self.appeal_within}
        return {
            "obligations": [entry.body for entry in self.obligations],
            "ladder": dict(self.ladder),
            "hand_overs": self.hand_overs,
            "grace_minutes": self.grace_minutes,
            "vendor": {name: span and span.as_mapping() for name, span in promises.items()},
        }


def _span(value: int, unit: Unit, clock: Clock = Clock.BUSINESS) -> dict[str, object]:
    return Span(value, unit, clock).as_mapping()


def _entry(kind: str, days: int, warn: dict[str, object], **more: object) -> dict[str, object]:
    told = {"reassign": kind != "feedback", "notify": ["partner", "manager"]}
    return {"kind": kind, "within": _span(days, Unit.DAYS), "warn_before": warn, "on_breach": told, **more}


_HALF_DAY, _DAY, _MONTH = _span(4, Unit.HOURS), _span(1, Unit.DAYS), _span(30, Unit.DAYS)
_GRADE_A = {"all": [{"field": "grade", "op": "eq", "value": "A"}]}

#: In use in the field. The first migration publishes it.
DEFAULT_POLICY: dict[str, Any] = {
    "obligations": [
        _entry("respond", 2, _HALF_DAY),
        _entry("first_contact", 2, _HALF_DAY, when=_GRADE_A),
        _entry("first_contact", 5, _HALF_DAY),
        _entry("feedback", 10, _DAY, repeat=_MONTH),
    ],
    "ladder": DEFAULT_LADDER,
    "hand_overs": 5,
    "grace_minutes": 0,
}

#: Handed on where a policy does not say: as in the default policy.
HANDED_ON = (ObligationKind.RESPOND, ObligationKind.FIRST_CONTACT)
ANSWERS = (ObligationKind.FEEDBACK, ObligationKind.UPDATE)
NOTIFIED = (Reader.PARTNER, Reader.MANAGER)
FEEDBACK_AGAIN = Span(30, Unit.DAYS, Clock.BUSINESS)


def parse_policy(data: object) -> PolicyDocument:
    """A policy as the API takes it and the database keeps it.

    Raises PolicyError with every field that cannot be used: unknown, missing, of another type, out of range;
    no ``respond`` that takes every lead; thresholds out of order; parts that mean nothing for their kind.
    """
    complaints = Complaints()
    fields = Fields(data, "", PARTS, complaints)
    vendor = fields.inner("vendor", ("hand_over_within", "appeal_within"))
    document = PolicyDocument(
        obligations=_entries(fields),
        hand_overs=fields.whole("hand_overs", 0, 100, DEFAULT_POLICY["hand_overs"]),
        grace_minutes=fields.whole("grace_minutes", 0, 10_080, DEFAULT_POLICY["grace_minutes"]),
        hand_over_within=vendor.span("hand_over_within"),
        appeal_within=vendor.span("appeal_within"),
        ladder=read_ladder(fields.inner("ladder", LADDER)),
    )
    if complaints.errors:
        raise PolicyError(complaints.errors)
    return document


def _entries(fields: Fields) -> tuple[Entry, ...]:
    sent = fields.get("obligations")
    if not isinstance(sent, list | tuple) or not 1 <= len(sent) <= MOST_ENTRIES:
        fields.complain("obligations", f"Give a list of 1 to {MOST_ENTRIES} deadlines.")
        return ()
    known = len(fields.complaints.errors)
    each = [Fields(item, f"obligations.{n}", ENTRY, fields.complaints) for n, item in enumerate(sent)]
    read = [_entry_of(number, entry) for number, entry in enumerate(each)]
    entries = tuple(entry for entry in read if entry is not None)
    if len(fields.complaints.errors) == known:
        _require_respond(fields, entries)
    return entries


def _require_respond(fields: Fields, entries: tuple[Entry, ...]) -> None:
    """Every offer has a respond-by, so one ``respond`` must take every lead."""
    responds = [entry for entry in entries if entry.kind is ObligationKind.RESPOND]
    if not responds:
        fields.complain("obligations", "Add a respond deadline: without one an offer waits for ever.")
    elif all(entry.when is not None and not entry.when.always for entry in responds):
        where = f"obligations.{responds[-1].index}.when"
        fields.complain(where, "The last respond deadline must take every lead; leave its when out.")


def _entry_of(index: int, fields: Fields) -> Entry | None:
    kind, within = fields.choice("kind", ObligationKind), fields.span("within")
    if within is None and fields.get("within") is None:
        fields.complain("within", "Give how long the partner has: value, unit and clock.")
    told = fields.inner("on_breach", ("reassign", "notify"))
    entry = Entry(
        index=index,
        kind=kind or ObligationKind.RESPOND,
        within=within or FEEDBACK_AGAIN,
        when=_condition(fields),
        warn_before=fields.span("warn_before", _warning(kind, within)),
        reassign=told.flag("reassign", kind in HANDED_ON),
        notify=_notify(told),
        touches=_touches(fields, kind),
        repeat=_repeat(fields, kind),
        sent_when=fields.get("when"),
    )
    if kind is None or within is None:
        return None
    if fields.has("warn_before") and _not_shorter(entry.warn_before, within):
        fields.complain("warn_before", "The warning must come before the deadline; give less than within.")
    return entry


def _condition(fields: Fields) -> Condition | None:
    if fields.get("when") is None:
        return None
    try:
        return parse_condition(fields.get("when"), fields.at("when"))
    except ConditionError as error:
        for where, sentence in error.errors:
            fields.complaints.add(where, sentence)
        return None


def _warning(kind: ObligationKind | None, within: Span | None) -> Span | None:
    """How long before to warn where a policy does not say, in the clock of the deadline itself.

    One day before an answer (feedback, update) that has several; else four hours, none where that is no less.
    """
    if within is None:
        return None
    several = within.unit is Unit.DAYS and within.value > 1
    if several and kind in ANSWERS:
        return Span(1, Unit.DAYS, within.clock)
    hours = Span(4, Unit.HOURS, within.clock)
    return None if _not_shorter(hours, within) else hours


def _not_shorter(warning: Span | None, within: Span) -> bool:
    """Whether a warning is plainly no shorter than its deadline; hours against days cannot be told."""
    if warning is None or warning.clock is not within.clock:
        return False
    if warning.unit is Unit.DAYS and within.unit is Unit.DAYS:
        return warning.value >= within.value
    if Unit.DAYS not in (warning.unit, within.unit):
        return warning.elapsed >= within.elapsed
    return False


def _notify(fields: Fields) -> tuple[Reader, ...]:
    sent = fields.get("notify") if fields.has("notify") else NOTIFIED
    names = [name for name in sent if isinstance(name, str)] if isinstance(sent, list | tuple) else None
    if names is None or len(names) != len(sent) or not set(names) <= set(Reader):
        fields.complain("notify", f"Give a list of {', '.join(Reader)}; an empty one tells nobody.")
        return ()
    return tuple(reader for reader in Reader if reader in names)


def _touches(fields: Fields, kind: ObligationKind | None) -> int | None:
    if kind is ObligationKind.NEXT_TOUCH:
        if fields.get("touches") is None:
            fields.complain("touches", "Give how many touches are asked for in all, from 1 to 100.")
            return None
        return fields.whole("touches", 1, 100, 1)
    if kind is not None and fields.get("touches") is not None:
        fields.complain("touches", "Only next_touch counts touches; leave it out here.")
    return None


def _repeat(fields: Fields, kind: ObligationKind | None) -> Span | None:
    if kind is ObligationKind.FEEDBACK:
        return fields.span("repeat", FEEDBACK_AGAIN)
    if kind is not None and fields.get("repeat") is not None:
        fields.complain("repeat", "Only feedback is asked for again; leave it out here.")
    return None

"""What is different between two policies: typed items, each with its sentence. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.calendars.spans import Span
from portal.deadlines.document import Entry, PolicyDocument
from portal.vocabulary import ObligationKind

Value = Any
LADDER_LABELS = {
    "window_days": "days counted",
    "minimum_sample": "counted from how many due",
    "warn_below": "warned below",
    "reduce_below": "reduced below",
    "stop_below": "stopped below",
    "stop_on_overdue": "stopped at how many overdue",
    "breaches_in_a_row": "stopped at how many missed in a row",
    "stop_days": "business days of a stop",
    "decay_days": "days until a miss is forgotten",
}
#: Which way is stricter for the partner: a higher value (True) or a lower one.
HIGHER_IS_STRICTER = {
    "minimum_sample": False, "warn_below": True, "reduce_below": True, "stop_below": True, "stop_on_overdue": False,
    "breaches_in_a_row": False, "stop_days": True, "decay_days": True,
}  # fmt: skip
RATES = ("warn_below", "reduce_below", "stop_below")


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class Difference:
    """One thing that another policy has otherwise.

    ``subject``: which deadline or part ("First contact, grade is A"). ``what``: which of its values; empty where the
    whole is new or gone. ``before``, ``after``: as people read them, None where there is none. ``stricter``: harder
    on the partner, easier, or None where that cannot be said.
    """

    change: Change
    subject: str
    what: str = ""
    before: str | None = None
    after: str | None = None
    stricter: bool | None = None

    @property
    def sentence(self) -> str:
        """ "First contact, grade is A: within 2 business days, was 5 business days." """
        if self.change is Change.ADDED:
            return f"{self.subject}: new{f', {self.after}' if self.after else ''}."
        if self.change is Change.REMOVED:
            return f"{self.subject}: no longer{f'; was {self.before}' if self.before else ''}."
        if self.change is Change.MOVED:
            return f"{self.subject}: asked {self.after}, was {self.before}; the first that fits applies."
        return f"{self.subject}: {self.what} {self.after or 'none'}, was {self.before or 'none'}."


def differences(before: PolicyDocument, after: PolicyDocument) -> tuple[Difference, ...]:
    """Everything that ``after`` says otherwise than ``before``, in the order of the document; none: they are equal.

    1. Deadlines are the same one where kind and condition are the same; of what is left, where the kind is.
    2. A deadline has moved where others of its kind stand before it now: only the order within a kind has an effect.
    """
    parts = (
        _entries(before.obligations, after.obligations),
        _ladder(before.ladder, after.ladder),
        _rest(before, after),
    )
    return tuple(item for part in parts for item in part)


def subject_of(entry: Entry) -> str:
    """A deadline by name: its kind, and for which leads."""
    told = entry.when.sentence() if entry.when is not None and not entry.when.always else ""
    return f"{entry.kind.label}, {told}" if told else entry.kind.label


def _entries(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[Difference]:
    for kind in ObligationKind:
        old, new = ([entry for entry in entries if entry.kind is kind] for entries in (before, after))
        pairs = _paired(old, new)
        for was, is_ in pairs:
            yield from _entry(was, is_)
        yield from _order(old, new, pairs)


def _paired(old: list[Entry], new: list[Entry]) -> list[tuple[Entry | None, Entry | None]]:
    """Deadlines of one kind, each with its counterpart, in the order of the later policy; what is gone comes last."""
    left, right = list(old), dict[int, Entry | None]()
    for entry in new:
        same = next((o for o in left if _condition(o) == _condition(entry)), None)
        right[entry.index] = same
        if same is not None:
            left.remove(same)
    for entry in new:
        if right[entry.index] is None and left:
            right[entry.index] = left.pop(0)
    return [*((right[entry.index], entry) for entry in new), *((entry, None) for entry in left)]


def _condition(entry: Entry) -> str:
    return json.dumps(entry.sent_when, sort_keys=True, default=str) if entry.sent_when else ""


def _entry(was: Entry | None, is_: Entry | None) -> Iterator[Difference]:
    if was is None or is_ is None:
        if is_ is not None:
            yield Difference(Change.ADDED, subject_of(is_), after=f"within {is_.within}", stricter=True)
        elif was is not None:
            yield Difference(Change.REMOVED, subject_of(was), before=f"within {was.within}", stricter=False)
        return
    for what, old, new, stricter in _values(was, is_):
        if old != new:
            yield Difference(Change.CHANGED, subject_of(is_), what, old, new, stricter)


def _values(was: Entry, is_: Entry) -> Iterator[tuple[str, str | None, str | None, bool | None]]:
    yield "for", _leads(was), _leads(is_), None
    yield "within", str(was.within), str(is_.within), _shorter(is_.within, was.within)
    yield "warned", _before(was.warn_before), _before(is_.warn_before), None
    yield "when missed", _moves(was), _moves(is_), is_.reassign
    yield "told of a miss", _told(was), _told(is_), None
    yield "touches", _text(was.touches), _text(is_.touches), (is_.touches or 0) > (was.touches or 0)
    again = _shorter(is_.repeat, was.repeat) if is_.repeat and was.repeat else is_.repeat is not None
    yield "asked again after", _text(was.repeat), _text(is_.repeat), again


def _leads(entry: Entry) -> str:
    return entry.when.sentence() if entry.when is not None and not entry.when.always else "any lead"


def _before(span: Span | None) -> str | None:
    return f"{span} before" if span else None


def _moves(entry: Entry) -> str:
    return "the lead moves on" if entry.reassign else "the lead stays"


def _told(entry: Entry) -> str | None:
    return " and ".join(reader.value for reader in entry.notify) or None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _shorter(span: Span, other: Span) -> bool | None:
    """Whether a duration is plainly shorter than another; None where units or clocks differ too much to say."""
    if span.clock is not other.clock or (span.unit != other.unit and "days" in (span.unit, other.unit)):
        return None
    if span.unit == other.unit:
        return span.value < other.value
    return span.elapsed < other.elapsed


def _order(
    old: list[Entry], new: list[Entry], pairs: Iterable[tuple[Entry | None, Entry | None]]
) -> Iterator[Difference]:
    kept = [(was, is_) for was, is_ in pairs if was is not None and is_ is not None]
    came = sorted(kept, key=lambda pair: pair[0].index)
    for place, (was, is_) in enumerate(kept):
        if came[place] != (was, is_) and came.index((was, is_)) > place:
            now, then = new.index(is_) + 1, old.index(was) + 1
            yield Difference(Change.MOVED, subject_of(is_), "order", f"as number {then}", f"as number {now}")


def _ladder(before: Mapping[str, Value], after: Mapping[str, Value]) -> Iterator[Difference]:
    for name, label in LADDER_LABELS.items():
        yield from _number("Ladder", label, before[name], after[name], HIGHER_IS_STRICTER.get(name), name in RATES)
    old, new = before["probation"], after["probation"]
    yield from _number("Probation", "business days", old["days"], new["days"], True)
    yield from _number("Probation", "open leads at most", old["open_lead_cap"], new["open_lead_cap"], False)
    for kind in ObligationKind:
        was, is_ = (part["severity"].get(kind.value, 1) for part in (before, after))
        yield from _number("Weights", kind.label.lower(), was, is_, True)


def _rest(before: PolicyDocument, after: PolicyDocument) -> Iterator[Difference]:
    yield from _number("Moves", "at most", before.hand_overs, after.hand_overs, None)
    yield from _number("Grace", "minutes", before.grace_minutes, after.grace_minutes, False)
    promises = (
        ("We hand over", before.hand_over_within, after.hand_over_within),
        ("We answer appeals", before.appeal_within, after.appeal_within),
    )
    for subject, old, new in promises:
        if old != new:
            yield Difference(Change.CHANGED, subject, "within", _text(old), _text(new))


def _number(
    subject: str, what: str, old: float, new: float, higher: bool | None, rate: bool = False
) -> Iterator[Difference]:
    if old != new:
        was, is_ = (f"{value * 100:.10g} %" if rate else f"{value:g}" for value in (old, new))
        stricter = None if higher is None else (new > old) is higher
        yield Difference(Change.CHANGED, subject, what, was, is_, stricter)

"""What a replay shows: what each partner got and gets, who finds nobody and why, caps that bind, who is late. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from portal.allocation.choosing import Placement
from portal.allocation.gates import BY_SETTINGS
from portal.allocation.replay.past import Event, Past
from portal.vocabulary import DecisionOutcome, Gate

CAPS = (Gate.OPEN_CAP, Gate.DAILY_CAP, Gate.WEEKLY_CAP, Gate.PRODUCT_CAP)
NO_RULE = "no_rule"
#: Of leads that find nobody, and of places without a partner, so many are named.
NAMED = 200
Place = tuple[str | None, str | None, str | None]


class Ending(NamedTuple):
    """Where a lead is at the end: with a partner, in the pool, or neither, waiting."""

    slot: int | None
    pooled: bool

    @classmethod
    def of(cls, slot: int | None, *, pooled: bool) -> "Ending":
        return cls(slot, pooled)

    @property
    def waits(self) -> bool:
        return self.slot is None and not self.pooled


@dataclass
class Side:
    """One of the two courses: as it was, or as it would be. By slot; ``causes``: why a lead found nobody, by lead."""

    given: Counter[int] = field(default_factory=Counter)
    late: Counter[int] = field(default_factory=Counter)
    caps: dict[int, Counter[str]] = field(default_factory=dict)
    ends: dict[str, Ending] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)

    def bound(self, slot: int, gate: str) -> None:
        """A cap alone kept a partner off a lead."""
        self.caps.setdefault(slot, Counter())[gate] += 1

    @property
    def waiting(self) -> list[str]:
        """The leads that nobody has at the end."""
        return [lead for lead, end in self.ends.items() if end.waits]


@dataclass
class Report:
    """Counted while the replay goes on. ``moved``: leads given to whom they did not go, by slot. ``parted``: decisions
    that end otherwise; ``otherwise``: those with the same end, by another rule."""

    past: Past
    was: Side = field(default_factory=Side)
    would: Side = field(default_factory=Side)
    moved: Counter[int] = field(default_factory=Counter)
    parted: list[str] = field(default_factory=list)
    otherwise: int = 0
    events: int = 0
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def causes(self) -> dict[str, str]:
        """Why a lead found nobody last, in the replay."""
        return self.would.causes

    def really(self, event: Event, slot: int | None) -> None:
        """A decision as it was."""
        self.events += 1
        lead = event.record.get("lead", {})
        self.places[event.lead.id] = lead.get("country"), lead.get("region"), lead.get("product")
        pooled = event.outcome is DecisionOutcome.POOLED
        self.was.ends[event.lead.id] = Ending.of(slot, pooled=pooled)
        if event.outcome is DecisionOutcome.OFFERED and slot is not None:
            self.was.given[slot] += 1
            self.was.late[slot] += event.assignment_id in self.past.late
        elif not pooled:
            self.was.causes[event.lead.id] = stored_cause(event)
        if not event.by_people:
            for row in event.rows.values():
                if row[1] and (gate := only_caps(row[1])):
                    self.was.bound(row[0], gate)

    def asked(self, placed: Placement) -> None:
        """A decision as it would be: whom a cap alone kept off."""
        for candidate in placed.candidates.values():
            if candidate.closed and (gate := only_caps(candidate.closed)):
                self.would.bound(candidate.facts.slot, gate)

    def given(self, event: Event, slot: int | None, *, kept: bool) -> None:
        """A lead given in the replay; ``kept``: as it really was, so it was late or not as it really was."""
        if slot is None:
            return
        self.would.given[slot] += 1
        if kept:
            self.would.late[slot] += event.assignment_id in self.past.late
        else:
            self.moved[slot] += 1

    def ended(self, lead_id: str, end: Ending) -> None:
        """Where a lead is in the replay when the period ends."""
        self.would.ends[lead_id] = end

    def result(self, partners: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
        """The whole of it as JSON. ``partners``: id and name by slot."""
        return {
            "leads": len(self.was.ends),
            "decisions": self.events,
            "elsewhere": sum(end != self.would.ends.get(lead) for lead, end in self.was.ends.items()),
            "partners": [self._partner(slot, *partners[slot]) for slot in sorted(partners) if self._concerns(slot)],
            "nobody": {**_both("", self.was.waiting, self.would.waiting), **self._nobody()},
            "pool": _both("", *([e for e in side.ends.values() if e.pooled] for side in (self.was, self.would))),
            "uncovered": self._uncovered(),
        }

    def _concerns(self, slot: int) -> bool:
        sides = (self.was, self.would)
        return any(side.given[slot] or side.caps.get(slot) for side in sides)

    def _partner(self, slot: int, partner_id: str, name: str) -> dict[str, Any]:
        judged, missed = self._record(slot)
        expected = round(self.moved[slot] * missed / judged) if judged else 0
        return {
            "id": partner_id, "name": name,
            "before": self.was.given[slot], "after": self.would.given[slot], "moved": self.moved[slot],
            "late_before": self.was.late[slot], "late_after": self.would.late[slot] + expected,
            "late_known": bool(judged) or not self.moved[slot],
            "caps_before": dict(sorted(self.was.caps.get(slot, Counter()).items())),
            "caps_after": dict(sorted(self.would.caps.get(slot, Counter()).items())),
        }  # fmt: skip

    def _record(self, slot: int) -> tuple[int, int]:
        """Of a partner's own leads of the period, on how many an answer or first contact was due, and missed."""
        own = [stay.id for stay in self.past.by_slot.get(slot, ()) if stay.id in self.past.judged]
        return len(own), sum(stay in self.past.late for stay in own)

    def _nobody(self) -> dict[str, Any]:
        waiting = sorted(self.would.waiting)
        new = [lead for lead in waiting if not self.was.ends[lead].waits]
        named = [[lead, self.would.causes.get(lead, NO_RULE)] for lead in (*new, *(w for w in waiting if w not in new))]
        return {
            "new": len(new), "leads": named[:NAMED],
            "causes_before": _counted(self.was.causes.get(lead, NO_RULE) for lead in self.was.waiting),
            "causes_after": _counted(self.would.causes.get(lead, NO_RULE) for lead in waiting),
        }  # fmt: skip

    def _uncovered(self) -> list[dict[str, Any]]:
        """Places and products of leads that no partner's settings take, or no rule: the most leads first."""
        counts: dict[tuple[Place, str], list[int]] = {}
        for place, side in enumerate((self.was, self.would)):
            for lead in side.waiting:
                cause = side.causes.get(lead, NO_RULE)
                if cause in (NO_RULE, *BY_SETTINGS):
                    counts.setdefault((self.places[lead], cause), [0, 0])[place] += 1
        ordered = sorted(counts.items(), key=lambda each: (-each[1][1], -each[1][0], str(each[0])))
        names = ("country", "region", "product")
        return [
            {**dict(zip(names, where, strict=True)), "cause": str(cause), "before": was, "after": would}
            for (where, cause), (was, would) in ordered[:NAMED]
        ]


def only_caps(shut: Iterable[str]) -> str | None:
    """The first cap, where caps alone are in the way; None where anything else is."""
    gates = [Gate(gate) for gate in shut]
    return gates[0].value if gates and all(gate in CAPS for gate in gates) else None


def cause_of(placed: Placement) -> str:
    """Why a lead found nobody: ``no_rule``, or the gate that keeps the most off, of those that settings let through."""
    if placed.rule is None:
        return NO_RULE
    shut = Counter(candidate.closed[0].value for candidate in placed.candidates.values() if candidate.closed)
    return _most(shut, {gate.value: slots.bit_count() for gate, slots in placed.missed.items()})


def stored_cause(event: Event) -> str:
    """The same of a stored decision."""
    if event.rule is None:
        return NO_RULE
    shut = Counter(str(event.shut(slot)[0]) for slot in event.rows if event.shut(slot))
    missed = event.record.get("missed", {})
    return _most(shut, {gate: int(bits, 16).bit_count() for gate, bits in missed.items()})


def _most(shut: Counter[str], missed: Mapping[str, int]) -> str:
    """1. Of partners whose settings take it. 2. Otherwise a certification missed is nearer than a territory."""
    if shut:
        return min(shut, key=lambda gate: (-shut[gate], gate))
    return Gate.CERTIFIED.value if missed.get(Gate.CERTIFIED) else Gate.TERRITORY.value


def _counted(causes: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(causes).items(), key=lambda each: (-each[1], each[0])))


def _both(prefix: str, was: list[Any], would: list[Any]) -> dict[str, int]:
    return {f"{prefix}before": len(was), f"{prefix}after": len(would)}

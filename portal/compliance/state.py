"""A partner's standing after some instant, as stored with the partner, and one step of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from portal.compliance.facts import Rate
from portal.vocabulary import Standing, StopCause

INSTANTS = (
    "since", "shown_since", "folded_until", "fresh_from", "last_breach_at", "ready_at", "stop_until",
    "probation_until", "measure_since", "measure_until",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the fold carries from one instant to the next. All instants are aware and in UTC.

    ``rung`` is good, warned, reduced, stopped or probation; a hold or exemption (``measure``) lies over it.
    ``because``: the obligations behind the rung; for a stop those that caused it.
    ``fresh_from``: what fell due up to here counts in no row and in no rate.
    ``stop_until``: a stop by rate or row lifts at the earliest here. ``shown_since``: since when ``shown`` is
    so.
    """

    rung: Standing
    since: datetime
    shown_since: datetime
    folded_until: datetime
    cause: StopCause | None = None
    because: tuple[str, ...] = ()
    fresh_from: datetime | None = None
    last_breach_at: datetime | None = None
    ready_at: datetime | None = None
    stop_until: datetime | None = None
    probation_until: datetime | None = None
    measure: Standing | None = None
    measure_since: datetime | None = None
    measure_until: datetime | None = None

    @property
    def shown(self) -> Standing:
        """The standing that counts: held or exempt while that is in force, else the rung."""
        return self.measure or self.rung

    @property
    def shown_until(self) -> datetime | None:
        """When what is shown ends at the earliest, where that is an instant known by now."""
        return self.measure_until if self.measure else self.probation_until or self.stop_until

    @property
    def timers(self) -> tuple[datetime, ...]:
        """Instants after ``folded_until`` that the standing itself waits for."""
        waits = (self.measure_until, self.probation_until, self.stop_until)
        return tuple(at for at in waits if at is not None and at > self.folded_until)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON column; instants as ISO 8601 text."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        instants = {name: plain[name].isoformat() if plain[name] else None for name in INSTANTS}
        return {**plain, **instants, "because": list(self.because)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """The inverse of ``to_json``."""
        values = dict(data)
        values |= {name: datetime.fromisoformat(data[name]) if data.get(name) else None for name in INSTANTS}
        values["rung"], values["because"] = Standing(data["rung"]), tuple(data.get("because", ()))
        values["cause"] = StopCause(data["cause"]) if data.get("cause") else None
        values["measure"] = Standing(data["measure"]) if data.get("measure") else None
        return cls(**values)


def initial(created_at: datetime) -> State:
    """Where every partner starts: good, from the instant it was created."""
    return State(rung=Standing.GOOD, since=created_at, shown_since=created_at, folded_until=created_at)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of standing: when, from what is shown to what is shown, why, and the figures at that
    instant.

    ``from_`` and ``to`` are equal where only the rung under a hold or exemption changed.
    """

    at: datetime
    from_: Standing
    to: Standing
    rung: Standing
    cause: StopCause | None
    because: tuple[str, ...]
    overdue: int
    in_a_row: int
    rate: Rate

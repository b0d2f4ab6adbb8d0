"""What the ladder reads: obligations as marks, thresholds by version, measures taken by hand. Plain values
only.

All instants are aware and in UTC. Windows are elapsed time: 90 days are 90 x 24 hours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from portal.vocabulary import LedgerKind, ObligationKind


@dataclass(frozen=True, slots=True)
class Mark:
    """One obligation as the fold sees it. What it was at an instant follows from its own instants.

    ``grace_until``: from here on an unmet one is breached; the breach itself is dated ``due_at``.
    ``settled_at``: from here on a breach no longer counts as overdue (the lead moved away, or staff
    released).
    ``hands_on``: its breach takes the lead away, so it cannot be cured and is never overdue.
    ``assignment_id``: what shares it is cancelled or settled when such a breach takes the lead away.
    A row that was set aside is given as cancelled.
    """

    id: str
    kind: ObligationKind
    opened_at: datetime
    due_at: datetime
    grace_until: datetime
    met_at: datetime | None = None
    breached_at: datetime | None = None
    cured_at: datetime | None = None
    waived_at: datetime | None = None
    cancelled_at: datetime | None = None
    settled_at: datetime | None = None
    hands_on: bool = field(kw_only=True)
    assignment_id: str = field(default="", kw_only=True)

    @property
    def breach_at(self) -> datetime | None:
        """When it counts as breached from, recorded or not yet; None where it ended otherwise.

        1. A recorded breach counts from the end of its grace, whatever became of it later.
        2. What was met, cancelled or waived without a breach has none.
        3. What is open will have one at the end of its grace, if nothing is done.
        """
        ended = self.met_at or self.cancelled_at or self.waived_at
        return self.grace_until if self.breached_at is not None or ended is None else None

    @property
    def acts(self) -> tuple[datetime, ...]:
        """The instants at which somebody did something about it."""
        all_ = (self.met_at, self.cured_at, self.waived_at, self.cancelled_at, self.settled_at)
        return tuple(at for at in all_ if at is not None)

    def is_open(self, t: datetime) -> bool:
        """Whether it still waits to be done after ``t``, its time not yet run out."""
        broken = self.breach_at is not None and self.breach_at <= t
        return self.opened_at <= t and not broken and not any(at <= t for at in self.acts)

    def taken_back(self, t: datetime) -> "Mark":
        """The mark once its lead leaves the partner at ``t``: open is cancelled, breached is no longer
        overdue.

        What is recorded to have become of an open one later stands: then it was not taken back.
        """
        if self.breach_at is not None and self.breach_at <= t:
            return replace(self, settled_at=min(self.settled_at or t, t))
        later = self.met_at or self.waived_at or self.breached_at
        return self if later else replace(self, cancelled_at=min(self.cancelled_at or t, t))


ONE = Fraction(1)


def exact(number: Any) -> Fraction:
    """A threshold or weight as written, so that 27 of 30 is not below 0.9 by a rounding error."""
    return Fraction(str(number))


@dataclass(frozen=True, slots=True)
class Ladder:
    """The thresholds of a policy (its ``ladder``). Rates are exact fractions between 0 and 1."""

    window_days: int = 90
    minimum_sample: int = 5
    warn_below: Fraction = Fraction(9, 10)
    reduce_below: Fraction = Fraction(8, 10)
    stop_below: Fraction = Fraction(6, 10)
    stop_on_overdue: int = 3
    breaches_in_a_row: int = 3
    stop_days: int = 5
    probation_days: int = 10
    probation_open_lead_cap: int = 2
    decay_days: int = 180
    severity: Mapping[str, Fraction] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> "Ladder":
        """Read a policy's ``ladder`` (already checked); what is left out takes the default policy's value."""
        plain = (
            "window_days",
            "minimum_sample",
            "stop_on_overdue",
            "breaches_in_a_row",
            "stop_days",
            "decay_days",
        )
        rates = ("warn_below", "reduce_below", "stop_below")
        probation = data.get("probation") or {}
        values: dict[str, Any] = {key: data[key] for key in plain if data.get(key) is not None}
        values |= {key: exact(data[key]) for key in rates if data.get(key) is not None}
        values |= {f"probation_{key}": probation[key] for key in ("days", "open_lead_cap") if key in probation}
        severity = {str(kind): exact(weight) for kind, weight in (data.get("severity") or {}).items()}
        return cls(**values, severity=severity)

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.window_days)

    @property
    def decay(self) -> timedelta:
        return timedelta(days=self.decay_days)

    def weight(self, kind: ObligationKind) -> Fraction:
        """How heavily one obligation of a kind weighs in the rate; 1 unless the policy says otherwise."""
        return self.severity.get(kind.value, ONE)


@dataclass(frozen=True, slots=True)
class LadderVersion:
    """A ladder and the instant from which it rules, until the next one does."""

    effective_from: datetime
    ladder: Ladder
    number: int


def ladder_at(ladders: Sequence[LadderVersion], t: datetime) -> Ladder:
    """The ladder that rules at ``t``; before the first one, the first."""
    ordered = sorted(ladders, key=lambda v: (v.effective_from, v.number))
    live = [v.ladder for v in ordered if v.effective_from <= t]
    return live[-1] if live else ordered[0].ladder


@dataclass(frozen=True, slots=True)
class Measure:
    """Said or done by hand about a partner: hold or exempt (until an end), release, ready."""

    kind: LedgerKind
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Kept of due: counts, and weights where the policy weighs kinds differently.

    ``value`` is None below the policy's minimum sample, where the rate decides nothing.
    """

    kept: int
    due: int
    kept_weight: Fraction
    due_weight: Fraction
    minimum_sample: int

    @property
    def counts(self) -> bool:
        return self.due >= self.minimum_sample and self.due_weight > 0

    @property
    def value(self) -> float | None:
        return float(self.kept_weight / self.due_weight) if self.counts else None

    def below(self, threshold: Fraction) -> bool:
        """Whether the rate counts and is under a threshold, exactly."""
        return self.counts and self.kept_weight < threshold * self.due_weight

"""The ladder's part of a policy document: its thresholds, their ranges and defaults (pure)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from portal.deadlines.fields import Fields
from portal.vocabulary import ObligationKind

DEFAULT_LADDER: dict[str, Any] = {
    "window_days": 90,
    "minimum_sample": 5,
    "warn_below": 0.90,
    "reduce_below": 0.80,
    "stop_below": 0.60,
    "stop_on_overdue": 3,
    "breaches_in_a_row": 3,
    "stop_days": 5,
    "probation": {"days": 10, "open_lead_cap": 2},
    "decay_days": 180,
    "severity": {},
}
LADDER = tuple(DEFAULT_LADDER)
#: Worst first; each is at most the next.
RATES = ("stop_below", "reduce_below", "warn_below")
#: Whole numbers and the range of each.
COUNTS = {
    "window_days": (1, 3_650),
    "minimum_sample": (1, 10_000),
    "stop_on_overdue": (1, 10_000),
    "breaches_in_a_row": (1, 10_000),
    "stop_days": (0, 365),
    "decay_days": (1, 3_650),
}


def read_ladder(fields: Fields) -> dict[str, Any]:
    """The ladder in the shape of the API, every default written out; what cannot be used becomes a complaint.

    1. Rates are from 0 to 1, and stop_below <= reduce_below <= warn_below.
    2. Counts are from 1 on, days up to ten years; stop_days may be 0.
    3. Probation of 0 days goes straight to good; its cap is at least 1, or nobody could pass it.
    4. Severities are from 0 (that kind does not weigh) to 100; a kind left out weighs 1.
    """
    rates = {name: fields.number(name, 0, 1, DEFAULT_LADDER[name]) for name in RATES}
    _require_order(fields, rates)
    return {
        **{name: fields.whole(name, *COUNTS[name], DEFAULT_LADDER[name]) for name in COUNTS},
        **rates,
        "probation": _probation(fields.inner("probation", ("days", "open_lead_cap"))),
        "severity": _severity(fields.inner("severity", tuple(ObligationKind))),
    }


def _require_order(fields: Fields, rates: Mapping[str, float]) -> None:
    for lower, upper in pairwise(RATES):
        if rates[lower] > rates[upper]:
            fields.complain(lower, f"Give at most {upper} ({rates[upper]:g}); the rungs come in this order.")


def _probation(fields: Fields) -> dict[str, int]:
    default = DEFAULT_LADDER["probation"]
    return {
        "days": fields.whole("days", 0, 365, default["days"]),
        "open_lead_cap": fields.whole("open_lead_cap", 1, 1_000, default["open_lead_cap"]),
    }


def _severity(fields: Fields) -> dict[str, float]:
    return {kind: fields.number(kind, 0, 100, 1) for kind in map(str, ObligationKind) if fields.has(kind)}

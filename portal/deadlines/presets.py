"""Policies to begin a draft from: the default, a strict one for hot leads, a lenient one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.deadlines.document import DEFAULT_POLICY


@dataclass(frozen=True)
class Preset:
    """A document of the API's shape under a name, with the sentence that says whom it suits."""

    name: str
    label: str
    sentence: str
    body: Mapping[str, Any]


def _span(value: int, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "clock": "business"}


def _entry(
    kind: str, within: dict[str, Any], warn: dict[str, Any] | None, *, moves: bool, told: tuple[str, ...], **more: Any
) -> dict[str, Any]:
    on_breach = {"reassign": moves, "notify": list(told)}
    return {"kind": kind, "within": within, "warn_before": warn, "on_breach": on_breach, **more}


_HOT = {"all": [{"field": "grade", "op": "eq", "value": "A"}]}
_BOTH, _ALL = ("partner", "manager"), ("partner", "manager", "admin")

STRICT: dict[str, Any] = {
    "obligations": [
        _entry("respond", _span(15, "minutes"), _span(5, "minutes"), moves=True, told=_BOTH, when=_HOT),
        _entry("respond", _span(4, "hours"), _span(1, "hours"), moves=True, told=_BOTH),
        _entry("first_contact", _span(30, "minutes"), _span(10, "minutes"), moves=True, told=_ALL, when=_HOT),
        _entry("first_contact", _span(1, "days"), _span(2, "hours"), moves=True, told=_BOTH),
        _entry("next_touch", _span(3, "days"), _span(4, "hours"), moves=False, told=_BOTH, touches=5),
        _entry("feedback", _span(5, "days"), _span(1, "days"), moves=False, told=_BOTH, repeat=_span(10, "days")),
        _entry("update", _span(10, "days"), _span(1, "days"), moves=False, told=_BOTH),
    ],
    "ladder": {
        "window_days": 60, "minimum_sample": 5, "warn_below": 0.95, "reduce_below": 0.85, "stop_below": 0.70,
        "stop_on_overdue": 2, "breaches_in_a_row": 3, "stop_days": 5, "probation": {"days": 10, "open_lead_cap": 2},
        "decay_days": 120, "severity": {"respond": 2, "first_contact": 2},
    },
    "hand_overs": 5,
    "grace_minutes": 0,
    "vendor": {"hand_over_within": _span(15, "minutes"), "appeal_within": _span(2, "days")},
}  # fmt: skip

LENIENT: dict[str, Any] = {
    "obligations": [
        _entry("respond", _span(5, "days"), _span(1, "days"), moves=True, told=_BOTH),
        _entry("first_contact", _span(10, "days"), _span(1, "days"), moves=False, told=_BOTH),
        _entry("feedback", _span(20, "days"), _span(2, "days"), moves=False, told=_BOTH, repeat=_span(60, "days")),
    ],
    "ladder": {
        "window_days": 180, "minimum_sample": 10, "warn_below": 0.80, "reduce_below": 0.65, "stop_below": 0.40,
        "stop_on_overdue": 6, "breaches_in_a_row": 6, "stop_days": 2, "probation": {"days": 5, "open_lead_cap": 5},
        "decay_days": 180, "severity": {},
    },
    "hand_overs": 8,
    "grace_minutes": 240,
    "vendor": {"hand_over_within": _span(1, "days"), "appeal_within": _span(10, "days")},
}  # fmt: skip

PRESETS: tuple[Preset, ...] = (
    Preset("default", "Default", "Days to answer and to call: a steady channel.", DEFAULT_POLICY),
    Preset("strict", "Hot leads in minutes", "Grade A is answered within 15 minutes of open time.", STRICT),
    Preset("lenient", "Lenient", "A week to answer, and leads stay with who has them.", LENIENT),
)


def preset(name: str) -> Preset | None:
    """The preset of that name; None: there is none."""
    return next((each for each in PRESETS if each.name == name), None)

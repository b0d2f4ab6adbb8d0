"""What stories are made of: people, partners, rules and policies that between them use every part of the product."""

from typing import Any

from models.partners import Partner
from portal.accounts.actor import Actor
from portal.follow_up.service import Touch
from portal.vocabulary import ActivityKind, ActivityOutcome, Role
from tests.support.world import DAY, HOUR, MINUTE

STAFF = Actor(kind="user", id=None, name="Mira Manager", role=Role.ADMIN)
TURN: dict[str, Any] = {"kind": "weighted_round_robin"}

PEOPLE = [f"anna{n}@{house}.example.com" for n in range(4) for house in ("alpha", "beta", "gamma", "delta")]
STEPS = (MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 40 * DAY)
PARTNERS: tuple[dict[str, Any], ...] = (
    {"open_lead_cap": 2},
    {"open_lead_cap": 3, "weight": 3, "daily_cap": 2},
    {"open_lead_cap": 2, "weight": 2, "timezone": "America/New_York", "products": ["valves"], "weekly_cap": 3},
    {
        "open_lead_cap": 4,
        "timezone": "Asia/Kolkata",
        "territories": [{"country": "FR"}, {"country": "DE", "region": "BY"}],
    },
)
CHANGES: tuple[dict[str, Any], ...] = (
    {"open_lead_cap": 0}, {"open_lead_cap": 1}, {"open_lead_cap": 5}, {"active": False}, {"active": True},
    {"daily_cap": 1}, {"daily_cap": None}, {"weight": 7},
    {"opening_hours": {"tue": [["22:00", "06:00"]], "thu": [["09:00", "12:30"], ["13:30", "18:00"]]}},
    {"opening_hours": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}},
    {"quiet_periods": [{"kind": "month_end", "days": 5}]}, {"quiet_periods": []},
    {"closures": [{"from": "2026-03-04", "to": "2026-03-10"}]}, {"closures": []},
)  # fmt: skip


def rules_of(found: list[Partner]) -> tuple[list[dict[str, Any]], ...]:
    """Rule lists that together use every strategy and every way on."""
    fr = {"all": [{"field": "country", "op": "eq", "value": "FR"}]}
    valves = {"all": [{"field": "product", "op": "eq", "value": "valves"}]}
    named = {"kind": "named", "partner": found[0].id}
    return (
        [{"name": "All", "strategy": TURN, "then": "queue"}],
        [
            {"name": "France", "when": fr, "strategy": {"kind": "open_pool", "hours": 30}, "then": "next"},
            {"name": "All", "strategy": {**TURN, "by": "country"}, "then": "pool"},
        ],
        [
            {"name": "Valves", "when": valves, "strategy": named, "then": "next"},
            {"name": "Loads", "strategy": {"kind": "least_loaded"}, "then": {"partner": found[1].id}},
        ],
        [
            {"name": "France", "when": fr, "pool": {"covers_territory": True}, "strategy": TURN, "then": "next"},
            {"name": "Pool", "strategy": {"kind": "open_pool", "hours": 5}, "then": {"partner": found[0].id}},
        ],
    )


def within(value: int, unit_: str = "days", clock: str = "business") -> dict[str, Any]:
    """A span as a policy writes it."""
    return {"value": value, "unit": unit_, "clock": clock}


STAYS, GOES = {"reassign": False, "notify": ["partner"]}, {"reassign": True, "notify": ["partner", "manager"]}
LADDER = {"minimum_sample": 2, "window_days": 20, "decay_days": 30, "stop_days": 2}
CALL = Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
#: Nothing is handed on: what is missed stays with its partner.
STAYING = {
    "obligations": [
        {"kind": "respond", "within": within(4, "hours"), "on_breach": STAYS},
        {"kind": "first_contact", "within": within(1), "on_breach": STAYS},
        {"kind": "next_touch", "within": within(2), "touches": 2, "on_breach": STAYS},
        {"kind": "feedback", "within": within(3), "on_breach": STAYS},
        {"kind": "update", "within": within(5), "on_breach": STAYS},
    ]
}
POLICIES: tuple[dict[str, Any], ...] = (
    {
        "obligations": [
            {"kind": "respond", "within": within(4, "hours"), "on_breach": STAYS, "warn_before": within(1, "hours")},
            {"kind": "first_contact", "within": within(1), "on_breach": STAYS},
            {"kind": "next_touch", "within": within(2, "days", "calendar"), "touches": 3, "on_breach": STAYS},
            {"kind": "feedback", "within": within(3), "on_breach": STAYS, "repeat": within(2)},
            {"kind": "update", "within": within(5), "on_breach": STAYS},
        ],
        "ladder": {**LADDER, "stop_on_overdue": 2, "probation": {"days": 3, "open_lead_cap": 1}},
        "grace_minutes": 30,
    },
    {
        "obligations": [
            {"kind": "respond", "within": within(1, "hours", "calendar"), "on_breach": GOES},
            {"kind": "first_contact", "within": within(3, "hours", "calendar"), "on_breach": GOES},
            {"kind": "feedback", "within": within(3, "hours", "calendar"), "on_breach": GOES, "repeat": within(1)},
            {"kind": "next_touch", "within": within(5, "hours", "calendar"), "touches": 2, "on_breach": GOES},
        ],
        "ladder": {**LADDER, "breaches_in_a_row": 2, "stop_days": 0, "probation": {"days": 0, "open_lead_cap": 1}},
        "hand_overs": 2,
    },
    {
        "obligations": [
            {"kind": "respond", "within": within(1), "on_breach": STAYS},
            {"kind": "first_contact", "within": within(1), "on_breach": GOES},
            {"kind": "feedback", "within": within(1), "on_breach": STAYS},
        ],
        "ladder": {
            **LADDER, "stop_on_overdue": 1, "probation": {"days": 1, "open_lead_cap": 1}, "severity": {"feedback": 0},
        },
        "hand_overs": 1,
    },
    {
        "obligations": [{"kind": "respond", "within": within(2)}],
        "ladder": {**LADDER, "stop_below": 0.9, "warn_below": 1, "reduce_below": 0.95},
    },
)  # fmt: skip

"""Made-up partners and leads for the tests of allocation's rules."""

from datetime import UTC, datetime
from typing import Any

from portal.allocation.gates import LeadFacts, PartnerFacts, PartnerNow
from portal.calendars.policy import Calendar, parse_calendar
from portal.vocabulary import Standing

#: Monday 2 March 2026, 10:00 in Berlin.
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def calendar(*closures: tuple[str, str], timezone: str = "Europe/Berlin") -> Calendar:
    closed = [{"from": first, "to": last} for first, last in closures]
    return parse_calendar({"timezone": timezone, "country": "DE", "closures": closed})


def partner(**changes: Any) -> PartnerFacts:
    """A partner that takes everything, but for what is said."""
    plain: dict[str, Any] = {
        "id": "north", "slot": 0, "name": "Nordhaven Systems", "active": True, "weight": 1, "tier": "gold",
        "tags": frozenset(), "territories": (), "products": frozenset(), "wants_early_leads": False,
        "quiet_periods": (), "calendar": calendar(), "daily_cap": None, "weekly_cap": None,
    }  # fmt: skip
    return PartnerFacts(**{**plain, **changes})


def state(**changes: Any) -> PartnerNow:
    """A partner's moment with room for a lead, but for what is said."""
    plain: dict[str, Any] = {
        "active": True, "standing": Standing.GOOD, "reachable": True, "open_leads": 4, "cap_now": 10,
        "weight_now_x2": 2, "offered_today": 0, "offered_this_week": 0,
    }  # fmt: skip
    return PartnerNow(**{**plain, **changes})


def lead(**changes: Any) -> LeadFacts:
    """A lead from Hamburg, but for what is said."""
    plain: dict[str, Any] = {"country": "DE", "region": "DE-HH", "postcode": "20095", "product": "Widget Pro"}
    return LeadFacts(**{**plain, **changes})

"""The gates: may this partner get this lead now? Each a yes or no with the facts of its sentence. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from portal.calendars.policy import Calendar, closure_end
from portal.vocabulary import Gate, Standing


@dataclass(frozen=True)
class PartnerFacts:
    """What a partner is set up to be; the same from lead to lead until an admin or the partner changes it.

    ``territories``: (country, region or None, postcode prefix or None). ``quiet_periods``: kind and days.
    ``product_caps``: open leads at most, by casefolded product.
    """

    id: str
    slot: int
    name: str
    active: bool
    weight: int
    tier: str
    tags: frozenset[str]
    territories: tuple[tuple[str, str | None, str | None], ...]
    products: frozenset[str]
    wants_early_leads: bool
    quiet_periods: tuple[Mapping[str, Any], ...]
    calendar: Calendar
    daily_cap: int | None
    weekly_cap: int | None
    product_caps: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def asks(self) -> "tuple[tuple[Gate, Passes], ...]":
        """The gates that such settings can close at all, apart from those of ``BY_SETTINGS``."""
        return tuple(
            (gate, ask.passes) for gate, ask in GATES.items() if gate not in BY_SETTINGS and ask.can_close(self)
        )


class PartnerNow(NamedTuple):
    """How a partner stands at this moment. ``cap_now``, ``weight_now_x2``: after what its standing makes of them."""

    active: bool
    standing: Standing
    reachable: bool
    open_leads: int
    cap_now: int
    weight_now_x2: int
    offered_today: int
    offered_this_week: int
    #: Open leads of the product of the lead in question; counted only where the partner has a cap for it.
    open_of_product: int = 0


@dataclass(frozen=True)
class LeadFacts:
    """What the gates read of a lead. ``kind``: qualified, or early for one that is kept for nurture."""

    country: str | None
    region: str | None
    postcode: str | None
    product: str | None
    kind: str = "qualified"
    earlier_holders: frozenset[str] = field(default_factory=frozenset)
    conflict_owner: str | None = None


class GateResult(NamedTuple):
    """One gate's answer, with the JSON-able facts that its sentence needs."""

    gate: Gate
    passed: bool
    facts: Mapping[str, Any]


Passes = Callable[[PartnerFacts, PartnerNow, LeadFacts, datetime], bool]


class Ask(NamedTuple):
    """One gate: its yes or no, and the facts that its sentence needs. Facts are worked out only where they are told."""

    passes: Passes
    facts: Callable[[PartnerFacts, PartnerNow, LeadFacts, datetime], dict[str, Any]]
    #: Whether a partner with such settings can find it closed at all: where not, it need not be asked.
    can_close: Callable[[PartnerFacts], bool] = lambda partner: True


def _no_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {}


def _active(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. The vendor has the partner switched on."""
    return state.active


def _reachable(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. Someone there can be reached: an active or invited user whose mail did not bounce for good."""
    return state.reachable


def _standing(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. Neither stopped nor held."""
    return state.standing.allows_leads


def _standing_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {"standing": state.standing.value}


def _territory(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. No territories: everywhere. 2. A lead without a country passes. 3. Otherwise one territory covers it."""
    return covers(partner, lead)


def _territory_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    where = {"country": lead.country, "region": lead.region, "postcode": lead.postcode}
    return {**where, "all": not partner.territories}


def covers(partner: PartnerFacts, lead: LeadFacts) -> bool:
    """Whether one of the partner's territories takes the lead; a fact that the lead lacks rules nothing out."""
    if not partner.territories or lead.country is None:
        return True
    return any(_takes(territory, lead) for territory in partner.territories)


def _takes(territory: tuple[str, str | None, str | None], lead: LeadFacts) -> bool:
    country, region, prefix = territory
    if country != lead.country:
        return False
    if region and lead.region and not same_region(country, region, lead.region):
        return False
    return not (prefix and lead.postcode) or tight(lead.postcode or "").startswith(tight(prefix or ""))


def same_region(country: str, one: str, other: str) -> bool:
    """Whether two names of a region are the same, with or without the country before it ("DE-BY" and "BY")."""
    bare = [text.strip().casefold().removeprefix(f"{country.casefold()}-") for text in (one, other)]
    return bare[0] == bare[1]


def tight(text: str) -> str:
    """A postcode as it is compared: without spaces, in one case."""
    return text.replace(" ", "").casefold()


def _certified(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. No products: all. 2. A lead without a product passes. 3. Otherwise it is one of the partner's."""
    return knows(partner, lead)


def _certified_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {"product": lead.product, "all": not partner.products}


def knows(partner: PartnerFacts, lead: LeadFacts) -> bool:
    """Whether the partner is certified for the lead's product."""
    if not partner.products or lead.product is None:
        return True
    return lead.product.casefold() in _folded(partner.products)


@lru_cache(maxsize=4096)
def _folded(products: frozenset[str]) -> frozenset[str]:
    return frozenset(product.casefold() for product in products)


def _open_cap(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. Fewer open leads than the cap that counts under its standing."""
    return state.open_leads < state.cap_now


def _open_cap_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {"open": state.open_leads, "cap": state.cap_now}


def _daily_cap(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. No cap, or fewer leads offered on the partner's own day."""
    return partner.daily_cap is None or state.offered_today < partner.daily_cap


def _daily_cap_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {"offered": state.offered_today, "cap": partner.daily_cap}


def _weekly_cap(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. No cap, or fewer leads offered in the partner's own week, from Monday."""
    return partner.weekly_cap is None or state.offered_this_week < partner.weekly_cap


def _weekly_cap_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {"offered": state.offered_this_week, "cap": partner.weekly_cap}


def _closure(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. Not within one of its own closures. (Evenings and public holidays only move deadlines.)"""
    return not partner.calendar.closures or closure_end(partner.calendar, now) is None


def _closure_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return _away(partner, closure_end(partner.calendar, now) if partner.calendar.closures else None)


def _quiet_period(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. Not within the last days of a month or quarter for which a quiet period is set."""
    return not partner.quiet_periods or quiet_until(partner, now) is None


def _quiet_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return _away(partner, quiet_until(partner, now))


def _away(partner: PartnerFacts, until: datetime | None) -> dict[str, Any]:
    """``until``: the local midnight that ends it; ``last``: the last local day of it, for its sentence."""
    if until is None:
        return {}
    last = until.astimezone(partner.calendar.zone).date() - timedelta(days=1)
    return {"until": until.isoformat(), "last": last.isoformat()}


def _wants_kind(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. A qualified lead, or an early one for a partner that asked for early leads."""
    return lead.kind != "early" or partner.wants_early_leads


def _kind_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    return {"kind": lead.kind}


def _earlier_holder(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. It has not declined, let expire or returned this lead before."""
    return partner.id not in lead.earlier_holders


def _conflict(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. No other partner owns the account through a live deal."""
    return lead.conflict_owner in (None, partner.id)


def product_cap(partner: PartnerFacts, product: str | None) -> int | None:
    """How many leads of a product the partner may have open; None where it has no cap for it."""
    if not partner.product_caps or product is None:
        return None
    return partner.product_caps.get(product.casefold())


def _product_cap(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> bool:
    """1. No cap for the lead's product, or fewer open leads of it."""
    cap = product_cap(partner, lead.product)
    return cap is None or state.open_of_product < cap


def _product_cap_facts(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> dict[str, Any]:
    cap = product_cap(partner, lead.product)
    return {} if cap is None else {"product": lead.product, "open": state.open_of_product, "cap": cap}


GATES: dict[Gate, Ask] = {
    Gate.ACTIVE: Ask(_active, _no_facts), Gate.REACHABLE: Ask(_reachable, _no_facts),
    Gate.STANDING: Ask(_standing, _standing_facts), Gate.TERRITORY: Ask(_territory, _territory_facts),
    Gate.CERTIFIED: Ask(_certified, _certified_facts), Gate.OPEN_CAP: Ask(_open_cap, _open_cap_facts),
    Gate.DAILY_CAP: Ask(_daily_cap, _daily_cap_facts, lambda partner: partner.daily_cap is not None),
    Gate.WEEKLY_CAP: Ask(_weekly_cap, _weekly_cap_facts, lambda partner: partner.weekly_cap is not None),
    Gate.CLOSURE: Ask(_closure, _closure_facts, lambda partner: bool(partner.calendar.closures)),
    Gate.QUIET_PERIOD: Ask(_quiet_period, _quiet_facts, lambda partner: bool(partner.quiet_periods)),
    Gate.WANTS_KIND: Ask(_wants_kind, _kind_facts, lambda partner: not partner.wants_early_leads),
    Gate.EARLIER_HOLDER: Ask(_earlier_holder, _no_facts), Gate.CONFLICT: Ask(_conflict, _no_facts),
    Gate.PRODUCT_CAP: Ask(_product_cap, _product_cap_facts, lambda partner: bool(partner.product_caps)),
}  # fmt: skip
#: Gates that settings alone answer for a lead: asked first, of everybody (``static_miss``).
BY_SETTINGS = (Gate.TERRITORY, Gate.CERTIFIED)


def evaluate(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> list[GateResult]:
    """Every gate's answer, in the order of the vocabulary; none is left out because another said no."""
    return [
        GateResult(gate, ask.passes(partner, state, lead, now), ask.facts(partner, state, lead, now))
        for gate, ask in GATES.items()
    ]


def closed(partner: PartnerFacts, state: PartnerNow, lead: LeadFacts, now: datetime) -> tuple[Gate, ...]:
    """The gates that keep a partner from such a lead, apart from those that ``static_miss`` has passed already."""
    return tuple([gate for gate, passes in partner.asks if not passes(partner, state, lead, now)])


def static_miss(partner: PartnerFacts, lead: LeadFacts) -> Gate | None:
    """The first gate that settings alone close for such a lead: territory or certification."""
    if not covers(partner, lead):
        return Gate.TERRITORY
    return None if knows(partner, lead) else Gate.CERTIFIED


def quiet_until(partner: PartnerFacts, now: datetime) -> datetime | None:
    """The end of the quiet period that ``now`` is in, by the partner's own days; None outside."""
    if not partner.quiet_periods:
        return None
    zone = partner.calendar.zone
    today = now.astimezone(zone).date()
    ends = [_period_end(today, p["kind"]) for p in partner.quiet_periods if _in_last_days(today, p)]
    return _midnight(max(ends), zone) if ends else None


def _in_last_days(today: date, period: Mapping[str, Any]) -> bool:
    return _period_end(today, period["kind"]) - today <= timedelta(days=period["days"])


def _period_end(today: date, kind: str) -> date:
    """The first day after the month or quarter that ``today`` is in."""
    month = today.month if kind == "month_end" else (today.month - 1) // 3 * 3 + 3
    return date(today.year + (month == 12), month % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def day_key(zone: ZoneInfo, now: datetime) -> int:
    """The ordinal of the local day."""
    return now.astimezone(zone).date().toordinal()


def week_key(zone: ZoneInfo, now: datetime) -> int:
    """The ordinal of the local week's Monday."""
    today = now.astimezone(zone).date()
    return today.toordinal() - today.weekday()


def retry_at(partner: PartnerFacts, results: Sequence[GateResult], now: datetime) -> datetime | None:
    """The first instant at which time alone may open a gate that is closed now; None where it opens none.

    1. The end of a closure or quiet period. 2. The next local midnight for a day cap, the next Monday for a week cap.
    """
    zone = partner.calendar.zone
    today = now.astimezone(zone).date()
    instants = []
    for result in results:
        if result.passed:
            continue
        if result.facts.get("until"):
            instants.append(datetime.fromisoformat(result.facts["until"]))
        elif result.gate is Gate.DAILY_CAP:
            instants.append(_midnight(today + timedelta(days=1), zone))
        elif result.gate is Gate.WEEKLY_CAP:
            instants.append(_midnight(today + timedelta(days=7 - today.weekday()), zone))
    return min(instants, default=None)

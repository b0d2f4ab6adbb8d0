"""A partner's settings as they are sent: checked, each refusal a sentence (pure)."""

from collections.abc import Callable, Mapping
from typing import Any

import pycountry

from portal.calendars.closures import too_much_closed
from portal.calendars.errors import CalendarError
from portal.calendars.hours import Calendar, parse_calendar
from portal.errors import Invalid

HOURS = ("opening_hours", "holidays", "closures")
#: What a partner admin may change of its own partner.
OWN = ("opening_hours", "holidays", "closures", "quiet_periods", "wants_early_leads")
REQUIRED = ("name", "timezone", "country")
QUIET = ("month_end", "quarter_end")
LONGEST_CLOSURE = 180


def parse_settings(data: Mapping[str, Any], current: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns that ``data`` (the API's names) sets. ``current``: the columns of a partner that is changed.

    Raises Invalid with (field, sentence) for everything that is wrong at once.
    """
    errors: list[tuple[str, str]] = []
    if current is None:
        errors += [(name, "This is needed.") for name in REQUIRED if data.get(name) in (None, "")]
    columns: dict[str, Any] = {}
    for name, value in data.items():
        if name in HOURS:
            continue
        check = CHECKS.get(name)
        if check is None:
            errors.append((name, "A partner has no such setting."))
            continue
        try:
            columns[name] = check(value)
        except ValueError as error:
            errors.append((name, str(error)))
    errors += _calendar(data, current or {}, columns)
    if errors:
        raise Invalid(errors)
    return columns


def _calendar(data: Mapping[str, Any], current: Mapping[str, Any], columns: dict[str, Any]) -> list[tuple[str, str]]:
    """The hours column from what is sent and what was there; the whole calendar is checked, never a part of it."""
    hours = dict(current.get("hours") or {})
    hours.update({name: data[name] for name in HOURS if name in data})
    zone = columns.get("timezone", current.get("timezone"))
    country = columns.get("country", current.get("country"))
    if zone is None or country is None:
        return []
    try:
        calendar = parse_calendar({"timezone": zone, "country": country, **hours})
    except CalendarError as error:
        return [(error.field, error.message)]
    if longest_closure(calendar) > LONGEST_CLOSURE:
        return [("closures", f"Close for at most {LONGEST_CLOSURE} days on end; switch the partner off for longer.")]
    if wrong := too_much_closed(calendar):
        return [("closures", wrong)]
    columns["hours"] = hours
    return []


def longest_closure(calendar: Calendar) -> int:
    """The most days on end that closures take, adjoining ones together: deadlines must come to an end."""
    longest = start = end = 0
    for closure in sorted(calendar.closures, key=lambda c: (c.first, c.last)):
        first, last = closure.first.toordinal(), closure.last.toordinal()
        start, end = (start, max(end, last)) if start and first <= end + 1 else (first, last)
        longest = max(longest, end - start + 1)
    return longest


def _text(most: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or "\x00" in value:
            raise ValueError("Give a text.")
        if len(value) > most:
            raise ValueError(f"Use at most {most} characters.")
        return value.strip()

    return check


def _whole(low: int, high: int, *, none: bool = False) -> Callable[[Any], int | None]:
    def check(value: Any) -> int | None:
        if value is None and none:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"Give a whole number from {low} to {high:,}.")
        return value

    return check


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Give true or false.")
    return value


def _country(value: Any) -> str:
    if not isinstance(value, str) or pycountry.countries.get(alpha_2=value.upper()) is None:
        raise ValueError("Give a country by its two letters, such as DE.")
    return value.upper()


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 500:
        raise ValueError("Give a list of texts, at most 500.")
    return sorted({_text(200)(item) for item in value})


def _territories(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or len(value) > 2000:
        raise ValueError("Give a list of territories, at most 2,000.")
    return [_territory(item) for item in value]


def _territory(item: Any) -> dict[str, str]:
    if not isinstance(item, Mapping) or set(item) - {"country", "region", "postcode_prefix"}:
        raise ValueError("A territory has a country and, if you like, a region and a postcode_prefix.")
    extra = {k: _text(200)(v) for k, v in item.items() if k != "country" and v is not None}
    return {"country": _country(item.get("country")), **extra}


def _postcode(value: Any) -> str | None:
    return None if value is None else _text(16)(value)


def _product_caps(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or len(value) > 500:
        raise ValueError("Give an object of products and whole numbers, at most 500.")
    caps = {_text(200)(product): _whole(0, 100_000)(most) for product, most in value.items()}
    if len({product.casefold() for product in caps}) < len(value):
        raise ValueError("Name each product once.")
    return {product: most for product, most in sorted(caps.items()) if most is not None}


def _quiet(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > 10:
        raise ValueError("Give a list of quiet periods, at most 10.")
    return [_quiet_period(item) for item in value]


def _quiet_period(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping) or set(item) != {"kind", "days"} or item.get("kind") not in QUIET:
        raise ValueError("A quiet period has a kind (month_end or quarter_end) and a number of days before it.")
    return {"kind": item["kind"], "days": _whole(1, 15)(item["days"])}


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _text(200), "tier": _text(64), "weight": _whole(1, 100), "timezone": _text(64), "country": _country,
    "territories": _territories, "products": _texts, "tags": _texts, "quiet_periods": _quiet,
    "open_lead_cap": _whole(0, 100_000), "daily_cap": _whole(1, 100_000, none=True),
    "weekly_cap": _whole(1, 100_000, none=True), "wants_early_leads": _yes_no, "active": _yes_no,
    "postcode": _postcode, "product_caps": _product_caps,
}  # fmt: skip

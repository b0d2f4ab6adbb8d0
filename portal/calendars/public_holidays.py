"""Public holidays by country and subdivision, from the ``holidays`` wheel; read a year at a time."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType

import holidays

NONE: Mapping[date, str] = MappingProxyType({})


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=False)


def is_known(country: str) -> bool:
    """Whether public holidays of ``country`` (ISO 3166 alpha-2) are known here."""
    return country in _countries()


def subdivisions(country: str) -> list[str]:
    """Codes that may follow ``country``, as in ISO 3166-2 without the country's prefix."""
    return list(_countries().get(country, []))


@lru_cache(maxsize=4096)
def in_year(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Name in English by day. Empty for years that the wheel does not know.

    A whole year is made at once and kept: the wheel's own filling as it is asked is not safe between threads.
    """
    known = getattr(holidays, country)
    if not known.start_year <= year <= known.end_year:
        return NONE
    days = holidays.country_holidays(country, subdiv=subdivision, years=year, expand=False, language="en_US")
    return MappingProxyType({day: name for day, name in sorted(days.items()) if day.year == year})

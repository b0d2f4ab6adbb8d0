"""Groups of countries that a condition can name instead of each: ``group:EU``. Pure.

Membership as of 1 January 2026. Where it changes, a release of Fairlead changes it for every version of the rules.
"""

from typing import NamedTuple

PREFIX = "group:"


class Group(NamedTuple):
    """What a group is called in a sentence, and the countries in it (ISO 3166 alpha-2)."""

    label: str
    countries: frozenset[str]


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


EU = _of("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
EFTA = _of("CH IS LI NO")
EEA = EU | EFTA - {"CH"}
BENELUX = _of("BE LU NL")
DACH = _of("AT CH DE")
NORDICS = _of("DK FI IS NO SE")
BALTICS = _of("EE LT LV")
IBERIA = _of("ES PT")
VISEGRAD = _of("CZ HU PL SK")
UK_AND_IRELAND = _of("GB IE")
NORTH_AMERICA = _of("CA MX US")
GCC = _of("AE BH KW OM QA SA")
ANZ = _of("AU NZ")

GROUPS = {
    "EU": Group("the EU", EU),
    "EEA": Group("the EEA", EEA),
    "EFTA": Group("EFTA", EFTA),
    "DACH": Group("DACH", DACH),
    "BENELUX": Group("Benelux", BENELUX),
    "NORDICS": Group("the Nordics", NORDICS),
    "BALTICS": Group("the Baltics", BALTICS),
    "IBERIA": Group("Iberia", IBERIA),
    "VISEGRAD": Group("Visegrad", VISEGRAD),
    "UK_AND_IRELAND": Group("the UK and Ireland", UK_AND_IRELAND),
    "NORTH_AMERICA": Group("North America", NORTH_AMERICA),
    "GCC": Group("the Gulf states", GCC),
    "ANZ": Group("Australia and New Zealand", ANZ),
}


def group_of(value: object) -> Group | None:
    """The group that a value names ("group:EU", in any case); None for any other value, and for an unknown name."""
    if not isinstance(value, str) or not value.strip().casefold().startswith(PREFIX):
        return None
    return GROUPS.get(value.strip()[len(PREFIX) :].strip().upper())

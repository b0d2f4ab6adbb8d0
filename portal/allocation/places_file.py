"""A file of postcodes and where they lie: CSV with a header, or the tab-separated form of GeoNames. Pure."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from math import isfinite

import pycountry

NAMES = ("country", "postcode", "latitude", "longitude")
#: Where GeoNames' postal code files have country, postcode, latitude and longitude, of twelve columns.
GEONAMES, GEONAMES_COLUMNS = (0, 1, 9, 10), 12
LONGEST_CODE = 16
MOST_TOLD = 100
Row = tuple[str, str, float, float]


@dataclass
class PlacesFile:
    """What a file says. ``errors``: (line, sentence), the first hundred; ``unusable``: how many rows in all."""

    rows: list[Row] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    unusable: int = 0

    def refuse(self, line: int, sentence: str) -> None:
        """Count a row that cannot be used, and tell it while there is room."""
        self.unusable += 1
        if len(self.errors) < MOST_TOLD:
            self.errors.append((line, sentence))


def read_places(lines: Iterable[str]) -> PlacesFile:
    """Every usable row, and a sentence for each other.

    1. A first line with country, postcode, latitude and longitude, in any order, with commas or semicolons between.
    2. Otherwise twelve columns with tabs between, as GeoNames publishes them.
    """
    found, stream = PlacesFile(), iter(lines)
    first = next(stream, "").removeprefix("\ufeff")
    columns, separator, header = _columns(first)
    if columns is None:
        found.refuse(1, f"Begin with a line that names the columns: {', '.join(NAMES)}.")
        return found
    rest: Iterator[str] = islice(chain([first], stream), 1 if header else 0, None)
    # GeoNames quotes nothing: a quotation mark is part of a name there.
    reader = (
        csv.reader(rest, delimiter=separator) if header else csv.reader(rest, delimiter="\t", quoting=csv.QUOTE_NONE)
    )
    for line, cells in enumerate(reader, start=2 if header else 1):
        if any(cell.strip() for cell in cells):
            _read(cells, columns, line, found)
    return found


def _columns(first: str) -> tuple[tuple[int, ...] | None, str, bool]:
    """Where the four are, what stands between columns, and whether the first line only names them."""
    separator = ";" if first.count(";") > first.count(",") else ","
    named = [cell.strip().strip('"').casefold() for cell in first.rstrip("\r\n").split(separator)]
    if set(NAMES) <= set(named):
        return tuple(named.index(name) for name in NAMES), separator, True
    if len(first.rstrip("\r\n").split("\t")) == GEONAMES_COLUMNS:
        return GEONAMES, "\t", False
    return None, separator, False


def _read(cells: list[str], columns: tuple[int, ...], line: int, found: PlacesFile) -> None:
    if len(cells) <= max(columns):
        found.refuse(line, "There are too few columns.")
        return
    country, postcode, latitude, longitude = (cells[n].strip() for n in columns)
    if pycountry.countries.get(alpha_2=country.upper()) is None:
        found.refuse(line, f"There is no country {country!r}: give its two letters, such as DE.")
    elif not 0 < len(postcode.replace(" ", "").replace("-", "")) <= LONGEST_CODE or "\x00" in postcode:
        found.refuse(line, f"Give a postcode of at most {LONGEST_CODE} characters.")
    elif (point := _point(latitude, longitude)) is None:
        found.refuse(line, "Give latitude (-90 to 90) and longitude (-180 to 180) in degrees, such as 48.137.")
    else:
        found.rows.append((country.upper(), postcode, *point))


def _point(latitude: str, longitude: str) -> tuple[float, float] | None:
    try:
        lat, lon = float(latitude), float(longitude)
    except ValueError:
        return None
    return (lat, lon) if isfinite(lat) and isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180 else None

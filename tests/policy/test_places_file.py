"""Files of places: both forms, and each row that cannot be used."""

import pytest

from portal.allocation.places_file import read_places

GEONAMES = "DE\t80331\tMünchen\tBayern\tBY\tOberbayern\t091\tMünchen\t09162\t48.1345\t11.571\t4\n"


@pytest.mark.parametrize(
    "lines",
    [
        ["country,postcode,latitude,longitude\n", "DE,80331,48.1345,11.571\n"],
        ["\ufeffCountry;Postcode;Latitude;Longitude\r\n", "de; 80331 ;48.1345;11.571\r\n"],
        ['city,longitude,"latitude",postcode,country\n', '"Mün, chen",11.571,48.1345,80331,DE\n', "\n"],
        [GEONAMES],
    ],
)
def test_what_can_be_read(lines: list[str]) -> None:
    found = read_places(lines)
    assert (found.rows, found.errors) == ([("DE", "80331", 48.1345, 11.571)], [])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("XX,1,2,3", "There is no country 'XX'"),
        ("DE,,2,3", "Give a postcode"),
        ("DE,12345678901234567,2,3", "Give a postcode"),
        ("DE,1,91,3", "Give latitude"),
        ("DE,1,2,180.1", "Give latitude"),
        ("DE,1,nan,3", "Give latitude"),
        ("DE,1,x,3", "Give latitude"),
        ("DE,1,2", "too few columns"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_by_its_line(row: str, says: str) -> None:
    found = read_places(["country,postcode,latitude,longitude\n", "DE,1,2,3\n", f"{row}\n"])
    ((line, sentence),) = found.errors
    assert (line, len(found.rows), found.unusable) == (3, 1, 1)
    assert says in sentence


@pytest.mark.parametrize("lines", [[], [""], ["a,b\n", "DE,1\n"], ["DE,80331,48.1,11.5\n"]])
def test_columns_that_nobody_names(lines: list[str]) -> None:
    assert read_places(lines).errors == [
        (1, "Begin with a line that names the columns: country, postcode, latitude, longitude.")
    ]  # fmt: skip


def test_only_the_first_hundred_mistakes_are_told() -> None:
    found = read_places(["country,postcode,latitude,longitude\n", *["XX,1,2,3\n"] * 150])
    assert (len(found.errors), found.unusable) == (100, 150)

"""A partner's settings: each refusal with its sentence, and what a change leaves as it was."""

from typing import Any

import pytest

from portal.compliance.settings import LONGEST_CLOSURE, parse_settings
from portal.errors import Invalid

WHOLE = {"name": "Nordhaven", "timezone": "Europe/Berlin", "country": "DE"}


def refused(**changes: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_settings({**WHOLE, **changes})
    return dict(caught.value.errors)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"country": "XX"}, "country"),
        ({"country": 5}, "country"),
        ({"weight": 0}, "weight"),
        ({"weight": 101}, "weight"),
        ({"weight": True}, "weight"),
        ({"open_lead_cap": -1}, "open_lead_cap"),
        ({"daily_cap": 0}, "daily_cap"),
        ({"active": "yes"}, "active"),
        ({"territories": "DE"}, "territories"),
        ({"territories": [{"country": "DE", "city": "X"}]}, "territories"),
        ({"territories": [{"region": "Bayern"}]}, "territories"),
        ({"products": [1]}, "products"),
        ({"quiet_periods": [{"kind": "week_end", "days": 2}]}, "quiet_periods"),
        ({"quiet_periods": [{"kind": "month_end", "days": 16}]}, "quiet_periods"),
        ({"opening_hours": {"mon": []}}, "opening_hours"),
        ({"closures": [{"from": "2026-03-05", "to": "2026-03-01"}]}, "closures.0.to"),
        ({"closures": [{"from": "2026-01-01", "to": "2027-01-01"}]}, "closures"),
        ({"postcode": ""}, "postcode"),
        ({"postcode": "1" * 17}, "postcode"),
        ({"postcode": 80331}, "postcode"),
        ({"product_caps": []}, "product_caps"),
        ({"product_caps": {"Widget": -1}}, "product_caps"),
        ({"product_caps": {"Widget": None}}, "product_caps"),
        ({"product_caps": {"Widget": True}}, "product_caps"),
        ({"product_caps": {"": 1}}, "product_caps"),
        ({"product_caps": {"Widget": 1, "widget ": 2}}, "product_caps"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(changes: dict[str, Any], field: str) -> None:
    errors = refused(**changes)
    assert field in errors, errors
    assert errors[field].endswith("."), errors[field]


def test_what_is_needed_is_named_all_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse_settings({})
    assert {name for name, _ in caught.value.errors} == {"name", "timezone", "country"}


def test_adjoining_closures_count_as_one() -> None:
    halves = [{"from": "2026-01-01", "to": "2026-04-30"}, {"from": "2026-05-01", "to": "2026-08-31"}]
    assert str(LONGEST_CLOSURE) in refused(closures=halves)["closures"]
    apart = [{"from": "2026-01-01", "to": "2026-04-30"}, {"from": "2026-05-05", "to": "2026-08-31"}]
    assert parse_settings({**WHOLE, "closures": apart})["hours"] == {"closures": apart}


def test_a_change_keeps_the_hours_that_it_does_not_name() -> None:
    closures = [{"from": "2026-08-03", "to": "2026-08-14"}]
    current = {"timezone": "Europe/Berlin", "country": "DE", "hours": {"holidays": None}}
    assert parse_settings({"closures": closures}, current) == {"hours": {"holidays": None, "closures": closures}}


def test_a_change_of_zone_checks_the_whole_calendar() -> None:
    current = {"timezone": "Europe/Berlin", "country": "DE", "hours": {}}
    with pytest.raises(Invalid) as caught:
        parse_settings({"timezone": "Nowhere"}, current)
    assert caught.value.errors[0][0] == "timezone"


def test_caps_by_product_and_a_postcode_are_kept_as_they_are_sent() -> None:
    sent = {"product_caps": {"Widget ": 3, "Gadget": 0}, "postcode": " 80331 "}
    kept = parse_settings({**WHOLE, **sent})
    assert (kept["product_caps"], kept["postcode"]) == ({"Gadget": 0, "Widget": 3}, "80331")
    assert parse_settings({"postcode": None}, {})["postcode"] is None

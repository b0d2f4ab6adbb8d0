"""The vendor's own hours: read as they count, kept as they are typed, never over somebody else's change."""

import re
from typing import Any

import pytest

from models.platform import Audit
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.allocation import vendor
from tests.support import world
from tests.support.visits import words
from tests.support.world import HOUR
from tests.web.staff_scene import NOON, Office, office

__all__ = ["office"]
PATH = "/our-hours"
SENT = {
    "timezone": "Europe/Berlin", "country": "de", "mon": "08:00-12:00, 13:00-17:00", "tue": "08:00-17:00", "wed": "",
    "thu": "08:00-17:00", "fri": "08:00-14:00", "sat": "", "sun": "", "holiday_country": "DE", "holiday_part": "by",
    "closures": "2026-12-24 to 2026-12-31 Holidays", "month_end": "", "quarter_end": "2",
}  # fmt: skip


def settings(office: Office) -> dict[str, Any]:
    return office.do(vendor.settings)  # type: ignore[no-any-return]


def read(page: Any) -> str:
    found = re.search(r'name="read"[^>]*value="(\w+)"', page.get_data(as_text=True))
    assert found is not None
    return found[1]


def test_hours_are_read_as_they_count_and_kept_as_they_are_typed(office: Office) -> None:
    browser = office.visit("admin")
    page = browser.get(PATH)
    text = page.get_data(as_text=True)
    assert 'value="UTC"' in text and text.count('value="09:00-17:00"') == 5
    assert "Saved. The next lead goes by it" in browser.done(PATH, **SENT, read=read(page))
    assert settings(office) == {
        "timezone": "Europe/Berlin",
        "country": "DE",
        "opening_hours": {
            "mon": [["08:00", "12:00"], ["13:00", "17:00"]], "tue": [["08:00", "17:00"]], "wed": [],
            "thu": [["08:00", "17:00"]], "fri": [["08:00", "14:00"]], "sat": [], "sun": [],
        },
        "holidays": {"country": "DE", "subdivision": "BY"},
        "closures": [{"from": "2026-12-24", "to": "2026-12-31", "note": "Holidays"}],
        "quiet_periods": [{"kind": "quarter_end", "days": 2}],
    }  # fmt: skip
    again = browser.get(PATH)
    text = again.get_data(as_text=True)
    assert 'value="08:00-12:00, 13:00-17:00"' in text and "2026-12-24 to 2026-12-31 Holidays" in text
    assert "Nothing was changed." in browser.done(PATH, **SENT, read=read(again))
    facts = office.do(lambda session: [row.facts for row in session.query(Audit).filter_by(action="vendor.change")])
    assert facts == [{"changed": ["closures", "country", "holidays", "opening_hours", "quiet_periods", "timezone"]}]
    assert "Ines Okafor changed the vendor's hours" in browser.page("/audit")


def test_saving_what_nobody_has_set_sets_nothing(office: Office) -> None:
    browser = office.visit("admin")
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "9:00-17:00")
    page = browser.get(PATH)
    assert "Nothing was changed." in browser.done(PATH, timezone="UTC", holiday_country="", **week, read=read(page))
    assert settings(office)["opening_hours"] is None


def test_a_rule_and_every_partner_go_by_them(office: Office) -> None:
    late = {"field": "arrived", "op": "eq", "value": "out_of_hours"}
    rule = {"strategy": {"kind": "weighted_round_robin"}, "then": "queue"}
    office.do(
        lambda session: world.publish_rules(
            session, {"name": "Late", "when": {"all": [late]}, "pool": {"partners": [office.rival]}, **rule},
            {"name": "Rest", "pool": {"partners": [office.partner]}, **rule}, now=NOON,
        )
    )  # fmt: skip
    browser = office.visit("admin")
    early = {**SENT, "timezone": "UTC", "mon": "05:00-08:00", "quarter_end": ""}
    first = office.do(lambda session: world.receive_lead(session, now=NOON, company="In").id)
    browser.done(PATH, **early, read=read(browser.get(PATH)))
    second = office.do(lambda session: world.receive_lead(session, now=NOON, company="Out").id)
    browser.done(PATH, **{**early, "month_end": "15"}, read=read(browser.get(PATH)))
    at = NOON + 16 * 24 * HOUR
    third = office.do(lambda session: world.receive_lead(session, now=at, company="Quiet").id)
    assert [office.holder(lead) for lead in (first, second, third)] == [office.partner, office.rival, None]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("timezone", "", "Give a time zone such as Europe/Berlin."),
        ("timezone", "Mars", "Give a time zone by its IANA name"),
        ("country", "XX", "Give a country by its two letters"),
        ("tue", "nine to five", "Write hours such as 09:00-12:30"),
        ("tue", "09:00-12:00, 11:00-13:00", "overlap; join them"),
        ("closures", "at Christmas", "This line cannot be read: at Christmas."),
        ("closures", "2026-12-31 to 2026-12-24", "A closure ends on the day it starts or later."),
        ("holiday_part", "ZZ", "No public holidays are known for that part"),
        ("month_end", "16", "Give a number of days from 1 to 15, or leave it empty."),
    ],
)
def test_hours_that_cannot_be_used_are_asked_again(office: Office, field: str, value: str, sentence: str) -> None:
    browser = office.visit("admin")
    before, word = settings(office), read(browser.get(PATH))
    answer = browser.post(PATH, **{**SENT, field: value}, read=word)
    assert answer.status_code == 422 and sentence in words(answer)
    assert 'aria-invalid="true"' in answer.get_data(as_text=True) and value in words(answer) + answer.text
    assert settings(office) == before


def test_a_week_without_openings_is_refused(office: Office) -> None:
    browser = office.visit("admin")
    closed = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "")
    answer = browser.post(PATH, **{**SENT, **closed}, read=read(browser.get(PATH)))
    assert answer.status_code == 422 and "a week without openings" in words(answer)


def test_who_comes_second_is_told_what_saving_sets(office: Office) -> None:
    browser = office.visit("admin")
    word = read(browser.get(PATH))
    office.do(lambda session: unit(session, lambda: vendor.change(session, {"timezone": "Asia/Tokyo"}, NOON, SYSTEM)))
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
    sent = {"timezone": "UTC", "holiday_country": "", "month_end": "3", **week}
    answer = browser.post(PATH, **sent, read=word)
    assert answer.status_code == 409
    assert "Nothing was saved. Saving now sets, as you typed: quiet periods, timezone." in words(answer)
    assert settings(office)["timezone"] == "Asia/Tokyo"
    browser.done(PATH, **sent, read=read(answer))
    assert settings(office)["timezone"] == "UTC"


def test_our_hours_are_for_admins(office: Office) -> None:
    before = settings(office)
    for who in ("manager", "marketer", "rep"):
        assert office.visit(who).get(PATH).status_code == 404
        assert office.visit(who).post(PATH, **SENT).status_code == 404
    assert settings(office) == before

"""An admin changes the rules by form, tries a lead and publishes; builds others from nothing and asks what if."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Visits, go
from tests.browser.ways import EVERY_WAY, Way

pytestmark = pytest.mark.browser
SOME_WAYS = (EVERY_WAY[0], EVERY_WAY[3])


@pytest.mark.parametrize("way", SOME_WAYS, ids=str)
def test_a_rule_is_written_tried_and_published(visits: Visits, way: Way) -> None:
    page = visits.page("admin", *way)
    page.goto("/")
    go(page, "/rules")
    page.get_by_role("link", name="Open draft 3").click()
    page.get_by_role("link", name="Edit Webinar guests to the open pool").click()

    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Field of condition 2").select_option("employees")
    _redrawn(page, way)
    page.get_by_label("Comparison").nth(1).select_option("lt")
    _redrawn(page, way)
    page.get_by_label("Value").nth(1).fill("a few")
    page.get_by_role("button", name="Save rule 2").last.click()
    expect(page.locator(".err")).to_contain_text("is a number")
    expect(page.get_by_label("Value").nth(1)).to_have_value("a few")
    page.get_by_label("Value").nth(1).fill("100")
    page.get_by_label("Hours in the pool").fill("36")
    expect(page.get_by_label("Share kept for the others, in percent")).to_be_hidden()
    page.get_by_role("button", name="Save rule 2").last.click()

    expect(page.locator(".flash")).to_contain_text("Nothing changes before you publish it.")
    changed = page.locator(".rule.is-changed")
    expect(changed.locator("ins").first).to_contain_text("employees is under 100")
    expect(changed.locator("del").last).to_contain_text("96")
    page.get_by_role("button", name="Move up Webinar guests to the open pool").click()
    expect(page.locator("#rule-1")).to_contain_text("Webinar guests")

    page.get_by_role("link", name="Try one lead").click()
    page.get_by_label("Source").fill("Webinar")
    page.get_by_label("Employees").fill("40")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("Goes to the open pool, by Webinar")).to_have_count(2)
    assert "40" not in page.url

    go(page, "/rules")
    page.get_by_role("link", name="Publish version 3…").click()
    page.get_by_label("What changes, and why").fill("Small ones to the pool")
    page.get_by_role("button", name="Publish version 3").click()
    expect(page.locator(".flash")).to_contain_text("Version 3 is live")


#: Each kind of mistake, what is said of it, and what mends it.
MISTAKES = (
    ({"field": "colour", "op": "eq", "value": "red"}, "colour"),
    ({"field": "country", "op": "eq", "value": "XX"}, "XX"),
    ({"field": "employees", "op": "between", "value": [50, 10]}, "The lower end comes first."),
    ({"field": "product", "op": "eq", "value": "Nobody's product"}, "Nobody's product"),
)


@pytest.mark.parametrize("way", [EVERY_WAY[1]], ids=str)
def test_rules_are_built_from_nothing_asked_what_if_and_brought_back(visits: Visits, way: Way) -> None:
    page = visits.page("admin", *way)
    page.goto("/rules/draft")
    page.get_by_role("link", name="JSON").click()
    text, check = page.get_by_label("Document"), page.get_by_role("button", name="Check", exact=True)
    rest = {"name": "Rest", "strategy": {"kind": "least_loaded"}, "then": "queue"}
    for condition, says in MISTAKES:
        first = {"name": "First", "when": {"all": [condition]}, "strategy": {"kind": "least_loaded"}, "then": "next"}
        text.fill(json.dumps([first, rest]))
        check.click()
        expect(page.locator(".err")).to_contain_text(says)
        assert json.loads(text.input_value()) == [first, rest]
    text.fill(json.dumps([rest, {**rest, "name": "Never asked"}]))
    check.click()
    expect(page.locator(".err")).to_contain_text("No lead reaches this rule")
    text.fill(json.dumps([{**rest, "pool": {"tags": ["nobody-has-it"]}}]))
    check.click()
    expect(page.locator(".err")).to_contain_text("nobody-has-it")
    text.fill(json.dumps([rest]))
    page.get_by_label("What changes, and why").fill("Whoever has room")
    page.get_by_role("button", name="Save draft").click()

    page.get_by_role("link", name="What if…").click()
    page.get_by_role("button", name="Ask what if").click()
    visits.house.answer_what_ifs()
    page.reload()
    expect(page.locator("table.what-if")).to_contain_text("Ostwind")
    page.get_by_role("link", name="Publish…").click()
    page.get_by_label("What changes, and why").fill("Whoever has room")
    page.get_by_role("button", name="Publish version 4").click()
    expect(page.locator(".flash")).to_contain_text("Version 4 is live")

    page.goto("/rules")
    page.get_by_role("link", name="Version 2", exact=True).click()
    page.get_by_label("What changes, and why").fill("Back to what it was")
    page.get_by_role("button", name="Publish version 5").click()
    expect(page.locator(".flash")).to_contain_text("Version 5 is live")


def _redrawn(page: Page, way: Way) -> None:
    """The row with what fits it: the script asks for it by itself, else a button does."""
    if way.script:
        page.wait_for_load_state("networkidle")
    else:
        page.get_by_role("button", name="Show the values that fit").click()

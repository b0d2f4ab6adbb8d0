"""An admin changes the rules by form, tries a lead and publishes: with the script on a phone, without it at a desk."""

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


def _redrawn(page: Page, way: Way) -> None:
    """The row with what fits it: the script asks for it by itself, else a button does."""
    if way.script:
        page.wait_for_load_state("networkidle")
    else:
        page.get_by_role("button", name="Show the values that fit").click()

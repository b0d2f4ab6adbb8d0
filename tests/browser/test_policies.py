"""An admin writes a policy by form and reads its due times while typing: with script on a phone, without at a desk."""

import pytest
from playwright.sync_api import expect

from tests.browser.house import Visits, go
from tests.browser.ways import EVERY_WAY, Way

pytestmark = pytest.mark.browser
SOME_WAYS = (EVERY_WAY[0], EVERY_WAY[3])


@pytest.mark.parametrize("way", SOME_WAYS, ids=str)
def test_a_policy_is_written_with_its_example_beside_it(visits: Visits, way: Way) -> None:
    page = visits.page("admin", *way)
    page.goto("/")
    go(page, "/policies")
    page.get_by_label("From").select_option("preset:default")
    page.get_by_role("button", name="Start a draft").click()

    first = page.get_by_role("region", name="Deadline 1")
    page.get_by_label("Start", exact=True).fill("2026-03-06T16:00")
    page.get_by_label("Whose hours").select_option(label="Ostwind Systeme")
    page.get_by_label("Times in").select_option("Europe/Berlin")
    first.get_by_label("How long").first.fill("2")
    first.get_by_label("Unit").first.select_option("hours business")
    first.get_by_label("How long").nth(1).fill("")
    if not way.script:
        page.get_by_role("button", name="Show example").last.click()
    expect(page.locator("#worked-0")).to_contain_text("An offer made Fri 6 Mar 16:00 CET is due Mon 9 Mar")
    expect(first.get_by_label("Touches in all")).to_be_hidden()

    page.get_by_role("button", name="Move down deadline 1").click()
    expect(page.locator("#obligations-1-within-value")).to_have_value("2")
    page.locator("#obligations-1-within-value").fill("soon")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".err")).to_contain_text("Deadline 2: Give a whole number")
    page.locator("#obligations-1-within-value").fill("3")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".flash")).to_contain_text("Nothing changes before you publish it.")
    expect(page.locator(".changes ins").first).to_be_visible()

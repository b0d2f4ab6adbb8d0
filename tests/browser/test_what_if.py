"""An admin asks what a version would have done, and watches it come: the script looks again, else the page does."""

import pytest
from playwright.sync_api import expect

from models.base import db
from portal.allocation.replay import trials
from portal.clock import utc_now
from tests.browser.house import House, Visits
from tests.browser.ways import EVERY_WAY, Way

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("way", [EVERY_WAY[0], EVERY_WAY[3]], ids=str)
def test_a_what_if_is_asked_and_comes(visits: Visits, house: House, way: Way) -> None:
    page = visits.page("admin", *way)
    page.goto("/rules/what-if")
    expect(page.get_by_text("No what-if was asked yet")).to_be_visible()
    page.get_by_role("link", name="What if draft 3…").click()
    page.get_by_role("button", name="Ask what if").click()
    expect(page.get_by_text("It waits for its turn")).to_be_visible()
    address = page.url
    with house.app.app_context():
        done = trials.carry_out(db.session(), address.rpartition("/")[2], "me", utc_now)
        db.session.remove()
    assert done == "done"
    expect(page.get_by_text("leads replayed:")).to_be_visible()
    expect(page.get_by_role("region", name="Leads by partner")).to_contain_text("Ostwind Systeme")
    assert page.url == address
    page.get_by_role("link", name="Publish…").click()
    expect(page.get_by_text("Before you publish")).to_be_visible()

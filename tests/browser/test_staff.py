"""What the vendor's people do in a day, on a phone and at a desk, with the script and without it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.house import Visits, go, sign_in, sign_out
from tests.browser.ways import EVERY_WAY, Way

pytestmark = pytest.mark.browser

FILE = """email,company,country,product,external_id
inge@browser-test.example,Browser Test One,DE,Tidewell Flow,BT-1
not an address,Browser Test Two,DE,Tidewell Flow,BT-2
olaf@browser-test-three.example,Browser Test Three,XX,Tidewell Flow,BT-3
"""


@pytest.mark.parametrize("way", EVERY_WAY, ids=str)
def test_a_day_of_a_channel_manager(visits: Visits, way: Way) -> None:
    page = visits.page(None, *way)
    sign_in(page, "manager")
    go(page, "/board")
    page.get_by_role("link", name="Warned 1").click()
    table = page.get_by_role("region", name="Partners by standing")
    # A head, the partner, and what it owes soon.
    expect(table.get_by_role("row")).to_have_count(3)
    table.get_by_text("due in 7 days").click()
    deadline = table.get_by_role("listitem").last
    deadline.get_by_role("checkbox").check()
    page.get_by_role("button", name="Extend…").click()
    expect(page.get_by_role("heading", name="Extend 1 deadline of Ostwind Systeme")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Ostwind Systeme").click()

    owed = page.get_by_role("region", name="Deadlines owed now")
    before = owed.get_by_role("checkbox").count()
    for box in owed.get_by_role("checkbox").all()[:2]:
        box.check()
    page.get_by_role("button", name="Waive…").click()
    expect(page.get_by_role("heading", name="Waive 2 deadlines")).to_be_visible()
    page.get_by_role("button", name="Waive").click()
    expect(page.locator(".err")).to_contain_text("1 thing to correct")
    page.get_by_label("Reason").fill("The import sent them twice")
    page.get_by_role("button", name="Waive").click()
    expect(page.locator(".flash")).to_be_visible()
    expect(page.get_by_role("region", name="Deadlines owed now").get_by_role("checkbox")).to_have_count(before - 2)
    expect(page.get_by_text("The import sent them twice").first).to_be_visible()

    go(page, "/queue")
    for box in page.get_by_role("checkbox").all()[:2]:
        box.check()
    page.get_by_role("button", name="Assign to one partner…").click()
    page.get_by_label("Partner").select_option(index=1)
    page.get_by_label("Reason").fill("They have time this week")
    page.get_by_role("button", name="See what it does").click()
    expect(page.get_by_role("heading", name="Offer 2 leads to")).to_be_visible()
    page.get_by_role("button", name="Assign 2 leads").click()
    expect(page.get_by_role("heading", name="2 leads done")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Back to the list").first.click()
    page.get_by_role("link", name="Assign by hand").first.click()
    page.locator("input[name=partner_id]:enabled").first.check()
    page.get_by_label("Reason").fill("They asked for this one")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".flash")).to_contain_text("Offered to")
    sign_out(page)


@pytest.mark.parametrize("way", EVERY_WAY, ids=str)
def test_a_day_of_an_admin(visits: Visits, way: Way) -> None:
    page = visits.page(None, *way)
    sign_in(page, "admin")
    go(page, "/rules")
    page.get_by_role("link", name="Import rules").click()
    page.get_by_role("link", name="JSON").click()
    text = page.get_by_label("Document")
    rules = json.loads(text.input_value())
    rules[0]["when"]["all"][0]["field"] = "employes"
    text.fill(json.dumps(rules))
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".err")).to_contain_text("employes")
    rules[0]["when"]["all"][0].update(field="employees", value=900)
    text.fill(json.dumps(rules))
    page.get_by_label("What changes, and why").fill("Key accounts from 900 people on")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="Checked: this can be published")).to_be_visible()
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".flash")).to_contain_text("Nothing changes before you publish it.")
    expect(page.locator(".rule.is-changed")).to_contain_text("900")
    page.get_by_role("button", name="Publish version").click()
    expect(page.locator(".flash")).to_contain_text("is live: new leads go by it.")

    go(page, "/policies")
    expect(page.get_by_role("heading", name="Policies")).to_be_visible()
    go(page, "/partners")
    page.get_by_role("link", name="Edit Limmatwerk").click()
    page.get_by_label("Open leads at most").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".err")).to_be_visible()
    page.get_by_label("Open leads at most").fill("11")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".flash")).to_contain_text("Saved.")
    assert visits.house.one("SELECT open_lead_cap FROM partner WHERE name = 'Limmatwerk'") == 11

    go(page, "/people")
    page.get_by_role("main").get_by_role("link", name="Keys").click()
    page.get_by_label("What is the key for?").fill("Their own CRM")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("Copy it now: it is shown this once.")).to_be_visible()
    sign_out(page)


@pytest.mark.parametrize("way", EVERY_WAY, ids=str)
def test_a_day_of_a_marketer(visits: Visits, way: Way, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(FILE, encoding="utf-8")
    page = visits.page(None, *way)
    sign_in(page, "marketer")
    go(page, "/leads")
    page.get_by_role("link", name="Import a file").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("region", name="Rows that cannot be used")).to_contain_text("3")
    assert visits.house.one("SELECT count(*) FROM lead WHERE external_id LIKE 'BT-%'") == 0
    page.get_by_role("button", name="Import 1 lead").click()
    expect(page.get_by_text("imported").first).to_be_visible()
    go(page, "/leads")
    page.get_by_role("searchbox").fill("Browser Test")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("region", name="Leads").get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Browser Test One").click()
    expect(page.get_by_role("heading", name="Browser Test One", level=1)).to_be_visible()
    sign_out(page)

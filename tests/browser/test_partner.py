"""A partner's day, on a phone and at a desk, with the script and without it."""

import pytest
from playwright.sync_api import expect

from tests.browser.house import PHONE, Visits, chip, go, sign_in, sign_out
from tests.browser.ways import EVERY_WAY, Way

pytestmark = pytest.mark.browser

OFFER = ".wl:has([data-key='a'])"


@pytest.mark.parametrize("way", EVERY_WAY, ids=str)
def test_a_day_of_a_partner(visits: Visits, way: Way) -> None:
    page = visits.page(None, *way)
    sign_in(page, "rep")
    expect(page.get_by_role("heading", name="My work", level=1)).to_be_visible()
    expect(page.locator(".strip .sentence")).to_contain_text("overdue")

    offer = page.locator(OFFER).first
    number = offer.get_attribute("data-row")
    offer.get_by_role("button", name="Accept").click()
    expect(page.locator(".flash")).to_contain_text("Accepted.")
    row = page.locator(f".wl[data-row='{number}']")
    expect(row).not_to_contain_text("name shown once accepted")

    row.get_by_role("link", name="Log a touch").click()
    form = row.locator(".lead-form")
    form.get_by_label("Call", exact=True).check(force=True)
    form.get_by_label("Reached", exact=True).check(force=True)
    form.get_by_label("Note (optional)").fill("Wants a price for forty seats")
    form.get_by_role("button", name="Save touch").click()
    expect(page.locator(".flash")).to_contain_text("Counts as first contact")

    late = page.locator(".wl:has([data-key='f'])").first
    name = late.locator(".name").inner_text()
    late.get_by_role("link", name="Give feedback").click()
    page.get_by_label("4", exact=True).check(force=True)
    page.get_by_label("Lost", exact=True).check(force=True)
    page.get_by_label("Reason (optional)").fill("No project this year")
    page.locator(".lead-form").get_by_role("button", name="Give feedback").click()
    expect(page.locator(".flash")).to_contain_text("Feedback given: lost. The lead is closed.")
    expect(page.locator(".wl", has_text=name)).to_have_count(0)

    go(page, "/pool")
    page.get_by_role("button", name="Claim").first.click()
    expect(page.locator(".flash")).to_contain_text("Claimed: this lead is yours.")
    expect(page.get_by_role("heading", name="Why you got this lead")).to_be_visible()

    go(page, "/standing")
    expect(page.locator("[aria-current=step]")).to_contain_text("You are here")
    sign_out(page)
    assert chip(page) == "You are signed out."
    page.goto("/work")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("way", EVERY_WAY[1:3], ids=str)
def test_a_slip_is_taken_back(visits: Visits, way: Way) -> None:
    page = visits.page("rep", *way)
    page.goto("/work")
    row = page.locator(".wl:has([data-key='l'])").first
    number, asked = row.get_attribute("data-row"), row.locator(".wl-ask > p").first.inner_text()
    row.get_by_role("link", name="Log a touch").click()
    page.get_by_role("button", name="Called, no answer").click()
    expect(page.locator(".flash")).to_contain_text("Counts as")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".flash")).to_contain_text("Taken back.")
    expect(page.locator(f".wl[data-row='{number}'] .wl-ask > p").first).to_have_text(asked)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert visits.house.one("SELECT counted FROM activity ORDER BY id DESC LIMIT 1") == 0


def test_feedback_is_offered_once_somebody_was_reached(visits: Visits) -> None:
    page = visits.page("rep", PHONE, "light", False)
    page.goto("/work")
    row = page.locator(".wl:has([data-key='l']):has-text('First contact')").first
    row.get_by_role("link", name="Log a touch").click()
    rating = page.get_by_role("group", name="How good is this lead?")
    page.get_by_label("Call", exact=True).check(force=True)
    page.get_by_label("No answer", exact=True).check(force=True)
    expect(rating).to_be_hidden()
    page.get_by_label("Reached", exact=True).check(force=True)
    expect(rating).to_be_visible()
    rating.get_by_label("4", exact=True).check(force=True)
    page.get_by_label("Working", exact=True).check(force=True)
    page.get_by_role("button", name="Save touch").click()
    expect(page.locator(".flash")).to_contain_text("Feedback given.")


def test_on_a_phone_calling_is_offered_once_and_the_main_form_comes_first(visits: Visits) -> None:
    page = visits.page("rep", PHONE)
    page.goto("/work")
    page.locator(".wl:has([data-key='l']) .name a").first.click()
    page.wait_for_url("**/leads/*")
    expect(page.get_by_role("link", name="Call").locator("visible=true")).to_have_count(1)
    expect(page.get_by_role("link", name="E-mail").locator("visible=true")).to_have_count(1)
    form, owed = page.locator("#form").bounding_box(), page.locator(".clocks").bounding_box()
    assert form and owed and form["y"] < owed["y"]


def test_a_stopped_partner_reads_why_and_does_the_last_step_back(visits: Visits) -> None:
    page = visits.page("stopped")
    page.goto("/work")
    expect(page.locator(".strip")).to_contain_text("Stopped")
    go(page, "/standing")
    expect(page.locator("[aria-current=step]")).to_contain_text("Stopped")
    expect(page.get_by_role("region", name="What pulled us down")).to_contain_text("Answer the offer")
    page.get_by_role("button", name="We are ready").click()
    expect(page.locator(".flash")).to_be_visible()
    expect(page.get_by_role("button", name="We are ready")).to_have_count(0)

"""My work with the script: done in place, by keys too, and nothing typed is lost without a network."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.house import DESK, PHONE, Visits

pytestmark = pytest.mark.browser

FIRST, OFFER = ".wl:has([data-key='l'])", ".wl:has([data-key='a'])"


class Hand:
    """A hand at the keyboard or the mouse, which counts what it does."""

    def __init__(self, page: Page) -> None:
        self.page, self.done = page, 0

    def press(self, key: str) -> None:
        self.done += 1
        self.page.keyboard.press(key)

    def click(self, target: Locator) -> None:
        self.done += 1
        target.click()


def at_work(visits: Visits, width: int = DESK, script: bool = True) -> Page:
    """The rep's list, marked so that a new page would show."""
    page = visits.page("rep", width, script=script)
    page.goto("/work")
    if script:
        page.evaluate("window.samePage = true")
    return page


def never_left(page: Page) -> bool:
    return bool(page.evaluate("window.samePage === true"))


@pytest.mark.parametrize(("width", "script"), [(DESK, True), (PHONE, True), (PHONE, False)])
def test_a_touch_takes_at_most_three_clicks(visits: Visits, width: int, script: bool) -> None:
    page = at_work(visits, width, script)
    hand, name = Hand(page), page.locator(FIRST).first.locator(".name").inner_text()
    hand.click(page.locator(FIRST).first.get_by_role("link", name="Log a touch"))
    hand.click(page.get_by_role("button", name="Called, no answer"))
    expect(page.locator(".flash")).to_contain_text("Counts as")
    expect(page.locator(".wl", has_text=name)).to_contain_text("no answer")
    assert hand.done <= 3


def test_a_touch_takes_at_most_three_keys(visits: Visits) -> None:
    page = at_work(visits)
    hand, row = Hand(page), page.locator(".wl").first
    name = row.locator(".name").inner_text()
    hand.press("l")
    expect(row.get_by_role("button", name="Left a message")).to_be_visible()
    hand.press("3")
    expect(page.locator(".flash")).to_contain_text("Counts as")
    expect(page.locator(".wl", has_text=name)).to_contain_text("left a message")
    assert hand.done <= 3
    assert never_left(page)


def test_a_slip_is_taken_back_by_a_key_and_its_row_has_the_focus(visits: Visits) -> None:
    page = at_work(visits)
    number = page.locator(".wl").first.get_attribute("data-row")
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Wrote an e-mail")).to_be_visible()
    page.keyboard.press("4")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator(".flash")).to_contain_text("Taken back.")
    expect(page.locator(".wl:focus")).to_have_attribute("data-row", number or "")
    assert never_left(page)


def test_nothing_is_chosen_beforehand(visits: Visits) -> None:
    page = at_work(visits)
    for key in "lf":
        page.keyboard.press(key)
        expect(page.locator(f".lead-form[action$='{'log' if key == 'l' else 'feedback'}']")).to_be_visible()
        assert page.locator(".lead-form input:checked").count() == 0
        page.keyboard.press("Escape")
        expect(page.locator(".lead-form")).to_have_count(0)


def test_a_whole_touch_by_keyboard(visits: Visits) -> None:
    page = at_work(visits)
    rows = page.locator(".wl")
    following = rows.nth(1).get_attribute("data-row")
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Called, reached")).to_be_focused()
    page.get_by_label("Meeting").focus()
    page.keyboard.press("Space")
    page.get_by_role("group", name="How did it go?").get_by_label("Reached").focus()
    page.keyboard.press("Space")
    page.get_by_label("Note (optional)").focus()
    page.keyboard.type("jkl?")
    page.keyboard.press("Enter")
    expect(page.locator(".flash")).to_contain_text("Counts as")
    expect(page.locator(".wl:focus")).to_have_attribute("data-row", following or "")
    expect(page.locator("p[role=status]").last).to_contain_text("Counts as")
    assert visits.house.one("SELECT note FROM activity ORDER BY id DESC LIMIT 1") == "jkl?"
    assert never_left(page)


def test_keys_move_the_selection_and_stop_at_the_ends(visits: Visits) -> None:
    page = at_work(visits)
    rows = page.locator(".wl")
    last = rows.count() - 1
    page.keyboard.press("k")
    for expected in [0, *range(1, last + 1), last]:
        expect(rows.nth(expected)).to_be_focused()
        expect(page.locator(".wl.is-selected")).to_have_count(1)
        page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(last - 1)).to_have_class(re.compile("is-selected"))


def test_an_offer_is_accepted_by_a_key_and_the_next_row_has_the_focus(visits: Visits) -> None:
    page = at_work(visits)
    offer = page.locator(OFFER).first
    offers = page.locator(OFFER).count()
    number = offer.get_attribute("data-row")
    while page.locator(".wl:focus").count() == 0 or page.locator(".wl:focus").get_attribute("data-row") != number:
        page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(".flash")).to_contain_text("Accepted. First contact by")
    expect(page.locator(OFFER)).to_have_count(offers - 1)
    expect(page.locator(".wl:focus")).to_have_count(1)
    assert page.locator(".wl:focus").get_attribute("data-row") != number
    assert visits.house.one("SELECT state FROM assignment WHERE id = ?", number) == "accepted"
    assert never_left(page)


def test_declining_asks_why_first_and_escape_takes_it_back(visits: Visits) -> None:
    page = at_work(visits)
    offer = page.locator(OFFER).first
    number = offer.get_attribute("data-row")
    offer.get_by_role("link", name="Decline").click()
    expect(page.get_by_role("group", name="Why not?")).to_be_visible()
    assert page.url.endswith(f"/work?open={number}&form=decline")
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Why not?")).to_have_count(0)
    expect(page.locator(f"[data-row='{number}'] [data-key='a']")).to_be_focused()
    assert page.url.endswith("/work")
    page.keyboard.press("l")
    assert page.locator(".lead-form").count() == 0, "an offer cannot be logged"
    assert visits.house.one("SELECT state FROM assignment WHERE id = ?", number) == "offered"


def test_what_is_wrong_is_told_in_place_and_what_was_typed_stays(visits: Visits) -> None:
    page = at_work(visits)
    page.keyboard.press("l")
    page.get_by_label("Note (optional)").fill("Rang twice")
    page.keyboard.press("Enter")
    expect(page.locator(".err")).to_be_focused()
    expect(page.locator(".err")).to_contain_text("2 things to correct")
    expect(page.get_by_label("Note (optional)")).to_have_value("Rang twice")
    page.locator(".err").get_by_role("link", name="Say what you did.").click()
    expect(page.get_by_label("Call", exact=True)).to_be_focused()
    assert "/work?open=" in page.url
    assert never_left(page)


def test_help_opens_and_single_keys_can_be_switched_off_for_good(visits: Visits) -> None:
    page = at_work(visits)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("j")
    assert page.locator(".is-selected").count() == 0, "the rows rest while the help is open"
    keys.get_by_label("Use single keys").uncheck()
    keys.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("l")
    assert page.locator(".is-selected, .lead-form").count() == 0
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use single keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".wl").first).to_be_focused()


def test_without_a_network_nothing_typed_is_lost(visits: Visits) -> None:
    page = at_work(visits)
    page.keyboard.press("l")
    page.get_by_label("E-mail", exact=True).check(force=True)
    page.get_by_label("Replied", exact=True).check(force=True)
    page.get_by_label("Note (optional)").fill("Wants a quote")
    page.context.set_offline(True)
    page.get_by_role("button", name="Save touch").click()
    expect(page.locator(".not-sent")).to_contain_text("Not saved: the server did not answer.")
    expect(page.get_by_label("Note (optional)")).to_have_value("Wants a quote")
    page.context.set_offline(False)
    page.get_by_role("button", name="Save touch").click()
    expect(page.locator(".flash")).to_contain_text("Counts as")
    assert not never_left(page), "the second try goes the browser's own way"
    assert visits.house.one("SELECT note FROM activity ORDER BY id DESC LIMIT 1") == "Wants a quote"
    visits.complaints[:] = [text for text in visits.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def test_a_session_that_ended_elsewhere_leads_to_the_door(visits: Visits) -> None:
    page = at_work(visits)
    page.context.clear_cookies()
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_claim_opens_the_lead_and_going_back_asks_anew(visits: Visits) -> None:
    page = visits.page("rep")
    page.goto("/pool")
    before = page.locator(".wl").count()
    page.get_by_role("button", name="Claim").first.click()
    page.wait_for_url("**/leads/*")
    expect(page.locator(".flash")).to_contain_text("Claimed: this lead is yours.")
    expect(page.get_by_role("heading", name="Why you got this lead")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Open pool")).to_be_visible()
    expect(page.locator(".wl")).to_have_count(before - 1)

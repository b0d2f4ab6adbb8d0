"""Every page that a role can reach by links: nothing for axe to find in either theme, nothing wider than a phone."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page, expect

from tests.browser.house import DESK, PEOPLE, PHONE, Visits

pytestmark = pytest.mark.browser

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
#: The words of a query that make another page of the same path; any other only chooses rows.
TELLING = ("form", "list", "open")
#: Both widths and both themes; what a width adds in a theme is looked at where every piece is.
ONCE, FULLY = ((DESK, "light"), (PHONE, "dark")), ((DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark"))


def shape(url: str) -> str:
    """What makes a page of its own: the path without ids, and the telling words of its query."""
    parts = urlsplit(url)
    told = [f"{key}={ID.sub('*', value)}" for key, value in parse_qsl(parts.query) if key in TELLING]
    return "?".join(filter(None, [ID.sub("*", parts.path), "&".join(sorted(told))]))


def pages(page: Page, start: str) -> Iterator[str]:
    """Opens each kind of page that can be reached by links from the first, once, and gives its shape."""
    waiting, seen, opened = [start], {shape(start)}, set()
    while waiting:
        try:
            answer = page.goto(waiting.pop(0))
        except Error as error:
            # A link to a file: there is no page to look at.
            if "Download is starting" not in str(error):
                raise
            continue
        assert answer is not None
        assert answer.status == 200, f"{answer.url} answers {answer.status}"
        if "text/html" not in answer.headers["content-type"] or shape(page.url) in opened:
            continue
        opened.add(shape(page.url))
        links: list[str] = page.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.href)")
        yield shape(page.url)
        for link in (link.partition("#")[0] for link in links):
            if urlsplit(link).netloc == urlsplit(page.url).netloc and shape(link) not in seen:
                seen.add(shape(link))
                waiting.append(link)


def found(page: Page) -> list[str]:
    """What axe finds: rule and element."""
    report = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in report for node in each["nodes"]]


def faults(page: Page, ways: Sequence[tuple[int, Any]]) -> Iterator[str]:
    """What is wrong with the page before us; the last of ``ways`` (width, theme) is a phone."""
    for width, theme in ways:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        yield from (f"{width} {theme}: {each}" for each in found(page))
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > PHONE:
        yield f"{wide} pixels wide on a phone of {PHONE}"


@pytest.mark.parametrize("role", tuple(reversed(PEOPLE)))
def test_every_page_is_sound(visits: Visits, role: str) -> None:
    page = visits.page(role)
    visits.expected = ()
    walked: list[str] = []
    wrong: list[str] = []
    for name in pages(page, "/"):
        walked.append(name)
        wrong.extend(f"{name} at {fault}" for fault in faults(page, ONCE))
    assert len(walked) >= 8
    assert wrong == []


def test_the_pages_of_nobody_are_sound(visits: Visits) -> None:
    page = visits.page()
    assert [fault for _ in pages(page, "/sign-in") for fault in faults(page, FULLY)] == []
    answer = page.goto("/no-such-page")
    assert answer is not None
    assert answer.status == 404
    assert list(faults(page, FULLY)) == []
    assert visits.complaints.pop().endswith("status of 404 (NOT FOUND)")


def test_what_opens_over_a_page_is_sound(visits: Visits) -> None:
    page = visits.page("rep")
    page.goto("/work")
    assert list(faults(page, FULLY)) == []
    page.set_viewport_size({"width": DESK, "height": 900})
    page.keyboard.press("?")
    assert list(faults(page, FULLY)) == []
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.locator("details.more > summary").click()
    expect(page.get_by_role("button", name="Sign out").locator("visible=true")).to_have_count(1)
    assert found(page) == []
    page.locator(".wl").first.get_by_role("link").last.click()
    page.get_by_role("button", name="Give feedback").last.click()
    expect(page.locator(".err")).to_be_visible()
    assert list(faults(page, FULLY)) == []

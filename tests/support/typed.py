"""What a browser would send of a page's form: read from its markup, so that tests type into what is there."""

from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """The fields of the form that has an attribute, and every id of the page."""

    def __init__(self, text: str, form_with: str = "data-redraw") -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self.ids: set[str] = set()
        self.links: list[str] = []
        self._form_with, self._inside = form_with, False
        self._select: str | None = None
        self._area: str | None = None
        self.feed(text)
        self.fields.pop("csrf_token", None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found["id"]} if "id" in found else set()
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag == "form":
            self._inside = self._form_with in found
        if self._inside:
            self._field(tag, found)

    def _field(self, tag: str, found: dict[str, str]) -> None:
        name = found.get("name", "")
        if tag == "input" and found.get("type") in ("checkbox", "radio"):
            if "checked" in found:
                self.fields.setdefault(name, []).append(found["value"])
        elif tag == "input":
            self.fields[name] = found.get("value", "")
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "select":
            self._select, self.fields[name] = name, None
        elif tag == "option" and self._select and ("selected" in found or self.fields[self._select] is None):
            self.fields[self._select] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self.fields[self._area], self._area = self.fields[self._area].removeprefix("\r\n"), None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._inside = False

"""Long lists in pages: by cursor where rows are ordered by id, by number where the order is computed."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from flask import request, url_for

T = TypeVar("T")
SIZE = 50
ID = re.compile(r"[0-9a-f-]{36}")


def page_number() -> int:
    """The page that the address asks for, from 1."""
    text = request.args.get("page", "1")
    return min(max(int(text), 1), 10_000) if text.isdecimal() and len(text) < 6 else 1


def cut(rows: Sequence[T]) -> tuple[Sequence[T], bool]:
    """The rows of a page, read with one more than fits, and whether others follow."""
    return rows[:SIZE], len(rows) > SIZE


def here(**changed: Any) -> str:
    """The address of this page with other filters; what is empty is left out."""
    args: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict(), **changed}
    return url_for(str(request.endpoint), **{name: value for name, value in args.items() if value not in (None, "")})


def numbered(more: bool) -> dict[str, str | None]:
    """The addresses before and after a numbered page."""
    number = page_number()
    return {
        "prev_url": here(page=number - 1 if number > 2 else None) if number > 1 else None,
        "next_url": here(page=number + 1) if more else None,
    }


def like(text: str) -> str:
    """A pattern for ILIKE with ``escape="\\\\"`` that finds the text anywhere, its own wildcards taken literally."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def words(name: str = "q") -> str:
    """A search text of the address, stripped."""
    return request.args.get(name, "").replace("\x00", "").strip()[:200]


def ticked(name: str, most: int) -> list[str]:
    """The ids that were ticked in a list; what cannot be an id is passed over."""
    return [text for text in request.form.getlist(name)[:most] if ID.fullmatch(text)]

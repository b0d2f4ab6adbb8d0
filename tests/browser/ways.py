"""On what a person reads the screens: both widths, both themes, script on and off, each pair of them met once."""

from typing import NamedTuple

from tests.browser.house import DESK, PHONE


class Way(NamedTuple):
    """A width, a theme, and whether script runs; the arguments of ``Visits.page`` after the role."""

    width: int
    theme: str
    script: bool

    def __str__(self) -> str:
        return f"{self.width}-{self.theme}-{'script' if self.script else 'plain'}"


EVERY_WAY = (
    Way(PHONE, "light", True),
    Way(PHONE, "dark", False),
    Way(DESK, "dark", True),
    Way(DESK, "light", False),
)

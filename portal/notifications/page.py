"""A message as HTML: the product's look in what mail programs understand, every style written into its element."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader

from portal.notifications.layout import House, Message, Mute, Reader, Said, address, foot, subject_of, text_of

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "email"


def write(said: Sequence[Said], reader: Reader, house: House, mute: Mute | None = None) -> Message:
    """One message of one or several notices, the most urgent first. Everything that came from outside is escaped."""
    subject = subject_of(said)
    page = _environment().get_template("notice.html").render(
        subject=subject, said=said, single=len(said) == 1, reader=reader, vendor=house.vendor,
        foot=foot(said, reader, house), mute=mute, address=lambda path: address(path, house),
    )  # fmt: skip
    return Message(subject=subject, text=text_of(said, reader, house, mute), html=_inliner().inline(page))


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)


@cache
def _inliner() -> CSSInliner:
    """Never fetches anything. What is only for dark screens and phones stays a rule of the page's head."""
    return CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)

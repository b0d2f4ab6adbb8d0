"""How notices become one message: subject, greeting, sentences, facts, steps, link, foot, as text. Pure.

``portal.notifications.page`` says the same as HTML.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.notifications.links import LIFETIME

#: Longer ones are cut by the reader's own list; what must be read stands before this.
LONGEST_SUBJECT = 69


@dataclass(frozen=True)
class House:
    """What all messages of an installation share; ``exact(at, zone, now)`` puts an instant in words."""

    base_url: str
    vendor: str
    exact: Callable[[datetime, str, datetime], str]


@dataclass(frozen=True)
class Reader:
    """Who reads: a name for the greeting, an IANA zone for the times; ``now`` is when the message is written."""

    name: str
    timezone: str
    now: datetime | None = None


@dataclass(frozen=True)
class Item:
    """One line of a list: what is asked, of which lead, when ("by", "Tue 3 Mar 17:00 CET"), and where to do it."""

    ask: str
    lead: str
    word: str
    at: str
    path: str
    late: bool = False
    acts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Said:
    """One notice in words. ``path`` leads to where the reader acts, beneath the installation's address.

    ``details``: labels with values. ``tag`` counts this notice where a message has several: "late" gives "3 late".
    ``heading``: the subject where there is no other. ``late``: the last detail is an overdue time, shown in red.
    ``acts``: (label, path) of links that act without signing in, the main one first.
    """

    subject: str
    lines: tuple[str, ...]
    steps: tuple[str, ...] = ()
    link: str = "Open in Fairlead"
    path: str | None = None
    heading: str = ""
    details: tuple[tuple[str, str], ...] = ()
    items: tuple[Item, ...] = ()
    tag: str = "notices"
    late: bool = False
    acts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Mute:
    """Where the reader turns off what such a message is of."""

    label: str
    path: str


@dataclass(frozen=True)
class Message:
    """A mail's subject and its body, as text and as HTML that says the same."""

    subject: str
    text: str
    html: str


def clip(text: str, longest: int) -> str:
    """``text`` on one line, cut at ``longest`` characters, with an ellipsis where it was."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip(" ,(") + "…"


def subject_of(said: Sequence[Said]) -> str:
    """The subject of one notice, or of several: how many of each, then what the first asks."""
    first = said[0]
    if len(said) == 1:
        return clip(first.subject, LONGEST_SUBJECT)
    counted = ", ".join(f"{count} {tag}" for tag, count in Counter(each.tag for each in said).items())
    rest = first.subject.removeprefix("Late: ").removeprefix("Lead moved on: ")
    return clip(f"{counted}: {rest[:1].lower()}{rest[1:]}", LONGEST_SUBJECT)


def foot(said: Sequence[Said], reader: Reader, house: House) -> tuple[str, ...]:
    """Who writes, in which zone the times are, and how long links work that ask for no signing in."""
    where = reader.timezone.replace("_", " ")
    lines = (f"Fairlead, the partner portal of {house.vendor}", f"Times are those of {where}.")
    if not any(each.acts or any(item.acts for item in each.items) for each in said):
        return lines
    once = f"Links that act ask for no signing in. Each works once, for {LIFETIME.days} days, and is for you alone."
    return *lines, once


def text_of(said: Sequence[Said], reader: Reader, house: House, mute: Mute | None = None) -> str:
    """The message as plain text, for those who read no HTML."""
    end = [*foot(said, reader, house), *([f"{mute.label}: {address(mute.path, house)}"] if mute else [])]
    parts = [f"Hello {reader.name},", *(_text(each, house) for each in said), "-- \n" + "\n".join(end)]
    return "\n\n".join(parts) + "\n"


def _text(said: Said, house: House) -> str:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(said.steps, start=1))
    details = "\n".join(f"{label}: {value}" for label, value in said.details)
    heading = said.heading or said.subject
    link = address(said.path, house)
    return "\n\n".join(
        (
            heading if heading.endswith(".") else f"{heading}.",
            *said.lines,
            *((details,) if details else ()),
            *(_text_of_item(each, house) for each in said.items),
            *((steps,) if steps else ()),
            *(("\n".join(_text_of_acts(said.acts, house)),) if said.acts else ()),
            *((f"{said.link}: {link}",) if link else ()),
        )
    )


def _text_of_item(item: Item, house: House) -> str:
    lines = (f"{item.ask} ({item.lead}), {item.word} {item.at}", address(item.path, house) or "")
    return "\n".join((*lines, *_text_of_acts(item.acts, house)))


def _text_of_acts(acts: Sequence[tuple[str, str]], house: House) -> list[str]:
    return [f"{label}: {address(path, house)}" for label, path in acts]


def address(path: str | None, house: House) -> str | None:
    """Where ``path`` is beneath the installation's address."""
    return house.base_url.rstrip("/") + path if path else None

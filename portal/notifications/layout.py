"""How notices become one message: greeting, sentences, steps, link, foot; as text and as plain HTML. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

LONGEST_SUBJECT = 200


@dataclass(frozen=True)
class House:
    """What all messages of an installation share; ``exact(at, zone, now)`` puts an instant in words."""

    base_url: str
    vendor: str
    exact: Callable[[datetime, str, datetime], str]


@dataclass(frozen=True)
class Reader:
    """Who reads: a name for the greeting, an IANA zone for the times."""

    name: str
    timezone: str


@dataclass(frozen=True)
class Said:
    """One notice in words. ``path`` leads to where the reader acts, beneath the installation's address."""

    subject: str
    lines: tuple[str, ...]
    steps: tuple[str, ...] = ()
    link: str = "Open in Fairlead"
    path: str | None = None


@dataclass(frozen=True)
class Message:
    """A mail's subject and its body, as text and as HTML that says the same."""

    subject: str
    text: str
    html: str


def write(said: Sequence[Said], reader: Reader, house: House) -> Message:
    """One message of one or several notices; of several the subject counts them."""
    subject = said[0].subject if len(said) == 1 else f"{len(said)} notices: {said[0].subject}"
    foot = f"Fairlead, the partner portal of {house.vendor}"
    text = [f"Hello {reader.name},", *(_text(each, house) for each in said), f"-- \n{foot}"]
    html = [
        _p(f"Hello {reader.name},"),
        *(_html(each, house) for each in said),
        f"<p><small>{escape(foot)}</small></p>",
    ]
    return Message(
        subject=" ".join(subject.split())[:LONGEST_SUBJECT],
        text="\n\n".join(text) + "\n",
        html="<!doctype html>\n<html><body>\n" + "\n".join(html) + "\n</body></html>\n",
    )


def _text(said: Said, house: House) -> str:
    steps = tuple(f"{number}. {step}" for number, step in enumerate(said.steps, start=1))
    address = _address(said, house)
    return "\n\n".join(
        (
            *said.lines,
            *(("\n".join(steps),) if steps else ()),
            *((f"{said.link}: {address}",) if address else ()),
        )
    )


def _html(said: Said, house: House) -> str:
    parts = [_p(line) for line in said.lines]
    if said.steps:
        parts.append("<ol>" + "".join(f"<li>{escape(step)}</li>" for step in said.steps) + "</ol>")
    if address := _address(said, house):
        parts.append(f'<p><a href="{escape(address)}">{escape(said.link)}</a></p>')
    return "\n".join(parts)


def _p(line: str) -> str:
    return f"<p>{escape(line)}</p>"


def _address(said: Said, house: House) -> str | None:
    return house.base_url.rstrip("/") + said.path if said.path else None

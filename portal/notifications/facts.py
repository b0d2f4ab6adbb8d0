"""What a notice's facts come to in words. Pure; any fact may be absent."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from portal.notifications.layout import Item, clip
from portal.vocabulary import Standing, Word

Facts = Mapping[str, Any]

ASKS = {
    "respond": "Answer the offer",
    "first_contact": "Make first contact",
    "next_touch": "Log the next touch",
    "feedback": "Give feedback",
    "update": "Update the deal",
}
MISSED = {
    "respond": "no answer",
    "first_contact": "no first contact",
    "next_touch": "no next touch",
    "feedback": "no feedback",
    "update": "no update",
}
WAYS_BACK = {
    "overdue": ("Do what is overdue. Leads resume as soon as nothing is.",),
    "rate": (
        "Do what is overdue, if anything is.",
        "When the days of the stop have passed since the last miss, open Our standing and say We are ready.",
    ),
}
WAYS_BACK["row"] = WAYS_BACK["rate"]
#: An obligation in a sentence that was written with its cause: its id in braces, put into words by who posts.
OBLIGATION = re.compile(r"\{([0-9a-f-]{32,36})\}")
#: The longest name that still leaves room for who must do what by when.
NAME_IN_SUBJECT = 34
DIGEST_LISTS = 20


def sizes(facts: Facts) -> Iterator[tuple[str, str]]:
    """What anyone may know of a lead, each with its label, as far as it is known."""
    where = ", ".join(str(facts[name]) for name in ("region", "country") if facts.get(name))
    known = (
        ("Grade", facts.get("grade")),
        ("Product", facts.get("product")),
        ("Region", where),
        ("Size", f"{facts['employees']} employees" if facts.get("employees") else None),
    )
    return ((label, str(value)) for label, value in known if value)


def about(facts: Facts) -> tuple[tuple[str, str], ...]:
    """The lead in labelled values: by name where the reader holds it, otherwise as anyone may see it."""
    if facts.get("lead") and held(facts):
        return ("Lead", str(facts["lead"])), *(pair for pair in sizes(facts) if pair[0] == "Product")
    return tuple(sizes(facts))


def kind_of_lead(facts: Facts) -> str:
    """A lead as anyone may see it: "grade A, Router X, Bayern, DE, 50 employees"."""
    parts = [f"grade {value}" if label == "Grade" else value for label, value in sizes(facts)]
    return ", ".join(parts) or "its details are in the portal"


def lead(facts: Facts) -> str:
    """The lead by name where the reader holds it, otherwise as anyone may see it."""
    return str(facts["lead"]) if facts.get("lead") and held(facts) else kind_of_lead(facts)


def of_lead(facts: Facts) -> str:
    """Which lead, short, for a subject: the name in brackets where the reader holds it, else what anyone may know."""
    return f" ({clip(str(facts['lead']), NAME_IN_SUBJECT)})" if facts.get("lead") and held(facts) else of_kind(facts)


def of_kind(facts: Facts) -> str:
    """Grade and product in brackets, for a subject; nothing where neither is known."""
    known = [str(facts[name]) for name in ("grade", "product") if facts.get(name)]
    return f" ({clip(', '.join(known), NAME_IN_SUBJECT)})" if known else ""


def held(facts: Facts) -> bool:
    """Whether the reader may know whose lead it is: its own, accepted and still there."""
    owed = facts.get("kind") in ASKS and facts["kind"] != "respond"
    return (owed or facts.get("holds") is True) and not facts.get("moved")


def ask_of(facts: Facts) -> str:
    """What is to be done: "Make first contact"."""
    return ASKS.get(str(facts.get("kind")), "Something is due")


def missing(facts: Facts) -> str:
    """What did not come in time: "no first contact"."""
    return MISSED.get(str(facts.get("kind")), "not done")


def partner_of(facts: Facts) -> str:
    return str(facts.get("partner") or "A partner")


def sentence(facts: Facts) -> tuple[str, ...]:
    """The free sentence that came with the facts, if any."""
    return (str(facts["sentence"]),) if facts.get("sentence") else ()


def because(facts: Facts) -> tuple[str, ...]:
    """What caused it, and the reason that a person gave."""
    told = (str(facts["because"]),) if facts.get("because") else ()
    return (*told, f"The reason given: {facts['reason']}") if facts.get("reason") else told


def steps(facts: Facts) -> tuple[str, ...]:
    """The steps of the way back as recorded with the cause."""
    return tuple(str(step) for step in facts.get("way_back") or ())


def headline(facts: Facts) -> tuple[str, ...]:
    """The way back in one sentence: "2 overdue. Do these and leads resume at once."; none where none is known."""
    return (str(facts["headline"]),) if facts.get("headline") else ()


def way_back(facts: Facts) -> tuple[str, ...]:
    """The way back as recorded, else the one that the cause fixes; a stop is never told without one."""
    if facts.get("to") == Standing.HELD:
        return steps(facts)
    return steps(facts) or WAYS_BACK.get(str(facts.get("cause")), WAYS_BACK["rate"])


def standing_word(value: object) -> str:
    return label_of(Standing, value).lower() or "changed"


def label_of(words: type[Word], value: object) -> str:
    """A vocabulary's label for a stored word; empty for one that it does not have."""
    return words(str(value)).label if value in set(words) else ""


def lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def path_of(facts: Facts) -> str:
    """Only a path beneath the installation's own address is ever linked."""
    path = str(facts.get("url") or "/")
    return path if path.startswith("/") and not path.startswith("//") else "/"


def item(facts: Facts, at: str, *, late: bool) -> Item:
    """One line of a list of what is to be done."""
    return Item(ask_of(facts), lead(facts), "late since" if late else "by", at, path_of(facts), late, acts(facts))


def acts(facts: Facts) -> tuple[tuple[str, str], ...]:
    """What the reader can do straight from the mail, by label and path; as ``posting`` added it for this reader."""
    return tuple((str(label), str(path)) for label, path in facts.get("acts") or ())

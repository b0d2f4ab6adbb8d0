"""What a notice's facts come to in words. Pure; any fact may be absent."""

from collections.abc import Mapping
from typing import Any

from portal.vocabulary import ObligationKind, QueueReason, Standing

Facts = Mapping[str, Any]

ASKS = {
    "respond": "Answer the offer",
    "first_contact": "Make first contact",
    "next_touch": "Log the next touch",
    "feedback": "Give feedback",
    "update": "Update the deal",
}
WAYS_BACK = {
    "overdue": ("Do what is overdue. Leads resume as soon as nothing is.",),
    "rate": (
        "Do what is overdue, if anything is.",
        "When the days of the stop have passed since the last miss, open Our standing and say We are ready.",
    ),
}
WAYS_BACK["row"] = WAYS_BACK["rate"]


def kind_of_lead(facts: Facts) -> str:
    """A lead as anyone may see it: "grade A, Router X, Bayern, DE, 50 employees"."""
    employees = facts.get("employees")
    parts = (
        f"grade {facts['grade']}" if facts.get("grade") else None,
        *(facts.get(name) for name in ("product", "region", "country")),
        f"{employees} employees" if employees else None,
    )
    return ", ".join(str(part) for part in parts if part) or "its details are in the portal"


def lead(facts: Facts) -> str:
    """The lead by name where the reader holds it, otherwise as anyone may see it."""
    return str(facts["lead"]) if facts.get("lead") and held(facts) else kind_of_lead(facts)


def of_lead(facts: Facts) -> str:
    return f" ({facts['lead']})" if facts.get("lead") and held(facts) else ""


def held(facts: Facts) -> bool:
    return facts.get("kind") in ASKS and facts["kind"] != ObligationKind.RESPOND and not facts.get("moved")


def ask_of(facts: Facts) -> str:
    return ASKS.get(str(facts.get("kind")), "Something is due")


def partner_of(facts: Facts) -> str:
    return str(facts.get("partner") or "A partner")


def sentence(facts: Facts) -> tuple[str, ...]:
    return (str(facts["sentence"]),) if facts.get("sentence") else ()


def because(facts: Facts) -> tuple[str, ...]:
    return (f"The reason given: {facts['reason']}",) if facts.get("reason") else ()


def steps(facts: Facts) -> tuple[str, ...]:
    return tuple(str(step) for step in facts.get("way_back") or ())


def way_back(facts: Facts) -> tuple[str, ...]:
    """The way back as recorded, else the one that the cause fixes; a stop is never told without one."""
    if facts.get("to") == Standing.HELD:
        return steps(facts)
    return steps(facts) or WAYS_BACK.get(str(facts.get("cause")), WAYS_BACK["rate"])


def standing_word(value: object) -> str:
    return label_of(Standing, value).lower() or "changed"


def label_of(words: type[Standing] | type[QueueReason], value: object) -> str:
    return words(str(value)).label if value in set(words) else ""


def lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def path_of(facts: Facts) -> str:
    """Only a path beneath the installation's own address is ever linked."""
    path = str(facts.get("url") or "/")
    return path if path.startswith("/") and not path.startswith("//") else "/"

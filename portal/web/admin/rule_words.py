"""Rules as cards: who is meant, which partners, how they are shared, what comes else; what another list changes."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from markupsafe import Markup, escape

from portal.allocation.describe import parts
from portal.allocation.difference import Change, difference
from portal.vocabulary import StrategyKind
from portal.web.admin.rules_choices import Choices

Rule = Mapping[str, Any]
Card = dict[str, Any]
TERMS = {"leads": "Leads", "partners": "Partners", "shared": "Shared", "else": "Else"}
MARKS = {"renamed": "renamed", "changed": "changed"}


def card(rule: Rule, choices: Choices, changes: Sequence[Change] = ()) -> Card:
    """One rule as a card: its name, the four lines, and what they changed; new words are <ins>, old ones <del>."""
    names = choices.names
    changed = {change.part: change for change in changes if change.kind == "changed"}
    lines = []
    for part, words in parts(rule, names).items():
        told = marked(str(changed[part].before), words) if part in changed else words
        lines.append((TERMS[part], _counted(told, rule, choices) if part == "partners" else told))
    called = next((change.before for change in changes if change.kind == "renamed"), None)
    name = marked(called, rule["name"]) if called else rule["name"]
    return {"name": name, "lines": lines, "mark": _mark(changes)}


def _counted(told: str, rule: Rule, choices: Choices) -> str:
    """How many partners a pool has just now; where the rule names them that is plain to see."""
    pool = rule.get("pool") or {}
    if rule["strategy"]["kind"] == StrategyKind.NAMED:
        return told if pool else "One, by name"
    if list(pool) == ["partners"]:
        return told
    count = sum(member.active and member.inside(pool) for member in choices.members)
    return Markup("{} ({} active)").format(told, count)


def _mark(changes: Sequence[Change]) -> str | None:
    """ "New", "Changed", "Renamed, changed, was 2"; None where nothing differs."""
    kinds = {change.kind for change in changes}
    if "added" in kinds:
        return "New"
    marks = [word for kind, word in MARKS.items() if kind in kinds]
    marks += [f"moved, was {change.before}" for change in changes if change.kind == "moved"]
    told = ", ".join(marks)
    return told[:1].upper() + told[1:] or None


def compared(later: Sequence[Rule], earlier: Sequence[Rule], choices: Choices) -> tuple[list[Card], list[str]]:
    """The cards of a list, each marked against an earlier one; and the names of the rules that it no longer has."""
    by_place: dict[int, list[Change]] = defaultdict(list)
    gone: list[str] = []
    for change in difference(earlier, later, choices.names):
        if change.kind == "removed":
            gone.append(change.rule)
        else:
            by_place[change.place].append(change)
    return [card(rule, choices, by_place[n]) for n, rule in enumerate(later, start=1)], gone


def marked(old: str, new: str) -> str:
    """The new words, what came in as <ins> and what went as <del> after it; plain where nothing changed."""
    if old == new:
        return new
    one, other = (re.findall(r"[^\s;,()]+|[\s;,()]+", text) for text in (old, new))
    shown: list[Markup] = []
    for what, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        came, went = "".join(other[k:m]), "".join(one[i:j])
        shown.append(escape(came) if what == "equal" else _changed(came, went))
    return Markup("").join(shown)


def _changed(came: str, went: str) -> Markup:
    parts = [Markup("<ins>{}</ins>").format(came.strip())] if came.strip() else [escape(came)]
    parts += [Markup("<del>{}</del>").format(went.strip())] if went.strip() else []
    before, after = came[: len(came) - len(came.lstrip())], came[len(came.rstrip()) :] if came.strip() else ""
    inner = Markup(" ").join(part for part in parts if part.strip())
    return Markup("{}{}{}").format(before or (" " if not came else ""), inner, after)


def count(cards: Sequence[Card], dropped: Sequence[str]) -> str:
    """ "3 changes", "no change"."""
    changes = _changes(cards, dropped)
    return f"{changes or 'no'} change{'' if changes in (0, 1) else 's'}"


def _changes(cards: Sequence[Card], dropped: Sequence[str]) -> int:
    return sum(each["mark"] is not None for each in cards) + len(dropped)


def effect(number: int, cards: Sequence[Card], dropped: Sequence[str]) -> str:
    """What publishing does: "Publish version 13: 3 rules change for new leads."."""
    changes = _changes(cards, dropped)
    rules = "no rule changes" if not changes else f"{changes} rule{' changes' if changes == 1 else 's change'}"
    return f"Publish version {number}: {rules} for new leads."

"""What one list of rules says that another does not, rule by rule, in plain words. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.allocation.describe import Names, Rule, parts

SAID = {"leads": "takes other leads", "partners": "asks other partners", "shared": "shares otherwise",
        "else": "goes on otherwise"}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One difference. ``kind``: added, removed, renamed, moved or changed; ``part`` of a changed rule: leads,
    partners, shared or else. ``rule``: its name now, or the one it had; ``place``: from 1, in the list where it is.
    ``before`` and ``after``: the words of either side; None where there is none."""

    kind: str
    rule: str
    place: int
    part: str | None
    before: str | None
    after: str | None
    sentence: str


def difference(old: Sequence[Rule], new: Sequence[Rule], names: Names) -> list[Change]:
    """All differences, in the order of the new list, what is gone last. Nothing: both hand out alike.

    1. A rule is known by its name, else by saying the very same: then it is renamed.
    2. Of rules in another order as few as possible count as moved. ``names``: partners by id.
    """
    pairs = _pairs(old, new, names)
    stayed = _stayed(pairs)
    found = [change for n, rule in enumerate(new) for change in _of_rule(n, rule, old, pairs, stayed, names)]
    gone = [(n, rule) for n, rule in enumerate(old) if n not in pairs.values()]
    return found + [
        Change("removed", rule["name"], n + 1, None, _whole(rule, names), None, f"Rule {rule['name']} is gone.")
        for n, rule in gone
    ]


def _of_rule(
    n: int, rule: Rule, old: Sequence[Rule], pairs: Mapping[int, int], stayed: frozenset[int], names: Names
) -> Iterator[Change]:
    name, was_at = rule["name"], pairs.get(n)
    if was_at is None:
        yield Change("added", name, n + 1, None, None, _whole(rule, names), f"Rule {name} is new.")
        return
    was = old[was_at]
    if was["name"] != name:
        yield Change("renamed", name, n + 1, None, was["name"], name,
                     f"Rule {was['name']} is called {name}: its turns begin anew.")  # fmt: skip
    if n not in stayed:
        yield Change("moved", name, n + 1, None, str(was_at + 1), str(n + 1),
                     f"Rule {name} is number {n + 1}, it was number {was_at + 1}.")  # fmt: skip
    before, after = parts(was, names), parts(rule, names)
    for part in before:
        if before[part] != after[part]:
            sentence = f"Rule {name} {SAID[part]}: {after[part]}. Before: {before[part]}."
            yield Change("changed", name, n + 1, part, before[part], after[part], sentence)


def _whole(rule: Rule, names: Names) -> str:
    return ". ".join(parts(rule, names).values()) + "."


def _pairs(old: Sequence[Rule], new: Sequence[Rule], names: Names) -> dict[int, int]:
    """Place in the new list to place in the old one, from 0."""
    by_name = {rule["name"]: n for n, rule in enumerate(old)}
    pairs = {n: by_name[rule["name"]] for n, rule in enumerate(new) if rule["name"] in by_name}
    left: dict[Any, list[int]] = {}
    for n, rule in enumerate(old):
        if n not in pairs.values():
            left.setdefault(tuple(parts(rule, names).values()), []).append(n)
    for n, rule in enumerate(new):
        alike = left.get(tuple(parts(rule, names).values()), []) if n not in pairs else []
        if alike:
            pairs[n] = alike.pop(0)
    return pairs


def _stayed(pairs: Mapping[int, int]) -> frozenset[int]:
    """Places of the new list that kept their order: a longest rising run of the old places."""
    ends: list[tuple[int, int]] = []
    before: dict[int, int | None] = {}
    for place in sorted(pairs):
        at = bisect_left(ends, (pairs[place], 0))
        before[place] = ends[at - 1][1] if at else None
        ends[at : at + 1] = [(pairs[place], place)]
    kept: list[int] = []
    last = ends[-1][1] if ends else None
    while last is not None:
        kept.append(last)
        last = before[last]
    return frozenset(kept)

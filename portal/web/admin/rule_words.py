"""Rules as people read them: who is meant, which partners, how they are shared, what comes else."""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.qualification.conditions import parse_condition
from portal.vocabulary import StrategyKind

Names = Mapping[str, str]
Lines = list[tuple[str, str]]


def card(rule: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """One rule as a card: its name and the four lines."""
    return {
        "name": rule["name"],
        "lines": [
            ("Leads", _leads(rule)),
            ("Partners", _partners(rule.get("pool") or {}, names)),
            ("Shared", _shared(rule["strategy"], names)),
            ("Else", _else(rule.get("then", "queue"), names)),
        ],
    }


def _leads(rule: Mapping[str, Any]) -> str:
    sentence = parse_condition(rule.get("when")).sentence()
    return sentence[:1].upper() + sentence[1:]


def _partners(pool: Mapping[str, Any], names: Names) -> str:
    parts = [f"Tier {_or(pool['tiers'])}"] if pool.get("tiers") else []
    parts += [f"tag {_or(pool['tags'])}"] if pool.get("tags") else []
    parts += (
        [_or([names.get(id_, "a partner that is gone") for id_ in pool["partners"]])] if pool.get("partners") else []
    )
    parts += ["covers the territory"] if pool.get("covers_territory") else []
    parts += ["certified for the product"] if pool.get("certified") else []
    told = "; ".join(parts)
    return told[:1].upper() + told[1:] if told else "Any active partner"


def _or(values: Sequence[str]) -> str:
    listed = [str(value) for value in values]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


def _shared(strategy: Mapping[str, Any], names: Names) -> str:
    kind = StrategyKind(strategy["kind"])
    if kind is StrategyKind.NAMED:
        return f"All to {names.get(strategy.get('partner', ''), 'a partner that is gone')}"
    if kind is StrategyKind.OPEN_POOL:
        return f"Open pool, first to claim, {strategy.get('hours', 24)} h"
    return f"{kind.label}, one rotation for each {strategy['by']}" if strategy.get("by") else kind.label


def _else(then: Any, names: Names) -> str:
    if isinstance(then, Mapping):
        return f"To {names.get(then.get('partner', ''), 'a partner that is gone')}"
    return {"next": "Next rule", "pool": "Open pool", "queue": "Queue"}.get(str(then), str(then))


def compared(
    rules: Sequence[Mapping[str, Any]], live: Sequence[Mapping[str, Any]], names: Names
) -> list[dict[str, Any]]:
    """The cards of a draft, each marked where it is new, changed or moved against the live rules."""
    before = {rule["name"]: (place, rule) for place, rule in enumerate(live, start=1)}
    order = [rule["name"] for rule in live if rule["name"] in {r["name"] for r in rules}]
    kept = [rule["name"] for rule in rules if rule["name"] in before]
    return [{**card(rule, names), "mark": _mark(rule, before, order, kept)} for rule in rules]


def _mark(
    rule: Mapping[str, Any], before: Mapping[str, tuple[int, Mapping[str, Any]]], order: list[str], kept: list[str]
) -> str | None:
    if rule["name"] not in before:
        return "New"
    place, was = before[rule["name"]]
    if dict(rule) != dict(was):
        return "Changed"
    return f"Moved, was {place}" if order.index(rule["name"]) != kept.index(rule["name"]) else None


def gone(rules: Sequence[Mapping[str, Any]], live: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of live rules that a draft no longer has."""
    names = {rule["name"] for rule in rules}
    return [rule["name"] for rule in live if rule["name"] not in names]


def effect(number: int, cards: Sequence[Mapping[str, Any]], dropped: Sequence[str]) -> str:
    """What publishing does: "Publish version 13: 3 rules change for new leads."."""
    changes = sum(card["mark"] is not None for card in cards) + len(dropped)
    rules = "no rule changes" if not changes else f"{changes} rule{' changes' if changes == 1 else 's change'}"
    return (
        f"Publish version {number}: {rules} for new leads. "
        "Leads already handed out stay where they are; those that wait are tried again."
    )

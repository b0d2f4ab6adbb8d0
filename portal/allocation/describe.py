"""A rule in plain words, part by part: who is meant, which partners, how they share, what comes else. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.qualification.conditions import READ, parse_condition
from portal.vocabulary import StrategyKind

Rule = Mapping[str, Any]
Names = Mapping[str, str]
PARTS = ("leads", "partners", "shared", "else")
GONE = "a partner that is gone"
THEN = {"next": "Next rule", "pool": "Open pool", "queue": "Queue"}


def parts(rule: Rule, names: Names) -> dict[str, str]:
    """The words of each part of a rule that was checked once. ``names``: partners by id."""
    return {
        "leads": _leads(rule.get("when")), "partners": _partners(rule.get("pool") or {}, names),
        "shared": _shared(rule["strategy"], names), "else": otherwise(rule.get("then", "queue"), names),
    }  # fmt: skip


def _leads(when: Any) -> str:
    sentence = parse_condition(when, terms=READ).sentence()
    return sentence[:1].upper() + sentence[1:]


def _partners(pool: Mapping[str, Any], names: Names) -> str:
    told = [f"tier {_or(sorted(pool['tiers']))}"] if pool.get("tiers") else []
    told += [f"tag {_or(sorted(pool['tags']))}"] if pool.get("tags") else []
    told += [_or(sorted(names.get(id_, GONE) for id_ in pool["partners"]))] if pool.get("partners") else []
    told += ["covers the territory"] if pool.get("covers_territory") else []
    told += ["certified for the product"] if pool.get("certified") else []
    text = "; ".join(told)
    return text[:1].upper() + text[1:] if text else "Any partner"


def _or(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _shared(strategy: Mapping[str, Any], names: Names) -> str:
    kind = StrategyKind(strategy["kind"])
    if kind is StrategyKind.NAMED:
        return f"All to {names.get(strategy.get('partner') or '', GONE)}"
    if kind is StrategyKind.OPEN_POOL:
        most = f", at most {strategy['max_open']} claimed without a touch" if strategy.get("max_open") else ""
        return f"Open pool, first to claim, {strategy.get('hours', 24)} h{most}"
    if kind is StrategyKind.BEST_CONVERSION:
        share = strategy.get("floor_share")
        return f"{kind.label}, {(0.2 if share is None else share) * 100:g} % kept for the others"
    return f"{kind.label}, one rotation for each {strategy['by']}" if strategy.get("by") else kind.label


def otherwise(then: Any, names: Names) -> str:
    """What comes where a rule finds nobody."""
    if isinstance(then, Mapping):
        return f"To {names.get(then.get('partner', ''), GONE)}"
    return THEN.get(str(then), str(then))

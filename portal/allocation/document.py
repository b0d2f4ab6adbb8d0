"""A list of rules as the API takes it: parsed whole, refused whole with a sentence for each mistake. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from portal.allocation.gates import PartnerFacts
from portal.qualification.conditions import Condition, ConditionError, Terms, parse_condition
from portal.vocabulary import StrategyKind

RULE = ("name", "when", "pool", "strategy", "then")
POOL = ("tiers", "tags", "partners", "covers_territory", "certified")
STRATEGY = ("kind", "by", "partner", "floor_share", "hours", "max_open")
BY = ("country", "region", "product")
THEN = ("next", "pool", "queue")
POOL_HOURS = 24
#: Of a hundred leads, how many best conversion hands round the others where a rule does not say.
FLOOR_SHARE = Fraction(1, 5)
Errors = list[tuple[str, str]]


class RuleError(ValueError):
    """Rules that cannot be used; ``errors`` are (dotted path, sentence)."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("; ".join(f"{where}: {sentence}" for where, sentence in errors))
        self.errors = errors


@dataclass(frozen=True)
class Known:
    """What a rule may name: partners by id, products that any of them is certified for, lists by name.

    ``heard_of``: whether a lead ever named such a value (field, value). ``located``: the partners whose place on the
    map is known; None where nobody looked.
    """

    partners: Mapping[str, PartnerFacts]
    products: frozenset[str] = frozenset()
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    heard_of: Callable[[str, str], bool] = lambda field, value: False
    located: frozenset[str] | None = None


@dataclass(frozen=True)
class Pool:
    """Which partners a rule asks. None: not narrowed by that.

    ``covers_territory`` and ``certified`` say that the rule counts on it: the gates ask both for every lead in any
    case, and a partner without territories or products of its own takes all. A draft where nobody in the pool could
    ever pass is refused.
    """

    tiers: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    partners: frozenset[str] | None = None
    covers_territory: bool = False
    certified: bool = False

    def narrow(self, partner: PartnerFacts) -> bool:
        """Whether the partner is in the pool.

        1. Its tier is one of those named. 2. It has one of the tags named. 3. It is one of the partners named.
        """
        return (
            (self.tiers is None or partner.tier in self.tiers)
            and (self.tags is None or bool(self.tags & partner.tags))
            and (self.partners is None or partner.id in self.partners)
        )


@dataclass(frozen=True)
class Strategy:
    """How a rule ranks who is left. ``by``: one rotation for each value.

    ``floor_share``: of best conversion, what goes to the others. ``hours``: how long a pool stays open.
    ``max_open``: how many leads claimed from it a partner may have open at once; None: as many as its caps allow.
    """

    kind: StrategyKind
    by: str | None = None
    partner: str | None = None
    hours: int = POOL_HOURS
    floor_share: Fraction = FLOOR_SHARE
    max_open: int | None = None


@dataclass(frozen=True)
class Then:
    """What comes where a rule finds nobody: next, pool, queue, or a partner by name."""

    kind: str = "next"
    partner: str | None = None


@dataclass(frozen=True)
class Rule:
    """One rule. Its name is its rotation's name too, so that turns survive a new version."""

    name: str
    condition: Condition
    pool: Pool
    strategy: Strategy
    then: Then


@dataclass(frozen=True)
class RuleSet:
    """The rules in order, and what is worth a look though it is no mistake."""

    rules: tuple[Rule, ...]
    warnings: tuple[str, ...] = field(default=(), compare=False)
    #: Whether any rule asks if a lead arrived in the vendor's hours; worked out only then.
    reads_arrival: bool = field(default=False, compare=False)


def parse_rules(data: object, known: Known, *, published: bool = False) -> RuleSet:
    """Rules from the API's list. Raises RuleError with every mistake at once.

    ``published``: a version that was checked when it was published is read without asking again whether its partners
    are still there: a rule keeps working with those that are.
    """
    from portal.allocation.check import reach_errors, warnings

    errors: Errors = []
    if not isinstance(data, list | tuple) or not 1 <= len(data) <= 1000:
        raise RuleError([("rules", "Give a list of 1 to 1,000 rules.")])
    terms = Terms(lists=known.lists, derived=True, lenient=published)
    whom = None if published else known
    rules = tuple(_rule(item, f"rules.{n}", errors, whom, terms) for n, item in enumerate(data))
    _same_names(rules, errors)
    if not errors and not published:
        errors += reach_errors(rules, known)
    if errors:
        raise RuleError(errors)
    arrival = any("arrived" in rule.condition.fields() for rule in rules)
    return RuleSet(rules, () if published else tuple(warnings(rules, known)), arrival)


def _rule(item: object, path: str, errors: Errors, known: Known | None, terms: Terms) -> Rule:
    item = _object(item, path, RULE, errors)
    name = item.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200 or "\x00" in name:
        errors.append((f"{path}.name", "Give the rule a name of at most 200 characters."))
    strategy = _strategy(item.get("strategy"), f"{path}.strategy", errors, known)
    return Rule(
        str(name).strip(),
        _condition(item.get("when"), f"{path}.when", errors, terms),
        _pool(item.get("pool"), f"{path}.pool", errors, known),
        strategy,
        _then(item.get("then", "queue"), f"{path}.then", strategy, errors, known),
    )


def _object(item: object, path: str, keys: Sequence[str], errors: Errors) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        errors.append((path, f"Give an object with {', '.join(keys)}."))
        return {}
    for key in set(item) - set(keys):
        errors.append((f"{path}.{key}", f"There is no {key!r} here. Use {', '.join(keys)}."))
    return item


def _condition(data: Any, path: str, errors: Errors, terms: Terms) -> Condition:
    try:
        return parse_condition(data, path, terms)
    except ConditionError as error:
        errors += error.errors
        return Condition()


def _pool(data: object, path: str, errors: Errors, known: Known | None) -> Pool:
    item = _object(data if data is not None else {}, path, POOL, errors)
    for name in ("covers_territory", "certified"):
        if not isinstance(item.get(name, False), bool):
            errors.append((f"{path}.{name}", "Give true or false."))
    tiers, tags, partners = (_names(item.get(name), f"{path}.{name}", errors) for name in POOL[:3])
    pool = Pool(tiers, tags, partners, item.get("covers_territory") is True, item.get("certified") is True)
    for partner in sorted(pool.partners or ()):
        _check_partner(partner, f"{path}.partners", errors, known)
    return pool


def _names(data: object, path: str, errors: Errors) -> frozenset[str] | None:
    if data is None:
        return None
    if not isinstance(data, list) or not data or not all(isinstance(name, str) and name.strip() for name in data):
        errors.append((path, "Give a list of one or more names, or leave it out."))
        return None
    return frozenset(data)


def _check_partner(partner: str, path: str, errors: Errors, known: Known | None) -> None:
    if known is not None and partner not in known.partners:
        errors.append((path, f"There is no partner {partner!r}: name one by its id."))


def _strategy(data: object, path: str, errors: Errors, known: Known | None) -> Strategy:
    item = _object(data, path, STRATEGY, errors)
    try:
        kind = StrategyKind(item.get("kind", ""))
    except ValueError:
        errors.append((f"{path}.kind", f"Use one of {', '.join(StrategyKind)}."))
        return Strategy(StrategyKind.OPEN_POOL)
    by, partner = item.get("by"), item.get("partner")
    _check_parts(kind, item, path, errors)
    if kind is StrategyKind.NAMED and isinstance(partner, str):
        _check_partner(partner, f"{path}.partner", errors, known)
    return Strategy(
        kind, by, partner,
        hours=_whole(item, "hours", f"{path}.hours", 720, errors) or POOL_HOURS,
        floor_share=_share(item.get("floor_share"), f"{path}.floor_share", errors),
        max_open=_whole(item, "max_open", f"{path}.max_open", 1000, errors),
    )  # fmt: skip


def _whole(item: Mapping[str, Any], name: str, path: str, most: int, errors: Errors) -> int | None:
    """A whole number from 1 to ``most``; None where it is left out or cannot be used."""
    value = item.get(name)
    if value is None and (name not in item or name == "max_open"):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        errors.append((path, f"Give {name} as a whole number from 1 to {most:,}."))
        return None
    return value


def _share(value: object, path: str, errors: Errors) -> Fraction:
    """A share in whole hundredths, exactly: 0.2 is a fifth."""
    if value is None:
        return FLOOR_SHARE
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.01 <= value <= 0.5:
        share = Fraction(str(value))
        if (share * 100).denominator == 1:
            return share
    errors.append((path, "Give the floor share in hundredths, from 0.01 to 0.5."))
    return FLOOR_SHARE


def _check_parts(kind: StrategyKind, item: Mapping[str, Any], path: str, errors: Errors) -> None:
    """Parts that mean something for their kind only."""
    belongs = {
        "by": StrategyKind.WEIGHTED_ROUND_ROBIN, "partner": StrategyKind.NAMED, "hours": StrategyKind.OPEN_POOL,
        "max_open": StrategyKind.OPEN_POOL, "floor_share": StrategyKind.BEST_CONVERSION,
    }  # fmt: skip
    for name, owner in belongs.items():
        if item.get(name) is not None and kind is not owner:
            errors.append((f"{path}.{name}", f"Only {owner.value} takes {name}: leave it out."))
    if item.get("by") is not None and item["by"] not in BY:
        errors.append((f"{path}.by", f"Use one of {', '.join(BY)}."))
    if kind is StrategyKind.NAMED and not isinstance(item.get("partner"), str):
        errors.append((f"{path}.partner", "Name the partner by its id."))


def _then(data: object, path: str, strategy: Strategy, errors: Errors, known: Known | None) -> Then:
    if isinstance(data, Mapping) and set(data) == {"partner"} and isinstance(data["partner"], str):
        _check_partner(data["partner"], f"{path}.partner", errors, known)
        return Then("partner", data["partner"])
    if data not in THEN:
        errors.append((path, f"Use {', '.join(THEN)}, or an object that names a partner."))
        return Then()
    if data == "pool" and strategy.kind is StrategyKind.OPEN_POOL:
        errors.append(
            (
                path,
                "Nobody claimed it from the pool: another pool is no way on. Use next, queue or a partner.",
            )
        )
    return Then(str(data))


def _same_names(rules: Sequence[Rule], errors: Errors) -> None:
    """Turns are kept by name, and by name and value where a rule has ``by``: no two rules may share them."""
    seen: dict[str, int] = {}
    for n, rule in enumerate(rules):
        if rule.name in seen:
            errors.append((f"rules.{n}.name", f"Rule {seen[rule.name] + 1} has this name: give each its own."))
        seen.setdefault(rule.name, n)
    for n, rule in enumerate(rules):
        other = seen.get(rule.name.partition("|")[0], n)
        if other != n and rules[other].strategy.by is not None:
            errors.append((f"rules.{n}.name", f"Rule {other + 1} keeps its turns under such names: choose another."))

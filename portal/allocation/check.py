"""Whether rules can work: conditions that can hold, rules that leads can reach, pools with somebody in. Pure."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from portal.allocation.gates import PartnerFacts
from portal.qualification.conditions import Comparison, Condition, never_holds
from portal.vocabulary import StrategyKind

if TYPE_CHECKING:
    from portal.allocation.document import Known, Rule


def reach_errors(rules: Sequence["Rule"], known: "Known") -> list[tuple[str, str]]:
    """A sentence for each of these:

    1. A condition that can never hold. 2. A product that no partner has, where some partner has products at all.
    3. A rule that no lead can reach, since an earlier one takes everything and lets nothing through.
    4. A pool that matches no partner at all.
    """
    errors = [
        (f"rules.{n}.when", reason)
        for n, rule in enumerate(rules)
        if (reason := never_holds(rule.condition)) is not None
    ]
    for n, rule in enumerate(rules):
        errors += [(f"rules.{n}.when", text) for text in _unknown_products(rule.condition, known)]
    errors += list(_unreachable(rules))
    errors += list(_empty_pools(rules, known))
    return errors


def _unknown_products(condition: Condition, known: "Known") -> Iterator[str]:
    if not known.products:
        return
    products = {product.casefold() for product in known.products}
    for comparison in comparisons(condition):
        if comparison.field != "product" or comparison.op not in ("eq", "in"):
            continue
        named = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        for name in named:
            if name.strip().casefold() not in products and not _sold_by_all(known):
                yield f"No partner is certified for {name!r}: nobody could get such a lead."


def _sold_by_all(known: "Known") -> bool:
    """Whether some partner is certified for everything (an empty list of products)."""
    return any(not partner.products for partner in known.partners.values())


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Every comparison in a condition, nested ones and excluded ones too."""
    for part in (*condition.parts, condition.excluded):
        if isinstance(part, Comparison):
            yield part
        elif isinstance(part, Condition):
            yield from comparisons(part)


def _unreachable(rules: Sequence["Rule"]) -> Iterator[tuple[str, str]]:
    """A rule that lets nothing through hides every later one it covers: it takes all leads, or has the same when."""
    closing: list[tuple[int, Rule]] = []
    for n, rule in enumerate(rules):
        for earlier, other in closing:
            if other.condition.always or other.condition == rule.condition:
                yield (
                    f"rules.{n}",
                    f"No lead reaches this rule: rule {earlier + 1} ({other.name}) takes them all.",
                )
                break
        if rule.then.kind != "next":
            closing.append((n, rule))


def _empty_pools(rules: Sequence["Rule"], known: "Known") -> Iterator[tuple[str, str]]:
    for n, rule in enumerate(rules):
        if rule.strategy.kind is not StrategyKind.NAMED and not any(
            map(rule.pool.narrow, known.partners.values())
        ):
            yield f"rules.{n}.pool", "No partner is in this pool: widen it, or set up its partners first."


def warnings(rules: Sequence["Rule"], known: "Known") -> Iterator[str]:
    """What is worth a look: pools with nobody active today, and no rule for every other lead."""
    for n, rule in enumerate(rules, start=1):
        if not any(partner.active for partner in _asked(rule, known)):
            yield f"Rule {n} ({rule.name}): nobody it asks is active now."
    if not any(rule.condition.always for rule in rules):
        yield "Leads that no rule takes wait in the queue: end with a rule for every other lead if you want none there."


def _asked(rule: "Rule", known: "Known") -> Iterator[PartnerFacts]:
    if rule.strategy.kind is StrategyKind.NAMED:
        yield known.partners[rule.strategy.partner or ""]
    else:
        yield from filter(rule.pool.narrow, known.partners.values())

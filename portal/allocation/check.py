"""Whether a list of rules can work: conditions can hold, leads can reach each rule, pools have somebody in. Pure."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from portal.allocation.gates import LeadFacts, PartnerFacts, covers, knows
from portal.qualification.conditions import Condition
from portal.qualification.reach import Way, never_holds, takes_all_of, ways
from portal.vocabulary import StrategyKind

if TYPE_CHECKING:
    from portal.allocation.document import Known, Rule

#: Every rule is compared with those before it; in longer lists only a rule for every lead hides others.
MOST_COMPARED = 300
MOST_KINDS = 500
MOST_NAMED = 5

Errors = list[tuple[str, str]]


def reach_errors(rules: Sequence["Rule"], known: "Known") -> Errors:
    """A sentence for each of these:

    1. A condition that can never hold.
    2. A rule that no lead can reach, since an earlier one takes all its leads and hands none on.
    3. A pool that matches no partner at all.
    """
    hopeless = {n: reason for n, rule in enumerate(rules) if (reason := never_holds(rule.condition))}
    errors = [(f"rules.{n}.when", reason) for n, reason in hopeless.items()]
    errors += _unreachable([(n, rule) for n, rule in enumerate(rules) if n not in hopeless])
    errors += _empty_pools(rules, known)
    return errors


def _unreachable(rules: Sequence[tuple[int, "Rule"]]) -> Iterator[tuple[str, str]]:
    """A rule that hands nothing on hides every later one that it covers."""
    closing: list[tuple[int, Rule]] = []
    for n, rule in rules:
        for earlier, other in closing:
            if other.condition.always or (n < MOST_COMPARED and takes_all_of(other.condition, rule.condition)):
                yield f"rules.{n}", f"No lead reaches this rule: rule {earlier + 1} ({other.name}) takes them all."
                break
        if rule.then.kind != "next":
            closing.append((n, rule))


def _empty_pools(rules: Sequence["Rule"], known: "Known") -> Iterator[tuple[str, str]]:
    """1. Nobody is in the pool. 2. It asks for cover or certification and nobody has it for any lead of the rule."""
    for n, rule in enumerate(rules):
        pool = list(asked(rule, known))
        if not pool:
            yield f"rules.{n}.pool", "No partner is in this pool: widen it, or set up its partners first."
            continue
        leads = list(kinds(rule.condition))
        if rule.pool.covers_territory and not any(covers(p, lead) for lead in leads for p in pool):
            yield f"rules.{n}.pool", "No partner in this pool covers the territory of this rule's leads."
        if rule.pool.certified and not any(knows(p, lead) for lead in leads for p in pool):
            yield f"rules.{n}.pool", "No partner in this pool is certified for the product of this rule's leads."


def asked(rule: "Rule", known: "Known") -> Iterator[PartnerFacts]:
    """The partners that a rule asks, before any gate."""
    if rule.strategy.kind is not StrategyKind.NAMED:
        yield from filter(rule.pool.narrow, known.partners.values())
    elif rule.strategy.partner in known.partners:
        yield known.partners[rule.strategy.partner or ""]


def kinds(condition: Condition) -> Iterator[LeadFacts]:
    """The kinds of lead that a condition names, by country, region and product; None where it leaves that open."""
    seen: set[tuple[str | None, ...]] = set()
    for way in ways(condition) or [()]:
        for one in product(_named(way, "country"), _named(way, "region"), _named(way, "product")):
            if one not in seen and len(seen) < MOST_KINDS:
                seen.add(one)
                country, region, sold = one
                yield LeadFacts(country=country, region=region, postcode=None, product=sold)


def _named(way: Way, field: str) -> tuple[str | None, ...]:
    test = next((test for test in way if test.field == field and test.op in ("eq", "in")), None)
    if test is None:
        return (None,)
    return tuple(test.value) if test.op == "in" else (test.value,)


def warnings(rules: Sequence["Rule"], known: "Known") -> Iterator[str]:
    """What is worth a look, though it is no mistake:

    1. Nobody whom the rule asks is active now. 2. Nobody it asks covers a territory, or is certified for a product,
    that it names. 3. It names a tier or tag that no partner has. 4. No rule takes every other lead.
    """
    for n, rule in enumerate(rules, start=1):
        pool = list(asked(rule, known))
        said = [] if any(partner.active for partner in pool) else ["nobody it asks is active now."]
        yield from (f"Rule {n} ({rule.name}): {text}" for text in (*said, *_gaps(rule, pool), *_unknown(rule, known)))
    if not any(rule.condition.always for rule in rules):
        yield "Leads that no rule takes wait in the queue: end with a rule for every other lead if you want none there."


def _gaps(rule: "Rule", pool: Sequence[PartnerFacts]) -> Iterator[str]:
    leads = list(kinds(rule.condition))
    places = {_place(lead): None for lead in leads if not any(covers(p, lead) for p in pool)}
    sold = {str(lead.product): None for lead in leads if not any(knows(p, lead) for p in pool)}
    if places:
        yield f"nobody it asks covers {_listed(places)}."
    if sold:
        yield f"nobody it asks is certified for {_listed(sold)}."


def _place(lead: LeadFacts) -> str:
    return ", ".join(part for part in (lead.region, lead.country) if part)


def _listed(names: dict[str, None]) -> str:
    shown = list(names)[:MOST_NAMED]
    more = len(names) - len(shown)
    return "; ".join(shown) + (f" and {more} more" if more else "")


def _unknown(rule: "Rule", known: "Known") -> Iterator[str]:
    tiers = {partner.tier for partner in known.partners.values()}
    tags = {tag for partner in known.partners.values() for tag in partner.tags}
    for word, named, there in (("tier", rule.pool.tiers, tiers), ("tag", rule.pool.tags, tags)):
        if missing := sorted((named or frozenset()) - there):
            yield f"no partner has the {word} {_listed(dict.fromkeys(missing))}."

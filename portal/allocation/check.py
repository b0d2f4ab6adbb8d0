"""Whether a list of rules can work: conditions can hold, leads can reach each rule, pools have somebody in. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import pycountry

from portal.allocation.gates import LeadFacts, PartnerFacts, covers, knows
from portal.qualification.conditions import LIST, Condition
from portal.qualification.country_groups import group_of
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
    3. A tier or tag that no partner has; a pool that matches no partner at all.
    4. A product that no partner is certified for, where partners name products, and that no lead ever named.
    5. A region by a code that does not exist, or of another country than the condition asks for.
    """
    hopeless = {n: reason for n, rule in enumerate(rules) if (reason := never_holds(rule.condition))}
    errors = [(f"rules.{n}.when", reason) for n, reason in hopeless.items()]
    errors += _unreachable([(n, rule) for n, rule in enumerate(rules) if n not in hopeless])
    missing = list(_unknown_names(rules, known))
    errors += missing
    errors += _empty_pools(rules, known, {path.rpartition(".")[0] for path, _ in missing})
    errors += _unknown_values([(n, rule) for n, rule in enumerate(rules) if n not in hopeless], known)
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


def _unknown_names(rules: Sequence["Rule"], known: "Known") -> Iterator[tuple[str, str]]:
    """Tiers and tags that nobody has."""
    tiers = {partner.tier for partner in known.partners.values()}
    tags = {tag for partner in known.partners.values() for tag in partner.tags}
    for n, rule in enumerate(rules):
        for word, named, there in (("tier", rule.pool.tiers, tiers), ("tag", rule.pool.tags, tags)):
            if missing := sorted((named or frozenset()) - there):
                told = f"No partner has the {word} {_listed(dict.fromkeys(missing))}"
                yield f"rules.{n}.pool.{word}s", f"{told}: correct it, or give it to a partner first."


def _unknown_values(rules: Sequence[tuple[int, "Rule"]], known: "Known") -> Iterator[tuple[str, str]]:
    """Products and regions that a condition names and nobody knows."""
    sold = {product.casefold() for product in known.products}
    for n, rule in rules:
        kinds_of = list(kinds(rule.condition))
        products = {str(lead.product): None for lead in kinds_of if lead.product}
        unknown = {p: None for p in products if sold and p.casefold() not in sold and not known.heard_of("product", p)}
        if unknown:
            told = f"No partner is certified for {_listed(unknown)}, and no lead ever named it"
            yield f"rules.{n}.when", f"{told}: correct the name, or certify a partner first."
        for region in {str(lead.region): None for lead in kinds_of if lead.region}:
            said = [_wrong_region(lead.country, region) for lead in kinds_of if lead.region == region]
            if said[0] is not None and all(said):
                yield f"rules.{n}.when", said[0]


def _wrong_region(country: str | None, region: str | None) -> str | None:
    """A region as a code ("DE-BY") must exist, and lie in the country that the condition asks for."""
    code = (region or "").strip().upper()
    if len(code) < 4 or code[2] != "-" or pycountry.countries.get(alpha_2=code[:2]) is None:
        return None
    if pycountry.subdivisions.get(code=code) is None:  # type: ignore[no-untyped-call]
        return f"There is no region {code}: give its code, such as DE-BY, or the name that your leads carry."
    return f"{code} is not in {country}: no lead is in both." if country and code[:2] != country else None


def _empty_pools(rules: Sequence["Rule"], known: "Known", told: set[str]) -> Iterator[tuple[str, str]]:
    """1. Nobody is in the pool. 2. It asks for cover or certification and nobody has it for any lead of the rule.

    ``told``: pools of which something was said already.
    """
    for n, rule in enumerate(rules):
        if f"rules.{n}.pool" in told:
            continue
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
    named = dict.fromkeys(one for value in (test.value if test.op == "in" else (test.value,)) for one in _meant(value))
    return tuple(named) or (None,)


def _meant(value: object) -> Iterable[str]:
    """A value itself, the countries of a group; nothing for a list, which may hold anything."""
    group = group_of(value)
    if group is not None:
        return sorted(group.countries)
    return () if str(value).startswith(LIST) else (str(value),)


def warnings(rules: Sequence["Rule"], known: "Known") -> Iterator[str]:
    """What is worth a look, though it is no mistake:

    1. Nobody whom the rule asks is active now. 2. Nobody it asks covers a territory, or is certified for a product,
    that it names. 3. It names a list that is empty now. 4. It looks for the nearest and no place is known.
    5. No rule takes every other lead.
    """
    for n, rule in enumerate(rules, start=1):
        pool = list(asked(rule, known))
        said = [] if any(partner.active for partner in pool) else ["nobody it asks is active now."]
        said += [*_gaps(rule, pool), *_lacking(rule, pool, known)]
        yield from (f"Rule {n} ({rule.name}): {text}" for text in said)
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


def _lacking(rule: "Rule", pool: Sequence[PartnerFacts], known: "Known") -> Iterator[str]:
    """Lists that are empty now, and places on the map that nobody gave."""
    named = {name for name in rule.condition.lists() if not known.lists.get(name)}
    if named:
        yield f"the list {_listed(dict.fromkeys(sorted(named)))} is empty now."
    if rule.strategy.kind is StrategyKind.NEAREST and known.located is not None:
        lost = {partner.name: None for partner in pool if partner.id not in known.located}
        if lost:
            yield f"where {_listed(lost)} is, nobody knows: until postcode and place are given, others come first."

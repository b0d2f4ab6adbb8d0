"""A list of rules: what it is read as, each refusal with its place and sentence, and each warning."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from portal.allocation.document import Known, Pool, Rule, RuleError, Strategy, Then, parse_rules
from portal.qualification.conditions import parse_condition
from portal.vocabulary import StrategyKind
from tests.policy.allocation_partners import partner

NORTH = partner(tags=frozenset({"cloud", "retail"}), territories=(("DE", None, None),), products=frozenset({"Widget"}))
SOUTH = partner(id="south", slot=1, name="Sudberg IT", tier="silver", territories=(("AT", None, None),),
                products=frozenset({"Gadget"}))  # fmt: skip
EAST = partner(id="east", slot=2, name="Ostfeld", tier="bronze", active=False, territories=(("DE", "DE-SN", None),),
               products=frozenset({"Widget"}))  # fmt: skip
KNOWN = Known({p.id: p for p in (NORTH, SOUTH, EAST)}, frozenset({"Widget", "Gadget"}))

ROBIN = {"kind": "weighted_round_robin"}
OTHERS = {"name": "Everyone else", "strategy": ROBIN, "then": "queue"}


def country(*codes: str) -> dict[str, Any]:
    return {"all": [{"field": "country", "op": "in", "value": list(codes)}]}


def product(name: str) -> dict[str, Any]:
    return {"all": [{"field": "product", "op": "eq", "value": name}]}


def rule(**changes: Any) -> dict[str, Any]:
    plain = {"name": "Germany", "when": country("DE"), "pool": {}, "strategy": ROBIN, "then": "next"}
    return {key: value for key, value in {**plain, **changes}.items() if value is not ...}


LISTS = {"strategic": frozenset({"Acme GmbH"}), "new": frozenset[str]()}


def errors(*rules: Any, known: Known = KNOWN) -> list[tuple[str, str]]:
    with pytest.raises(RuleError) as refused:
        parse_rules(list(rules), known)
    return refused.value.errors


def warnings(*rules: Any) -> tuple[str, ...]:
    return parse_rules(list(rules), replace(KNOWN, lists=LISTS, located=frozenset({"north"}))).warnings


def test_a_rule_is_read_in_full() -> None:
    sent = rule(
        name=" Germany ",
        pool={"tiers": ["gold"], "tags": ["cloud"], "partners": ["north"], "covers_territory": True, "certified": True},
        strategy={"kind": "weighted_round_robin", "by": "region"},
        then={"partner": "south"},
    )
    read = parse_rules([sent, OTHERS], KNOWN).rules[0]
    assert read == Rule(
        "Germany",
        parse_condition(country("DE")),
        Pool(frozenset({"gold"}), frozenset({"cloud"}), frozenset({"north"}), True, True),
        Strategy(StrategyKind.WEIGHTED_ROUND_ROBIN, by="region"),
        Then("partner", "south"),
    )


def test_what_a_rule_leaves_out() -> None:
    read = parse_rules([{"name": "All", "strategy": {"kind": "least_loaded"}}], KNOWN).rules[0]
    assert (read.condition.always, read.pool, read.then) == (True, Pool(), Then("queue"))


@pytest.mark.parametrize(
    ("strategy", "read"),
    [
        ({"kind": "named", "partner": "south"}, Strategy(StrategyKind.NAMED, partner="south")),
        ({"kind": "open_pool"}, Strategy(StrategyKind.OPEN_POOL, hours=24)),
        ({"kind": "open_pool", "hours": 1}, Strategy(StrategyKind.OPEN_POOL, hours=1)),
        ({"kind": "open_pool", "hours": 720}, Strategy(StrategyKind.OPEN_POOL, hours=720)),
        ({"kind": "open_pool", "max_open": 3}, Strategy(StrategyKind.OPEN_POOL, max_open=3)),
        ({"kind": "least_loaded", "by": None}, Strategy(StrategyKind.LEAST_LOADED)),
        ({"kind": "nearest"}, Strategy(StrategyKind.NEAREST)),
        ({"kind": "best_conversion"}, Strategy(StrategyKind.BEST_CONVERSION, floor_share=Fraction(1, 5))),
        ({"kind": "best_conversion", "floor_share": 0.35},
         Strategy(StrategyKind.BEST_CONVERSION, floor_share=Fraction(7, 20))),
    ],
)  # fmt: skip
def test_strategies(strategy: dict[str, Any], read: Strategy) -> None:
    assert parse_rules([rule(strategy=strategy), OTHERS], KNOWN).rules[0].strategy == read


@pytest.mark.parametrize(
    ("pool", "ids"),
    [
        ({}, ["north", "south", "east"]),
        ({"tiers": ["gold", "silver"]}, ["north", "south"]),
        ({"tags": ["retail", "cloud"]}, ["north"]),
        ({"partners": ["east", "south"]}, ["south", "east"]),
        ({"tiers": ["silver"], "partners": ["south", "north"]}, ["south"]),
        ({"covers_territory": True, "certified": True}, ["north", "south", "east"]),
    ],
)
def test_who_is_in_a_pool(pool: dict[str, Any], ids: list[str]) -> None:
    read = parse_rules([rule(when=None, pool=pool)], KNOWN).rules[0].pool
    assert [p.id for p in KNOWN.partners.values() if read.narrow(p)] == ids


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"priority": 1}, "priority", "no 'priority' here"),
        ({"name": ...}, "name", "Give the rule a name"),
        ({"name": "  "}, "name", "Give the rule a name"),
        ({"name": "x" * 201}, "name", "Give the rule a name"),
        ({"name": "a\x00"}, "name", "Give the rule a name"),
        ({"when": []}, "when", "field, op and value"),
        ({"when": {"all": [{"field": "mood", "op": "exists"}]}}, "when.all.0.field", "no field 'mood'"),
        ({"pool": []}, "pool", "an object"),
        ({"pool": {"tier": "gold"}}, "pool.tier", "no 'tier' here"),
        ({"pool": {"tiers": []}}, "pool.tiers", "one or more names"),
        ({"pool": {"tags": "cloud"}}, "pool.tags", "one or more names"),
        ({"pool": {"tags": [1]}}, "pool.tags", "one or more names"),
        ({"pool": {"partners": ["west"]}}, "pool.partners", "no partner 'west'"),
        ({"pool": {"certified": "yes"}}, "pool.certified", "true or false"),
        ({"pool": {"covers_territory": 1}}, "pool.covers_territory", "true or false"),
        ({"strategy": {"kind": "random"}}, "strategy.kind", "least_loaded, best_conversion, nearest, named, open_pool"),
        ({"strategy": {"kind": []}}, "strategy.kind", "Use one of"),
        ({"strategy": {}}, "strategy.kind", "Use one of"),
        ({"strategy": {"kind": "best_conversion", "floor_share": 0}}, "strategy.floor_share", "from 0.01 to 0.5"),
        ({"strategy": {"kind": "best_conversion", "floor_share": 0.6}}, "strategy.floor_share", "from 0.01 to 0.5"),
        ({"strategy": {"kind": "best_conversion", "floor_share": 0.125}}, "strategy.floor_share", "in hundredths"),
        ({"strategy": {"kind": "best_conversion", "floor_share": True}}, "strategy.floor_share", "in hundredths"),
        ({"strategy": {"kind": "best_conversion", "floor_share": "0.2"}}, "strategy.floor_share", "in hundredths"),
        ({"strategy": {"kind": "nearest", "floor_share": 0.2}}, "strategy.floor_share", "Only best_conversion"),
        ({"strategy": {"kind": "nearest", "max_open": 3}}, "strategy.max_open", "Only open_pool takes max_open"),
        ({"strategy": {"kind": "open_pool", "max_open": 0}}, "strategy.max_open", "1 to 1,000"),
        ({"strategy": {"kind": "open_pool", "hours": None}}, "strategy.hours", "1 to 720"),
        ({"strategy": {**ROBIN, "weights": {}}}, "strategy.weights", "no 'weights' here"),
        ({"strategy": {**ROBIN, "by": "city"}}, "strategy.by", "country, region, product"),
        ({"strategy": {**ROBIN, "by": ["country"]}}, "strategy.by", "country, region, product"),
        ({"strategy": {**ROBIN, "hours": 5}}, "strategy.hours", "Only open_pool takes hours"),
        ({"strategy": {**ROBIN, "floor_share": 0.1}}, "strategy.floor_share", "Only best_conversion"),
        ({"strategy": {"kind": "least_loaded", "by": "country"}}, "strategy.by", "Only weighted_round_robin"),
        ({"strategy": {"kind": "open_pool", "partner": "north"}}, "strategy.partner", "Only named takes partner"),
        ({"strategy": {"kind": "named"}}, "strategy.partner", "by its id"),
        ({"strategy": {"kind": "named", "partner": {}}}, "strategy.partner", "by its id"),
        ({"strategy": {"kind": "named", "partner": "west"}}, "strategy.partner", "no partner 'west'"),
        ({"strategy": {"kind": "open_pool", "hours": 0}}, "strategy.hours", "1 to 720"),
        ({"strategy": {"kind": "open_pool", "hours": 721}}, "strategy.hours", "1 to 720"),
        ({"strategy": {"kind": "open_pool", "hours": 1.5}}, "strategy.hours", "1 to 720"),
        ({"strategy": {"kind": "open_pool", "hours": True}}, "strategy.hours", "1 to 720"),
        ({"strategy": {"kind": "open_pool"}, "then": "pool"}, "then", "another pool is no way on"),
        ({"then": "stop"}, "then", "next, pool, queue"),
        ({"then": {"partner": "north", "hours": 1}}, "then", "next, pool, queue"),
        ({"then": {"partner": ["north"]}}, "then", "next, pool, queue"),
        ({"then": {"partner": "west"}}, "then.partner", "no partner 'west'"),
    ],
    ids=lambda value: str(value)[:70],
)
def test_a_part_that_cannot_be_used_is_refused_with_a_sentence(changes: Any, where: str, says: str) -> None:
    found = errors(rule(**changes), OTHERS)
    assert [field for field, _ in found] == [f"rules.0.{where}"]
    assert says in found[0][1]


@pytest.mark.parametrize("sent", [None, {}, "all", []])
def test_no_list_of_rules(sent: Any) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rules(sent, KNOWN)
    assert refused.value.errors == [("rules", "Give a list of 1 to 1,000 rules.")]


def test_something_else_in_the_list() -> None:
    assert ("rules.1", "Give an object with name, when, pool, strategy, then.") in errors(rule(), "Everyone else")


def test_all_mistakes_are_told_at_once() -> None:
    found = errors(rule(then="stop", name=""), rule(pool={"partners": ["west"]}))
    assert [field for field, _ in found] == ["rules.0.name", "rules.0.then", "rules.1.pool.partners"]


def test_two_rules_of_one_name_would_share_their_turns() -> None:
    assert errors(rule(), rule(when=country("AT"))) == [
        ("rules.1.name", "Rule 1 has this name: give each its own.")
    ]  # fmt: skip


@pytest.mark.parametrize(("by", "refused"), [("country", True), (None, False)])
def test_a_name_under_which_another_rule_keeps_its_turns(by: str | None, refused: bool) -> None:
    both = [rule(strategy={**ROBIN, "by": by}), rule(name="Germany|DE", when=country("AT"))]
    if refused:
        assert errors(*both) == [("rules.1.name", "Rule 1 keeps its turns under such names: choose another.")]
    else:
        assert len(parse_rules(both, KNOWN).rules) == 2


def test_a_condition_that_cannot_hold_is_refused() -> None:
    never = {"all": [*country("DE")["all"], *country("AT")["all"]]}
    assert errors(rule(when=never), OTHERS) == [
        ("rules.0.when", "country is one of DE and country is one of AT: no lead meets this.")
    ]


HIDDEN = "No lead reaches this rule: rule 1 ({}) takes them all."


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        (OTHERS, rule(), True),
        ({**OTHERS, "then": "pool"}, rule(), True),
        ({**OTHERS, "then": {"partner": "north"}}, rule(), True),
        ({**OTHERS, "then": "next"}, rule(), False),
        (rule(then="queue"), rule(name="Again"), True),
        (rule(then="next"), rule(name="Again"), False),
        (rule(then="queue", when=country("DE", "AT")), rule(name="Austria", when=country("AT")), True),
        (rule(then="queue", when=country("AT")), rule(name="Both", when=country("DE", "AT")), False),
        (rule(then="queue"), rule(name="Widgets", when=product("Widget")), False),
        (rule(then="queue"), rule(name="Narrow", when={"all": [country("DE"), product("Widget")]}), True),
    ],
)
def test_a_rule_that_nothing_can_reach(first: dict[str, Any], second: dict[str, Any], hidden: bool) -> None:
    if hidden:
        assert errors(first, second) == [("rules.1", HIDDEN.format(first["name"]))]
    else:
        assert len(parse_rules([first, second], KNOWN).rules) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pool": {"tiers": ["gold"], "partners": ["south"]}}, "No partner is in this pool"),
        ({"when": country("FR"), "pool": {"covers_territory": True}}, "covers the territory"),
        ({"when": country("AT"), "pool": {"tiers": ["gold"], "covers_territory": True}}, "covers the territory"),
        ({"when": product("Gadget"), "pool": {"tiers": ["gold"], "certified": True}}, "certified for the product"),
    ],
)
def test_a_pool_that_matches_no_partner_at_all(changes: dict[str, Any], says: str) -> None:
    found = errors(rule(**changes), OTHERS)
    assert [field for field, _ in found] == ["rules.0.pool"]
    assert says in found[0][1]


@pytest.mark.parametrize(
    ("pool", "where", "says"),
    [
        (
            {"tiers": ["platinum"]},
            "tiers",
            "No partner has the tier platinum: correct it, or give it to a partner first.",
        ),
        ({"tiers": ["gold", "platinum"]}, "tiers", "No partner has the tier platinum"),
        ({"tags": ["cloud", "health", "auto"]}, "tags", "No partner has the tag auto; health"),
    ],
)
def test_a_tier_or_tag_that_nobody_has(pool: dict[str, Any], where: str, says: str) -> None:
    (found,) = errors(rule(pool=pool), OTHERS)
    assert found[0] == f"rules.0.pool.{where}"
    assert found[1].startswith(says)


def of_region(region: str, *codes: str) -> dict[str, Any]:
    within = country(*codes)["all"] if codes else []
    return {"all": [*within, {"field": "region", "op": "eq", "value": region}]}


@pytest.mark.parametrize(
    ("when", "says"),
    [
        (product("Sprocket"), "No partner is certified for Sprocket, and no lead ever named it"),
        ({"any": [product("widget"), product("Sprocket")]}, "No partner is certified for Sprocket"),
        (of_region("DE-XX"), "There is no region DE-XX"),
        (of_region("DE-BY", "AT"), "DE-BY is not in AT"),
    ],
)
def test_a_value_that_nobody_knows(when: dict[str, Any], says: str) -> None:
    (found,) = errors(rule(when=when), OTHERS)
    assert found[0] == "rules.0.when"
    assert found[1].startswith(says)


@pytest.mark.parametrize(
    ("when", "known"),
    [
        (product("Sprocket"), replace(KNOWN, heard_of=lambda field, value: (field, value) == ("product", "Sprocket"))),
        (product("Sprocket"), replace(KNOWN, products=frozenset())),
        (product("gadget"), KNOWN),
        (of_region("DE-BY", "DE", "AT"), KNOWN),
        (of_region("Bavaria", "DE"), KNOWN),
        (of_region("BY", "DE"), KNOWN),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_value_that_somebody_may_know(when: dict[str, Any], known: Known) -> None:
    assert len(parse_rules([rule(when=when), OTHERS], known).rules) == 2


def test_a_list_is_what_it_holds_and_one_that_is_gone_holds_nothing() -> None:
    of_list = {"all": [{"field": "company", "op": "in", "value": ["list:strategic"]}]}
    read = parse_rules([rule(when=of_list), OTHERS], replace(KNOWN, lists=LISTS)).rules[0].condition
    assert (read.matches({"company": "acme gmbh"}), read.matches({"company": "Other"})) == (True, False)
    gone = parse_rules([rule(when=of_list), OTHERS], KNOWN, published=True).rules[0].condition
    assert not gone.matches({"company": "Acme GmbH"})
    assert errors(rule(when=of_list), OTHERS) == [
        ("rules.0.when.all.0.value", "There is no list 'strategic': make it first.")
    ]  # fmt: skip


@pytest.mark.parametrize("asked", [True, False])
def test_whether_any_rule_asks_when_a_lead_arrived(asked: bool) -> None:
    arrived = {"not": {"any": [{"field": "arrived", "op": "eq", "value": "in_hours"}, *country("FR")["all"]]}}
    assert parse_rules([rule(when=arrived if asked else None)], KNOWN).reads_arrival is asked


def test_without_any_partner_every_pool_is_empty() -> None:
    assert [field for field, _ in errors(OTHERS, known=Known({}))] == ["rules.0.pool"]


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, ()),
        ({"pool": {"tiers": ["bronze"]}, "when": product("Widget")}, ("nobody it asks is active now.",)),
        ({"strategy": {"kind": "named", "partner": "east"}, "when": None, "then": "next"},
         ("nobody it asks is active now.",)),
        ({"when": country("FR", "DE")}, ("nobody it asks covers FR.",)),
        ({"when": country("FR", "ES", "IT", "PT", "GB", "IE", "NL")},
         ("nobody it asks covers FR; ES; IT; PT; GB and 2 more.",)),
        ({"when": product("Gadget"), "pool": {"tiers": ["gold"]}}, ("nobody it asks is certified for Gadget.",)),
        ({"when": {"not": product("Sprocket")}}, ()),
        ({"when": {"all": [country("DE"), {"field": "region", "op": "eq", "value": "DE-BY"}]},
          "pool": {"partners": ["east"]}},
         ("nobody it asks is active now.", "nobody it asks covers DE-BY, DE.")),
        ({"when": {"all": [{"field": "company", "op": "in", "value": ["list:strategic", "list:new"]}]}},
         ("the list new is empty now.",)),
        ({"strategy": {"kind": "nearest"}, "pool": {"partners": ["north", "south"]}},
         ("where Sudberg IT is, nobody knows: until postcode and place are given, others come first.",)),
        ({"when": {"all": [{"field": "country", "op": "in", "value": ["group:benelux", "DE"]}]}},
         ("nobody it asks covers BE; LU; NL.",)),
    ],
    ids=lambda value: str(value)[:70],
)  # fmt: skip
def test_what_is_worth_a_look_is_a_warning(changes: dict[str, Any], warned: tuple[str, ...]) -> None:
    assert warnings(rule(**changes), OTHERS) == tuple(f"Rule 1 (Germany): {text}" for text in warned)


def test_leads_that_no_rule_takes_are_a_warning() -> None:
    assert warnings(rule()) == (
        "Leads that no rule takes wait in the queue: end with a rule for every other lead if you want none there.",
    )


def test_a_partner_without_territories_and_products_takes_all() -> None:
    known = Known({"north": partner()})
    pool = {"covers_territory": True, "certified": True}
    both = {"all": [country("FR"), product("Sprocket")]}
    assert parse_rules([rule(when=both, pool=pool), OTHERS], known).warnings == ()


def test_a_published_version_goes_on_with_the_partners_that_are_left() -> None:
    sent = [
        rule(pool={"partners": ["gone"]}),
        rule(name="Named", strategy={"kind": "named", "partner": "gone"}),
        OTHERS,
    ]
    read = parse_rules(sent, KNOWN, published=True)
    assert [r.name for r in read.rules] == ["Germany", "Named", "Everyone else"]
    assert read.warnings == ()
    with pytest.raises(RuleError):
        parse_rules(sent, KNOWN)


def test_a_long_list_of_rules_side_by_side_is_taken() -> None:
    def one(n: int) -> dict[str, Any]:
        there = {"field": "postcode", "op": "prefix", "value": f"{n:04}"}
        return rule(name=f"Area {n}", when={"all": [*country("DE")["all"], there]}, then="queue")

    assert len(parse_rules([one(n) for n in range(1000)], KNOWN).rules) == 1000

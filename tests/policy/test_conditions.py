"""Conditions: what each comparison takes, each refusal with its sentence, and what can be said without a lead."""

from datetime import UTC, datetime
from typing import Any

import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.qualification.conditions import READ, Comparison, Condition, ConditionError, Terms, parse_condition
from portal.qualification.country_groups import GROUPS
from portal.qualification.reach import never_holds, takes_all_of

LEAD: dict[str, object] = {
    "country": "DE", "region": "BY", "postcode": "80331", "city": "München", "product": "Widget Pro", "score": 55,
    "grade": "B", "employees": 250, "budget": 1200.5, "email_domain": "example.com",
    "received_at": datetime(2026, 3, 2, 9, tzinfo=UTC), "custom.seats": 40, "custom.partner": True, "custom.code": "X9",
}  # fmt: skip


def fact(field: str, op: str, *value: Any) -> dict[str, Any]:
    """One comparison as it is sent."""
    return {"field": field, "op": op, **({"value": value[0]} if value else {})}


def of(*tests: Any, **rest: Any) -> Condition:
    return parse_condition({"all": list(tests), **rest})


def any_of(*tests: Any) -> Condition:
    return parse_condition({"any": list(tests)})


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (fact("country", "eq", "DE"), True),
        (fact("country", "eq", "de"), True),
        (fact("country", "eq", "AT"), False),
        (fact("country", "ne", "AT"), True),
        (fact("country", "ne", "DE"), False),
        (fact("product", "eq", "  widget pro "), True),
        (fact("country", "in", ["AT", "DE"]), True),
        (fact("country", "in", ["AT", "CH"]), False),
        (fact("country", "not_in", ["AT", "CH"]), True),
        (fact("country", "not_in", ["AT", "DE"]), False),
        (fact("score", "gt", 55), False),
        (fact("score", "gt", 54.5), True),
        (fact("score", "gte", 55), True),
        (fact("score", "lt", 55), False),
        (fact("score", "lte", 55), True),
        (fact("score", "eq", 55.0), True),
        (fact("employees", "between", [250, 300]), True),
        (fact("employees", "between", [100, 250]), True),
        (fact("employees", "between", [251, 300]), False),
        (fact("budget", "gt", 1200), True),
        (fact("city", "exists"), True),
        (fact("message", "exists"), False),
        (fact("message", "missing"), True),
        (fact("city", "missing"), False),
        (fact("postcode", "prefix", "80"), True),
        (fact("postcode", "prefix", "8 03"), True),
        (fact("postcode", "prefix", "81"), False),
        (fact("city", "contains", "ÜNCH"), True),
        (fact("city", "contains", "berlin"), False),
        (fact("received_at", "gte", "2026-03-02T10:00:00+01:00"), True),
        (fact("received_at", "gt", "2026-03-02T09:00:00Z"), False),
        (fact("received_at", "between", ["2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"]), True),
        (fact("custom.seats", "gt", 39), True),
        (fact("custom.seats", "gt", "39"), False),
        (fact("custom.partner", "eq", True), True),
        (fact("custom.partner", "eq", False), False),
        (fact("custom.code", "prefix", "x"), True),
        (fact("custom.seats", "in", [40, "forty"]), True),
        (fact("custom.colour", "missing"), True),
    ],
    ids=str,
)
def test_a_comparison_takes_what_it_says(one: dict[str, Any], expected: bool) -> None:
    assert of(one).matches(LEAD) is expected
    assert parse_condition({"not": one}).matches(LEAD) is not expected


@pytest.mark.parametrize(
    ("low", "high", "code", "inside"),
    [
        ("80", "87", "80000", True),
        ("80", "87", "87999", True),
        ("80", "87", "79999", False),
        ("80", "87", "88000", False),
        ("80331", "80339", "80335", True),
        ("80331", "80339", "80340", False),
        ("SW1A", "SW1W", "sw1 p3j", True),
        ("8", "80", "80331", True),
        ("80", "8", "89999", True),
        ("80", "87", "8", False),
        # Digits compare as numbers: a code that is shorter than the end is the smaller number.
        ("1000", "9999", "800", False),
        ("100", "999", "0990", False),
        ("01000", "09999", "01067", True),
        ("1000", "1099", "1012AB", True),
        ("1000", "1099", "1100 AA", False),
    ],
)
def test_postcodes_from_one_to_another(low: str, high: str, code: str, inside: bool) -> None:
    """Each end on as many characters as it has, so that a range of prefixes is a range of areas."""
    assert of(fact("postcode", "between", [low, high])).matches({"postcode": code}) is inside


VALUES = {"in": ["DE"], "not_in": ["DE"], "between": [1, 2], "exists": None, "missing": None}


@pytest.mark.parametrize(
    ("field", "op", "holds"),
    [
        ("country", "eq", False), ("country", "ne", True), ("country", "in", False), ("country", "not_in", True),
        ("country", "exists", False), ("country", "missing", True), ("region", "prefix", False),
        ("region", "contains", False), ("score", "gt", False), ("score", "gte", False), ("score", "lt", False),
        ("score", "lte", False), ("score", "between", False),
    ],
)  # fmt: skip
def test_a_lead_without_the_fact_meets_only_missing_ne_and_not_in(field: str, op: str, holds: bool) -> None:
    one = {"field": field, "op": op, "value": VALUES.get(op, 5 if field == "score" else "DE")}
    assert of(one).matches({}) is holds


def test_groups_nest_and_exclude() -> None:
    condition = parse_condition(
        {
            "any": [
                {"all": [fact("country", "eq", "DE"), fact("region", "eq", "BY")], "not": fact("score", "lt", 50)},
                fact("product", "eq", "Gadget"),
            ],
            "not": {"any": [fact("grade", "eq", "D"), fact("email_domain", "eq", "spam.example")]},
        }
    )
    assert condition.matches(LEAD)
    assert not condition.matches({**LEAD, "score": 40})
    assert condition.matches({**LEAD, "score": 40, "product": "gadget"})
    assert not condition.matches({**LEAD, "product": "gadget", "grade": "D"})


@pytest.mark.parametrize("data", [None, {}, {"all": []}, {"all": [{}]}, {"any": [{}, fact("country", "eq", "DE")]}])
def test_conditions_that_take_every_lead(data: Any) -> None:
    condition = parse_condition(data)
    assert condition.always
    assert condition.matches({})


def test_a_condition_that_leaves_somebody_out_is_not_for_everyone() -> None:
    assert not of(fact("country", "exists")).always
    assert not parse_condition({"not": fact("country", "eq", "DE")}).always


DEEP: dict[str, Any] = fact("country", "eq", "DE")
for _ in range(9):
    DEEP = {"all": [DEEP]}


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        ([], "when", "field, op and value"),
        ("country = DE", "when", "field, op and value"),
        ({"country": "DE"}, "when", "field, op and value"),
        ({"all": [], "any": []}, "when", "either all or any"),
        ({"any": []}, "when.any", "1 to 200"),
        ({"all": {}}, "when.all", "0 to 200"),
        ({"all": [{}] * 201}, "when.all", "0 to 200"),
        ({"all": ["DE"]}, "when.all.0", "field, op and value"),
        ({"all": [{"op": "eq", "value": 1}]}, "when.all.0", "field, op and value"),
        ({"not": []}, "when.not", "field, op and value"),
        (DEEP, "when" + ".all.0" * 8, "at most 8 deep"),
        ({"all": [{**fact("country", "eq", "DE"), "unit": 1}]}, "when.all.0", "nothing else"),
        ({"all": [fact("mood", "eq", "x")]}, "when.all.0.field", "no field 'mood'"),
        ({"all": [fact("email", "eq", "x")]}, "when.all.0.field", "no field 'email'"),
        ({"all": [fact("custom.", "eq", "x")]}, "when.all.0.field", "custom.<name>"),
        ({"all": [fact("custom." + "x" * 65, "eq", "x")]}, "when.all.0.field", "custom.<name>"),
        ({"all": [fact(["country"], "eq", "x")]}, "when.all.0.field", "no field"),  # type: ignore[arg-type]
        ({"all": [fact("country", "is", "DE")]}, "when.all.0.op", "no comparison 'is'"),
        ({"all": [{"field": "country", "value": "DE"}]}, "when.all.0.op", "no comparison None"),
        ({"all": [fact("country", "gt", "DE")]}, "when.all.0.op", "country is text"),
        ({"all": [fact("city", "between", ["A", "B"])]}, "when.all.0.op", "city is text"),
        ({"all": [fact("score", "prefix", "1")]}, "when.all.0.op", "score is not text"),
        ({"all": [fact("received_at", "contains", "1")]}, "when.all.0.op", "received_at is not text"),
        ({"all": [fact("country", "eq")]}, "when.all.0.value", "country is text"),
        ({"all": [fact("country", "eq", 49)]}, "when.all.0.value", "country is text"),
        ({"all": [fact("city", "eq", "  ")]}, "when.all.0.value", "city is text"),
        ({"all": [fact("city", "eq", "a\x00b")]}, "when.all.0.value", "city is text"),
        ({"all": [fact("city", "eq", "x" * 201)]}, "when.all.0.value", "at most 200"),
        ({"all": [fact("country", "eq", "XX")]}, "when.all.0.value", "no country 'XX'"),
        ({"all": [fact("country", "in", ["DE", "Germany"])]}, "when.all.0.value", "no country 'Germany'"),
        ({"all": [fact("grade", "eq", "E")]}, "when.all.0.value", "A, B, C, D"),
        ({"all": [fact("score", "gt", "50")]}, "when.all.0.value", "score is a number"),
        ({"all": [fact("score", "gt", True)]}, "when.all.0.value", "score is a number"),
        ({"all": [fact("budget", "lt", float("inf"))]}, "when.all.0.value", "budget is a number"),
        ({"all": [fact("budget", "lt", float("nan"))]}, "when.all.0.value", "budget is a number"),
        ({"all": [fact("received_at", "gt", "yesterday")]}, "when.all.0.value", "an instant"),
        ({"all": [fact("received_at", "gt", "2026-03-02T09:00:00")]}, "when.all.0.value", "an instant"),
        ({"all": [fact("custom.x", "eq", None)]}, "when.all.0.value", "a text, a number, true or false"),
        ({"all": [fact("custom.x", "eq", ["a"])]}, "when.all.0.value", "a text, a number, true or false"),
        ({"all": [fact("country", "in", [])]}, "when.all.0.value", "list of 1 to 5,000"),
        ({"all": [fact("country", "in", "DE")]}, "when.all.0.value", "list of 1 to 5,000"),
        ({"all": [fact("country", "not_in", ["DE"] * 5001)]}, "when.all.0.value", "list of 1 to 5,000"),
        ({"all": [fact("score", "between", [10])]}, "when.all.0.value", "two ends"),
        ({"all": [fact("score", "between", [20, 10])]}, "when.all.0.value", "lower end comes first"),
        ({"all": [fact("score", "between", [10, "20"])]}, "when.all.0.value", "score is a number"),
        ({"all": [fact("custom.x", "between", [10, "20"])]}, "when.all.0.value", "one kind"),
        ({"all": [fact("postcode", "between", ["87", "80"])]}, "when.all.0.value", "lower end comes first"),
        ({"all": [fact("city", "exists", "yes")]}, "when.all.0.value", "takes no value"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_with_a_sentence(data: Any, where: str, says: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse_condition(data)
    assert len(refused.value.errors) == 1
    field, sentence = refused.value.errors[0]
    assert field == where
    assert says in sentence


def test_all_mistakes_are_told_at_once_under_the_path_given() -> None:
    with pytest.raises(ConditionError) as refused:
        parse_condition({"all": [fact("mood", "eq", "x"), {"any": [fact("score", "eq", "x")]}]}, "rules.3.when")
    assert [field for field, _ in refused.value.errors] == [
        "rules.3.when.all.0.field",
        "rules.3.when.all.1.any.0.value",
    ]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "Any lead"),
        ({"all": [fact("country", "in", ["de", "AT"]), fact("score", "gte", 50)]},
         "country is one of DE, AT; score is at least 50"),
        ({"any": [fact("region", "missing"), fact("postcode", "between", ["80", "87"])]},
         "region is not given or postcode is from 80 to 87"),
        ({"all": [fact("received_at", "gt", "2026-03-02T10:00:00+01:00")]},
         "received at is after 2026-03-02 09:00 UTC"),
        ({"all": [fact("custom.seats", "gt", 9)], "not": fact("grade", "eq", "d")},
         "seats is over 9; not (grade is D)"),
        ({"any": [fact("city", "exists"), {"all": [fact("grade", "eq", "A"), fact("score", "lt", 90)]}]},
         "city is given or (grade is A; score is under 90)"),
    ],
)  # fmt: skip
def test_a_condition_in_words(data: Any, sentence: str) -> None:
    assert parse_condition(data).sentence() == sentence


IMPOSSIBLE = [
    of(fact("country", "eq", "DE"), fact("country", "eq", "FR")),
    of(fact("country", "in", ["DE", "AT"]), fact("country", "in", ["FR"])),
    of(fact("country", "in", ["DE", "AT"]), fact("country", "not_in", ["AT", "DE"])),
    of(fact("country", "eq", "DE"), {"any": [fact("country", "eq", "FR"), fact("country", "eq", "AT")]}),
    of(fact("country", "eq", "DE"), **{"not": fact("country", "eq", "de")}),
    of(fact("country", "eq", "DE"), fact("country", "missing")),
    of(fact("country", "exists"), fact("country", "missing")),
    of(fact("city", "eq", "Berlin"), fact("city", "prefix", "M")),
    of(fact("city", "prefix", "Mün"), **{"not": fact("city", "prefix", "M")}),
    of(fact("city", "contains", "x"), **{"not": fact("city", "contains", "X")}),
    of(fact("score", "gt", 60), fact("score", "lt", 50)),
    of(fact("score", "gt", 60), fact("score", "lte", 60)),
    of(fact("score", "between", [10, 20]), fact("score", "gt", 20)),
    of(fact("score", "gt", 100)),
    of(fact("score", "eq", 101)),
    of(fact("employees", "lt", 0)),
    of(fact("score", "gt", 60), **{"not": fact("score", "gt", 50)}),
    of(fact("received_at", "gt", "2026-03-02T09:00:00Z"), fact("received_at", "lt", "2026-03-01T09:00:00Z")),
    of(fact("postcode", "between", ["70", "79"]), fact("postcode", "between", ["80", "81"])),
    of(fact("custom.x", "gt", 5), fact("custom.x", "eq", "many")),
    parse_condition({"not": {}}),
    of({"not": {}}),
]
POSSIBLE = [
    of(),
    of(fact("country", "eq", "DE"), fact("country", "ne", "FR")),
    of(fact("country", "missing"), fact("country", "ne", "FR")),
    of(fact("country", "eq", "DE"), {"any": [fact("country", "eq", "FR"), fact("score", "gt", 5)]}),
    any_of(fact("score", "gt", 100), fact("score", "lt", 100)),
    of(fact("score", "gte", 60), fact("score", "lte", 60)),
    of(fact("score", "gte", 100)),
    of(fact("custom.x", "gt", 5), fact("custom.x", "lt", "b")),
    of(fact("postcode", "between", ["8", "8"]), fact("postcode", "between", ["80", "81"])),
    of(fact("city", "prefix", "M"), **{"not": fact("city", "prefix", "Mün")}),
    of(*[{"any": [fact("city", "eq", f"{n}{m}") for m in range(20)]} for n in range(4)]),
]


@pytest.mark.parametrize("condition", IMPOSSIBLE, ids=Condition.sentence)
def test_a_condition_that_no_lead_can_meet_is_found(condition: Condition) -> None:
    assert "o lead meets this" in (never_holds(condition) or "")


@pytest.mark.parametrize("condition", POSSIBLE, ids=Condition.sentence)
def test_a_condition_that_some_lead_may_meet_is_left_alone(condition: Condition) -> None:
    assert never_holds(condition) is None


@pytest.mark.parametrize(
    ("earlier", "later", "covered"),
    [
        (of(), of(fact("country", "eq", "DE")), True),
        (of(fact("country", "in", ["DE", "AT"])), of(fact("country", "eq", "DE"), fact("score", "gt", 5)), True),
        (of(fact("country", "eq", "DE")), of(fact("country", "in", ["DE", "AT"])), False),
        (of(fact("score", "gte", 50)), of(fact("score", "gt", 60)), True),
        (of(fact("score", "gte", 50)), of(fact("score", "gt", 40)), False),
        (any_of(fact("score", "gt", 50), fact("country", "eq", "DE")), of(fact("country", "eq", "DE")), True),
        (of(fact("postcode", "prefix", "8")), of(fact("postcode", "prefix", "80")), True),
        (of(fact("postcode", "prefix", "80")), of(fact("postcode", "prefix", "8")), False),
        (of(fact("country", "ne", "DE")), of(fact("country", "missing")), True),
        (of(fact("country", "exists")), of(fact("country", "eq", "DE")), True),
        (of(fact("country", "eq", "DE")), of(), False),
    ],
    ids=lambda value: value.sentence() if isinstance(value, Condition) else str(value),
)
def test_one_condition_takes_all_that_another_takes(earlier: Condition, later: Condition, covered: bool) -> None:
    assert takes_all_of(earlier, later) is covered


comparisons = st.one_of(
    st.builds(fact, st.just("country"), st.sampled_from(["eq", "ne"]), st.sampled_from(["DE", "AT", "CH"])),
    st.builds(fact, st.just("country"), st.sampled_from(["in", "not_in"]),
              st.lists(st.sampled_from(["DE", "AT", "CH"]), min_size=1, max_size=3)),
    st.builds(fact, st.just("score"), st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), st.integers(0, 3)),
    st.builds(fact, st.just("score"), st.just("between"), st.sampled_from([[0, 1], [1, 1], [1, 3]])),
    st.builds(fact, st.just("city"), st.sampled_from(["prefix", "contains", "eq", "ne"]), st.sampled_from(["a", "ab"])),
    st.builds(fact, st.sampled_from(["country", "score", "city"]), st.sampled_from(["exists", "missing"])),
)  # fmt: skip
documents = st.recursive(
    comparisons,
    lambda inner: st.builds(
        lambda kind, parts, excluded: {kind: parts, **({"not": excluded} if excluded else {})},
        st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3), st.none() | inner,
    ),
    max_leaves=6,
)  # fmt: skip
WORLD: list[dict[str, object]] = [
    {name: value for name, value in (("country", country), ("score", score), ("city", city)) if value is not None}
    for country in ("DE", "AT", "CH", "FR", None)
    for score in (0, 1, 2, 3, 50, None)
    for city in ("a", "ab", "b", "ba", None)
]


@settings(max_examples=200, deadline=None)
@given(documents, documents)
def test_nothing_is_called_impossible_or_covered_that_some_lead_refutes(one: Any, other: Any) -> None:
    first, second = (parse_condition({"all": [document]}) for document in (one, other))
    if never_holds(first):
        assert not any(first.matches(lead) for lead in WORLD)
    if takes_all_of(first, second):
        assert all(first.matches(lead) for lead in WORLD if second.matches(lead))


RULES = Terms(lists={"vip": frozenset({"Acme GmbH", "Globex"}), "new": frozenset()}, derived=True)


def in_rules(one: dict[str, Any]) -> Condition:
    return parse_condition({"all": [one]}, terms=RULES)


@pytest.mark.parametrize(
    ("one", "facts", "expected"),
    [
        (fact("country", "in", ["group:EU"]), {"country": "DE"}, True),
        (fact("country", "in", ["group:eu", "CH"]), {"country": "CH"}, True),
        (fact("country", "in", ["group:EU"]), {"country": "CH"}, False),
        (fact("country", "in", ["group:EU"]), {"country": "GB"}, False),
        (fact("country", "in", ["group:EEA"]), {"country": "NO"}, True),
        (fact("country", "eq", "group:DACH"), {"country": "AT"}, True),
        (fact("country", "eq", "Group: dach"), {"country": "FR"}, False),
        (fact("country", "ne", "group:NORDICS"), {"country": "SE"}, False),
        (fact("country", "ne", "group:NORDICS"), {}, True),
        (fact("country", "not_in", ["group:BENELUX", "FR"]), {"country": "NL"}, False),
        (fact("company", "in", ["list:vip"]), {"company": " acme gmbh"}, True),
        (fact("company", "in", ["list:vip", "Initech"]), {"company": "Initech"}, True),
        (fact("company", "eq", "list:vip"), {"company": "Globex"}, True),
        (fact("company", "ne", "list:vip"), {"company": "Globex"}, False),
        (fact("company", "not_in", ["list:new"]), {"company": "Globex"}, True),
        (fact("company", "in", ["list:new"]), {"company": "Globex"}, False),
        (fact("custom.account", "in", ["list:vip"]), {"custom.account": "GLOBEX"}, True),
        (fact("arrived", "eq", "out_of_hours"), {"arrived": "out_of_hours"}, True),
        (fact("arrived", "ne", "out_of_hours"), {"arrived": "out_of_hours"}, False),
    ],
    ids=str,
)
def test_groups_lists_and_arrival(one: dict[str, Any], facts: dict[str, object], expected: bool) -> None:
    assert in_rules(one).matches(facts) is expected


@pytest.mark.parametrize(
    ("one", "where", "says"),
    [
        (fact("country", "in", ["group:MOON"]), "value", "no group of countries 'group:MOON'. Use one of group:EU"),
        (fact("country", "prefix", "group:EU"), "value", "no country 'group:EU'"),
        (fact("company", "in", ["list:none"]), "value", "no list 'none': make it first. Use one of new, vip"),
        (fact("arrived", "eq", "late"), "value", "arrived is one of in_hours, out_of_hours"),
        (fact("arrived", "exists"), "op", "arrived is one of two"),
        (fact("score", "in", ["list:vip"]), "value", "score is a number"),
    ],
    ids=str,
)
def test_a_group_or_list_that_is_not_there(one: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(ConditionError) as refused:
        in_rules(one)
    ((field, sentence),) = refused.value.errors
    assert (field, says in sentence) == (f"when.all.0.{where}", True), sentence


@pytest.mark.parametrize(
    ("one", "says"),
    [(fact("company", "in", ["list:vip"]), "in allocation rules only"),
     (fact("arrived", "eq", "in_hours"), "Only allocation rules can ask for arrived")],
)  # fmt: skip
def test_outside_rules_no_list_and_no_arrival(one: dict[str, Any], says: str) -> None:
    with pytest.raises(ConditionError, match=says):
        of(one)


def test_what_was_checked_before_can_be_read_without_its_lists() -> None:
    one = {"all": [fact("company", "in", ["list:gone"]), fact("arrived", "eq", "in_hours")]}
    read = parse_condition(one, terms=READ)
    assert read.sentence() == "company is one of those in the list gone; arrived is in hours"
    assert (read.fields(), read.lists()) == (frozenset({"company", "arrived"}), frozenset({"gone"}))


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_groups_are_of_countries_that_exist(name: str) -> None:
    codes = {country.alpha_2 for country in pycountry.countries}
    assert GROUPS[name].countries <= codes
    assert len(GROUPS[name].countries) > 1


@pytest.mark.parametrize(
    ("condition", "facts", "miss"),
    [
        (of(fact("country", "eq", "DE"), fact("score", "gt", 50)), {"country": "DE", "score": 50},
         "score is over 50, and the lead's is 50"),
        (of(fact("country", "eq", "DE")), {}, "country is DE, and the lead's is not given"),
        (of(fact("city", "missing")), {"city": "x" * 100}, f"city is not given, and the lead's is {'x' * 60}…"),
        (any_of(fact("country", "eq", "DE"), fact("country", "eq", "AT")), {"country": "FR"},
         "none of these holds: country is DE or country is AT"),
        (parse_condition({"not": fact("country", "eq", "FR")}), {"country": "FR"}, "it is excluded: country is FR"),
        (of({"any": [fact("grade", "eq", "A"), fact("score", "gt", 9)]}, fact("city", "exists")),
         {"grade": "B"}, "none of these holds: grade is A or score is over 9"),
        (of(fact("country", "eq", "DE")), {"country": "DE"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_the_first_part_that_does_not_hold(condition: Condition, facts: dict[str, object], miss: str | None) -> None:
    assert condition.first_miss(facts) == miss


def test_of_a_list_nothing_is_claimed_but_that_it_is_not_outside_itself() -> None:
    inside, outside = fact("company", "in", ["list:vip"]), fact("company", "not_in", ["list:vip"])
    never = parse_condition({"all": [inside, outside]}, terms=RULES)
    assert "no lead meets this" in (never_holds(never) or "")
    assert "no lead meets this" in (never_holds(parse_condition({"all": [inside], "not": inside}, terms=RULES)) or "")
    empty = parse_condition({"all": [fact("company", "in", ["list:new"])]}, terms=RULES)
    assert never_holds(empty) is None, "a list may be filled"
    both = parse_condition({"all": [inside, fact("company", "eq", "Initech")]}, terms=RULES)
    assert never_holds(both) is None
    assert takes_all_of(in_rules(inside), parse_condition({"all": [inside, fact("score", "gt", 5)]}, terms=RULES))
    assert not takes_all_of(in_rules(inside), of(fact("company", "eq", "Globex")))


@pytest.mark.parametrize(
    ("tests", "never"),
    [
        ([fact("grade", "not_in", ["A", "B", "C", "D"])], True),
        ([fact("grade", "missing")], True),
        ([fact("grade", "not_in", ["A", "B", "C"])], False),
        ([fact("arrived", "ne", "in_hours"), fact("arrived", "ne", "out_of_hours")], True),
        ([fact("arrived", "ne", "in_hours")], False),
        ([fact("postcode", "between", ["10", "19"]), fact("postcode", "between", ["300", "400"])], False),
        ([fact("country", "in", ["group:DACH"]), fact("country", "in", ["group:NORDICS"])], True),
        ([fact("country", "in", ["group:EU"]), fact("country", "not_in", ["group:EEA"])], True),
    ],
    ids=str,
)
def test_fields_that_are_one_of_a_few(tests: list[Any], never: bool) -> None:
    assert (never_holds(parse_condition({"all": tests}, terms=RULES)) is not None) is never


digits = st.text("0123456789", min_size=1, max_size=4)
ranges = st.tuples(digits, digits)


@given(ranges, ranges, st.lists(digits, max_size=30))
def test_two_ranges_of_postcodes_that_a_code_meets_are_not_called_impossible(
    one: tuple[str, str], other: tuple[str, str], codes: list[str]
) -> None:
    try:
        both = of(fact("postcode", "between", list(one)), fact("postcode", "between", list(other)))
    except ConditionError:
        return
    if never_holds(both):
        assert not any(both.matches({"postcode": code}) for code in [*codes, *one, *other])


def test_a_comparison_is_a_plain_value() -> None:
    assert of(fact("country", "eq", "de")).parts == (Comparison("country", "eq", "DE", "de"),)

"""The conditions of a rule as a form: there and back without loss, whatever is pressed, and each mistake at its row."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from portal.qualification.conditions import READ, parse_condition
from portal.web.admin.rules_conditions import (
    Group,
    Row,
    Written,
    at,
    change,
    numbered,
    ops_for,
    read,
    typed,
)

BERLIN = "Europe/Berlin"
COMPARISONS = [
    {"field": "country", "op": "in", "value": ["DE", "AT"]},
    {"field": "country", "op": "eq", "value": "group:EU"},
    {"field": "product", "op": "ne", "value": "Backup, large"},
    {"field": "employees", "op": "gte", "value": 500},
    {"field": "budget", "op": "between", "value": [1000.5, 20000]},
    {"field": "postcode", "op": "between", "value": ["80", "87"]},
    {"field": "campaign", "op": "missing"},
    {"field": "received_at", "op": "lt", "value": "2026-03-29T01:30:00Z"},
    {"field": "custom.segment", "op": "eq", "value": "5"},
    {"field": "custom.seats", "op": "gt", "value": 5},
    {"field": "custom.vip", "op": "eq", "value": True},
    {"field": "custom.any", "op": "in", "value": ["a", 1, False]},
    {"field": "arrived", "op": "eq", "value": "out_of_hours"},
]
FACTS: list[dict[str, Any]] = [
    {}, {"country": "DE", "employees": 600}, {"country": "FR", "product": "Backup, large", "postcode": "81667"},
    {"custom.segment": "5", "custom.seats": 7, "budget": 5000},
    {"custom.vip": True, "campaign": "Fair", "country": "AT"},
    {"custom.any": 1, "arrived": "out_of_hours", "employees": 20},
]  # fmt: skip


def form_of(root: Group) -> MultiDict[str, str]:
    """What a browser sends of a tree, as the page draws it."""
    sent: MultiDict[str, str] = MultiDict()
    for path, node in numbered(root):
        if isinstance(node, Group):
            sent.add(f"{path}.match", node.match)
            continue
        for name in ("field", "custom", "op", "kind", "text", "low", "high"):
            sent.add(f"{path}.{name}", getattr(node, name))
        sent.add(f"{path}.lines", "\n".join(node.values))
    return sent


def there_and_back(when: dict[str, Any]) -> Any:
    return Written(typed(form_of(read(when, BERLIN))), BERLIN).when


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda each: f"{each['field']} {each['op']}")
def test_a_comparison_comes_back_as_it_was(comparison: dict[str, Any]) -> None:
    assert there_and_back({"all": [comparison]}) == {"all": [comparison]}


@pytest.mark.parametrize(
    "when",
    [
        {"all": [COMPARISONS[0], {"any": [COMPARISONS[3], COMPARISONS[4]]}], "not": COMPARISONS[6]},
        {"any": [{"all": [COMPARISONS[0], COMPARISONS[3]]}, {"not": COMPARISONS[6]}]},
        {"not": {"any": [COMPARISONS[0], COMPARISONS[3]]}},
    ],
)
def test_groups_come_back_as_they_were(when: dict[str, Any]) -> None:
    assert there_and_back(when) == when


def conditions(depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    leaf = st.sampled_from(COMPARISONS)
    part = leaf if depth == 0 else st.one_of(leaf, conditions(depth - 1))
    groups = st.one_of(
        st.fixed_dictionaries({"all": st.lists(part, min_size=1, max_size=3)}, optional={"not": part}),
        st.fixed_dictionaries({"any": st.lists(part, min_size=1, max_size=3)}, optional={"not": part}),
    )
    return groups


@settings(max_examples=60, deadline=None)
@given(conditions())
def test_whatever_was_said_takes_the_same_leads_after_the_form(when: dict[str, Any]) -> None:
    before, after = parse_condition(when, terms=READ), parse_condition(there_and_back(when), terms=READ)
    assert [before.matches(facts) for facts in FACTS] == [after.matches(facts) for facts in FACTS]


def test_nothing_typed_is_every_lead() -> None:
    assert Written(typed(MultiDict()), BERLIN).when is None
    assert there_and_back({}) is None


def test_rows_and_groups_are_added_and_removed_by_path() -> None:
    root = read({"all": [COMPARISONS[0], {"any": [COMPARISONS[3]]}]}, BERLIN)
    assert change(root, "add", "w.1") == "w.1.1" and isinstance(at(root, "w.1.1"), Row)
    assert change(root, "group", "w") == "w.2.0"
    assert change(root, "remove", "w.1.0") == "w.1"
    left = at(root, "w.1.0")
    assert isinstance(left, Row) and left.field == ""
    for nonsense in (("remove", "w"), ("add", "w.0"), ("add", "w.9"), ("remove", "w.x"), ("paint", "w"), ("add", "q")):
        assert change(root, *nonsense) is None


def test_equal_rows_are_told_apart_by_their_place() -> None:
    root = read({"all": [COMPARISONS[0], COMPARISONS[3], COMPARISONS[0]]}, BERLIN)
    change(root, "remove", "w.2")
    assert [row.field for row in root.parts if isinstance(row, Row)] == ["country", "employees"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (Row(), "Choose a field, or remove this condition."),
        (Row("custom", ""), "Give the name of your own field."),
    ],
)
def test_an_unfinished_row_is_told_at_the_row(row: Row, sentence: str) -> None:
    written = Written(Group("all", [row]), BERLIN)
    assert written.refused and row.errors == [sentence]


def test_an_empty_group_is_told_at_the_group() -> None:
    empty = Group("any")
    assert Written(Group("all", [Row("grade", text="A"), empty]), BERLIN).refused
    assert empty.errors == ["Add a condition to this group, or remove it."]
    none = Group("none")
    assert Written(Group("any", [none]), BERLIN).refused and none.errors


def test_refusals_by_path_land_on_their_rows() -> None:
    root = read({"all": [COMPARISONS[0], {"any": [COMPARISONS[3], COMPARISONS[4]]}], "not": COMPARISONS[6]}, BERLIN)
    written = Written(root, BERLIN)
    paths = {"when.all.1.any.1.value": "w.1.1", "when.not.value": "w.2.0", "when.all.0": "w.0"}
    for path, place in paths.items():
        assert list(written.refuse([(path, f"At {place}.")])) == []
        node = at(root, place)
        assert node is not None and node.errors == [f"At {place}."]
    assert list(written.refuse([("when", "Never.")])) == ["Never."]


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (Row("country", text="germany"), "DE"),
        (Row("country", text="at"), "AT"),
        (Row("country", text="Atlantis"), "Atlantis"),
        (Row("employees", op="gt", text="1 000"), 1000),
        (Row("budget", op="gt", text="12,5"), 12.5),
        (Row("employees", op="gt", text="many"), "many"),
        (Row("custom", "vip", kind="flag", text="No"), False),
        (Row("custom", "seats", kind="number", text="7"), 7),
        (Row("custom", "seats", text="7"), "7"),
        (Row("received_at", op="gt", text="2026-03-02T10:00"), "2026-03-02T09:00:00Z"),
        (Row("received_at", op="gt", text="soon"), "soon"),
    ],
)
def test_what_is_typed_becomes_the_value_of_its_kind(row: Row, value: object) -> None:
    written = Written(Group("all", [row]), BERLIN)
    assert written.when is not None
    assert written.when["all"][0]["value"] == value and type(written.when["all"][0]["value"]) is type(value)


def test_an_operator_that_the_field_has_not_is_changed_and_what_was_typed_kept() -> None:
    sent = MultiDict({"w.match": "all", "w.0.field": "employees", "w.0.op": "prefix", "w.0.text": "500"})
    row = typed(sent).parts[0]
    assert isinstance(row, Row) and row.op == ops_for("employees")[0] and row.text == "500"
    pair = typed(MultiDict({"w.match": "all", "w.0.field": "score", "w.0.op": "between", "w.0.text": "5"})).parts[0]
    assert isinstance(pair, Row) and (pair.low, pair.high) == ("5", "")
    several = MultiDict([("w.match", "all"), ("w.0.field", "country"), ("w.0.op", "in"), ("w.0.pick", "DE"),
                         ("w.0.pick", "AT"), ("w.0.lines", "france, CH\nIT")])  # fmt: skip
    listed = typed(several).parts[0]
    assert isinstance(listed, Row) and listed.values == ["DE", "AT", "france", "CH", "IT"]


def test_a_form_that_grew_beyond_all_bounds_is_cut() -> None:
    sent = MultiDict({"w.match": "all", **{f"w.{n}.field": "country" for n in range(999)}})
    assert len(typed(sent).parts) < 401
    assert typed(MultiDict({"w.match": "each", "w.0.field": "a\x00b"})).match == "all"

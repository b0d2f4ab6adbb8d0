"""Rules as YAML: an exact round trip, what people type, and each refusal with its line."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.allocation.yaml_form import LONGEST, YamlError, from_yaml, to_yaml

NASTY = st.sampled_from(
    ["NO", "yes", "on", "null", "~", "true", "01067", "80331", "1e3", "1.5", "0x1F", "12:30:45", "2026-03-02", "-", "#",
     "a: b", "- x", "", " ", "\n", "\x85", "\ufeff", "=", "<<", "&a", "*a", "!x", "%y", "'", '"', "é", "𝄞"]
)  # fmt: skip
texts = NASTY | st.text(max_size=20)
scalars = texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=12
)


@settings(max_examples=150)
@given(st.lists(documents, max_size=4), texts)
def test_what_is_written_is_read_as_the_very_same(rules: list[Any], note: str) -> None:
    text = to_yaml(rules, note, 12, {"x1": "Nordhaven\nSystems"})
    back, said = from_yaml(text)
    assert (repr(back), said) == (repr(rules), note)
    assert to_yaml(back, said, 12, {"x1": "Nordhaven\nSystems"}) == text


RULE = {
    "name": "Norway", "when": {"all": [{"field": "country", "op": "eq", "value": "NO"}]},
    "pool": {"partners": ["id-1"]}, "strategy": {"kind": "least_loaded"}, "then": "queue",
}  # fmt: skip


def test_an_export_names_the_partners_that_it_uses() -> None:
    text = to_yaml([RULE], "why", 3, {"id-1": "Nordhaven", "id-2": "Sudberg"})
    assert "#   id-1  Nordhaven\n" in text
    assert "Sudberg" not in text
    assert "version: 3\nnote: why\nrules:\n- name: Norway\n" in text


def test_two_parts_that_are_alike_are_both_written_out() -> None:
    text = to_yaml([RULE, RULE])
    assert "&" not in text
    assert from_yaml(text)[0] == [RULE, RULE]


def test_short_words_that_people_type_stay_words() -> None:
    typed = """
    - name: Norway
      when: {all: [{field: country, op: in, value: [NO, SE]}, {field: postcode, op: prefix, value: 01067},
                   {field: received_at, op: gt, value: 2026-03-02T09:00:00Z}, {field: score, op: gte, value: 55},
                   {field: custom.partner, op: eq, value: true}, {field: city, op: eq, value: on}]}
      strategy: {kind: best_conversion, floor_share: 0.2}
    """
    rules, note = from_yaml(typed)
    values = [part["value"] for part in rules[0]["when"]["all"]]
    assert values == [["NO", "SE"], "01067", "2026-03-02T09:00:00Z", 55, True, "on"]
    assert (rules[0]["strategy"]["floor_share"], note) == (0.2, "")


def test_json_is_read_as_well() -> None:
    assert from_yaml('{"note": "x", "rules": [{"name": "All", "when": null}]}') == (
        [{"name": "All", "when": None}],
        "x",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules: [", "Line 1, column 9 cannot be read as YAML"),
        ("rules:\n- a\nb", "Line 3, column 2 cannot be read as YAML"),
        ("", "Give a list of rules"),
        ("hello", "Give a list of rules"),
        ("note: x", "Give a list of rules"),
        ("rules: {}", "Give a list of rules"),
        ("rules: []\ncolour: red", "There is no 'colour' beside rules"),
        ("rules: []\nnote: [x]", "The note is a text"),
        ("rules: []\nnote: 12", "The note is a text"),
        ("rules: []\nnote: a\nnote: b", "says note twice"),
        ("- {1: x}", "Line 1 has a key that is no text"),
        ("- &a [x]\n- *a", "Line 2 refers to another part"),
        ("- !!python/object/apply:os.system [id]", "cannot be read as YAML"),
        ("a\x00b", "cannot be read as YAML"),
        ("--- []\n--- []", "cannot be read as YAML"),
        ("[" * 2000, "cannot be read as YAML"),
        ("x" * (LONGEST + 1), "too long"),
    ],
    ids=lambda text: text[:30],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(YamlError) as refused:
        from_yaml(text)
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")

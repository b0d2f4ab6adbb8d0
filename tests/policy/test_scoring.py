"""The lead definition: points, grades, who qualifies, and each refusal."""

from typing import Any

import pytest

from portal.qualification.policy import DefinitionError, Score, parse_definition, score


def criterion(name: str, points: int, field: str = "product", value: str = "Widget") -> dict[str, Any]:
    return {"name": name, "points": points, "when": {"all": [{"field": field, "op": "eq", "value": value}]}}


BODY: dict[str, Any] = {
    "criteria": [
        criterion("Asks for the widget", 50),
        criterion("In Germany", 30, "country", "DE"),
        criterion("From the fair", 40, "source", "fair"),
        criterion("A student", -60, "custom.role", "student"),
    ],
    "grades": {"A": 70, "B": 40, "C": 10},
    "qualify_from": 20,
    "nurture_below": 40,
}


def test_without_a_definition_every_lead_qualifies_with_grade_c() -> None:
    assert score(None, {"product": "Widget"}) == Score(None, "C", (), True, False, None)


@pytest.mark.parametrize(
    ("facts", "points", "grade", "qualified", "nurture"),
    [
        ({"product": "widget", "country": "DE"}, 80, "A", True, False),
        ({"product": "widget", "country": "DE", "source": "fair"}, 100, "A", True, False),
        ({"product": "widget"}, 50, "B", True, False),
        ({"source": "fair"}, 40, "B", True, False),
        ({"country": "DE"}, 30, "C", False, True),
        ({"product": "widget", "source": "fair", "custom.role": "student"}, 30, "C", False, True),
        ({"product": "widget", "country": "DE", "custom.role": "student"}, 20, "C", False, True),
        ({"country": "DE", "custom.role": "student"}, 0, "D", False, False),
        ({}, 0, "D", False, False),
    ],
)
def test_points_make_the_grade_and_say_who_qualifies(
    facts: dict[str, object], points: int, grade: str, qualified: bool, nurture: bool
) -> None:
    scored = score(parse_definition(BODY), facts)
    assert (scored.points, scored.grade, scored.qualified, scored.nurture) == (points, grade, qualified, nurture)
    assert (scored.reason is None) is qualified


def test_a_score_names_what_it_is_made_of_and_what_was_missing() -> None:
    definition = parse_definition(BODY)
    assert score(definition, {"product": "Widget", "country": "DE"}).reasons == ("Asks for the widget", "In Germany")
    assert score(definition, {}).reason == "Scored 0; a lead qualifies from 20"
    assert score(definition, {"country": "DE"}).reason == "Scored 30; ready for partners from 40"


def test_without_cuts_every_lead_qualifies() -> None:
    scored = score(parse_definition({"criteria": BODY["criteria"], "grades": {"A": 50}}), {})
    assert (scored.points, scored.grade, scored.qualified) == (0, "D", True)


def changed(**changes: Any) -> dict[str, Any]:
    return {**BODY, **changes}


def with_criterion(**changes: Any) -> dict[str, Any]:
    return changed(criteria=[{**criterion("One", 10), **changes}])


@pytest.mark.parametrize(
    ("body", "where", "says"),
    [
        ([], "", "an object"),
        (changed(weights={}), "weights", "A definition has"),
        (changed(criteria=[]), "criteria", "1 to 100"),
        (changed(criteria={}), "criteria", "1 to 100"),
        (changed(criteria=[criterion("One", 1)] * 101), "criteria", "1 to 100"),
        (changed(criteria=["One"]), "criteria.0", "name, when, and points"),
        (with_criterion(colour="red"), "criteria.0", "name, when, and points"),
        (with_criterion(name=" "), "criteria.0.name", "Give a name"),
        (with_criterion(name="x" * 201), "criteria.0.name", "Give a name"),
        (with_criterion(points=101), "criteria.0.points", "-100 to 100"),
        (with_criterion(points=1.5), "criteria.0.points", "-100 to 100"),
        (with_criterion(points=True), "criteria.0.points", "-100 to 100"),
        (
            with_criterion(when={"all": [{"field": "mood", "op": "eq", "value": 1}]}),
            "criteria.0.when.all.0.field",
            "no f",
        ),
        (changed(grades={}), "grades", "from how many points"),
        (changed(grades={"E": 1}), "grades", "from how many points"),
        (changed(grades={"A": 101}), "grades", "0 to 100"),
        (changed(grades={"A": "70"}), "grades", "0 to 100"),
        (changed(grades={"A": 40, "B": 70}), "grades", "A better grade"),
        (changed(grades={"A": 40, "B": 40}), "grades", "A better grade"),
        (changed(qualify_from=-1), "qualify_from", "0 to 100"),
        (changed(nurture_below="40"), "nurture_below", "0 to 100"),
        (changed(qualify_from=40, nurture_below=40), "nurture_below", "more than qualify_from"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_definition_that_cannot_be_used_is_refused_with_a_sentence(body: Any, where: str, says: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(body)
    assert [field for field, _ in refused.value.errors] == [where]
    assert says in refused.value.errors[0][1]

"""The lead definition: criteria that give points, and cut-offs that make grades of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.qualification.conditions import GRADES, Condition, ConditionError, parse_condition

DEFAULT_GRADE = "C"
HIGHEST = 100


class DefinitionError(ValueError):
    """A definition that cannot be used; ``errors`` are (dotted path, sentence)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {sentence}" for where, sentence in errors))
        self.errors = errors


@dataclass(frozen=True)
class Criterion:
    """A condition and the points it gives (or takes, below zero)."""

    name: str
    condition: Condition
    points: int


@dataclass(frozen=True)
class Definition:
    """A published definition. ``grades``: (grade, from how many points), best first."""

    criteria: tuple[Criterion, ...]
    grades: tuple[tuple[str, int], ...]
    qualify_from: int | None = None
    nurture_below: int | None = None


@dataclass(frozen=True)
class Score:
    """How a lead measures up. ``points``: 0 to 100, None without a definition. ``nurture``: kept, not yet allocated."""

    points: int | None
    grade: str
    reasons: tuple[str, ...] = ()
    qualified: bool = True
    nurture: bool = False
    reason: str | None = None


def score(definition: Definition | None, facts: Mapping[str, object]) -> Score:
    """Measure a lead.

    1. Without a definition every lead is qualified, grade C, without a score.
    2. The points of the criteria that hold, kept between 0 and 100; the grade is the best cut-off they reach.
    3. Below ``qualify_from`` it is disqualified; else below ``nurture_below`` it is kept for nurture.
    """
    if definition is None:
        return Score(None, DEFAULT_GRADE)
    holding = [c for c in definition.criteria if c.condition.matches(facts)]
    points = max(0, min(HIGHEST, sum(c.points for c in holding)))
    grade = next((grade for grade, start in definition.grades if points >= start), GRADES[-1])
    reasons = tuple(c.name for c in holding)
    if definition.qualify_from is not None and points < definition.qualify_from:
        reason = f"Scored {points}; a lead qualifies from {definition.qualify_from}"
        return Score(points, grade, reasons, qualified=False, reason=reason)
    if definition.nurture_below is not None and points < definition.nurture_below:
        reason = f"Scored {points}; ready for partners from {definition.nurture_below}"
        return Score(points, grade, reasons, qualified=False, nurture=True, reason=reason)
    return Score(points, grade, reasons)


def parse_definition(data: object) -> Definition:
    """``{criteria: [{name, when, points}], grades: {A, B, C}, qualify_from?, nurture_below?}``.

    Raises DefinitionError with every mistake at once.
    """
    errors: list[tuple[str, str]] = []
    if not isinstance(data, Mapping):
        raise DefinitionError([("", "Give an object with criteria and grades.")])
    for key in set(data) - {"criteria", "grades", "qualify_from", "nurture_below"}:
        errors.append((str(key), "A definition has criteria, grades, qualify_from and nurture_below."))
    definition = Definition(
        _criteria(data.get("criteria"), errors),
        _grades(data.get("grades"), errors),
        _cut(data, "qualify_from", errors),
        _cut(data, "nurture_below", errors),
    )
    if (start := definition.qualify_from) is not None and start >= (definition.nurture_below or HIGHEST + 1):
        errors.append(("nurture_below", "Nurture is for leads that qualify: give more than qualify_from."))
    if errors:
        raise DefinitionError(errors)
    return definition


def _criteria(data: object, errors: list[tuple[str, str]]) -> tuple[Criterion, ...]:
    if not isinstance(data, list) or not 1 <= len(data) <= 100:
        errors.append(("criteria", "Give 1 to 100 criteria."))
        return ()
    read = (_criterion(item, f"criteria.{n}", errors) for n, item in enumerate(data))
    return tuple(c for c in read if c is not None)


def _criterion(item: object, path: str, errors: list[tuple[str, str]]) -> Criterion | None:
    if not isinstance(item, Mapping) or set(item) - {"name", "when", "points"}:
        errors.append((path, "A criterion has a name, when, and points."))
        return None
    name, points = item.get("name"), item.get("points")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        errors.append((f"{path}.name", "Give a name of at most 200 characters."))
    if isinstance(points, bool) or not isinstance(points, int) or not -HIGHEST <= points <= HIGHEST:
        errors.append((f"{path}.points", "Give whole points from -100 to 100."))
        points = 0
    try:
        return Criterion(str(name), parse_condition(item.get("when"), f"{path}.when"), points)
    except ConditionError as error:
        errors += error.errors
        return None


def _grades(data: object, errors: list[tuple[str, str]]) -> tuple[tuple[str, int], ...]:
    if not isinstance(data, Mapping) or not data or set(data) - set(GRADES):
        errors.append(("grades", "Give from how many points each grade counts, such as A: 70, B: 40, C: 0."))
        return ()
    cuts = [(grade, data[grade]) for grade in GRADES if grade in data]
    if any(isinstance(cut, bool) or not isinstance(cut, int) or not 0 <= cut <= HIGHEST for _, cut in cuts):
        errors.append(("grades", "Each grade begins at a whole number from 0 to 100."))
        return ()
    if [cut for _, cut in cuts] != sorted({cut for _, cut in cuts}, reverse=True):
        errors.append(("grades", "A better grade begins at more points than the next."))
    return tuple(cuts)


def _cut(data: Mapping[str, Any], name: str, errors: list[tuple[str, str]]) -> int | None:
    value = data.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HIGHEST):
        errors.append((name, "Give a whole number from 0 to 100, or leave it out."))
        return None
    return value

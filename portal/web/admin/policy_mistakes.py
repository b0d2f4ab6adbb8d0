"""What is wrong with a policy that was typed, put on its fields: each sentence of the document finds its place."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Form

from portal.web.admin.policy_form import ANY, GRADE, OTHER, RATES, EntryForm, PolicyForm, SeverityForm, SpanForm

#: Where a field has another name than the document.
FIELDS = {(SeverityForm, "update"): "update_", (SpanForm, "clock"): "unit"}
RATE = "Give a percentage from 0 to 100."
#: Where the document's sentence speaks of its own words, the form's.
SAID = {
    "The last respond deadline must take every lead; leave its when out.":
        "The last answer to an offer must be for any lead: else some offers would wait for ever.",
    "Add a respond deadline: without one an offer waits for ever.":
        "Add a deadline to answer the offer: without one an offer waits for ever.",
    "Give how long the partner has: value, unit and clock.": "Give how long the partner has.",
    "Give less than within.": "The warning must come before the deadline.",
    "The warning must come before the deadline; give less than within.":
        "The warning must come before the deadline: give less.",
}  # fmt: skip


def told_on(form: PolicyForm, errors: Iterable[tuple[str, str]]) -> list[tuple[str | None, str]]:
    """Put each sentence on its field; for the error summary: (field id, sentence), with which deadline it is."""
    lines: list[tuple[str | None, str]] = []
    for path, sentence in errors:
        parts = path.split(".")
        field, said = _field(form, parts), _said(parts, sentence)
        if field is not None:
            field.errors = [*(field.errors or []), said]
        lines.append((_anchor(field), _where(parts) + said))
    return lines


def wrong_fields(fields: Iterable[Any], where: str = "") -> Iterator[tuple[str | None, str]]:
    """What the fields' own checks refused, at any depth, for the error summary."""
    for field in fields:
        inside = field.form if field.type == "FormField" else field if field.type == "FieldList" else None
        if inside is None:
            yield from ((_anchor(field), f"{where}{field.label.text}: {error}") for error in field.errors)
            continue
        numbered = field.name.startswith("obligations-") and field.name.count("-") == 1
        yield from wrong_fields(inside, f"Deadline {int(field.name[12:]) + 1}: " if numbered else where)


def _anchor(field: Any) -> str | None:
    """The id to jump to."""
    if field is None:
        return None
    return f"{field.id}-0" if field.type in ("RadioField", "SelectMultipleField") else str(field.id)


def _where(parts: Sequence[str]) -> str:
    return f"Deadline {int(parts[1]) + 1}: " if parts[0] == "obligations" and len(parts) > 1 else ""


def _said(parts: Sequence[str], sentence: str) -> str:
    if parts[-1] in RATES:
        order = "Give at most" in sentence
        return "The rungs come in this order: give at most the rate of the rung above." if order else RATE
    inside = ".".join(parts[3:]) if parts[2:3] == ["when"] else ""
    return f"{inside}: {sentence}" if inside else SAID.get(sentence, sentence)


def _field(form: PolicyForm, parts: Sequence[str]) -> Any:
    """The field of a dotted path of the document, or the nearest above it; None: it belongs to the whole form."""
    found: Any = form
    for part in parts:
        inner = _inner(found, part)
        if inner is None:
            break
        found = inner
    while getattr(found, "type", "") == "FormField":
        found = next(iter(found.form))
    return None if found is form or found.type == "FieldList" else found


def _inner(found: Any, part: str) -> Any:
    if getattr(found, "type", "") == "FieldList":
        return found[int(part)] if part.isdecimal() and int(part) < len(found) else None
    inside = found.form if getattr(found, "type", "") == "FormField" else found
    if not isinstance(inside, Form | FlaskForm):
        return None
    if isinstance(inside, EntryForm) and part in ("when", "on_breach"):
        return _of_condition(inside) if part == "when" else inside
    name = FIELDS.get((type(inside), part), part)
    return next((field for field in inside if field.short_name == name), None)


def _of_condition(entry: EntryForm) -> Any:
    return {OTHER: entry.other, GRADE: entry.grades}.get(entry.applies.data or ANY, entry.applies)

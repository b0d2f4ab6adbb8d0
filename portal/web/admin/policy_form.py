"""A policy as a form: its fields, filled from a document and read back as one. What is wrong the document says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from flask_wtf import FlaskForm
from wtforms import (
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length

from portal.deadlines.document import Reader
from portal.errors import Invalid
from portal.qualification.conditions import GRADES
from portal.vocabulary import ObligationKind
from portal.web.admin import policy_example
from portal.web.staff.documents import NOTE, as_text, from_text

ANY, GRADE, OTHER = "any", "grade", "other"
RATES = ("warn_below", "reduce_below", "stop_below")
UNITS = (
    ("minutes business", "business minutes"), ("hours business", "business hours"), ("days business", "business days"),
    ("minutes calendar", "minutes, day and night"), ("hours calendar", "hours, day and night"),
    ("days calendar", "calendar days"),
)  # fmt: skip
MOVES = (("yes", "The lead moves on"), ("no", "The lead stays, to be caught up with"))
NEW_ENTRY = {
    "kind": "next_touch", "within": {"value": 5, "unit": "days", "clock": "business"}, "touches": 3,
    "on_breach": {"reassign": False, "notify": ["partner", "manager"]},
}  # fmt: skip


def pairs(words: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """(value, label) pairs as choices."""
    return [SelectChoice(value, label) for value, label in words]


def line(label: str) -> StringField:
    """A number or a text as typed: the document says what is wrong with it, and it stays as it is."""
    return StringField(label, [Length(max=100, message="Use at most 100 characters.")])


class SpanForm(Form):
    """A duration; without a value there is none. ``unit``: unit and clock in one choice."""

    value = line("How long")
    unit = SelectField("Unit", choices=pairs(UNITS), default="days business", validate_choice=False)

    def fill(self, span: Mapping[str, Any] | None, unit: str = "days business") -> None:
        """Show a duration of a document; of none, only ``unit``."""
        self.value.data = str(span["value"]) if span else ""
        self.unit.data = f"{span['unit']} {span['clock']}" if span else unit

    def body(self) -> dict[str, Any] | None:
        """The duration as a document has it."""
        if not (self.value.data or "").strip():
            return None
        unit, _, clock = (self.unit.data or "").partition(" ")
        return {"value": number(self.value.data), "unit": unit, "clock": clock}


def span_of(field: Any) -> SpanForm:
    """The duration within a field."""
    return cast(SpanForm, field.form)


class EntryForm(Form):
    """One deadline."""

    kind = SelectField("What is due", choices=pairs((k.value, k.label) for k in ObligationKind), validate_choice=False)
    applies = SelectField(
        "For",
        choices=pairs(((ANY, "Any lead"), (GRADE, "Leads of some grades"), (OTHER, "Leads that meet a condition"))),
        validate_choice=False,
    )
    grades = SelectMultipleField("Grades", choices=pairs((g, g) for g in GRADES), validate_choice=False)
    other = TextAreaField("Condition", [Length(max=20_000, message="Use at most 20,000 characters.")])
    within = FormField(SpanForm, "Within")
    warn_before = FormField(SpanForm, "Warn before")
    reassign = SelectField("When it is missed", choices=pairs(MOVES), default="no", validate_choice=False)
    notify = SelectMultipleField(
        "Told of a miss", choices=pairs((r.value, r.value.capitalize()) for r in Reader), validate_choice=False
    )
    touches = line("Touches in all")
    repeat = FormField(SpanForm, "Asked again after")

    def fill(self, entry: Mapping[str, Any]) -> None:
        """Show one deadline of a document; what is left out is shown as none."""
        on_breach = entry.get("on_breach") or {}
        self.kind.data = entry["kind"]
        self.applies.data, self.grades.data, self.other.data = condition_shown(entry.get("when"))
        self.reassign.data = "yes" if on_breach.get("reassign") else "no"
        self.notify.data = list(on_breach.get("notify") or [])
        self.touches.data = "" if entry.get("touches") is None else str(entry["touches"])
        for name in ("within", "warn_before", "repeat"):
            span_of(self[name]).fill(entry.get(name))

    def body(self, when: Any) -> dict[str, Any]:
        """The deadline as a document has it, for the leads that meet ``when``."""
        kind = self.kind.data
        found: dict[str, Any] = {
            "kind": kind,
            "when": when,
            "within": span_of(self.within).body(),
            "warn_before": span_of(self.warn_before).body(),
            "on_breach": {"reassign": self.reassign.data == "yes", "notify": list(self.notify.data or [])},
        }
        # What means nothing for the kind is hidden from the eye by the page; here it is left out.
        if kind == ObligationKind.NEXT_TOUCH and (self.touches.data or "").strip():
            found["touches"] = number(self.touches.data)
        if kind == ObligationKind.FEEDBACK:
            found["repeat"] = span_of(self.repeat).body()
        return found

    def when(self) -> Any:
        """The condition as a document has it. Raises Invalid where it is none."""
        if self.applies.data == ANY:
            return None
        if self.applies.data == OTHER:
            return from_text(self.other.data)
        chosen = list(self.grades.data or [])
        if not chosen:
            raise Invalid([("grades", "Choose at least one grade, or any lead.")])
        value = {"op": "eq", "value": chosen[0]} if len(chosen) == 1 else {"op": "in", "value": chosen}
        return {"all": [{"field": "grade", **value}]}


def condition_shown(when: Any) -> tuple[str, list[str], str]:
    """A condition as the form shows it: which way, the grades, the text."""
    if not when:
        return ANY, [], ""
    parts = when.get("all") if set(when) == {"all"} else None
    only = parts[0] if isinstance(parts, list) and len(parts) == 1 else {}
    if only.get("field") == "grade" and only.get("op") in ("eq", "in"):
        value = only["value"]
        grades = [str(each).upper() for each in (value if isinstance(value, list) else [value])]
        return GRADE, grades, ""
    return OTHER, [], as_text(when)


class ProbationForm(Form):
    days = line("Business days")
    open_lead_cap = line("Open leads at most")


class SeverityForm(Form):
    """How heavily each kind weighs in the rate; empty weighs 1."""

    respond = line(ObligationKind.RESPOND.label)
    first_contact = line(ObligationKind.FIRST_CONTACT.label)
    next_touch = line(ObligationKind.NEXT_TOUCH.label)
    feedback = line(ObligationKind.FEEDBACK.label)
    update_ = line(ObligationKind.UPDATE.label)


class LadderForm(Form):
    window_days = line("Days counted")
    minimum_sample = line("Counted from how many due")
    warn_below = line("Warned below, in %")
    reduce_below = line("Reduced below, in %")
    stop_below = line("Stopped below, in %")
    stop_on_overdue = line("Stopped at how many overdue")
    breaches_in_a_row = line("Stopped at how many missed in a row")
    stop_days = line("Business days of a stop")
    decay_days = line("Days until a miss is forgotten")
    probation = FormField(ProbationForm)
    severity = FormField(SeverityForm)


class VendorForm(Form):
    hand_over_within = FormField(SpanForm, "We hand a lead over within")
    appeal_within = FormField(SpanForm, "We answer an appeal within")


class PolicyForm(FlaskForm):  # type: ignore[misc]
    """A whole policy. ``revision``: the one of the draft that was read."""

    revision = HiddenField()
    obligations = FieldList(FormField(EntryForm))
    ladder = FormField(LadderForm)
    hand_overs = line("Moves before a lead waits for a manager")
    grace_minutes = line("Grace, in minutes")
    vendor = FormField(VendorForm)
    note = StringField("What changes, and why", [Length(max=NOTE, message=f"Use at most {NOTE} characters.")])
    example = FormField(policy_example.ExampleForm)

    def read(self) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The document that was typed, and what of it is no value at all: there it says any lead."""
        entries, errors = self.entry_bodies()
        plain = [body or entry.form.body(None) for body, entry in zip(entries, self.obligations, strict=True)]
        return {
            "obligations": plain,
            "ladder": self.ladder_body(),
            "hand_overs": number(self.hand_overs.data),
            "grace_minutes": number(self.grace_minutes.data),
            "vendor": {field.short_name: span_of(field).body() for field in self.vendor.form},
        }, errors

    def ladder_body(self) -> dict[str, Any]:
        """The ladder as a document has it."""
        ladder = self.ladder.form
        inner = (*RATES, "probation", "severity")
        weights = ((field.short_name.rstrip("_"), field.data) for field in ladder.severity.form)
        return {
            **{field.short_name: number(field.data) for field in ladder if field.short_name not in inner},
            **{name: share(ladder[name].data) for name in RATES},
            "probation": {field.short_name: number(field.data) for field in ladder.probation.form},
            "severity": {kind: number(weight) for kind, weight in weights if (weight or "").strip()},
        }

    def entry_bodies(self) -> tuple[list[dict[str, Any] | None], list[tuple[str, str]]]:
        """Each deadline as a document has it, None for one that cannot be read, and why not."""
        bodies: list[dict[str, Any] | None] = []
        errors: list[tuple[str, str]] = []
        for place, entry in enumerate(self.obligations):
            try:
                bodies.append(entry.form.body(entry.form.when()))
            except Invalid as refusal:
                bodies.append(None)
                errors += [(f"obligations.{place}.{'other' if n == 'text' else n}", s) for n, s in refusal.errors]
        return bodies, errors


def filled(body: Mapping[str, Any], revision: int, note: str) -> PolicyForm:
    """The form with a document in it."""
    form = PolicyForm(formdata=None)
    form.revision.data, form.note.data = str(revision), note
    for entry in body["obligations"]:
        form.obligations.append_entry()
        form.obligations[-1].form.fill(entry)
    _fill_ladder(form.ladder.form, body["ladder"])
    form.hand_overs.data, form.grace_minutes.data = str(body["hand_overs"]), str(body["grace_minutes"])
    for name, span in (body.get("vendor") or {}).items():
        span_of(form.vendor.form[name]).fill(span)
    return form


def _fill_ladder(form: Any, ladder: Mapping[str, Any]) -> None:
    for field in form:
        name = field.short_name
        if name in RATES:
            field.data = f"{ladder[name] * 100:.10g}"
        elif name not in ("probation", "severity"):
            field.data = str(ladder[name])
    for field in form.probation.form:
        field.data = str(ladder["probation"][field.short_name])
    for field in form.severity.form:
        weight = ladder["severity"].get(field.short_name.rstrip("_"))
        field.data = "" if weight is None else f"{weight:g}"


def rearranged(form: PolicyForm, what: str, place: int) -> bool:
    """Add a deadline at the end, take one out, or move it up or down; False where there is no such place.

    Works on what was typed, so that nothing is lost; the fields get new names when the page is written.
    """
    typed = [entry.data for entry in form.obligations]
    if what == "add":
        return _retyped(form, typed, add=True)
    if not 0 <= place < len(typed):
        return False
    if what == "remove":
        typed.pop(place)
    else:
        to = min(max(place + (1 if what == "down" else -1), 0), len(typed) - 1)
        typed.insert(to, typed.pop(place))
    return _retyped(form, typed)


def _retyped(form: PolicyForm, typed: Sequence[Mapping[str, Any]], add: bool = False) -> bool:
    while form.obligations.entries:
        form.obligations.pop_entry()
    for data in typed:
        form.obligations.append_entry(data)
    if add:
        form.obligations.append_entry()
        form.obligations[-1].form.fill(NEW_ENTRY)
    return True


def number(text: str | None) -> Any:
    """What was typed as a number of a document, whole where it is; else as it was typed, for the check to refuse."""
    stripped = (text or "").strip()
    try:
        value = float(stripped.replace(",", "."))
    except ValueError:
        return stripped
    return int(value) if value.is_integer() and len(stripped) < 16 and "." not in stripped else value


def share(text: str | None) -> Any:
    """A percentage as a share from 0 to 1; else as it was typed."""
    value = number(text)
    return value if isinstance(value, str) else round(value / 100, 10)

"""A draft of the rules, edited rule by rule: begun, added to, changed, ordered, thrown away; no change is lost."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField

from models.allocation import RuleVersion
from models.base import db
from models.session import unit
from portal.allocation import drafts
from portal.allocation.drafts import Overtaken
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import rule_words, rules_choices, rules_conditions, rules_reading
from portal.web.admin.rules_choices import Choices
from portal.web.admin.rules_conditions import Group, Written
from portal.web.admin.rules_form import FEW, KINDS, PLACES, THEN, RuleForm
from portal.web.shell import saved, when, zone
from portal.web.visitor import actor, now

rules_edit = Blueprint("rules_edit", __name__, url_prefix="/rules")
gate.only(rules_edit, *gate.ADMINS)


class RevisionForm(FlaskForm):  # type: ignore[misc]
    """A press of a button, made on a draft as it was read."""

    revision = HiddenField()


def revision_of(form: Any) -> int:
    """The revision that a form was made from; 0, which no draft has, where it says none."""
    text = form.revision.data or ""
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def page_of(version_id: str, place: int | None = None) -> str:
    """The address of a version's page, at one of its rules."""
    return url_for("rules.version", version_id=version_id, _anchor=f"rule-{place + 1}" if place is not None else None)


@rules_edit.post("/start")
def start() -> ResponseReturnValue:
    """A draft that begins as the version named, or as the live one."""
    named = request.form.get("from")
    source = rules_reading.found(named).id if named else getattr(rules_reading.live(), "id", None)
    made = unit(db.session, lambda: drafts.begin(db.session, source, now(), actor()))
    saved(f"Draft {made.number} is begun. Nothing changes before you publish it.")
    return redirect(page_of(made.id))


def _draft(version_id: str) -> RuleVersion:
    version = rules_reading.found(version_id)
    if version.state is not VersionState.DRAFT:
        raise Conflict(f"Version {version.number} is published: it no longer changes. Start a new draft from it.")
    return version


def _place(draft: RuleVersion, text: str) -> int | None:
    """The place that was asked for, from 0; None where none was. Raises NotFound where no rule stands there."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= len(draft.rules):
        raise NotFound
    return int(text) - 1


# ---------- One rule ----------


@rules_edit.route("/<version_id>/rule", methods=["GET", "POST"])
def rule(version_id: str) -> ResponseReturnValue:
    """One rule of a draft, or a new one: read, worked on without a save, saved."""
    draft, form, choices = _draft(version_id), RuleForm(), Choices()
    if request.method == "GET":
        return _fresh(draft, form, choices)
    conditions = rules_conditions.typed(request.form)
    if revision_of(form) != draft.revision:
        return _overtaken(draft, form, conditions, choices)
    place = _place(draft, request.args.get("place", ""))
    what, _, path = request.form.get("do", "save").partition(":")
    _offer(form, draft, place, choices, form.rule(None))
    if what != "save":
        landed = rules_conditions.change(conditions, what, path)
        return _page(draft, place, form, conditions, choices, landed=landed)
    return _save(draft, place, form, conditions, choices)


def _fresh(draft: RuleVersion, form: RuleForm, choices: Choices) -> ResponseReturnValue:
    """The form as a GET shows it: a rule of the draft, a copy of one, or an empty one before the last."""
    place, of = (_place(draft, request.args.get(name, "")) for name in ("place", "copy"))
    if place is not None:
        shown, at = draft.rules[place], place
    elif of is not None:
        shown, at = drafts.copied(draft.rules, of), of + 1
    else:
        shown, at = {"strategy": {"kind": "weighted_round_robin"}, "then": "next"}, _before_the_last(draft.rules)
    form.show(shown, at)
    form.was.data, form.revision.data = draft.rules[place]["name"] if place is not None else "", str(draft.revision)
    _offer(form, draft, place, choices, shown)
    return _page(draft, place, form, rules_conditions.read(shown.get("when"), zone()), choices)


def _before_the_last(rules: list[Any]) -> int:
    """Where a new rule goes: before a last one that takes every lead, for nothing would reach it behind that."""
    closing = bool(rules) and not rules[-1].get("when") and rules[-1].get("then", "queue") != "next"
    return len(rules) - 1 if closing else len(rules)


def _offer(form: RuleForm, draft: RuleVersion, place: int | None, choices: Choices, said: dict[str, Any]) -> None:
    others = draft.rules if place is None else drafts.without(draft.rules, place)
    form.offer(choices, said, [each["name"] for each in others])


def _save(
    draft: RuleVersion, place: int | None, form: RuleForm, conditions: Group, choices: Choices
) -> ResponseReturnValue:
    written = Written(conditions, zone())
    if not form.validate() or written.refused:
        return _page(draft, place, form, conditions, choices, status=422)
    said, others = form.rule(written.when), draft.rules if place is None else drafts.without(draft.rules, place)
    to, number, version_id = int(form.place.data), draft.number, draft.id
    if place == to and draft.rules[place] == said:
        saved("Nothing was changed.")
        return redirect(page_of(version_id, to))
    changed = drafts.put_in(others, to, said)
    try:
        unit(db.session, lambda: drafts.revise(db.session, version_id, revision_of(form), changed, now(), actor()))
    except Overtaken:
        return _overtaken(_draft(version_id), form, conditions, choices)
    except Invalid as refusal:
        _refuse(form, written, changed, to, refusal)
        return _page(_draft(version_id), place, form, conditions, choices, status=422)
    saved(f"Rule {to + 1}, {said['name']}, stands in draft {number}. Nothing changes before you publish it.")
    return redirect(page_of(version_id, to))


def _refuse(form: RuleForm, written: Written, rules: list[Any], place: int, refusal: Invalid) -> None:
    """Each mistake at its field; what is wrong with another rule, or with this one as a whole, above the form."""
    own = f"rules.{place}"
    for path, sentence in refusal.errors:
        part = path.removeprefix(own).removeprefix(".")
        if path != own and not path.startswith(f"{own}."):
            form.form_errors = [*form.form_errors, rules_reading.named(rules, (path, sentence))]
        elif part.startswith("when"):
            form.form_errors = [*form.form_errors, *written.refuse([(part, sentence)])]
        elif part in PLACES:
            form[PLACES[part]].errors = [*form[PLACES[part]].errors, sentence]
        else:
            form.form_errors = [*form.form_errors, sentence]


def _overtaken(draft: RuleVersion, form: RuleForm, conditions: Group, choices: Choices) -> ResponseReturnValue:
    """Another admin was first: what was typed stays, beside what the draft says now; saving again is a choice made."""
    names = [each["name"] for each in draft.rules]
    place = names.index(form.was.data) if form.was.data in names else None
    form.revision.data = str(draft.revision)
    others = len(names) - (place is not None)
    text = form.place.data or ""
    form.place.data = str(min(int(text), others)) if text.isdecimal() and len(text) < 5 else str(others)
    _offer(form, draft, place, choices, form.rule(None))
    card = rule_words.card(draft.rules[place], choices) if place is not None else None
    gone = form.was.data and place is None
    return _page(draft, place, form, conditions, choices, status=409, first={"card": card, "gone": gone})


def _page(
    draft: RuleVersion, place: int | None, form: RuleForm, conditions: Group, choices: Choices,
    *, status: int = 200, landed: str | None = None, first: dict[str, Any] | None = None,
) -> ResponseReturnValue:  # fmt: skip
    return render_template(
        "rules/rule.html",
        draft=draft,
        place=place,
        form=form,
        conditions=conditions,
        refused=_row_errors(conditions),
        row=lambda row: rules_choices.shown(row, choices),
        fields=list(rules_choices.field_groups()),
        deepest=rules_conditions.DEEPEST,
        custom=rules_conditions.CUSTOM,
        partners=_shown_partners(form, choices),
        active={member.id for member in choices.members if member.active},
        many=len(choices.members) > FEW,
        kind_words={kind.value: words for kind, words in KINDS.items()},
        then_words={value: words[1] for value, words in THEN.items()},
        landed=landed,
        first=first,
        changed=when(draft.changed_at),
    ), status


def _row_errors(conditions: Group) -> list[tuple[str, str]]:
    nodes = rules_conditions.numbered(conditions)
    return [(path.replace(".", "-"), sentence) for path, node in nodes for sentence in node.errors]


def _shown_partners(form: RuleForm, choices: Choices) -> list[tuple[str, str]]:
    """The partners to tick: those that are ticked, and of the others those whose name has the words searched for."""
    ticked, words = set(form.partners.data or []), (form.find.data or "").strip().casefold()
    every = [(str(value), str(name)) for value, name, *_ in form.partners.iter_choices()]
    others = [pair for pair in every if pair[0] not in ticked and words in pair[1].casefold()]
    return [pair for pair in every if pair[0] in ticked] + others[:FEW]


# ---------- Order, out, all of it ----------


@rules_edit.post("/<version_id>/move")
def move(version_id: str) -> ResponseReturnValue:
    """One rule a place up or down."""
    draft, form = _draft(version_id), RevisionForm()
    place = _place(draft, request.form.get("place", ""))
    if place is None:
        raise NotFound
    to = max(0, min(place + (-1 if request.form.get("by") == "up" else 1), len(draft.rules) - 1))
    name, changed = draft.rules[place]["name"], drafts.moved(draft.rules, place, to)
    return _attempt(version_id, form, changed, f"{name} is rule {to + 1} of the draft now.", to)


@rules_edit.route("/<version_id>/remove", methods=["GET", "POST"])
def remove(version_id: str) -> ResponseReturnValue:
    """Take one rule out of the draft; its effect is named first."""
    draft, form = _draft(version_id), RevisionForm()
    place = _place(draft, request.args.get("place", ""))
    if place is None:
        raise NotFound
    name = draft.rules[place]["name"]
    if form.validate_on_submit():
        changed = drafts.without(draft.rules, place)
        return _attempt(version_id, form, changed, f"{name} is out of draft {draft.number}.", max(place - 1, 0))
    form.revision.data = str(draft.revision)
    effect = f"Rule {place + 1} goes from draft {draft.number}: its leads are asked of the rules below it."
    return _confirm(draft, form, f"Remove {name}", "Remove the rule", effect, page_of(version_id, place))


@rules_edit.route("/<version_id>/discard", methods=["GET", "POST"])
def discard(version_id: str) -> ResponseReturnValue:
    """Throw a whole draft away; its effect is named first."""
    draft, form = _draft(version_id), RevisionForm()
    if form.validate_on_submit():
        try:
            number = unit(db.session, lambda: drafts.discard(db.session, version_id, revision_of(form), now(), actor()))
        except Conflict as refusal:
            flash(f"{refusal} Look at it before you throw it away.", "refused")
            return redirect(page_of(version_id))
        saved(f"Draft {number} is gone.")
        return redirect(url_for("rules.index"))
    form.revision.data = str(draft.revision)
    effect = f"Draft {draft.number} goes with its {len(draft.rules)} rules and cannot be brought back. Live rules stay."
    return _confirm(draft, form, f"Discard draft {draft.number}", "Discard draft", effect, page_of(version_id))


def _confirm(
    draft: RuleVersion, form: RevisionForm, title: str, verb: str, effect: str, back: str
) -> ResponseReturnValue:
    return render_template(
        "rules/confirm.html", draft=draft, form=form, title=title, verb=verb, effect=effect, back=back
    )


def _attempt(version_id: str, form: RevisionForm, rules: list[Any], sentence: str, place: int) -> ResponseReturnValue:
    """Put the rules in the draft's place; where that is refused, its page says why."""
    revision = revision_of(form)
    try:
        unit(db.session, lambda: drafts.revise(db.session, version_id, revision, rules, now(), actor()))
        saved(sentence)
    except Overtaken as refusal:
        flash(f"{refusal} Nothing of yours was stored: look, then do it again.", "refused")
    except Invalid as refusal:
        flash(" ".join(rules_reading.named(rules, each) for each in refusal.errors[:3]), "refused")
    except Conflict as refusal:
        flash(str(refusal), "refused")
    return redirect(page_of(version_id, place))

"""Rules as text, YAML or JSON: a new draft from what is pasted or from a file, and a draft changed as a whole."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import HiddenField, StringField, SubmitField, TextAreaField
from wtforms.validators import Length

from models.allocation import RuleVersion
from models.base import db
from models.session import unit
from portal.allocation import drafts, versions
from portal.allocation.drafts import Overtaken
from portal.allocation.yaml_form import YamlError, from_yaml, to_yaml
from portal.errors import Conflict, Invalid
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import rule_words, rules_reading
from portal.web.admin.rules_choices import Choices
from portal.web.admin.rules_edit import page_of, revision_of
from portal.web.shell import saved
from portal.web.staff import paging
from portal.web.staff.documents import LONGEST, NOTE, as_text, from_text, refusals
from portal.web.visitor import actor, now

rules_text = Blueprint("rules_text", __name__, url_prefix="/rules")
gate.only(rules_text, *gate.ADMINS)
EXAMPLE = [{"name": "Everything", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}]
Errors = list[tuple[str, str]]
Keep = Callable[[list[Any]], RuleVersion]


class TextForm(FlaskForm):  # type: ignore[misc]
    """A list of rules as text or as a file. ``check`` is pressed to look, ``keep`` to store."""

    revision = HiddenField()
    text = TextAreaField("Document", [Length(max=LONGEST, message="Use at most 200,000 characters.")])
    file = FileField("Or a file, YAML or JSON")
    note = StringField(
        "What changes, and why",
        [Length(max=NOTE, message=f"Use at most {NOTE} characters.")],
        filters=[rules_reading.clean],
    )
    check = SubmitField("Check")
    keep = SubmitField("Save draft")

    def rules(self) -> list[Any]:
        """The rules that were given; a file comes before the text, and its text is what is shown then.

        Raises Invalid with where and why it cannot be read.
        """
        if isinstance(self.file.data, FileStorage) and self.file.data.filename:
            self.text.data = _decoded(self.file.data)
        text = (self.text.data or "").strip()
        if not text:
            raise Invalid([("text", "Write the rules, or choose a file.")])
        return _list(from_text(text)) if text[0] in "[{" else self._from_yaml(text)

    def _from_yaml(self, text: str) -> list[Any]:
        try:
            found, note = from_yaml(text)
        except YamlError as error:
            raise Invalid([("text", str(error))]) from error
        self.note.data = self.note.data or note
        return list(found)


def _decoded(file: FileStorage) -> str:
    """A file's text. Raises Invalid."""
    content = file.stream.read(LONGEST * 4 + 1)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Invalid([("file", "This file is no text in UTF-8. Choose a YAML or JSON file.")]) from error
    if len(text) > LONGEST:
        raise Invalid([("file", "Use a file of at most 200,000 characters.")])
    return text


def _list(document: Any) -> list[Any]:
    """The list of rules; an object with ``rules``, as the API takes it, is understood too."""
    if isinstance(document, dict) and isinstance(document.get("rules"), list):
        document = document["rules"]
    if not isinstance(document, list):
        raise Invalid([("rules", "Give a list of rules: it begins with [ and ends with ].")])
    return document


def _as_asked(rules: Sequence[Any]) -> str:
    return as_text(rules) if request.args.get("as") == "json" else to_yaml(list(rules))


@rules_text.route("/draft", methods=["GET", "POST"])
def draft() -> ResponseReturnValue:
    """A new draft from text or a file: checked, or saved."""
    form = TextForm()
    if request.method == "GET":
        form.text.data = _as_asked(_start())

    def keep(rules: list[Any]) -> RuleVersion:
        return unit(db.session, lambda: versions.draft(db.session, rules, form.note.data or "", now(), actor()))

    return _answer(form, None, keep)


def _start() -> list[Any]:
    """What the text begins with: the version named, else the live one."""
    if request.args.get("from"):
        return rules_reading.found(request.args["from"]).rules
    live = rules_reading.live()
    return live.rules if live else EXAMPLE


@rules_text.route("/<version_id>/text", methods=["GET", "POST"])
def whole(version_id: str) -> ResponseReturnValue:
    """A draft changed as a whole."""
    stored, form = rules_reading.found(version_id), TextForm()
    if stored.state is not VersionState.DRAFT:
        raise Conflict(f"Version {stored.number} is published: it no longer changes. Start a new draft from it.")
    if request.method == "GET":
        form.text.data, form.revision.data = _as_asked(stored.rules), str(stored.revision)

    def keep(rules: list[Any]) -> RuleVersion:
        revision = revision_of(form)
        return unit(db.session, lambda: drafts.revise(db.session, version_id, revision, rules, now(), actor()))

    return _answer(form, stored, keep)


def _answer(
    form: TextForm, stored: RuleVersion | None, keep: Callable[[list[Any]], RuleVersion]
) -> ResponseReturnValue:
    if not form.validate_on_submit():
        return _page(form, stored, [], None, [])
    try:
        wanted = form.rules()
        if not form.keep.data:
            return _page(form, stored, [], wanted, versions.checked(db.session, wanted))
        made = keep(wanted)
    except Overtaken as refusal:
        return _overtaken(form, stored, refusal)
    except Invalid as refusal:
        return _page(form, stored, refusals(refusal.errors), None, [])
    saved(f"Draft {made.number} is saved. Nothing changes before you publish it.")
    return redirect(page_of(made.id))


def _overtaken(form: TextForm, stored: RuleVersion | None, refusal: Overtaken) -> ResponseReturnValue:
    """Another admin was first: the text stays as typed; saving again puts it in the place of what the draft says."""
    draft = rules_reading.found(stored.id if stored else None)
    form.revision.data = str(draft.revision)
    sentence = f"{refusal} Nothing of yours was stored. Saving again puts this text in the place of that change."
    return _page(form, draft, [("text", sentence)], None, [], status=409)


def _page(
    form: TextForm, stored: RuleVersion | None, errors: Errors, wanted: list[Any] | None, warnings: list[str],
    status: int | None = None,
) -> ResponseReturnValue:  # fmt: skip
    live, choices = rules_reading.live(), Choices()
    cards = rule_words.compared(wanted, live.rules if live else [], choices)[0] if wanted else []
    return render_template(
        "rules/draft.html",
        form=form,
        stored=stored,
        refused=errors,
        cards=cards,
        checked=wanted is not None,
        warnings=warnings,
        partners=[(member.name, member.id) for member in choices.members],
        number=stored.number if stored else rules_reading.next_number(),
        as_json=request.args.get("as") == "json",
        as_yaml_url=paging.here(**{"as": None}),
        as_json_url=paging.here(**{"as": "json"}),
    ), status or (422 if errors or form.errors else 200)

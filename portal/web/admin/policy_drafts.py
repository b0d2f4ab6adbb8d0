"""Drafts of the policy, edited in place: as a form with a worked example beside it, or as text.

Two admins at one draft: who saves second gets a page that says so, with everything it typed still in the form.
"""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from wtforms import HiddenField

from models.base import db
from models.compliance import Policy
from models.session import unit
from portal.compliance import policies as service
from portal.compliance.policies import Overtaken
from portal.deadlines.difference import differences
from portal.deadlines.document import PolicyDocument, parse_policy
from portal.deadlines.live import policies as timeline
from portal.deadlines.presets import preset
from portal.errors import Conflict, Invalid
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import policy_example
from portal.web.admin.policies import found_version, shown
from portal.web.admin.policy_form import PolicyForm, filled, number, rearranged
from portal.web.admin.policy_mistakes import told_on, wrong_fields
from portal.web.shell import saved, when
from portal.web.staff.documents import DocumentForm, as_text, from_text, refusals
from portal.web.visitor import actor, now

policy_drafts = Blueprint("policy_drafts", __name__, url_prefix="/policies")
gate.only(policy_drafts, *gate.ADMINS)
KEPT = "Draft {} is saved. Nothing changes before you publish it."
Lines = list[tuple[str | None, str]]


class RevisedForm(DocumentForm):
    """A draft as text, with the revision that was read."""

    revision = HiddenField()


@policy_drafts.post("/drafts")
def begin() -> ResponseReturnValue:
    """Start a draft from the live policy, a preset, or any version."""
    body, note = _source(request.form.get("from", "live"))
    made = unit(db.session, lambda: service.draft(db.session, body, note, now(), actor()))
    return redirect(url_for("policy_drafts.edit", version_id=made.id))


def _source(name: str) -> tuple[Any, str]:
    """The document that a draft begins with, and its note. Raises NotFound."""
    if name == "live":
        return timeline(db.session).at(now()).body, ""
    if found := preset(name.removeprefix("preset:")) if name.startswith("preset:") else None:
        return found.body, found.label
    return found_version(name).body, ""


@policy_drafts.route("/<version_id>/edit", methods=["GET", "POST"])
def edit(version_id: str) -> ResponseReturnValue:
    """The draft as a form: buttons rearrange, show the example, check or save what is typed."""
    found = found_version(version_id)
    if request.method == "GET":
        if found.state is not VersionState.DRAFT:
            return redirect(url_for("policies.version", version_id=found.id))
        return _form_page(found, filled(found.body, found.revision, found.note))
    form = PolicyForm()
    what, _, place = request.form.get("do", "example").partition("-")
    if what in ("add", "remove", "up", "down"):
        rearranged(form, what, int(place) if place.isdecimal() and len(place) < 4 else -1)
        return _form_page(found, form)
    if what not in ("check", "save", "new"):
        return _form_page(found, form)
    return _sent(found, form, what)


def _sent(found: Policy, form: PolicyForm, what: str) -> ResponseReturnValue:
    """Check or keep what was typed."""
    if not form.validate_on_submit():
        return _form_page(found, form, list(wrong_fields(form)))
    body, wrong = form.read()
    try:
        document = service.checked(body)
        if wrong:
            return _form_page(found, form, told_on(form, wrong))
        if what == "check":
            return _form_page(found, form, checked=document)
        made = _keep(found.id, form.revision.data, body, form.note.data or "", anew=what == "new")
    except Invalid as refusal:
        return _form_page(found, form, told_on(form, [*wrong, *refusal.errors]))
    except Conflict as refusal:
        return _form_page(found_version(found.id), form, conflict=refusal)
    saved(KEPT.format(made.number))
    return redirect(url_for("policies.version", version_id=made.id))


def _keep(version_id: str, revision: str | None, body: Any, note: str, *, anew: bool) -> Policy:
    """Store a document in the draft's place, or as a draft of its own. Raises Conflict, Overtaken, Invalid."""
    read = int(revision) if revision and revision.isdecimal() and len(revision) < 10 else 0
    if anew:
        return unit(db.session, lambda: service.draft(db.session, body, note, now(), actor()))
    return unit(db.session, lambda: service.revise(db.session, version_id, read, body, note, now(), actor()))


def _form_page(
    found: Policy, form: PolicyForm, refused: Lines | None = None, checked: PolicyDocument | None = None,
    conflict: Conflict | None = None,
) -> ResponseReturnValue:  # fmt: skip
    entries, _ = form.entry_bodies()
    live = timeline(db.session).at(now())
    parts = (form.example.form, entries, form.ladder_body(), number(form.grace_minutes.data))
    page = render_template(
        "policies/edit.html",
        version=found,
        form=form,
        refused=refused or [],
        checked=differences(live.document, checked) if checked else None,
        live=live,
        conflict=_conflict(found, form, conflict),
        example=policy_example.shown(*parts),
    )
    return page, 409 if conflict else 422 if refused else 200


def _conflict(found: Policy, form: Any, conflict: Conflict | None) -> dict[str, Any] | None:
    """What came between: saving again is then a choice made knowingly."""
    if conflict is None and found.state is VersionState.DRAFT:
        return None
    overtaken = isinstance(conflict, Overtaken)
    if overtaken:
        form.revision.data = str(found.revision)
    at = f" Saved {when(found.changed_at)}." if overtaken and found.changed_at else ""
    return {
        "sentence": f"{conflict or f'Policy {found.number} is published already.'}{at}",
        "anew": found.state is not VersionState.DRAFT,
        "between": _between(found, form) if overtaken else (),
    }


def _between(found: Policy, form: Any) -> tuple[Any, ...]:
    """What saving what was typed would change of what is stored now."""
    try:
        body = from_text(form.text.data) if isinstance(form, RevisedForm) else form.read()[0]
        return differences(parse_policy(found.body), service.checked(body))
    except Invalid:
        return ()


@policy_drafts.route("/<version_id>/text", methods=["GET", "POST"])
def text(version_id: str) -> ResponseReturnValue:
    """The same draft as text."""
    found, form = found_version(version_id), RevisedForm()
    if request.method == "GET":
        if found.state is not VersionState.DRAFT:
            return redirect(url_for("policies.version", version_id=found.id))
        form.text.data, form.note.data, form.revision.data = as_text(found.body), found.note, str(found.revision)
    return _text_sent(found, form)


@policy_drafts.route("/draft", methods=["GET", "POST"])
def draft() -> ResponseReturnValue:
    """Write a new draft as text."""
    form = RevisedForm()
    if request.method == "GET":
        body = found_version(request.args["from"]).body if request.args.get("from") else None
        form.text.data = as_text(body or timeline(db.session).at(now()).body)
    return _text_sent(None, form)


def _text_sent(found: Policy | None, form: RevisedForm) -> ResponseReturnValue:
    if not form.validate_on_submit():
        return _text_page(found, form)
    try:
        body = from_text(form.text.data)
        if not form.keep.data:
            return _text_page(found, form, checked=service.checked(body))
        made = _keep(found.id if found else "", form.revision.data, body, form.note.data or "", anew=found is None)
    except Invalid as refusal:
        return _text_page(found, form, refusals(refusal.errors))
    except Conflict as refusal:
        return _text_page(found_version(found.id) if found else None, form, conflict=refusal)
    saved(KEPT.format(made.number))
    return redirect(url_for("policies.version", version_id=made.id))


def _text_page(
    found: Policy | None, form: RevisedForm, refused: list[tuple[str, str]] | None = None,
    checked: PolicyDocument | None = None, conflict: Conflict | None = None,
) -> ResponseReturnValue:  # fmt: skip
    number = found.number if found else (db.session.scalar(select(func.max(Policy.number))) or 0) + 1
    status = 409 if conflict else 422 if refused or form.errors else 200
    return render_template(
        "policies/draft.html",
        form=form,
        version=found,
        refused=refused or [],
        checked=shown(checked) if checked else None,
        conflict=_conflict(found, form, conflict) if found else None,
        number=number,
    ), status

"""Allocation rules: the live version and the draft beside it in words, versions compared, published, brought back."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import HiddenField, StringField
from wtforms.validators import Length

from models.allocation import RuleVersion
from models.base import db
from models.session import unit
from portal.allocation import drafts
from portal.allocation.difference import difference
from portal.allocation.yaml_form import to_yaml
from portal.errors import Conflict, Invalid
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import rule_words, rules_reading, whatif_words
from portal.web.admin.rules_choices import Choices
from portal.web.admin.rules_edit import revision_of
from portal.web.shell import saved
from portal.web.staff import paging
from portal.web.staff.documents import NOTE
from portal.web.visitor import actor, now

rules = Blueprint("rules", __name__, url_prefix="/rules")
gate.only(rules, *gate.ADMINS)


class PublishForm(FlaskForm):  # type: ignore[misc]
    """Why a version is published, and the revision of the draft that was read."""

    revision = HiddenField()
    note = StringField(
        "What changes, and why",
        [Length(max=NOTE, message=f"Use at most {NOTE} characters.")],
        filters=[rules_reading.clean],
    )


@rules.get("")
def index() -> ResponseReturnValue:
    """The live version with the newest draft beside it, and all versions with who, when and why."""
    live, draft, choices = rules_reading.live(), rules_reading.newest_draft(), Choices()
    query = select(RuleVersion).order_by(RuleVersion.number.desc())
    listed, more = paging.cut(
        db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    )
    return render_template(
        "rules/index.html",
        live=rules_reading.told(live, live, choices) if live else None,
        draft=rules_reading.told(draft, live, choices) if draft else None,
        revision=draft.revision if draft else None,
        versions=listed,
        **paging.numbered(more),
    )


@rules.get("/<version_id>")
def version(version_id: str) -> ResponseReturnValue:
    """One version against the live one, and what publishing it does."""
    found, form = rules_reading.found(version_id), PublishForm()
    form.revision.data, form.note.data = str(found.revision), found.note if found.state is VersionState.DRAFT else ""
    return _version_page(found, form)


def _version_page(found: RuleVersion, form: PublishForm, status: int = 200) -> ResponseReturnValue:
    live, choices = rules_reading.live(), Choices()
    told = rules_reading.told(found, live, choices)
    number = found.number if found.state is VersionState.DRAFT else rules_reading.next_number()
    return render_template(
        "rules/version.html",
        **told,
        live=live,
        form=form,
        effect=rule_words.effect(number, told["cards"], told["dropped"]),
        obstacles=rules_reading.obstacles(found) if found.state is not VersionState.PUBLISHED else [],
        back=found.state is VersionState.RETIRED,
        tried=(trial, whatif_words.in_short(trial)) if (trial := rules_reading.last_trial(found)) else None,
        editable=found.state is VersionState.DRAFT,
        revision=found.revision,
        number=number,
    ), status


@rules.get("/compare")
def compare() -> ResponseReturnValue:
    """Any two versions: what the later one changes, in words."""
    versions = db.session.execute(
        select(RuleVersion.id, RuleVersion.number, RuleVersion.note).order_by(RuleVersion.number.desc()).limit(200)
    ).all()
    earlier, later, choices = _named("from"), _named("to"), Choices()
    told = rules_reading.told(later, earlier, choices) if earlier and later else None
    changes = difference(earlier.rules, later.rules, choices.names) if earlier and later else []
    return render_template(
        "rules/compare.html",
        versions=versions,
        earlier=earlier,
        later=later,
        told=told,
        sentences=[change.sentence for change in changes],
    )


def _named(name: str) -> RuleVersion | None:
    return rules_reading.found(request.args[name]) if request.args.get(name) else None


@rules.get("/<version_id>/file")
def file(version_id: str) -> Response:
    """A version as a YAML file: it comes back by a draft from text."""
    found = rules_reading.found(version_id)
    answer = make_response(to_yaml(found.rules, found.note, found.number))
    answer.headers["Content-Type"] = "application/yaml; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="rules-{found.number}.yaml"'
    return answer


@rules.post("/<version_id>/publish")
def publish(version_id: str) -> ResponseReturnValue:
    """Make a draft as it was read, or again an earlier version, the live one."""
    found, form = rules_reading.found(version_id), PublishForm()
    draft = found.state is VersionState.DRAFT
    if not form.validate_on_submit():
        return _version_page(found, form, 422)
    revision, note = revision_of(form) if draft else None, (form.note.data or "").strip()
    try:
        made = unit(db.session, lambda: drafts.publish(db.session, version_id, revision, note, now(), actor()))
    except drafts.Overtaken as refusal:
        return _not_published(version_id, form, str(refusal))
    except Invalid:
        return _version_page(rules_reading.found(version_id), form, 422)
    except Conflict as refusal:
        flash(str(refusal), "stop")
        return redirect(url_for("rules.index"))
    saved(f"Version {made.number} is live: new leads go by it.")
    return redirect(url_for("rules.index"))


def _not_published(version_id: str, form: PublishForm, sentence: str) -> ResponseReturnValue:
    """The draft is not the one that was read: here it is, with the note as typed."""
    found = rules_reading.found(version_id)
    form.revision.data = str(found.revision)
    form.form_errors = [f"{sentence} It was not published: here is the draft as it is now."]
    return _version_page(found, form, 409)

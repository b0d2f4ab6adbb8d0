"""Policies: deadlines and ladder in words, all versions, what differs between two, publishing and bringing back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateTimeLocalField, Form, HiddenField, SelectField, StringField
from wtforms.validators import Length, Optional, ValidationError

from models.base import db
from models.compliance import Policy
from models.platform import Audit
from models.session import unit
from portal.compliance import policies as service
from portal.deadlines.difference import Difference, differences
from portal.deadlines.document import PolicyDocument, parse_policy
from portal.deadlines.live import policies as timeline
from portal.deadlines.presets import PRESETS
from portal.enforcement.blast import of_policy
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import policy_words
from portal.web.admin.policy_form import pairs
from portal.web.shell import saved, when, zone
from portal.web.staff import blast, paging
from portal.web.staff.documents import NOTE
from portal.web.staff.forms import LAST_YEAR, instant, refused_on
from portal.web.visitor import actor, now

policies = Blueprint("policies", __name__, url_prefix="/policies")
gate.only(policies, *gate.ADMINS)
COMPARED = 200


class PublishForm(FlaskForm):  # type: ignore[misc]
    """From when on; nothing: at once. ``revision``: the one of the draft that was read."""

    revision = HiddenField()
    effective_from = DateTimeLocalField(
        "From", [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
    )
    note = StringField("Why", [Length(max=NOTE, message=f"Use at most {NOTE} characters.")])

    @property
    def start(self) -> datetime | None:
        """The instant that was given, in UTC."""
        return instant(self.effective_from.data) if self.effective_from.data else None

    def validate_effective_from(self, field: Any) -> None:
        if field.data and field.data.year > LAST_YEAR:
            field.data = None
            raise ValidationError("Give an earlier year.")


def shown(document: PolicyDocument) -> dict[str, Any]:
    """A policy as the pages tell it."""
    return {
        "deadlines": policy_words.deadlines(document),
        "ladder": policy_words.ladder(document),
        "rest": policy_words.rest(document),
        "examples": policy_words.examples(document, zone()),
        "sentence": policy_words.example_sentence(document, zone()),
    }


@policies.get("")
def index() -> ResponseReturnValue:
    """The policy that rules now, what is announced, drafts, and all versions."""
    told, at = timeline(db.session), now()
    live = told.at(at)
    query = select(Policy).order_by(Policy.number.desc())
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    listed, more = paging.cut(found)
    return render_template(
        "policies/index.html",
        live=live,
        coming=[policy for policy in told.policies if policy.effective_from > at],
        drafts=[version for version in listed if version.state is VersionState.DRAFT],
        shown=shown(live.document),
        versions=listed,
        presets=PRESETS,
        **paging.numbered(more),
    )


@policies.get("/<version_id>")
def version(version_id: str) -> ResponseReturnValue:
    """One version in words, against the live one, and what publishing it does."""
    return version_page(found_version(version_id), PublishForm())


def found_version(version_id: str) -> Policy:
    """The version of that id. Raises NotFound."""
    found = db.session.get(Policy, version_id)
    if found is None:
        raise NotFound
    return found


def version_page(found: Policy, form: PublishForm, status: int = 200) -> ResponseReturnValue:
    """The page of one version; ``form`` as it was sent."""
    told, document = timeline(db.session), parse_policy(found.body)
    live = told.at(now())
    back = found.state is not VersionState.DRAFT and found.id != live.id
    form.revision.data = str(found.revision)
    return render_template(
        "policies/version.html",
        version=found,
        live=live,
        back=back,
        changes=differences(live.document, document),
        published_by=_published_by(found),
        shown=shown(document),
        form=form,
        effect=policy_words.effect(found.number, document, live.document, "from then on"),
        radius=blast.told(of_policy(db.session, actor(), document, now())) if found.id != live.id else None,
    ), 422 if form.errors else status


def _published_by(found: Policy) -> str | None:
    """Who let it rule."""
    query = select(Audit.actor_name).where(
        Audit.object_type == "policy", Audit.object_id == found.id, Audit.action == "policy.publish"
    )
    return db.session.scalars(query.limit(1)).first() if found.published_at else None


@policies.post("/<version_id>/publish")
def publish(version_id: str) -> ResponseReturnValue:
    """Let a draft rule as it was read, at once or from a date on."""
    form = PublishForm()
    read = form.revision.data or ""
    revision = int(read) if read.isdecimal() and len(read) < 10 else None
    work = lambda: service.publish(db.session, version_id, form.start, now(), actor(), revision)  # noqa: E731
    return _done(version_id, form, work)


@policies.post("/<version_id>/again")
def again(version_id: str) -> ResponseReturnValue:
    """Publish what an earlier version says anew, under the next number."""
    form = PublishForm()
    note = (form.note.data or "").strip()
    work = lambda: service.bring_back(db.session, version_id, form.start, note, now(), actor())  # noqa: E731
    return _done(version_id, form, work)


def _done(version_id: str, form: PublishForm, work: Any) -> ResponseReturnValue:
    found = found_version(version_id)
    if not form.validate_on_submit():
        return version_page(found, form)
    try:
        made = unit(db.session, work)
    except Invalid as refusal:
        return version_page(found_version(version_id), refused_on(form, refusal))
    except Conflict as refusal:
        flash(str(refusal), "stop")
        return redirect(url_for("policies.version", version_id=version_id))
    saved(f"Policy {made.number} rules from {when(made.effective_from)} on.")
    return redirect(url_for("policies.index"))


class CompareForm(Form):
    """Two versions by number."""

    before = SelectField("From", validate_choice=False)
    after = SelectField("To", validate_choice=False)


@policies.get("/difference")
def difference() -> ResponseReturnValue:
    """What one version says otherwise than another, in words."""
    versions = db.session.scalars(select(Policy).order_by(Policy.number.desc()).limit(COMPARED)).all()
    live = timeline(db.session).at(now())
    form = CompareForm(request.args)
    listed = pairs((str(each.number), _named(each, live.id)) for each in versions)
    form.before.choices = form.after.choices = listed
    before = _numbered(versions, form.before.data) or next((v for v in versions if v.id == live.id), versions[-1])
    after = _numbered(versions, form.after.data) or versions[0]
    form.before.data, form.after.data = str(before.number), str(after.number)
    return render_template(
        "policies/difference.html", form=form, before=before, after=after, changes=_between(before, after)
    )


def _named(version: Policy, live_id: str) -> str:
    state = "live" if version.id == live_id else "draft" if version.state is VersionState.DRAFT else None
    return f"Policy {version.number}{f', {state}' if state else ''}"


def _numbered(versions: Sequence[Policy], number: str | None) -> Policy | None:
    return next((version for version in versions if str(version.number) == number), None)


def _between(before: Policy, after: Policy) -> tuple[Difference, ...]:
    return differences(parse_policy(before.body), parse_policy(after.body))

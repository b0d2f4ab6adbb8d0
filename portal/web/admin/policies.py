"""Policies: deadlines and ladder in words with a worked example; drafts as text, published at once or for a date."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import DateTimeLocalField
from wtforms.validators import Optional

from models.base import db
from models.compliance import Policy
from models.session import unit
from portal.compliance import policies as service
from portal.deadlines.document import PolicyDocument, PolicyError, parse_policy
from portal.deadlines.live import policies as timeline
from portal.errors import Conflict, Invalid, NotFound
from portal.web import gate
from portal.web.admin import policy_words
from portal.web.shell import saved, when, zone
from portal.web.staff import paging
from portal.web.staff.documents import DocumentForm, as_text, from_text, refusals
from portal.web.staff.forms import LAST_YEAR, instant, refused_on
from portal.web.visitor import actor, now

policies = Blueprint("policies", __name__, url_prefix="/policies")
gate.only(policies, *gate.ADMINS)


class PublishForm(FlaskForm):  # type: ignore[misc]
    """From when on; nothing: at once."""

    effective_from = DateTimeLocalField(
        "From", [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
    )

    @property
    def start(self) -> datetime | None:
        """The instant that was given, in UTC."""
        return instant(self.effective_from.data) if self.effective_from.data else None


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
    """The policy that rules now, and all versions."""
    live = timeline(db.session).at(now())
    query = select(Policy).order_by(Policy.number.desc())
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    listed, more = paging.cut(found)
    return render_template(
        "policies/index.html", live=live, shown=shown(live.document), versions=listed, **paging.numbered(more)
    )


@policies.get("/<version_id>")
def version(version_id: str) -> ResponseReturnValue:
    """One version in words, and what publishing it does."""
    return _version_page(_found(version_id), PublishForm())


def _found(version_id: str) -> Policy:
    found = db.session.get(Policy, version_id)
    if found is None:
        raise NotFound
    return found


def _version_page(found: Policy, form: PublishForm) -> ResponseReturnValue:
    live, document = timeline(db.session).at(now()), parse_policy(found.body)
    effect = policy_words.effect(found.number, document, live.document, "from then on")
    return render_template(
        "policies/version.html", version=found, live=live, shown=shown(document), form=form, effect=effect
    ), 422 if form.errors else 200


@policies.route("/draft", methods=["GET", "POST"])
def draft() -> ResponseReturnValue:
    """Write the next policy as text: check it, or save it as a draft."""
    form = DocumentForm()
    if request.method == "GET":
        form.text.data = as_text(_found(request.args["from"]).body if request.args.get("from") else _live_body())
    if not form.validate_on_submit():
        return _draft_page(form, [], None)
    try:
        body = from_text(form.text.data)
        if not form.keep.data:
            return _draft_page(form, [], _parsed(body))
        made = unit(db.session, lambda: service.draft(db.session, body, form.note.data or "", now(), actor()))
    except Invalid as refusal:
        return _draft_page(form, refusals(refusal.errors), None)
    saved(f"Draft {made.number} is saved. Nothing changes before you publish it.")
    return redirect(url_for("policies.version", version_id=made.id))


def _live_body() -> Any:
    return timeline(db.session).at(now()).body


def _parsed(body: Any) -> PolicyDocument:
    try:
        return parse_policy(body)
    except PolicyError as error:
        raise Invalid(error.errors) from error


def _draft_page(
    form: DocumentForm, errors: list[tuple[str, str]], checked: PolicyDocument | None
) -> ResponseReturnValue:
    number = (db.session.scalar(select(func.max(Policy.number))) or 0) + 1
    return render_template(
        "policies/draft.html", form=form, refused=errors, checked=shown(checked) if checked else None, number=number
    ), 422 if errors or form.errors else 200


@policies.post("/<version_id>/publish")
def publish(version_id: str) -> ResponseReturnValue:
    """Let a draft rule, at once or from a date on."""
    found, form = _found(version_id), PublishForm()
    if form.effective_from.data and form.effective_from.data.year > LAST_YEAR:
        form.effective_from.data = None
        form.effective_from.errors = ["Give an earlier year."]
        return _version_page(found, form)
    if not form.validate_on_submit():
        return _version_page(found, form)
    try:
        made = unit(db.session, lambda: service.publish(db.session, version_id, form.start, now(), actor()))
    except Invalid as refusal:
        return _version_page(_found(version_id), refused_on(form, refusal))
    except Conflict as refusal:
        flash(str(refusal), "stop")
        return redirect(url_for("policies.version", version_id=version_id))
    saved(f"Policy {made.number} rules from {when(made.effective_from)} on.")
    return redirect(url_for("policies.index"))

"""The lead definition: what a good lead is, as published; changed as text, checked, published."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from models.accounts import User
from models.base import db
from models.leads import LeadDefinition
from models.partners import Live
from models.session import unit
from portal.errors import Invalid
from portal.intake.definitions import publish_definition
from portal.qualification.policy import Definition, DefinitionError, parse_definition
from portal.vocabulary import Role
from portal.web import gate
from portal.web.shell import saved, when
from portal.web.staff import paging
from portal.web.staff.documents import DocumentForm, as_text, from_text, refusals
from portal.web.visitor import actor, now

definition = Blueprint("definition", __name__, url_prefix="/lead-definition")
gate.only(definition, *gate.STAFF)
WRITERS = (Role.MARKETER, Role.ADMIN)
EXAMPLE: dict[str, Any] = {
    "criteria": [
        {"name": "Says what it wants", "when": {"all": [{"field": "message", "op": "exists"}]}, "points": 20},
        {
            "name": "50 people or more",
            "when": {"all": [{"field": "employees", "op": "gte", "value": 50}]},
            "points": 40,
        },
    ],
    "grades": {"A": 60, "B": 30, "C": 0},
}


def _live() -> LeadDefinition | None:
    live = db.session.scalars(select(Live.definition_id).where(Live.id == 1)).first()
    return db.session.get(LeadDefinition, live) if live else None


@definition.get("")
def index() -> ResponseReturnValue:
    """The published version in words, and the versions before it."""
    live = _live()
    query = select(LeadDefinition, User.name).outerjoin(User, User.id == LeadDefinition.created_by)
    query = (
        query.order_by(LeadDefinition.number.desc())
        .limit(paging.SIZE + 1)
        .offset((paging.page_number() - 1) * paging.SIZE)
    )
    versions, more = paging.cut([(version, name) for version, name in db.session.execute(query)])
    return render_template(
        "definition/index.html",
        live=live,
        shown=in_words(parse_definition(live.body)) if live else None,
        versions=versions,
        writes=actor().role in WRITERS,
        **paging.numbered(more),
    )


def in_words(found: Definition) -> dict[str, Any]:
    """A definition as the page tells it."""
    cuts = [
        f"Below {found.qualify_from} points a lead is disqualified." if found.qualify_from is not None else None,
        f"Below {found.nurture_below} points it is kept for nurture." if found.nurture_below is not None else None,
    ]
    return {
        "criteria": [(c.name, c.condition.sentence(), c.points) for c in found.criteria],
        "grades": [(grade, f"from {start} points") for grade, start in found.grades],
        "cuts": [cut for cut in cuts if cut],
    }


@definition.route("/edit", methods=["GET", "POST"])
def edit() -> ResponseReturnValue:
    """Write the next version: check it, then publish it with its effect named."""
    if actor().role not in WRITERS:
        abort(404)
    live, form = _live(), DocumentForm()
    if request.method == "GET":
        base = _version(request.args.get("from")) or live
        form.text.data = as_text(base.body if base else EXAMPLE)
    if not form.validate_on_submit():
        return _edit_page(live, form, [], None)
    try:
        body = from_text(form.text.data)
        checked = _parsed(body)
        if not form.keep.data:
            return _edit_page(live, form, [], checked)
        made = unit(db.session, lambda: publish_definition(db.session, body, form.note.data or "", now(), actor()))
    except Invalid as refusal:
        return _edit_page(live, form, refusals(refusal.errors), None)
    saved(f"Version {made.number} is published: it scores every lead from {when(now())} on.")
    return redirect(url_for("definition.index"))


def _version(number: str | None) -> LeadDefinition | None:
    known = number is not None and number.isdecimal() and len(number) < 9
    query = select(LeadDefinition).where(LeadDefinition.number == int(number or 0))
    return db.session.scalars(query).first() if known else None


def _parsed(body: Any) -> Definition:
    try:
        return parse_definition(body)
    except DefinitionError as error:
        raise Invalid(error.errors) from error


def _edit_page(
    live: LeadDefinition | None, form: DocumentForm, errors: list[tuple[str, str]], checked: Definition | None
) -> ResponseReturnValue:
    return render_template(
        "definition/edit.html", live=live, form=form, refused=errors, checked=in_words(checked) if checked else None
    ), 422 if errors or form.errors else 200

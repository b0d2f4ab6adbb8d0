"""Allocation rules: the live version in words, drafts as text, publish and roll back with the effect named."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from models.allocation import RuleVersion
from models.base import db
from models.partners import Partner
from models.session import unit
from portal.allocation import versions
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin import rule_words
from portal.web.shell import saved
from portal.web.staff import paging
from portal.web.staff.documents import DocumentForm, as_text, from_text, refusals
from portal.web.visitor import actor, now

rules = Blueprint("rules", __name__, url_prefix="/rules")
gate.only(rules, *gate.ADMINS)
EXAMPLE = [{"name": "Everything", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"}]


def _live() -> RuleVersion | None:
    return db.session.scalars(select(RuleVersion).where(RuleVersion.state == VersionState.PUBLISHED)).first()


def _names() -> dict[str, str]:
    return {row.id: row.name for row in db.session.execute(select(Partner.id, Partner.name))}


def _next_number() -> int:
    return (db.session.scalar(select(func.max(RuleVersion.number))) or 0) + 1


@rules.get("")
def index() -> ResponseReturnValue:
    """The live version, and all versions with who, when and why."""
    live = _live()
    query = select(RuleVersion).order_by(RuleVersion.number.desc())
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    listed, more = paging.cut(found)
    names = _names()
    return render_template(
        "rules/index.html",
        live=live,
        cards=[rule_words.card(rule, names) for rule in live.rules] if live else [],
        versions=listed,
        **paging.numbered(more),
    )


@rules.get("/<version_id>")
def version(version_id: str) -> ResponseReturnValue:
    """One version against the live one, and what publishing it does."""
    found, live = _found(version_id), _live()
    before = live.rules if live else []
    cards, dropped = rule_words.compared(found.rules, before, _names()), rule_words.gone(found.rules, before)
    number = found.number if found.state is VersionState.DRAFT else _next_number()
    return render_template(
        "rules/version.html",
        version=found,
        live=live,
        cards=cards,
        dropped=dropped,
        effect=rule_words.effect(number, cards, dropped),
        back=found.state is VersionState.RETIRED,
        number=number,
    )


def _found(version_id: str) -> RuleVersion:
    found = db.session.get(RuleVersion, version_id)
    if found is None:
        raise NotFound
    return found


@rules.route("/draft", methods=["GET", "POST"])
def draft() -> ResponseReturnValue:
    """Write the next version as text: check it, or save it as a draft."""
    form = DocumentForm()
    if request.method == "GET":
        form.text.data = as_text(_start())
    if not form.validate_on_submit():
        return _draft_page(form, [], None, [])
    try:
        wanted = _list(from_text(form.text.data))
        if not form.keep.data:
            return _draft_page(form, [], wanted, versions.checked(db.session, wanted))
        made = unit(db.session, lambda: versions.draft(db.session, wanted, form.note.data or "", now(), actor()))
    except Invalid as refusal:
        return _draft_page(form, refusals(refusal.errors), None, [])
    saved(f"Draft {made.number} is saved. Nothing changes before you publish it.")
    return redirect(url_for("rules.version", version_id=made.id))


def _start() -> Any:
    """What the text begins with: the version named, else the live one."""
    if request.args.get("from"):
        return _found(request.args["from"]).rules
    live = _live()
    return live.rules if live else EXAMPLE


def _list(document: Any) -> list[Any]:
    """The list of rules; an object with ``rules``, as the API takes it, is understood too."""
    if isinstance(document, dict) and isinstance(document.get("rules"), list):
        document = document["rules"]
    if not isinstance(document, list):
        raise Invalid([("rules", "Give a list of rules: it begins with [ and ends with ].")])
    return document


def _draft_page(
    form: DocumentForm, errors: list[tuple[str, str]], wanted: list[Any] | None, warnings: list[str]
) -> ResponseReturnValue:
    live, names = _live(), _names()
    cards = rule_words.compared(wanted, live.rules if live else [], names) if wanted else []
    return render_template(
        "rules/draft.html",
        form=form,
        refused=errors,
        cards=cards,
        checked=wanted is not None,
        warnings=warnings,
        partners=sorted(((name, id_) for id_, name in names.items()), key=lambda pair: pair[0].casefold()),
        number=_next_number(),
    ), 422 if errors or form.errors else 200


@rules.post("/<version_id>/publish")
def publish(version_id: str) -> ResponseReturnValue:
    """Make a draft, or again an earlier version, the live one."""
    _found(version_id)
    try:
        made = unit(db.session, lambda: versions.publish(db.session, version_id, now(), actor()))
    except Invalid as refusal:
        flash(f"Version not published: {refusal}", "stop")
        return redirect(url_for("rules.version", version_id=version_id))
    except Conflict as refusal:
        flash(str(refusal), "stop")
        return redirect(url_for("rules.index"))
    saved(f"Version {made.number} is live: new leads go by it.")
    return redirect(url_for("rules.index"))

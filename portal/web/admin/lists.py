"""Lists that rules name: what each holds, which rules ask for it; changed as they were read, dropped once unused."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import HiddenField, StringField, TextAreaField

from models.base import db
from models.lists import NamedList
from models.session import unit
from portal.allocation import lists as service
from portal.allocation.lists import Use
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import VersionState
from portal.web import gate
from portal.web.admin.rules_edit import page_of, revision_of
from portal.web.partner.forms import lines_of
from portal.web.shell import attempt, saved
from portal.web.staff import paging
from portal.web.staff.forms import refused_on
from portal.web.visitor import actor, now

lists = Blueprint("lists", __name__, url_prefix="/lists")
gate.only(lists, *gate.ADMINS)
#: Values that a row or a comparison shows before it only counts the others, and how much of a long one.
SHOWN, LETTERS = 5, 40
NONE_READ = "0"


class ListForm(FlaskForm):  # type: ignore[misc]
    """The values of a list, a line each, and the revision that was read."""

    revision = HiddenField()
    items = TextAreaField("Values")


class NewForm(ListForm):
    """A list that there is not yet."""

    name = StringField("Name")


@lists.get("")
def index() -> ResponseReturnValue:
    """All lists by name."""
    query = select(NamedList).order_by(NamedList.name)
    found = db.session.scalars(query.limit(paging.SIZE + 1).offset((paging.page_number() - 1) * paging.SIZE)).all()
    rows, more = paging.cut(found)
    named = service.uses(db.session)
    return render_template(
        "lists/index.html",
        rows=[
            {"row": row, "some": some(row.items), "uses": users(named.get(row.name, ()))} for row in rows
        ],
        **paging.numbered(more),
    )  # fmt: skip


def some(items: Sequence[str]) -> str:
    """The first values, and how many others there are."""
    shown = (item if len(item) <= LETTERS else f"{item[:LETTERS]}…" for item in items[:SHOWN])
    told, others = ", ".join(shown), len(items) - SHOWN
    return f"{told} and {others:,} more" if others > 0 else told


def users(uses: Iterable[Use]) -> list[dict[str, Any]]:
    """The rules that name a list, each with its version and its place there."""
    return [
        {
            "rule": use.rule,
            "version": f"{'live' if use.state is VersionState.PUBLISHED else 'draft'}, version {use.number}",
            "live": use.state is VersionState.PUBLISHED,
            "url": page_of(use.version_id, use.place),
        }
        for use in uses
    ]


@lists.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Make a list."""
    form = NewForm()
    if form.validate_on_submit():
        name = (form.name.data or "").strip()
        try:
            return _save(name, [], form, 0)
        except Conflict:
            form.name.errors = [f"There is a list {name} already: open it to change it."]
        except Invalid as refusal:
            refused_on(form, refusal)
    return render_template("lists/new.html", form=form, most=service.MOST), 422 if form.errors else 200


@lists.route("/<list_name>", methods=["GET", "POST"])
def edit(list_name: str) -> ResponseReturnValue:
    """Put other values in a list, unless somebody else did meanwhile."""
    form, held = ListForm(), _held(list_name)
    if not form.is_submitted():
        if held is None:
            raise NotFound
        form.items.data, form.revision.data = "\n".join(held.items), str(held.revision)
        return _page(form, list_name, held)
    if not form.validate():
        return _page(form, list_name, held, 422)
    try:
        return _save(list_name, held.items if held else [], form, revision_of(form))
    except Conflict:
        return _overtaken(form, list_name)
    except Invalid as refusal:
        return _page(refused_on(form, refusal), list_name, _held(list_name), 422)


def _held(name: str) -> NamedList | None:
    found: NamedList | None = db.session.scalars(select(NamedList).where(NamedList.name == name)).one_or_none()
    return found


def _save(name: str, before: Sequence[str], form: ListForm, revision: int) -> ResponseReturnValue:
    """Keep what was typed. Raises Invalid, and Conflict where the list is not the one that was read."""
    wanted = service.checked(name, lines_of(form.items.data))
    more, fewer = _difference(before, wanted)
    if revision and wanted == before and revision == getattr(_held(name), "revision", None):
        saved("Nothing was changed.")
        return redirect(url_for("lists.index"))
    unit(db.session, lambda: service.save(db.session, name, wanted, now(), actor(), revision))
    if revision:
        saved(f"The list {name} is saved: {len(more):,} added, {len(fewer):,} taken out. The next lead goes by it.")
    else:
        saved(f"The list {name} is made. A condition of a rule names it as list:{name}.")
    return redirect(url_for("lists.index"))


def _difference(before: Iterable[str], after: Iterable[str]) -> tuple[list[str], list[str]]:
    """What comes in and what goes out, compared as conditions do: without regard to case."""
    old, new_ = ({text.casefold(): text for text in texts} for texts in (before, after))
    return [text for key, text in new_.items() if key not in old], [
        text for key, text in old.items() if key not in new_
    ]


def _overtaken(form: ListForm, name: str) -> ResponseReturnValue:
    """Somebody was first: what was typed stays, and what saving it does to the list as it is now is told."""
    held = _held(name)
    form.revision.data = str(held.revision) if held else NONE_READ
    if held is None:
        first = f"The list {name} was dropped meanwhile. Nothing was saved. Saving now makes it anew."
    else:
        who = held.changed_by_name or "Somebody else"
        first = f"{who} changed this list meanwhile. Nothing was saved. {_effect(form, held)}"
    return _page(form, name, held, 409, first)


def _effect(form: ListForm, held: NamedList) -> str:
    """What saving what was typed does to the list as it is now."""
    more, fewer = _difference(held.items, service.checked(held.name, lines_of(form.items.data)))
    said = [f"puts in {some(more)}"] if more else []
    said += [f"takes out {some(fewer)}"] if fewer else []
    return f"Saving now {' and '.join(said)}." if said else "What you typed is what it holds."


def _page(
    form: ListForm, name: str, held: NamedList | None, status: int = 200, first: str | None = None
) -> ResponseReturnValue:
    return render_template(
        "lists/edit.html",
        form=form,
        name=name,
        held=held,
        first=first,
        most=service.MOST,
        uses=users(service.uses(db.session).get(name, ())),
    ), status


@lists.get("/<list_name>/drop")
def ask(list_name: str) -> ResponseReturnValue:
    """What dropping a list does, or why it cannot be dropped."""
    held = _held(list_name)
    if held is None:
        raise NotFound
    return render_template("lists/drop.html", held=held, uses=users(service.uses(db.session).get(list_name, ())))


@lists.post("/<list_name>/drop")
def drop(list_name: str) -> ResponseReturnValue:
    """Drop a list that no live rule and no draft names."""
    work = lambda: unit(db.session, lambda: service.drop(db.session, list_name, now(), actor()))  # noqa: E731
    return attempt(work, f"The list {list_name} is dropped.", url_for("lists.index"))

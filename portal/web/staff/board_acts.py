"""Waiving and extending on the board: deadlines of several partners at once, the effect named for each first."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.assignments import Obligation
from models.base import db
from models.leads import Lead
from models.partners import Partner
from portal.accounts import access
from portal.compliance.service import ladder_at
from portal.enforcement import bulk
from portal.enforcement.bulk import Told
from portal.vocabulary import ObligationKind, ObligationState
from portal.web import gate
from portal.web.shell import safe_next, saved, when
from portal.web.staff import board_reading, paging, partner_reading, partner_words
from portal.web.staff.forms import ExtendForm, ReasonForm, said
from portal.web.visitor import actor, now

board_acts = Blueprint("board_acts", __name__, url_prefix="/board")
gate.only(board_acts, *gate.MANAGERS)
MOST = 300
MISSED = "What is missed can only be waived. Choose at least one that is still open."
NOTHING = "Choose deadlines under a partner, or a partner for everything listed under it."
Chosen = tuple[Obligation, Lead, Partner]


@board_acts.get("/waive")
@board_acts.get("/extend")
def back() -> ResponseReturnValue:
    """Nothing is chosen at these addresses alone."""
    return redirect(url_for("board.index"))


@board_acts.post("/waive")
def waive() -> ResponseReturnValue:
    """Take the chosen deadlines off their partners."""
    rows, form = _chosen(), ReasonForm()
    if not rows:
        return _nothing(NOTHING)
    if _asked(form):
        told = bulk.waive(db.session, actor(), [row.id for row, _, _ in rows], said(form.reason), now())
        return _told(rows, told, "waived")
    return _page("Waive", form, rows, _waive_effects(rows))


def _waive_effects(rows: Sequence[Chosen]) -> list[str]:
    """For each partner what it comes to; then what becomes of offers that stand."""
    partners = list({partner.id: partner for _, _, partner in rows}.values())
    states = partner_reading.states_if(db.session, partners, now(), waived=[row.id for row, _, _ in rows])
    ladder = ladder_at(db.session, now())
    told = [
        partner_words.waive_effect(p, [row for row, _, of in rows if of.id == p.id], states[p.id], ladder)
        for p in partners
    ]
    offers = any(row.kind is ObligationKind.RESPOND for row, _, _ in rows)
    return told + (["An offer that still stands is asked for anew, with a fresh deadline."] if offers else [])


@board_acts.post("/extend")
def extend() -> ResponseReturnValue:
    """Give the chosen deadlines that are open more time."""
    every, form = _chosen(), ExtendForm()
    rows = [each for each in every if each[0].state is ObligationState.OPEN]
    if not rows:
        return _nothing(MISSED if every else NOTHING)
    if _asked(form):
        ids = [row.id for row, _, _ in rows]
        told = bulk.extend(db.session, actor(), ids, said(form.reason), form.due, now())
        return _told(rows, told, f"extended to {when(form.due)}")
    return _page("Extend", form, rows, _extend_effects(rows, len(every) - len(rows)))


def _extend_effects(rows: Sequence[Chosen], missed: int) -> list[str]:
    last = max(row.due_at for row, _, _ in rows)
    told = [f"{_count(rows)} will be due at the time you give. The latest of them is due {when(last)}."]
    if missed:
        told.append(f"{missed} missed {'is' if missed == 1 else 'are'} left out: what is missed can only be waived.")
    return told


def _chosen() -> list[Chosen]:
    """What was ticked and may be acted on: deadlines, and everything overdue or soon due of ticked partners."""
    ids, partners = paging.ticked("ids", MOST), paging.ticked("partners", MOST)
    listed = Obligation.partner_id.in_(partners) & board_reading.falling(now())[1]
    query = (
        access.obligations(actor())
        .join(Lead, Lead.id == Obligation.lead_id)
        .join(Partner, Partner.id == Obligation.partner_id)
        .where(board_reading.owed(), Obligation.id.in_(ids) | listed)
        .add_columns(Lead, Partner)
        .order_by(Partner.name, Obligation.due_at, Obligation.id)
    )
    return [(row, lead, partner) for row, lead, partner in db.session.execute(query.limit(MOST))]


def _asked(form: Any) -> bool:
    """Whether the reason was asked for already, and what was answered can be used."""
    return "step" in request.form and bool(form.validate_on_submit())


def _nothing(sentence: str) -> ResponseReturnValue:
    flash(sentence, "stop")
    return redirect(_home())


def _home() -> str:
    return safe_next(request.form.get("next"), url_for("board.index"))


def _count(rows: Sequence[Chosen]) -> str:
    partners = len({partner.id for _, _, partner in rows})
    of = rows[0][2].name if partners == 1 else f"{partners} partners"
    return f"{len(rows)} deadline{'' if len(rows) == 1 else 's'} of {of}"


def _page(verb: str, form: Any, rows: Sequence[Chosen], effects: list[str]) -> ResponseReturnValue:
    if "step" not in request.form:
        form = type(form)(formdata=None)
    return render_template(
        "board/act.html",
        verb=verb,
        form=form,
        count=_count(rows),
        number=len(rows),
        effects=effects,
        rows=[_row(*each) for each in rows],
        home=_home(),
    ), 422 if form.errors else 200


def _row(row: Obligation, lead: Lead, partner: Partner) -> dict[str, Any]:
    return {**partner_words.deadline(row, lead), "partner": partner.name}


def _told(rows: Sequence[Chosen], told: Sequence[Told], deed: str) -> ResponseReturnValue:
    """Back to the board where all went well; else a page that says what was refused, and why."""
    done = {each.id for each in told if each.done}
    said_ = f"{_count([each for each in rows if each[0].id in done])} {deed}." if done else "Nothing was changed."
    if len(done) == len(told):
        saved(said_)
        return redirect(_home())
    named: Callable[[str], dict[str, Any]] = {row.id: _row(row, lead, of) for row, lead, of in rows}.__getitem__
    refused = [{**named(each.id), "why": each.sentence} for each in told if not each.done]
    return render_template("board/done.html", said=said_, refused=refused, home=_home())

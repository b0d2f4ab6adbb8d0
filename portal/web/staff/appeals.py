"""Appeals: those that wait, most urgent first; what happened, what granting does, and the answer."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, Field, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import AnyOf, DataRequired, Length, Optional, ValidationError

from models.appeals import Appeal
from models.base import db
from portal.accounts import access
from portal.compliance.appeals import REASON
from portal.compliance.effect import Effect
from portal.compliance.facts import Rate
from portal.compliance.sentences import percent
from portal.enforcement import appeals as acts
from portal.errors import Conflict, Invalid
from portal.vocabulary import AppealState, ObligationState
from portal.web import gate
from portal.web.downloads import download
from portal.web.shell import due, saved, since, when
from portal.web.staff import appeals_reading as reading
from portal.web.staff import paging, partner_words
from portal.web.staff.appeals_reading import Case
from portal.web.staff.forms import LAST_YEAR, instant, refused_on, said
from portal.web.visitor import actor, now

appeals = Blueprint("appeals", __name__, url_prefix="/appeals")
gate.only(appeals, *gate.MANAGERS)
FIRST_YEAR = 1900


def sane_year(field: Field) -> None:
    """A year that every zone can tell. Raises ValidationError."""
    if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
        raise ValidationError("Give a year of this century.")


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """Granted or not, and why."""

    granted = RadioField(
        "Your answer", [AnyOf(["yes", "no"], "Say whether you grant it.")],
        choices=[SelectChoice("yes", "Grant"), SelectChoice("no", "Refuse")], validate_choice=False,
    )  # fmt: skip
    due_at = DateTimeLocalField(
        "New due time", [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
    )
    reason = TextAreaField(
        "Reason",
        [DataRequired("Say why: the partner reads it."),
         Length(max=REASON, message=f"Use at most {REASON:,} characters.")],
    )  # fmt: skip

    def validate_due_at(self, field: Field) -> None:
        """A year that every zone can tell."""
        sane_year(field)


@appeals.get("")
def index() -> ResponseReturnValue:
    """What waits for an answer; ``list=answered`` shows the answers given."""
    old = request.args.get("list") == "answered"
    rows, more = reading.answered(db.session, actor(), paging.page_number()) if old else (_waiting(), False)
    open_ = reading.waiting_count(db.session, actor())
    late = sum(bool(row.appeal.decide_by and row.appeal.decide_by <= now()) for row in rows) if not old else 0
    return render_template(
        "appeals/index.html", rows=[_row(row) for row in rows], old=old, open=open_, late=late,
        **(paging.numbered(more) if old else {}),
    )  # fmt: skip


def _waiting() -> list[Case]:
    return reading.waiting(db.session, actor())


def _row(it: Case) -> dict[str, Any]:
    appeal = it.appeal
    return {
        "url": url_for("appeals.page", appeal_id=appeal.id),
        "partner": it.partner.name,
        "partner_url": url_for("partner.page", partner_id=it.partner.id),
        "kind": appeal.kind.label,
        "about": it.obligation.kind.label,
        "lead": partner_words.lead_name(it.lead),
        "was_due": when(it.obligation.due_at),
        "opened": since(appeal.opened_at),
        "by": due(appeal.decide_by) if appeal.decide_by else None,
        "state": appeal.state.label,
        "decided": when(appeal.decided_at),
        "who": appeal.decided_by_name,
    }


@appeals.get("/<appeal_id>")
def page(appeal_id: str) -> ResponseReturnValue:
    """One appeal: what happened, the evidence, and the effect of granting it before it is decided."""
    return _page(reading.case(db.session, actor(), appeal_id), AnswerForm(formdata=None))


@appeals.get("/<appeal_id>/evidence")
def evidence(appeal_id: str) -> ResponseReturnValue:
    """The file that came with it."""
    return download(access.one(db.session, access.appeals(actor()), Appeal.id, appeal_id))


@appeals.post("/<appeal_id>/decide")
def decide(appeal_id: str) -> ResponseReturnValue:
    """Answer it, with the reason."""
    found, form = reading.case(db.session, actor(), appeal_id), AnswerForm()
    if not form.validate_on_submit():
        return _page(found, form, 422)
    granted, due_at = form.granted.data == "yes", instant(form.due_at.data) if form.due_at.data else None
    try:
        answered = acts.decide(db.session, actor(), appeal_id, granted, said(form.reason), due_at, now())
    except Invalid as refusal:
        return _page(reading.case(db.session, actor(), appeal_id), refused_on(form, refusal), 422)
    except Conflict as refusal:
        flash(str(refusal), "refused")
        return redirect(url_for("appeals.page", appeal_id=appeal_id))
    saved(_done(reading.case(db.session, actor(), answered.id)))
    return redirect(url_for("appeals.index"))


def _done(it: Case) -> str:
    before, after = it.appeal.standing_before, it.appeal.standing_after
    if it.appeal.state is AppealState.REFUSED:
        return f"Refused. {it.partner.name} is told why."
    moved = before is not None and after is not None and before is not after
    told = f"{it.partner.name} goes from {before} to {after}" if moved else f"{it.partner.name} stays {after}"
    return f"Granted. {told}, and is told why."


def _page(it: Case, form: AnswerForm, status: int = 200) -> ResponseReturnValue:
    open_ = it.appeal.state is AppealState.OPEN
    effect = reading.effect(db.session, it.partner, it.obligation.id, now()) if open_ else None
    return render_template(
        "appeals/page.html",
        case=it,
        form=form,
        name=partner_words.lead_name(it.lead),
        row=partner_words.deadline(it.obligation, it.lead),
        what=_what(it),
        touches=reading.touches(db.session, actor(), it.obligation),
        file=reading.evidence(db.session, it.appeal.id),
        effect=effect_sentences(it, effect) if effect else [],
        extendable=it.obligation.state is ObligationState.OPEN,
        by=due(it.appeal.decide_by) if it.appeal.decide_by and open_ else None,
    ), status


def _what(it: Case) -> list[tuple[str, Any]]:
    row = it.obligation
    ended = {"Done": row.met_at or row.cured_at, "Waived": row.waived_at}
    return [
        ("Deadline", row.kind.label),
        ("Asked from", when(row.opened_at)),
        ("Was due", when(row.due_at)),
        ("Now", partner_words.STATES.get(row.state, row.state.label)),
        *((name, when(at)) for name, at in ended.items() if at),
        ("Policy", f"Version {row.policy_version}"),
        *([("Lead", "It has moved on since")] if row.settled_at and row.reassign else []),
    ]


def effect_sentences(it: Case, effect: Effect) -> list[str]:
    """What granting does, before it is done: "Granting lifts Valeazul from stopped to probation."."""
    name, before, after = it.partner.name, effect.before.shown, effect.after.shown
    if it.obligation.state in (ObligationState.WAIVED, ObligationState.CANCELLED, ObligationState.MET):
        return [f"This deadline counts against {name} no more: granting changes nothing of its standing."]
    verb = "lifts" if after.allows_leads and not before.allows_leads else "moves"
    first = f"Granting {verb} {name} from {before.label.lower()} to {after.label.lower()}."
    if not effect.changes:
        first = f"Granting leaves {name} {before.label.lower()}."
    old, new = effect.before.stop_until, effect.after.stop_until
    sooner = [f"Its stop can end {when(new)} instead of {when(old)}."] if old and new and old != new else []
    return [first, *sooner, f"Kept of due: {_kept(effect.rate_before)} now, {_kept(effect.rate_after)} then."]


def _kept(rate: Rate) -> str:
    share = f" ({percent(rate.value)})" if rate.value is not None else ""
    return f"{rate.kept} of {rate.due}{share}"

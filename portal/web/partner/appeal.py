"""Our appeals: stating a case about a deadline, with evidence; the answer; and what the vendor did wrong."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import RadioField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length

from models.appeals import Appeal
from models.base import db
from models.leads import Lead
from portal.accounts import access
from portal.compliance.appealable import LONGEST, may_file, why_not
from portal.compliance.appeals import ONLY_ADMINS
from portal.enforcement import appeals as acts
from portal.errors import Conflict, Forbidden, Invalid
from portal.vocabulary import AppealKind, AppealState
from portal.web import gate
from portal.web.downloads import download, sent
from portal.web.partner import acting
from portal.web.partner import appeals_reading as reading
from portal.web.partner.appeals_reading import Subject
from portal.web.partner.forms import options
from portal.web.shell import attempt, saved, when
from portal.web.visitor import actor, now

appeal = Blueprint("appeal", __name__, url_prefix="/standing/appeals")
gate.only(appeal, *gate.PARTNER)
HINTS = {
    AppealKind.APPEAL: "It should not count against you.",
    AppealKind.LATE_HAND_OVER: "The lead came to you later than it should have.",
    AppealKind.WRONG_DATA: "Nobody could be reached with what the lead says.",
}
NAMES = {AppealKind.APPEAL: "We appeal", AppealKind.LATE_HAND_OVER: "It was handed over late",
         AppealKind.WRONG_DATA: "The lead's data is wrong"}  # fmt: skip


class AppealForm(FlaskForm):  # type: ignore[misc]
    """What is said about one deadline."""

    kind = RadioField("What you say", choices=[], validate_choice=False)
    case = TextAreaField(
        "What happened",
        [DataRequired("Say what happened: it is what the decision rests on."),
         Length(max=LONGEST, message=f"Use at most {LONGEST:,} characters.")],
    )  # fmt: skip
    file = FileField("Evidence")

    def offer(self, kinds: list[AppealKind]) -> "AppealForm":
        """Only what this visitor may say now can be chosen; a single one is chosen already."""
        self.kind.choices = options((kind.value, NAMES[kind]) for kind in kinds)
        self.kind.validators = [AnyOf([kind.value for kind in kinds], "Say what it is about.")]
        if len(kinds) == 1 and not self.is_submitted():
            self.kind.data = kinds[0].value
        return self


@appeal.route("/new/<obligation_id>", methods=["GET", "POST"])
def new(obligation_id: str) -> ResponseReturnValue:
    """State a case about one deadline."""
    found = reading.subject(db.session, actor(), obligation_id)
    kinds = reading.kinds_for(actor(), found.obligation, now())
    if not kinds:
        flash(_why_none(found), "refused")
        return redirect(url_for("standing.index"))
    form = AppealForm().offer(kinds)
    if request.method == "GET" and request.args.get("kind") in kinds:
        form.kind.data = request.args["kind"]
    if form.validate_on_submit():
        try:
            return _filed(found, form)
        except Invalid as refusal:
            acting.with_errors(form, refusal)
        except (Conflict, Forbidden) as refusal:
            acting.refused(refusal)
            return redirect(url_for("standing.index"))
    return render_template(
        "standing/appeal_form.html", form=form, subject=found, hints={kind.value: HINTS[kind] for kind in kinds},
        was_due=when(found.obligation.due_at),
    ), 422 if form.errors else 200  # fmt: skip


def _filed(found: Subject, form: AppealForm) -> ResponseReturnValue:
    made = acts.file_appeal(
        db.session, actor(), found.obligation.id, AppealKind(form.kind.data), str(form.case.data),
        sent(form.file.data), now(),
    )  # fmt: skip
    by = f" by {when(made.decide_by)}" if made.decide_by else ""
    saved(f"Sent. Your channel manager answers{by}; until then it counts as it is.")
    return redirect(url_for("appeal.page", appeal_id=made.id))


def _why_none(found: Subject) -> str:
    row = found.obligation
    said = why_not(AppealKind.APPEAL, row.state, row.due_at, now())
    return said or ONLY_ADMINS


@appeal.get("/lead/<lead_id>")
def of_lead(lead_id: str) -> ResponseReturnValue:
    """From a lead's page: on to what is owed on it most urgently."""
    access.one(db.session, access.leads(actor()), Lead.id, lead_id)
    obligation_id = reading.of_lead(db.session, actor(), lead_id)
    if obligation_id is None:
        flash("Nothing is owed on this lead: there is nothing to say about its deadlines.", "refused")
        return redirect(url_for("lead.page", lead_id=lead_id))
    kind = request.args.get("kind", AppealKind.WRONG_DATA.value)
    return redirect(url_for("appeal.new", obligation_id=obligation_id, kind=kind))


def _own(appeal_id: str) -> Appeal:
    return access.one(db.session, access.appeals(actor()), Appeal.id, appeal_id)


@appeal.get("/<appeal_id>")
def page(appeal_id: str) -> ResponseReturnValue:
    """One appeal of ours and its answer."""
    found = _own(appeal_id)
    return render_template(
        "standing/appeal.html",
        appeal=found,
        subject=reading.subject(db.session, actor(), found.obligation_id),
        file=reading.file_name(db.session, found.id),
        facts=_facts(found),
        may_withdraw=found.state is AppealState.OPEN and may_file(found.kind, actor().role),
    )


def _facts(found: Appeal) -> list[tuple[str, Any]]:
    answered = found.state in (AppealState.GRANTED, AppealState.REFUSED)
    facts = [
        ("Said", NAMES[found.kind]),
        ("Sent", f"{when(found.opened_at)}{f', by {found.opened_by_name}' if found.opened_by_name else ''}"),
        ("Answer by", when(found.decide_by) if found.decide_by and found.state is AppealState.OPEN else None),
        ("Answered" if answered else "Taken back", when(found.decided_at) if found.decided_at else None),
    ]
    return [(name, value) for name, value in facts if value]


@appeal.get("/<appeal_id>/evidence")
def evidence(appeal_id: str) -> ResponseReturnValue:
    """The file that we sent with it."""
    return download(_own(appeal_id))


@appeal.post("/<appeal_id>/withdraw")
def withdraw(appeal_id: str) -> ResponseReturnValue:
    """Take it back."""
    _own(appeal_id)
    target = url_for("appeal.page", appeal_id=appeal_id)
    return attempt(lambda: acts.withdraw(db.session, actor(), appeal_id, now()), "Taken back.", target)

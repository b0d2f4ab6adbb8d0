"""One partner as staff see it: standing, cause, deadlines, ledger, what it holds; and what is done by hand."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from models.partners import Partner
from portal.accounts import access
from portal.compliance.agreements import agreements
from portal.compliance.queries import standing_view
from portal.compliance.service import ladder_at
from portal.compliance.signals_read import signals_of_all
from portal.compliance.state import State
from portal.enforcement import acts
from portal.enforcement.blast import of_hold
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import ObligationState, Role, Standing
from portal.web import gate
from portal.web.shell import saved, when
from portal.web.staff import blast, paging, partner_reading, partner_words
from portal.web.staff.forms import ExtendForm, ReasonForm, UntilForm, refused_on, said
from portal.web.staff.partner_reading import Owed
from portal.web.visitor import actor, now

partner = Blueprint("partner", __name__, url_prefix="/partners")
gate.only(partner, *gate.MANAGERS)
OPEN_ONLY = "Choose at least one deadline that is still open: what is missed can only be waived."
OPEN, BREACHED = ObligationState.OPEN, ObligationState.BREACHED


def found_or_404(partner_id: str) -> Partner:
    """The partner, where this visitor may see it."""
    return access.one(db.session, access.partners(actor()), Partner.id, partner_id)


@partner.get("/<partner_id>")
def page(partner_id: str) -> ResponseReturnValue:
    """Everything about one partner; ``list=ended`` shows the deadlines that came to an end."""
    found, old = found_or_404(partner_id), request.args.get("list") == "ended"
    rows, more = _deadlines(partner_id, old)
    state, ladder = State.from_json(found.standing_state), ladder_at(db.session, now())
    holds, total = partner_reading.held(db.session, actor(), partner_id)
    lines, older = partner_reading.ledger(db.session, actor(), partner_id, 1, partner_reading.SHORT)
    return render_template(
        "partner/page.html",
        partner=found,
        view=standing_view(db.session, found, now(), when),
        old=old,
        cause=partner_words.cause_sentence(state, ladder),
        marks=partner_words.thresholds(ladder),
        rows=[partner_words.deadline(*row) for row in rows],
        until=when(found.standing_until) if found.standing_until else None,
        since=when(found.standing_since),
        settings=partner_reading.settings(found),
        agreed=partner_words.agreed(agreements(db.session, partner_id, now())),
        people=partner_reading.people(db.session, actor(), partner_id),
        lines=[partner_words.line(row) for row in lines],
        older=older,
        total=total,
        measures=_measures(found),
        holds=[(assignment, lead, partner_words.lead_name(lead)) for assignment, lead in holds],
        is_admin=actor().role is Role.ADMIN,
        signals=signals_of_all(db.session, actor(), now(), partner_id).get(partner_id, []),
        **(paging.numbered(more) if old else {}),
    )


def _deadlines(partner_id: str, old: bool) -> tuple[Any, bool]:
    if old:
        return partner_reading.ended(db.session, actor(), partner_id, paging.page_number())
    return partner_reading.owed_now(db.session, actor(), partner_id), False


def _measures(found: Partner) -> list[dict[str, Any]]:
    """The measures that make sense now; each opens a page that names its effect."""
    releasable = found.standing in (Standing.STOPPED, Standing.HELD, Standing.EXEMPT)
    named = [
        ("release", "Release…", releasable),
        ("hold", "Hold…", found.standing is not Standing.HELD),
        ("exempt", "Exempt…", found.standing is not Standing.EXEMPT),
    ]
    return [
        {"label": label, "url": url_for(f"partner.{name}", partner_id=found.id)} for name, label, fits in named if fits
    ]


@partner.get("/<partner_id>/ledger")
def ledger(partner_id: str) -> ResponseReturnValue:
    """The whole ledger, latest first."""
    found = found_or_404(partner_id)
    rows, more = partner_reading.ledger(db.session, actor(), partner_id, paging.page_number(), paging.SIZE)
    lines = [partner_words.line(row) for row in rows]
    return render_template("partner/ledger.html", partner=found, lines=lines, **paging.numbered(more))


@partner.route("/<partner_id>/hold", methods=["GET", "POST"])
def hold(partner_id: str) -> ResponseReturnValue:
    """No new leads until the end of a day."""
    found, form = found_or_404(partner_id), UntilForm()
    effect = partner_words.hold_effect(found, partner_reading.held(db.session, actor(), partner_id)[1])

    def work() -> str:
        acts.hold(db.session, actor(), partner_id, said(form.reason), form.ends, now())
        return f"{found.name} is on hold until {when(form.ends)}."

    radius = lambda: blast.told(of_hold(db.session, actor(), found, now()))  # noqa: E731
    return _act(found, form, "Hold", effect, work, radius=radius)


@partner.route("/<partner_id>/exempt", methods=["GET", "POST"])
def exempt(partner_id: str) -> ResponseReturnValue:
    """Never stopped until the end of a day."""
    found, form = found_or_404(partner_id), UntilForm()

    def work() -> str:
        acts.exempt(db.session, actor(), partner_id, said(form.reason), form.ends, now())
        return f"{found.name} is exempt until {when(form.ends)}."

    return _act(found, form, "Exempt", partner_words.exempt_effect(found), work)


@partner.route("/<partner_id>/release", methods=["GET", "POST"])
def release(partner_id: str) -> ResponseReturnValue:
    """End a stop, hold or exemption."""
    found, form = found_or_404(partner_id), ReasonForm()
    after, ladder = partner_reading.state_if(db.session, found, now(), release=True), ladder_at(db.session, now())
    late = [row for row, _ in partner_reading.owed_now(db.session, actor(), partner_id) if partner_words.overdue(row)]

    def work() -> str:
        acts.release(db.session, actor(), partner_id, said(form.reason), now())
        return f"{found.name} is released: {found_or_404(partner_id).standing.label.lower()} now."

    return _act(found, form, "Release", partner_words.release_effect(found, after, ladder, len(late)), work)


@partner.route("/<partner_id>/waive", methods=["GET", "POST"])
def waive(partner_id: str) -> ResponseReturnValue:
    """Take the chosen deadlines off the partner."""
    found, form = found_or_404(partner_id), ReasonForm()
    rows = _chosen(partner_id, OPEN, BREACHED)
    if not rows:
        return _nothing(partner_id, "Choose at least one deadline that is open or missed.")
    ids = [row.id for row, _ in rows]
    after, ladder = partner_reading.state_if(db.session, found, now(), waived=ids), ladder_at(db.session, now())
    effect = partner_words.waive_effect(found, [row for row, _ in rows], after, ladder)

    def work() -> str:
        acts.waive(db.session, actor(), ids, said(form.reason), now())
        return f"{len(ids)} deadline{'' if len(ids) == 1 else 's'} waived."

    return _act(found, form, "Waive", effect, work, rows)


@partner.route("/<partner_id>/extend", methods=["GET", "POST"])
def extend(partner_id: str) -> ResponseReturnValue:
    """Give the chosen open deadlines more time."""
    found, form = found_or_404(partner_id), ExtendForm()
    rows = _chosen(partner_id, OPEN)
    if not rows:
        return _nothing(partner_id, OPEN_ONLY)
    ids, last = [row.id for row, _ in rows], max(row.due_at for row, _ in rows)
    effect = f"{len(ids)} open deadline{'' if len(ids) == 1 else 's'} of {found.name} will be due at the time you give."

    def work() -> str:
        if form.due <= last:
            raise Invalid([("due_at", f"Give a time later than the latest of them is due: {when(last)}.")])
        acts.extend(db.session, actor(), ids, said(form.reason), form.due, now())
        return f"{len(ids)} deadline{'' if len(ids) == 1 else 's'} extended to {when(form.due)}."

    return _act(found, form, "Extend", effect, work, rows)


def _chosen(partner_id: str, *states: ObligationState) -> list[Owed]:
    """The deadlines named in the address or form that this visitor may see and that can be acted on."""
    return partner_reading.chosen(db.session, actor(), partner_id, request.values.getlist("ids"), *states)


def _nothing(partner_id: str, sentence: str) -> ResponseReturnValue:
    if request.args.getlist("ids") or request.form.getlist("ids"):
        flash(f"Nothing was changed. {sentence}", "stop")
    else:
        flash(sentence, "stop")
    return redirect(url_for("partner.page", partner_id=partner_id))


def _act(
    found: Partner, form: Any, verb: str, effect: str, work: Callable[[], str], rows: list[Owed] | None = None,
    radius: Callable[[], dict[str, Any]] | None = None,
) -> ResponseReturnValue:  # fmt: skip
    """The page that names an effect before the deed, and the deed. ``radius``: what else would follow."""
    if form.validate_on_submit():
        try:
            saved(work())
            return redirect(url_for("partner.page", partner_id=found.id))
        except Invalid as refusal:
            refused_on(form, refusal)
        except (Conflict, NotFound) as refusal:
            flash(str(refusal), "stop")
            return redirect(url_for("partner.page", partner_id=found.id))
    return render_template(
        "partner/act.html",
        partner=found,
        form=form,
        verb=verb,
        effect=effect,
        radius=radius() if radius else None,
        rows=[partner_words.deadline(*row) for row in rows or []],
    ), 422 if form.errors else 200

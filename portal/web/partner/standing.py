"""Our standing: the ladder with where we are, the way back, kept of due, what pulled us down, what happened."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.base import db
from portal.compliance import sentences
from portal.compliance.agreements import Agreement, agreements
from portal.compliance.queries import View
from portal.enforcement import acts, appeals
from portal.errors import Conflict
from portal.vocabulary import AgreementKind, Role, Standing
from portal.web import gate
from portal.web.partner import acting, agreement_words, standing_facts
from portal.web.partner.strip import own_partner, read
from portal.web.partner.why_none import this_month
from portal.web.shell import attempt, saved, when
from portal.web.visitor import actor, now

standing = Blueprint("standing", __name__, url_prefix="/standing")
gate.only(standing, *gate.PARTNER)


@standing.get("")
def index() -> ResponseReturnValue:
    """The whole picture of the visitor's own partner."""
    view = read()
    ledger = standing_facts.history(db.session, actor(), request.args.get("after"))
    return render_template(
        "standing/index.html",
        partner=own_partner(),
        view=view,
        sentence=_sentence(view),
        rungs=standing_facts.rungs(view),
        back=_back(view),
        title=_title(view),
        steps=standing_facts.steps(db.session, actor(), view),
        kinds=standing_facts.by_kind(view, now()),
        missed=standing_facts.missed(db.session, actor(), view, now()),
        appeals=standing_facts.appeals(db.session, actor()),
        agreements=standing_facts.agreements(db.session, own_partner().id, now()),
        acknowledges=actor().role is Role.PARTNER_ADMIN,
        rate=view.rate,
        few=view.rate.value is None,
        month=this_month(),
        ladder=view.ladder,
        history=ledger.lines,
        next_url=url_for("standing.index", after=ledger.next, _anchor="history") if ledger.next else None,
        first_url=url_for("standing.index", _anchor="history") if request.args.get("after") else None,
        marks=[
            int(share * 100) for share in (view.ladder.stop_below, view.ladder.reduce_below, view.ladder.warn_below)
        ],
    )


def _sentence(view: View) -> str:
    """Where we stand, and what would change that."""
    here = sentences.standing_sentence(view.state, view.ladder, view.steps, when)
    return f"{here} {sentences.forecast_sentence(view.next_fall, when)}" if view.next_fall else here


def _back(view: View) -> str:
    return sentences.probation_sentence(view.ladder) if view.ladder.probation_days else "Lifted: straight back to Good."


def _title(view: View) -> str:
    if view.state.shown in (Standing.STOPPED, Standing.HELD):
        return "The way back to leads"
    return "The way back to Good" if view.steps else "Nothing to catch up"


@standing.post("/ready")
def ready() -> ResponseReturnValue:
    """A stopped partner says that it is ready for leads."""
    try:
        acts.ready(db.session, actor(), actor().partner_id or "", now())
        saved(_after_ready())
    except Conflict as refusal:
        acting.refused(refusal)
    return redirect(url_for("standing.index"))


@standing.get("/agreement/<what>")
def agreement(what: str) -> ResponseReturnValue:
    """The policy or the lead definition that rules, to be read and acknowledged."""
    found = _agreement(what)
    return render_template(
        "standing/agreement.html",
        it=found,
        since=when(found.since),
        read=agreement_words.policy(db.session, now()) if found.kind is AgreementKind.POLICY else None,
        definition=agreement_words.definition(db.session) if found.kind is AgreementKind.DEFINITION else None,
        may=actor().role is Role.PARTNER_ADMIN,
    )


def _agreement(what: str) -> Agreement:
    found = [it for it in agreements(db.session, own_partner().id, now()) if it.kind.value == what]
    return found[0] if found else abort(404)


@standing.post("/agreement/<what>")
def acknowledge(what: str) -> ResponseReturnValue:
    """A partner admin has read the version that the form names."""
    found, version = _agreement(what), request.form.get("version", "")
    number = int(version) if version.isdecimal() and len(version) < 9 else 0
    return attempt(
        lambda: appeals.acknowledge(db.session, actor(), found.kind, number, now()),
        f"Acknowledged: {found.title[:1].lower()}{found.title[1:]}.",
        url_for("standing.index"),
    )


def _after_ready() -> str:
    """What follows from having said so."""
    view = read()
    if view.state.shown is not Standing.STOPPED:
        return "Noted: you are ready. Leads resume now."
    return f"Noted: you are ready. {sentences.way_back_headline(view.state, view.steps, when)}"

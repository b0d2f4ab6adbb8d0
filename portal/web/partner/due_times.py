"""A partner's own due times: what the policy makes due when, by its own hours, and how it came about."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from models.base import db
from portal.deadlines.live import policies as timeline
from portal.deadlines.service import calendar_of
from portal.web import gate
from portal.web.clockwork import Clockwork
from portal.web.due_times import DueTimesForm, choices, explained
from portal.web.partner.strip import own_partner
from portal.web.visitor import now

our_due_times = Blueprint("our_due_times", __name__, url_prefix="/team/due-times")
gate.only(our_due_times, *gate.PARTNER)


@our_due_times.get("")
def index() -> ResponseReturnValue:
    """The answer to what the address asks, for the partner's own hours and the policies that it was told of."""
    form, partner = DueTimesForm(request.args), own_partner()
    told = timeline(db.session)
    documents = {"live": ("In force", told.at(now()).document)}
    documents |= {
        policy.id: (f"Announced, version {policy.number}", policy.document)
        for policy in told.policies
        if policy.effective_from > now()
    }
    form.policy.choices = choices([(key, label) for key, (label, _) in documents.items()])
    if form.policy.data not in documents:
        form.policy.data = "live"
    clocks = Clockwork(calendar_of(partner), "your hours", partner.timezone)
    answer = explained(form, documents[form.policy.data][1], clocks)
    return render_template("due_times/index.html", form=form, answer=answer, own=True), 422 if form.errors else 200

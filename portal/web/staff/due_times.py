"""Due times: what a policy makes due when, by any partner's hours, and how it came about."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from models.base import db
from models.compliance import Policy
from portal.deadlines.document import PolicyDocument, parse_policy
from portal.deadlines.live import policies as timeline
from portal.vocabulary import Role, VersionState
from portal.web import gate
from portal.web.clockwork import calendars, clockwork, zones
from portal.web.due_times import DueTimesForm, choices, explained
from portal.web.visitor import actor, now

due_times = Blueprint("due_times", __name__, url_prefix="/due-times")
gate.only(due_times, *gate.STAFF)
DRAFTS = 50


@due_times.get("")
def index() -> ResponseReturnValue:
    """The answer to what the address asks; without anything, the coming Friday 16:00 by the default hours."""
    form = DueTimesForm(request.args)
    documents = _documents()
    form.calendar.choices, form.zone.choices = calendars(), zones()
    form.policy.choices = choices([(key, label) for key, (label, _) in documents.items()])
    if form.policy.data not in documents:
        form.policy.data = next(iter(documents))
    document = documents[form.policy.data][1]
    answer = explained(form, document, clockwork(form.calendar.data, form.zone.data))
    return render_template("due_times/index.html", form=form, answer=answer, own=False), 422 if form.errors else 200


def _documents() -> dict[str, tuple[str, PolicyDocument]]:
    """The policies to choose from: live, those announced, and for an admin the drafts."""
    told = timeline(db.session)
    live = told.at(now())
    found = {"live": (f"Live, policy {live.number}", live.document)}
    for policy in told.policies:
        if policy.effective_from > now():
            found[policy.id] = (f"Announced, policy {policy.number}", policy.document)
    if actor().role is Role.ADMIN:
        query = select(Policy).where(Policy.state == VersionState.DRAFT).order_by(Policy.number.desc()).limit(DRAFTS)
        for draft in db.session.scalars(query):
            found[draft.id] = (f"Draft, policy {draft.number}", parse_policy(draft.body))
    return found

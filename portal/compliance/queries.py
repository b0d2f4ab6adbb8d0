"""A partner's standing as it is told: where it stands and why, the way back, the forecast, kept of due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.compliance import sentences
from portal.compliance.facts import Ladder, Mark, Rate
from portal.compliance.forecast import Forecast, forecast, worse
from portal.compliance.policy import State, ladder_at, tally_at
from portal.compliance.service import business_days, ladders, marks_of
from portal.compliance.way_back import WayBackStep, way_back
from portal.vocabulary import AssignmentState, ObligationKind, Standing

When = Callable[[datetime], str]
ASKS = {
    ObligationKind.RESPOND: "Answer the offer",
    ObligationKind.FIRST_CONTACT: "Call or write to {lead}",
    ObligationKind.NEXT_TOUCH: "Get in touch again with {lead}",
    ObligationKind.FEEDBACK: "Give feedback on {lead}",
    ObligationKind.UPDATE: "Update the deal with {lead}",
}


@dataclass(frozen=True)
class View:
    """Everything about one partner's standing at one instant; ``marks`` are the obligations that can still matter."""

    partner: Partner
    state: State
    ladder: Ladder
    marks: tuple[Mark, ...]
    overdue: tuple[str, ...]
    because: tuple[str, ...]
    rate: Rate
    steps: tuple[WayBackStep, ...]
    ahead: tuple[Forecast, ...]
    what: dict[str, str]

    @property
    def next_fall(self) -> Forecast | None:
        """The change for the worse to tell first."""
        return worse(self.ahead, self.state.shown)


def view_of(session: AnySession, partner: Partner, now: datetime, *, named: bool = True) -> View:
    """The stored standing with what follows from it at ``now``. Reads only; settles nothing.

    ``named``: whether ``what`` says what each obligation asks for; the strip of a page needs no names.
    """
    versions = ladders(session)
    marks = marks_of(session, partner, versions)
    state, days = State.from_json(partner.standing_state), business_days(session, partner)
    tally = tally_at(state, marks, versions, now)
    steps, ahead = way_back(state, marks, versions, days, now), forecast(state, marks, versions, days, now)
    because = tuple(dict.fromkeys((*state.because, *tally.overdue)))
    told = {
        *because,
        *(s.obligation_id for s in steps if s.obligation_id),
        *(i for f in ahead for i in f.misses),
    }
    return View(
        partner=partner, state=state, ladder=ladder_at(versions, now), marks=tuple(marks),
        overdue=tuple(tally.overdue), because=because, rate=tally.rate, steps=tuple(steps), ahead=tuple(ahead),
        what=descriptions(session, sorted(told)) if named else {},
    )  # fmt: skip


def descriptions(session: AnySession, obligation_ids: Sequence[str]) -> dict[str, str]:
    """For each obligation what it asks for in words, with the company once the partner may know it."""
    rows = session.execute(
        select(
            Obligation.id,
            Obligation.kind,
            Assignment.state,
            Assignment.accepted_at,
            Lead.company,
            Lead.last_name,
        )
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Lead, Lead.id == Obligation.lead_id)
        .where(Obligation.id.in_(obligation_ids))
    )
    return {row.id: ASKS[row.kind].format(lead=_who(row)) for row in rows}


def _who(row: Any) -> str:
    holds = row.accepted_at is not None and row.state in (AssignmentState.ACCEPTED, AssignmentState.CLOSED)
    return (row.company or row.last_name or "this lead") if holds else "a lead that has moved on"


def strip(view: View, when: When) -> tuple[str, str]:
    """The standing strip: the first sentence (what happens next and when), and the muted line under it."""
    state, rate = view.state, sentences.rate_sentence(view.rate, view.ladder)
    headline = sentences.way_back_headline(state, view.steps, when)
    if state.shown in (Standing.STOPPED, Standing.HELD, Standing.EXEMPT, Standing.PROBATION):
        return sentences.standing_sentence(state, view.ladder, view.steps, when), rate
    ahead = sentences.strip_sentence(len(view.overdue), view.next_fall, when)
    return ahead or sentences.standing_sentence(state, view.ladder, view.steps, when), f"{headline} {rate}".strip()


def _reason(mark: Mark, what: str, now: datetime, when: When) -> str:
    """What one obligation did to the standing, beginning with what it asked for."""
    return what + sentences.reason_sentence(mark, now, when).removeprefix(mark.kind.label)


def standing_view(session: AnySession, partner: Partner, now: datetime, when: When) -> dict[str, Any]:
    """The API's answer about standing: plain values and sentences; instants as aware datetimes."""
    view = view_of(session, partner, now)
    marks = {mark.id: mark for mark in view.marks}
    reasons = [
        {"obligation_id": id_, "sentence": _reason(marks[id_], view.what[id_], now, when)}
        for id_ in view.because
        if id_ in marks and id_ in view.what
    ]
    return {
        "standing": view.state.shown,
        "since": view.state.shown_since,
        "sentence": sentences.standing_sentence(view.state, view.ladder, view.steps, when),
        "reasons": reasons,
        "way_back": sentences.way_back_sentences(
            view.state, view.steps, lambda id_: view.what.get(id_, "What is owed"), when
        ),
        "forecast": [{"at": f.at, "sentence": sentences.forecast_sentence(f, when)} for f in view.ahead],
        "rate": {"kept": view.rate.kept, "due": view.rate.due, "value": view.rate.value},
    }

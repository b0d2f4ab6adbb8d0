"""What the standing page shows, from the same figures as the standing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from models.appeals import Appeal
from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.calendars.describe import relative
from portal.compliance import agreements as service
from portal.compliance import sentences, tally
from portal.compliance.queries import View
from portal.compliance.way_back import Way, WayBackStep
from portal.vocabulary import (
    AppealKind,
    AppealState,
    LedgerKind,
    ObligationKind,
    ObligationState,
    Standing,
    StopCause,
)
from portal.web.partner import acting, appeals_reading, words
from portal.web.partner.reading import visible
from portal.web.partner.strip import ready
from portal.web.shell import due, when

ORDER = (Standing.GOOD, Standing.WARNED, Standing.REDUCED, Standing.STOPPED, Standing.PROBATION)
PAGE = 20
CAUSES = {
    StopCause.OVERDUE.value: "Too much was overdue at once.",
    StopCause.RATE.value: "Too little was kept in time.",
    StopCause.ROW.value: "Too many were missed in a row.",
}
DONE_BY_HAND = {
    LedgerKind.BREACH: "Missed",
    LedgerKind.WAIVE: "Waived",
    LedgerKind.EXTEND: "More time given",
    LedgerKind.HOLD: "New leads put on hold",
    LedgerKind.EXEMPT: "Exempted from stops",
    LedgerKind.RELEASE: "Released",
    LedgerKind.READY: "We said we are ready",
    LedgerKind.APPEAL: "We stated our case",
    LedgerKind.REFUSE: "Appeal not granted",
}
APPEAL_STATES = {
    AppealState.OPEN: "Waits",
    AppealState.GRANTED: "Granted",
    AppealState.REFUSED: "Not granted",
    AppealState.WITHDRAWN: "Taken back",
}
ICONS = {
    LedgerKind.BREACH: "exclaim",
    LedgerKind.WAIVE: "check",
    LedgerKind.EXTEND: "clock",
    LedgerKind.HOLD: "hourglass",
    LedgerKind.EXEMPT: "shield",
    LedgerKind.RELEASE: "check",
    LedgerKind.READY: "flag",
    LedgerKind.APPEAL: "appeal",
    LedgerKind.REFUSE: "x",
}


def rungs(view: View) -> list[dict[str, Any]]:
    """The five rungs; the one we are on says why, the one to come says when."""
    told, here, fall = sentences.rung_sentences(view.ladder), view.state.rung, view.next_fall
    because = sentences.because_sentence(len(view.overdue), view.rate, view.ladder)
    return [
        {
            "standing": rung,
            "gets": told[rung][0],
            "here": rung is here,
            "threshold": because if rung is here and because and rung is not Standing.STOPPED else told[rung][1],
            "next": _pin(fall.need) if fall and fall.to is rung and rung is not here else None,
        }
        for rung in ORDER
    ]


def _pin(need: int) -> str:
    return f"Next, if {need} more {'is' if need == 1 else 'are'} missed"


def steps(session: AnySession, actor: Actor, view: View) -> list[dict[str, Any]]:
    """The way back as numbered steps, each with its button where something can be done."""
    wanted = [step.obligation_id for step in view.steps if step.obligation_id]
    rows = {row.id: row for row in session.scalars(access.obligations(actor).where(Obligation.id.in_(wanted)))}
    return [_step(step, view, rows.get(step.obligation_id or "")) for step in view.steps]


def _step(step: WayBackStep, view: View, row: Obligation | None) -> dict[str, Any]:
    if step.kind is Way.DO and row is not None:
        described = due(row.due_at)
        return {
            "title": view.what.get(row.id, row.kind.label),
            "late": described["relative"],
            "detail": f"due {described['exact']}",
            "action": _action(row),
        }
    title = sentences.step_sentence(step, lambda id_: view.what.get(id_, "What is owed"), when)
    action = ready() if step.kind is Way.READY else None
    return {"title": title, "late": None, "detail": _detail(step, view), "action": action}


def _action(row: Obligation) -> dict[str, Any]:
    """The button that leads straight to the form under the row of My work."""
    anchor = f"row-{row.assignment_id}"
    if row.kind is ObligationKind.RESPOND:
        return {"label": "Answer", "url": url_for("work.index", _anchor=anchor)}
    name, label = ("feedback", "Give feedback") if row.kind is ObligationKind.FEEDBACK else ("log", "Log a touch")
    return {"label": label, "url": url_for("work.index", open=row.assignment_id, form=name, _anchor=anchor)}


def _detail(step: WayBackStep, view: View) -> str:
    rate = view.rate
    if step.kind is Way.KEEP and step.count:
        return f"Then {rate.kept + step.count} of {rate.due + step.count} are kept."
    return {
        Way.READY: "One click. It tells us that somebody is there to work new leads.",
        Way.WAIT: "What falls due until then is yours to keep.",
        Way.PROBATION: f"At most {view.ladder.probation_open_lead_cap} open leads at once until then.",
        Way.HOLD: "What you hold stays with you.",
    }.get(step.kind, "")


def by_kind(view: View, now: datetime) -> list[dict[str, Any]]:
    """Kept of due for each kind of deadline, over exactly what the rate counts."""
    looked = tally.View(t=now, acted=True, ladder=view.ladder, fresh_from=view.state.fresh_from)
    counts: dict[ObligationKind, list[int]] = {}
    for mark in view.marks:
        share = tally.share_of(mark, looked)
        if share.rated:
            held = counts.setdefault(mark.kind, [0, 0])
            held[0], held[1] = held[0] + share.kept, held[1] + 1
    return [
        {"label": kind.label, "value": f"{counts[kind][0]} of {counts[kind][1]}"}
        for kind in ObligationKind
        if kind in counts
    ]


def pulling(view: View, now: datetime) -> list[str]:
    """The obligations that count against the partner: overdue now, or rated and not kept."""
    looked = tally.View(t=now, acted=True, ladder=view.ladder, fresh_from=view.state.fresh_from)
    shares = {mark.id: tally.share_of(mark, looked) for mark in view.marks}
    return [id_ for id_, share in shares.items() if share.overdue or (share.rated and not share.kept)]


def missed(session: AnySession, actor: Actor, view: View, now: datetime) -> list[dict[str, Any]]:
    """What pulled us down, latest first; the lead by name and link only while it is ours."""
    rows = session.execute(
        access.obligations(actor)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .join(Lead, Lead.id == Assignment.lead_id)
        .add_columns(Assignment, Lead, visible(actor).label("seen"))
        .where(Obligation.id.in_(pulling(view, now)))
        .order_by(Obligation.due_at.desc(), Obligation.id)
    )
    found = [(row, _missed(row, assignment, lead, bool(seen), now)) for row, assignment, lead, seen in rows]
    filed = appeals_reading.of_obligations(session, actor, [row.id for row, _ in found])
    return [{**told, "appeal": _appeal(actor, row, filed.get(row.id), now)} for row, told in found]


def _appeal(actor: Actor, row: Obligation, filed: Appeal | None, now: datetime) -> dict[str, Any] | None:
    """The last appeal against a miss, or the way to one; None where neither is."""
    if filed is not None and (filed.state is AppealState.OPEN or filed.state is AppealState.REFUSED):
        label = "Appeal waits" if filed.state is AppealState.OPEN else "Appeal refused"
        return {"label": label, "url": url_for("appeal.page", appeal_id=filed.id), "plain": True}
    if AppealKind.APPEAL not in appeals_reading.kinds_for(actor, row, now):
        return None
    url = url_for("appeal.new", obligation_id=row.id, kind=AppealKind.APPEAL.value)
    return {"label": "Appeal…", "url": url, "plain": True}


def appeals(session: AnySession, actor: Actor) -> list[dict[str, Any]]:
    """Our own appeals with how they stand, the latest first."""
    return [
        {
            "label": f"{appeal.kind.label}: {acting.lower(obligation.kind.label)}",
            "note": f"Due {when(obligation.due_at)}",
            "value": APPEAL_STATES[appeal.state],
            "url": url_for("appeal.page", appeal_id=appeal.id),
        }
        for appeal, obligation in appeals_reading.own(session, actor)
    ]


def agreements(session: AnySession, partner_id: str, now: datetime) -> list[dict[str, Any]]:
    """The policy and the lead definition that rule, and who of us has acknowledged them."""
    return [
        {
            "title": it.title,
            "url": url_for("standing.agreement", what=it.kind.value),
            "note": f"Acknowledged {when(it.by.at)} by {it.by.user_name}" if it.by else "Not acknowledged yet",
            "open": it.by is None,
        }
        for it in service.agreements(session, partner_id, now)
    ]


def _missed(row: Obligation, assignment: Assignment, lead: Lead, seen: bool, now: datetime) -> dict[str, Any]:
    late = row.settled_at is None and row.state in (ObligationState.BREACHED, ObligationState.OPEN)
    if late:
        told = f"Overdue, {relative(row.due_at, now)}"
    elif row.cured_at is not None:
        told = f"Done late, {when(row.cured_at)}"
    else:
        told = "Missed; the lead moved on"
    name = words.name_of(lead, words.knows(assignment)) if seen else "A lead that has moved on"
    url = url_for("lead.page", lead_id=lead.id) if seen else None
    return {"name": name, "url": url, "asked": row.kind.label, "due": row.due_at, "told": told, "late": late}


@dataclass(frozen=True)
class Ledger:
    """A page of what happened to the standing; ``next`` is the cursor of the next one."""

    lines: Sequence[dict[str, Any]]
    next: str | None


def history(session: AnySession, actor: Actor, after: str | None) -> Ledger:
    """The partner's ledger, latest first."""
    query = access.ledger(actor).order_by(LedgerEntry.at.desc(), LedgerEntry.id.desc())
    last = session.scalars(access.ledger(actor).where(LedgerEntry.id == after)).first() if after else None
    if last is not None:
        before = (LedgerEntry.at < last.at) | ((LedgerEntry.at == last.at) & (LedgerEntry.id < last.id))
        query = query.where(before)
    rows = session.scalars(query.limit(PAGE + 1)).all()
    return Ledger([_entry(row) for row in rows[:PAGE]], rows[PAGE - 1].id if len(rows) > PAGE else None)


def _entry(row: LedgerEntry) -> dict[str, Any]:
    """One line: a change of standing with its cause, or what was done by hand with its reason."""
    count = len(row.obligation_ids)
    if row.kind is LedgerKind.CHANGE:
        worse = _worse(row.from_standing, row.to_standing)
        text = CAUSES.get(str(row.facts.get("cause")), "") if worse else ""
        return {
            "at": row.at,
            "icon": "arrow-down" if worse else "arrow-up",
            "from": row.from_standing,
            "to": row.to_standing,
            "text": text,
            "by": "",
        }
    until = f"until {when(row.until)}" if row.until else ""
    named = f"{count} {'deadline' if count == 1 else 'deadlines'}" if count else ""
    head = ", ".join(filter(None, (DONE_BY_HAND[row.kind], named, until)))
    return {
        "at": row.at,
        "icon": ICONS[row.kind],
        "head": f"{head}.",
        "text": row.reason or "",
        "by": row.actor_name or "",
    }


def _worse(before: Standing | None, after: Standing | None) -> bool:
    order: Iterable[Standing] = (
        Standing.EXEMPT,
        Standing.GOOD,
        Standing.WARNED,
        Standing.REDUCED,
        Standing.PROBATION,
        Standing.STOPPED,
        Standing.HELD,
    )
    places = list(order)
    return before in places and after in places and places.index(after) > places.index(before)

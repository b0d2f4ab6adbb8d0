"""A lead's timeline in words: what came in, who held it, what was done and said, what was missed; newest first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from models.assignments import Activity, Assignment, Feedback, Obligation
from models.leads import Lead, LeadEvent
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.vocabulary import (
    ActivityKind,
    DeclineReason,
    Disposition,
    LeadEventKind,
    ObligationKind,
    ObligationState,
    QueueReason,
)
from portal.web.partner.words import held_since, knows
from portal.web.shell import when

#: Of what belongs to no partner, a holder reads only that the person asked again, from its own offer on.
OF_NOBODY = (LeadEventKind.ENQUIRED_AGAIN, LeadEventKind.MERGED)
ICONS = {
    LeadEventKind.RECEIVED: "inbox",
    LeadEventKind.ENQUIRED_AGAIN: "refresh",
    LeadEventKind.OFFERED: "send",
    LeadEventKind.ACCEPTED: "check",
    LeadEventKind.CLAIMED: "check",
    LeadEventKind.DECLINED: "x",
    LeadEventKind.EXPIRED: "hourglass",
    LeadEventKind.RECALLED: "reply",
    LeadEventKind.CLOSED: "flag",
    LeadEventKind.POOLED: "inbox",
    LeadEventKind.QUEUED: "hourglass",
    LeadEventKind.DISQUALIFIED: "x",
    LeadEventKind.NURTURE: "hourglass",
    LeadEventKind.REOPENED: "refresh",
    LeadEventKind.MERGED: "refresh",
}
TOUCH_ICONS = {
    ActivityKind.CALL: "phone",
    ActivityKind.EMAIL: "mail",
    ActivityKind.MEETING: "calendar",
    ActivityKind.DEMO: "screen",
    ActivityKind.MESSAGE: "quote",
    ActivityKind.NOTE: "note",
}
TAKEN_BACK = "taken back"
#: Why a lead was taken back, where the portal itself says so.
RECALLED = {"stopped": "New leads were stopped.", "deactivated": "The partner was switched off."}


@dataclass(frozen=True)
class Line:
    """One line: ``head`` in bold, ``rest`` after it, ``chip`` beside it, ``said`` as a quotation under it."""

    icon: str
    at: datetime
    head: str
    rest: str = ""
    chip: str = ""
    said: str = ""
    tone: str = "plain"


@dataclass(frozen=True)
class Story:
    """Everything recorded of one lead that the reader may see. ``owed``: in the order in which they were opened."""

    touches: Sequence[Activity]
    verdicts: Sequence[Feedback]
    owed: Sequence[Obligation]

    def asked(self, held: Assignment) -> list[Obligation]:
        """What one assignment asked for; what a slip opened that was taken back was never asked for."""
        slips = {touch.recorded_at for touch in self.touches if touch.taken_back_at}
        slips |= {verdict.given_at for verdict in self.verdicts if verdict.taken_back_at}
        return [row for row in self.owed if row.assignment_id == held.id and row.opened_at not in slips]


def story_of(session: AnySession, actor: Actor, lead: Lead) -> Story:
    """Touches, feedback and deadlines of a lead, in three queries."""
    return Story(
        session.scalars(access.activities(actor).where(Activity.lead_id == lead.id)).all(),
        session.scalars(access.feedback(actor, taken_back=True).where(Feedback.lead_id == lead.id)).all(),
        session.scalars(
            access.obligations(actor)
            .where(Obligation.lead_id == lead.id)
            .order_by(Obligation.opened_at, Obligation.due_at, Obligation.id)
        ).all(),
    )


def lines(session: AnySession, actor: Actor, lead: Lead, own: Assignment | None, story: Story) -> list[Line]:
    """The timeline as the actor may read it. ``own``: the partner's assignment, None for staff."""
    events = session.scalars(
        access.timeline(actor).where(LeadEvent.lead_id == lead.id).order_by(LeadEvent.at, LeadEvent.id)
    ).all()
    events = [event for event in events if own is None or _may_read(event, own)]
    said = _enquiries(session, lead, events) if own is None or knows(own) else {}
    names = _partners(session, actor, events) if own is None else {}
    found = [
        *(_event(event, said, names, staff=own is None) for event in events),
        *map(_touch, story.touches),
        *map(_verdict, story.verdicts),
        *_missed(story.owed),
    ]
    return sorted(found, key=lambda line: line.at, reverse=True)


def _may_read(event: LeadEvent, own: Assignment) -> bool:
    return event.partner_id is not None or (event.kind in OF_NOBODY and event.at >= held_since(own))


def _enquiries(session: AnySession, lead: Lead, events: Iterable[LeadEvent]) -> dict[str, str]:
    """What the person wrote when asking again, by the id of that enquiry."""
    ids = [event.facts.get("lead") for event in events if event.kind in OF_NOBODY]
    rows = session.execute(
        select(Lead.id, Lead.message).where(Lead.id.in_(ids), Lead.duplicate_of == lead.id, Lead.message.is_not(None))
    )
    return {row.id: row.message for row in rows}


def _partners(session: AnySession, actor: Actor, events: Sequence[LeadEvent]) -> dict[str, str]:
    from models.partners import Partner

    ids = {event.partner_id for event in events if event.partner_id}
    return {partner.id: partner.name for partner in session.scalars(access.partners(actor).where(Partner.id.in_(ids)))}


def _event(event: LeadEvent, said: Mapping[str, str], names: Mapping[str, str], *, staff: bool) -> Line:
    head, rest = _told(event)
    if staff and event.partner_id:
        rest = f"{names.get(event.partner_id, 'A partner outside your portfolio')}. {rest}".strip()
    return Line(ICONS[event.kind], event.at, head, rest, said=said.get(str(event.facts.get("lead")), ""))


def _told(event: LeadEvent) -> tuple[str, str]:
    """The words of one event: in bold, and after it."""
    by, reason = f"By {event.actor_name}." if event.actor_name else "", event.facts.get("reason")
    source = f"Through {event.facts['source']}. " if event.facts.get("source") else ""
    return {
        LeadEventKind.RECEIVED: ("Enquiry received.", source),
        LeadEventKind.ENQUIRED_AGAIN: ("Asked again.", f"{source}Joined this lead; nothing new to answer."),
        LeadEventKind.MERGED: ("Another enquiry joined this lead.", ""),
        LeadEventKind.OFFERED: ("Offered.", ""),
        LeadEventKind.ACCEPTED: ("Accepted.", f"{by} Contact details shown from here on."),
        LeadEventKind.CLAIMED: ("Claimed from the open pool.", by),
        LeadEventKind.DECLINED: ("Declined.", by),
        LeadEventKind.EXPIRED: ("Moved on.", f"{_label(ObligationKind, reason)} was missed."),
        LeadEventKind.RECALLED: ("Taken back.", RECALLED.get(str(reason), str(reason or ""))),
        LeadEventKind.CLOSED: (f"Closed: {_label(Disposition, reason).lower()}.", by),
        LeadEventKind.POOLED: ("In the open pool.", ""),
        LeadEventKind.QUEUED: ("Waits in the queue.", f"{_label(QueueReason, reason)}."),
        LeadEventKind.DISQUALIFIED: ("Disqualified.", f"{reason or ''} {by}".strip()),
        LeadEventKind.NURTURE: ("Kept for nurture.", f"{reason or ''} {by}".strip()),
        LeadEventKind.REOPENED: ("Reopened.", f"{reason or ''} {by}".strip()),
    }[event.kind]


def _label(words: type[DeclineReason | Disposition | ObligationKind | QueueReason], value: object) -> str:
    """The label of a stored word; the value itself where it is none."""
    return words(str(value)).label if value in set(words) else str(value or "")


def _touch(activity: Activity) -> Line:
    kind, outcome = activity.kind, activity.outcome
    head = f"{kind.label}." if kind is ActivityKind.NOTE else f"{kind.label}: {outcome.label.lower()}."
    following = f" Next step by {when(activity.next_step_at)}." if activity.next_step_at else ""
    return Line(
        TOUCH_ICONS[kind],
        activity.occurred_at,
        head,
        f"By {activity.actor_name}.{following}",
        chip=TAKEN_BACK if activity.taken_back_at else "" if activity.counted else "does not count as a touch",
        said=activity.note or "",
        tone="done" if activity.counted else "plain",
    )


def _verdict(feedback: Feedback) -> Line:
    heard = [f"Objections: {'; '.join(feedback.objections)}." if feedback.objections else ""]
    heard += [f"Competitor: {feedback.competitor}." if feedback.competitor else "", f"By {feedback.actor_name}."]
    reason = f", {feedback.reason}" if feedback.reason else ""
    head = f"Feedback: {feedback.rating} of 5, {feedback.disposition.label.lower()}{reason}."
    return Line(
        "star",
        feedback.given_at,
        head,
        " ".join(filter(None, heard)),
        chip=TAKEN_BACK if feedback.taken_back_at else "",
        said=feedback.note or "",
        tone="plain" if feedback.taken_back_at else "done",
    )


def _missed(rows: Iterable[Obligation]) -> Iterator[Line]:
    """What was missed, and when it was caught up with."""
    for row in rows:
        if row.breached_at is None:
            continue
        late = row.state is ObligationState.BREACHED and row.settled_at is None
        after = "It can still be done late; that clears the overdue." if late else _since(row)
        yield Line("exclaim", row.breached_at, f"{row.kind.label} was missed.", after, tone="late" if late else "plain")


def _since(row: Obligation) -> str:
    if row.cured_at is not None:
        return f"Done late, {when(row.cured_at)}."
    return f"Waived {when(row.waived_at)}." if row.waived_at is not None else ""

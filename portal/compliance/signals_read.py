"""The rows that signals are made of, of the partners a reader may see. Three queries, however many partners."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from models.assignments import Activity, Assignment, Feedback
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.compliance.signals import LOOKED_BACK, Entry, Judgement, Offer, Signal, signals
from portal.vocabulary import AssignmentState


def signals_of_all(
    session: AnySession, actor: Actor, now: datetime, partner_id: str | None = None
) -> dict[str, list[Signal]]:
    """By partner the signals of the last 60 days; partners without one are left out. For staff alone."""
    since = now - LOOKED_BACK
    offers, entries = _offers(session, actor, since, partner_id), _entries(session, actor, since, partner_id)
    judged = _judgements(session, actor, since, partner_id)
    found = {id_: signals(offers[id_], entries[id_], judged[id_], now) for id_ in {*offers, *entries, *judged}}
    return {id_: each for id_, each in found.items() if each}


def partners_named(session: AnySession, actor: Actor, ids: list[str]) -> dict[str, Partner]:
    """Partners by id, as far as the reader sees them."""
    return {partner.id: partner for partner in session.scalars(access.partners(actor).where(Partner.id.in_(ids)))}


def _of(query: Any, column: Any, partner_id: str | None) -> Any:
    return query if partner_id is None else query.where(column == partner_id)


def _offers(session: AnySession, actor: Actor, since: datetime, partner_id: str | None) -> dict[str, list[Offer]]:
    it = Assignment
    columns = (
        it.partner_id, it.id, it.lead_id, it.offered_at, it.respond_by, it.accepted_at, it.ended_at, it.state,
        it.touches,
    )  # fmt: skip
    query = access.assignments(actor).where(it.offered_at > since).with_only_columns(*columns)
    found: dict[str, list[Offer]] = defaultdict(list)
    for row in session.execute(_of(query, it.partner_id, partner_id)):
        declined, expired = row.state is AssignmentState.DECLINED, row.state is AssignmentState.EXPIRED
        found[row.partner_id].append(
            Offer(row.id, row.lead_id, row.offered_at, row.respond_by, row.accepted_at, row.ended_at, declined,
                  expired, row.touches)
        )  # fmt: skip
    return found


def _entries(session: AnySession, actor: Actor, since: datetime, partner_id: str | None) -> dict[str, list[Entry]]:
    it = Activity
    columns = (it.partner_id, it.id, it.lead_id, it.kind, it.occurred_at, it.recorded_at, it.note)
    query = access.activities(actor).where(it.recorded_at > since, it.taken_back_at.is_(None))
    found: dict[str, list[Entry]] = defaultdict(list)
    for row in session.execute(_of(query.with_only_columns(*columns), it.partner_id, partner_id)):
        found[row.partner_id].append(Entry(*row[1:]))
    return found


def _judgements(
    session: AnySession, actor: Actor, since: datetime, partner_id: str | None
) -> dict[str, list[Judgement]]:
    it, first = Feedback, _first_touch(since)
    columns = (it.partner_id, it.id, it.lead_id, it.disposition, it.given_at, first.c.at)
    query = access.feedback(actor).outerjoin(first, first.c.assignment_id == it.assignment_id)
    rows = session.execute(_of(query.where(it.given_at > since).with_only_columns(*columns), it.partner_id, partner_id))
    found: dict[str, list[Judgement]] = defaultdict(list)
    for row in rows:
        touched = row.at is not None and row.at <= row.given_at
        found[row.partner_id].append(Judgement(row.id, row.lead_id, row.disposition, row.given_at, touched))
    return found


def _first_touch(since: datetime) -> Any:
    """When the first counted touch of each assignment judged since then was recorded."""
    judged = select(Feedback.assignment_id).where(Feedback.given_at > since)
    query = select(Activity.assignment_id, func.min(Activity.recorded_at).label("at"))
    query = query.where(Activity.counted, Activity.assignment_id.in_(judged))
    return query.group_by(Activity.assignment_id).subquery()

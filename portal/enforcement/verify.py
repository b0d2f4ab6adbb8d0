"""Recomputing everything stored that can be recomputed, and saying what differs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.accounts.audit import broken_links
from portal.compliance.policy import State, advance, initial
from portal.compliance.service import business_days, derive, ladder_at, ladders, mark, measures_of
from portal.vocabulary import LIVE_ASSIGNMENT, AssignmentState, LeadStatus, LedgerKind, Standing

HELD = (LeadStatus.OFFERED, LeadStatus.ACCEPTED, LeadStatus.CONTACTED)
BEGINNING = timedelta(days=1)


def differences(session: AnySession) -> list[str]:
    """A sentence for each thing stored that is not what its rows give; empty where all is well.

    1. A lead has a live assignment exactly where its status says that somebody holds it, and never two.
    2. Counters of open leads. 3. Caps and weights that follow from standing. 4. Standing and its ledger, folded
    from the first row on. 5. The sealed audit chain. What the outbox has not sent is never a difference.
    """
    found: list[str] = []
    for check in (_live_assignments, _counters, _standing, broken_links):
        found += check(session)
    return found


def _live_assignments(session: AnySession) -> Iterator[str]:
    live = Counter(session.scalars(select(Assignment.lead_id).where(Assignment.state.in_(LIVE_ASSIGNMENT))))
    held = set(session.scalars(select(Lead.id).where(Lead.status.in_(HELD))))
    for lead_id, count in live.items():
        if count > 1:
            yield f"Lead {lead_id} has {count} live assignments."
    for lead_id in held - set(live):
        yield f"Lead {lead_id} is in somebody's hands by its status, in nobody's by its assignments."
    for lead_id in set(live) - held:
        yield f"Lead {lead_id} has a live assignment that its status does not know of."


def _counters(session: AnySession) -> Iterator[str]:
    counting = select(Assignment.partner_id, func.count()).where(
        (Assignment.state == AssignmentState.OFFERED)
        | ((Assignment.state == AssignmentState.ACCEPTED) & (Assignment.touches == 0))
    )
    counted = {row[0]: row[1] for row in session.execute(counting.group_by(Assignment.partner_id))}
    for partner in session.scalars(select(Partner).order_by(Partner.slot)):
        expected = counted.get(partner.id, 0)
        if partner.open_leads != expected:
            yield f"{partner.name} has {expected} open leads; {partner.open_leads} are stored."


def _standing(session: AnySession) -> Iterator[str]:
    versions = ladders(session)
    for partner in session.scalars(select(Partner).order_by(Partner.slot)):
        rows = session.scalars(select(Obligation).where(Obligation.partner_id == partner.id))
        marks = [mark(row) for row in rows]
        first = initial(partner.created_at)
        measures = measures_of(session, partner.id, partner.created_at - BEGINNING)
        state, steps = advance(first, marks, measures, versions, business_days(session, partner), partner.folded_until)
        changes = [(s.at, s.from_, s.to) for s in steps if s.from_ is not s.to]
        yield from _differing(session, partner, state, changes)


def _differing(
    session: AnySession, partner: Partner, state: State, changes: Sequence[tuple[datetime, Standing, Standing]]
) -> Iterator[str]:
    if state.shown is not partner.standing:
        yield f"{partner.name} is {state.shown.label.lower()} by its rows; {partner.standing.label.lower()} is stored."
    if state.to_json() != State.from_json(partner.standing_state).to_json():
        yield f"{partner.name}: the fold's stored state is not what its rows give."
    entries = session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.partner_id == partner.id, LedgerEntry.kind == LedgerKind.CHANGE)
        .order_by(LedgerEntry.at, LedgerEntry.id)
    )
    if [(e.at, e.from_standing, e.to_standing) for e in entries] != list(changes):
        yield f"{partner.name}: the ledger's changes of standing are not those of the fold."
    stored = partner.cap_now, partner.weight_now_x2
    with session.no_autoflush:
        derive(partner, ladder_at(session, partner.folded_until))
        expected = partner.cap_now, partner.weight_now_x2
        partner.cap_now, partner.weight_now_x2 = stored
    if stored != expected:
        yield f"{partner.name}: cap and weight should be {expected}; {stored} are stored."

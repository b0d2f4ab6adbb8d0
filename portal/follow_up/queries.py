"""What would follow from an act that is not done yet."""

from collections.abc import Iterable
from datetime import datetime

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.deadlines import service as deadlines
from portal.deadlines.live import policies
from portal.follow_up.service import asks_again
from portal.qualification.facts import lead_facts
from portal.vocabulary import ObligationKind


def next_due(
    session: AnySession, partner: Partner, assignment: Assignment, lead: Lead, owed: Iterable[Obligation], now: datetime
) -> datetime | None:
    """When the touch or update after a touch counted now would be due; None where none would be asked for.

    ``owed``: what is open or late on the assignment.
    """
    updates = any(row.kind is ObligationKind.UPDATE for row in owed)
    if not updates and not asks_again(session, assignment, lead, assignment.touches + 1, now):
        return None
    opened = deadlines.opening(
        policies(session).at(now), ObligationKind.UPDATE if updates else ObligationKind.NEXT_TOUCH, lead_facts(lead),
        deadlines.calendar_of(partner), now, assignment_id=assignment.id, lead_id=lead.id, partner_id=partner.id,
    )  # fmt: skip
    return opened["due_at"] if opened else None

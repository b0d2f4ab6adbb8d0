"""How often partners win what they accept: counted up to the last midnight, so that a day's decisions agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import and_, case, func, or_, select

from models.assignments import Assignment
from models.session import AnySession
from portal.allocation.strategies import MILLION
from portal.deadlines.live import cached, revision
from portal.vocabulary import AssignmentState, Disposition

WINDOW = timedelta(days=365)
#: An accepted lead that has come to nothing for so long counts as not won.
PATIENCE = timedelta(days=90)


@dataclass(frozen=True)
class Outcomes:
    """``by_partner``: won, and of how many. ``mean``: the rate of all together, in parts of a million."""

    by_partner: Mapping[str, tuple[int, int]]
    mean: int

    def of(self, partner_id: str) -> tuple[int, int]:
        """Won, and of how many; nothing of either for a partner without an outcome."""
        return self.by_partner.get(partner_id, (0, 0))


def outcomes(session: AnySession, now: datetime) -> Outcomes:
    """The outcomes of the 365 days that ended at the last midnight (UTC); read once a day and process.

    1. Won: closed as won. 2. Not won: closed as lost; taken away after it was accepted and a deadline was missed;
    or accepted 90 days before that midnight and not ended by then. 3. What turned out to be no lead, was put aside
    or was recalled counts as neither.
    """
    until = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return cached(session, "conversion", partial(_load, until), f"{revision(session)} {until:%Y-%m-%d}")


def _load(until: datetime, session: AnySession) -> Outcomes:
    since, ended = until - WINDOW, and_(Assignment.ended_at >= until - WINDOW, Assignment.ended_at < until)
    decided = Assignment.disposition.in_((Disposition.WON, Disposition.LOST))
    taken_away = and_(Assignment.state == AssignmentState.EXPIRED, Assignment.accepted_at.is_not(None))
    pending = and_(
        Assignment.accepted_at >= since, Assignment.accepted_at < until - PATIENCE,
        or_(Assignment.ended_at.is_(None), Assignment.ended_at >= until),
    )  # fmt: skip
    won = and_(Assignment.disposition == Disposition.WON, Assignment.ended_at < until)
    rows = session.execute(
        select(Assignment.partner_id, func.sum(case((won, 1), else_=0)), func.count())
        .where(or_(and_(ended, or_(decided, taken_away)), pending))
        .group_by(Assignment.partner_id)
    )
    by_partner = {partner: (int(wins), int(of)) for partner, wins, of in rows}
    wins, of = (sum(counts) for counts in zip((0, 0), *by_partner.values(), strict=True))
    return Outcomes(by_partner, (wins + 1) * MILLION // (of + 2))

"""What a hold or a policy would bring about if it came now. Read from the rows, written nowhere.

Who takes the volume is read from the decisions of the last 28 days: each offer of those who lose is shared by weight
among the others whose gates let them through when it was made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select

from models.allocation import Decision
from models.assignments import Assignment
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.allocation.record import briefly
from portal.compliance.blast import filled, shared, turned
from portal.compliance.facts import Ladder, ladder_at
from portal.compliance.policy import State
from portal.compliance.service import business_days_of_all, derived, ladders, marks_of_all
from portal.deadlines.document import PolicyDocument
from portal.vocabulary import AssignmentOrigin, AssignmentState, DecisionOutcome, Standing

LOOKED_BACK = timedelta(days=28)
#: So many of the latest decisions are shared out; where there are more, the rest is taken to go the same ways.
MOST_DECISIONS = 2_000
BY_RULE = (AssignmentOrigin.ROTATION.value, AssignmentOrigin.RULE.value)


@dataclass(frozen=True)
class Change:
    """A partner whose standing would change. ``cap``: its open-lead cap from then on."""

    partner: Partner
    before: Standing
    after: Standing
    cap: int

    @property
    def over_cap(self) -> bool:
        """Whether it holds more open leads than its cap would allow: it gets none before some are worked."""
        return self.after.allows_leads and self.partner.open_leads > self.cap


@dataclass(frozen=True)
class Taker:
    """Who takes a part. ``partner`` None: those whom the reader may not see, together.

    ``gain`` and ``own``: offers in 28 days. ``open_after``: open leads once it takes its part, of ``cap``.
    """

    partner: Partner | None
    gain: Fraction
    own: int
    open_after: Fraction
    cap: int

    @property
    def breaks_cap(self) -> bool:
        """Whether its part does not fit below its cap."""
        return self.partner is not None and self.open_after > self.cap


@dataclass(frozen=True)
class Blast:
    """Everything that would follow.

    ``stopped``: who gets no more leads; ``recalled``: the offers that go back to allocation. ``offers``: how many
    offers those had in 28 days, ``outside`` of them not by turn (the same person or company again, or by hand).
    """

    changes: tuple[Change, ...]
    losing: tuple[Partner, ...]
    recalled: int
    offers: int
    outside: int
    nobody: Fraction
    takers: tuple[Taker, ...]

    @property
    def breaking(self) -> tuple[Taker, ...]:
        """Those whose cap breaks."""
        return tuple(taker for taker in self.takers if taker.breaks_cap)


def of_hold(session: AnySession, actor: Actor, partner: Partner, now: datetime) -> Blast:
    """Of holding one partner: it keeps its offers, and gets no new ones."""
    losing = [partner] if partner.standing.allows_leads else []
    return _blast(session, actor, now, (), losing, 0, {})


def of_policy(session: AnySession, actor: Actor, document: PolicyDocument, now: datetime) -> Blast:
    """Of letting a policy's ladder rule from now on: every standing is folded under it from the rows.

    Whoever is stopped by it loses its unanswered offers; what is open keeps the deadlines it was given.
    """
    versions, draft = ladders(session), Ladder.from_mapping(document.ladder)
    if ladder_at(versions, now) == draft:
        return _blast(session, actor, now, (), (), 0, {})
    partners = session.scalars(access.partners(actor).where(Partner.active).order_by(Partner.name)).all()
    marks = marks_of_all(session, partners, versions)
    days = business_days_of_all(session, [partner.id for partner in partners])
    changes, weights = [], dict[int, int]()
    for partner in partners:
        state = State.from_json(partner.standing_state)
        before, after = turned(state, marks[partner.id], versions, draft, days[partner.id], now)
        cap, weight = derived(partner, after.shown, draft)
        weights[partner.slot] = weight
        if before.shown is not after.shown:
            changes.append(Change(partner, before.shown, after.shown, cap))
    worst = sorted(changes, key=lambda change: (change.after.allows_leads, change.partner.name))
    losing = [each.partner for each in worst if each.before.allows_leads and not each.after.allows_leads]
    recalled = _offered(session, [each.partner.id for each in worst if each.after is Standing.STOPPED])
    return _blast(session, actor, now, worst, losing, recalled, weights)


def _offered(session: AnySession, partner_ids: Sequence[str]) -> int:
    query = select(func.count()).where(
        Assignment.partner_id.in_(partner_ids), Assignment.state == AssignmentState.OFFERED
    )
    return session.scalar(query) or 0


def _blast(
    session: AnySession, actor: Actor, now: datetime, changes: Iterable[Change], losing: Sequence[Partner],
    recalled: int, weights: dict[int, int],
) -> Blast:  # fmt: skip
    ids, since = [partner.id for partner in losing], now - LOOKED_BACK
    counted = _counts(session, since) if losing else {}
    offers = sum(counted.get(id_, 0) for id_ in ids)
    by_turn, outside = _decisions(session, ids, since) if offers else ([], 0)
    scale = Fraction(offers, len(by_turn) + outside) if by_turn or outside else Fraction(0)
    everybody = session.scalars(select(Partner).order_by(Partner.slot)).all() if by_turn else []
    found = shared(by_turn, {p.slot: _weight(p, weights) for p in everybody}, frozenset(p.slot for p in losing))
    going = sum(partner.open_leads for partner in losing)
    gains = {p: found.gains[p.slot] * scale for p in everybody if p.slot in found.gains}
    takers = _takers(session, actor, gains, counted, offers, going, {each.partner.id: each.cap for each in changes})
    nobody, otherwise = found.nobody * scale, round(outside * scale)
    return Blast(tuple(changes), tuple(losing), recalled, offers, otherwise, nobody, takers)


def _weight(partner: Partner, weights: dict[int, int]) -> int:
    takes = partner.active and partner.reachable and partner.standing.allows_leads
    return weights.get(partner.slot, partner.weight_now_x2) if takes else 0


def _counts(session: AnySession, since: datetime) -> dict[str, int]:
    """Offers by partner."""
    query = select(Assignment.partner_id, func.count()).where(Assignment.offered_at > since)
    return {row[0]: row[1] for row in session.execute(query.group_by(Assignment.partner_id))}


def _decisions(session: AnySession, partner_ids: Sequence[str], since: datetime) -> tuple[list[list[int]], int]:
    """The slots of those who could have had each offer by turn; and how many offers came otherwise."""
    query = (
        select(Decision.origin, Decision.candidates)
        .join(Assignment, Assignment.id == Decision.assignment_id)
        .where(
            Assignment.partner_id.in_(partner_ids), Assignment.offered_at > since,
            Decision.outcome == DecisionOutcome.OFFERED,
        )
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(MOST_DECISIONS)
    )  # fmt: skip
    rows = session.execute(query).all()
    by_turn = [_could(row.candidates) for row in rows if row.origin in BY_RULE]
    return by_turn, len(rows) - len(by_turn)


def _could(candidates: dict[str, Any]) -> list[int]:
    return [each.slot for each in briefly(candidates) if not each.closed]


def _takers(
    session: AnySession, actor: Actor, gains: dict[Partner, Fraction], counted: dict[str, int], offers: int,
    going: int, caps: dict[str, int],
) -> tuple[Taker, ...]:  # fmt: skip
    """The largest part first; those outside the reader's portfolio are summed up."""
    seen = set(session.scalars(access.partners(actor).with_only_columns(Partner.id))) if gains else set()
    told = [
        Taker(p, gain, counted.get(p.id, 0), filled(p.open_leads, gain, offers, going), caps.get(p.id, p.cap_now))
        for p, gain in gains.items()
        if p.id in seen
    ]
    hidden = [p for p in gains if p.id not in seen]
    told.sort(key=lambda taker: (-taker.gain, taker.partner.name if taker.partner else ""))
    if hidden:
        gain = sum((gains[p] for p in hidden), Fraction(0))
        told.append(Taker(None, gain, sum(counted.get(p.id, 0) for p in hidden), Fraction(0), 0))
    return tuple(told)

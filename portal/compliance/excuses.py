"""Deadlines excused by rule: for an outage, a closed vendor, or a notice that reached nobody.

Each is extended or waived through what staff do by hand, so it stands in the ledger with its reason, and once only:
``excuse.key`` names cause and obligation.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from models.assignments import Obligation
from models.base import new_id
from models.calendars import VendorDay
from models.excuses import Excuse, Outage
from models.partners import Partner
from models.session import AnySession
from portal.accounts.actor import SYSTEM
from portal.calendars.describe import exact
from portal.calendars.policy import Calendar, DayOff, calendar_with
from portal.compliance.acts import extend_row, waive_row
from portal.compliance.outages import LATE, Excused, Owed, excused
from portal.compliance.service import Folded, enter, refold
from portal.deadlines.live import Timeline, policies
from portal.deadlines.service import calendar_of
from portal.deadlines.texts import calendar_text
from portal.notifications.outbox import notify
from portal.vocabulary import ExcuseEffect, NoticeTopic, ObligationState, OutageKind, OutageOrigin

SAID = {
    OutageKind.OUTAGE: "The portal was away from {start} to {end}.",
    OutageKind.VENDOR_CLOSED: "We were closed from {start} to {end}.",
}


def undone(session: AnySession) -> Sequence[Outage]:
    """The outages that may still excuse something: ended or with a known end, not withdrawn, not done with."""
    wanted = select(Outage).where(Outage.done_at.is_(None), Outage.withdrawn_at.is_(None), Outage.ends_at.is_not(None))
    return session.scalars(wanted.order_by(Outage.starts_at, Outage.id)).all()


def give_back(session: AnySession, partner: Partner, at: datetime) -> int:
    """Extend what is open of a locked partner by what outages took of its time; how many deadlines.

    Called before anything of the partner is recorded as missed, so that a lead never moves on for the vendor's fault.
    The caller folds, or goes on to settle.
    """
    return sum(_apply(session, partner, outage, at, (ObligationState.OPEN,)) for outage in undone(session))


def excuse(session: AnySession, partner_id: str, outage_id: str, now: datetime) -> Folded:
    """Excuse everything of one partner that one outage excuses, as one unit of work's core. Raises Unsettled."""
    partner, at = enter(session, partner_id, now)
    outage = session.get(Outage, outage_id)
    if outage is None or outage.withdrawn_at is not None or outage.ends_at is None:
        return Folded()
    done = _apply(session, partner, outage, at, (ObligationState.OPEN, *LATE))
    return refold(session, partner, at) if done else Folded()


def partners_of(session: AnySession, outage: Outage) -> list[str]:
    """Partners with a deadline that the outage may excuse and has not yet."""
    rows = _overlapped(outage, (ObligationState.OPEN, *LATE)).with_only_columns(Obligation.partner_id)
    return sorted(session.scalars(rows.distinct()))


def _overlapped(outage: Outage, states: Sequence[ObligationState]) -> Select[Obligation]:
    excused_for_it = select(Excuse.id).where(Excuse.obligation_id == Obligation.id, Excuse.outage_id == outage.id)
    return select(Obligation).where(
        Obligation.state.in_(states), Obligation.set_aside_at.is_(None), Obligation.opened_at < outage.ends_at,
        Obligation.due_at > outage.starts_at, ~excused_for_it.exists(),
    )  # fmt: skip


def _apply(
    session: AnySession, partner: Partner, outage: Outage, at: datetime, states: Sequence[ObligationState]
) -> int:
    mine = _overlapped(outage, states).where(Obligation.partner_id == partner.id)
    rows = session.scalars(mine.order_by(Obligation.due_at, Obligation.id)).all()
    if not rows:
        return 0
    reading, counts = _Reading.of(session, partner, rows), dict.fromkeys(ExcuseEffect, 0)
    for row in rows:
        found = reading.excused(row, outage, at)
        if found is not None:
            key = f"outage:{outage.id}:{row.id}"
            write(session, partner, row, found, at, _said(outage, partner, at), key=key, outage_id=outage.id)
            counts[found.effect] += 1
    if any(counts.values()):
        _tell(session, partner, outage, counts, at)
    session.flush()
    return sum(counts.values())


@dataclass
class _Reading:
    """What the rule needs to know of one partner, read once for all its obligations."""

    partner: Partner
    rules: Timeline
    vendor_days: Sequence[tuple[DayOff, datetime]]
    given: dict[str, list[tuple[datetime, datetime]]]

    @classmethod
    def of(cls, session: AnySession, partner: Partner, rows: Sequence[Obligation]) -> "_Reading":
        days = session.execute(select(VendorDay.day, VendorDay.name, VendorDay.declared_at).order_by(VendorDay.day))
        given: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        stretches = select(Excuse.obligation_id, Outage.starts_at, Outage.ends_at).join(
            Outage, Outage.id == Excuse.outage_id
        )
        for row in session.execute(stretches.where(Excuse.obligation_id.in_([row.id for row in rows]))):
            given[row.obligation_id].append((row.starts_at, row.ends_at))
        known = [(DayOff(day, name), declared_at) for day, name, declared_at in days]
        return cls(partner, policies(session), known, given)

    def excused(self, row: Obligation, outage: Outage, at: datetime) -> Excused | None:
        """What the outage does for one of them."""
        within = self.rules.by_id(row.policy_id).document.obligations[row.entry].within
        owed = Owed(row.state, row.opened_at, row.due_at, within.clock, row.cured_at, tuple(self.given.get(row.id, ())))
        ends_at = outage.ends_at or at
        return excused(owed, outage.starts_at, ends_at, self._then(row.opened_at), calendar_of(self.partner), at)

    def _then(self, opened_at: datetime) -> Calendar:
        partner = self.partner
        known = tuple(day for day, declared_at in self.vendor_days if declared_at <= opened_at)
        return calendar_with(calendar_text(partner.timezone, partner.country, partner.hours), known)


def _said(outage: Outage, partner: Partner, now: datetime) -> str:
    start, end = (exact(at, partner.timezone, now) for at in (outage.starts_at, outage.ends_at or now))
    told = SAID[outage.kind].format(start=start, end=end)
    return f"{told} {outage.reason}" if outage.origin is OutageOrigin.DECLARED else told


def write(
    session: AnySession, partner: Partner, row: Obligation, found: Excused, at: datetime, reason: str, *,
    key: str, outage_id: str | None = None,
) -> None:  # fmt: skip
    """Extend or waive one deadline as found, and remember that it was; the caller folds."""
    was = row.due_at
    if found.effect is ExcuseEffect.EXTENDED:
        extend_row(session, partner, row, found.due_at, at, SYSTEM, reason, tell=False)
    else:
        waive_row(session, partner, row, at, SYSTEM, reason, tell=False)
    excuse = Excuse(
        id=new_id(), key=key, partner_id=partner.id, obligation_id=row.id, outage_id=outage_id, effect=found.effect,
        at=at, was_due_at=was, due_at=found.due_at,
    )  # fmt: skip
    session.add(excuse)


def _tell(session: AnySession, partner: Partner, outage: Outage, counts: dict[ExcuseEffect, int], at: datetime) -> None:
    """One notice for all that an outage excused, however much that is."""
    facts = {
        "partner": partner.name, "outage": outage.kind, "from": outage.starts_at.isoformat(),
        "to": outage.ends_at.isoformat() if outage.ends_at else None, "url": "/work",
        **{effect.value: count for effect, count in counts.items()},
    }  # fmt: skip
    once = f"excused:{outage.id}:{partner.id}:{at.isoformat()}"
    notify(session, NoticeTopic.EXCUSED, "partner", at, partner_id=partner.id, once=once[:120], facts=facts)

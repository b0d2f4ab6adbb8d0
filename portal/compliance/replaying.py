"""What a past period would have been under another policy, partner by partner; read from the rows, written nowhere."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner, PartnerVersion
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.calendars.errors import CalendarError
from portal.calendars.policy import Calendar, calendar_with
from portal.compliance.facts import Ladder, Mark, Measure
from portal.compliance.fold import advance
from portal.compliance.replay import Lived, handed_on, lived, redated, under
from portal.compliance.service import MARKED, MEASURES, business_days_of_all, ladders, mark
from portal.compliance.state import initial
from portal.deadlines.document import Entry, PolicyDocument
from portal.deadlines.live import policies
from portal.deadlines.policy import due_for, entry_for
from portal.deadlines.texts import calendar_text
from portal.deadlines.vendor_days import days_off
from portal.errors import Invalid
from portal.qualification.facts import FIELDS, lead_facts
from portal.vocabulary import LedgerKind, ObligationKind

#: So many deadlines are replayed while the reader waits (about two seconds for 10,000); more are refused.
MOST = 20_000
LONGEST = timedelta(days=366)
COLUMNS = (*MARKED, Obligation.lead_id, Obligation.policy_id, Obligation.entry, Obligation.number)
READ = [getattr(Lead, name) for name in FIELDS if hasattr(Lead, name)]
CHUNK = 500


@dataclass(frozen=True)
class PartnerReplay:
    """One partner: the period as it was, and as it would have been. ``meanwhile``: offers it got in truth at times
    at which it would have been stopped."""

    partner: Partner
    was: Lived
    then: Lived
    meanwhile: int

    @property
    def stayed(self) -> frozenset[str]:
        """Assignments whose lead would not have moved away."""
        return self.was.moved - self.then.moved

    @property
    def moved(self) -> frozenset[str]:
        """Assignments whose lead would have moved away."""
        return self.then.moved - self.was.moved

    @property
    def differs(self) -> bool:
        """Whether anything at all would have been otherwise."""
        same = (self.was.standing, self.was.stops, self.was.missed, self.was.due, self.was.moved, self.was.stopped)
        return same != (
            self.then.standing, self.then.stops, self.then.missed, self.then.due, self.then.moved, self.then.stopped
        )  # fmt: skip


@dataclass(frozen=True)
class Replay:
    """All partners, by name. ``deadlines``: how many were given other instants or none, of how many in the period.

    ``unknown``: kinds that the draft asks for and that nothing in the period was asked for: they are left out.
    """

    since: datetime
    until: datetime
    rows: tuple[PartnerReplay, ...]
    deadlines: int
    redated: int
    unknown: tuple[ObligationKind, ...]
    leads: Mapping[str, str] = field(default_factory=dict)

    def total(self, name: str, side: str) -> int:
        """The sum of a figure of ``Lived`` (``due``, ``missed``, ``stops``) over all partners."""
        return sum(getattr(getattr(row, side), name) for row in self.rows)


@dataclass(frozen=True)
class _Then:
    """What re-dating needs to know beside a row."""

    draft: PolicyDocument
    documents: Mapping[str, PolicyDocument]
    same: frozenset[tuple[str, ObligationKind]]
    facts: Mapping[str, Mapping[str, object]]
    calendars: "_Calendars"
    longer: frozenset[str]
    again: frozenset[str]
    released: frozenset[tuple[str, datetime]]


def replay(session: AnySession, actor: Actor, draft: PolicyDocument, since: datetime, until: datetime) -> Replay:
    """The period (``since``, ``until``] under ``draft``, for the partners that ``actor`` sees. Raises Invalid.

    1. What was opened in the period is dated anew by the draft, in the calendar that its partner then had; where the
       draft asks the same of that kind, it keeps its instants. What the draft does not ask for is left out.
    2. Acts, waivers, holds and all ends of assignments but those by a missed deadline stay at their true times.
    3. The draft's ladder rules from ``since`` on; standing at ``since`` is that of the rows.
    The draft of what ruled all the time thus gives what is stored.
    """
    _check(session, actor, since, until)
    partners = session.scalars(access.partners(actor).where(Partner.created_at < until).order_by(Partner.name)).all()
    rows, measures = _rows(session, actor, until), _measures(session, actor, until)
    inside = [row for each in rows.values() for row in each if row.opened_at > since]
    then = _then(session, draft, rows, inside, measures)
    days, versions = business_days_of_all(session, [p.id for p in partners]), ladders(session)
    ruled = under(versions, since, Ladder.from_mapping(draft.ladder))
    offered, found, changed = _offered(session, actor, since, until), [], 0
    for partner in partners:
        kept = [mark(row) for row in rows[partner.id]]
        recorded = {each.id: each for each in kept}
        dated = [(old, _dated(row, old, then) if row.opened_at > since else old)
                 for row, old in zip(rows[partner.id], kept, strict=True)]  # fmt: skip
        changed += sum(new is not old for old, new in dated)
        was = handed_on(recorded, kept, until)
        new = handed_on(recorded, [m for _, m in dated if m is not None], until)
        start, told = max(since, partner.created_at), measures[partner.id]
        state, _ = advance(initial(partner.created_at), was, told, versions, days[partner.id], start)
        truth = lived(state, was, told, versions, days[partner.id], start, until)
        other = lived(state, new, told, ruled, days[partner.id], start, until, truth.low)
        found.append(PartnerReplay(partner, truth, other, _meanwhile(offered[partner.id], truth, other)))
    seen = {row.kind for row in inside}
    unknown = tuple(kind for kind in ObligationKind if kind not in seen and _asks(draft, kind)) if inside else ()
    result = Replay(since, until, tuple(found), len(inside), changed, unknown)
    return replace(result, leads=_leads(session, result))


def _check(session: AnySession, actor: Actor, since: datetime, until: datetime) -> None:
    if since >= until:
        raise Invalid([("to", "Give an end after the start.")])
    if until - since > LONGEST:
        raise Invalid([("from", "Give a period of at most a year.")])
    query = access.obligations(actor).where(Obligation.opened_at <= until).with_only_columns(func.count())
    if (count := session.scalar(query) or 0) > MOST:
        sentence = f"{count:,} deadlines lie before its end; at most {MOST:,} are replayed. Give an earlier end."
        raise Invalid([("to", sentence)])


def _rows(session: AnySession, actor: Actor, until: datetime) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    query = access.obligations(actor).where(Obligation.opened_at <= until).with_only_columns(*COLUMNS)
    for row in session.execute(query.order_by(Obligation.opened_at, Obligation.id)):
        found[row.partner_id].append(row)
    return found


def _measures(session: AnySession, actor: Actor, until: datetime) -> dict[str, list[Measure]]:
    found: dict[str, list[Measure]] = defaultdict(list)
    query = access.ledger(actor).where(LedgerEntry.kind.in_(MEASURES), LedgerEntry.at <= until)
    for row in session.scalars(query.order_by(LedgerEntry.at, LedgerEntry.id)):
        found[row.partner_id].append(Measure(row.kind, row.at, row.until))
    return found


def _offered(session: AnySession, actor: Actor, since: datetime, until: datetime) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    query = access.assignments(actor).where(Assignment.offered_at > since, Assignment.offered_at <= until)
    for partner_id, at in session.execute(query.with_only_columns(Assignment.partner_id, Assignment.offered_at)):
        if at is not None:
            found[partner_id].append(at)
    return found


def _meanwhile(offered: Sequence[datetime], was: Lived, then: Lived) -> int:
    def during(at: datetime, spans: Iterable[tuple[datetime, datetime]]) -> bool:
        return any(start < at < end for start, end in spans)

    return sum(during(at, then.stopped) and not during(at, was.stopped) for at in offered)


def _then(
    session: AnySession, draft: PolicyDocument, every: Mapping[str, Sequence[Any]], rows: Sequence[Any],
    measures: Mapping[str, Sequence[Measure]],
) -> _Then:  # fmt: skip
    documents = {policy.id: policy.document for policy in policies(session).policies}
    pairs = {(row.policy_id, row.kind) for row in rows}
    same = frozenset((id_, kind) for id_, kind in pairs if _same(draft, documents.get(id_), kind))
    changed = [row for row in rows if (row.policy_id, row.kind) not in same]
    conditional = any(entry.when is not None for entry in draft.obligations)
    return _Then(
        draft, documents, same, _facts(session, {row.lead_id for row in changed} if conditional else ()),
        _Calendars(session, {row.partner_id for row in changed}), _longer(session, changed),
        _again([row for each in every.values() for row in each]),
        frozenset((id_, m.at) for id_, told in measures.items() for m in told if m.kind is LedgerKind.RELEASE),
    )  # fmt: skip


def _asks(document: PolicyDocument, kind: ObligationKind) -> list[Entry]:
    return [entry for entry in document.obligations if entry.kind is kind]


def _same(draft: PolicyDocument, then: PolicyDocument | None, kind: ObligationKind) -> bool:
    """Whether both ask the same of a kind, so that recorded instants stand as they are."""
    if then is None or then.grace_minutes != draft.grace_minutes:
        return False
    return [entry.body for entry in _asks(draft, kind)] == [entry.body for entry in _asks(then, kind)]


def _facts(session: AnySession, lead_ids: Iterable[str]) -> dict[str, Mapping[str, object]]:
    ids, found = sorted(lead_ids), dict[str, Mapping[str, object]]()
    for start in range(0, len(ids), CHUNK):
        some = select(Lead.id, Lead.custom, Lead.email_norm, *READ).where(Lead.id.in_(ids[start : start + CHUNK]))
        found |= {row.id: lead_facts(row) for row in session.execute(some)}
    return found


def _longer(session: AnySession, rows: Sequence[Any]) -> frozenset[str]:
    """Those that somebody gave more time: they keep at least the due instant they were given."""
    partners = {row.partner_id for row in rows}
    query = select(LedgerEntry.obligation_ids).where(
        LedgerEntry.kind == LedgerKind.EXTEND, LedgerEntry.partner_id.in_(partners)
    )
    return frozenset(id_ for ids in session.scalars(query) for id_ in ids)


def _again(rows: Sequence[Any]) -> frozenset[str]:
    """Feedback that was asked for again after an answer: all but the first of its assignment."""
    first: dict[str, str] = {}
    feedback = [row for row in rows if row.kind is ObligationKind.FEEDBACK]
    return frozenset(row.id for row in feedback if first.setdefault(row.assignment_id, row.id) != row.id)


def _dated(row: Any, old: Mark, then: _Then) -> Mark | None:
    """The mark under the draft; None where that does not ask for it."""
    if (row.policy_id, row.kind) in then.same:
        return old
    entry = entry_for(then.draft, row.kind, then.facts.get(row.lead_id, {}))
    if entry is None or (row.id in then.again and entry.repeat is None) or row.number > (entry.touches or row.number):
        return None
    try:
        due = due_for(then.draft, entry, then.calendars.at(row.partner_id, row.opened_at), row.opened_at,
                      within=entry.repeat if row.id in then.again else None)  # fmt: skip
    except CalendarError:
        return old
    later = max(row.due_at - due.due_at, timedelta(0)) if row.id in then.longer else timedelta(0)
    if (row.partner_id, row.settled_at) in then.released:  # The fold settles anew what is overdue at a release.
        old = replace(old, settled_at=None)
    return redated(old, due.due_at + later, due.grace_until + later, hands_on=entry.reassign and not _kept(row, then))


def _kept(row: Any, then: _Then) -> bool:
    """Feedback of a won or lost lead: it stays due, and takes no lead away."""
    document = then.documents.get(row.policy_id)
    known = document is not None and row.entry < len(document.obligations)
    return bool(known and document and document.obligations[row.entry].reassign and not row.reassign)


class _Calendars:
    """The partners' calendars as they were."""

    def __init__(self, session: AnySession, partner_ids: Iterable[str]) -> None:
        columns = (PartnerVersion.partner_id, PartnerVersion.valid_from, PartnerVersion.facts)
        query = select(*columns).where(PartnerVersion.partner_id.in_(sorted(partner_ids)))
        self._versions: dict[str, list[Any]] = defaultdict(list)
        for row in session.execute(query.order_by(PartnerVersion.valid_from)):
            self._versions[row.partner_id].append(row)
        self._off = days_off(session)

    def at(self, partner_id: str, at: datetime) -> Calendar:
        """The calendar in which a deadline opened at ``at`` was counted; the vendor's days off as declared now."""
        versions = self._versions[partner_id]
        facts = versions[max(0, bisect_left([v.valid_from for v in versions], at) - 1)].facts
        return calendar_with(calendar_text(facts["timezone"], facts["country"], facts["hours"]), self._off)


def _leads(session: AnySession, found: Replay) -> dict[str, str]:
    """The lead of each assignment that would have gone otherwise."""
    ids = sorted({id_ for row in found.rows for id_ in (*row.stayed, *row.moved)})
    leads: dict[str, str] = {}
    for start in range(0, len(ids), CHUNK):
        some = select(Assignment.id, Assignment.lead_id).where(Assignment.id.in_(ids[start : start + CHUNK]))
        leads |= {row.id: row.lead_id for row in session.execute(some)}
    return leads

"""A past period as a replay reads it: stored decisions, who held which lead when, settings and standings. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from statistics import median
from typing import Any, NamedTuple

from portal.allocation.document import Known, RuleSet, parse_rules
from portal.allocation.gates import PartnerFacts, PartnerNow, day_key, week_key
from portal.allocation.record import FACTS
from portal.allocation.rotation import Credits
from portal.calendars.policy import Calendar
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate, Standing

#: Decisions that people made: a replay carries them over, it does not make them anew.
BY_PEOPLE = (AssignmentOrigin.BY_HAND, AssignmentOrigin.CLAIM, AssignmentOrigin.REOPENED)
#: How long a partner keeps a lead among its open ones where nobody ever did.
USUAL_STAY = timedelta(days=1)
#: A partner's own week began at most so long ago.
WEEK = timedelta(days=8)
#: What a replay takes from a row.
TOLD = (
    (Gate.STANDING, "standing"), (Gate.OPEN_CAP, "open"), (Gate.OPEN_CAP, "cap"), (Gate.DAILY_CAP, "offered"),
    (Gate.WEEKLY_CAP, "offered"),
)  # fmt: skip
STANDARD = [[gate.value, name] for gate, name in FACTS]
STANDINGS = {standing.value: standing for standing in Standing}
NOTHING: Mapping[str, Any] = {}
_places: dict[str, "Places"] = {}
Moment = tuple[int, str]
Effective = Callable[[Standing, int, int, datetime], tuple[int, int]]


def moment(at: datetime, row_id: str) -> Moment:
    """Where a row stands among others: by its second, within it in the order in which the rows were made.

    What is recorded of one act may lie a few microseconds behind what followed it; the ids keep the true order.
    """
    return round(at.timestamp()), row_id


class Places(NamedTuple):
    """Where in a row its ``TOLD`` stand, in their order; ``more``: where what closed gates add stands."""

    standing: int
    open: int
    cap: int
    today: int
    this_week: int
    more: int


class Stay(NamedTuple):
    """One lead with one partner. ``freed``: when it left the partner's open leads; None: it has not.

    ``at_fault``: the partner declined, let expire or returned it.
    """

    id: str
    lead_id: str
    slot: int
    at: datetime
    freed: datetime | None
    product: str | None
    at_fault: bool


class Ownership(NamedTuple):
    """A live deal at a company, from ``at`` until ``until`` (None: still)."""

    at: datetime
    until: datetime | None
    lead_id: str
    partner_id: str


class Setting(NamedTuple):
    """What a partner was set up to be from a moment on. ``cap``: its own open-lead cap."""

    since: Moment
    facts: PartnerFacts
    cap: int


class Enquiry(NamedTuple):
    """A lead as its decisions read it. ``keys``: by what an earlier lead of its company or person is found."""

    id: str
    values: Mapping[str, object]
    grade: str
    received_at: datetime
    prefer: str | None
    prefer_origin: str | None
    domain: str | None
    company_key: str | None
    person_keys: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """One stored decision about a lead. ``record``: its candidates, as ``portal.allocation.record`` packs them."""

    id: str
    at: datetime
    lead: Enquiry
    assignment_id: str | None
    version_id: str | None
    rule: str | None
    origin: str | None
    outcome: DecisionOutcome
    partner_id: str | None
    record: Mapping[str, Any]
    path: Sequence[Mapping[str, Any]]

    @property
    def moment(self) -> Moment:
        return moment(self.at, self.id)

    @property
    def by_people(self) -> bool:
        """Whether somebody assigned, claimed or reopened it; no rule was asked."""
        return self.origin in BY_PEOPLE

    @cached_property
    def rows(self) -> dict[int, Sequence[Any]]:
        """Those whose gates were all asked, by slot."""
        return {row[0]: row for row in self.record.get("rows", ())}

    @property
    def places(self) -> "Places":
        """Where in its rows what is taken from them stands; the same of all decisions that one release wrote."""
        names = self.record["facts"]
        key = str(names) if names != STANDARD else ""
        if key not in _places:
            at = {(gate, name): 4 + n for n, (gate, name) in enumerate(names)}
            _places[key] = Places._make([*(at[told] for told in TOLD), 4 + len(names)])
        return _places[key]

    def shut(self, slot: int) -> tuple[str, ...]:
        """The gates that kept a partner off it."""
        return tuple(self.rows[slot][1] or ())


class Story(NamedTuple):
    """A partner's standings: from each of ``times`` on the one at its place; ``first`` before."""

    times: Sequence[datetime]
    standings: Sequence[Standing]
    first: Standing

    def at(self, at: datetime) -> Standing:
        """The standing that was stored at an instant."""
        place = bisect_right(self.times, at)
        return self.standings[place - 1] if place else self.first


@dataclass
class Rulebook:
    """Every version that ever ruled, by id, with the lists that its rules name as they were at a moment.

    ``lists``: what every list held from a moment on, in order; before the first of them there was none.
    """

    versions: Mapping[str, Sequence[Any]]
    known: Known
    lists: Sequence[tuple[Moment, Mapping[str, frozenset[str]]]] = ()
    _parsed: dict[tuple[str, int], RuleSet] = field(default_factory=dict)

    def at(self, version_id: str | None, key: Moment) -> RuleSet | None:
        """A version's rules, read as they were read at a moment; None where there is no such version."""
        rules = self.versions.get(version_id or "")
        if rules is None or version_id is None:
            return None
        epoch = bisect_right(self.lists, key, key=itemgetter(0))
        if (version_id, epoch) not in self._parsed:
            lists = self.lists[epoch - 1][1] if epoch else {}
            self._parsed[version_id, epoch] = parse_rules(rules, replace(self.known, lists=lists), published=True)
        return self._parsed[version_id, epoch]


@dataclass
class Past:
    """Everything of the period beside the decisions themselves. Slots name partners, ids everything else.

    ``rotations``: credits and turns as they were when it began. ``pooled``: leads that were in the pool then, with the
    decision and the rule that put them there. ``late``: assignments whose answer or first contact was missed.
    ``judged``: those of which that is known. ``effective``: cap and doubled weight that a standing makes of settings.
    """

    settings: Sequence[Setting]
    rules: Rulebook
    stays: Mapping[str, Sequence[Stay]]
    standings: Mapping[int, Story]
    reachable: frozenset[int]
    effective: Effective
    rotations: dict[str, tuple[Credits, int]] = field(default_factory=dict)
    owners: Mapping[str, Sequence[Ownership]] = field(default_factory=dict)
    pooled: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    judged: frozenset[str] = frozenset()
    vendor: Calendar | None = None
    #: Doubled weight by standing and weight: no ladder changes it.
    _weights: dict[tuple[str, int], int] = field(default_factory=dict)

    @cached_property
    def by_slot(self) -> dict[int, list[Stay]]:
        found: dict[int, list[Stay]] = {}
        for stays in self.stays.values():
            for stay in stays:
                found.setdefault(stay.slot, []).append(stay)
        return found

    @cached_property
    def begun(self) -> dict[int, list[tuple[Moment, datetime]]]:
        """When stays began, by slot, in order."""
        return {slot: sorted((moment(s.at, s.id), s.at) for s in stays) for slot, stays in self.by_slot.items()}

    @cached_property
    def freed(self) -> dict[int, list[datetime]]:
        """When stays left the open leads, by slot, in order."""
        return {slot: sorted(s.freed for s in stays if s.freed) for slot, stays in self.by_slot.items()}

    @cached_property
    def usual(self) -> dict[int, timedelta]:
        """How long a lead usually stays among a partner's open ones: its own median; that of all where it has none."""
        spans = {slot: [s.freed - s.at for s in stays if s.freed] for slot, stays in self.by_slot.items()}
        everybody = [span for some in spans.values() for span in some]
        general = _middle(everybody) if everybody else USUAL_STAY
        return {slot: _middle(some) if some else general for slot, some in spans.items()} | {-1: general}

    def stay(self, lead_id: str, stay_id: str | None) -> Stay | None:
        """One stay of a lead."""
        return next((stay for stay in self.stays.get(lead_id, ()) if stay.id == stay_id), None)

    def before(self, event: Event) -> list[Stay]:
        """The lead's stays that had begun when it was decided."""
        stays = self.stays.get(event.lead.id, ())
        return [stay for stay in stays if stay.id < event.id and stay.id != event.assignment_id]

    def span(self, lead_id: str, slot: int) -> timedelta | None:
        """How long the lead would take up a place: as long as it did with this partner, else what is usual there.

        None: with this partner it takes one up to this day.
        """
        own = next((stay for stay in self.stays.get(lead_id, ()) if stay.slot == slot), None)
        if own is not None:
            return own.freed - own.at if own.freed else None
        return self.usual.get(slot, self.usual[-1])

    def owner(self, event: Event, roster: Mapping[int, str]) -> str | None:
        """The partner that owned the account, for the conflict gate: as the decision's own rows tell it, else by deals.

        1. Rows with the gate closed: the one that it is open for. 2. Several rows, open for all: nobody.
        3. One row, open: nobody else than that partner, so nobody.
        """
        known = self._by_deals(event)
        shut = {slot for slot in event.rows if Gate.CONFLICT in event.shut(slot)}
        if shut:
            own = [roster[slot] for slot in event.rows if slot not in shut and slot in roster]
            return own[0] if own else known or "another"
        if len(event.rows) == 1 and known is not None:
            return known if roster.get(next(iter(event.rows))) == known else None
        return None if event.rows else known

    def _by_deals(self, event: Event) -> str | None:
        for deal in self.owners.get(event.lead.domain or "", ()):
            live = deal.at <= event.at and (deal.until is None or deal.until > event.at)
            if live and deal.lead_id != event.lead.id:
                return deal.partner_id
        return None

    def state(self, facts: PartnerFacts, cap: int, at: datetime, key: Moment) -> PartnerNow:
        """How a partner stood at a moment, put together from what is kept: for those that no decision asked then."""
        slot, zone = facts.slot, facts.calendar.zone
        standing = self.standings[slot].at(at) if slot in self.standings else Standing.GOOD
        cap_now, weight = self.effective(standing, cap, facts.weight, at)
        begun = self.begun.get(slot, [])
        until = bisect_left(begun, (key, at))
        today, week = day_key(zone, at), week_key(zone, at)
        capped = facts.daily_cap is not None or facts.weekly_cap is not None
        recent = begun[bisect_left(begun, (moment(at - WEEK, ""), at)) : until] if capped else []
        return PartnerNow(
            facts.active, standing, slot in self.reachable,
            until - bisect_right(self.freed.get(slot, []), at), cap_now, weight,
            sum(day_key(zone, one) == today for _, one in recent),
            sum(week_key(zone, one) == week for _, one in recent),
        )  # fmt: skip

    def stored(self, event: Event, facts: PartnerFacts) -> PartnerNow:
        """How a partner stood when a decision asked it, as the decision tells it.

        A candidate that had room and found no place after all (another process took it) had none.
        """
        row = event.rows[facts.slot]
        at = event.places
        shut: Sequence[str] = row[1] or ()
        held, cap = row[at.open], row[at.cap]
        known = row[at.standing], facts.weight
        weight = self._weights.get(known)
        if weight is None:
            weight = self._weights[known] = self.effective(Standing(known[0]), cap, facts.weight, event.at)[1]
        own = row[at.more].get(Gate.PRODUCT_CAP, NOTHING) if len(row) > at.more else NOTHING
        return PartnerNow(
            Gate.ACTIVE not in shut, STANDINGS[known[0]], Gate.REACHABLE not in shut,
            max(held, cap) if len(shut) == 1 and shut[0] == Gate.OPEN_CAP else held, cap, weight,
            row[at.today], row[at.this_week], own.get("open", 0),
        )  # fmt: skip

    def open_of(self, slot: int, product: str, at: datetime, key: Moment, but: str | None) -> int:
        """How many leads of a product (casefolded) a partner had open at a moment, one stay left aside."""
        return sum(
            stay.id != but and moment(stay.at, stay.id) < key and (stay.freed is None or stay.freed > at)
            and (stay.product or "").casefold() == product
            for stay in self.by_slot.get(slot, ())
        )  # fmt: skip


def _middle(spans: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=median(span.total_seconds() for span in spans))

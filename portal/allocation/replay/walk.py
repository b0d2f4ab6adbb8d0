"""The period once more, decision by decision, in the order in which they were made. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portal.allocation.arrival import with_arrival
from portal.allocation.choosing import Asked, Placement, choose
from portal.allocation.configuration import Snapshot
from portal.allocation.document import RuleSet
from portal.allocation.gates import LeadFacts, PartnerFacts
from portal.allocation.replay.book import Book
from portal.allocation.replay.desk import Rank, ReplayDesk
from portal.allocation.replay.past import Event, Moment, Past, Stay
from portal.allocation.replay.report import Ending, Report, cause_of
from portal.vocabulary import AssignmentOrigin, DecisionOutcome

#: How often leads that wait are tried again, and how many of them: as the sweep does it, best grade first.
EVERY = timedelta(hours=1)
AT_ONCE = 50


@dataclass
class Course:
    """Where a lead is in the replay. ``slot``: who holds it. ``kept``: the stay that really was, where it is the same.

    ``pooled``: the rule in whose pool it is. Neither: it waits. ``fixed``: nobody's settings take such a lead.
    """

    slot: int | None = None
    kept: str | None = None
    pooled: str | None = None
    earlier: set[str] = field(default_factory=set)
    event: Event | None = None
    fixed: tuple[Moment, str | None] | None = None

    @property
    def held(self) -> bool:
        return self.slot is not None


class Replay:
    """Makes the decisions of a period again. ``rules``: what decides; None: what was live at each of them."""

    def __init__(self, past: Past, rules: RuleSet | None, rank: Rank) -> None:
        self.past, self.rules, self.rank = past, rules, rank
        self.book, self.report = Book(), Report(past)
        self.courses: dict[str, Course] = {}
        #: Whether anything went another way yet: until then leads wait exactly as long as they did.
        self.parted = False
        self._settings = list(past.settings)
        self._epoch = 0
        self._tried_at: datetime | None = None
        self.roster: dict[str, PartnerFacts] = {}
        self.caps: dict[int, int] = {}
        self.ids: dict[int, str] = {}
        self._configs: dict[str | None, tuple[int, Snapshot]] = {}
        self._now: Moment = (0, "")
        self._since: Moment = (0, "")
        self._latest: dict[str, tuple[str, str | None, str | None]] = {}
        self._version: str | None = None
        self._waiting: dict[str, Course] = {}

    def step(self, event: Event) -> None:
        """One stored decision, in the order of ``Event.moment``.

        1. What people decided is carried over where the lead is where it was; a claim, where it is in a pool.
        2. What the rules decided is decided again where the lead is where it was, or waits; a move that its holder
           caused happens only where that holder had it.
        3. Whatever goes another way takes up a place with one partner instead of the other for as long as it lasts.
        """
        self._now = event.moment
        self._reach(event.moment)
        self._version = event.version_id
        self.book.until(event.at)
        if self.parted:
            self._retry(event.at)
        course, stays = self.courses.get(event.lead.id), self.past.before(event)
        if course is None:
            course = self.courses[event.lead.id] = self._found(event, stays)
        here = not course.held or (bool(stays) and course.kept == stays[-1].id)
        if here and course.held and stays[-1].at_fault:
            course.earlier.add(self.ids[stays[-1].slot])
        self.report.really(event, self._slot_of(event.partner_id))
        if event.by_people:
            self._carry(event, course, here)
        elif here:
            self._decide(event, course)
        else:
            self._pass_by(event)

    def finish(self) -> Report:
        """The report, once the last decision was made."""
        for lead_id, course in self.courses.items():
            self.report.ended(lead_id, Ending.of(course.slot, pooled=course.pooled is not None))
        return self.report

    def _reach(self, key: Moment) -> None:
        """Settings as they were by then."""
        while self._epoch < len(self._settings) and self._settings[self._epoch].since < key:
            setting = self._settings[self._epoch]
            facts = setting.facts
            self.roster[facts.id], self.caps[facts.slot] = facts, setting.cap
            self.ids[facts.slot] = facts.id
            self._since, self._epoch = setting.since, self._epoch + 1

    @property
    def _stage(self) -> tuple[Moment, str | None]:
        """What must have changed before a lead that nobody's settings take is worth another try."""
        return self._since, self._version if self.rules is None else None

    def _slot_of(self, partner_id: str | None) -> int | None:
        facts = self.roster.get(partner_id or "")
        return facts.slot if facts else None

    def _config(self, version_id: str | None) -> Snapshot:
        """Rules and settings of the moment; pools are made anew only where either changed since."""
        name = version_id if self.rules is None else None
        rules = self.rules or self.past.rules.at(name, self._now)
        known = self._configs.get(name)
        if known is None or known[0] != self._epoch or known[1].rules is not rules:
            roster = dict(sorted(self.roster.items(), key=lambda each: each[1].slot))
            known = self._configs[name] = self._epoch, Snapshot(roster, rules)
        return known[1]

    def _found(self, event: Event, stays: list[Stay]) -> Course:
        """A lead that came before the period began, as it was then; a new one waits."""
        pooled = self.past.pooled.get(event.lead.id)
        faults = {self.ids[stay.slot] for stay in stays if stay.at_fault and stay.slot in self.ids}
        if pooled is not None and pooled[0] < event.id and not (stays and stays[-1].id > pooled[0]):
            return Course(pooled=pooled[1], earlier=faults)
        if not stays:
            return Course()
        return Course(slot=stays[-1].slot, kept=stays[-1].id, earlier=faults)

    def _carry(self, event: Event, course: Course, here: bool) -> None:
        """A decision of people. One that the replay has no place for leaves the lead where it is."""
        claims = event.origin == AssignmentOrigin.CLAIM
        if not here or (claims and course.pooled is None):
            self._pass_by(event)
            return
        course.slot, course.kept, course.pooled = self._slot_of(event.partner_id), event.assignment_id, None
        self._waiting.pop(event.lead.id, None)
        self.report.given(event, course.slot, kept=True)
        self._remember(event, event.partner_id)

    def _pass_by(self, event: Event) -> None:
        self.parted = True
        self.report.parted.append(event.id)
        self._undone(event)

    def _undone(self, event: Event) -> None:
        """The place that the decision really took is free in the replay, for as long as it was taken."""
        stay = self.past.stay(event.lead.id, event.assignment_id)
        if stay is not None and stay.slot in self.ids:
            span = stay.freed - stay.at if stay.freed is not None else None
            self.book.note(self.roster[self.ids[stay.slot]], stay.product, event.at, span, -1)

    def _decide(self, event: Event, course: Course) -> None:
        config = self._config(event.version_id)
        asked = self._asked(event, course, config)
        placed = choose(self._desk(event.at, event), config, asked, unclaimed_of=self._unclaimed(event, course))
        same = _told(event) == (placed.outcome, placed.winner.id if placed.winner else None)
        if not same:
            self.parted = True
            self.report.parted.append(event.id)
            self._undone(event)
        elif (event.rule, event.origin) != (placed.rule.name if placed.rule else None, placed.origin):
            self.report.otherwise += 1
        self._place(event, course, placed, asked.facts, event.at, same=same)

    def _place(
        self, event: Event, course: Course, placed: Placement, lead: LeadFacts, at: datetime, *, same: bool
    ) -> None:
        course.slot, course.kept, course.pooled, course.event, course.fixed = None, None, None, event, None
        self._waiting.pop(event.lead.id, None)
        self.report.asked(placed)
        if placed.outcome is DecisionOutcome.OFFERED and placed.winner is not None:
            winner = placed.winner
            course.slot, course.kept = winner.slot, event.assignment_id if same else None
            self.report.given(event, winner.slot, kept=same)
            if not same:
                self.book.note(winner, lead.product, at, self.past.span(event.lead.id, winner.slot), 1)
        elif placed.outcome is DecisionOutcome.POOLED and placed.pool is not None:
            course.pooled = placed.pool["rule"]
        else:
            course.fixed = self._stage if not placed.candidates else None
            self._waiting[event.lead.id] = course
            self.report.causes[event.lead.id] = cause_of(placed)
        self._remember(event, self.ids[course.slot] if course.slot is not None else None)

    def _asked(self, event: Event, course: Course, config: Snapshot) -> Asked:
        lead, kept = event.lead, event.record.get("lead", {})
        values = lead.values
        if config.rules is not None and config.rules.reads_arrival and self.past.vendor is not None:
            values = with_arrival(dict(values), self.past.vendor, lead.received_at)
        facts = LeadFacts(
            kept.get("country"), kept.get("region"), kept.get("postcode"), kept.get("product"),
            kept.get("kind", "qualified"), frozenset(course.earlier), self.past.owner(event, self.ids),
        )  # fmt: skip
        origin = AssignmentOrigin(lead.prefer_origin) if lead.prefer_origin else None
        return Asked(facts, values, self._preferred(event, origin), origin)

    def _preferred(self, event: Event, origin: AssignmentOrigin | None) -> str | None:
        """Who is asked first: who was, or where the replay gave that partner's lead to another, that other one."""
        lead = event.lead
        keys: Iterable[str | None] = lead.person_keys if origin is AssignmentOrigin.RETURNING else (lead.company_key,)
        for key in keys:
            found = self._latest.get(key or "")
            if found is not None and found[0] != lead.id and found[1] == lead.prefer:
                return found[2]
        return lead.prefer

    def _remember(self, event: Event, partner_id: str | None) -> None:
        for key in (*event.lead.person_keys, event.lead.company_key):
            if key is not None:
                self._latest[key] = event.lead.id, event.partner_id, partner_id

    def _unclaimed(self, event: Event, course: Course) -> str | None:
        """The rule in whose pool nobody claimed it, where the decision was what comes then.

        It tells so itself: a lead that is placed afresh asks the first rule first.
        """
        version = self.past.rules.at(event.version_id, event.moment)
        if course.pooled is None or version is None:
            return None
        first = event.path[0]["rule"] if event.path else None
        fresh = first == version.rules[0].name if first else event.rule is None
        return None if fresh else course.pooled

    def _desk(self, at: datetime, event: Event | None) -> ReplayDesk:
        return ReplayDesk(at, self.past, self.book, self.caps, self.rank, event)

    def _retry(self, at: datetime) -> None:
        """Try leads that wait once more, best grade first, then oldest.

        Those that no partner's settings take are tried again only once settings changed.
        """
        if self._tried_at is not None and at - self._tried_at < EVERY:
            return
        self._tried_at = at
        able = [(lead, c) for lead, c in self._waiting.items() if c.event is not None and c.fixed != self._stage]
        able.sort(key=lambda each: _turn(each[1]))
        for _, course in able[:AT_ONCE]:
            if course.event is not None:
                self._try(course.event, course, at)

    def _try(self, event: Event, course: Course, at: datetime) -> None:
        config = self._config(self._version)
        asked = self._asked(event, course, config)
        placed = choose(self._desk(at, None), config, asked)
        if placed.outcome is DecisionOutcome.QUEUED:
            course.fixed = self._stage if not placed.candidates else None
        else:
            self._place(event, course, placed, asked.facts, at, same=False)


def _turn(course: Course) -> tuple[str, datetime, str]:
    lead = course.event.lead if course.event else None
    assert lead is not None, "a lead that waits was decided about"
    return lead.grade, lead.received_at, lead.id


def _told(event: Event) -> tuple[DecisionOutcome, str | None]:
    return event.outcome, event.partner_id

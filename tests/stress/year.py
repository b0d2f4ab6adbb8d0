"""A channel over months: partners with habits of their own, leads every business day, time moved by hand.

Everything goes through the services that the product itself uses, in the order of its instants; nothing here writes a
row. The dice are seeded and ids are made in order, so the same size tells the same story, to the last row.
"""

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import select

from models.assignments import Assignment, Obligation
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession, unit
from portal.accounts.actor import SYSTEM, Actor
from portal.calendars.policy import Calendar, next_opening
from portal.deadlines.service import calendar_of
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Refusal
from portal.follow_up.service import Touch, Verdict
from portal.intake.bulk import receive_all
from portal.intake.policy import parse_lead
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AssignmentState,
    DeclineReason,
    Disposition,
    LeadStatus,
    ObligationKind,
    ObligationState,
    Standing,
)
from tests.support.world import DAY, HOUR, MINUTE, make_partner, publish_rules, rep_of

#: A Monday after the holidays.
START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
ZONES = {
    "DE": "Europe/Berlin", "FR": "Europe/Paris", "GB": "Europe/London", "US": "America/New_York", "IN": "Asia/Kolkata",
}  # fmt: skip
PRODUCTS = ("valves", "pumps")
#: Hours (UTC) at which enquiries come in, and at which the sweep looks: rarely, since it may be late at any time.
INTAKE, SWEEPS, WEEKEND = (8, 11, 15), (7, 12, 17), (12,)
RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "Directory", "when": {"all": [{"field": "source", "op": "eq", "value": "Directory"}]},
        "strategy": {"kind": "open_pool", "hours": 24}, "then": "next",
    },
    {"name": "All", "strategy": {"kind": "weighted_round_robin"}, "then": "queue"},
)  # fmt: skip
Hours = tuple[float, float]
Act = Callable[[datetime], object]


@dataclass(frozen=True)
class Habit:
    """How a partner deals with its leads: elapsed hours from the offer, or from acceptance; taken up when it is open.

    ``skips``: how often it does not follow up at all. ``last_minute``: it accepts whatever comes, logs a note, and
    does the rest just before it is due. ``away``: the parts of the story between which it does nothing.
    ``returns``: days after a stop on which it makes good what is overdue and says that it is ready; None: never.
    """

    name: str
    share: float
    answer: Hours = (1, 12)
    contact: Hours = (2, 20)
    feedback: Hours = (60, 150)
    declines: float = 0.04
    skips: float = 0.0
    last_minute: bool = False
    away: tuple[Hours, Hours] | None = None
    returns: int | None = 1


PROMPT = Habit("prompt", 0.5)
HABITS = (
    PROMPT,
    Habit("slow", 0.2, (8, 64), (20, 230), (110, 400), returns=4),
    Habit("silent", 0.1, away=((0.0, 0.15), (1.1, 1.1)), returns=None),
    Habit("recovering", 0.125, away=((0.1, 0.3), (0.35, 0.5))),
    Habit("gaming", 0.075, (0, 1), declines=0.0, skips=0.3, last_minute=True),
)


@dataclass(frozen=True)
class Member:
    """One partner of the channel, with its habit and the days on which it does nothing."""

    id: str
    actor: Actor
    habit: Habit
    country: str
    products: tuple[str, ...]
    calendar: Calendar
    away: tuple[datetime, datetime] | None

    def works(self, at: datetime) -> bool:
        """Whether it does anything at all just now."""
        return self.away is None or not self.away[0] <= at < self.away[1]


class Year:
    """The story: a queue of what happens, each at its own instant."""

    def __init__(self, session: AnySession, partners: int, days: int, leads_a_day: int, seed: int = 1) -> None:
        self.session, self.days, self.leads_a_day = session, days, leads_a_day
        self.dice, self.seed = random.Random(seed), seed
        self.end = START + days * DAY
        self.now = START - 7 * DAY
        self.sent, self.sweeps, self.refused = 0, 0, 0
        self._queue: list[tuple[datetime, int, Act]] = []
        self._order = count()
        self._seen: set[str] = set()
        self.members = {member.id: member for member in self._cast(partners)}
        publish_rules(session, *RULES, now=self.now)

    def _cast(self, partners: int) -> Iterator[Member]:
        """So many partners, each country with every habit. A fifth sells one product only."""
        habits = [habit for habit in HABITS for _ in range(max(1, round(habit.share * partners)))][:partners]
        habits += [PROMPT] * (partners - len(habits))
        self.dice.shuffle(habits)
        for number, habit in enumerate(habits):
            country = tuple(ZONES)[number % len(ZONES)]
            products = (PRODUCTS[number % 2],) if number % 5 == number // 5 % 5 else ()
            facts = {"timezone": ZONES[country], "country": country, "territories": [{"country": country}]}
            made = make_partner(
                self.session, f"{habit.name} {number:03}", self.now, **facts, holidays={"country": country},
                products=list(products),
            )  # fmt: skip
            calendar, actor = calendar_of(made), rep_of(made)
            yield Member(made.id, actor, habit, country, products, calendar, self._away(habit))

    def _away(self, habit: Habit) -> tuple[datetime, datetime] | None:
        if habit.away is None:
            return None
        first, last = (START + self.dice.uniform(*part) * self.days * DAY for part in habit.away)
        return first, last

    # Time.

    def at(self, when: datetime, act: Act) -> None:
        """Let something happen at ``when``."""
        heapq.heappush(self._queue, (when, next(self._order), act))

    def run(self, each_day: Callable[[datetime], None]) -> None:
        """The whole story; ``each_day`` is called at the end of every day, after that day's last sweep."""
        for number in range(self.days):
            day = START + number * DAY
            self._plan(day)
            self._until(day + DAY)
            each_day(self.now)

    def _plan(self, day: datetime) -> None:
        workday = day.weekday() < 5
        for hour in INTAKE if workday else ():
            self.at(day + hour * HOUR, self._receive)
        for hour in SWEEPS if workday else WEEKEND:
            self.at(day + hour * HOUR, self._sweep)
        self.at(day + 23 * HOUR, self._sweep)

    def _until(self, end: datetime) -> None:
        while self._queue and self._queue[0][0] < end:
            self.now, _, act = heapq.heappop(self._queue)
            act(self.now)

    def attempt(self, work: Callable[..., Any], *given: Any) -> bool:
        """Do it, unless things have moved on meanwhile; whether it was done."""
        try:
            work(self.session, *given)
        except Refusal:
            self.refused += 1
            return False
        return True

    def _sweep(self, now: datetime) -> None:
        report = sweep(self.session, now)
        assert not report.set_aside, "nothing is set aside where nothing is broken"
        self.sweeps += 1
        self._look(now)
        self._come_back(now)

    # Enquiries.

    def _receive(self, now: datetime) -> None:
        news = [parse_lead(self._enquiry(), now) for _ in range(self.leads_a_day // len(INTAKE))]
        unit(self.session, lambda: receive_all(self.session, news, now, SYSTEM))
        self._look(now)
        self._offer_pool(now)

    def _enquiry(self) -> dict[str, Any]:
        """The next one: mostly somebody new, sometimes a person or a company known already."""
        self.sent += 1
        known = self.dice.random() < 0.06 and self.sent > 20
        number = self.dice.randrange(self.sent) if known else self.sent
        house = number if self.dice.random() < 0.9 else number // 2
        return {
            "email": f"person{number}@house{house}.example.com", "last_name": f"Person {number}",
            "company": f"House {house}", "country": self.dice.choice(tuple(ZONES)),
            "product": self.dice.choice(PRODUCTS), "external_id": f"enquiry {self.sent}",
            "source": self.dice.choices(("Website", "Trade fair", "Directory"), (60, 32, 8))[0],
        }  # fmt: skip

    def _offer_pool(self, now: datetime) -> None:
        """Some look at the open pool soon after something came in."""
        pooled = select(Lead.id, Lead.country).where(Lead.status == LeadStatus.POOLED).order_by(Lead.id)
        rows = self.session.execute(pooled).all()
        self.session.rollback()
        for row in rows:
            keen = [m for m in self.members.values() if m.country == row.country and m.works(now)]
            for member in self.dice.sample(keen, min(2, len(keen))):
                self.at(now + self.dice.uniform(0.2, 3) * HOUR, self._claiming(member, row.id))

    def _claiming(self, member: Member, lead_id: str) -> Act:
        def claim(now: datetime) -> None:
            if self.attempt(acts.claim, member.actor, lead_id, now):
                held = select(Assignment.id).where(Assignment.lead_id == lead_id, Assignment.ended_at.is_(None))
                self._work(member, self.session.scalars(held).one(), now)

        return claim

    # What partners do.

    def _look(self, now: datetime) -> None:
        """Partners see what was offered to them since they last looked, and plan their answer."""
        offered = select(Assignment.id, Assignment.partner_id).where(Assignment.state == AssignmentState.OFFERED)
        rows = self.session.execute(offered.order_by(Assignment.id)).all()
        self.session.rollback()
        for row in rows:
            if row.id not in self._seen:
                self._seen.add(row.id)
                self._answer(self.members[row.partner_id], row.id, now)

    def _later(self, member: Member, now: datetime, hours: Hours) -> datetime:
        return next_opening(member.calendar, now + self.dice.uniform(*hours) * HOUR)

    def _do(self, member: Member, when: datetime, work: Callable[..., Any], *given: Any) -> None:
        """At ``when``, unless the partner is away by then."""

        def act(now: datetime) -> None:
            if member.works(now):
                self.attempt(work, member.actor, *given, now)

        self.at(when, act)

    def _answer(self, member: Member, assignment_id: str, now: datetime) -> None:
        when = self._later(member, now, member.habit.answer)
        if self.dice.random() < member.habit.declines:
            self._do(member, when, acts.decline, assignment_id, DeclineReason.NO_CAPACITY, None)
        else:
            self.at(when, lambda at: self._accept(member, assignment_id, at))

    def _accept(self, member: Member, assignment_id: str, now: datetime) -> None:
        if member.works(now) and self.attempt(acts.accept, member.actor, assignment_id, now):
            self._work(member, assignment_id, now)

    def _work(self, member: Member, assignment_id: str, now: datetime) -> None:
        """Plan the touch and the feedback that an accepted lead gets."""
        contact, told = self._later(member, now, member.habit.contact), self._later(member, now, member.habit.feedback)
        if member.habit.last_minute:
            note = Touch(ActivityKind.NOTE, ActivityOutcome.OTHER, note="On it")
            self._do(member, now + 5 * MINUTE, acts.log, assignment_id, note)
            due = self._due(assignment_id)
            contact, told = due[ObligationKind.FIRST_CONTACT] - HOUR, due[ObligationKind.FEEDBACK] - HOUR
        if self.dice.random() < member.habit.skips:
            return
        kind = self.dice.choice((ActivityKind.CALL, ActivityKind.EMAIL))
        self._do(member, contact, acts.log, assignment_id, Touch(kind, ActivityOutcome.REACHED))
        verdict = self._verdict(member)
        self._do(member, told, acts.feedback, assignment_id, verdict)
        if verdict.disposition is Disposition.WORKING:
            self._do(member, told + 20 * DAY, acts.feedback, assignment_id, self._verdict(member, ends=True))

    def _due(self, assignment_id: str) -> dict[ObligationKind, datetime]:
        owed = select(Obligation.kind, Obligation.due_at).where(
            Obligation.assignment_id == assignment_id, Obligation.state == ObligationState.OPEN
        )
        found = {row.kind: row.due_at for row in self.session.execute(owed)}
        self.session.rollback()
        return found

    def _verdict(self, member: Member, *, ends: bool = False) -> Verdict:
        if member.habit.last_minute and not ends:
            return Verdict(3, Disposition.WORKING)
        ways, odds = (Disposition.WON, Disposition.LOST, Disposition.UNQUALIFIED), (25, 65, 10)
        if not ends and self.dice.random() < 0.3:
            return Verdict(4, Disposition.WORKING)
        disposition = self.dice.choices(ways, odds)[0]
        return Verdict(4 if disposition is Disposition.WON else 2, disposition, "As they said")

    def _come_back(self, now: datetime) -> None:
        """Who is stopped and means to come back makes good what is overdue, then says that it is ready."""
        stopped = select(Partner.id, Partner.standing_since).where(Partner.standing == Standing.STOPPED)
        rows: Sequence[Any] = self.session.execute(stopped.order_by(Partner.slot)).all()
        self.session.rollback()
        for row in rows:
            member = self.members[row.id]
            waits = member.habit.returns
            if waits is not None and member.works(now) and now >= row.standing_since + waits * DAY:
                self._make_good(member, now)
                self.attempt(acts.ready, member.actor, member.id, now)

    def _make_good(self, member: Member, now: datetime) -> None:
        owed = (
            select(Obligation.assignment_id, Obligation.kind)
            .where(Obligation.partner_id == member.id, Obligation.state == ObligationState.BREACHED)
            .where(Obligation.settled_at.is_(None))
            .order_by(Obligation.id)
        )
        rows = self.session.execute(owed).all()
        self.session.rollback()
        for row in rows:
            if row.kind is ObligationKind.FEEDBACK:
                verdict = self._verdict(member, ends=True)
                self.attempt(acts.feedback, member.actor, row.assignment_id, verdict, now)
            else:
                touch = Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
                self.attempt(acts.log, member.actor, row.assignment_id, touch, now)

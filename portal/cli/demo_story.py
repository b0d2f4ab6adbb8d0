"""How the demo's history comes about: a queue of things that happen, each at its own instant, through the services.

Nothing here writes a row that the product would not write: leads are received, offers answered, touches logged, and
the sweep runs, with ``now`` moved along. So every deadline, standing and decision is what it would have been.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select

from models.assignments import Assignment, Deal
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession, unit
from portal.accounts.actor import SYSTEM, Actor
from portal.calendars.policy import Calendar, next_opening
from portal.cli.demo_cast import COMPETITORS, OBJECTIONS, enquiry
from portal.deadlines.service import calendar_of
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Conflict
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Touch, Verdict
from portal.intake.policy import parse_lead
from portal.intake.service import receive
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AssignmentState,
    DealStage,
    DeclineReason,
    Disposition,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: How long the story is.
DAYS = 120
#: How leads end, and how many of twenty end so.
ENDINGS = {"won": 5, "deal lost": 3, "deal": 1, "lost": 5, "unqualified": 2, "nurture": 2, "working": 2}
Act = Callable[[datetime], object]


@dataclass(frozen=True)
class Plan:
    """How a partner deals with a lead. Hours run from the offer (``answer``) or from acceptance; None: never.

    ``exact``: acts fall where the plan puts them; otherwise at the partner's next opening.
    ``ending``: a key of ENDINGS, told with the feedback.
    """

    answer: float | None = 5
    decline: DeclineReason | None = None
    contact: float | None = 20
    again: float | None = 90
    feedback: float | None = 150
    ending: str = "working"
    exact: bool = False


IGNORED, NO_FEEDBACK = Plan(answer=None), Plan(feedback=None)


class Story:
    """The queue, the clock and the people of the demo. ``now`` never runs backwards."""

    def __init__(self, session: AnySession, start: datetime, end: datetime) -> None:
        self.session, self.start, self.end = session, start, end
        self.ids: dict[str, str] = {}
        self.reps: dict[str, Actor] = {}
        self.calendars: dict[str, Calendar] = {}
        self.plans: dict[tuple[str, str], Plan] = {}
        self._queue: list[tuple[datetime, int, Act]] = []
        self._order, self._numbers = count(), count(1)
        self._known: set[str] = set()

    def join(self, key: str, partner: Partner, rep: Actor) -> None:
        """A partner of the cast, with the rep who acts for it."""
        self.ids[key], self.reps[partner.id], self.calendars[partner.id] = partner.id, rep, calendar_of(partner)

    def at(self, when: datetime, act: Act) -> None:
        """Let something happen at ``when``; what lies beyond the story's end does not happen."""
        if when <= self.end:
            heapq.heappush(self._queue, (when, next(self._order), act))

    def ago(self, days: float = 0, hours: float = 0) -> datetime:
        """That long before the story's end."""
        return self.end - timedelta(days=days, hours=hours)

    def sweeps(self) -> None:
        """A pass of the clock every day, and one at the end: what fell due is dated by its own instant all the same."""
        when = self.start
        while when < self.end:
            self.at(when, self._sweep)
            when += DAY
        self.at(self.end, self._sweep)

    def _sweep(self, now: datetime) -> None:
        sweep(self.session, now)
        self.look(now)

    def run(self) -> None:
        """Everything in the order of its instants."""
        while self._queue:
            now, _, act = heapq.heappop(self._queue)
            act(now)

    def lead(self, when: datetime, plans: dict[str, Plan] | None = None, **facts: Any) -> str:
        """An enquiry that comes in at ``when``; its ``external_id``. ``plans``: what each partner does with it."""
        given = {**enquiry(next(self._numbers)), **facts}
        number = str(given["external_id"])
        self.plans.update({(number, key): plan for key, plan in (plans or {}).items()})
        self.at(when, lambda now: self._receive(given, now))
        return number

    def _receive(self, facts: dict[str, Any], now: datetime) -> None:
        parsed = parse_lead({name: value for name, value in facts.items() if value is not None}, now)
        unit(self.session, lambda: receive(self.session, parsed, now, SYSTEM))
        self.look(now)

    def lead_id(self, number: str) -> str:
        """The id of a lead that has come in."""
        return self.session.scalars(select(Lead.id).where(Lead.external_id == number)).one()

    def look(self, now: datetime) -> None:
        """Let the partners see what was offered to them since they last looked, and plan their answer."""
        rows = self.session.execute(
            select(Assignment.id, Assignment.partner_id, Lead.external_id)
            .join(Lead, Lead.id == Assignment.lead_id)
            .where(Assignment.state == AssignmentState.OFFERED)
            .order_by(Assignment.id)
        ).all()
        self.session.rollback()
        for row in rows:
            if row.id not in self._known:
                self._known.add(row.id)
                self._offered(row.id, row.partner_id, row.external_id, now)

    def plan(self, number: str, partner_id: str) -> Plan:
        """What the story says, or what this partner does with such a lead by habit: in time, and the same each time."""
        key = next(key for key, known in self.ids.items() if known == partner_id)
        if (told := self.plans.get((number, key)) or self.plans.get((number, "*"))) is not None:
            return told
        rng = random.Random(f"{number} {key}")
        ending = rng.choices(list(ENDINGS), list(ENDINGS.values()))[0]
        plan = Plan(rng.uniform(1, 22), None, rng.uniform(2, 30), rng.uniform(60, 110), rng.uniform(120, 210), ending)
        return replace(plan, decline=rng.choice(list(DeclineReason))) if rng.random() < 0.06 else plan

    def _when(self, partner_id: str, base: datetime, hours: float, plan: Plan) -> datetime:
        """An instant of the partner's working time: what ends at a closing time is never late by that."""
        when = base + timedelta(hours=hours)
        return when if plan.exact else next_opening(self.calendars[partner_id], when)

    def _offered(self, assignment_id: str, partner_id: str, number: str, now: datetime) -> None:
        plan, rep = self.plan(number, partner_id), self.reps[partner_id]
        if plan.answer is None:
            return
        when = self._when(partner_id, now, plan.answer, plan)
        if (reason := plan.decline) is not None:
            self.at(when, lambda t: self._decline(assignment_id, rep, reason, t))
        else:
            self.at(when, lambda t: self._accept(assignment_id, rep, plan, number, t))

    def _decline(self, assignment_id: str, rep: Actor, reason: DeclineReason, now: datetime) -> None:
        self.attempt(lambda: acts.decline(self.session, rep, assignment_id, reason, None, now))
        self.look(now)

    def attempt(self, work: Callable[[], Any]) -> bool:
        """Do it, unless things have moved on meanwhile; whether it was done."""
        try:
            work()
        except Conflict:
            return False
        return True

    def _accept(self, assignment_id: str, rep: Actor, plan: Plan, number: str, now: datetime) -> None:
        if self.attempt(lambda: acts.accept(self.session, rep, assignment_id, now)):
            self.work(assignment_id, rep, plan, number, now)

    def work(self, assignment_id: str, rep: Actor, plan: Plan, number: str, now: datetime) -> None:
        """Let the rep work an accepted lead as planned: two touches, feedback, and what becomes of it."""
        partner_id, rng = rep.partner_id or "", random.Random(f"work {number}")
        for hours, kind in ((plan.contact, ActivityKind.CALL), (plan.again, ActivityKind.EMAIL)):
            if hours is not None:
                touch = Touch(kind, _outcome(kind, rng), note=None)
                self.at(self._when(partner_id, now, hours, plan), self._logging(assignment_id, rep, touch))
        if plan.feedback is not None:
            when = self._when(partner_id, now, plan.feedback, plan)
            deal = plan.ending in ("won", "deal lost", "deal")
            if deal:
                self.at(when - 20 * HOUR, lambda t: self._deal(assignment_id, rep, plan, rng, t))
            verdict = _verdict("working" if deal else plan.ending, rng)
            self.at(when, self._telling(assignment_id, rep, verdict))
            if plan.ending == "working":
                self.at(when + 24 * DAY, self._telling(assignment_id, rep, _verdict("lost", rng)))

    def _logging(self, assignment_id: str, rep: Actor, touch: Touch) -> Act:
        return lambda now: self.attempt(lambda: acts.log(self.session, rep, assignment_id, touch, now))

    def _telling(self, assignment_id: str, rep: Actor, verdict: Verdict) -> Act:
        return lambda now: self.attempt(lambda: acts.feedback(self.session, rep, assignment_id, verdict, now))

    def _deal(self, assignment_id: str, rep: Actor, plan: Plan, rng: random.Random, now: datetime) -> None:
        """A deal, moved on every twelve days, and closed after 24 unless it stays open."""
        first = DealFacts(
            name="First site", stage=DealStage.QUALIFIED, amount_cents=rng.randrange(40, 900) * 10_000, currency="EUR",
            expected_close=(now + 40 * DAY).date().isoformat(),
        )  # fmt: skip
        if not self.attempt(lambda: acts.register_deal(self.session, rep, assignment_id, first, now)):
            return
        deal_id = self.session.scalars(select(Deal.id).where(Deal.assignment_id == assignment_id)).one()
        self.at(now + 12 * DAY, self._moving(deal_id, rep, DealFacts(stage=DealStage.PROPOSAL)))
        if plan.ending == "deal":
            for days in range(24, DAYS, 12):
                self.at(now + days * DAY, self._moving(deal_id, rep, DealFacts(stage=DealStage.NEGOTIATION)))
            for days in range(30, DAYS, 30):
                self.at(now + days * DAY, self._telling(assignment_id, rep, _verdict("working", rng)))
            return
        won = plan.ending == "won"
        closed = DealFacts(stage=DealStage.WON if won else DealStage.LOST, lost_reason=None if won else "Price")
        self.at(now + 24 * DAY, self._moving(deal_id, rep, closed))
        self.at(now + 24 * DAY + HOUR, self._telling(assignment_id, rep, _verdict("won" if won else "lost", rng)))

    def _moving(self, deal_id: str, rep: Actor, facts: DealFacts) -> Act:
        return lambda now: self.attempt(lambda: acts.change_deal(self.session, rep, deal_id, facts, now))


def _outcome(kind: ActivityKind, rng: random.Random) -> ActivityOutcome:
    if kind is ActivityKind.EMAIL:
        return ActivityOutcome.REPLIED if rng.random() < 0.5 else ActivityOutcome.OTHER
    return rng.choice((ActivityOutcome.REACHED, ActivityOutcome.REACHED, ActivityOutcome.LEFT_MESSAGE))


RATINGS = {"won": (4, 5), "lost": (2, 3, 4), "unqualified": (1, 2), "nurture": (2, 3), "working": (3, 4, 5)}
REASONS = {
    "lost": "Chose another product", "unqualified": "Looking for something else", "nurture": "Next year's budget",
}  # fmt: skip


def _verdict(ending: str, rng: random.Random) -> Verdict:
    heard = tuple(rng.sample(OBJECTIONS, rng.choice((0, 0, 1, 2))))
    return Verdict(
        rating=rng.choice(RATINGS[ending]), disposition=Disposition(ending), reason=REASONS.get(ending),
        objections=heard, competitor=rng.choice(COMPETITORS) if ending == "lost" else None,
    )  # fmt: skip

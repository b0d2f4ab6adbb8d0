"""A vendor, its partners and time, moved at random through the acts of the product; checked after every one."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import func, select

from models import base
from models.appeals import Appeal
from models.assignments import Activity, Assignment, Deal, Feedback, Obligation
from models.base import db
from models.excuses import Outage
from models.leads import Lead
from models.partners import Partner
from models.session import unit
from portal.accounts.actor import SYSTEM, Actor
from portal.allocation.hand import REOPENABLE
from portal.compliance import partners
from portal.compliance import policies as policy_service
from portal.compliance.partners import SETTINGS
from portal.compliance.settings import parse_settings
from portal.enforcement import acts, appeals, excuses
from portal.enforcement.placing import place_freed
from portal.enforcement.sweep import sweep
from portal.errors import Refusal
from portal.follow_up.deal_acts import DealFacts
from portal.follow_up.service import Touch, Verdict
from portal.follow_up.undo import Ask
from portal.intake.bulk import receive_all
from portal.intake.policy import parse_lead
from portal.vocabulary import (
    ActivityKind,
    ActivityOutcome,
    AppealKind,
    AppealState,
    AssignmentOrigin,
    AssignmentState,
    DealStage,
    DeclineReason,
    Disposition,
    LeadStatus,
    ObligationState,
    OutageKind,
    Role,
    Standing,
)
from tests.support import checks
from tests.support.databases import Database
from tests.support.stage import CHANGES, PARTNERS, PEOPLE, POLICIES, STAFF, STEPS, rules_of
from tests.support.world import (
    DAY,
    HOUR,
    MONDAY,
    make_partner,
    publish_policy,
    publish_rules,
    receive_lead,
    rep_of,
)

T = TypeVar("T")
BY_HAND = (AssignmentOrigin.BY_HAND, AssignmentOrigin.REOPENED)
indexes = st.integers(0, 30)

#: What happens, as often as it is named here.
OFTEN = ("receive", "wait_for_what_comes", "sweep", "accept")
SOMETIMES = (
    "receive", "import_many", "wait", "accept", "accept_all", "touch", "feedback", "undo", "ready", "release",
    "decline", "appeal", "answer_appeal",
)  # fmt: skip
SELDOM = (
    "claim", "assign", "recall", "take_out", "merge", "reopen", "register_deal", "change_deal", "hold", "exempt",
    "waive", "extend", "change_partner", "publish_rules", "publish_policy", "declare_outage", "withdraw_outage",
    "touch_and_judge",
)  # fmt: skip
#: Room for single products, granted and taken.
ROOM: tuple[dict[str, Any], ...] = ({"product_caps": {"valves": 1}}, {"product_caps": {}}, {"open_lead_cap": 3})
HAPPENINGS = 4 * OFTEN + 2 * SOMETIMES + SELDOM


def none(wrong: list[str]) -> None:
    """Nothing is wrong."""
    assert not wrong, "\n".join(wrong)


def counted_ids(patch: pytest.MonkeyPatch) -> None:
    """Ids in the order in which they are made, the same in every run: a failure can then be repeated."""
    number = count(1)
    patch.setattr(base, "time", SimpleNamespace(time_ns=lambda: next(number) * 1_000_000))
    patch.setattr(base, "os", SimpleNamespace(urandom=bytes))


class Vendor(RuleBasedStateMachine):
    """Every act of the product in any order, with time moved by hand. ``database`` is set by the test."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        db.session.remove()
        self.database.reset()
        self.patch = pytest.MonkeyPatch()
        counted_ids(self.patch)
        self.session, self.now = db.session(), MONDAY
        self.before: dict[str, tuple[Standing, datetime, int]] = {}
        self.known: set[str] = set()

    def teardown(self) -> None:
        self.patch.undo()
        db.session.remove()

    @initialize(rules=indexes, policy=indexes, many=st.integers(2, 4))
    def set_up(self, rules: int, policy: int, many: int) -> None:
        for number, settings in enumerate(PARTNERS[:many]):
            make_partner(self.session, f"Partner {number}", **settings)
        self.publish_rules(rules, 0)
        if policy % 5:
            self.publish_policy(policy, 0)
        self.check()

    # How the rules below choose and act.

    def one(self, model: type[T], index: int, *where: Any) -> T | None:
        found = self.session.scalars(select(model).where(*where).order_by(model.id)).all()  # type: ignore[attr-defined]
        return found[index % len(found)] if found else None

    def partner(self, index: int) -> Partner:
        found = self.one(Partner, index)
        assert found is not None
        return found

    def act(self, work: Callable[..., Any], *given: Any) -> None:
        """Try one act; a refusal is an answer, any other error a defect."""
        self.session.commit()
        try:
            work(self.session, *given)
        except Refusal:
            self.session.rollback()
        self.check()

    def as_holder(self, index: int, work: Callable[..., Any], *given: Any, live: bool = True) -> None:
        """Act on an assignment as its holder."""
        live_states = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
        found = self.one(Assignment, index, *([Assignment.state.in_(live_states)] if live else []))
        if found is not None:
            self.act(work, rep_of(self.session.get_one(Partner, found.partner_id)), found.id, *given)

    @rule(acts=st.lists(st.tuples(st.sampled_from(HAPPENINGS), indexes, indexes), min_size=1, max_size=3))
    def happens(self, acts: list[tuple[str, int, int]]) -> None:
        for name, a, b in acts:
            getattr(self, name)(a, b)

    # Time.

    def wait(self, a: int, b: int) -> None:
        self.now += STEPS[a % len(STEPS)]

    def wait_for_what_comes(self, a: int, b: int) -> None:
        """To the very instant of something that time brings, or just before it."""
        instants = sorted({at for at in self.coming() if at is not None and at > self.now})
        if instants:
            at = instants[a % min(3, len(instants))] - timedelta(microseconds=b % 2)
            self.now = max(self.now, at)

    def coming(self) -> Iterable[datetime | None]:
        opened = Obligation.state == ObligationState.OPEN
        yield from self.session.scalars(select(Obligation.grace_until).where(opened))
        yield from self.session.scalars(select(Obligation.due_at).where(opened))
        yield from self.session.scalars(select(Partner.standing_next_at))
        yield from self.session.scalars(select(Lead.pool_until))
        yield from self.session.scalars(select(Lead.retry_at))

    def sweep(self, a: int, b: int) -> None:
        self.session.commit()
        sweep(self.session, self.now)
        self.check()
        none(checks.wrong_after_sweep(self.session, self.now))
        again = sweep(self.session, self.now)
        done = (
            again.breaches, again.standing_changes, again.warnings, again.pools_ended, again.set_aside, again.excused,
        )  # fmt: skip
        assert not any(done), f"swept again: {again}"
        self.check()

    # Leads.

    def receive(self, a: int, b: int) -> None:
        """Up to three enquiries: the first of one of a few people, the others of new ones at the same company."""
        self.session.commit()
        facts = {"country": ("DE", "FR", None)[b % 3], "region": ("BY", None)[b // 3 % 2],
                 "product": ("valves", "pumps", None)[b // 6 % 3]}  # fmt: skip
        for number in range(1 + a % 3):
            who = PEOPLE[(a + b) % len(PEOPLE)]
            email = who if number == 0 else f"{self.now:%m%d%H%M}.{number}.{who}"
            receive_lead(self.session, self.now, email=email, **facts)
        self.check()

    def import_many(self, a: int, b: int) -> None:
        """A file of up to six rows in one transaction: known people, two rows of one person, one row sent again."""
        self.session.commit()
        rows = []
        for number in range(1 + a % 6):
            who = PEOPLE[(a * b + number // 2) % len(PEOPLE)]
            email = who if number % 3 else f"{self.now:%m%d%H%M}.i{number}.{who}"
            rows.append(
                {"email": email, "last_name": "Row", "country": ("DE", "FR")[(b + number) % 2],
                 "product": ("valves", "pumps", "")[number % 3], "external_id": f"row {(a + number) % 12}"}
            )  # fmt: skip
        news = [parse_lead(row, self.now) for row in rows]
        received = unit(self.session, lambda: receive_all(self.session, news, self.now, SYSTEM))
        assert len(received) == len(rows)
        self.check()

    def claim(self, a: int, b: int) -> None:
        lead = self.one(Lead, a, Lead.status.in_((LeadStatus.POOLED, LeadStatus.ACCEPTED)))
        if lead is not None:
            self.act(acts.claim, rep_of(self.partner(b)), lead.id, self.now)

    def assign(self, a: int, b: int) -> None:
        if lead := self.one(Lead, a):
            self.act(acts.assign, STAFF, lead.id, self.partner(b).id, "as asked", self.now)

    def recall(self, a: int, b: int) -> None:
        if found := self.one(Assignment, a, Assignment.ended_at.is_(None)):
            self.act(acts.recall, STAFF, found.id, "a mistake", self.now)

    def take_out(self, a: int, b: int) -> None:
        status = (LeadStatus.DISQUALIFIED, LeadStatus.NURTURE)[b % 2]
        if lead := self.one(Lead, a):
            self.act(acts.take_out, STAFF, lead.id, status, "no lead", self.now)

    def merge(self, a: int, b: int) -> None:
        lead, into = self.one(Lead, a), self.one(Lead, b)
        if lead is not None and into is not None:
            self.act(acts.merge, STAFF, lead.id, into.id, self.now)

    def reopen(self, a: int, b: int) -> None:
        if lead := self.one(Lead, a, Lead.status.in_(REOPENABLE)):
            self.act(acts.reopen, STAFF, lead.id, "they called", self.now)

    # What partners do.

    def accept(self, a: int, b: int) -> None:
        self.as_holder(a, acts.accept, self.now)

    def accept_all(self, a: int, b: int) -> None:
        offered = select(Assignment.id).where(Assignment.state == AssignmentState.OFFERED)
        for found in self.session.scalars(offered).all():
            assignment = self.session.get_one(Assignment, found)
            self.act(acts.accept, rep_of(self.session.get_one(Partner, assignment.partner_id)), found, self.now)

    def decline(self, a: int, b: int) -> None:
        self.as_holder(a, acts.decline, DeclineReason.NOT_A_FIT, None, self.now)

    def touch(self, a: int, b: int) -> None:
        kind = (ActivityKind.CALL, ActivityKind.EMAIL, ActivityKind.NOTE)[b % 3]
        self.as_holder(a, acts.log, Touch(kind, ActivityOutcome.REACHED), self.now)

    def feedback(self, a: int, b: int) -> None:
        disposition = tuple(Disposition)[b % len(Disposition)]
        self.as_holder(a, acts.feedback, Verdict(3, disposition), self.now, live=b % 4 > 0)

    def touch_and_judge(self, a: int, b: int) -> None:
        touch, verdict = Touch(ActivityKind.CALL, ActivityOutcome.REACHED), Verdict(4, tuple(Disposition)[b % 5])
        self.as_holder(a, acts.log_and_judge, touch, verdict, self.now)

    def undo(self, a: int, b: int) -> None:
        model = (Activity, Feedback)[b % 2]
        if slip := self.one(model, -a, model.undo_until > self.now):
            actor = rep_of(self.session.get_one(Partner, slip.partner_id))
            ask = Ask(slip.id) if model is Activity else Ask(None, slip.id)
            self.act(acts.undo, actor, slip.assignment_id, ask, self.now)

    def register_deal(self, a: int, b: int) -> None:
        stage = tuple(DealStage)[b % len(DealStage)]
        self.as_holder(a, acts.register_deal, DealFacts(stage=stage, amount_cents=100_000), self.now)

    def change_deal(self, a: int, b: int) -> None:
        if deal := self.one(Deal, a):
            actor = rep_of(self.session.get_one(Partner, deal.partner_id))
            stage = tuple(DealStage)[b % len(DealStage)]
            self.act(acts.change_deal, actor, deal.id, DealFacts(stage=stage), self.now)

    # Standing by hand.

    def ready(self, a: int, b: int) -> None:
        stopped = self.one(Partner, a, Partner.standing == Standing.STOPPED) or self.partner(b)
        self.act(acts.ready, rep_of(stopped), stopped.id, self.now)

    def hold(self, a: int, b: int) -> None:
        self.act(acts.hold, STAFF, self.partner(a).id, "by hand", self.now + STEPS[b % len(STEPS)], self.now)

    def exempt(self, a: int, b: int) -> None:
        self.act(acts.exempt, STAFF, self.partner(a).id, "by hand", self.now + STEPS[b % len(STEPS)], self.now)

    def release(self, a: int, b: int) -> None:
        by_hand = Partner.standing.in_((Standing.STOPPED, Standing.HELD, Standing.EXEMPT))
        found = self.one(Partner, a, by_hand) or self.partner(b)
        self.act(acts.release, STAFF, found.id, "talked", self.now)

    def waive(self, a: int, b: int) -> None:
        state = ObligationState.BREACHED if b % 2 else ObligationState.OPEN
        if row := self.one(Obligation, a, Obligation.state == state):
            self.act(acts.waive, STAFF, [row.id], "our fault", self.now)

    def extend(self, a: int, b: int) -> None:
        if row := self.one(Obligation, a, Obligation.state == ObligationState.OPEN):
            self.act(acts.extend, STAFF, [row.id], "our fault", row.due_at + STEPS[b % len(STEPS)], self.now)

    # What excuses.

    def appeal(self, a: int, b: int) -> None:
        late = Obligation.state.in_((ObligationState.BREACHED, ObligationState.CURED, ObligationState.OPEN))
        if row := self.one(Obligation, -a, late):
            kind, name = tuple(AppealKind)[b % len(AppealKind)], "Admin"
            admin = Actor(kind="user", id=None, name=name, role=Role.PARTNER_ADMIN, partner_id=row.partner_id)
            self.act(appeals.file_appeal, admin, row.id, kind, "It was your fault.", None, self.now)

    def answer_appeal(self, a: int, b: int) -> None:
        """Granted two times of three, once with another due time."""
        if found := self.one(Appeal, a, Appeal.state == AppealState.OPEN):
            later = self.now + STEPS[a % len(STEPS)] if b % 3 == 1 else None
            self.act(appeals.decide, STAFF, found.id, b % 3 > 0, "seen", later, self.now)

    def declare_outage(self, a: int, b: int) -> None:
        """Of the past, of the present or of days to come; an outage or a vendor that was closed."""
        start = self.now + (-2 * DAY, -5 * HOUR, -HOUR, HOUR, DAY)[a % 5]
        kind, end = tuple(OutageKind)[b % len(OutageKind)], start + STEPS[b % 5]
        self.act(excuses.declare, STAFF, kind, start, end, "power cut", self.now)

    def withdraw_outage(self, a: int, b: int) -> None:
        if found := self.one(Outage, a, Outage.withdrawn_at.is_(None)):
            self.act(excuses.withdraw, STAFF, found.id, "was none", self.now)

    # Configuration.

    def change_partner(self, a: int, b: int) -> None:
        found = self.partner(a)
        current = {name: getattr(found, name) for name in SETTINGS}
        changes = CHANGES + ROOM
        columns = parse_settings(changes[b % len(changes)], current)
        self.act(lambda session: self._change(session, found.id, columns))

    def _change(self, session: Any, partner_id: str, columns: dict[str, Any]) -> None:
        def work() -> list[str]:
            return partners.change(session, partner_id, columns, self.now, STAFF)[1]

        place_freed(session, acts.settled(session, self.now, work), self.now)

    def publish_rules(self, a: int, b: int) -> None:
        self.session.commit()
        lists = rules_of(list(self.session.scalars(select(Partner).order_by(Partner.slot))))
        self.act(lambda session: publish_rules(session, *lists[a % len(lists)], now=self.now))

    def publish_policy(self, a: int, b: int) -> None:
        body, later = POLICIES[a % len(POLICIES)], (0, 0, 3, 24 * 9)[b % 4]
        if not later:
            self.act(publish_policy, body, self.now)
            return
        drafted = unit(self.session, lambda: policy_service.draft(self.session, body, "", self.now, STAFF))
        start = self.now + later * HOUR
        self.act(lambda s: unit(s, lambda: policy_service.publish(s, drafted.id, start, self.now, STAFF)))

    # What must hold after each of them.

    def check(self) -> None:
        self.session.commit()
        self.session.expire_all()
        none([*checks.wrong_now(self.session), *self.wrong_since()])
        self.remember()

    def wrong_since(self) -> Iterable[str]:
        """Who got no leads before and after got none between; no cap was passed but by hand."""
        for found in self.session.scalars(select(Assignment).where(Assignment.id.not_in(self.known))):
            partner = self.session.get_one(Partner, found.partner_id)
            now = partner.standing, partner.standing_since, partner.cap_now
            if self.before.get(partner.id) != now:
                continue
            if not partner.standing.allows_leads:
                yield f"{partner.name} is {partner.standing} and got {found.origin}"
            if partner.open_leads > partner.cap_now and found.origin not in BY_HAND and found.counts_open:
                yield f"{partner.name} has {partner.open_leads} of {partner.cap_now} and got {found.origin}"

    def remember(self) -> None:
        rows = self.session.scalars(select(Partner))
        self.before = {p.id: (p.standing, p.standing_since, p.cap_now) for p in rows}
        self.known = set(self.session.scalars(select(Assignment.id)))
        assert self.session.scalar(select(func.count()).select_from(Lead)) is not None
        self.session.commit()

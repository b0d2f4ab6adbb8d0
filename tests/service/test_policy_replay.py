"""A past period under another policy: the live one gives what is stored, another one what it would have brought."""

import random
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.assignments import Assignment, Obligation
from models.compliance import LedgerEntry
from models.partners import Partner
from portal.accounts.actor import Actor
from portal.compliance.policies import checked
from portal.compliance.replaying import PartnerReplay, Replay, replay
from portal.deadlines.document import DEFAULT_POLICY
from portal.enforcement import acts
from portal.enforcement.sweep import sweep
from portal.errors import Invalid, Refusal
from portal.follow_up.service import Verdict
from portal.vocabulary import (
    AssignmentState,
    DeclineReason,
    Disposition,
    LedgerKind,
    ObligationKind,
    ObligationState,
    Role,
    Standing,
)
from tests.support.stage import CALL, POLICIES, STAFF, STAYING, within
from tests.support.world import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    assignment_of,
    make_partner,
    obligations_of,
    publish_policy,
    publish_rules,
    receive_lead,
    rep_of,
)


def replayed(session: Session, body: Any, until: datetime, since: datetime = MONDAY, actor: Actor = STAFF) -> Replay:
    session.expire_all()
    return replay(session, actor, checked(body), since, until)


def lead_of(session: Session, at: datetime = MONDAY) -> Assignment:
    found = assignment_of(session, receive_lead(session, now=at))
    assert found is not None
    return found


def respond(days: int, *, reassign: bool, ladder: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"reassign": reassign, "notify": ["partner"]}
    return {
        **DEFAULT_POLICY,
        "obligations": [
            {"kind": "respond", "within": within(days), "on_breach": told},
            *DEFAULT_POLICY["obligations"][1:],
        ],
        "ladder": {**DEFAULT_POLICY["ladder"], **(ladder or {})},
    }


class Story:
    """Leads, answers, touches, holds and time, by a seed; everything through the acts of the product."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.dice, self.now = session, random.Random(seed), MONDAY
        self.partners = [make_partner(session, open_lead_cap=6) for _ in range(3)]
        publish_rules(session)

    def go(self, steps: int) -> None:
        for _ in range(steps):
            self.now += self.dice.choice((MINUTE, 5 * HOUR, DAY, 2 * DAY))
            self.dice.choice((self.sweep, self.receive, self.receive, self.accept, self.work, self.staff))()
        self.sweep()

    def sweep(self) -> None:
        sweep(self.session, self.now)

    def receive(self) -> None:
        receive_lead(self.session, now=self.now)

    def accept(self) -> None:
        for held in self.session.query(Assignment).filter_by(state=AssignmentState.OFFERED).limit(3):
            self.tried(partial(self.answer, self.rep(held), held.id))

    def answer(self, by: Actor, held: str) -> None:
        if self.dice.random() < 0.8:
            acts.accept(self.session, by, held, self.now)
        else:
            acts.decline(self.session, by, held, DeclineReason.OTHER, None, self.now)

    def work(self) -> None:
        for held in self.session.query(Assignment).filter_by(state=AssignmentState.ACCEPTED).limit(3):
            verdict = Verdict(3, self.dice.choice((Disposition.WORKING, Disposition.WON, Disposition.LOST)))
            by, id_ = self.rep(held), held.id
            self.tried(partial(acts.log, self.session, by, id_, CALL, self.now))
            self.tried(partial(acts.feedback, self.session, by, id_, verdict, self.now))

    def staff(self) -> None:
        it = self.dice.choice(self.partners).id
        deed = self.dice.choice(("ready", "release", "hold", "exempt", "waive", "extend"))
        open_ = self.session.query(Obligation).filter_by(state=ObligationState.OPEN).first()
        ids = [open_.id] if open_ else []
        until = self.now + 3 * DAY
        what = {
            "ready": lambda: acts.ready(self.session, STAFF, it, self.now),
            "release": lambda: acts.release(self.session, STAFF, it, "r", self.now),
            "hold": lambda: acts.hold(self.session, STAFF, it, "r", until, self.now),
            "exempt": lambda: acts.exempt(self.session, STAFF, it, "r", until, self.now),
            "waive": lambda: acts.waive(self.session, STAFF, ids, "r", self.now),
            "extend": lambda: acts.extend(self.session, STAFF, ids, "r", until + 20 * DAY, self.now),
        }
        self.tried(what[deed])

    def rep(self, held: Assignment) -> Actor:
        return rep_of(self.session.get_one(Partner, held.partner_id))

    def tried(self, deed: Callable[[], object]) -> None:
        try:
            deed()
        except Refusal:
            self.session.rollback()


@pytest.mark.parametrize("seed", range(3))
def test_the_policy_that_ruled_gives_exactly_what_is_stored(session: Session, seed: int) -> None:
    """Standing, every line of the ledger, every miss; and from any later start the same end."""
    body = (DEFAULT_POLICY, STAYING, *POLICIES)[seed % (2 + len(POLICIES))]
    story = Story(session, seed)
    publish_policy(session, body)
    story.go(36)
    for since in (MONDAY, MONDAY + (story.now - MONDAY) / 2):
        found = replayed(session, body, story.now, since)
        assert found.redated == 0 and not any(row.differs for row in found.rows)
        for row in found.rows:
            assert row.then.standing is row.partner.standing
            lines = session.query(LedgerEntry).filter_by(partner_id=row.partner.id, kind=LedgerKind.CHANGE)
            told = [(e.at, e.to_standing) for e in lines.order_by(LedgerEntry.at, LedgerEntry.id) if e.at > since]
            assert [(s.at, s.to) for s in row.then.steps if s.from_ is not s.to] == told
    whole = replayed(session, body, story.now)
    assert whole.total("due", "was") > 5 and whole.total("missed", "was") > 0


@pytest.fixture
def alone(session: Session) -> Partner:
    partner = make_partner(session, open_lead_cap=50)
    publish_rules(session)
    return partner


def only(found: Replay) -> PartnerReplay:
    assert len(found.rows) == 1
    return found.rows[0]


def test_a_shorter_time_to_answer_would_have_moved_the_lead(session: Session, alone: Partner) -> None:
    held = lead_of(session)
    acts.accept(session, rep_of(alone), held.id, MONDAY + 32 * HOUR)
    acts.log(session, rep_of(alone), held.id, CALL, MONDAY + 33 * HOUR)
    found = replayed(session, respond(1, reassign=True), MONDAY + 20 * DAY)
    row = only(found)
    assert (row.was.missed, row.was.moved) == (1, frozenset())  # Its feedback is missed in truth.
    assert (row.then.due, row.then.missed, row.moved) == (1, 1, frozenset([held.id]))  # Later deadlines never opened.
    assert found.leads == {held.id: held.lead_id}
    stays = only(replayed(session, respond(1, reassign=False), MONDAY + 20 * DAY))
    assert (stays.moved, stays.then.missed, stays.then.due) == (frozenset(), 2, 3)


def test_a_longer_time_would_have_kept_it_where_the_answer_came_late(session: Session, alone: Partner) -> None:
    publish_policy(session, respond(1, reassign=False), MONDAY)
    held = lead_of(session, MONDAY + HOUR)
    sweep(session, MONDAY + 2 * DAY)
    acts.accept(session, rep_of(alone), held.id, MONDAY + 2 * DAY)
    row = only(replayed(session, respond(5, reassign=False), MONDAY + 3 * DAY))
    assert (row.was.missed, row.then.missed) == (1, 0)
    exactly = obligations_of(session, held)["respond"]
    assert exactly.state is ObligationState.CURED  # Nothing was written.


def test_what_was_never_answered_is_never_answered(session: Session, alone: Partner) -> None:
    held = lead_of(session)
    sweep(session, MONDAY + 4 * DAY)
    later = only(replayed(session, respond(10, reassign=True), MONDAY + 4 * DAY))
    assert later.was.moved == later.stayed == {held.id} and not later.then.moved
    assert only(replayed(session, respond(10, reassign=True), MONDAY + 30 * DAY)).then.moved == {held.id}


def test_more_time_that_was_given_is_kept(session: Session, alone: Partner) -> None:
    held = lead_of(session)
    row = obligations_of(session, held)["respond"]
    acts.extend(session, STAFF, [row.id], "Fair", MONDAY + 14 * DAY, MONDAY + HOUR)
    acts.accept(session, rep_of(alone), held.id, MONDAY + 10 * DAY)
    assert only(replayed(session, respond(1, reassign=True), MONDAY + 11 * DAY)).then.missed == 0


def test_a_stricter_ladder_stops_and_a_stop_of_its_own_ends_by_itself(session: Session, alone: Partner) -> None:
    publish_policy(session, respond(1, reassign=True), MONDAY)
    for number in range(2):
        lead_of(session, MONDAY + number * HOUR + MINUTE)
    sweep(session, MONDAY + 3 * DAY)
    lead_of(session, MONDAY + 4 * DAY)
    strict = respond(1, reassign=True, ladder={"breaches_in_a_row": 2, "stop_days": 3, "probation": {"days": 2}})
    row = only(replayed(session, strict, MONDAY + 4 * DAY + HOUR))
    assert (row.was.stops, row.then.stops, row.then.standing, row.meanwhile) == (0, 1, Standing.STOPPED, 1)
    assert row.then.stopped and not row.was.stopped
    over = only(replayed(session, respond(9, reassign=True, ladder=strict["ladder"]), MONDAY + 4 * DAY + HOUR))
    assert over.then.stops == 0


def test_a_kind_that_nobody_was_asked_for_is_named(session: Session, alone: Partner) -> None:
    lead_of(session)
    draft = {**DEFAULT_POLICY, "obligations": [
        *DEFAULT_POLICY["obligations"], {"kind": "update", "within": within(5)},
    ]}  # fmt: skip
    found = replayed(session, draft, MONDAY + DAY)
    assert ObligationKind.UPDATE in found.unknown and ObligationKind.RESPOND not in found.unknown


def test_what_the_draft_does_not_ask_for_is_left_out(session: Session, alone: Partner) -> None:
    held = lead_of(session)
    acts.accept(session, rep_of(alone), held.id, MONDAY + HOUR)
    draft = {**DEFAULT_POLICY, "obligations": [DEFAULT_POLICY["obligations"][0]]}
    row = only(replayed(session, draft, MONDAY + 40 * DAY))
    assert (row.was.due, row.was.missed) == (2, 1)  # Its missed first contact takes feedback along.
    assert (row.then.due, row.then.missed) == (1, 0)


@pytest.mark.parametrize(("since", "until", "field"), [(5, 5, "to"), (6, 5, "to"), (-400, 5, "from")])
def test_periods_that_cannot_be_replayed_are_refused(session: Session, since: int, until: int, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        replayed(session, DEFAULT_POLICY, MONDAY + until * DAY, MONDAY + since * DAY)
    assert [name for name, _ in refusal.value.errors] == [field]


def test_too_many_deadlines_are_refused(session: Session, alone: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_of(session)
    lead_of(session)
    monkeypatch.setattr("portal.compliance.replaying.MOST", 1)
    with pytest.raises(Invalid, match="2 deadlines lie before its end; at most 1"):
        replayed(session, DEFAULT_POLICY, MONDAY + DAY)


def test_a_manager_replays_its_own_partners_alone(session: Session, alone: Partner) -> None:
    make_partner(session)
    own = Actor(
        kind="user", id=None, name="M", role=Role.CHANNEL_MANAGER, partner_id=None, portfolio=frozenset([alone.id])
    )
    assert [row.partner.id for row in replayed(session, DEFAULT_POLICY, MONDAY + DAY, actor=own).rows] == [alone.id]

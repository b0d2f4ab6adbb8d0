"""What contenders do in a race; each is a job of ``tests.support.racing``."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select

from models.assignments import Assignment, Obligation
from models.base import db
from models.leads import Lead
from models.partners import Partner
from models.session import read_only, unit
from portal.accounts.actor import SYSTEM, Actor
from portal.compliance import partners
from portal.enforcement import acts
from portal.enforcement.placing import place_freed
from portal.enforcement.sweep import sweep
from portal.follow_up.service import Touch, Verdict
from portal.follow_up.undo import Ask
from portal.intake.bulk import receive_all
from portal.intake.policy import parse_lead
from portal.vocabulary import (
    LIVE_ASSIGNMENT,
    ActivityKind,
    ActivityOutcome,
    AssignmentState,
    DeclineReason,
    Disposition,
    LeadStatus,
    ObligationKind,
    ObligationState,
    Role,
    Standing,
)
from tests.support.racing import Turns
from tests.support.world import DAY, HOUR, MINUTE, MONDAY, receive_lead, rep_of

STAFF = Actor(kind="user", id=None, name="Mira Manager", role=Role.ADMIN)


def storm(turns: Turns, each: int) -> None:
    """Enquiries from all sides: every fourth of a person whom others send too, every fourth sent twice."""
    for number in range(each):
        mine = f"p{turns.number}n{number}@company{turns.number}x{number}.example.com"
        facts: dict[str, Any] = {"email": mine, "company": None, "external_id": f"{turns.number}-{number}"}
        if number % 4 == 1:
            facts |= {"email": f"shared{number}@shared{number}.example.com"}
        if number % 4 == 2:
            facts |= {"external_id": f"again-{number}"}
        turns.act("receive", partial(receive_lead, now=MONDAY, **facts))


def of_one_product(turns: Turns, each: int) -> None:
    """Enquiries about one product from all sides."""
    for _ in range(each):
        turns.act("receive", partial(receive_lead, now=MONDAY, product="Widget"))


def claim_all(turns: Turns, lead_ids: list[str], partner_ids: list[str]) -> None:
    """Every thread claims every lead, each for one partner, in an order of its own."""
    partner_id = partner_ids[turns.number % len(partner_ids)]
    for lead_id in turns.dice.sample(lead_ids, len(lead_ids)):
        turns.act("claim", acts.claim, _rep(partner_id), lead_id, MONDAY)


def answer_or_expire(turns: Turns, offers: list[tuple[str, str]]) -> None:
    """Most accept or decline just before the time is over, the others record that it is over."""
    if turns.number % 4 == 0:
        for _ in range(4):
            turns.act("sweep", sweep, MONDAY + 3 * DAY)
        return
    for assignment_id, partner_id in turns.dice.sample(offers, len(offers)):
        if turns.number % 4 == 1:
            reason = DeclineReason.NOT_A_FIT
            turns.act("decline", acts.decline, _rep(partner_id), assignment_id, reason, None, MONDAY)
        else:
            turns.act("accept", acts.accept, _rep(partner_id), assignment_id, MONDAY)


def _rep(partner_id: str) -> Actor:
    return Actor(kind="user", id=None, name="Rep", role=Role.PARTNER_REP, partner_id=partner_id)


def live(turns: Turns) -> None:
    """Days of a busy vendor in seconds: everybody does everything while the clock runs and sweeps go on."""
    doings: list[Callable[[Turns], None]] = [
        _receive, _receive, _receive, _answer, _answer, _touch, _feedback, _sweep, _ready, _hold, _release, _waive,
        _claim, _recall, _assign, _take_out, _reopen, _cap, watch, watch,
    ]  # fmt: skip
    while not turns.over:
        turns.dice.choice(doings)(turns)


def _any(turns: Turns, model: Any, *where: Any) -> Any:
    read_only(db.session)
    ids = db.session.scalars(select(model.id).where(*where).limit(50)).all()
    found = db.session.get(model, turns.dice.choice(ids)) if ids else None
    db.session.commit()
    return found


def _receive(turns: Turns) -> None:
    who = turns.dice.randint(0, 400)
    facts = {"email": f"p{who}@c{who % 90}.example.com", "country": turns.dice.choice(("DE", "FR")), "company": None}
    turns.act("receive", partial(receive_lead, now=turns.now(), **facts))


def _answer(turns: Turns) -> None:
    if found := _any(turns, Assignment, Assignment.state == AssignmentState.OFFERED):
        if turns.dice.random() < 0.8:
            turns.act("accept", acts.accept, _rep(found.partner_id), found.id, turns.now())
        else:
            reason = DeclineReason.NO_CAPACITY
            turns.act("decline", acts.decline, _rep(found.partner_id), found.id, reason, None, turns.now())


def _touch(turns: Turns) -> None:
    if found := _any(turns, Assignment, Assignment.state == AssignmentState.ACCEPTED):
        touch = Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
        turns.act("log", acts.log, _rep(found.partner_id), found.id, touch, turns.now())


def _feedback(turns: Turns) -> None:
    if found := _any(turns, Assignment, Assignment.state == AssignmentState.ACCEPTED):
        verdict = Verdict(3, turns.dice.choice(tuple(Disposition)))
        turns.act("feedback", acts.feedback, _rep(found.partner_id), found.id, verdict, turns.now())


def _sweep(turns: Turns) -> None:
    turns.act("sweep", sweep, turns.now())


def _ready(turns: Turns) -> None:
    if found := _any(turns, Partner, Partner.standing == Standing.STOPPED):
        turns.act("ready", acts.ready, rep_of(found), found.id, turns.now())


def _hold(turns: Turns) -> None:
    now = turns.now()
    turns.act("hold", acts.hold, STAFF, _any(turns, Partner).id, "by hand", now + DAY / 4, now)


def _release(turns: Turns) -> None:
    if found := _any(turns, Partner, Partner.standing.in_((Standing.STOPPED, Standing.HELD))):
        turns.act("release", acts.release, STAFF, found.id, "talked", turns.now())


def _waive(turns: Turns) -> None:
    owed = Obligation.state.in_((ObligationState.OPEN, ObligationState.BREACHED))
    if found := _any(turns, Obligation, owed):
        turns.act("waive", acts.waive, STAFF, [found.id], "our fault", turns.now())


def _claim(turns: Turns) -> None:
    if found := _any(turns, Lead, Lead.status == LeadStatus.POOLED):
        turns.act("claim", acts.claim, rep_of(_any(turns, Partner)), found.id, turns.now())


def _recall(turns: Turns) -> None:
    if found := _any(turns, Assignment, Assignment.state.in_(LIVE_ASSIGNMENT)):
        turns.act("recall", acts.recall, STAFF, found.id, "a mistake", turns.now())


def _assign(turns: Turns) -> None:
    if found := _any(turns, Lead, Lead.status.in_((LeadStatus.UNALLOCATED, LeadStatus.OFFERED, LeadStatus.POOLED))):
        turns.act("assign", acts.assign, STAFF, found.id, _any(turns, Partner).id, "as asked", turns.now())


def _take_out(turns: Turns) -> None:
    if turns.dice.random() < 0.3 and (found := _any(turns, Lead, Lead.status != LeadStatus.DUPLICATE)):
        turns.act("take out", acts.take_out, STAFF, found.id, LeadStatus.DISQUALIFIED, "no lead", turns.now())


def _reopen(turns: Turns) -> None:
    if found := _any(turns, Lead, Lead.status.in_((LeadStatus.LOST, LeadStatus.RETURNED, LeadStatus.DISQUALIFIED))):
        turns.act("reopen", acts.reopen, STAFF, found.id, "they called", turns.now())


def _cap(turns: Turns) -> None:
    if turns.dice.random() < 0.3:
        partner, cap, now = _any(turns, Partner).id, turns.dice.randint(2, 6), turns.now()

        def change(session: Any) -> None:
            work = partial(partners.change, session, partner, {"open_lead_cap": cap}, now, STAFF)
            place_freed(session, acts.settled(session, now, work)[1], now)

        turns.act("cap", change)


def watch(turns: Turns) -> None:
    """What no reader may see at any moment: one lead in two hands, an offer with a partner that is stopped."""
    read_only(db.session)
    held = select(Assignment.lead_id).where(Assignment.state.in_(LIVE_ASSIGNMENT))
    twice = db.session.scalars(held.group_by(Assignment.lead_id).having(func.count() > 1)).all()
    late = db.session.scalars(
        select(Assignment.id)
        .join(Partner, Partner.id == Assignment.partner_id)
        .where(Partner.standing == Standing.STOPPED, Assignment.state == AssignmentState.OFFERED)
    ).all()
    db.session.commit()
    turns.errors += [f"held twice: {twice}"] * bool(twice) + [f"offered to the stopped: {late}"] * bool(late)


def cure_or_stop(turns: Turns, late: list[tuple[str, str]]) -> None:
    """What is overdue is done by many while some record that it was missed, and enquiries come in meanwhile."""
    after, touch = MONDAY + 2 * HOUR, Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
    if turns.number % 8 == 0:
        turns.act("sweep", sweep, after)
    elif turns.number % 8 == 1:
        turns.act("receive", partial(receive_lead, now=after, email=f"t{turns.number}@a.example.com"))
        watch(turns)
    else:
        for assignment_id, partner_id in turns.dice.sample(late, len(late)):
            turns.act("cure", acts.log, _rep(partner_id), assignment_id, touch, after)


def waive_or_miss(turns: Turns, obligation_ids: list[str], due_at: datetime) -> None:
    """Half waive what is just about to be missed, the others record that it was."""
    for obligation_id in turns.dice.sample(obligation_ids, len(obligation_ids)):
        if turns.number % 2:
            turns.act("waive", acts.waive, STAFF, [obligation_id], "our fault", due_at - MINUTE)
        else:
            turns.act("sweep", sweep, due_at + MINUTE)


def undo_or_miss(turns: Turns, slips: list[tuple[str, str, str]], due_at: datetime) -> None:
    """Touches that kept a deadline are taken back just before it, while others record what was missed after it."""
    if turns.number % 4 == 0:
        time.sleep(turns.number * 0.01)
        turns.act("sweep", sweep, due_at + MINUTE)
        return
    for activity_id, assignment_id, partner_id in turns.dice.sample(slips, len(slips)):
        moment = due_at - timedelta(seconds=10)
        turns.act("undo", acts.undo, _rep(partner_id), assignment_id, Ask(activity_id), moment)


def all_ways_in(turns: Turns, people: int, each: int) -> None:
    """The same enquiries from files and one by one, several times, while offers are answered."""
    for _ in range(each):
        first = turns.dice.randrange(people)
        if turns.number % 3 == 0:
            turns.act("import", _import, [(first + step) % people for step in range(12)])
        elif turns.number % 3 == 1:
            turns.act("receive", partial(receive_lead, now=MONDAY, **enquiry(first)))
        else:
            _answer(turns)
            watch(turns)


def enquiry(number: int) -> dict[str, Any]:
    """The enquiry of that number: two numbers are one person."""
    who = number // 2
    return {"email": f"p{who}@c{who}.example.com", "external_id": f"x{number}", "company": None, "country": "DE"}


def _import(session: Any, numbers: list[int]) -> None:
    rows = [{name: value for name, value in enquiry(number).items() if value is not None} for number in numbers]
    news = [parse_lead({**row, "last_name": "Row"}, MONDAY) for row in rows]
    received = unit(session, lambda: receive_all(session, news, MONDAY, SYSTEM))
    assert len(received) == len(numbers)


def stop_and_lift(turns: Turns, partner_ids: list[str], cycles: int) -> None:
    """A few partners are stopped and lifted again and again, each by what it misses and makes good; others send."""
    if turns.number >= len(partner_ids):
        while turns.number < len(partner_ids) + 2 and not turns.over:
            name = f"t{turns.number}.{turns.dice.random()}@a.example.com"
            turns.act("receive", partial(receive_lead, now=turns.now(), email=name, company=None))
            time.sleep(0.05)
        return
    partner_id, done = partner_ids[turns.number], 0
    while done < cycles and not turns.over:
        done += _cycle(turns, partner_id)
    turns.outcomes["cycles"] += done


def _cycle(turns: Turns, partner_id: str) -> bool:
    found = _any(turns, Assignment, Assignment.state == AssignmentState.OFFERED, Assignment.partner_id == partner_id)
    if found is None:
        return False
    rep, touch = _rep(partner_id), Touch(ActivityKind.CALL, ActivityOutcome.REACHED)
    if turns.act("accept", acts.accept, rep, found.id, turns.now()) is None:
        return False
    owed = Obligation.assignment_id == found.id, Obligation.kind == ObligationKind.FIRST_CONTACT
    turns.act("sweep", sweep, _past(turns, _any(turns, Obligation, *owed).due_at))
    _gets_nothing(turns, partner_id)
    turns.act("cure", acts.log, rep, found.id, touch, turns.now())
    turns.act("feedback", acts.feedback, rep, found.id, Verdict(3, Disposition.LOST), turns.now())
    return True


def _past(turns: Turns, at: datetime) -> datetime:
    """The clock that all share, put past an instant."""
    with turns.clock.get_lock():
        turns.clock.value = max(turns.clock.value, (at - MONDAY) // MINUTE + 1)
    return turns.now()


def _gets_nothing(turns: Turns, partner_id: str) -> None:
    """The stop is committed: nothing lies with the partner, and nothing comes while others send what they can."""
    before = _given(partner_id)
    time.sleep(0.03)
    after = _given(partner_id)
    if before != after or before[0] is not Standing.STOPPED or before[2]:
        turns.errors.append(f"stopped, and given: {before}, then {after}")


def _given(partner_id: str) -> tuple[Standing, int, int]:
    """A partner's standing, all that it was ever given, and what lies with it unanswered."""
    read_only(db.session)
    standing = db.session.scalars(select(Partner.standing).where(Partner.id == partner_id)).one()
    of = select(func.count()).select_from(Assignment).where(Assignment.partner_id == partner_id)
    given = db.session.scalars(of).one()
    lying = db.session.scalars(of.where(Assignment.state == AssignmentState.OFFERED)).one()
    db.session.commit()
    return standing, given, lying

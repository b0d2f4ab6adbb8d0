"""Leads that nobody can take: they wait with their reason and are tried again when something changes; the pool."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.allocation import Decision
from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.session import unit
from portal.compliance import partners
from portal.compliance.settings import parse_settings
from portal.enforcement import acts
from portal.enforcement.placing import waiting
from portal.enforcement.sweep import sweep
from portal.errors import Conflict, NotFound
from portal.vocabulary import DeclineReason, LeadStatus, QueueReason
from tests.support import checks
from tests.support.stage import CALL, STAFF
from tests.support.world import (
    DAY,
    EVERYONE,
    HOUR,
    MINUTE,
    MONDAY,
    assignment_of,
    make_partner,
    publish_rules,
    receive_lead,
    rep_of,
)

POOL = {"kind": "open_pool", "hours": 10}


def settings(session: Session, partner: Partner, now: datetime, **sent: Any) -> None:
    """Change a partner's settings as the API's names have them."""
    current = {name: getattr(partner, name) for name in partners.SETTINGS}
    unit(session, lambda: partners.change(session, partner.id, parse_settings(sent, current), now, STAFF))


def placed(session: Session, lead: Lead, now: datetime) -> bool:
    """Whether a sweep finds the lead a partner."""
    sweep(session, now)
    session.refresh(lead)
    assert checks.wrong_now(session) == []
    return lead.status is LeadStatus.OFFERED


def full(session: Session, **more: Any) -> tuple[Partner, Lead, Lead]:
    """A partner with one lead of one, and another lead that waits for it."""
    partner = make_partner(session, "Nordhaven", **{"open_lead_cap": 1, **more})
    publish_rules(session)
    first = receive_lead(session)
    waits = receive_lead(session, MONDAY + MINUTE)
    assert (waits.status, waits.reason) == (LeadStatus.UNALLOCATED, QueueReason.NOBODY_ELIGIBLE)
    return partner, first, waits


def accept_and_call(session: Session, partner: Partner, lead: Lead, now: datetime) -> None:
    one = assignment_of(session, lead)
    assert one is not None
    acts.accept(session, rep_of(partner), one.id, now)
    acts.log(session, rep_of(partner), one.id, CALL, now + MINUTE)


def test_when_a_cap_frees(session: Session) -> None:
    partner, first, waits = full(session)
    assert not placed(session, waits, MONDAY + HOUR)
    accept_and_call(session, partner, first, MONDAY + HOUR)
    assert placed(session, waits, MONDAY + 2 * HOUR)


def test_when_a_cap_grows(session: Session) -> None:
    partner, _, waits = full(session)
    settings(session, partner, MONDAY + HOUR, open_lead_cap=2)
    assert placed(session, waits, MONDAY + 2 * HOUR)


def test_when_a_partner_comes_back(session: Session) -> None:
    partner = make_partner(session)
    publish_rules(session)
    acts.hold(session, STAFF, partner.id, "on leave", MONDAY + DAY, MONDAY + MINUTE)
    lead = receive_lead(session, MONDAY + HOUR)
    assert not placed(session, lead, MONDAY + DAY - MINUTE)
    assert placed(session, lead, MONDAY + DAY)


def test_when_rules_change(session: Session) -> None:
    make_partner(session)
    lead = receive_lead(session, MONDAY)
    assert (lead.status, lead.reason) == (LeadStatus.UNALLOCATED, QueueReason.NO_RULE)
    publish_rules(session, now=MONDAY + HOUR)
    assert placed(session, lead, MONDAY + 2 * HOUR)


def test_when_a_closure_ends(session: Session) -> None:
    make_partner(session, closures=[{"from": "2026-03-02", "to": "2026-03-04"}])
    publish_rules(session)
    lead = receive_lead(session)
    end = datetime.fromisoformat("2026-03-04T23:00:00+00:00")
    assert lead.retry_at == end, "midnight in Berlin"
    assert not placed(session, lead, end - MINUTE)
    assert placed(session, lead, end)


def test_when_a_quiet_period_ends(session: Session) -> None:
    make_partner(session, quiet_periods=[{"kind": "month_end", "days": 3}])
    publish_rules(session)
    lead = receive_lead(session, MONDAY + 28 * DAY)
    end = datetime.fromisoformat("2026-03-31T22:00:00+00:00")
    assert not placed(session, lead, end - MINUTE)
    assert placed(session, lead, end)


@pytest.mark.parametrize(
    ("cap", "again"), [("daily_cap", "2026-03-02T23:00:00+00:00"), ("weekly_cap", "2026-03-08T23:00:00+00:00")]
)
def test_when_a_day_or_week_begins(session: Session, cap: str, again: str) -> None:
    _, _, waits = full(session, open_lead_cap=5, **{cap: 1})
    begins = datetime.fromisoformat(again)
    # The lead before it is not missed meanwhile: it is answered.
    assert waits.retry_at == begins
    assert not placed(session, waits, begins - MINUTE)
    assert placed(session, waits, begins)


def test_room_that_a_late_sweep_finds_is_found_by_leads_tried_meanwhile(session: Session) -> None:
    """The offer ran out days ago; the lead that waits was tried after that instant and before the sweep."""
    _, first, _ = full(session)
    late = receive_lead(session, MONDAY + 10 * DAY)
    sweep(session, MONDAY + 11 * DAY)
    for lead in (first, late):
        session.refresh(lead)
    assert first.status is LeadStatus.UNALLOCATED
    assert checks.wrong_after_sweep(session, MONDAY + 11 * DAY) == []
    assert session.scalar(select(func.count()).select_from(Assignment).where(Assignment.ended_at.is_(None))) == 1


def test_best_grade_first_then_oldest_and_none_is_starved(session: Session) -> None:
    leads = [receive_lead(session, MONDAY + n * MINUTE) for n in range(6)]
    for lead, grade in zip(leads, "CABACB", strict=True):
        lead.grade = grade
    for lead in leads[:5]:
        lead.tried_at = MONDAY + HOUR
    leads[5].tried_at = MONDAY
    session.commit()
    publish_rules(session, now=MONDAY + DAY) if make_partner(session, now=MONDAY + HOUR) else None
    ranked = [leads[n].id for n in (1, 3, 2, 5, 0, 4)]
    assert waiting(session, MONDAY + 2 * DAY) == ranked
    assert waiting(session, MONDAY + 2 * DAY, limit=2) == [*ranked[:2], leads[5].id, leads[0].id]


def test_waiting_for_the_same_reason_is_decided_once(session: Session) -> None:
    partner, first, waits = full(session)
    for hours in range(1, 4):
        settings(session, partner, MONDAY + hours * HOUR, weight=hours)
        assert not placed(session, waits, MONDAY + hours * HOUR + MINUTE)
    counted = select(func.count()).select_from(Decision).where(Decision.lead_id == waits.id)
    assert session.scalar(counted) == 1
    accept_and_call(session, partner, first, MONDAY + 5 * HOUR)
    assert placed(session, waits, MONDAY + 6 * HOUR)
    assert session.scalar(counted) == 2


def test_a_lead_tried_just_after_a_change_is_tried_once_more(session: Session) -> None:
    """What another process frees may be dated before our try and committed after it."""
    partner, _, waits = full(session)
    waits.tried_at, partner.freed_at = MONDAY + HOUR + timedelta(seconds=5), MONDAY + HOUR
    partner.open_lead_cap = partner.cap_now = 2
    session.commit()
    assert not placed(session, waits, MONDAY + HOUR + timedelta(seconds=10))
    assert placed(session, waits, MONDAY + HOUR + 2 * MINUTE)


class TestPool:
    """First to claim it."""

    def pooled(self, session: Session, then: Any = "queue", **rule: Any) -> Lead:
        publish_rules(session, {"name": "Pool", "strategy": POOL, "then": then, **rule})
        lead = receive_lead(session)
        assert lead.status is LeadStatus.POOLED
        return lead

    def test_the_first_gets_it_and_the_second_is_told_only_that(self, session: Session) -> None:
        first, second = make_partner(session, "Nordhaven"), make_partner(session, "Weser")
        lead = self.pooled(session)
        one = acts.claim(session, rep_of(first), lead.id, MONDAY + HOUR)
        assert (one.state, one.offered_at, one.respond_by) == ("accepted", None, None)
        with pytest.raises(Conflict) as told:
            acts.claim(session, rep_of(second), lead.id, MONDAY + HOUR)
        assert "Nordhaven" not in str(told.value)
        assert "no longer available" in str(told.value)

    def test_who_does_not_cover_it_does_not_know_of_it(self, session: Session) -> None:
        make_partner(session)
        far = make_partner(session, territories=[{"country": "FR"}])
        lead = self.pooled(session)
        with pytest.raises(NotFound):
            acts.claim(session, rep_of(far), lead.id, MONDAY)
        acts.take_out(session, STAFF, lead.id, LeadStatus.DISQUALIFIED, "no lead", MONDAY + HOUR)
        with pytest.raises(NotFound):
            acts.claim(session, rep_of(far), lead.id, MONDAY + HOUR)

    def test_its_caps_and_standing_bind(self, session: Session) -> None:
        partner = make_partner(session, open_lead_cap=1)
        lead, other = self.pooled(session), receive_lead(session)
        acts.claim(session, rep_of(partner), lead.id, MONDAY + HOUR)
        with pytest.raises(Conflict):
            acts.claim(session, rep_of(partner), other.id, MONDAY + HOUR)
        acts.hold(session, STAFF, partner.id, "held", MONDAY + 2 * DAY, MONDAY + HOUR)
        with pytest.raises(Conflict):
            acts.claim(session, rep_of(partner), other.id, MONDAY + HOUR)

    @pytest.mark.parametrize("then", ["queue", "next", "partner"])
    def test_what_nobody_claims_goes_where_the_rule_says(self, session: Session, then: str) -> None:
        partner = make_partner(session)
        last = make_partner(session)
        way: Any = {"partner": last.id} if then == "partner" else then
        rules = [{"name": "Pool", "strategy": POOL, "then": way}]
        rules += [{**EVERYONE, "pool": {"partners": [partner.id]}}] if then == "next" else []
        publish_rules(session, *rules)
        lead = receive_lead(session)
        sweep(session, MONDAY + 10 * HOUR - MINUTE)
        session.refresh(lead)
        assert lead.status is LeadStatus.POOLED
        with pytest.raises(Conflict):
            acts.claim(session, rep_of(partner), lead.id, MONDAY + 10 * HOUR)
        sweep(session, MONDAY + 10 * HOUR)
        session.refresh(lead)
        got = assignment_of(session, lead)
        expected = {"queue": None, "next": partner.id, "partner": last.id}[then]
        assert (got.partner_id if got else None) == expected
        assert checks.wrong_now(session) == []

    def test_after_a_fallback_pool_the_rule_asks_its_partners_again(self, session: Session) -> None:
        partner = make_partner(session)
        publish_rules(session, {**EVERYONE, "then": "pool"})
        acts.hold(session, STAFF, partner.id, "on leave", MONDAY + HOUR, MONDAY + MINUTE)
        lead = receive_lead(session, MONDAY + 2 * MINUTE)
        assert lead.status is LeadStatus.POOLED
        assert placed(session, lead, MONDAY + 2 * DAY)


def test_an_account_with_a_live_deal_is_its_partners_until_that_ends(session: Session) -> None:
    from portal.follow_up.deal_acts import DealFacts

    owner, rival = make_partner(session), make_partner(session, weight=100)
    publish_rules(session, {**EVERYONE, "pool": {"partners": [rival.id]}}, now=MONDAY + MINUTE)
    lead = receive_lead(session, MONDAY + MINUTE, email="anna@alpha.example.com")
    one = acts.assign(session, STAFF, lead.id, owner.id, "theirs", MONDAY + HOUR)
    acts.accept(session, rep_of(owner), one.id, MONDAY + HOUR)
    deal = acts.register_deal(session, rep_of(owner), one.id, DealFacts(amount_cents=1), MONDAY + HOUR)
    acts.hold(session, STAFF, owner.id, "on leave", MONDAY + 90 * DAY, MONDAY + HOUR)
    other = receive_lead(session, MONDAY + 2 * HOUR, email="bert@alpha.example.com")
    assert other.status is LeadStatus.UNALLOCATED
    acts.recall(session, STAFF, one.id, "left the channel", MONDAY + 3 * HOUR)
    session.refresh(deal)
    assert deal.stage.is_open, "nobody closed it, and nobody can: it no longer bars the account"
    assert placed(session, other, MONDAY + 4 * HOUR)
    got = assignment_of(session, other)
    assert got is not None
    assert got.partner_id == rival.id


def test_an_early_lead_stays_with_those_that_asked_for_early_ones(session: Session) -> None:
    from models.base import new_id
    from models.leads import LeadDefinition
    from portal.deadlines.live import changed

    body = {"criteria": [{"name": "Valves", "when": {"all": [{"field": "product", "op": "eq", "value": "valves"}]},
                          "points": 80}], "grades": {"A": 70, "C": 0}, "nurture_below": 50}  # fmt: skip
    early = make_partner(session, wants_early_leads=True)
    make_partner(session, weight=100)
    publish_rules(session)
    session.add(definition := LeadDefinition(id=new_id(), number=1, body=body, created_at=MONDAY, state="published"))
    session.flush()
    changed(session, definition_id=definition.id)
    session.commit()
    lead = receive_lead(session, product="pumps")
    offer = assignment_of(session, lead)
    assert offer is not None
    assert offer.partner_id == early.id
    acts.decline(session, rep_of(early), offer.id, DeclineReason.NOT_A_FIT, None, MONDAY + HOUR)
    session.refresh(lead)
    assert lead.status is LeadStatus.UNALLOCATED, "not offered to who did not ask"


@pytest.mark.parametrize("fault", [RuntimeError("a broken row"), KeyError("rule")])
def test_what_cannot_be_placed_is_left_to_the_sweep(
    session: Session, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    partner = make_partner(session)
    make_partner(session)
    publish_rules(session)
    lead = receive_lead(session)
    one = assignment_of(session, lead)
    assert one is not None

    def broken(*given: Any, **named: Any) -> None:
        raise fault

    with monkeypatch.context() as broke:
        broke.setattr("portal.enforcement.placing.place", broken)
        holder = rep_of(session.get_one(Partner, one.partner_id))
        declined = acts.decline(session, holder, one.id, DeclineReason.OTHER, None, MONDAY + HOUR)
        assert declined.state == "declined", "the act itself is done"
        session.refresh(lead)
        assert (lead.status, lead.reason) == (LeadStatus.UNALLOCATED, QueueReason.BEING_PLACED)
        assert sweep(session, MONDAY + HOUR).set_aside == 1
    assert partner is not None
    assert placed(session, lead, MONDAY + 2 * HOUR)

"""Many leads at once go exactly where they would have gone one after the other, and leave the same rows behind."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.allocation import Decision, Rotation
from models.assignments import Assignment, Obligation
from models.base import Model, db
from models.leads import Lead, LeadEvent
from models.partners import Partner
from models.platform import Audit, Outbox
from models.session import unit
from portal.accounts.actor import SYSTEM
from portal.allocation.record import unpack
from portal.intake.bulk import receive_all
from portal.intake.policy import LeadIn, parse_lead
from portal.intake.service import receive
from tests.support import world
from tests.support.databases import Database
from tests.support.world import MONDAY

PARTNERS: list[dict[str, Any]] = [
    {"name": "A", "weight": 3, "territories": [{"country": "DE"}], "open_lead_cap": 4},
    {"name": "B", "weight": 1, "territories": [{"country": "DE", "postcode_prefix": "8"}], "daily_cap": 2},
    {"name": "C", "weight": 2, "products": ["Backup"], "product_caps": {"Backup": 2}},
    {"name": "D", "weight": 1, "closures": [{"from": "2026-03-01", "to": "2026-03-31"}]},
    {
        "name": "E",
        "weight": 2,
        "territories": [{"country": "FR"}],
        "products": ["Archive", "Backup"],
        "open_lead_cap": 3,
        "wants_early_leads": True,
    },
]
RULES: list[dict[str, Any]] = [
    {"name": "Archive", "when": {"all": [{"field": "product", "op": "eq", "value": "Archive"}]},
     "strategy": {"kind": "least_loaded"}, "then": "next"},
    {"name": "France", "when": {"all": [{"field": "country", "op": "eq", "value": "FR"}]},
     "strategy": {"kind": "best_conversion", "floor_share": 0.5}, "then": "pool"},
    {"name": "By product", "strategy": {"kind": "weighted_round_robin", "by": "product"}, "then": "queue"},
]  # fmt: skip
LEADS = st.fixed_dictionaries(
    {"email": st.sampled_from([f"person{n}@company{n % 4}.example.com" for n in range(12)])},
    optional={
        "phone": st.sampled_from(["+49 30 1234567", "+49 30 7654321"]),
        "external_id": st.sampled_from(["x1", "x2", "x3"]),
        "country": st.sampled_from(["DE", "FR"]),
        "postcode": st.sampled_from(["80331", "20457"]),
        "product": st.sampled_from(["Backup", "Archive"]),
        "campaign": st.sampled_from(["Spring", "Fair"]),
    },
)


def parsed(leads: list[dict[str, Any]]) -> list[LeadIn]:
    times = [MONDAY + timedelta(seconds=number) for number in range(len(leads))]
    both = zip(leads, times, strict=True)
    return [parse_lead({**lead, "received_at": at.isoformat()}, times[-1]) for lead, at in both]


def told(session: Session) -> dict[str, Any]:
    """Everything that was stored, without the ids that differ from run to run."""
    partners = {p.id: p for p in session.scalars(select(Partner).order_by(Partner.slot))}
    slots = {p.slot: p.name for p in partners.values()}
    leads = {lead.id: number for number, lead in enumerate(session.scalars(select(Lead).order_by(Lead.received_at)))}
    by_lead: dict[int, list[Any]] = {number: [] for number in leads.values()}
    named = {p.id: p.name for p in partners.values()}
    for lead in session.scalars(select(Lead)):
        prefer, twin = named.get(lead.prefer_partner_id or ""), leads.get(lead.duplicate_of or "")
        by_lead[leads[lead.id]] += [lead.status, lead.reason, lead.grade, lead.campaign, prefer, twin, lead.retry_at]
    for kind in (Assignment, Decision, Obligation, LeadEvent, Outbox):
        rows = session.scalars(select(kind).order_by(kind.id)).all()
        for row in rows:
            by_lead[leads[row.lead_id]].append(_row(row, named, slots))
    counts = {p.name: (p.open_leads, p.day_offers, p.week_offers) for p in partners.values()}
    turns = {r.key: (r.credits, r.turns) for r in session.scalars(select(Rotation))}
    return {"leads": by_lead, "counts": counts, "turns": turns, "audit": session.query(Audit).count()}


def _row(row: Model, named: dict[str, str], slots: dict[int, str]) -> Any:
    if isinstance(row, Decision):
        kept = list(unpack(row.candidates, slots))
        return "decision", row.outcome, row.rule, row.strategy, row.origin, row.sentence, kept, row.path
    if isinstance(row, Assignment):
        return "assignment", row.state, row.origin, named[row.partner_id], row.offered_at, row.respond_by
    if isinstance(row, Obligation):
        return "obligation", row.kind, row.due_at, row.warn_at, row.grace_until, named[row.partner_id]
    if isinstance(row, Outbox):
        return "outbox", row.topic, row.audience, named.get(row.partner_id or "")
    assert isinstance(row, LeadEvent)
    return "event", row.kind, row.at, named.get(row.partner_id or "")


def stage(session: Session) -> None:
    for facts in PARTNERS:
        world.make_partner(session, **facts)
    world.publish_rules(session, *RULES)


@pytest.mark.parametrize("cut", [3, 40])
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(leads=st.lists(LEADS, min_size=1, max_size=25))
def test_at_once_is_as_one_by_one(app: Any, database: Database, cut: int, leads: list[dict[str, Any]]) -> None:
    news = parsed(leads)
    stories = []
    for at_once in (False, True):
        database.reset()
        with app.app_context():
            stage(db.session)
            if at_once:
                for first in range(0, len(news), cut):
                    some = news[first : first + cut]
                    unit(db.session, lambda some=some: receive_all(db.session, some, MONDAY, SYSTEM))  # type: ignore[misc]
            else:
                for new in news:
                    unit(db.session, lambda new=new: receive(db.session, new, MONDAY, SYSTEM))  # type: ignore[misc]
            stories.append(told(db.session))
            db.session.remove()
    assert stories[1] == stories[0]

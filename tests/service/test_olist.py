"""A real marketing funnel replayed through the import: 8,000 leads, each with one partner, shared by weight.

The data set stands beside the project (``shared/data/olist``) and is no part of it; what a replay must reproduce is
in its README. People are anonymised there, so each lead gets an address, and a company, of its own.
"""

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.allocation import Decision
from models.assignments import Assignment, Obligation
from models.leads import Campaign, Lead
from models.partners import Partner
from models.platform import Outbox
from portal.accounts.actor import SYSTEM
from portal.enforcement.verify import differences
from portal.intake.files import Report, import_leads
from portal.vocabulary import AssignmentState, LeadStatus
from tests.support import needs
from tests.support.sources import ROOT
from tests.support.world import make_partner, publish_rules

DATA = ROOT.parent / "shared" / "data" / "olist"
LEADS = "olist_marketing_qualified_leads_dataset.csv"
#: The day after the funnel's last lead.
NOW = datetime(2018, 6, 1, 9, 0, tzinfo=UTC)
MAPPING = {
    "mql_id": "external_id", "first_contact_date": "received_at", "landing_page_id": "campaign", "origin": "source",
}  # fmt: skip
#: Leads by origin, from the data set's README; None is a blank one.
BY_ORIGIN = {
    "organic search": 2296, "paid search": 1586, "social": 1350, "unknown": 1099, "direct traffic": 499, "email": 493,
    "referral": 284, "other": 150, "display": 118, "other publicities": 65, None: 60,
}  # fmt: skip
#: PostgreSQL proves the same with fewer leads: each one waits for the disk there.
ON_POSTGRESQL = 1500
PARTNERS = 40


@pytest.fixture(scope="module")
def funnel() -> list[dict[str, str]]:
    path = DATA / LEADS
    if not path.is_file():
        needs.cannot_run(f"no data set at {path.parent.name}/{LEADS} beside the project")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_file(rows: list[dict[str, str]]) -> io.BytesIO:
    """The rows as a CSV file, with an address of each lead's own and its day as an instant."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ["email", *MAPPING])
    writer.writeheader()
    for row in rows:
        address = f"{row['mql_id']}@{row['mql_id']}.example"
        writer.writerow({**row, "email": address, "first_contact_date": f"{row['first_contact_date']}T00:00Z"})
    return io.BytesIO(out.getvalue().encode())


def bring_in(session: Session, rows: list[dict[str, str]], now: datetime = NOW) -> tuple[Report, float]:
    started = time.perf_counter()
    report = import_leads(session, SYSTEM, as_file(rows), LEADS, mapping=MAPPING, dry_run=False, now=now)
    return report, len(rows) / (time.perf_counter() - started)


def counted(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


@pytest.mark.timeout(900)
def test_every_lead_of_a_real_funnel_reaches_one_partner(
    session: Session, funnel: list[dict[str, str]], record_property: Callable[[str, object], None]
) -> None:
    weights = {
        make_partner(session, f"Partner {n:02}", NOW, weight=1 + n % 4, open_lead_cap=1000).id: 1 + n % 4
        for n in range(PARTNERS)
    }
    publish_rules(session, now=NOW)
    rows = funnel if session.get_bind().dialect.name == "sqlite" else funnel[:ON_POSTGRESQL]

    report, speed = bring_in(session, rows)
    record_property("leads_per_second", round(speed))
    print(f"\n{session.get_bind().dialect.name}: {len(rows)} leads, {speed:.0f} leads a second")

    assert (report.rows, report.created, report.known, report.duplicates) == (len(rows), len(rows), 0, 0)
    assert report.errors == []
    leads = session.execute(select(Lead.id, Lead.status, Lead.reason, Lead.source, Lead.received_at)).all()
    assert len(leads) == len(rows)
    assert {(lead.status, lead.reason) for lead in leads} == {(LeadStatus.OFFERED, None)}
    assert_shares(session, weights, len(rows))
    assert_one_each(session, [lead.id for lead in leads])
    assert_facts_of_the_funnel(session, rows, leads)
    assert differences(session) == []

    before = [counted(session, table) for table in (Lead, Assignment, Obligation, Decision, Campaign, Outbox)]
    again, _ = bring_in(session, rows, NOW + timedelta(hours=1))
    assert (again.created, again.known, again.errors) == (0, len(rows), [])
    after = [counted(session, table) for table in (Lead, Assignment, Obligation, Decision, Campaign, Outbox)]
    assert after == before
    assert differences(session) == []


def assert_shares(session: Session, weights: dict[str, int], total: int) -> None:
    """In a pool that stays the same each partner's offers differ from its exact share by less than one lead."""
    offers = Counter(session.scalars(select(Assignment.partner_id)))
    whole = sum(weights.values())
    off = {
        partner: offers[partner] - Fraction(total * weight, whole)
        for partner, weight in weights.items()
        if abs(offers[partner] - Fraction(total * weight, whole)) >= 1
    }
    assert off == {}
    opened = session.execute(select(Partner.id, Partner.open_leads)).all()
    assert {row.id: row.open_leads for row in opened} == dict(offers)


def assert_one_each(session: Session, lead_ids: list[str]) -> None:
    """Each lead has one offer, one deadline and one decision that names the partner it went to."""
    assignments = session.execute(select(Assignment.lead_id, Assignment.partner_id, Assignment.state)).all()
    assert sorted(row.lead_id for row in assignments) == sorted(lead_ids)
    assert {row.state for row in assignments} == {AssignmentState.OFFERED}
    assert sorted(session.scalars(select(Obligation.lead_id))) == sorted(lead_ids)
    decided = session.execute(select(Decision.lead_id, Decision.partner_id)).all()
    assert sorted(tuple(row) for row in decided) == sorted((row.lead_id, row.partner_id) for row in assignments)


def assert_facts_of_the_funnel(session: Session, rows: list[dict[str, str]], leads: Sequence[Any]) -> None:
    """Origins, landing pages and days come through as they are in the file."""
    stored = Counter(lead.source for lead in leads)
    assert stored == Counter(row["origin"] or None for row in rows)
    if len(rows) == 8000:
        assert stored == BY_ORIGIN
    pages = Counter(row["landing_page_id"] for row in rows)
    by_campaign = (
        select(Campaign.name, func.count()).join(Lead, Lead.campaign_id == Campaign.id).group_by(Campaign.name)
    )
    assert {row[0]: row[1] for row in session.execute(by_campaign)} == pages
    days = Counter(lead.received_at.date().isoformat() for lead in leads)
    assert days == Counter(row["first_contact_date"] for row in rows)

"""What allocation reads of the configuration: the live rules, their pools and the roster of partners."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from models.allocation import RuleVersion
from models.leads import LeadDefinition
from models.partners import Live, Partner
from models.session import AnySession
from portal.allocation.arrival import vendor_calendar
from portal.allocation.configuration import Snapshot
from portal.allocation.document import Known, parse_rules
from portal.allocation.gates import PartnerFacts
from portal.allocation.lists import values_of
from portal.deadlines.live import cached
from portal.deadlines.service import calendar_of
from portal.qualification.policy import parse_definition


def snapshot(session: AnySession, at: str | None = None) -> Snapshot:
    """The configuration as this transaction sees it, cached by revision."""
    return cached(session, "allocation", _load, at)


def partner_facts(partner: Partner, vendor: Mapping[str, Any]) -> PartnerFacts:
    """What gates and pools read of a partner's settings, and of the vendor's quiet periods, which bind everybody."""
    return PartnerFacts(
        id=partner.id, slot=partner.slot, name=partner.name, active=partner.active, weight=partner.weight,
        tier=partner.tier, tags=frozenset(partner.tags), products=frozenset(partner.products),
        territories=tuple((t["country"], t.get("region"), t.get("postcode_prefix")) for t in partner.territories),
        wants_early_leads=partner.wants_early_leads,
        quiet_periods=(*partner.quiet_periods, *vendor.get("quiet_periods", ())),
        calendar=calendar_of(partner), daily_cap=partner.daily_cap, weekly_cap=partner.weekly_cap,
        product_caps={product.casefold(): most for product, most in partner.product_caps.items()},
    )  # fmt: skip


def known(roster: Mapping[str, PartnerFacts], lists: Mapping[str, frozenset[str]] | None = None) -> Known:
    """What a rule may name."""
    products = frozenset(p for facts in roster.values() for p in facts.products)
    return Known(partners=roster, products=products, lists=lists or {})


def load_roster(session: AnySession) -> dict[str, PartnerFacts]:
    """All partners by id, in slot order."""
    vendor = session.scalars(select(Live.vendor).where(Live.id == 1)).one() or {}
    return {p.id: partner_facts(p, vendor) for p in session.scalars(select(Partner).order_by(Partner.slot))}


def _load(session: AnySession) -> Snapshot:
    live = session.execute(select(Live.rule_version_id, Live.definition_id, Live.vendor).where(Live.id == 1)).one()
    roster = load_roster(session)
    version = session.get(RuleVersion, live.rule_version_id) if live.rule_version_id else None
    rules = parse_rules(version.rules, known(roster, values_of(session)), published=True) if version else None
    definition = session.get(LeadDefinition, live.definition_id) if live.definition_id else None
    return Snapshot(
        roster=roster,
        rules=rules,
        version_id=version.id if version else None,
        number=version.number if version else None,
        definition=parse_definition(definition.body) if definition else None,
        definition_id=definition.id if definition else None,
        vendor=vendor_calendar(live.vendor or {}),
    )

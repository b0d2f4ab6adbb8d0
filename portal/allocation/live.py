"""What allocation reads of the configuration: the live rules, their pools and the roster of partners."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from models.allocation import RuleVersion
from models.leads import LeadDefinition
from models.partners import Live, Partner
from models.session import AnySession
from portal.allocation.document import Known, Rule, RuleSet, parse_rules
from portal.allocation.gates import PartnerFacts
from portal.deadlines.live import cached
from portal.deadlines.service import calendar_of
from portal.qualification.policy import Definition, parse_definition


@dataclass(frozen=True)
class Snapshot:
    """The live rules and everything about partners that does not change from lead to lead."""

    roster: Mapping[str, PartnerFacts]
    rules: RuleSet | None
    version_id: str | None
    number: int | None
    pools: Mapping[str, tuple[PartnerFacts, ...]]
    definition: Definition | None
    definition_id: str | None

    def pool(self, rule: Rule) -> tuple[PartnerFacts, ...]:
        """The partners that the rule's pool names, by slot."""
        return self.pools[rule.name]

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The live rules in order; none where nothing was published."""
        return self.rules.rules if self.rules else ()

    def rule_named(self, name: str | None) -> Rule | None:
        """The live rule of that name; None where there is none any more."""
        return next((rule for rule in self.all_rules if rule.name == name), None)


def snapshot(session: AnySession, at: str | None = None) -> Snapshot:
    """The configuration as this transaction sees it, cached by revision."""
    return cached(session, "allocation", _load, at)


def partner_facts(partner: Partner) -> PartnerFacts:
    """What gates and pools read of a partner's settings."""
    return PartnerFacts(
        id=partner.id, slot=partner.slot, name=partner.name, active=partner.active, weight=partner.weight,
        tier=partner.tier, tags=frozenset(partner.tags), products=frozenset(partner.products),
        territories=tuple((t["country"], t.get("region"), t.get("postcode_prefix")) for t in partner.territories),
        wants_early_leads=partner.wants_early_leads, quiet_periods=tuple(partner.quiet_periods),
        calendar=calendar_of(partner), daily_cap=partner.daily_cap, weekly_cap=partner.weekly_cap,
    )  # fmt: skip


def known(roster: Mapping[str, PartnerFacts]) -> Known:
    """What a rule may name."""
    return Known(partners=roster, products=frozenset(p for facts in roster.values() for p in facts.products))


def load_roster(session: AnySession) -> dict[str, PartnerFacts]:
    """All partners by id, in slot order."""
    return {p.id: partner_facts(p) for p in session.scalars(select(Partner).order_by(Partner.slot))}


def _load(session: AnySession) -> Snapshot:
    live = session.execute(select(Live.rule_version_id, Live.definition_id).where(Live.id == 1)).one()
    roster = load_roster(session)
    version = session.get(RuleVersion, live.rule_version_id) if live.rule_version_id else None
    rules = parse_rules(version.rules, known(roster), published=True) if version else None
    definition = session.get(LeadDefinition, live.definition_id) if live.definition_id else None
    return Snapshot(
        roster=roster,
        rules=rules,
        version_id=version.id if version else None,
        number=version.number if version else None,
        pools={r.name: tuple(p for p in roster.values() if r.pool.narrow(p)) for r in rules.rules} if rules else {},
        definition=parse_definition(definition.body) if definition else None,
        definition_id=definition.id if definition else None,
    )

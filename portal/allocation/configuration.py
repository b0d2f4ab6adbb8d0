"""The configuration that a choice goes by: rules, their pools, and the partners' settings. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.allocation.document import Rule, RuleSet
from portal.allocation.gates import PartnerFacts
from portal.allocation.pools import Pool
from portal.calendars.policy import Calendar
from portal.qualification.policy import Definition

NOBODY = Pool(())


@dataclass(frozen=True)
class Snapshot:
    """Rules and everything about partners that does not change from lead to lead."""

    roster: Mapping[str, PartnerFacts]
    rules: RuleSet | None = None
    version_id: str | None = None
    number: int | None = None
    definition: Definition | None = None
    definition_id: str | None = None
    #: When the vendor itself is open: whether a lead arrived in its hours.
    vendor: Calendar | None = None
    #: The partners that each rule names, by slot.
    pools: Mapping[str, Pool] = field(init=False)

    def __post_init__(self) -> None:
        partners = self.roster.values()
        pools = {rule.name: Pool(p for p in partners if rule.pool.narrow(p)) for rule in self.all_rules}
        object.__setattr__(self, "pools", pools)

    def pool(self, rule: Rule) -> Pool:
        """The partners that the rule's pool names."""
        return self.pools[rule.name]

    def only(self, partner_id: str | None) -> Pool:
        """One partner as a pool, for a rule or fallback that names one; empty where there is none by that id."""
        facts = self.roster.get(partner_id or "")
        return Pool([facts]) if facts else NOBODY

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules in order; none where nothing was published."""
        return self.rules.rules if self.rules else ()

    def rule_named(self, name: str | None) -> Rule | None:
        """The rule of that name; None where there is none any more."""
        return next((rule for rule in self.all_rules if rule.name == name), None)

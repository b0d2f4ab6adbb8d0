"""What is read of stored decisions: why a partner got none, who shared each turn, what found nobody. Reads only.

A decision names every candidate. Nothing of it leaves here for a partner but what ``why_none`` counts of itself.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.allocation import Decision, RuleVersion
from models.assignments import Assignment
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner, PartnerVersion
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.allocation.candidates import state_now
from portal.allocation.live import snapshot
from portal.allocation.why_none import Decided, Why, why_none
from portal.reporting.coverage import Came, Cell, Found, cause_of, cells, with_empty, with_partners, worst_first
from portal.reporting.fairness import Offer, Weights
from portal.vocabulary import DecisionOutcome, LeadStatus, LedgerKind, Standing, VersionState

#: Rows in memory at once: a decision of a large pool is a long document.
AT_ONCE = 500
NO_LEADS = (Standing.STOPPED, Standing.HELD)
#: Never up for a partner, whatever the rules say.
ASIDE = (LeadStatus.RECEIVED, LeadStatus.DUPLICATE, LeadStatus.DISQUALIFIED, LeadStatus.NURTURE)
Span = tuple[datetime, datetime | None]


def why_of(session: AnySession, partner: Partner, starts: datetime, ends: datetime) -> Why:
    """Why a partner, found through ``access``, got what it got of all leads decided about from ``starts`` to ``ends``.

    One query and one pass, whatever the number of partners and leads.
    """
    rows = session.execute(
        select(
            Decision.id, Decision.lead_id, Decision.decided_at, Decision.outcome, Decision.partner_id, Decision.origin,
            Decision.candidates,
        )
        .where(Decision.decided_at >= starts, Decision.decided_at < ends)
        .execution_options(yield_per=AT_ONCE)
    )  # fmt: skip
    return why_none((Decided(*row) for row in rows), partner.slot, partner.id)


def spans_without(session: AnySession, actor: Actor, partner_id: str, starts: datetime, ends: datetime) -> list[Span]:
    """When a partner got no new leads between these instants, stopped or on hold; an end of None: it lasts."""
    changes = session.execute(
        access.ledger(actor)
        .where(LedgerEntry.partner_id == partner_id, LedgerEntry.kind == LedgerKind.CHANGE, LedgerEntry.at < ends)
        .with_only_columns(LedgerEntry.at, LedgerEntry.to_standing)
        .order_by(LedgerEntry.at, LedgerEntry.id)
    )
    found: list[Span] = []
    for at, standing in changes:
        within, lasts = standing in NO_LEADS, bool(found) and found[-1][1] is None
        if within and not lasts:
            found.append((at, None))
        elif lasts and not within:
            found[-1] = (found[-1][0], at)
    return [(first, last) for first, last in found if last is None or last > starts]


def offers(session: AnySession, starts: datetime, ends: datetime) -> Iterator[Offer]:
    """Every offer decided in a time, as fairness counts it."""
    by = _by_fields(session)
    rows = session.execute(
        select(
            Decision.id, Decision.decided_at, Decision.rule_version_id, Decision.rule, Decision.strategy,
            Decision.origin, Decision.partner_id, Decision.candidates, Assignment.state,
        )
        .outerjoin(Assignment, Assignment.id == Decision.assignment_id)
        .where(
            Decision.decided_at >= starts, Decision.decided_at < ends, Decision.outcome == DecisionOutcome.OFFERED
        )
        .execution_options(yield_per=AT_ONCE)
    )  # fmt: skip
    for id_, at, version, rule, strategy, origin, partner_id, record, state in rows:
        key = by.get(version, {}).get(rule)
        value = str(record.get("lead", {}).get(key) or "") if key else None
        yield Offer(id_, at, rule or "", value, strategy, origin or "", partner_id, record, state)


def _by_fields(session: AnySession) -> dict[str, dict[str, str]]:
    """For each version, the rules that keep one rotation for each value of a field, and that field."""
    query = select(RuleVersion.id, RuleVersion.rules).where(RuleVersion.state != VersionState.DRAFT)
    return {
        id_: {rule["name"]: rule["strategy"]["by"] for rule in rules if rule.get("strategy", {}).get("by")}
        for id_, rules in session.execute(query)
    }


def weights(session: AnySession) -> Weights:
    """Every partner's weight with its valid-from, by slot."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    columns: tuple[Any, ...] = (Partner.slot, PartnerVersion.valid_from, PartnerVersion.facts)
    joined = select(*columns).join(Partner, Partner.id == PartnerVersion.partner_id)
    for slot, at, facts in session.execute(joined.order_by(PartnerVersion.valid_from, PartnerVersion.id)):
        if slot not in found or found[slot][-1][1] != facts["weight"]:
            found.setdefault(slot, []).append((at, facts["weight"]))
    return Weights(found)


def coverage(
    session: AnySession, actor: Actor, starts: datetime, ends: datetime, now: datetime, *, regions: bool,
    everything: bool,
) -> list[Cell]:  # fmt: skip
    """The cells of a time, worst first; ``everything``: those without leads too. A fixed number of queries.

    Leads are those that the actor sees; who covers a cell is counted over all partners.
    """
    partners = [*snapshot(session).roster.values()]
    found = cells(came(session, actor, starts, ends), found_nobody(session, starts, ends), regions=regions)
    wanted = with_empty(found, partners, regions=regions) if everything else found
    return worst_first(with_partners(wanted.values(), partners, state_now(session, partners, now), now))


def came(session: AnySession, actor: Actor, starts: datetime, ends: datetime) -> list[Came]:
    """The leads that came in during a time and were there for a partner, as far as the actor sees them."""
    query = access.leads(actor).where(
        Lead.received_at >= starts, Lead.received_at < ends, Lead.status.not_in(ASIDE)
    )  # fmt: skip
    rows = session.execute(
        query.with_only_columns(Lead.id, Lead.country, Lead.region, Lead.product, Lead.budget, Lead.status)
    )
    return [Came(*row[:5], row[5] is LeadStatus.UNALLOCATED) for row in rows]


def found_nobody(session: AnySession, starts: datetime, ends: datetime) -> Mapping[str, Found]:
    """Of the leads that came in during a time those that once found nobody, and why, the first time."""
    rows = session.execute(
        select(Decision.lead_id, Decision.decided_at, Decision.rule, Decision.candidates)
        .join(Lead, Lead.id == Decision.lead_id)
        .where(Lead.received_at >= starts, Lead.received_at < ends, Decision.outcome == DecisionOutcome.QUEUED)
        .execution_options(yield_per=AT_ONCE)
    )
    first: dict[str, Found] = {}
    for lead_id, at, rule, record in rows:
        if lead_id not in first or at < first[lead_id].at:
            first[lead_id] = Found(at, cause_of(rule, record))
    return first

"""Caps for single products: how many leads of one a partner has open. Asked only where a partner has such a cap."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, select

from models.assignments import Assignment
from models.leads import Lead
from models.partners import Partner
from models.session import AnySession
from portal.allocation.gates import PartnerFacts, product_cap
from portal.vocabulary import LIVE_ASSIGNMENT


def open_of(session: AnySession, partner_ids: Iterable[str], product: str) -> dict[str, int]:
    """How many leads of a product partners have open, by partner id; who has none is absent. One query."""
    counts = _counts(session, partner_ids)
    return {partner_id: n for (partner_id, name), n in counts.items() if name == product.casefold()}


def open_by_product(session: AnySession, facts: PartnerFacts) -> dict[str, int]:
    """How many leads a partner has open, by casefolded product; one query, none for a partner without such caps."""
    counts = _counts(session, [facts.id]) if facts.product_caps else {}
    return {name: n for (_, name), n in counts.items()}


def _counts(session: AnySession, partner_ids: Iterable[str]) -> Counter[tuple[str, str]]:
    """Open leads by partner and casefolded product: databases fold case each in its own way, so it is done here."""
    rows = session.execute(
        select(Assignment.partner_id, Lead.product, func.count())
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(
            Assignment.partner_id.in_(list(partner_ids)), Assignment.state.in_(LIVE_ASSIGNMENT),
            Assignment.counts_open, Lead.product.is_not(None),
        )
        .group_by(Assignment.partner_id, Lead.product)
    )  # fmt: skip
    found = Counter[tuple[str, str]]()
    for partner_id, name, count in rows:
        found[partner_id, (name or "").casefold()] += count
    return found


def has_room(session: AnySession, facts: PartnerFacts, product: str | None) -> bool:
    """The guard of a product's cap: the partner's row locked, its open leads of the product counted afresh.

    Whoever else offers it a lead waits for that lock, so no two pass on the last place. True without such a cap.
    """
    cap = product_cap(facts, product)
    if cap is None or product is None:
        return True
    session.execute(select(Partner.id).where(Partner.id == facts.id).with_for_update())
    return open_of(session, [facts.id], product).get(facts.id, 0) < cap

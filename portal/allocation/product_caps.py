"""Caps for single products: how many leads of one a partner has open. Asked only where a partner has such a cap."""

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
    rows = session.execute(
        select(Assignment.partner_id, Lead.product, func.count())
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(
            Assignment.partner_id.in_(list(partner_ids)), Assignment.state.in_(LIVE_ASSIGNMENT),
            Assignment.counts_open, Lead.product.is_not(None),
        )
        .group_by(Assignment.partner_id, Lead.product)
    )  # fmt: skip
    wanted, found = product.casefold(), dict[str, int]()
    for partner_id, name, count in rows:
        if name.casefold() == wanted:  # databases fold case each in its own way
            found[partner_id] = found.get(partner_id, 0) + count
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

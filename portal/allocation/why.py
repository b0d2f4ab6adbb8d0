"""Telling a decision: to staff in full, to a partner about itself only."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from models.allocation import Decision
from models.assignments import Assignment
from models.partners import Partner
from models.session import AnySession
from portal.accounts import access
from portal.accounts.actor import Actor
from portal.allocation.record import unpack
from portal.allocation.sentences import decision_sentence, gate_sentence
from portal.errors import NotFound
from portal.vocabulary import Gate


def decision_for(session: AnySession, actor: Actor, lead_id: str) -> dict[str, Any]:
    """The decision about a lead as ``actor`` may read it. Raises NotFound.

    1. Staff: the latest one, with the rule, every candidate, gate and rank. A manager with a portfolio reads of its
       own partners, and that there were others.
    2. A partner: the one that gave it its own assignment, with its own gates; no rule, no rank, no other partner.
    """
    if actor.is_partner:
        return _own(session, actor, lead_id)
    decision = session.scalars(
        select(Decision).where(Decision.lead_id == lead_id).order_by(Decision.decided_at.desc(), Decision.id.desc())
    ).first()
    if decision is None:
        raise NotFound
    visible = access.partners(actor).with_only_columns(Partner.slot, Partner.id, Partner.name).order_by(Partner.slot)
    found = session.execute(visible).all()
    names = {row.id: row.name for row in found}
    rows = [_row(c, "staff", names) for c in unpack(decision.candidates, {row.slot: row.id for row in found})]
    seen = decision.partner_id is None or decision.partner_id in names
    return {
        **_head(decision),
        "partner_id": decision.partner_id if seen else None,
        "rule": decision.rule,
        "sentence": decision.sentence if seen else "It went to a partner outside your portfolio.",
        "candidates": rows,
        "path": decision.path,
    }


def _own(session: AnySession, actor: Actor, lead_id: str) -> dict[str, Any]:
    decision = session.scalars(
        select(Decision)
        .join(Assignment, Assignment.id == Decision.assignment_id)
        .where(
            Decision.lead_id == lead_id,
            Assignment.id.in_(access.assignments(actor).with_only_columns(Assignment.id)),
        )
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
    ).first()
    if decision is None:
        raise NotFound
    slot = session.scalars(select(Partner.slot).where(Partner.id == actor.partner_id)).one()
    own = unpack(decision.candidates, {slot: str(actor.partner_id)})
    sentence = decision_sentence(
        outcome=decision.outcome, origin=decision.origin, strategy=decision.strategy, reason=None, winner=None,
        audience="partner",
    )  # fmt: skip
    rows = [{k: v for k, v in _row(c, "partner", {}).items() if k not in ("rank", "name")} for c in own]
    return {**_head(decision), "sentence": sentence, "candidates": rows}


def _head(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id, "decided_at": decision.decided_at, "rule_version": decision.rule_version,
        "outcome": decision.outcome, "partner_id": decision.partner_id,
    }  # fmt: skip


def _row(candidate: dict[str, Any], audience: str, names: Mapping[str, str]) -> dict[str, Any]:
    name = names.get(candidate["partner"], "")
    gates = [
        {
            "gate": gate,
            "passed": passed,
            "sentence": gate_sentence(Gate(gate), passed, facts, audience, name),
        }
        for gate, passed, facts in candidate["gates"]
    ]
    return {
        "partner_id": candidate["partner"], "name": name, "eligible": candidate["eligible"],
        "gates": gates, "rank": candidate["rank"],
    }  # fmt: skip

"""What a partner has acknowledged: the policy and the lead definition that rule, by version and date."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from models.appeals import Acknowledgement
from models.base import new_id
from models.leads import LeadDefinition
from models.partners import Live
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.compliance.service import lock_partner
from portal.deadlines.live import policies
from portal.errors import Conflict, Forbidden, NotFound
from portal.vocabulary import AgreementKind, Role


@dataclass(frozen=True)
class Agreement:
    """One version that rules, and who of the partner has acknowledged it when (None: nobody yet)."""

    kind: AgreementKind
    version: int
    since: datetime | None
    by: Acknowledgement | None

    @property
    def title(self) -> str:
        return f"{self.kind.label}, version {self.version}"


def agreements(session: AnySession, partner_id: str, now: datetime) -> list[Agreement]:
    """The policy and the lead definition that rule at ``now``, each with its acknowledgement by this partner."""
    rows = session.scalars(select(Acknowledgement).where(Acknowledgement.partner_id == partner_id)).all()
    known = {(row.kind, row.version): row for row in rows}
    return [
        Agreement(kind, version, since, known.get((kind, version))) for kind, version, since in ruling(session, now)
    ]


def ruling(session: AnySession, now: datetime) -> list[tuple[AgreementKind, int, datetime | None]]:
    """(kind, version, since when) of what rules; no lead definition where none was published."""
    policy = policies(session).at(now)
    found: list[tuple[AgreementKind, int, datetime | None]] = [
        (AgreementKind.POLICY, policy.number, policy.effective_from)
    ]
    live = select(LeadDefinition.number, LeadDefinition.published_at).join(
        Live, Live.definition_id == LeadDefinition.id
    )
    found += [(AgreementKind.DEFINITION, *row) for row in session.execute(live)]
    return found


def acknowledge(session: AnySession, kind: AgreementKind, version: int, now: datetime, actor: Actor) -> Acknowledgement:
    """A partner admin acknowledges the version that rules; a second time gives the first. Raises Forbidden, Conflict.

    What is acknowledged is what was read: another version than the one that rules now is refused.
    """
    if actor.role is not Role.PARTNER_ADMIN or actor.partner_id is None:
        raise Forbidden("A partner admin of yours acknowledges this.")
    partner = lock_partner(session, actor.partner_id)
    current = {found: number for found, number, _ in ruling(session, now)}.get(kind)
    if current is None:
        raise NotFound
    if current != version:
        raise Conflict(f"Version {current} rules by now: read that one first.")
    wanted = select(Acknowledgement).where(
        Acknowledgement.partner_id == partner.id, Acknowledgement.kind == kind, Acknowledgement.version == version
    )
    known = session.scalars(wanted).first()
    if known is not None:
        return known
    row = Acknowledgement(
        id=new_id(), partner_id=partner.id, kind=kind, version=version, at=now, user_id=actor.id, user_name=actor.name
    )
    session.add(row)
    facts = {"kind": kind, "version": version}
    record(session, actor, "partner.acknowledge", "partner", partner.id, now, partner_id=partner.id, facts=facts)
    return row

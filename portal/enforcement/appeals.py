"""Acts on appeals as the edge calls them: what fell due is settled first, then one transaction."""

from datetime import datetime

from models.appeals import Acknowledgement, Appeal
from models.session import AnySession, unit
from portal.accounts.actor import Actor
from portal.compliance import agreements, appeals
from portal.compliance.appeals import File
from portal.enforcement.acts import settled
from portal.enforcement.placing import place_freed
from portal.vocabulary import AgreementKind, AppealKind


def file_appeal(
    session: AnySession, actor: Actor, obligation_id: str, kind: AppealKind, case: str, file: File | None,
    now: datetime,
) -> Appeal:  # fmt: skip
    """A partner states its case."""
    return settled(session, now, lambda: appeals.file_appeal(session, obligation_id, kind, case, file, now, actor))


def decide(
    session: AnySession, actor: Actor, appeal_id: str, granted: bool, reason: str, due_at: datetime | None,
    now: datetime,
) -> Appeal:  # fmt: skip
    """Staff answer it; leads that this sets free are placed afterwards."""
    answered, folded = settled(
        session, now, lambda: appeals.decide(session, appeal_id, granted, reason, due_at, now, actor)
    )
    place_freed(session, folded.freed_leads, now)
    return answered


def withdraw(session: AnySession, actor: Actor, appeal_id: str, now: datetime) -> Appeal:
    """The partner takes it back."""
    return settled(session, now, lambda: appeals.withdraw(session, appeal_id, now, actor))


def acknowledge(session: AnySession, actor: Actor, kind: AgreementKind, version: int, now: datetime) -> Acknowledgement:
    """A partner admin acknowledges what rules."""
    return unit(session, lambda: agreements.acknowledge(session, kind, version, now, actor))

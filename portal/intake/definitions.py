"""Publishing a lead definition: the next version, from its commit on the one that scores new leads."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from models.base import new_id
from models.leads import LeadDefinition
from models.partners import Live
from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.audit import record
from portal.deadlines.live import changed
from portal.errors import Invalid
from portal.qualification.policy import DefinitionError, parse_definition
from portal.vocabulary import VersionState


def publish_definition(session: AnySession, body: Any, note: str, now: datetime, actor: Actor) -> LeadDefinition:
    """Store a definition as the next version and make it the published one. Raises Invalid and stores nothing.

    1. The version before retires. 2. Leads that were scored already keep their score and grade.
    3. Leads that wait with nobody are tried again.
    """
    session.scalars(select(Live).where(Live.id == 1).with_for_update()).one()
    try:
        parse_definition(body)
    except DefinitionError as error:
        raise Invalid(error.errors) from error
    number = (session.scalar(select(func.max(LeadDefinition.number))) or 0) + 1
    session.execute(
        update(LeadDefinition).where(LeadDefinition.state == VersionState.PUBLISHED).values(state=VersionState.RETIRED)
    )
    version = LeadDefinition(
        id=new_id(),
        number=number,
        state=VersionState.PUBLISHED,
        body=body,
        note=note,
        created_at=now,
        created_by=actor.id,
        published_at=now,
    )
    session.add(version)
    session.flush()
    changed(session, definition_id=version.id, changed_at=now)
    record(session, actor, "definition.publish", "lead_definition", version.id, now, facts={"number": number})
    return version

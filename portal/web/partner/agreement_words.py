"""The policy and the lead definition in words, as a partner reads them before it acknowledges them."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.leads import LeadDefinition
from models.partners import Live
from models.session import AnySession
from portal.deadlines.live import policies
from portal.qualification.policy import parse_definition
from portal.web.admin import policy_words
from portal.web.staff.definition import in_words


def policy(session: AnySession, now: datetime) -> dict[str, Any]:
    """The policy that rules: deadlines, ladder and the vendor's promises."""
    document = policies(session).at(now).document
    return {
        "deadlines": policy_words.deadlines(document),
        "ladder": policy_words.ladder(document),
        "rest": policy_words.rest(document),
    }


def definition(session: AnySession) -> dict[str, Any] | None:
    """The lead definition that rules; None where none was published."""
    live = session.scalars(select(LeadDefinition).join(Live, Live.definition_id == LeadDefinition.id)).first()
    return in_words(parse_definition(live.body)) if live else None

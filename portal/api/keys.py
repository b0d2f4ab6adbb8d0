"""Who calls: the key in the Authorization header, and nothing else."""

import re

from flask import request

from models.session import AnySession
from portal.accounts.actor import Actor
from portal.accounts.keys import authenticate_key
from portal.api.problems import Problem

#: The scheme's name in any case (RFC 9110, 11.1), one key of visible characters.
BEARER = re.compile(r"bearer +(?P<key>[\x21-\x7e]+) *", re.IGNORECASE)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Fairlead"'}
INVALID = {"WWW-Authenticate": 'Bearer realm="Fairlead", error="invalid_token"'}


def secret() -> str:
    """The key as sent. Raises Problem (401) where there is none."""
    match = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if match is None:
        raise Problem(401, "Send a key: Authorization: Bearer KEY.", CHALLENGE)
    return match["key"]


def caller(session: AnySession) -> Actor:
    """For whom the key of this request acts. Raises Problem (401) where it is unknown or revoked."""
    actor = authenticate_key(session, secret())
    if actor is None:
        raise Problem(401, "This key is not known, or it was revoked.", INVALID)
    return actor


def counted_as() -> str:
    """Whose requests are counted together where a rate limit is set: one key's, else one address's."""
    return request.headers.get("Authorization") or request.remote_addr or ""

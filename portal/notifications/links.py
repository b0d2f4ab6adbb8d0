"""Addresses in mails that act for their reader: kept by their ids, signed only when the mail is sent. Pure.

A mail is stored with the id of what it links to; who reads the database cannot make an address of it. The signature
is made from the installation's secret, so that it is kept nowhere and is the same however often the mail is sent.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from portal.vocabulary import MailAct, NoticeKind, NoticeTopic, ObligationKind

ACT, UNSUBSCRIBE = "by-mail", "unsubscribe"
#: How long a link acts, where nothing ends it before.
LIFETIME = timedelta(days=14)
MARK_BYTES = 18
UNSIGNED = re.compile(
    rf"/({ACT}|{UNSUBSCRIBE}/[a-z_]{{1,32}})/([0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}})\b"
)
OFFERED = (MailAct.ACCEPT, MailAct.DECLINE)
ACTS_FOR: Mapping[str, tuple[MailAct, ...]] = {
    ObligationKind.RESPOND: OFFERED,
    ObligationKind.FIRST_CONTACT: (MailAct.LOG,),
    ObligationKind.NEXT_TOUCH: (MailAct.LOG,),
    ObligationKind.UPDATE: (MailAct.LOG,),
    ObligationKind.FEEDBACK: (MailAct.FEEDBACK,),
}
ASKING = (NoticeTopic.OFFER, NoticeTopic.WARNING, NoticeTopic.BREACH)


@dataclass(frozen=True)
class Links:
    """Where links lead and the secret they are signed with."""

    base_url: str
    key: str = field(repr=False)

    def signed(self, text: str) -> str:
        """``text`` with the id in each of its links replaced by what makes it an address that works."""
        return UNSIGNED.sub(lambda found: f"/{found[1]}/{seal(self.key, found[1], found[2])}", text)

    def unsubscribe(self, kind: NoticeKind, user_id: str) -> str:
        """The whole address at which a user turns a kind of notice off."""
        return self.signed(self.base_url.rstrip("/") + unsubscribe_path(kind, user_id))


def act_path(link_id: str) -> str:
    """The address of a link as a mail is stored with it; it works only once signed."""
    return f"/{ACT}/{link_id}"


def unsubscribe_path(kind: NoticeKind, user_id: str) -> str:
    """The address that turns a kind of notice off, as a mail is stored with it; it works only once signed."""
    return f"/{UNSUBSCRIBE}/{kind.value}/{user_id}"


def seal(key: str, scope: str, object_id: str) -> str:
    """An id (a UUID) and its signature for ``scope``, in 46 characters that an address may hold."""
    raw = UUID(object_id).bytes
    return base64.urlsafe_b64encode(raw + _mark(key, scope, raw)).decode().rstrip("=")


def unseal(key: str, scope: str, sealed: str) -> str | None:
    """The id that ``sealed`` was made for, in ``scope`` and with this key; None for anything else."""
    try:
        raw = base64.b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    if len(raw) != 16 + MARK_BYTES or not hmac.compare_digest(raw[16:], _mark(key, scope, raw[:16])):
        return None
    return str(UUID(bytes=raw[:16]))


def _mark(key: str, scope: str, raw: bytes) -> bytes:
    said = b"fairlead link\0" + scope.encode() + b"\0" + raw
    return hmac.new(key.encode(), said, hashlib.sha256).digest()[:MARK_BYTES]


def acts_of(topic: NoticeTopic, audience: str, facts: Mapping[str, Any]) -> Sequence[MailAct]:
    """What a notice's reader can do about it straight from the mail.

    1. Only a partner, of an offer, a reminder or something late.
    2. Nothing about a lead that has moved on.
    3. What is owed says what: an answer, a touch, feedback.
    """
    if audience != "partner" or topic not in ASKING or facts.get("moved"):
        return ()
    return ACTS_FOR.get(ObligationKind.RESPOND if topic is NoticeTopic.OFFER else str(facts.get("kind")), ())

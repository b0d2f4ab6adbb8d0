"""Idempotency-Key: the first answer to a caller's key is kept and given again; the act happens once."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import request
from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from models.base import new_id
from models.leads import Lead
from models.platform import IdempotentAnswer
from portal.api.edge import Call, begin_reading, dumps
from portal.errors import Conflict, Invalid, NotFound
from portal.vocabulary import LeadStatus

LONGEST = 255
#: A request that has not answered for so long is not coming back: its key may be taken over.
ABANDONED = timedelta(seconds=60)
RUNNING = "A request with this Idempotency-Key is still running. Ask again in a moment."
OTHER = "This key was used with another request. Use a new key for each request."

MaySee = Callable[[Call, str], object]


class Replayed(Exception):
    """Not an error: the request was answered before, and this is that answer."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def key_of_request() -> str | None:
    """The header's key: 1 to 255 visible ASCII characters; None where there is none. Raises Invalid."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST or not key.isprintable() or not key.isascii():
        raise Invalid([("Idempotency-Key", f"Use 1 to {LONGEST} visible ASCII characters.")])
    return key


def fingerprint(method: str, path: str, body: dict[str, Any]) -> str:
    """The same for the same request, however its JSON is spaced or ordered (sha-256, hex)."""
    text = json.dumps([method, path, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Claim:
    """One request's hold on its key.

    1. Before the act a row without an answer is committed: whoever comes meanwhile is told that it runs.
    2. After the act the answer is kept, without what is told only once. A refusal is not kept: the same key
       may be tried again.
    3. ``within``: the view keeps the answer in the transaction of its act (``keep_within``), and no row stands
       before. Of two at once the later loses the race on the row, and its unit begins again (``again``).
    4. Access is asked before an answer is given again: what the path names was looked up already, ``may_see``
       asks for the rest.
    """

    def __init__(self, this: Call, key: str, print_: str, may_see: MaySee | None, *, within: bool) -> None:
        self.this, self.key, self.print, self.may_see, self.within = this, key, print_, may_see, within
        self._began = False

    def begin(self) -> None:
        """Hold the key for this request. Raises Replayed, Conflict (still running), Invalid, NotFound."""
        row = self._tell_earlier()
        self.this.session.rollback()
        if self.within:
            self.this.claim = self
        elif not (self._take_over(row) if row is not None else self._insert()):
            raise Conflict(RUNNING)

    def _tell_earlier(self) -> IdempotentAnswer | None:
        """What an earlier use of the key has to say, raised; the row of one that was abandoned; or None."""
        row = self.this.session.scalars(
            select(IdempotentAnswer).where(
                IdempotentAnswer.caller == self.this.actor.id, IdempotentAnswer.key == self.key
            )
        ).first()
        if row is None:
            return None
        if row.request_hash != self.print:
            raise Invalid([("Idempotency-Key", OTHER)])
        if row.status is not None:
            self._check_access(row)
            raise Replayed(row.status, row.body or "")
        if row.created_at > self.this.now - ABANDONED:
            raise Conflict(RUNNING)
        return row

    def _check_access(self, row: IdempotentAnswer) -> None:
        if row.object_id is None:
            return
        status = self.this.session.scalars(select(Lead.status).where(Lead.id == row.object_id)).first()
        if status is LeadStatus.ERASED:
            raise NotFound
        if self.may_see is not None:
            self.may_see(self.this, row.object_id)

    def _row(self, status: int | None = None, body: str | None = None) -> IdempotentAnswer:
        return IdempotentAnswer(
            id=new_id(), caller=self.this.actor.id, key=self.key, request_hash=self.print, status=status, body=body,
            object_id=self.this.shows, created_at=self.this.now,
        )  # fmt: skip

    def _insert(self) -> bool:
        try:
            self.this.session.add(self._row())
            self.this.session.commit()
        except IntegrityError:
            self.this.session.rollback()
            return False
        return True

    def _take_over(self, row: IdempotentAnswer) -> bool:
        return self._changed(
            update(IdempotentAnswer)
            .where(IdempotentAnswer.id == row.id, IdempotentAnswer.created_at == row.created_at)
            .values(created_at=self.this.now)
        )

    def again(self) -> None:
        """At the start of each attempt of a unit that keeps its own answer: another request may have been first."""
        if self._began:
            self._tell_earlier()
        self._began = True

    def keep_within(self, status: int, body: Any) -> None:
        """Keep the answer in the act's own transaction."""
        self.this.session.add(self._row(status, dumps(body)))
        self.this.session.flush()

    def keep(self, status: int, body: Any) -> None:
        """Keep the answer after the act."""
        if not self.within:
            kept = dumps({**body, **dict.fromkeys(self.this.secrets)})
            self._mine(update(IdempotentAnswer).values(status=status, body=kept, object_id=self.this.shows))

    def give_up(self) -> None:
        """Let go of the key after a refusal, so that it may be tried again."""
        if not self.within:
            self._mine(delete(IdempotentAnswer))

    def _mine(self, statement: Any) -> None:
        self._changed(
            statement.where(
                IdempotentAnswer.caller == self.this.actor.id, IdempotentAnswer.key == self.key,
                IdempotentAnswer.created_at == self.this.now,
            )
        )  # fmt: skip

    def _changed(self, statement: Any) -> bool:
        """A statement on rows without an answer, as a transaction of its own; whether it changed one."""
        self.this.session.rollback()
        result = self.this.session.execute(
            statement.where(IdempotentAnswer.status.is_(None)).execution_options(synchronize_session=False)
        )
        self.this.session.commit()
        return isinstance(result, CursorResult) and result.rowcount == 1


def may_see_lead(this: Call, lead_id: str) -> None:
    """A kept answer shows a lead: the actor must still see it. Raises NotFound."""
    from portal.accounts import access

    begin_reading(this.session)
    access.one(this.session, access.leads(this.actor), Lead.id, lead_id)

"""Which mails the clock process hands to workers, and which it delivers itself."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from models.base import db
from portal.config import Settings
from portal.jobs import post
from portal.notifications import delivery
from portal.notifications.delivery import Delivered

if TYPE_CHECKING:
    from redis import Redis

#: A mail that was pushed and that no worker has taken for this long is delivered here.
TAKEN_WITHIN = timedelta(seconds=10)
#: After Redis was away it is left alone for this long, and everything is delivered here.
LEFT_ALONE_SECONDS = 5.0
AT_ONCE = 500
log = structlog.get_logger(__name__)


class Rounds:
    """The clock's rounds of delivery; ``round`` is one of them. What it remembers may be forgotten at any time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pushed: dict[str, datetime] = {}
        self._ask_again = 0.0
        self._connection: Redis | None = None

    def round(self, now: datetime, stopping: Callable[[], bool] = lambda: False) -> Delivered:
        """See that every mail due at ``now`` gets a sender.

        1. No Redis, or no mail server: delivered here, or nothing is due.
        2. A mail not pushed yet is pushed; so is one whose worker died, since its lease has run out.
        3. Redis away, or no worker there: everything is delivered here, and pushed anew where it still waits later.
        4. Pushed and not taken within ten seconds: delivered here. The job finds it sent.
        """
        if not self.settings.redis_url or not self.settings.smtp_url:
            return post.deliver(self.settings, now, stopping)
        waiting = delivery.due(db.session(), now, AT_ONCE)
        mine = self._left_to_clock(waiting, now)
        return post.deliver(self.settings, now, stopping, mine) if mine else Delivered()

    def _left_to_clock(self, waiting: Sequence[str], now: datetime) -> Sequence[str]:
        fresh = [mail_id for mail_id in waiting if mail_id not in self.pushed]
        if waiting and not self._push(fresh):
            self.pushed.clear()
            return waiting
        self.pushed = {mail_id: self.pushed.get(mail_id, now) for mail_id in waiting}
        return [mail_id for mail_id, at in self.pushed.items() if now - at >= TAKEN_WITHIN]

    def _push(self, mail_ids: Sequence[str]) -> bool:
        """True where a worker will come for them, and for what was pushed before."""
        if time.monotonic() < self._ask_again:
            return False
        from redis import RedisError

        from portal.jobs import broker

        try:
            self._connection = self._connection or broker.connect(self.settings.redis_url)
            if not broker.has_worker(self._connection):
                return False
            if mail_ids:
                broker.push(self._connection, mail_ids)
        except RedisError as error:
            log.warning("clock.redis", away=str(error))
            self._ask_again = time.monotonic() + LEFT_ALONE_SECONDS
            return False
        return True

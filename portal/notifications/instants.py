"""Instants in the words of whoever reads the message. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.notifications.layout import House, Reader

#: An instant inside a sentence that was written with its cause, before anyone knew who would read it.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\+00:00|Z)")
NEAR = timedelta(days=3)


@dataclass(frozen=True)
class When:
    """Instants in the reader's zone. A mail may be read tomorrow, so it never says today."""

    reader: Reader
    house: House

    def __call__(self, facts: Mapping[str, Any], name: str = "due_at", before: str = "by ", otherwise: str = "") -> str:
        """The instant that ``facts`` hold under ``name``, with ``before``; ``otherwise`` where there is none."""
        try:
            at = datetime.fromisoformat(str(facts.get(name)))
        except ValueError:
            return otherwise
        return before + self.exact(at) if at.tzinfo is not None else otherwise

    def exact(self, at: datetime) -> str:
        """``at`` (aware) with its zone, and its year where that is not the one of writing."""
        now = self.reader.now
        seen_from = now if now is not None and abs(at - now) > NEAR else at - NEAR
        return self.house.exact(at, self.reader.timezone, seen_from)

    def within(self, sentence: str) -> str:
        """``sentence`` with each instant of ISO 8601 in UTC put into words."""
        return INSTANT.sub(lambda found: self.exact(datetime.fromisoformat(found[0])), sentence)

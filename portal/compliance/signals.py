"""What looks like keeping the letter of a policy and not its sense. Shown to whoever manages partners; never punished,
and never shown to a partner. Pure: rows of one partner in, signals out.

Each rule has a least number to be looked at, so that a small sample accuses nobody.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.vocabulary import ActivityKind, Disposition

#: Signals are read from so long back.
LOOKED_BACK = timedelta(days=60)

LEAST_ANSWERED, ALMOST_ALL, FEW_TOUCHED, TIME_TO_TOUCH = 10, 0.95, 0.5, timedelta(days=7)
LEAST_DECLINED, LAST_TENTH, OFTEN_LATE = 5, 0.1, 0.5
LEAST_NOTES, SAME_ON, OFTEN_COPIED, SHORTEST_NOTE = 8, 3, 0.5, 3
LEAST_JUDGED, OFTEN_UNTOUCHED = 5, 0.4
LEAST_DATED, LONG_BEFORE, OFTEN_BACK = 10, timedelta(hours=24), 0.3


class Kind(StrEnum):
    """Which rule a signal is of."""

    ACCEPTS_ALL = "accepts_all"
    LAST_MINUTE = "last_minute"
    COPIED_NOTES = "copied_notes"
    UNTOUCHED_FEEDBACK = "untouched_feedback"
    BACK_DATED = "back_dated"


@dataclass(frozen=True, slots=True)
class Offer:
    """An assignment. ``declined``: ended by the partner's own no; ``touches``: counted ones."""

    id: str
    lead_id: str
    offered_at: datetime
    respond_by: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    declined: bool
    expired: bool
    touches: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded touch or note."""

    id: str
    lead_id: str
    kind: ActivityKind
    occurred_at: datetime
    recorded_at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Feedback. ``touched``: a counted touch was recorded before it."""

    id: str
    lead_id: str
    disposition: Disposition
    given_at: datetime
    touched: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row behind a signal: whose lead, when, and what is said of it."""

    lead_id: str
    at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Signal:
    """``count`` of ``of`` rows show it; ``rows`` are these, the latest first."""

    kind: Kind
    count: int
    of: int
    rows: tuple[Row, ...]

    @property
    def sentence(self) -> str:
        """What is so, in figures and without a verdict."""
        return SENTENCES[self.kind].format(count=self.count, of=self.of)


SENTENCES = {
    Kind.ACCEPTS_ALL: "Accepts nearly every offer; {count} of {of} accepted leads have no touch after a week.",
    Kind.LAST_MINUTE: "{count} of {of} declines came in the last tenth of the time to answer.",
    Kind.COPIED_NOTES: "{count} of {of} notes are empty or repeat the same words on several leads.",
    Kind.UNTOUCHED_FEEDBACK: "{count} of {of} verdicts were given without a counted touch.",
    Kind.BACK_DATED: "{count} of {of} touches are dated more than a day before they were logged.",
}
NAMES = {
    Kind.ACCEPTS_ALL: "Accepts everything, touches few",
    Kind.LAST_MINUTE: "Declines at the last minute",
    Kind.COPIED_NOTES: "Copied or empty notes",
    Kind.UNTOUCHED_FEEDBACK: "Feedback without contact",
    Kind.BACK_DATED: "Back-dated touches",
}


def signals(
    offers: Sequence[Offer], entries: Sequence[Entry], judgements: Sequence[Judgement], now: datetime
) -> list[Signal]:
    """The signals of one partner's rows of the last 60 days."""
    found = (
        accepts_all(offers, now), last_minute(offers), copied_notes(entries), untouched_feedback(judgements),
        back_dated(entries),
    )  # fmt: skip
    return [signal for signal in found if signal is not None]


def accepts_all(offers: Iterable[Offer], now: datetime) -> Signal | None:
    """Takes nearly all and touches few.

    1. At least 10 offers were answered or ran out. 2. At least 95 % of them were accepted.
    3. Of those accepted seven days ago or earlier, at least 10, fewer than half have a counted touch.
    """
    offers = list(offers)
    accepted = [each for each in offers if each.accepted_at is not None]
    ended = len(accepted) + sum(each.accepted_at is None and (each.declined or each.expired) for each in offers)
    if ended < LEAST_ANSWERED or len(accepted) < ALMOST_ALL * ended:
        return None
    old = [each for each in accepted if each.accepted_at is not None and each.accepted_at <= now - TIME_TO_TOUCH]
    idle = [each for each in old if each.touches == 0]
    if len(old) < LEAST_ANSWERED or len(old) - len(idle) >= FEW_TOUCHED * len(old):
        return None
    rows = [Row(each.lead_id, each.accepted_at, "Accepted, no touch") for each in idle if each.accepted_at]
    return _signal(Kind.ACCEPTS_ALL, rows, len(old))


def last_minute(offers: Iterable[Offer]) -> Signal | None:
    """Keeps offers to the end of their time, then declines.

    1. At least 5 offers were declined. 2. At least half of these in the last tenth of the time to answer.
    """
    declined = [each for each in offers if each.declined and each.ended_at is not None and each.respond_by is not None]
    rows = [Row(e.lead_id, e.ended_at, "Declined") for e in declined if e.ended_at is not None and _late(e)]
    return _often(Kind.LAST_MINUTE, rows, len(declined), LEAST_DECLINED, OFTEN_LATE)


def _late(offer: Offer) -> bool:
    if offer.ended_at is None or offer.respond_by is None:
        return False
    return offer.respond_by - offer.ended_at <= LAST_TENTH * (offer.respond_by - offer.offered_at)


def copied_notes(entries: Iterable[Entry]) -> Signal | None:
    """Writes the same everywhere, or nothing.

    1. At least 8 entries are notes or carry words. 2. At least half of these are notes of fewer than three letters,
    or have words (case, spaces and punctuation aside) that stand on three or more leads.
    """
    written = [(each, plain(each.note)) for each in entries if each.kind is ActivityKind.NOTE or plain(each.note)]
    leads: dict[str, set[str]] = defaultdict(set)
    for each, text in written:
        leads[text].add(each.lead_id)
    rows = [
        Row(each.lead_id, each.recorded_at, f"“{each.note.strip()[:80]}”" if text and each.note else "An empty note")
        for each, text in written
        if len(text) < SHORTEST_NOTE or len(leads[text]) >= SAME_ON
    ]
    return _often(Kind.COPIED_NOTES, rows, len(written), LEAST_NOTES, OFTEN_COPIED)


def plain(note: str | None) -> str:
    """The letters and digits of a note in lower case: what is compared."""
    return "".join(sign for sign in (note or "").casefold() if sign.isalnum())


def untouched_feedback(judgements: Iterable[Judgement]) -> Signal | None:
    """Judges leads without having reached out.

    1. At least 5 verdicts that end the work (all but ``working``) were given.
    2. At least 40 % of these without a counted touch recorded before.
    """
    final = [each for each in judgements if each.disposition is not Disposition.WORKING]
    rows = [Row(e.lead_id, e.given_at, f"{e.disposition.label}, no touch before") for e in final if not e.touched]
    return _often(Kind.UNTOUCHED_FEEDBACK, rows, len(final), LEAST_JUDGED, OFTEN_UNTOUCHED)


def back_dated(entries: Iterable[Entry]) -> Signal | None:
    """Dates touches back.

    1. At least 10 touches (notes aside) were logged. 2. At least 30 % of these are dated more than 24 hours before
    they were logged.
    """
    touches = [each for each in entries if each.kind is not ActivityKind.NOTE]
    rows = [Row(e.lead_id, e.recorded_at, _back(e)) for e in touches if e.recorded_at - e.occurred_at > LONG_BEFORE]
    return _often(Kind.BACK_DATED, rows, len(touches), LEAST_DATED, OFTEN_BACK)


def _back(entry: Entry) -> str:
    days = (entry.recorded_at - entry.occurred_at) // timedelta(days=1)
    return f"{entry.kind.label}, dated {days} day{'' if days == 1 else 's'} back"


def _often(kind: Kind, rows: list[Row], of: int, least: int, share: float) -> Signal | None:
    return _signal(kind, rows, of) if of >= least and len(rows) >= share * of else None


def _signal(kind: Kind, rows: list[Row], of: int) -> Signal:
    return Signal(kind, len(rows), of, tuple(sorted(rows, key=lambda row: row.at, reverse=True)))


def counted(found: Iterable[Sequence[Signal]]) -> Counter[Kind]:
    """How many partners show each kind."""
    return Counter(signal.kind for each in found for signal in each)

"""For how long what was recorded by mistake may be taken back, and what keeps it from that. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

UNDO = timedelta(seconds=60)

TOO_LATE = "More than a minute has passed: this stays. Record what is right beside it."
TAKEN_BACK = "This was taken back already."
TURNED = "This changed your standing or closed a deal: it stays."
GONE_ON = "More was done on this lead since: this stays."
PASSED = "A deadline that this answered has passed since: it stays."
SINCE = "This caught up with something late, and more was recorded for you since: it stays."
FULL = "A new lead has come to the place that this freed: it stays."


def undo_until(at: datetime, *, turned: bool) -> datetime | None:
    """Until when what is recorded at ``at`` may be taken back; None where it changed standing or closed a deal."""
    return None if turned else at + UNDO


@dataclass(frozen=True)
class Slip:
    """One touch or feedback that is to be taken back."""

    at: datetime
    undo_until: datetime | None
    taken_back_at: datetime | None


@dataclass(frozen=True)
class Back:
    """One deadline as it would be again: when it falls due, when it would be missed (None: it is missed already)."""

    due_at: datetime
    missed_from: datetime | None


def refusal(
    slips: Sequence[Slip], backs: Sequence[Back], *, later: bool, folded_until: datetime, room: bool, at: datetime
) -> str | None:
    """Why these cannot be taken back at ``at``; None where they can. The first that holds is told:

    1. It was taken back already.
    2. Nothing about it may be: it changed the partner's standing, or closed a deal.
    3. The minute is over.
    4. ``later``: something came after it on this lead, by whomever.
    5. A deadline that it met would be missed by now: nobody is made late by a correction.
    6. A deadline that it answered was past its due time, and something else of the partner's was folded into its
       standing since (``folded_until``): that step saw the deadline as done.
    7. It freed a place, and a lead has come to it (``room`` is False).
    """
    if any(slip.taken_back_at is not None for slip in slips):
        return TAKEN_BACK
    if any(slip.undo_until is None for slip in slips):
        return TURNED
    if any(slip.undo_until is not None and slip.undo_until <= at for slip in slips):
        return TOO_LATE
    if later:
        return GONE_ON
    if any(back.missed_from is not None and back.missed_from <= at for back in backs):
        return PASSED
    if any(back.due_at <= at for back in backs) and folded_until != max(slip.at for slip in slips):
        return SINCE
    return None if room else FULL

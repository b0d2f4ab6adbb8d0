"""The compliance ladder in one place: what other rooms use of it.

``facts`` what it reads, ``rules`` the rules themselves, ``fold`` their run through time, ``way_back`` and
``forecast`` what a partner is told, in the words of ``sentences``.
"""

from portal.compliance.facts import Ladder, LadderVersion, Mark, Measure, Rate, ladder_at
from portal.compliance.fold import advance, next_change, rate_at, tally_at
from portal.compliance.rules import BusinessDays
from portal.compliance.state import State, Step, initial
from portal.compliance.tally import Tally

__all__ = [
    "BusinessDays",
    "Ladder",
    "LadderVersion",
    "Mark",
    "Measure",
    "Rate",
    "State",
    "Step",
    "Tally",
    "advance",
    "initial",
    "ladder_at",
    "next_change",
    "rate_at",
    "tally_at",
]

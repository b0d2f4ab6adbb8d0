"""How much a partner may be closed: closures that leave no opening would never let a deadline fall due. Pure."""

from bisect import bisect_right
from datetime import date

from portal.calendars.hours import Calendar
from portal.calendars.policy import open_intervals

MOST_IN_A_YEAR = 240
YEAR = 365
LONGEST_GAP = 190
#: Years in which openings are worked out; beyond them nothing is ever due.
LOOKED_AT = (date(1990, 1, 1).toordinal(), date(9000, 1, 1).toordinal())


def too_much_closed(calendar: Calendar) -> str | None:
    """Why these closures are refused, None where they are not. Each closure on its own is at most 180 days before this.

    1. At most 240 days of closures lie in any 365 days on end: who is away for longer is switched off.
    2. No closure is part of more than 190 days without an opening, its holidays and days without hours included:
       half a year away, and a weekend or holidays on both sides.
    """
    if most_closed(calendar) > MOST_IN_A_YEAR:
        return f"Close for at most {MOST_IN_A_YEAR} days in a year; switch the partner off for longer."
    if longest_gap(calendar) > LONGEST_GAP:
        return f"With these closures nothing opens for more than {LONGEST_GAP} days; leave an opening in between."
    return None


def most_closed(calendar: Calendar) -> int:
    """The most days that closures take in any 365 days on end."""
    closed = sorted({day for c in calendar.closures for day in range(c.first.toordinal(), c.last.toordinal() + 1)})
    return max((place + 1 - bisect_right(closed, day - YEAR) for place, day in enumerate(closed)), default=0)


def longest_gap(calendar: Calendar) -> int:
    """The most days on end without an opening that a closure is part of; above ``LONGEST_GAP`` it is not exact."""
    longest, looked_until = 0, 0
    for first in (closure.first.toordinal() for closure in calendar.closures):
        if first >= looked_until and LOOKED_AT[0] <= first <= LOOKED_AT[1]:
            begin, looked_until = (_opening(calendar, first, step) for step in (-1, 1))
            longest = max(longest, looked_until - begin - 1)
    return longest


def _opening(calendar: Calendar, day: int, step: int) -> int:
    """The nearest day before or after that has an opening, or one that lies too far off."""
    near = (day + step * distance for distance in range(LONGEST_GAP + 2))
    opened = (each for each in near if open_intervals(calendar, date.fromordinal(each)))
    return next(opened, day + step * (LONGEST_GAP + 2))

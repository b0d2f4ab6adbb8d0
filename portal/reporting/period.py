"""The days that a figure is about, and the days before them. Pure: dates, zones, nothing else."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

USUAL_DAYS = 30
MOST_DAYS = 731
#: Up to so many days a point of a line is one of so many days.
STEPS = ((31, 1), (217, 7), (MOST_DAYS, 30))


@dataclass(frozen=True)
class Period:
    """Whole days of the reader's zone, both included."""

    first: date
    last: date
    zone: str

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def starts(self) -> datetime:
        """The midnight that begins the first day, in UTC."""
        return self._midnight(self.first)

    @property
    def ends(self) -> datetime:
        """The midnight that ends the last day, in UTC; it belongs to the next day."""
        return self._midnight(self.last + timedelta(days=1))

    @property
    def before(self) -> "Period":
        """As many days just before."""
        length = timedelta(days=self.days)
        return Period(self.first - length, self.last - length, self.zone)

    @property
    def step(self) -> int:
        """How many days one point of a line stands for."""
        return next(step for most, step in STEPS if self.days <= most)

    @property
    def points(self) -> list[date]:
        """The first day of each point of a line."""
        return [self.first + timedelta(days=n) for n in range(0, self.days, self.step)]

    def point_of(self, at: datetime) -> int:
        """The point of the line that an instant belongs to, from 0."""
        return (at.astimezone(ZoneInfo(self.zone)).date() - self.first).days // self.step

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)


def period(first: date | None, last: date | None, now: datetime, zone: str) -> Period:
    """The period asked for.

    1. Two days in the wrong order are exchanged.
    2. One day alone begins or ends a period of 30 days; one that begins it never leads beyond today.
    3. None: the last 30 days, today included.
    4. More than two years: the latest two.
    """
    today, usual = now.astimezone(ZoneInfo(zone)).date(), timedelta(days=USUAL_DAYS - 1)
    if first and last:
        first, last = min(first, last), max(first, last)
    elif first:
        last = max(first, min(first + usual, today))
    else:
        last = last or today
        first = last - usual
    return Period(max(first, last - timedelta(days=MOST_DAYS - 1)), last, zone)

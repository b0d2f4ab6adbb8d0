"""Measuring: product and floor by turns in short slices, so that whatever else the machine does hits both."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Act = Callable[[], object]


@dataclass
class Pace:
    """How often something was done in how many seconds."""

    times: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Times a second."""
        return self.times / self.seconds


@dataclass
class Pair:
    """Product and floor, and how the ratio of their rates went from slice to slice."""

    product: Pace = field(default_factory=Pace)
    floor: Pace = field(default_factory=Pace)
    ratios: list[float] = field(default_factory=list)

    def more(self) -> dict[str, float]:
        """How steady it was: the middle half of the slices' ratios."""
        if len(self.ratios) < 2:
            return {"times": self.product.times}
        low, middle, high = statistics.quantiles(self.ratios, n=4)
        return {"times": self.product.times, "ratio_low": low, "ratio_median": middle, "ratio_high": high}


def slice_of(act: Act, seconds: float) -> Pace:
    """Do it again and again for so long, at least once."""
    times, began = 0, time.perf_counter()
    while True:
        act()
        times += 1
        taken = time.perf_counter() - began
        if taken >= seconds:
            return Pace(times, taken)


def by_turns(product: Act, floor: Act, seconds: float, length: float = 0.25) -> Pair:
    """Slices of ``length`` by turns until each had ``seconds``; one of each before that is not counted."""
    pair = Pair()
    slice_of(product, length)
    slice_of(floor, length)
    while pair.product.seconds < seconds:
        ours, bare = slice_of(product, length), slice_of(floor, length)
        for total, one in ((pair.product, ours), (pair.floor, bare)):
            total.times, total.seconds = total.times + one.times, total.seconds + one.seconds
        pair.ratios.append(ours.rate / bare.rate)
    return pair


def timed(act: Act) -> float:
    """Seconds that doing it once takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

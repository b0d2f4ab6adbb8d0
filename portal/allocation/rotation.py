"""Turns that share leads by weight, provably: the carpool problem with weights, in whole numbers. Pure.

Source: Fagin and Williams, "A fair carpool scheduling algorithm" (1983); Baruah and others, "Proportionate
progress" (1996). Each lead is one unit, shared by weight among those whose gates let it through; a partner's
credit is its shares so far less the leads it was offered. Who is away shares nothing: nobody comes back to a
flood. In a pool that stays the same every credit stays between minus one lead and one: earliest deadline first
keeps each unit within its window, as the shares make up exactly one lead.
"""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

#: One lead. Room for credits of 2,000 leads in 64 bits; a million turns of rounding stay below ``SPECK``.
TICKS = 2**52
#: Credit up to here is a rounding of none: taken for credit, it would give a partner a whole lead too early.
SPECK = 2**22
Eligible = Sequence[tuple[int, int]]


class Credits:
    """Credits of one rotation by partner slot, in ticks; packed as little-endian 64-bit whole numbers."""

    __slots__ = ("_by_slot",)

    def __init__(self, by_slot: "array[int] | None" = None) -> None:
        self._by_slot = by_slot if by_slot is not None else array("q")

    @classmethod
    def unpack(cls, packed: bytes | None) -> "Credits":
        """From a row's bytes; None or empty is a rotation that has not begun."""
        by_slot = array("q")
        by_slot.frombytes(packed or b"")
        if sys.byteorder == "big":
            by_slot.byteswap()
        return cls(by_slot)

    def pack(self) -> bytes:
        """The bytes that a row keeps."""
        by_slot = array("q", self._by_slot)
        if sys.byteorder == "big":
            by_slot.byteswap()
        return by_slot.tobytes()

    def get(self, slot: int) -> int:
        """The credit of a slot in ticks; 0 where it has none yet."""
        return self._by_slot[slot] if slot < len(self._by_slot) else 0

    def with_changes(self, changes: dict[int, int]) -> "Credits":
        """New credits with these ticks added by slot; the old ones stay as they were."""
        by_slot = array("q", self._by_slot)
        by_slot.extend([0] * (max(changes, default=-1) + 1 - len(by_slot)))
        for slot, ticks in changes.items():
            by_slot[slot] += ticks
        return Credits(by_slot)


@dataclass(frozen=True)
class Turn:
    """Whose turn it is: the winner's slot, everybody in order, and the credits after it."""

    winner: int
    order: tuple[int, ...]
    credits: Credits


def shares(eligible: Eligible) -> dict[int, int]:
    """Each one's share of one lead in ticks, by weight: exactly TICKS in all, what is over to low slots."""
    whole = sum(weight for _, weight in eligible)
    cut = {slot: TICKS * weight // whole for slot, weight in eligible}
    left = TICKS - sum(cut.values())
    for slot in sorted(cut)[:left]:
        cut[slot] += 1
    return cut


def turn(credits: Credits, eligible: Eligible) -> Turn:
    """The next turn among ``eligible`` (slot, weight above 0); at least one.

    1. Everyone's credit grows by its share of this lead.
    2. Only those with credit above zero compete; where there is none, all do.
    3. The one whose credit would reach one lead soonest, at its share a lead: least (1 - credit) / share.
    4. Ties: the lower slot. 5. The winner's credit falls by one lead.
    """
    added = shares(eligible)
    fine = 2 * max(weight for _, weight in eligible).bit_length()
    ranked = sorted(_urgency(credits.get(slot) + added[slot], w, fine, slot) for slot, w in eligible)
    order = tuple(slot for *_, slot in ranked)
    winner = order[0]
    return Turn(winner, order, credits.with_changes({**added, winner: added[winner] - TICKS}))


def _urgency(credit: int, weight: int, fine: int, slot: int) -> tuple[bool, int, int]:
    """No credit last, then the quotient, then the slot.

    The quotient is rounded down and yet compared exactly: two that differ at all differ by at least
    1 / (weight x weight), which ``fine`` more bits make more than one.
    """
    return credit <= SPECK, (TICKS - credit << fine) // weight, slot

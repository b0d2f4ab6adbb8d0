"""A blast radius in words: who is stopped or warned, which offers move, who takes the volume, whose cap breaks."""

from fractions import Fraction
from typing import Any

from flask import url_for

from portal.enforcement.blast import LOOKED_BACK, Blast, Change, Taker

#: So many takers and changes are listed; the rest is summed up.
SHOWN = 12


def told(blast: Blast) -> dict[str, Any]:
    """A blast radius as ``blast/_blast.html`` shows it."""
    return {
        "sentences": _sentences(blast),
        "changes": [_change(each) for each in blast.changes[:SHOWN]],
        "more_changes": max(0, len(blast.changes) - SHOWN),
        "takers": [_taker(each) for each in blast.takers[:SHOWN]],
        "more_takers": max(0, len(blast.takers) - SHOWN),
        "days": LOOKED_BACK.days,
        "offers": blast.offers,
        "breaking": len(blast.breaking),
    }


def _sentences(blast: Blast) -> list[str]:
    lines = []
    if blast.recalled:
        lines.append(f"{_count(blast.recalled, 'offer')} without an answer go{_s(blast.recalled)} to others at once.")
    if blast.losing:
        lines.append(_volume(blast))
    if blast.nobody:
        lines.append(f"{_nobody(blast)}: such leads wait in the queue.")
    if blast.outside:
        lines.append(
            f"{_count(blast.outside, 'offer')} came outside the rules' turn (same person, same company, by hand): "
            "who gets such leads then is not told here."
        )
    if blast.breaking:
        lines.append(f"{_count(len(blast.breaking), 'partner')} would be over the cap of open leads.")
    return lines


def _nobody(blast: Blast) -> str:
    if blast.nobody == blast.offers:
        return "Nobody else could have had any of them"
    return f"About {_round(blast.nobody)} of them nobody else could have had"


def _volume(blast: Blast) -> str:
    who = blast.losing[0].name if len(blast.losing) == 1 else f"{len(blast.losing)} partners"
    if not blast.offers:
        return f"{who} had no offers in the last {LOOKED_BACK.days} days: nothing moves to others."
    return f"{who} had {_count(blast.offers, 'offer')} in the last {LOOKED_BACK.days} days. As many would go elsewhere."


def _change(change: Change) -> dict[str, Any]:
    return {
        "name": change.partner.name, "url": url_for("partner.page", partner_id=change.partner.id),
        "before": change.before.value, "after": change.after.value, "open": change.partner.open_leads,
        "cap": change.cap, "over": change.over_cap, "leads": change.after.allows_leads,
    }  # fmt: skip


def _taker(taker: Taker) -> dict[str, Any]:
    seen = taker.partner is not None
    return {
        "name": taker.partner.name if taker.partner else "Partners outside your portfolio",
        "url": url_for("partner.page", partner_id=taker.partner.id) if taker.partner else None,
        "own": taker.own, "gain": _round(taker.gain), "open": _round(taker.open_after) if seen else None,
        "cap": taker.cap if seen else None, "breaks": taker.breaks_cap,
    }  # fmt: skip


def _round(number: Fraction) -> str:
    """One decimal where that says something: "0.4", "3.5", "12"."""
    shown = f"{float(number):.1f}"
    return shown.removesuffix(".0")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _s(count: int) -> str:
    return "es" if count == 1 else ""

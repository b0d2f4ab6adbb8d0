"""Gates and decisions in plain words: in full to staff; to a partner about itself, never about another. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import pycountry

from portal.calendars.describe import MONTHS, WEEKDAYS
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate, QueueReason, Standing, StrategyKind

Facts = Mapping[str, Any]
ORIGIN_STAFF = {
    AssignmentOrigin.RETURNING: "{winner} held this person's last lead and was asked first.",
    AssignmentOrigin.SAME_COMPANY: "{winner} is working this company and was asked first.",
    AssignmentOrigin.BY_HAND: "{winner} was chosen by hand.",
    AssignmentOrigin.CLAIM: "{winner} claimed it from the open pool.",
    AssignmentOrigin.REOPENED: "{winner} held it last; it was reopened.",
}
ORIGIN_PARTNER = {
    AssignmentOrigin.RETURNING: "You held this person's last lead, so you were asked first.",
    AssignmentOrigin.SAME_COMPANY: "You are working this company, so you were asked first.",
    AssignmentOrigin.BY_HAND: "Your channel manager gave you this lead.",
    AssignmentOrigin.CLAIM: "You claimed it from the open pool.",
    AssignmentOrigin.REOPENED: "You held it last; it was reopened.",
}
CAUSES = {
    Gate.ACTIVE: "not active", Gate.REACHABLE: "out of reach", Gate.STANDING: "stopped or held",
    Gate.TERRITORY: "outside their territory", Gate.CERTIFIED: "not certified for the product",
    Gate.OPEN_CAP: "at their cap of open leads", Gate.DAILY_CAP: "at their cap for the day",
    Gate.WEEKLY_CAP: "at their cap for the week", Gate.CLOSURE: "closed", Gate.QUIET_PERIOD: "in a quiet period",
    Gate.WANTS_KIND: "not asking for early leads", Gate.EARLIER_HOLDER: "holding it before",
    Gate.CONFLICT: "kept off by another partner's deal", Gate.PRODUCT_CAP: "at their cap for the product",
}  # fmt: skip
#: How staff read that a strategy put a partner first. (A floor turn of best conversion is told as a turn.)
FIRST_BY = {
    StrategyKind.LEAST_LOADED: "was the least loaded", StrategyKind.NEAREST: "is the nearest",
    StrategyKind.BEST_CONVERSION: "wins the most of its leads",
}  # fmt: skip
DUE_FIRST = "Others were due first."
STANDINGS = {
    Standing.GOOD: "in good standing", Standing.WARNED: "warned", Standing.REDUCED: "on reduced leads",
    Standing.STOPPED: "stopped", Standing.PROBATION: "on probation", Standing.HELD: "on hold",
    Standing.EXEMPT: "exempt from stops",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What a decision tells of all its candidates: how many fit, whether the winner was ranked, first closed gates."""

    fit: int = 0
    ranked: bool = False
    closed: Mapping[Gate, int] = field(default_factory=dict)


def gate_sentence(gate: Gate, passed: bool, facts: Facts, audience: str, partner_name: str) -> str:
    """One gate's answer. ``audience``: staff, who read the partner's name, or partner, who is "you"."""
    who = _You() if audience == "partner" else _They(partner_name)
    return SENTENCES[gate](who, passed, facts)


class _You:
    """Words about the reader itself."""

    name, own, are, were, have, cover, take = "You", "your", "are", "were", "have", "cover", "take"


class _They:
    """Words about a partner, to staff."""

    own, are, were, have, cover, take = "its", "is", "was", "has", "covers", "takes"

    def __init__(self, name: str) -> None:
        self.name = name


Who = _You | _They


def place_words(facts: Facts) -> str:
    """ "80331, Bayern (DE-BY)", "Hamburg (DE-HH)", "Ticino, CH", "DE"; empty where the lead says nothing."""
    region, country = facts.get("region"), facts.get("country")
    code = _region_code(str(country), str(region)) if region and country else None
    named = (f"{region_name(code)} ({code})",) if code and region_name(code) else (region, country)
    return ", ".join(str(part) for part in (facts.get("postcode"), *named) if part)


def _region_code(country: str, region: str) -> str:
    return region.upper() if region.upper().startswith(f"{country}-") else f"{country}-{region.upper()}"


@lru_cache(maxsize=1024)
def region_name(code: str) -> str | None:
    """The name of an ISO 3166-2 code."""
    found = pycountry.subdivisions.get(code=code)  # type: ignore[no-untyped-call]
    return str(found.name) if found is not None else None


def _until(facts: Facts) -> str:
    if not facts.get("last"):
        return ""
    last = date.fromisoformat(facts["last"])
    return f" until the end of {WEEKDAYS[last.weekday()]} {last.day} {MONTHS[last.month - 1]} {last.year}"


def _active(who: Who, passed: bool, facts: Facts) -> str:
    return f"{who.name} {who.are} {'' if passed else 'not '}active."


def _reachable(who: Who, passed: bool, facts: Facts) -> str:
    if passed:
        return f"{who.name} can be reached."
    return f"{who.name} cannot be reached: nobody is signed up there, or mail to all of them came back."


def _standing(who: Who, passed: bool, facts: Facts) -> str:
    standing = STANDINGS[Standing(facts.get("standing") or Standing.STOPPED)]
    return f"{who.name} {who.were} {standing}{'' if passed else ': no new leads'}."


def _territory(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("all"):
        return f"{who.name} {who.cover} every territory."
    place = place_words(facts)
    if not place:
        return "The lead names no country." if passed else f"The lead is outside {who.own} territory."
    return f"{place} is {'' if passed else 'not '}in {who.own} territory."


def _certified(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("all"):
        return f"{who.name} {who.are} certified for every product."
    if passed and not facts.get("product"):
        return "The lead names no product."
    return f"{who.name} {who.are} {'' if passed else 'not '}certified for {facts.get('product') or 'the product'}."


def _open_cap(who: Who, passed: bool, facts: Facts) -> str:
    """Where the guard of the offer found no room after all, the counts read before it say nothing."""
    if not passed and facts.get("open", 0) < facts.get("cap", 0):
        return f"{who.name} had no room left at that moment."
    if "open" not in facts:
        return f"{who.name} had {'' if passed else 'no '}room for another open lead."
    return f"{who.name} had {facts['open']} of {facts['cap']} open leads{'' if passed else ': no room'}."


def _daily_cap(who: Who, passed: bool, facts: Facts) -> str:
    return _cap(who, passed, facts, "that day")


def _weekly_cap(who: Who, passed: bool, facts: Facts) -> str:
    return _cap(who, passed, facts, "that week")


def _cap(who: Who, passed: bool, facts: Facts, period: str) -> str:
    if facts.get("cap") is None:
        return f"{who.name} {who.have} no cap for {period}."
    return f"{who.name} had {facts['offered']} of {facts['cap']} leads {period}{'' if passed else ': no room'}."


def _closure(who: Who, passed: bool, facts: Facts) -> str:
    return f"{who.name} {who.were} open: no closure." if passed else f"{who.name} {who.were} closed{_until(facts)}."


def _quiet(who: Who, passed: bool, facts: Facts) -> str:
    return "It was no quiet period." if passed else f"{who.name} {who.were} in a quiet period{_until(facts)}."


def _wants_kind(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("kind") != "early":
        return f"{who.name} {who.take} leads of this kind."
    return f"{who.name} asked for early leads." if passed else f"{who.name} did not ask for early leads."


def _earlier_holder(who: Who, passed: bool, facts: Facts) -> str:
    return f"{who.name} {'had not' if passed else 'had'} held this lead before{'' if passed else ' and it moved on'}."


def _conflict(who: Who, passed: bool, facts: Facts) -> str:
    if passed:
        return "No other deal stands in the way."
    return DUE_FIRST if isinstance(who, _You) else "Another partner owns the account by an open deal."


def _product_cap(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("cap") is None:
        return "No cap for the product stood in the way." if passed else f"{who.name} had no room for this product."
    of = f"open leads for {facts['product']}" if facts.get("product") else "open leads of this product"
    return f"{who.name} had {facts.get('open', 0)} of {facts['cap']} {of}{'' if passed else ': no room'}."


SENTENCES = {
    Gate.ACTIVE: _active, Gate.REACHABLE: _reachable, Gate.STANDING: _standing, Gate.TERRITORY: _territory,
    Gate.CERTIFIED: _certified, Gate.OPEN_CAP: _open_cap, Gate.DAILY_CAP: _daily_cap, Gate.WEEKLY_CAP: _weekly_cap,
    Gate.CLOSURE: _closure, Gate.QUIET_PERIOD: _quiet, Gate.WANTS_KIND: _wants_kind,
    Gate.EARLIER_HOLDER: _earlier_holder, Gate.CONFLICT: _conflict, Gate.PRODUCT_CAP: _product_cap,
}  # fmt: skip


def decision_sentence(
    *,
    outcome: DecisionOutcome,
    origin: AssignmentOrigin | str | None,
    strategy: StrategyKind | str | None,
    reason: QueueReason | None,
    winner: str | None,
    audience: str,
    seen: Seen | None = None,
) -> str:
    """A decision in one sentence. ``seen``: of all its candidates; nothing of it goes to a partner.

    To the partner that got the lead: how it came to it, no count, rank, rule or rival. For one that did not:
    ``missed_sentence``.
    """
    if outcome is DecisionOutcome.OFFERED:
        known = AssignmentOrigin(origin) if origin else AssignmentOrigin.ROTATION
        if audience == "partner":
            return ORIGIN_PARTNER.get(known, "It was your turn among those that fit.")
        return _won(known, strategy, winner or "A partner", seen or Seen())
    if outcome is DecisionOutcome.POOLED:
        return "It is in the open pool: the first to claim it gets it."
    return "No partner could take it." if audience == "partner" else queued_sentence(reason, (seen or Seen()).closed)


def _won(origin: AssignmentOrigin, strategy: StrategyKind | str | None, winner: str, seen: Seen) -> str:
    if origin in ORIGIN_STAFF:
        return ORIGIN_STAFF[origin].format(winner=winner)
    if strategy == StrategyKind.NAMED:
        return f"{winner} is the partner that the rule names."
    if origin is AssignmentOrigin.RULE and not seen.ranked:
        return f"{winner} is the partner to whom the rule turns where nobody else can take a lead."
    fit = seen.fit
    among = f"among {fit} partners that fit" if fit > 1 else "as the only partner that fits"
    if strategy in FIRST_BY and origin is AssignmentOrigin.RULE:
        told = FIRST_BY[StrategyKind(strategy)]
        return f"{winner} {told} {among}." if fit > 1 else f"{winner} was the only partner that fits."
    if strategy == StrategyKind.BEST_CONVERSION:
        return f"{winner} was next in turn: this lead is of the share that goes round all but the best."
    return f"{winner} was next in turn {among}."


def missed_sentence(candidate: Mapping[str, Any]) -> str:
    """Why a partner did not get a lead, to that partner: its own first closed gate, or that others were due first."""
    closed = next(((Gate(gate), facts) for gate, passed, facts in candidate["gates"] if not passed), None)
    if closed is None:
        return DUE_FIRST
    return gate_sentence(closed[0], False, closed[1], "partner", candidate["name"])


def queued_sentence(reason: QueueReason | None, closed: Mapping[Gate, int]) -> str:
    """Why a lead found nobody: the causes of those that cover it, most frequent first; else why none covers it.

    ``closed``: how many partners each gate was the first to keep off.
    """
    if reason is QueueReason.NO_RULE:
        return "No rule takes this lead."
    fitting: dict[Gate, int] = {
        gate: count for gate, count in closed.items() if gate not in (Gate.TERRITORY, Gate.CERTIFIED)
    }
    if not closed:
        return "The rule asks no partner."
    if not fitting:
        return f"None of {sum(closed.values())} partners fits: {_counted(closed)}."
    fits = sum(fitting.values())
    which = f"All {fits} partners that fit are out" if fits > 1 else "The only partner that fits is out"
    return f"{which}: {_counted(fitting)}."


def _counted(gates: Mapping[Gate, int]) -> str:
    order = list(Gate)
    counts = sorted(gates.items(), key=lambda pair: (-pair[1], order.index(pair[0])))
    return ", ".join(f"{count} {CAUSES[gate]}" for gate, count in counts)

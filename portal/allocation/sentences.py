"""Gates and decisions in plain words: in full to staff; to a partner about itself, never about another. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

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
    Gate.ACTIVE: "not active", Gate.REACHABLE: "nobody there can be reached", Gate.STANDING: "stopped or held",
    Gate.TERRITORY: "do not cover the territory", Gate.CERTIFIED: "not certified for the product",
    Gate.OPEN_CAP: "at their cap of open leads", Gate.DAILY_CAP: "at their cap for the day",
    Gate.WEEKLY_CAP: "at their cap for the week", Gate.CLOSURE: "closed", Gate.QUIET_PERIOD: "in a quiet period",
    Gate.WANTS_KIND: "did not ask for early leads", Gate.EARLIER_HOLDER: "held it before",
    Gate.CONFLICT: "another partner owns the account",
}  # fmt: skip


def gate_sentence(gate: Gate, passed: bool, facts: Facts, audience: str, partner_name: str) -> str:
    """One gate's answer. ``audience``: staff, who read the partner's name, or partner, who is "you"."""
    who = _You() if audience == "partner" else _They(partner_name)
    return SENTENCES[gate](who, passed, facts)


class _You:
    """Words about the reader itself."""

    name, own, are, were, have, do = "You", "your", "are", "were", "have", "do"


class _They:
    """Words about a partner, to staff."""

    own, are, were, have, do = "its", "is", "was", "has", "does"

    def __init__(self, name: str) -> None:
        self.name = name


Who = _You | _They


def _place(facts: Facts) -> str:
    parts = [str(facts[name]) for name in ("postcode", "region", "country") if facts.get(name)]
    return ", ".join(parts) or "A lead without a country"


def _until(facts: Facts) -> str:
    return f" until {datetime.fromisoformat(facts['until']):%Y-%m-%d}" if facts.get("until") else ""


def _active(who: Who, passed: bool, facts: Facts) -> str:
    return f"{who.name} {who.are} {'' if passed else 'not '}active."


def _reachable(who: Who, passed: bool, facts: Facts) -> str:
    if passed:
        return f"{who.name} can be reached."
    return f"{who.name} cannot be reached: nobody is signed up there, or mail to all of them came back."


def _standing(who: Who, passed: bool, facts: Facts) -> str:
    label = Standing(facts["standing"]).label.lower() if facts.get("standing") else "stopped"
    standing = (
        f"{who.name} {who.were} in good standing." if label == "good" else f"{who.name} {who.were} {label}."
    )
    return standing if passed else standing[:-1] + ": no new leads."


def _territory(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("all"):
        return f"{who.name} {'cover' if isinstance(who, _You) else 'covers'} every territory."
    return f"{_place(facts)} is {'' if passed else 'not '}in {who.own} territory."


def _certified(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("all") or not facts.get("product"):
        return (
            f"{who.name} {who.are} certified for every product."
            if facts.get("all")
            else "No product was asked for."
        )
    return f"{who.name} {who.are} {'' if passed else 'not '}certified for {facts['product']}."


def _open_cap(who: Who, passed: bool, facts: Facts) -> str:
    if "open" not in facts:
        return f"{who.name} had no room for another open lead."
    return f"{who.name} had {facts['open']} of {facts['cap']} open leads{'' if passed else ': no room'}."


def _daily_cap(who: Who, passed: bool, facts: Facts) -> str:
    return _cap(who, passed, facts, "that day")


def _weekly_cap(who: Who, passed: bool, facts: Facts) -> str:
    return _cap(who, passed, facts, "that week")


def _cap(who: Who, passed: bool, facts: Facts, period: str) -> str:
    if facts.get("cap") is None:
        return f"{who.name} {who.have} no cap for {period}."
    return (
        f"{who.name} had {facts['offered']} of {facts['cap']} leads {period}{'' if passed else ': no room'}."
    )


def _closure(who: Who, passed: bool, facts: Facts) -> str:
    return (
        f"{who.name} {who.were} open: no closure."
        if passed
        else f"{who.name} {who.were} closed{_until(facts)}."
    )


def _quiet(who: Who, passed: bool, facts: Facts) -> str:
    return "It was no quiet period." if passed else f"{who.name} {who.were} in a quiet period{_until(facts)}."


def _wants_kind(who: Who, passed: bool, facts: Facts) -> str:
    if facts.get("kind") != "early":
        return f"{who.name} {'take' if isinstance(who, _You) else 'takes'} leads of this kind."
    return f"{who.name} asked for early leads." if passed else f"{who.name} did not ask for early leads."


def _earlier_holder(who: Who, passed: bool, facts: Facts) -> str:
    return f"{who.name} {'had not' if passed else 'had'} held this lead before{'' if passed else ' and it moved on'}."


def _conflict(who: Who, passed: bool, facts: Facts) -> str:
    if passed:
        return "No other deal stands in the way."
    return (
        "Others were due first."
        if isinstance(who, _You)
        else "Another partner owns the account by an open deal."
    )


SENTENCES = {
    Gate.ACTIVE: _active, Gate.REACHABLE: _reachable, Gate.STANDING: _standing, Gate.TERRITORY: _territory,
    Gate.CERTIFIED: _certified, Gate.OPEN_CAP: _open_cap, Gate.DAILY_CAP: _daily_cap, Gate.WEEKLY_CAP: _weekly_cap,
    Gate.CLOSURE: _closure, Gate.QUIET_PERIOD: _quiet, Gate.WANTS_KIND: _wants_kind,
    Gate.EARLIER_HOLDER: _earlier_holder, Gate.CONFLICT: _conflict,
}  # fmt: skip


def decision_sentence(
    *,
    outcome: DecisionOutcome,
    origin: AssignmentOrigin | str | None,
    strategy: StrategyKind | str | None,
    reason: QueueReason | None,
    winner: str | None,
    candidates: Sequence[Mapping[str, Any]],
    audience: str,
) -> str:
    """A decision in one sentence. ``candidates`` as a decision keeps them; to a partner, at most its own."""
    if outcome is DecisionOutcome.OFFERED:
        known = AssignmentOrigin(origin) if origin else None
        if audience == "partner":
            return (
                ORIGIN_PARTNER.get(known, "Among those that fit, it was your turn.")
                if known
                else "It was your turn."
            )
        return _won(known, strategy, winner or "A partner", candidates)
    if outcome is DecisionOutcome.POOLED:
        return "It is in the open pool: the first to claim it gets it."
    return "No partner could take it." if audience == "partner" else queued_sentence(reason, candidates)


def _won(
    origin: AssignmentOrigin | None,
    strategy: StrategyKind | str | None,
    winner: str,
    candidates: Sequence[Mapping[str, Any]],
) -> str:
    if origin in ORIGIN_STAFF:
        return ORIGIN_STAFF[origin].format(winner=winner)
    fit = sum(bool(c["eligible"]) for c in candidates)
    among = f"among {fit} partners that fit" if fit != 1 else "and the only partner that fits"
    if strategy == StrategyKind.LEAST_LOADED:
        return f"{winner} was the least loaded {among}."
    if strategy == StrategyKind.NAMED:
        return f"{winner} is the partner that the rule names."
    return f"{winner} was next in turn {among}."


def queued_sentence(reason: QueueReason | None, candidates: Sequence[Mapping[str, Any]]) -> str:
    """Why a lead found nobody: the causes of those that cover it, most frequent first; else why none covers it."""
    if reason is QueueReason.NO_RULE:
        return "No rule takes this lead."
    firsts = [_first_closed(c) for c in candidates]
    closed = [gate for gate in firsts if gate is not None]
    fitting = [gate for gate in closed if gate not in (Gate.TERRITORY, Gate.CERTIFIED)]
    if not closed:
        return "The rule asks no partner."
    if not fitting:
        return f"None of {len(closed)} partners fits: {_counted(closed)}."
    which = (
        f"All {len(fitting)} partners that fit are out"
        if len(fitting) > 1
        else "The only partner that fits is out"
    )
    return f"{which}: {_counted(fitting)}."


def _first_closed(candidate: Mapping[str, Any]) -> Gate | None:
    return next((Gate(gate) for gate, passed, _ in candidate["gates"] if not passed), None)


def _counted(gates: Sequence[Gate]) -> str:
    counts = Counter(gates).most_common()
    return ", ".join(f"{count} {CAUSES[gate]}" for gate, count in counts)

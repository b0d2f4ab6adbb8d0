"""Why a partner got no leads, or few, over some days: what stood in its own way, counted from stored decisions. Pure.

Each lead counts once, so that the counts add up to the leads that were decided about:

1. It was offered to the partner, or the partner claimed it: it got that one.
2. Otherwise the first gate of its own that was closed when the lead was last decided about with it among those asked.
3. No gate closed: the lead went to the open pool, or others were due first (by rank; by another partner's deal too).
4. It was never among those asked (by hand, a returning person's partner, a rule that asks others): staff are told.

To a partner only its own causes are told. That others were due first has no count, and nothing tells who, how many,
by which rule or why; leads of which it was never asked are not told at all.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from portal.allocation.record import Stored, unpack
from portal.allocation.sentences import STANDINGS, place_words
from portal.vocabulary import AssignmentOrigin, DecisionOutcome, Gate, Standing

GOT, POOLED, DUE_FIRST, NOT_ASKED = "got", "pooled", "due_first", "not_asked"
#: What staff are told apart and a partner is not: all of it is that others were due first.
RIVALS = (DUE_FIRST, Gate.CONFLICT.value)


class Decided(NamedTuple):
    """One stored decision."""

    id: str
    lead_id: str
    at: datetime
    outcome: DecisionOutcome
    partner_id: str | None
    origin: str | None
    record: Stored


@dataclass(frozen=True)
class Cause:
    """What kept a partner from leads: a gate's name, ``pooled``, ``due_first`` or ``not_asked``.

    ``details``: how often each particular stood in the way (a place, a product, a standing, a count of its cap).
    """

    name: str
    leads: tuple[str, ...]
    details: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.leads)


@dataclass(frozen=True)
class Why:
    """What came of all leads that were decided about, for one partner.

    ``got``: by lead, how it came to it. ``causes``: first what was for it, the most frequent first; then the others.
    ``halved``: some of those that others were due first for were drawn while it was on reduced leads.
    """

    got: Mapping[str, str]
    causes: tuple[Cause, ...]
    halved: bool = False

    def of(self, name: str) -> Cause:
        """The cause of that name; one without leads where there was none."""
        return next((cause for cause in self.causes if cause.name == name), Cause(name, ()))

    @property
    def decided(self) -> int:
        """How many leads were decided about."""
        return len(self.got) + sum(cause.count for cause in self.causes)


class _Last(NamedTuple):
    """What is known of a lead so far: the latest answer."""

    asked: bool
    at: datetime
    id: str
    name: str
    detail: str
    halved: bool


def why_none(decisions: Iterable[Decided], slot: int, partner_id: str) -> Why:
    """Count what kept a partner from the leads of these decisions, given in any order; one pass."""
    got: dict[str, str] = {}
    last: dict[str, _Last] = {}
    for decided in decisions:
        if decided.partner_id == partner_id:
            got[decided.lead_id] = decided.origin or AssignmentOrigin.ROTATION.value
        else:
            told = _told(decided, slot, partner_id)
            last[decided.lead_id] = max(last.get(decided.lead_id, told), told)
    missed = {lead: told for lead, told in last.items() if lead not in got}
    by_name: dict[str, list[str]] = {}
    for lead, told in missed.items():
        by_name.setdefault(told.name, []).append(lead)
    details = {name: Counter(missed[lead].detail for lead in leads) for name, leads in by_name.items()}
    causes = [Cause(name, tuple(leads), dict(details[name].most_common())) for name, leads in by_name.items()]
    causes.sort(key=lambda cause: (_reach(cause.name), -cause.count, cause.name))
    return Why(got, tuple(causes), any(told.halved for told in missed.values()))


def _reach(name: str) -> int:
    """0: what was for the partner and went by. 1: what its settings never let through. 2: what it was not asked of."""
    return 2 if name == NOT_ASKED else int(name in (Gate.TERRITORY, Gate.CERTIFIED))


def _told(decided: Decided, slot: int, partner_id: str) -> _Last:
    """Where the partner was not asked, any other decision about the lead says more."""
    row = next(unpack(decided.record, {slot: partner_id}), None)
    if row is None:
        return _Last(False, decided.at, decided.id, NOT_ASKED, "", False)
    name, detail = _cause(row, decided.outcome)
    halved = name == DUE_FIRST and _standing(row) == Standing.REDUCED
    return _Last(True, decided.at, decided.id, name, detail, halved)


def _cause(row: Mapping[str, Any], outcome: DecisionOutcome) -> tuple[str, str]:
    for gate, passed, facts in row["gates"]:
        if not passed:
            return gate, _detail(Gate(gate), facts)
    return (POOLED if outcome is DecisionOutcome.POOLED else DUE_FIRST), ""


def _standing(row: Mapping[str, Any]) -> str | None:
    return next((facts.get("standing") for gate, _, facts in row["gates"] if gate == Gate.STANDING), None)


def _detail(gate: Gate, facts: Mapping[str, Any]) -> str:
    """The particular that stood in the way, in a few words; empty where there is nothing to tell apart."""
    if gate is Gate.STANDING:
        return STANDINGS[Standing(facts.get("standing") or Standing.STOPPED)]
    if gate is Gate.TERRITORY:
        return place_words(facts)
    if gate is Gate.CERTIFIED:
        return str(facts.get("product") or "")
    if gate in (Gate.OPEN_CAP, Gate.DAILY_CAP, Gate.WEEKLY_CAP, Gate.PRODUCT_CAP) and facts.get("cap") is not None:
        of = f" for {facts['product']}" if gate is Gate.PRODUCT_CAP and facts.get("product") else ""
        return f"cap of {facts['cap']}{of}"
    return ""


class Reason(NamedTuple):
    """One cause as a reader is told it. ``leads``: None where no count is told. ``change``: what would change it."""

    name: str
    leads: int | None
    sentence: str
    change: str
    details: Mapping[str, int]


#: Each cause to the partner and to staff, after "3 leads".
CAUSES: dict[str, tuple[str, str]] = {
    Gate.ACTIVE: ("while you were switched off", "while it was switched off"),
    Gate.REACHABLE: ("while nobody of yours could be reached", "while nobody there could be reached"),
    Gate.STANDING: ("while you were {}", "while it was {}"),
    Gate.TERRITORY: ("outside your territory", "outside its territory"),
    Gate.CERTIFIED: ("for products you are not certified for", "for products it is not certified for"),
    Gate.OPEN_CAP: ("while you were at your cap of open leads", "while it was at its cap of open leads"),
    Gate.DAILY_CAP: ("while you were at your cap for the day", "while it was at its cap for the day"),
    Gate.WEEKLY_CAP: ("while you were at your cap for the week", "while it was at its cap for the week"),
    Gate.CLOSURE: ("while you were closed", "while it was closed"),
    Gate.QUIET_PERIOD: ("in a quiet period", "in a quiet period"),
    Gate.WANTS_KIND: ("that were early, and you have not asked for those", "that were early, and it asks for none"),
    Gate.EARLIER_HOLDER: ("that you had held before", "that it had held before"),
    Gate.CONFLICT: ("", "of an account that another partner owns by an open deal"),
    Gate.PRODUCT_CAP: ("while you were at your cap for the product", "while it was at its cap for the product"),
    POOLED: ("that went to the open pool, where you could claim them", "that went to the open pool"),
    DUE_FIRST: ("", "for which others were due first"),
    NOT_ASKED: ("", "of which it was never asked: by hand, by an earlier contact, or by a rule that asks others"),
}
#: What would change it, to the partner and to staff.
CHANGES: dict[str, tuple[str, str]] = {
    Gate.ACTIVE: ("Your channel manager can switch you on.", "Switch the partner on."),
    Gate.REACHABLE: (
        "Have somebody of yours sign in, or invite somebody.",
        "Invite somebody there who can be reached.",
    ),
    Gate.STANDING: ("Catch up: see the way back.", "It catches up, or you release it."),
    Gate.TERRITORY: ("Ask your channel manager to add territories.", "Add territories."),
    Gate.CERTIFIED: ("Ask your channel manager to add products.", "Certify it for more products."),
    Gate.OPEN_CAP: ("Touch the leads you hold, and each makes room; or ask for a higher cap.", "Raise its cap."),
    Gate.DAILY_CAP: ("Ask your channel manager for a higher cap for the day.", "Raise its cap for the day."),
    Gate.WEEKLY_CAP: ("Ask your channel manager for a higher cap for the week.", "Raise its cap for the week."),
    Gate.CLOSURE: ("Shorten your closures.", "Its own closures end."),
    Gate.QUIET_PERIOD: ("Quiet periods are set under Team and hours, or by the vendor.", "Change the quiet periods."),
    Gate.WANTS_KIND: ("Ask for early leads under Team and hours.", "It can ask for early leads."),
    Gate.EARLIER_HOLDER: ("A lead that was declined, missed or returned is not offered again.", ""),
    Gate.CONFLICT: ("", "The deal ends."),
    Gate.PRODUCT_CAP: ("Ask your channel manager for a higher cap for the product.", "Raise its cap for the product."),
    POOLED: ("Look into the open pool: the first to claim gets the lead.", "It can claim from the pool."),
    DUE_FIRST: ("Your turn comes; there is nothing to do.", "See under Fairness whether it got its share."),
    NOT_ASKED: ("", "Look at the pools of the rules."),
}
HALVED = ("On reduced leads you get half your share: see the way back.", "On reduced leads it had half its share.")
NOBODYS = "Others were due first."
FEW_DETAILS = 5


def reasons(why: Why, audience: str) -> list[Reason]:
    """The causes as ``audience`` (partner, staff) is told them."""
    staff = audience == "staff"
    found = [_reason(cause, why, int(staff)) for cause in why.causes if staff or cause.name not in (*RIVALS, NOT_ASKED)]
    if not staff and any(cause.name in RIVALS for cause in why.causes):
        change = HALVED[0] if why.halved else CHANGES[DUE_FIRST][0]
        at = sum(not _reach(reason.name) for reason in found)
        found.insert(at, Reason(DUE_FIRST, None, NOBODYS, change, {}))
    return found


def _reason(cause: Cause, why: Why, reader: int) -> Reason:
    change = HALVED[reader] if cause.name == DUE_FIRST and why.halved else CHANGES[cause.name][reader]
    standings = " or ".join(cause.details) if cause.name == Gate.STANDING else ""
    sentence = f"{_leads(cause.count)} {CAUSES[cause.name][reader].format(standings)}"
    # What came in elsewhere is no partner's; a single standing is in the sentence.
    tells = reader or cause.name not in (Gate.TERRITORY, Gate.CERTIFIED)
    tells = tells and (cause.name != Gate.STANDING or len(cause.details) > 1)
    details = {told: count for told, count in [*cause.details.items()][:FEW_DETAILS] if told} if tells else {}
    return Reason(cause.name, cause.count, sentence, change, details)


def _leads(count: int) -> str:
    return f"{count:,} lead{'' if count == 1 else 's'}"


def headline(why: Why, audience: str, name: str = "") -> str:
    """How many leads the partner got, and what stood in its own way most often."""
    staff = audience == "staff"
    got = f"{name if staff else 'You'} got {_leads(len(why.got)) if why.got else 'no leads'} in these days."
    told = [reason for reason in reasons(why, audience) if reason.name != NOT_ASKED]
    if not told:
        return got if why.got else f"{got} Nothing came in that could have been {'its' if staff else 'yours'}."
    if told[0].leads is None:
        return f"{got} {NOBODYS}"
    return f"{got} What stood in {'its' if staff else 'your'} way most often: {told[0].sentence}."

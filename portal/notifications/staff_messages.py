"""What a notice says to the vendor's people: which partner, what happened, what it waits for. Pure."""

from collections.abc import Callable, Mapping

from portal.notifications.facts import (
    Facts,
    ask_of,
    because,
    kind_of_lead,
    label_of,
    lower,
    missing,
    of_kind,
    partner_of,
    path_of,
    sentence,
    sizes,
    standing_word,
    way_back,
)
from portal.notifications.instants import When
from portal.notifications.layout import House, Said, clip
from portal.vocabulary import NoticeTopic, QueueReason, Standing

#: The longest name of a partner that leaves room for what it did and when.
PARTNER_IN_SUBJECT = 24
Teller = Callable[[Facts, When, House], Said]


def short(facts: Facts) -> str:
    """The partner's name as a subject holds it."""
    return clip(partner_of(facts), PARTNER_IN_SUBJECT)


def _breach(facts: Facts, when: When, house: House) -> Said:
    outcome = "The lead has moved on" if facts.get("moved") else "The lead stays with them"
    was_due = when(facts, before="due ", otherwise="late")
    return Said(
        f"{short(facts)}: {missing(facts)}{when(facts, before=' by ')}",
        (f"{ask_of(facts)}: {was_due}. {outcome}.", *sentence(facts)),
        heading=f"{partner_of(facts)} missed a due time", details=tuple(sizes(facts)), link=f"Open {short(facts)}",
        path=path_of(facts), tag="missed by partners",
    )  # fmt: skip


def _warning(facts: Facts, when: When, house: House) -> Said:
    partner, ask = partner_of(facts), lower(ask_of(facts))
    line = f"{partner} has until {when(facts, before='', otherwise='soon')}: {ask}, {kind_of_lead(facts)}."
    return Said(
        f"{short(facts)}: {ask} {when(facts, otherwise='soon')}", (line, *sentence(facts)),
        path=path_of(facts), tag="due at partners",
    )  # fmt: skip


def _stopped(facts: Facts, when: When, house: House) -> Said:
    partner, what = partner_of(facts), "on hold" if facts.get("to") == Standing.HELD else "stopped"
    since, back = when(facts, "at", before=" since "), way_back(facts)
    lines = (f"{partner} gets no new leads: {what}{since}.", *because(facts))
    return Said(
        f"{short(facts)} is {what}{since}", (*lines, "Their way back:") if back else lines, back,
        heading=f"{partner} is {what}", link=f"Open {short(facts)}", path=path_of(facts),
    )  # fmt: skip


def _reinstated(facts: Facts, when: When, house: House) -> Said:
    now = standing_word(facts.get("to"))
    lines = (f"{partner_of(facts)} gets leads again. Standing now: {now}.", *because(facts))
    return Said(f"{short(facts)} gets leads again ({now})", lines, link=f"Open {short(facts)}", path=path_of(facts))


def _unallocated(facts: Facts, when: When, house: House) -> Said:
    reason = label_of(QueueReason, facts.get("reason"))
    line = f"{reason or 'Nobody has it'}. It stays in the queue until a partner can take it or you assign it by hand."
    return Said(
        f"Assign a lead by hand{of_kind(facts)}: {lower(reason) or 'it waits with nobody'}",
        (line, *sentence(facts)),
        heading="A lead waits in the queue", details=tuple(sizes(facts)),
        link="Open the queue", path=path_of(facts), tag="leads in the queue",
    )  # fmt: skip


STAFF: Mapping[NoticeTopic, Teller] = {
    NoticeTopic.BREACH: _breach,
    NoticeTopic.WARNING: _warning,
    NoticeTopic.STOPPED: _stopped,
    NoticeTopic.REINSTATED: _reinstated,
    NoticeTopic.UNALLOCATED: _unallocated,
}

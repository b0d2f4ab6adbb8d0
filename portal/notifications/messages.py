"""What a notice says to its reader: subject, sentences, the way back, one link. Pure: facts in, words out.

Facts are plain JSON and any may be absent. Two rules keep what is hidden hidden:

1. What is said of a lead before it is accepted or after it has moved on comes from grade, product, region,
   country and size alone: the lead's name stays out, and so does every free sentence.
2. Nothing names a partner but the reader's own; staff read the partner's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.notifications.facts import (
    Facts,
    ask_of,
    because,
    held,
    kind_of_lead,
    label_of,
    lead,
    lower,
    of_lead,
    partner_of,
    path_of,
    sentence,
    standing_word,
    steps,
    way_back,
)
from portal.notifications.layout import House, Reader, Said
from portal.vocabulary import NoticeTopic, QueueReason, Standing


def say(topic: NoticeTopic, audience: str, facts: Facts, reader: Reader, house: House) -> Said:
    """The words of one notice for ``audience`` (partner, manager or user)."""
    tell = _STAFF.get(topic) if audience == "manager" else None
    return (tell or _TELL[topic])(facts, _When(reader.timezone, house), house)


@dataclass(frozen=True)
class _When:
    """Instants in the reader's zone. A mail may be read tomorrow, so it never says today."""

    zone: str
    house: House

    def __call__(self, facts: Facts, name: str = "due_at", before: str = "by ", otherwise: str = "") -> str:
        try:
            at = datetime.fromisoformat(str(facts.get(name)))
        except ValueError:
            return otherwise
        return before + self.house.exact(at, self.zone, at - timedelta(days=2))


def _offer(facts: Facts, when: _When, house: House) -> Said:
    due = when(facts, otherwise="soon")
    return Said(
        f"A new lead for you: answer {due}",
        (
            f"We offer you a lead: {kind_of_lead(facts)}.",
            f"Accept or decline {due}. You see who it is when you accept.",
        ),
        link="Accept or decline",
        path=path_of(facts),
    )


def _warning(facts: Facts, when: _When, house: House) -> Said:
    asked = f"{ask_of(facts)} {when(facts, otherwise='soon')}"
    return Said(
        f"{asked}{of_lead(facts)}",
        (f"{asked}: {lead(facts)}.", *_sentence_of_held(facts)),
        path=path_of(facts),
    )


def _breach(facts: Facts, when: _When, house: House) -> Said:
    if facts.get("moved"):
        return _missed(facts, when)
    ask, was_due = ask_of(facts), when(facts, before="was due ", otherwise="is late")
    caught_up = "Done late it still counts as caught up."
    lines = (f"{ask} {was_due} and is late: {lead(facts)}.", caught_up, *_sentence_of_held(facts))
    return Said(f"Late: {lower(ask)}{of_lead(facts)}", lines, path=path_of(facts))


def _missed(facts: Facts, when: _When) -> Said:
    ask, was_due = ask_of(facts), when(facts, before="was due ", otherwise="is over")
    line = f"{ask} {was_due} and was missed. The lead has moved on: {kind_of_lead(facts)}."
    return Said(f"Missed: {lower(ask)}; the lead moved on", (line,), link="Our standing", path=path_of(facts))


def _sentence_of_held(facts: Facts) -> tuple[str, ...]:
    return sentence(facts) if held(facts) else ()


def _moved_on(facts: Facts, when: _When, house: House) -> Said:
    moved = when(facts, "at", before=" on ")
    lines = (f"You no longer hold this lead; it moved on{moved}: {kind_of_lead(facts)}.", *because(facts))
    return Said("A lead has moved on", lines, path=path_of(facts))


def _stopped(facts: Facts, when: _When, house: House) -> Said:
    if facts.get("to") == Standing.HELD:
        until = when(facts, "until", before=" until ")
        lines = (
            f"{house.vendor} has put new leads for you on hold{until}.",
            *because(facts),
            *sentence(facts),
            KEEP,
        )
        return Said("New leads are on hold", lines, way_back(facts), "Our standing", path_of(facts))
    lines = (
        "We have stopped sending you new leads.",
        *sentence(facts),
        *because(facts),
        KEEP,
        "The way back:",
    )
    return Said("New leads are stopped: the way back", lines, way_back(facts), "Our standing", path_of(facts))


KEEP = "Leads you have accepted stay with you; offers you had not answered went to others."


def _reinstated(facts: Facts, when: _When, house: House) -> Said:
    lines = ["Leads come to you again from now on.", *sentence(facts)]
    if facts.get("to") == Standing.PROBATION:
        lines.append("For a while you hold only a few new leads at once, and one miss stops them again.")
    return Said("Leads resume", tuple(lines), link="Our standing", path=path_of(facts))


def _standing(facts: Facts, when: _When, house: House) -> Said:
    now = standing_word(facts.get("to"))
    lines = (f"Your standing is now: {now}.", *sentence(facts), *because(facts))
    return Said(f"Your standing: {now}", lines, steps(facts), "Our standing", path_of(facts))


def _enquired_again(facts: Facts, when: _When, house: House) -> Said:
    line = "The person behind one of your leads has enquired again. What they said is on the lead's timeline."
    return Said("One of your leads enquired again", (line,), path=path_of(facts))


def _extended(facts: Facts, when: _When, house: House) -> Said:
    asked = f"{ask_of(facts)} {when(facts, otherwise='later')}"
    lines = (f"You have more time. {asked}: {lead(facts)}.", *because(facts))
    return Said(f"More time: {lower(asked)}", lines, path=path_of(facts))


def _waived(facts: Facts, when: _When, house: House) -> Said:
    lines = (f"{ask_of(facts)} no longer counts for you: {lead(facts)}.", *because(facts))
    return Said(f"Waived: {lower(ask_of(facts))}", lines, path=path_of(facts))


def _unallocated(facts: Facts, when: _When, house: House) -> Said:
    reason = label_of(QueueReason, facts.get("reason"))
    line = f"A lead waits with nobody: {kind_of_lead(facts)}. {reason}{'.' if reason else ''}".strip()
    return Said("A lead waits in the queue", (line, *sentence(facts)), link="Open the queue", path=path_of(facts))


def _invitation(facts: Facts, when: _When, house: House) -> Said:
    until = when(facts, "until", before=" until ")
    who = facts.get("partner")
    lines = (f"{house.vendor} invites you to its partner portal{f' for {who}' if who else ''}.",
             f"Choose a password to come in. The link works once{until}.")  # fmt: skip
    return Said(
        f"Your invitation to the partner portal of {house.vendor}",
        lines,
        link="Choose a password",
        path=path_of(facts),
    )


def _password_reset(facts: Facts, when: _When, house: House) -> Said:
    until = when(facts, "until", before=" until ")
    lines = (f"Here is the link to a new password. It works once{until}.",
             "If you did not ask for it, nothing changes and you can leave this unread.")  # fmt: skip
    return Said("A new password", lines, link="Choose a new password", path=path_of(facts))


def _staff_breach(facts: Facts, when: _When, house: House) -> Said:
    partner, ask = partner_of(facts), lower(ask_of(facts))
    outcome = "The lead has moved on" if facts.get("moved") else "The lead stays with them"
    was_due = when(facts, before="due ", otherwise="late")
    line = f"{partner} missed a due time: {ask}, {was_due}. {outcome}: {kind_of_lead(facts)}."
    return Said(f"{partner} missed: {ask}", (line, *sentence(facts)), path=path_of(facts))


def _staff_stopped(facts: Facts, when: _When, house: House) -> Said:
    partner, what = partner_of(facts), "on hold" if facts.get("to") == Standing.HELD else "stopped"
    since, back = when(facts, "at", before=" since "), way_back(facts)
    lines = (f"{partner} gets no new leads: {what}{since}.", *sentence(facts), *because(facts))
    if back:
        lines = (*lines, "Their way back:")
    return Said(f"{partner} is {what}", lines, back, path=path_of(facts))


def _staff_reinstated(facts: Facts, when: _When, house: House) -> Said:
    partner, now = partner_of(facts), standing_word(facts.get("to"))
    lines = (f"{partner} gets leads again. Standing now: {now}.", *sentence(facts))
    return Said(f"{partner} gets leads again", lines, path=path_of(facts))


def _staff_warning(facts: Facts, when: _When, house: House) -> Said:
    partner, ask = partner_of(facts), lower(ask_of(facts))
    line = f"{partner} has until {when(facts, before='', otherwise='soon')}: {ask}, {kind_of_lead(facts)}."
    return Said(f"{partner}: {ask} {when(facts, otherwise='soon')}", (line, *sentence(facts)), path=path_of(facts))


_Teller = Callable[[Facts, _When, House], Said]
_TELL: Mapping[NoticeTopic, _Teller] = {
    NoticeTopic.OFFER: _offer,
    NoticeTopic.WARNING: _warning,
    NoticeTopic.BREACH: _breach,
    NoticeTopic.MOVED_ON: _moved_on,
    NoticeTopic.STOPPED: _stopped,
    NoticeTopic.REINSTATED: _reinstated,
    NoticeTopic.STANDING: _standing,
    NoticeTopic.ENQUIRED_AGAIN: _enquired_again,
    NoticeTopic.EXTENDED: _extended,
    NoticeTopic.WAIVED: _waived,
    NoticeTopic.UNALLOCATED: _unallocated,
    NoticeTopic.INVITATION: _invitation,
    NoticeTopic.PASSWORD_RESET: _password_reset,
}
_STAFF: Mapping[NoticeTopic, _Teller] = {
    NoticeTopic.BREACH: _staff_breach,
    NoticeTopic.WARNING: _staff_warning,
    NoticeTopic.STOPPED: _staff_stopped,
    NoticeTopic.REINSTATED: _staff_reinstated,
}

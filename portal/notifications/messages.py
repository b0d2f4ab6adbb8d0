"""What a notice says to a partner: subject, sentences, the way back, one link. Pure: facts in, words out.

Facts are plain JSON and any may be absent. Two rules keep what is hidden hidden:

1. What is said of a lead before it is accepted or after it has moved on comes from grade, product, region,
   country and size alone: the lead's name stays out, and so does every free sentence.
2. Nothing names a partner but the reader's own; staff read the partner's name (``staff_messages``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

from portal.notifications import appeal_messages, policy_messages
from portal.notifications.facts import (
    DIGEST_LISTS,
    Facts,
    about,
    acts,
    ask_of,
    because,
    headline,
    held,
    item,
    lower,
    missing,
    of_kind,
    of_lead,
    path_of,
    sentence,
    sizes,
    standing_word,
    steps,
    way_back,
)
from portal.notifications.instants import INSTANT, When
from portal.notifications.layout import House, Reader, Said, clip
from portal.notifications.staff_messages import STAFF
from portal.vocabulary import NoticeTopic, Standing, StopCause

KEEP = "Leads you have accepted stay with you; offers you had not answered went to others."


def say(topic: NoticeTopic, audience: str, facts: Facts, reader: Reader, house: House) -> Said:
    """The words of one notice for ``audience`` (partner, manager, admin or user), times in the reader's zone."""
    when = When(reader, house)
    tell = STAFF.get(topic) if audience in ("manager", "admin") else None
    said = (tell or _digest_or(topic, facts))(facts, when, house)
    return replace(
        said, subject=when.within(said.subject), heading=when.within(said.heading),
        lines=tuple(map(when.within, said.lines)), steps=tuple(map(when.within, said.steps)), acts=acts(facts),
    )  # fmt: skip


def _digest_or(topic: NoticeTopic, facts: Facts) -> "_Teller":
    return _digest if "items" in facts else _TELL[topic]


def _offer(facts: Facts, when: When, house: House) -> Said:
    asked = f"Answer 1 offer {when(facts, otherwise='soon')}"
    due = (("Answer by", when(facts, before="")),) if when(facts) else ()
    return Said(
        f"{asked}{of_kind(facts)}",
        ("We offer you a lead. You see who it is when you accept.",),
        heading=asked,
        details=(*sizes(facts), *due),
        link="See the offer in the portal" if acts(facts) else "Accept or decline",
        path=path_of(facts),
        tag="offers",
    )


def _warning(facts: Facts, when: When, house: House) -> Said:
    asked = f"{ask_of(facts)} {when(facts, otherwise='soon')}"
    moves = ("Miss that time and the lead moves on; it then counts as missed.",) if facts.get("hands_on") else ()
    return Said(
        f"{asked}{of_lead(facts)}",
        (*moves, *_sentence_of_held(facts)),
        heading=asked,
        details=about(facts),
        path=path_of(facts),
        tag="to do",
    )


def _breach(facts: Facts, when: When, house: House) -> Said:
    if facts.get("moved"):
        return _missed(facts, when)
    ask, since = ask_of(facts), when(facts, before=" since ")
    due = (("Was due", when(facts, before="")),) if since else ()
    lines = ("Do it now: done late it still counts as caught up.", *_sentence_of_held(facts))
    return Said(
        f"Late: {lower(ask)}, due{since.removeprefix(' since')}{of_lead(facts)}" if since
        else f"Late: {lower(ask)}{of_lead(facts)}",
        lines, heading=f"{ask}: late{since}", details=(*about(facts), *due), path=path_of(facts), tag="late",
        late=bool(due),
    )  # fmt: skip


def _missed(facts: Facts, when: When) -> Said:
    """The hand-over: time ran out and the lead went on."""
    by = when(facts, before=" by ", otherwise=" in time")
    lines = ("It counts as missed. You no longer hold the lead and nothing more is to be done for it.",)
    subject = f"Lead moved on: {missing(facts)}{by}"
    return Said(subject, lines, details=tuple(sizes(facts)), link="Our standing", path="/standing", tag="moved on")


def _sentence_of_held(facts: Facts) -> tuple[str, ...]:
    return sentence(facts) if held(facts) else ()


def _moved_on(facts: Facts, when: When, house: House) -> Said:
    if facts.get("kind"):
        return _missed(facts, when)
    moved = when(facts, "at", before=" ")
    lines = (f"You no longer hold this lead; it moved on{moved}.", *because(facts))
    left = when(facts, "at", before=" you on ")
    return Said(
        f"A lead has left{left or ' you'}{of_kind(facts)}", lines, details=tuple(sizes(facts)),
        path=path_of(facts), tag="moved on",
    )  # fmt: skip


def _stopped(facts: Facts, when: When, house: House) -> Said:
    if facts.get("to") == Standing.HELD:
        return _held(facts, when, house)
    lines = ("We have stopped sending you new leads.", *headline(facts), *because(facts), KEEP, "The way back:")
    return Said(
        _stop_subject(facts), lines, way_back(facts),
        heading="New leads are stopped", link="Our standing", path=path_of(facts), tag="about your standing",
    )  # fmt: skip


def _stop_subject(facts: Facts) -> str:
    """What brings leads back, as far as one line holds it."""
    overdue = facts.get("overdue")
    if facts.get("cause") == StopCause.OVERDUE and overdue:
        return f"New leads are stopped: do the {overdue} overdue and they resume"
    resume = next((found[0] for line in headline(facts) for found in INSTANT.finditer(line)), None)
    return f"New leads are stopped until {resume}: the way back" if resume else "New leads are stopped: the way back"


def _held(facts: Facts, when: When, house: House) -> Said:
    until = when(facts, "until", before=" until ")
    lines = (f"{house.vendor} has put them on hold. Leads and offers that you have stay with you.", *because(facts))
    return Said(
        f"New leads are on hold{until}", lines, way_back(facts),
        link="Our standing", path=path_of(facts), tag="about your standing",
    )  # fmt: skip


def _reinstated(facts: Facts, when: When, house: House) -> Said:
    lines, subject = list(because(facts)), "New leads come to you again"
    if facts.get("to") == Standing.PROBATION:
        until = when(facts, "until", before=" until ")
        subject += f", on probation{until}"
        lines += sentence(facts) or ("For a while you hold only a few new leads at once.",)
        lines.append("One miss stops them again.")
    else:
        lines.append("You get them from now on as before.")
    return Said(subject, tuple(lines), link="Our standing", path=path_of(facts), tag="about your standing")


def _standing(facts: Facts, when: When, house: House) -> Said:
    now = standing_word(facts.get("to"))
    return Said(
        f"Your standing is now {now}{_next_step(facts)}",
        (*sentence(facts), *because(facts), *headline(facts)), steps(facts),
        heading=f"Your standing: {now}", link="Our standing", path=path_of(facts), tag="about your standing",
    )  # fmt: skip


def _next_step(facts: Facts) -> str:
    return f": do the {facts['overdue']} overdue" if facts.get("overdue") else ""


def _digest(facts: Facts, when: When, house: House) -> Said:
    """The day's start: what is late and what is due by its end, the most urgent first."""
    every = [(each, bool(each.get("late"))) for each in facts["items"]]
    late = sum(is_late for _, is_late in every)
    items = tuple(item(each, when(each, before=""), late=is_late) for each, is_late in islice(every, DIGEST_LISTS))
    counted = " and ".join(
        part for part in (f"{late} late" if late else "", f"{len(every) - late} due today" if len(every) > late else "")
        if part
    )  # fmt: skip
    more = (f"The first {DIGEST_LISTS} are listed; My work has all {len(every)}.",) if len(every) > len(items) else ()
    return Said(
        f"{counted}: {_first_of(every[0][0], when, late=every[0][1])}", more, items=items,
        heading=counted[:1].upper() + counted[1:], link="Open My work", path="/work", tag="for today",
    )  # fmt: skip


def _first_of(facts: Facts, when: When, *, late: bool) -> str:
    return f"{lower(ask_of(facts))}{of_lead(facts) if late else ' ' + when(facts, otherwise='today') + of_lead(facts)}"


def _enquired_again(facts: Facts, when: When, house: House) -> Said:
    line = "The person behind one of your leads has enquired again. What they said is on the lead's timeline."
    return Said(f"One of your leads enquired again{of_lead(facts)}", (line,), link="Open the lead", path=path_of(facts))


def _extended(facts: Facts, when: When, house: House) -> Said:
    asked = f"{ask_of(facts)} {when(facts, otherwise='later')}"
    return Said(
        f"More time: {lower(asked)}{of_lead(facts)}", ("The time before that no longer counts.", *because(facts)),
        heading=f"More time: {lower(asked)}", details=about(facts), path=path_of(facts),
    )  # fmt: skip


def _waived(facts: Facts, when: When, house: House) -> Said:
    ask = lower(ask_of(facts))
    stands = when(facts, "respond_by", before="The offer stands. Answer it by ")
    lines = ("It no longer counts for you.", *((f"{stands}.",) if stands else ()), *because(facts))
    return Said(
        f"Waived: {ask}{of_lead(facts)}", lines,
        heading=f"Waived: {ask}", details=about(facts), path=path_of(facts),
    )  # fmt: skip


def _unallocated(facts: Facts, when: When, house: House) -> Said:
    return STAFF[NoticeTopic.UNALLOCATED](facts, when, house)


def _invitation(facts: Facts, when: When, house: House) -> Said:
    who = facts.get("partner")
    lines = (f"{house.vendor} invites you to its partner portal{f' for {who}' if who else ''}.",
             f"Choose a password to come in. The link works once{when(facts, 'until', before=' until ')}.")  # fmt: skip
    vendor = clip(house.vendor, 24)
    return Said(
        f"Join the partner portal of {vendor}{when(facts, 'until', before=' by ')}", lines,
        heading=f"Your invitation to the partner portal of {house.vendor}",
        link="Choose a password", path=path_of(facts),
    )  # fmt: skip


def _password_reset(facts: Facts, when: When, house: House) -> Said:
    until = when(facts, "until", before=" until ")
    lines = (f"Here is the link to a new password. It works once{until}.",
             "If you did not ask for it, nothing changes and you can leave this unread.")  # fmt: skip
    return Said(
        f"Choose a new password{when(facts, 'until', before=' by ')}", lines,
        heading="A new password", link="Choose a new password", path=path_of(facts),
    )  # fmt: skip


_Teller = Callable[[Facts, When, House], Said]
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
    NoticeTopic.EXCUSED: appeal_messages.excused,
    NoticeTopic.APPEAL: appeal_messages.waits,
    NoticeTopic.ANSWERED: appeal_messages.answered,
    NoticeTopic.POLICY: policy_messages.announced,
    NoticeTopic.UNALLOCATED: _unallocated,
    NoticeTopic.INVITATION: _invitation,
    NoticeTopic.PASSWORD_RESET: _password_reset,
}

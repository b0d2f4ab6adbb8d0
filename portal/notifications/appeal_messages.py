"""What notices say about appeals and excuses: to the partner the answer, to staff what waits. Pure."""

from portal.notifications.facts import Facts, ask_of, label_of, lower, missing, partner_of, path_of
from portal.notifications.instants import When
from portal.notifications.layout import House, Said, clip
from portal.vocabulary import AppealKind, AppealState, OutageKind

#: The longest name of a partner that leaves room for what it says and by when an answer is promised.
PARTNER_IN_SUBJECT = 24


def excused(facts: Facts, when: When, house: House) -> Said:
    """Time given back after an outage: one notice, however many deadlines."""
    closed = facts.get("outage") == OutageKind.VENDOR_CLOSED
    start, end = when(facts, "from", before=" from "), when(facts, "to", before=" to ")
    cause = f"{house.vendor} was closed" if closed else "This portal was away"
    parts = [_counted(facts, "extended", "moved to a later time"), _counted(facts, "waived", "no longer count")]
    told = " and ".join(part for part in parts if part) or "What it cost you is given back"
    return Said(
        f"More time: {lower(cause)}{start}",
        (f"{cause}{start}{end}. That was not your doing.", f"{told}.", "My work shows the times that hold now."),
        heading=f"More time: {lower(cause)}", link="Open My work", path=path_of(facts),
    )  # fmt: skip


def _counted(facts: Facts, name: str, told: str) -> str:
    count = facts.get(name)
    if not isinstance(count, int) or count < 1:
        return ""
    done = told.replace("count", "counts") if count == 1 and "count" in told else told
    return f"{count} deadline{'' if count == 1 else 's'} {done}"


def answered(facts: Facts, when: When, house: House) -> Said:
    """The vendor's answer to an appeal, with its reason."""
    granted = facts.get("state") == AppealState.GRANTED
    word = "granted" if granted else "not granted" if facts.get("state") == AppealState.REFUSED else "answered"
    about = lower(ask_of(facts)) if facts.get("kind") else "one of your deadlines"
    due = when(facts, "was_due_at", before=", due ")
    effect = "It no longer counts against you." if granted else "What was recorded stays as it is."
    reason = (f"The reason given: {facts['reason']}",) if facts.get("reason") else ()
    return Said(
        f"Your appeal is {word}: {about}",
        (f"It was about this: {about}{due}.", *((effect,) if word != "answered" else ()), *reason),
        link="See the answer", path=path_of(facts), tag="answers",
    )  # fmt: skip


def waits(facts: Facts, when: When, house: House) -> Said:
    """To staff: a partner has stated its case."""
    kind = label_of(AppealKind, facts.get("about")) or AppealKind.APPEAL.label
    by, due = when(facts, "by", before="by "), when(facts, "was_due_at", before=", due ")
    what = missing(facts) if facts.get("about") == AppealKind.APPEAL else lower(ask_of(facts))
    promise = (f"An answer is promised {by}.",) if by else ()
    who = clip(partner_of(facts), PARTNER_IN_SUBJECT)
    return Said(
        f"Answer {who}{' ' + by if by else ''}: {lower(kind)}",
        (f"{partner_of(facts)} says about one deadline ({what}{due}): {lower(kind)}.", *promise),
        heading=f"{partner_of(facts)} waits for an answer", link="Open the appeal", path=path_of(facts), tag="appeals",
    )  # fmt: skip

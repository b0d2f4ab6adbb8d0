"""Which notices a reader may turn off, and of which kind they are. Pure."""

from collections.abc import Mapping

from portal.vocabulary import NoticeKind, NoticeTopic, Role

#: For a partner. What is missing here goes to everyone: offers, what is late, leads that moved on, stops and returns.
OF_PARTNER: Mapping[NoticeTopic, NoticeKind] = {
    NoticeTopic.WARNING: NoticeKind.REMINDER,
    NoticeTopic.STANDING: NoticeKind.STANDING,
    NoticeTopic.ENQUIRED_AGAIN: NoticeKind.ENQUIRED_AGAIN,
    NoticeTopic.EXTENDED: NoticeKind.EASED,
    NoticeTopic.WAIVED: NoticeKind.EASED,
    NoticeTopic.EXCUSED: NoticeKind.EASED,
}
#: For the vendor's people. Sent to everyone: what partners missed, and stops.
OF_STAFF: Mapping[NoticeTopic, NoticeKind] = {
    NoticeTopic.UNALLOCATED: NoticeKind.QUEUE,
    NoticeTopic.REINSTATED: NoticeKind.RETURNS,
}
#: Told in a sentence where they are chosen.
EXPLAINED: Mapping[NoticeKind, str] = {
    NoticeKind.DIGEST: "Once a day, when you open: what is late and what is due. None where nothing is.",
    NoticeKind.REMINDER: "Before something is due, where the day's start has not told it.",
    NoticeKind.STANDING: "Warned, reduced, good again. Stops and returns are always sent.",
    NoticeKind.ENQUIRED_AGAIN: "The person behind one of your leads has written again.",
    NoticeKind.EASED: "You were given more time, or something no longer counts for you.",
    NoticeKind.QUEUE: "A lead found nobody and waits for you.",
    NoticeKind.RETURNS: "A partner that was stopped or on hold gets leads again.",
}


def kind_of(topic: NoticeTopic, audience: str, *, digest: bool = False) -> NoticeKind | None:
    """The kind by which a notice can be turned off; None where it is always sent."""
    if audience == "partner":
        return NoticeKind.DIGEST if digest else OF_PARTNER.get(topic)
    return OF_STAFF.get(topic) if audience in ("manager", "admin") else None


def offered_to(role: Role) -> tuple[NoticeKind, ...]:
    """The kinds that reach people of a role, in the order in which they are shown."""
    if role.is_partner:
        return (NoticeKind.DIGEST, *dict.fromkeys(OF_PARTNER.values()))
    return tuple(OF_STAFF.values()) if role in (Role.CHANNEL_MANAGER, Role.ADMIN) else ()


def always(role: Role) -> str:
    """What is sent to people of a role whatever they choose, as a sentence; empty where nothing is."""
    if role.is_partner:
        return "Always sent: offers, what is late, leads that have moved on, and stops with their way back."
    if role in (Role.CHANNEL_MANAGER, Role.ADMIN):
        return "Always sent: what partners missed, as the policy says, and who is stopped."
    return ""

"""Which notices are told together. Pure."""

from portal.vocabulary import NoticeTopic

#: What comes in numbers is told together: these share one mail for each reader, so that a late sweep floods nobody.
GROUPS = {
    NoticeTopic.WARNING: "reminders", NoticeTopic.BREACH: "reminders", NoticeTopic.MOVED_ON: "reminders",
    NoticeTopic.UNALLOCATED: "queue",
}  # fmt: skip
#: In such a mail what is late comes first, then what is due, then what is over.
ORDER = (NoticeTopic.BREACH, NoticeTopic.WARNING, NoticeTopic.MOVED_ON)

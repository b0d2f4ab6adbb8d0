"""What keeps a partner from coming down a rung, in words."""

from portal.compliance.sentences import are
from portal.vocabulary import Standing
from portal.web.staff import partner_words
from portal.web.staff.morning_reading import ToBeStopped

#: So many of the deadlines that decide are named.
NAMED = 3


def fall_sentence(row: ToBeStopped) -> str:
    """What keeps it off: "2 are overdue. Stopped unless 2 of these 3 are done in time: …"."""
    first = "On probation." if row.partner.standing is Standing.PROBATION else ""
    late = f"{are(row.overdue)} overdue." if row.overdue else ""
    return " ".join(filter(None, (first, late, _unless(row))))


def _unless(row: ToBeStopped) -> str:
    """How many of which deadlines are to be kept, so that what is missed does not suffice."""
    of, then = len(row.misses), row.fall.to.label
    if not of:
        return f"{then} then if nothing changes."
    keep = of - min(row.fall.need, of) + 1
    which = "this is" if of == 1 else "these are all" if keep == of else f"{keep} of these {of} are"
    named = [f"{it.kind.label.lower()} ({partner_words.lead_name(lead)})" for it, lead in row.misses[:NAMED]]
    more = f" and {of - NAMED} more" if of > NAMED else ""
    return f"{then} unless {which} done in time: {', '.join(named)}{more}."

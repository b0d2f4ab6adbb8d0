"""What a notice says of a policy that is to come: from when on, and what is then otherwise. Pure."""

from portal.notifications.facts import Facts, path_of
from portal.notifications.instants import When
from portal.notifications.layout import House, Said

#: Changes that a mail lists one by one; the page has all of them.
LISTED = 12


def announced(facts: Facts, when: When, house: House) -> Said:
    """To a partner: other deadlines or thresholds hold from an instant on."""
    starts = when(facts, "starts_at", before=" from ")
    listed = [str(change) for change in facts.get("changes") or ()]
    more = len(listed) - LISTED
    steps = (*listed[:LISTED], *((f"And {more} more: see what is due when.",) if more > 0 else ()))
    what = "What changes:" if listed else "It says what the one before it said."
    return Said(
        f"{house.vendor} changes its deadlines{starts}",
        (f"Policy {facts.get('number', '')} holds{starts}.", "What is open by then keeps its time.", what),
        steps,
        link="See what is due when",
        path=path_of(facts),
        tag="changes of the rules",
    )

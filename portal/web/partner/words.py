"""A lead in words: by name to whom holds it, by what anyone may see to whom it is only offered."""

from datetime import datetime

from models.assignments import Assignment
from models.leads import Lead
from portal.vocabulary import AssignmentState, Disposition, ObligationKind

ASKS = {
    ObligationKind.RESPOND: "Answer the offer",
    ObligationKind.FIRST_CONTACT: "First contact: call or write",
    ObligationKind.NEXT_TOUCH: "Touch {number}",
    ObligationKind.FEEDBACK: "Feedback: rating and disposition",
    ObligationKind.UPDATE: "Update the deal",
}
OUTCOMES = (Disposition.WON, Disposition.LOST)
HIDDEN = "name shown once accepted"


def knows(assignment: Assignment) -> bool:
    """Whether this assignment lets its partner see who the lead is: accepted, or closed by its outcome."""
    closed = assignment.state is AssignmentState.CLOSED and assignment.disposition in OUTCOMES
    return assignment.state is AssignmentState.ACCEPTED or closed


def person(lead: Lead) -> str:
    """The person's name; empty where none was given."""
    return " ".join(part for part in (lead.first_name, lead.last_name) if part)


def size(lead: Lead) -> str:
    """How many people work there, in a band: an exact number would name a company that has not been accepted."""
    if not lead.employees:
        return ""
    bands = ((10, "1–9"), (50, "10–49"), (250, "50–249"), (500, "250–499"), (1000, "500–999"), (5000, "1,000–4,999"))
    return f"{next((band for most, band in bands if lead.employees < most), '5,000 or more')} people"


def place(lead: Lead) -> str:
    """Region and country."""
    return ", ".join(part for part in (lead.region, lead.country) if part)


def name_of(lead: Lead, known: bool) -> str:
    """What a row calls the lead."""
    if known:
        return lead.company or person(lead) or lead.email or lead.phone or "This lead"
    parts = [part for part in (lead.product, size(lead)) if part]
    return ", ".join(parts) or f"New lead, grade {lead.grade}"


def detail_of(lead: Lead, known: bool) -> str:
    """The second line under the name."""
    if known:
        parts = [person(lead) if lead.company else "", lead.product or "", place(lead)]
    else:
        parts = [place(lead), HIDDEN]
    return " · ".join(part for part in parts if part)


def origin_of(lead: Lead) -> str:
    """Where the enquiry came from, as far as it is known."""
    return f"From {lead.campaign or lead.source}" if lead.campaign or lead.source else ""


def present(sentence: str) -> str:
    """A gate's answer, worded for a decision of the past, as it holds now."""
    for past, now in (("You were ", "You are "), ("You had ", "You have ")):
        if sentence.startswith(past):
            return now + sentence[len(past) :]
    return sentence


def state_of(assignment: Assignment) -> str:
    """How far the lead is in the partner's own hands: offered, accepted, contacted, won or lost."""
    if assignment.state is AssignmentState.CLOSED and assignment.disposition is not None:
        return assignment.disposition.value
    if assignment.state is AssignmentState.ACCEPTED and assignment.touches:
        return "contacted"
    return assignment.state.value


def held_since(assignment: Assignment) -> datetime:
    """From when on the lead was in the partner's hands."""
    instants = (assignment.offered_at, assignment.accepted_at)
    return min(at for at in instants if at is not None)

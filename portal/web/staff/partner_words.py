"""A partner's deadlines, ledger and measures in words for the vendor's people."""

from collections.abc import Iterable
from typing import Any

from flask import url_for

from models.assignments import Obligation
from models.compliance import LedgerEntry
from models.leads import Lead
from models.partners import Partner
from portal.compliance.agreements import Agreement
from portal.compliance.facts import Ladder
from portal.compliance.policy import State
from portal.vocabulary import LedgerKind, ObligationState, Standing, StopCause
from portal.web.shell import due, when
from portal.web.visitor import now

MEASURES = {
    LedgerKind.HOLD: "Put on hold",
    LedgerKind.EXEMPT: "Made exempt",
    LedgerKind.RELEASE: "Released",
    LedgerKind.READY: "Said it is ready",
    LedgerKind.WAIVE: "Deadline waived",
    LedgerKind.EXTEND: "Deadline extended",
    LedgerKind.BREACH: "Deadline missed",
    LedgerKind.APPEAL: "Stated its case",
    LedgerKind.REFUSE: "Appeal refused",
}
ENDS = {
    ObligationState.MET: "met_at",
    ObligationState.CURED: "cured_at",
    ObligationState.WAIVED: "waived_at",
    ObligationState.CANCELLED: "cancelled_at",
    ObligationState.BREACHED: "breached_at",
}
STATES = {
    ObligationState.MET: "Done in time",
    ObligationState.CURED: "Done late",
    ObligationState.WAIVED: "Waived",
    ObligationState.CANCELLED: "Not needed any more",
    ObligationState.BREACHED: "Missed",
}


def lead_name(lead: Lead) -> str:
    """What staff call a lead."""
    person = " ".join(filter(None, (lead.first_name, lead.last_name)))
    return lead.company or person or lead.email or lead.phone or "A lead without a name"


def agreed(found: Iterable[Agreement]) -> list[tuple[str, str]]:
    """What rules, and who at the partner has acknowledged it when."""
    return [
        (it.title, f"Acknowledged {when(it.by.at)} by {it.by.user_name}" if it.by else "Not acknowledged yet")
        for it in found
    ]


def overdue(row: Obligation) -> bool:
    """Whether its time has run out, recorded or not yet."""
    return row.state is ObligationState.BREACHED or row.due_at <= now()


def deadline(row: Obligation, lead: Lead) -> dict[str, Any]:
    """One obligation as a row of the table."""
    at = getattr(row, ENDS[row.state]) if row.state in ENDS else None
    return {
        "id": row.id,
        "kind": row.kind.label,
        "lead": lead_name(lead),
        "lead_url": url_for("lead.page", lead_id=lead.id),
        "grade": lead.grade,
        "late": overdue(row),
        "open": row.state is ObligationState.OPEN,
        "due": due(row.due_at),
        "due_at": when(row.due_at),
        "opened": when(row.opened_at),
        "state": STATES.get(row.state, row.state.label),
        "ended": when(at),
        "policy": row.policy_version,
    }


def line(row: LedgerEntry) -> dict[str, Any]:
    """One line of the ledger: what, why, by whom."""
    return {
        "what": _what(row),
        "at": when(row.at),
        "iso": row.at.isoformat(),
        "who": row.actor_name or "Fairlead",
        "reason": row.reason,
        "count": len(row.obligation_ids),
        "to": row.to_standing.value if row.to_standing else None,
    }


def _what(row: LedgerEntry) -> str:
    if row.kind is LedgerKind.CHANGE and row.from_standing and row.to_standing:
        cause = row.facts.get("cause")
        why = f", {CAUSES[StopCause(cause)]}" if cause and row.to_standing is Standing.STOPPED else ""
        return f"{row.from_standing.label} to {row.to_standing.label.lower()}{why}"
    until = f" until {when(row.until)}" if row.until else ""
    return f"{MEASURES.get(row.kind, row.kind.label)}{until}"


CAUSES = {
    StopCause.OVERDUE: "too many overdue at once",
    StopCause.RATE: "kept too few in time",
    StopCause.ROW: "missed several in a row",
}


def cause_sentence(state: State, ladder: Ladder) -> str:
    """Why the partner is stopped, with the threshold that did it; empty where it is not."""
    if state.rung is not Standing.STOPPED or state.cause is None:
        return ""
    below = f"{float(ladder.stop_below) * 100:g} %"
    return {
        StopCause.OVERDUE: f"Stopped because {ladder.stop_on_overdue} or more were overdue at once.",
        StopCause.RATE: f"Stopped because less than {below} of what fell due was kept.",
        StopCause.ROW: _row_sentence(len(state.because), ladder),
    }[state.cause]


def _row_sentence(missed: int, ladder: Ladder) -> str:
    if missed < min(2, ladder.breaches_in_a_row):
        return "Stopped because of a miss on probation."
    return f"Stopped because of {missed} missed in a row."


def thresholds(ladder: Ladder) -> list[str]:
    """Where the bar of kept of due has its marks, in per cent."""
    return [f"{float(rate) * 100:g}" for rate in (ladder.stop_below, ladder.reduce_below, ladder.warn_below)]


def outcome(name: str, state: State, ladder: Ladder) -> str:
    """What a standing means for leads, as an effect: "leads resume, on probation, at most 2 open."."""
    return {
        Standing.GOOD: "it is in good standing and gets its full share.",
        Standing.WARNED: "it is warned; leads come at full share.",
        Standing.REDUCED: "it is reduced: half the share, half the open leads.",
        Standing.STOPPED: "it stays stopped: no new leads.",
        Standing.PROBATION: f"leads resume, on probation, at most {ladder.probation_open_lead_cap} open.",
        Standing.HELD: "it stays on hold: no new leads.",
        Standing.EXEMPT: "it stays exempt: deadlines run, leads are not stopped.",
    }[state.shown]


def hold_effect(partner: Partner, total: int) -> str:
    """What a hold does."""
    return f"Hold {partner.name}: no new leads until the end of the day you give. {_keeps(total)}"


def exempt_effect(partner: Partner) -> str:
    """What an exemption does."""
    leads = " Leads resume at once." if not partner.standing.allows_leads else ""
    return (
        f"Exempt {partner.name}: deadlines run and are recorded as ever, but leads are not stopped "
        f"until the end of the day you give.{leads}"
    )


def release_effect(partner: Partner, state: State, ladder: Ladder, late: int) -> str:
    """What a release does: "Release Nordhaven: leads resume, on probation, at most 2 open."."""
    settled = {0: "", 1: " The one overdue stays missed but no longer counts as overdue."}.get(
        late, f" The {late} overdue stay missed but no longer count as overdue."
    )
    return f"Release {partner.name}: {outcome(partner.name, state, ladder)}{settled}"


def _keeps(total: int) -> str:
    if not total:
        return "It holds nothing now."
    return f"The {total} lead{'' if total == 1 else 's'} it holds stay{'s' if total == 1 else ''} with it."


def waive_effect(partner: Partner, rows: list[Obligation], state: State, ladder: Ladder) -> str:
    """What a waiver does to the deadlines and to the standing."""
    late, number = sum(overdue(row) for row in rows), len(rows)
    told = f"{number} deadline{'' if number == 1 else 's'} of {partner.name} will count nowhere"
    told += f", {late} of them overdue now." if late else "."
    if state.shown is partner.standing:
        return f"{told} Its standing stays {partner.standing.label.lower()}."
    return f"{told} Then {outcome(partner.name, state, ladder)}"

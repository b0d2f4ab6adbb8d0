"""Who may say what against a deadline, and until when. Pure."""

from datetime import datetime, timedelta

from portal.vocabulary import AppealKind, ObligationState, Role

#: So long after it was due a miss can be appealed against, in elapsed time.
APPEAL_WITHIN = timedelta(days=30)
LATE = (ObligationState.BREACHED, ObligationState.CURED)
LONGEST = 10_000


def why_not(kind: AppealKind, state: ObligationState, due_at: datetime, now: datetime) -> str | None:
    """Why nothing can be said against a deadline in this way; None where it can. All of these must hold:

    1. It is missed or done late; for a late hand-over or wrong data it may be open, too.
    2. Missed or done late: at most 30 days ago.
    """
    if state is ObligationState.OPEN:
        return "This deadline is still open: there is nothing to appeal yet." if kind is AppealKind.APPEAL else None
    if state not in LATE:
        return f"This deadline is {state.label.lower()}: it does not count against you."
    if now > due_at + APPEAL_WITHIN:
        return f"This was due more than {APPEAL_WITHIN.days} days ago: an appeal comes too late."
    return None


def may_file(kind: AppealKind, role: Role) -> bool:
    """An appeal is a partner admin's; what went wrong on the vendor's side anybody there may say."""
    return role is Role.PARTNER_ADMIN or (kind is not AppealKind.APPEAL and role is Role.PARTNER_REP)

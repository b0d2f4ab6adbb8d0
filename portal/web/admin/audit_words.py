"""The audit in words: what each act is called, and what its facts say."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.web.shell import when
from portal.web.staff.paging import ID

#: What somebody did, after their name. An act that has no words here yet is told by its own name.
ACTS = {
    "lead.receive": "took a lead in",
    "lead.assign": "assigned a lead by hand",
    "lead.claim": "claimed a lead",
    "lead.again": "had a lead placed again",
    "lead.reopen": "reopened a lead",
    "lead.disqualified": "disqualified a lead",
    "lead.nurture": "kept a lead for nurture",
    "lead.duplicate": "merged a lead into another",
    "assignment.recall": "took a lead back",
    "assignment.undo": "undid what was just done on a lead",
    "obligation.waive": "waived a deadline",
    "obligation.extend": "extended a deadline",
    "appeal.file": "appealed",
    "appeal.withdraw": "withdrew an appeal",
    "appeal.decide": "decided an appeal",
    "deal.register": "registered a deal",
    "deal.change": "changed a deal",
    "partner.create": "set a partner up",
    "partner.change": "changed a partner's settings",
    "partner.hold": "put a partner on hold",
    "partner.exempt": "made a partner exempt",
    "partner.release": "released a partner",
    "partner.ready": "said the partner is ready",
    "partner.acknowledge": "acknowledged what the vendor published",
    "outage.declare": "declared an outage",
    "outage.end": "ended an outage",
    "outage.found": "found an outage",
    "outage.withdraw": "withdrew an outage",
    "vendor.change": "changed the vendor's hours",
    "list.save": "changed a list that rules name",
    "list.drop": "dropped a list that rules named",
    "vendor_day.declare": "declared a day off of the vendor",
    "vendor_day.withdraw": "withdrew a day off of the vendor",
    "rules.draft": "drafted rules",
    "rules.revise": "changed a draft of rules",
    "rules.discard": "discarded a draft of rules",
    "rules.publish": "published rules",
    "rules.what_if": "asked what other rules would have done",
    "policy.draft": "drafted a policy",
    "policy.revise": "changed a draft of a policy",
    "policy.publish": "published a policy",
    "definition.publish": "published a lead definition",
    "places.load": "loaded places",
    "user.created": "invited a person",
    "user.invited_again": "invited a person again",
    "user.invitation_accepted": "took up an invitation",
    "user.password_set": "chose a new password by mail",
    "user.reset_requested": "asked for a new password",
    "user.password_changed": "changed the password",
    "user.signed_in": "signed in",
    "user.signed_out_everywhere": "signed out everywhere",
    "user.deactivated": "switched a person off",
    "user.reactivated": "switched a person on",
    "user.portfolio_set": "chose a manager's partners",
    "user.notices_set": "chose which notices to get",
    "user.bounced": "noted that mail does not arrive",
    "key.created": "made a key",
    "key.revoked": "revoked a key",
}
#: What an object of a kind without a page of its own is called.
KINDS = {"rule_version": "Rules, version", "policy": "Policy", "lead_definition": "Lead definition"}
#: How a fact begins; one without words here begins with its own name, one with None is not told.
FACTS: dict[str, str | None] = {
    "due_at": "now due", "effective_from": "from", "role": "as", "external_id": "its own id", "kind": "", "reason": "",
    "url": None,
}  # fmt: skip


def deed(action: str) -> str:
    """What somebody did: "waived a deadline"."""
    if action in ACTS:
        return ACTS[action]
    kind, _, act = action.partition(".")
    return f"{act.replace('_', ' ')}: {kind.replace('_', ' ')}" if act else action.replace("_", " ")


def kind_words(object_type: str) -> str:
    """A kind of object in words: "Lead definition"."""
    return KINDS.get(object_type) or object_type.replace("_", " ").capitalize()


def facts_words(facts: Mapping[str, Any]) -> str:
    """The facts of a row as a reader says them, the reason first; ids of other objects are left out."""
    names = sorted(facts, key=lambda name: (name != "reason", name))
    told = [_fact(name, facts[name]) for name in names]
    return "; ".join(filter(None, told))


def _fact(name: str, value: Any) -> str:
    text, before = _value(value), FACTS.get(name, name.replace("_", " "))
    return f"{before} {text}".strip() if text and before is not None else ""


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return facts_words(value)
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, (_value(each) for each in value)))
    if value in (None, "", False) or ID.fullmatch(str(value)):
        return ""
    instant = _instant(str(value))
    return when(instant) if instant else "yes" if value is True else str(value).replace("_", " ")


def _instant(text: str) -> datetime | None:
    """An instant where the text is one with its zone."""
    if "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None

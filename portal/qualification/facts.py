"""A lead as conditions read it: field name to value, custom fields as ``custom.<name>`` (pure)."""

from typing import Any

FIELDS = (
    "country", "region", "postcode", "city", "product", "source", "campaign", "company", "score", "grade", "employees",
    "budget", "language", "message", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "received_at",
)  # fmt: skip


def lead_facts(lead: Any) -> dict[str, object]:
    """Facts of anything with a lead's attributes; what it lacks is absent."""
    facts = {name: value for name in FIELDS if (value := getattr(lead, name, None)) is not None}
    if email := getattr(lead, "email_norm", None):
        facts["email_domain"] = email.rpartition("@")[2]
    facts.update({f"custom.{name}": value for name, value in (lead.custom or {}).items() if value is not None})
    return facts

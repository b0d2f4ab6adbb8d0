"""Tables and their guards: one module per aggregate. Import ``db`` from ``models.base``."""

from models import (
    accounts,
    allocation,
    appeals,
    assignments,
    calendars,
    compliance,
    excuses,
    leads,
    lists,
    notices,
    partners,
    places,
    platform,
    trials,
)
from models.base import db

__all__ = [
    "accounts",
    "allocation",
    "appeals",
    "assignments",
    "calendars",
    "compliance",
    "db",
    "excuses",
    "leads",
    "lists",
    "notices",
    "partners",
    "places",
    "platform",
    "trials",
]

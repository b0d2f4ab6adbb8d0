"""Tables and their guards: one module per aggregate. Import ``db`` from ``models.base``."""

from models import accounts, allocation, assignments, compliance, leads, partners, platform
from models.base import db

__all__ = ["accounts", "allocation", "assignments", "compliance", "db", "leads", "partners", "platform"]

"""The one place that reads the time. Everything else is handed ``now``."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This instant, aware, in UTC. Read once at the edge (request, command, sweep) and passed down."""
    return datetime.now(UTC)

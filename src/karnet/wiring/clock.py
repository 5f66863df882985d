"""The wall clock. Rules receive time as a value; only faces and wiring ask this module for it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC. The only place that reads the wall clock."""
    return datetime.now(UTC)

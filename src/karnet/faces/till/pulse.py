"""Whether the record is sealed behind the till's back. Selling never waits for it; the cashier may know."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from karnet.faces.base.clock import now
from karnet.journal.selectors import progress

LATE = timedelta(minutes=5)
"""The sealer takes seconds. What waits this long waits for somebody to look."""


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: how long sealing has been late, None while it is not; `waiting`: how many operations wait."""

    since: datetime | None = None
    waiting: int = 0


def pulse() -> Pulse:
    """Return how the record is."""
    far = progress()
    oldest = far.oldest_unsealed_at
    return Pulse(since=oldest, waiting=far.unsealed) if oldest is not None and now() - oldest > LATE else Pulse()

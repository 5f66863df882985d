"""The worker gives what cards have earned by loyalty's rules, every minute of the business clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from karnet.wiring import clock
from karnet.wiring.installation import Installation

_EVERY = timedelta(minutes=1)
_AGAIN = timedelta(minutes=10)
"""What came in late is looked at again; a reward is given once, however often its card is looked at."""
_AT_START = timedelta(days=1)


class Rewarding:
    """Remembers until when cards were looked at."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._done: datetime | None = None

    def due(self) -> int:
        """Give what was earned since last time; return how many rewards that were. Soon after last time: nothing."""
        from karnet.journal.founding import server_id
        from karnet.loyalty.services import award_active

        at = clock.business_now()
        if self._done is not None and at - self._done < _EVERY:
            return 0
        since = at - _AT_START if self._done is None else self._done - _AGAIN
        count = award_active(since, at, actor=server_id(self._installation.name))
        self._done = at
        return count

"""The worker does the day's work on passes, every quarter of an hour of the business clock: holds that lapsed, what came to
its end, who is late with an instalment."""

from __future__ import annotations

from datetime import datetime, timedelta

from karnet.wiring import clock
from karnet.wiring.installation import Installation

_EVERY = timedelta(minutes=15)


class PassesKept:
    """Remembers when passes were looked at."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._done: datetime | None = None

    def due(self) -> int:
        """Do what is due; return how many holds, passes and payers that were. Soon after last time: nothing."""
        from karnet.journal.founding import server_id
        from karnet.passes.requests import KeepUp, KeptUp
        from karnet.passes.selectors import facilities_with_work
        from karnet.passes.services import keep_up

        at = clock.business_now()
        if self._done is not None and at - self._done < _EVERY:
            return 0
        count = 0
        for facility in facilities_with_work(at):
            turn, more = 0, True
            while more:
                key = f"passes:{facility}:{at.isoformat()}:{turn}"
                done = keep_up(KeepUp(key=key, at=at, actor=server_id(self._installation.name), facility=facility))
                more = isinstance(done, KeptUp) and done.more
                count += done.lapsed + done.expired + done.blocked if isinstance(done, KeptUp) else 0
                turn += 1
        self._done = at
        return count

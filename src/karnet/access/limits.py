"""A limit on refusals: a reader that floods us is answered from memory (refusals are kept in the request table only)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

from karnet.access.requests import Scan, Verdict
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason

REFUSALS_PER_MINUTE = 60
"""No queue of people makes one gate refuse this often; a stuck reader or a guessing machine does."""

_MINUTE = timedelta(minutes=1)
_MOST_GATES = 10_000


class RefusalLimit:
    """Counts refusals by gate and minute (of the scans' own time: there is no clock here). Safe between threads.

    It lives in the process: after a restart, or beside another process, a flood gets a few more answers, no more.
    """

    def __init__(self, per_minute: int = REFUSALS_PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._minutes: dict[UUID, tuple[datetime, int]] = {}
        self._lock = Lock()

    def flooding(self, scan: Scan) -> Refused | None:
        """Return TOO_MANY_REFUSALS when the scan's gate has used up its refusals of this minute, else None."""
        minute, count = self._minutes.get(scan.gate, (None, 0))
        if minute is None or count < self._per_minute or minute != _minute(scan.at):
            return None
        until = (minute + _MINUTE).astimezone(UTC).isoformat().replace("+00:00", "Z")
        return refused(Reason.TOO_MANY_REFUSALS, until=until)

    def count(self, scans: Sequence[Scan], answers: Sequence[Verdict | Refused]) -> None:
        """Note which of these scans were refused."""
        refusals = [scan for scan, answer in zip(scans, answers, strict=True) if isinstance(answer, Refused)]
        if not refusals:
            return
        with self._lock:
            if len(self._minutes) > _MOST_GATES:
                self._minutes.clear()
            for scan in refusals:
                minute, count = self._minutes.get(scan.gate, (None, 0))
                now = _minute(scan.at)
                self._minutes[scan.gate] = (now, count + 1 if minute == now else 1)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)

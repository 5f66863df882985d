"""Group commit of scans (`journal.group_commit`): scans that arrive together are decided together.

with Gateway() as gateway:
    verdict = gateway.admit(scan)          # from any number of threads
    future = gateway.submit(scan)          # or without waiting; asyncio.wrap_future(future) in a coroutine
    verdicts = gateway.admit_all(scans)    # a controller's batch stays together, and waits once
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from karnet.access import services
from karnet.access.requests import Scan, Verdict
from karnet.journal.group_commit import LINGER_S, MAX_BATCH, GroupCommit
from karnet.kernel.outcomes import Refused

Answer = Verdict | Refused


class Gateway(GroupCommit[Scan, Answer]):
    """Collects scans of all callers and admits them in batches, in the order they came."""

    def __init__(
        self,
        admit: Callable[[Sequence[Scan]], Sequence[Answer]] = services.admit,
        *,
        max_batch: int = MAX_BATCH,
        workers: int = 1,
        linger_s: float = LINGER_S,
    ) -> None:
        super().__init__(admit, max_batch=max_batch, workers=workers, linger_s=linger_s)

    def admit(self, scan: Scan) -> Answer:
        """Return the scan's verdict once it is committed. Raises what stopped its batch; then nothing was recorded."""
        return self.ask(scan)

    def admit_all(self, scans: Sequence[Scan]) -> list[Answer]:
        """Return the verdicts of several scans, in order, once they are committed together. Raises like `admit`."""
        return self.ask_all(scans)

"""Group commit: scans that arrive together are decided together, and each caller gets its own verdict.

A commit costs the disk the same for one scan as for two hundred. While one batch is being committed the next one
gathers, so under load batches grow by themselves. While scans come together, a batch waits a moment for more, for each
also costs the processor; a lone scan never waits for company.

    with Gateway() as gateway:
        verdict = gateway.admit(scan)          # from any number of threads
        future = gateway.submit(scan)          # or without waiting; asyncio.wrap_future(future) in a coroutine
        verdicts = gateway.admit_all(scans)    # a controller's batch stays together, and waits once
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from django.db import connection

from karnet.access import services
from karnet.access.requests import Scan, Verdict
from karnet.kernel.outcomes import Refused

Answer = Verdict | Refused
MAX_BATCH = 256
LINGER_S = 0.003
"""How long a batch waits for more scans after one that several callers shared."""

_Waiting = tuple[Sequence[Scan], "Future[list[Answer]]"]


class Gateway:
    """Collects scans of all callers and admits them in batches, in the order they came. What a caller brings together
    stays together: a batch ends with the one that fills it to `max_batch` or above.

    `workers`: batches under way at once; a second one decides while the first waits for the disk. Each worker has a
    database connection of its own, closed at the end. Leaving the context answers what was submitted, then ends.
    """

    def __init__(
        self,
        admit: Callable[[Sequence[Scan]], list[Answer]] = services.admit,
        *,
        max_batch: int = MAX_BATCH,
        workers: int = 1,
        linger_s: float = LINGER_S,
    ) -> None:
        self._admit, self._max_batch, self._linger_s = admit, max_batch, linger_s
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._workers = [Thread(target=self._work, name=f"gateway-{n}", daemon=True) for n in range(workers)]

    def __enter__(self) -> Gateway:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for _worker in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.join()

    def submit(self, scan: Scan) -> Future[Answer]:
        """Return a future of the scan's verdict."""
        one: Future[Answer] = Future()

        def pass_on(answers: Future[list[Answer]]) -> None:
            fault = answers.exception()
            if fault is None:
                one.set_result(answers.result()[0])
            else:
                one.set_exception(fault)

        self._submit([scan]).add_done_callback(pass_on)
        return one

    def admit(self, scan: Scan) -> Answer:
        """Return the scan's verdict once it is committed. Raises what stopped its batch; then nothing was recorded."""
        return self.admit_all([scan])[0]

    def admit_all(self, scans: Sequence[Scan]) -> list[Answer]:
        """Return the verdicts of several scans, in order, once they are committed together. Raises like `admit`."""
        return self._submit(scans).result()

    def _submit(self, scans: Sequence[Scan]) -> Future[list[Answer]]:
        future: Future[list[Answer]] = Future()
        self._queue.put((scans, future))
        return future

    def _work(self) -> None:
        try:
            going, batch = True, list[_Waiting]()
            while going:
                batch, going = self._gather(self._linger_s if len(batch) > 1 else 0)
                if batch:
                    self._answer(batch)
        finally:
            connection.close()

    def _gather(self, linger_s: float) -> tuple[list[_Waiting], bool]:
        """Wait for a scan, then take all that wait with it or come soon after; False when the gateway is closing."""
        batch: list[_Waiting] = []
        count, end = 0, 0.0
        timeout: float | None = None
        while count < self._max_batch:
            try:
                waiting = self._queue.get(timeout=timeout)
            except Empty:
                break
            if waiting is None:
                return batch, False
            if timeout is None:
                end = monotonic() + linger_s
            timeout = max(0.0, end - monotonic())
            batch.append(waiting)
            count += len(waiting[0])
        return batch, True

    def _answer(self, batch: list[_Waiting]) -> None:
        try:
            answers = self._admit([scan for scans, _ in batch for scan in scans])
        except BaseException as fault:
            # Nobody may wait for ever, and the next batch may fare better (a database that comes back).
            connection.close()
            for _, future in batch:
                future.set_exception(fault)
            return
        start = 0
        for scans, future in batch:
            future.set_result(answers[start : start + len(scans)])
            start += len(scans)

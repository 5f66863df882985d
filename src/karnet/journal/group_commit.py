"""Group commit: requests that arrive together are decided together, and each caller gets its own answer.

A commit costs the disk the same for one request as for two hundred. While one batch is being committed the next one
gathers, so under load batches grow by themselves. While requests come together, a batch waits a moment for more, for each
also costs the processor; a lone request never waits for company.

    with GroupCommit(stays.read) as readings:
        answer = readings.ask(request)          # from any number of threads
        future = readings.submit(request)       # or without waiting; asyncio.wrap_future(future) in a coroutine
        answers = readings.ask_all(requests)    # a controller's batch stays together, and waits once
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Generic, Self, TypeVar

from django.db import connection

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")
MAX_BATCH = 256
LINGER_S = 0.003
"""How long a batch waits for more requests after one that several callers shared."""


class GroupCommit(Generic[RequestT, AnswerT]):
    """Collects requests of all callers and has them decided in batches, in the order they came. What a caller brings
    together stays together: a batch ends with the one that fills it to `max_batch` or above.

    `decide`: a service that takes a batch and returns an answer for each. `workers`: batches under way at once; a second
    one decides while the first waits for the disk. Each worker has a database connection of its own, closed at the end.
    Leaving the context answers what was submitted, then ends.
    """

    def __init__(
        self,
        decide: Callable[[Sequence[RequestT]], Sequence[AnswerT]],
        *,
        max_batch: int = MAX_BATCH,
        workers: int = 1,
        linger_s: float = LINGER_S,
    ) -> None:
        self._decide, self._max_batch, self._linger_s = decide, max_batch, linger_s
        self._queue: SimpleQueue[tuple[Sequence[RequestT], Future[list[AnswerT]]] | None] = SimpleQueue()
        self._workers = [Thread(target=self._work, name=f"group-commit-{n}", daemon=True) for n in range(workers)]

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for _worker in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.join()

    def submit(self, request: RequestT) -> Future[AnswerT]:
        """Return a future of the request's answer."""
        one: Future[AnswerT] = Future()

        def pass_on(answers: Future[list[AnswerT]]) -> None:
            fault = answers.exception()
            if fault is None:
                one.set_result(answers.result()[0])
            else:
                one.set_exception(fault)

        self._submit([request]).add_done_callback(pass_on)
        return one

    def ask(self, request: RequestT) -> AnswerT:
        """Return the request's answer once it is committed. Raises what stopped its batch; then nothing was recorded."""
        return self.ask_all([request])[0]

    def ask_all(self, requests: Sequence[RequestT]) -> list[AnswerT]:
        """Return the answers of several requests, in order, once they are committed together. Raises like `ask`."""
        return self._submit(requests).result()

    def _submit(self, requests: Sequence[RequestT]) -> Future[list[AnswerT]]:
        future: Future[list[AnswerT]] = Future()
        self._queue.put((requests, future))
        return future

    def _work(self) -> None:
        try:
            going, shared = True, False
            while going:
                batch, going = self._gather(self._linger_s if shared else 0)
                shared = len(batch) > 1
                if batch:
                    self._answer(batch)
        finally:
            connection.close()

    def _gather(self, linger_s: float) -> tuple[list[tuple[Sequence[RequestT], Future[list[AnswerT]]]], bool]:
        """Wait for a request, then take all that wait with it or come soon after; False when it is closing."""
        batch: list[tuple[Sequence[RequestT], Future[list[AnswerT]]]] = []
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

    def _answer(self, batch: list[tuple[Sequence[RequestT], Future[list[AnswerT]]]]) -> None:
        try:
            answers = self._decide([request for requests, _ in batch for request in requests])
        except BaseException as fault:
            # Nobody may wait for ever, and the next batch may fare better (a database that comes back).
            connection.close()
            for _, future in batch:
                future.set_exception(fault)
            return
        start = 0
        for requests, future in batch:
            future.set_result(list(answers[start : start + len(requests)]))
            start += len(requests)

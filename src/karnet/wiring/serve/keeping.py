"""Keeping the embedded PostgreSQL up: whoever uses it starts it again when it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Progress, Server, start
from karnet.wiring.postgres.supervisor import runs_elsewhere
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.logs import Logger

_LOOK_EVERY_S = 0.5
_RETRY_S = 5.0


@contextmanager
def database_kept(
    installation: Installation,
    log: Logger,
    *,
    progress: Progress | None = None,
    moved: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """The database is up within the block, and started again if it dies; the last to leave stops it.

    `progress` hears of long waits. `moved` is called, from another thread, if it could only be started at another address than before. A
    KeyboardInterrupt while it is being stopped stops it at once: committed work is kept by its log, as after a crash.
    """
    if runs_elsewhere(installation):
        yield
        return
    keeper = _Keeper(installation, log, progress, moved)
    try:
        yield
    finally:
        keeper.leave()


def _silent(message: str) -> None:
    """Nobody hears of it."""


class _Keeper:
    def __init__(
        self, installation: Installation, log: Logger, progress: Progress | None, moved: Callable[[], None]
    ) -> None:
        self._installation, self._log, self._progress, self._moved = installation, log, progress, moved
        self._server = start(installation, progress=progress)
        self._stopping = threading.Event()
        self._fenced = False
        self._thread = threading.Thread(target=self._keep, name="database", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        try:
            self._stopping.set()
            self._thread.join()
            self._server.leave(self._progress or _silent)
        except KeyboardInterrupt:
            self._server.leave(self._progress or _silent, at_once=True)
            raise

    def _keep(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            if not self._server.alive and not self._start_again():
                self._stopping.wait(_RETRY_S)
            if self._fenced:  # Another server of this database is the primary; ours stays down.
                return

    def _start_again(self) -> bool:
        before = self._server
        try:
            self._server = self._joined_or_started()
        except InstallationProblem as problem:
            self._fenced = problem.code == "database-fenced"
            self._log.error(f"PostgreSQL has ended and does not start: {problem.what}", do=problem.do)
            return False
        if self._server.started_here:
            self._log.warning("PostgreSQL had ended and was started again; nothing committed is lost")
        if (self._server.cluster.host, self._server.cluster.port) != (before.cluster.host, before.cluster.port):
            self._moved()
        return True

    def _joined_or_started(self) -> Server:
        before = self._server
        server = start(self._installation, progress=self._progress)
        before.leave()  # Not the last to leave: the new use is open.
        return server

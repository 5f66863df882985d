"""Keeping the embedded PostgreSQL up: whoever uses it starts it again when it dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Progress, Server, load_cluster, start
from karnet.wiring.postgres.standing import standing
from karnet.wiring.postgres.supervisor import runs_elsewhere
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.logs import Logger

_LOOK_EVERY_S = 0.5
_LOOK_AT_STANDBYS_EVERY_S = 5.0
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
        # One process says it: the supervisor, or each that runs alone.
        watch = _StandbyWatch(self._installation, self._log) if self._progress is not None else None
        while not self._stopping.wait(_LOOK_EVERY_S):
            if watch is not None:
                watch.look()
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


class _StandbyWatch:
    """Says loudly when commits wait for a standby that does not come: nobody can sell meanwhile."""

    def __init__(self, installation: Installation, log: Logger) -> None:
        self._installation, self._log = installation, log
        self._due = 0.0
        self._held_up = False

    def look(self) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _LOOK_AT_STANDBYS_EVERY_S
        held_up = commits_are_held_up(self._installation)
        if held_up and not self._held_up:
            self._log.error(
                "no standby answers, and commits wait for one: nothing can be sold",
                do="Start the standby (`karnet serve standby`), or go on without: `karnet standby quorum off`.",
            )
        elif self._held_up and not held_up:
            self._log.info("commits go on")
        self._held_up = held_up


def commits_are_held_up(installation: Installation) -> bool:
    """Whether commits wait for a standby that does not answer; False where that cannot be said."""
    try:
        cluster = None if installation.database_url is not None else load_cluster(installation)
        return cluster is not None and cluster.quorum and standing(cluster).held_up
    except (InstallationProblem, psycopg.Error):
        return False

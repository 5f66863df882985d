"""The sealer of an installation: its key, its checkpoint file, the guard before the first signature, and the loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from django.db import DatabaseError, connection

from karnet.federation import selectors
from karnet.journal import guard
from karnet.journal.guard import MayNotSign, MaySign, Why
from karnet.journal.log_tables import LogTables, snapshot
from karnet.journal.sealing import BATCH, Busy, Sealer
from karnet.wiring import clock
from karnet.wiring.checkpoint_file import CheckpointFile, DamagedCheckpointFile
from karnet.wiring.hub_guard import check_with_hub
from karnet.wiring.installation import Installation
from karnet.wiring.key_change import next_key, put_next_in_force
from karnet.wiring.log_keys import ensure_log_key, key_file, own_keys
from karnet.wiring.problem import InstallationProblem, explained

INTERVAL_S = 0.1
"""What was recorded is sealed within this time; more often only when a batch is full."""

KEY_WAITS = "log-key-waits"
"""The code of the problem that a lost key's successor may not sign yet."""

_RETRY_S = 1.0
_LOOK_FOR_KEY_S = 1.0


class GuardedSealer(Sealer):
    """A sealer that refuses to start where the database is behind the checkpoint file, or behind the hub.

    Entering takes the sealer's lock, compares, brings the file up to date with what a crash kept from it, and only
    then may sign. Raises Busy, or InstallationProblem with a code `log-…` (journal.guard.Why).
    """

    def __init__(self, installation: Installation) -> None:
        self._file = CheckpointFile(installation.checkpoints_file)
        lost = not key_file(installation).exists()
        key = (next_key(installation) if lost else None) or ensure_log_key(installation)
        super().__init__(key, clock=clock.now, witness=self._file.append)
        self._installation = installation

    def __enter__(self) -> GuardedSealer:
        super().__enter__()
        try:
            allowed = examine(self._installation)
            if isinstance(allowed, MayNotSign):
                raise InstallationProblem(f"log-{allowed.why}", allowed.what, allowed.do)
            with snapshot() as cursor:
                size = LogTables(cursor).size() or 0
            check_with_hub(self._installation, size)
            catch_up(self._installation, allowed)
            # Only now: where the old key ends must not be read from a database that was restored.
            self.change_key()
            if not key_file(self._installation).exists():
                raise InstallationProblem(
                    KEY_WAITS,
                    "The key is lost, and the new one may not sign yet: the hub has not replaced it.",
                    "Go on as `karnet federation key replace` said; sealing then starts by itself.",
                )
            # Who sealed until now may have changed it since this process read it.
            self._key = ensure_log_key(self._installation)
        except BaseException:
            self.__exit__()
            raise
        return self

    def change_key(self) -> bool:
        """Sign with the next key from here on, if there is one and the hub's log lets it sign what follows."""
        waiting = next_key(self._installation)
        if waiting is None:
            return False
        with snapshot() as cursor:
            size = LogTables(cursor).size() or 0
        keyring = selectors.keyrings().get(self._installation.name)
        if keyring is None or waiting.verifier not in keyring.at(size + 1):
            return False
        self._key = put_next_in_force(self._installation, size)
        return True


def sealer_for(installation: Installation) -> GuardedSealer:
    """Return the installation's sealer, to be entered. Django must be connected as the application."""
    return GuardedSealer(installation)


def examine(installation: Installation) -> MaySign | MayNotSign:
    """Compare the database's log with the checkpoint file. Reads only."""
    file = CheckpointFile(installation.checkpoints_file)
    try:
        with explained("read", file.path):
            witnessed = file.tail()
    except DamagedCheckpointFile as error:
        return MayNotSign(
            Why.WITNESS_DAMAGED,
            f"The checkpoint file is damaged: {error}.",
            "Restore it from a backup and run `karnet journal verify`.",
            0,
        )
    with snapshot() as cursor:
        log = LogTables(cursor)
        return guard.may_sign(
            keys=own_keys(installation),
            size=log.size() or 0,
            newest=log.checkpoint(),
            witnessed=witnessed,
            root_at=log.root_at,
            now=clock.now(),
        )


def catch_up(installation: Installation, allowed: MaySign) -> int:
    """Append to the file what was committed but, after a crash, not written there; return how many notes."""
    with snapshot() as cursor:
        missing = [(note.at, note.note) for note in LogTables(cursor).notes(above=allowed.witnessed_size)]
    with explained("write", installation.checkpoints_file):
        CheckpointFile(installation.checkpoints_file).extend(missing)
    return len(missing)


def run_sealer(
    installation: Installation,
    stop: Event,
    say: Callable[[str], None] = lambda _: None,
    *,
    sealing: Callable[[], None] = lambda: None,
) -> None:
    """Seal until `stop` is set: at once while batches are full, else every 100 ms. `sealing` is called when it begins.

    Waits, saying why, while another process seals, the clock is behind or the database is away. Raises
    InstallationProblem where a person has to decide (a restored backup, a lost key).
    """
    told = ""
    while not stop.is_set():
        try:
            with sealer_for(installation) as sealer:
                told = ""
                sealing()
                _seal_until(sealer, stop)
        except Busy:
            reason = "another process is the sealer; waiting to take over"
        except InstallationProblem as problem:
            if problem.code not in (f"log-{Why.CLOCK_BEHIND}", KEY_WAITS):
                raise
            reason = str(problem)
        except DatabaseError as error:
            connection.close()
            reason = f"the database is away: {str(error).strip()}"
        else:
            return
        if reason != told:
            say(reason)
            told = reason
        stop.wait(_RETRY_S)


def _seal_until(sealer: GuardedSealer, stop: Event) -> None:
    looked = time.monotonic()
    while not stop.is_set():
        began = time.monotonic()
        if began - looked > _LOOK_FOR_KEY_S:
            looked = began
            sealer.change_key()
        sealed = sealer.seal()
        if sealed is None or sealed.count < BATCH:
            stop.wait(max(0.01, INTERVAL_S - (time.monotonic() - began)))
    sealer.seal_all()

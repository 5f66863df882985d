"""What each process says of itself: one lock and one small file a role, for /health, doctor and the supervisor."""

from __future__ import annotations

import os
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

from karnet.wiring import clock
from karnet.wiring.files import FileLock, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem, explained

SUPERVISOR = "serve"
_READERS_MAY_TAKE_S = 2.0


def roles(installation: Installation) -> tuple[str, ...]:
    """Return the processes that this installation runs, in the order in which they are stopped: who takes work first,
    who seals and carries it last."""
    federation = installation.config.federation
    nodes = [f"hub-{n}" for n in range(1, len(federation.listen) + 1)] if federation.role == "hub" else []
    relay = ["relay"] if federation.role != "none" else []
    return ("web", *nodes, "worker", "sealer", *relay)


class State(StrEnum):
    """How a process is. REFUSED: a person has to put something right. DIED: it ended without a word."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    REFUSED = "refused"
    STOPPED = "stopped"
    DIED = "died"


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a process said last. `what` and `do` are whole sentences, where something is not as it should be."""

    state: State
    pid: int
    since: datetime
    code: str = ""
    what: str = ""
    do: str = ""


def command(role: str) -> tuple[str, ...]:
    """Return the command line, after `karnet`, of the process of a role."""
    name, _, number = role.partition("-")
    return ("serve", name, "--node", number) if number else ("serve", name)


class Presence:
    """This process's hold on its role. Use as a context manager: entering raises InstallationProblem if it is taken."""

    def __init__(self, installation: Installation, role: str) -> None:
        self._role = role
        self._file = _report_file(installation, role)
        self._lock = _role_lock(installation, role)
        self._installation = installation

    def __enter__(self) -> Self:
        until = time.monotonic() + _READERS_MAY_TAKE_S  # Readers take the lock for a moment to see whether it is held.
        with explained("write in", self._installation.run_dir):
            while not self._lock.acquire(wait=False):
                if time.monotonic() > until:
                    self._lock.close()
                    raise self._taken()
                time.sleep(0.02)
        try:
            self.say(State.STARTING)
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if isinstance(error, InstallationProblem):
                self.say(State.REFUSED, error)
            elif error is None or not isinstance(error, Exception):
                self.say(State.STOPPED)
        finally:
            self._lock.close()

    def say(self, state: State, problem: InstallationProblem | None = None, *, what: str = "") -> None:
        """Write the report: it replaces the last one whole."""
        code, what, do = (problem.code, problem.what, problem.do) if problem else ("", what, "")
        report = Report(state=state, pid=os.getpid(), since=clock.now(), code=code, what=what, do=do)
        with explained("write", self._file):
            write_atomically(self._file, msgspec.json.encode(report) + b"\n")

    def _taken(self) -> InstallationProblem:
        other = read_report(self._installation, self._role)
        who = f" (process {other.pid})" if other else ""
        name = "`karnet serve`" if self._role == SUPERVISOR else f"`karnet {' '.join(command(self._role))}`"
        return InstallationProblem(
            "already-running",
            f"{name} already runs for the installation in {self._installation.path}{who}.",
            "Stop that one first (Ctrl-C, or `kill` with its number), or name another installation with --data.",
        )


def read_report(installation: Installation, role: str) -> Report | None:
    """Return what the process of this role said last, None if there never was one.

    Whoever said anything but STOPPED or REFUSED and does not hold the lock any more has DIED.
    """
    try:
        report = msgspec.json.decode(_report_file(installation, role).read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None
    if report.state in (State.STOPPED, State.REFUSED) or _is_held(installation, role):
        return report
    return msgspec.structs.replace(report, state=State.DIED)


def _is_held(installation: Installation, role: str) -> bool:
    lock = _role_lock(installation, role)
    try:
        return not lock.acquire(shared=True, wait=False)
    except OSError:
        return False
    finally:
        lock.close()


def _report_file(installation: Installation, role: str) -> Path:
    return installation.run_dir / f"{role}.json"


def _role_lock(installation: Installation, role: str) -> FileLock:
    return FileLock(installation.run_dir / f"{role}.lock")

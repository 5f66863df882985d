"""Killing between any two statements.

A victim is killed at the n-th *point* of a forked child: before each statement it sends, before each COMMIT and after
each (done, and nobody told yet). `count` first counts the points of an action; every one of them can then be tried.
"""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import status

Action = Callable[[], Any]


class Victim(StrEnum):
    """Who is killed (SIGKILL): the process that asks, its server process, or all of PostgreSQL."""

    CLIENT = "client"
    BACKEND = "backend"
    POSTMASTER = "postmaster"


class Lost(Exception):
    """The child ended without a word (it was killed), or lost its database and said so."""


def in_child(installation: Installation, action: Action) -> Any:
    """Run an action in a forked process connected to the installation; return its value or raise what it raised.

    Raises Lost if the child was killed or its connection broke: what it was doing may have happened or not.
    """
    return _wait(*fork(installation, action))


def fork(installation: Installation, action: Action) -> tuple[int, int]:
    """Start an action in a forked process; return its pid and the pipe with its outcome."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        outcome = _outcome(installation, action)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe)
    finally:
        os._exit(0)  # Never back into the tests, whatever happened.


def _outcome(installation: Installation, action: Action) -> tuple[bool, Any]:
    from django.db import DatabaseError, InterfaceError

    connect(installation)
    try:
        return True, action()
    except (DatabaseError, InterfaceError) as error:
        return False, Lost(str(error))
    except BaseException as error:
        return False, AssertionError("".join(traceback.format_exception(error)))


def connect(installation: Installation) -> None:
    """Connect this forked process to the installation, leaving its parent's connection to the parent."""
    from django.db import connections

    from karnet.wiring.boot import boot

    connections["default"].connection = None
    boot(installation)


def _wait(child: int, reading: int) -> Any:
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        raise Lost
    fine, value = pickle.loads(said)  # noqa: S301 (from our own child)
    if fine:
        return value
    raise value


def wait_for(child: int, reading: int) -> Any:
    """Wait for a process of `fork`: its value, or what it raised, or Lost."""
    return _wait(child, reading)


class Points:
    """Counts the points of this process's default connection and acts at one of them."""

    def __init__(self, at: int = 0, act: Callable[[], None] = lambda: None) -> None:
        self.passed = 0
        self._at, self._act = at, act

    def install(self) -> None:
        from django.db import connections

        connection = connections["default"]
        connection.ensure_connection()
        commit = connection._commit

        def statement(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
            self.point()
            return execute(sql, parameters, many, context)

        def committing() -> Any:
            self.point()
            done = commit()
            self.point()
            return done

        connection.execute_wrappers.append(statement)
        connection._commit = committing  # type: ignore[method-assign]

    def point(self) -> None:
        self.passed += 1
        if self.passed == self._at:
            self._act()


def count(installation: Installation, action: Action) -> int:
    """Run an action in a child and return how many points it has."""

    def counted() -> int:
        points = Points()
        points.install()
        action()
        return points.passed

    found: int = in_child(installation, counted)
    return found


def killed_at(installation: Installation, action: Action, at: int, victim: Victim) -> None:
    """Run an action in a child and kill the victim at a point of it; return when the child has ended."""

    def doomed() -> None:
        points = Points(at, lambda: kill(installation, victim))
        points.install()
        action()

    try:
        in_child(installation, doomed)
    except Lost:
        return


def kill(installation: Installation, victim: Victim) -> None:
    """Kill the victim of this process; where it is another, return when it is gone."""
    if victim == Victim.CLIENT:
        os.kill(os.getpid(), signal.SIGKILL)
        return
    from django.db import connection

    settle()
    if victim == Victim.BACKEND:
        pid = connection.connection.info.backend_pid
    else:
        postmaster = status(installation)
        assert postmaster is not None
        pid = postmaster.pid
    os.kill(pid, signal.SIGKILL)
    _gone(pid)


def settle() -> None:
    """Have the server do what was sent so far: in pipeline mode statements may still wait on this side."""
    from django.db import connection
    from psycopg.pq import PipelineStatus

    raw = connection.connection
    if raw.pgconn.pipeline_status != PipelineStatus.OFF:
        with raw.pipeline():  # A nested block: leaving it waits for an answer to all before.
            pass


def _gone(pid: int) -> None:
    stat = Path(f"/proc/{pid}/stat")
    while True:
        try:
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        os.sched_yield()


def torn(share: float) -> Callable[[int, bytes, int], int]:
    """Return a stand-in for os.pwrite that dies after writing a part of what it was given."""
    write = os.pwrite

    def part(handle: int, data: bytes, offset: int) -> int:
        write(handle, data[: int(len(data) * share)], offset)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    return part

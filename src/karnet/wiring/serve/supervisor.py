"""The supervisor: starts the processes and PostgreSQL, starts again what dies, stops all in order.

A process that refuses to work (a port that is taken, a log that may not sign) is tried again, ever more seldom; the
others go on. Why it refuses is said when it is news.
"""

from __future__ import annotations

import http.client
import os
import select
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.ending import SIGNALS, SUPERVISOR_PIPE
from karnet.wiring.serve.keeping import database_kept
from karnet.wiring.serve.logs import Logger, start_logging
from karnet.wiring.serve.processes import TABLES_BEHIND, url
from karnet.wiring.serve.report import SUPERVISOR, Presence, State, command, read_report, roles

_TICK_S = 0.2
_STOP_MAY_TAKE_S = 20.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0
_SAY_EVERY_S = 10.0


class _Problem(msgspec.Struct):
    code: str
    what: str
    do: str


class _Told(msgspec.Struct):
    problem: _Problem


def supervise(installation: Installation, ready: Callable[[str], None]) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP; a second signal stops at once (KeyboardInterrupt).

    `ready` is called once, with the site's address, when it answers and every process has said how it is.
    Raises InstallationProblem where nothing could work: no tables, no database, or a supervisor that runs already.
    """
    log = start_logging(installation, SUPERVISOR)
    with Presence(installation, SUPERVISOR) as presence, database_kept(installation, log, progress=log.info):
        presence.say(State.RUNNING)
        with _signals() as signals, _Household(installation, log) as household:
            waiting, said = True, time.monotonic()
            while not signals.caught:
                household.tend()
                if waiting and not (missing := household.missing()):
                    waiting = False
                    ready(url(installation))
                elif waiting and time.monotonic() - said > _SAY_EVERY_S:
                    said = time.monotonic()
                    log.warning(f"not ready yet: {missing}")
                signals.wait(_TICK_S)
            log.info("stopping")
            household.stop()


class _Child:
    """One process and its history: when it is to be started (again), and what it said last."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.process: subprocess.Popen[bytes] | None = None
        self.due = 0.0
        self.started = 0.0
        self.failures = 0
        self.last_problem = ""


class _Household:
    """The children. Leaving it by an exception kills what is left of them."""

    def __init__(self, installation: Installation, log: Logger) -> None:
        self._installation, self._log = installation, log
        # The writing end is open here alone: it closes with this process, however that ends.
        self._reading, self._writing = os.pipe()
        self._children = [_Child(role) for role in roles(installation)]

    def __enter__(self) -> _Household:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            _kill(child)
        os.close(self._reading)
        os.close(self._writing)

    def tend(self) -> None:
        """See who has ended, and start who is due."""
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._ended(child, child.process)
            if child.process is None and time.monotonic() >= child.due:
                self._start(child)

    def missing(self) -> str:
        """Return what the site still waits for, "" when it answers and every other process has said how it is (which
        may be a refusal)."""
        for child in self._children:
            report = read_report(self._installation, child.role)
            if not child.started or report is None or report.state in (State.STARTING, State.DIED):
                return f"{child.role} has not started yet"
            if child.process is not None and report.pid != child.process.pid:
                return f"{child.role} has not started again yet"
        return _unanswered(url(self._installation))

    def stop(self) -> None:
        """Stop the children one after the other: first who takes work, last who seals it."""
        for child in self._children:
            if child.process is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(_STOP_MAY_TAKE_S)
            except subprocess.TimeoutExpired:
                self._log.warning(f"{child.role} does not stop; ending it at once")
            _kill(child)

    def _start(self, child: _Child) -> None:
        child.started = time.monotonic()
        child.process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "karnet.wiring.cli", *command(child.role)),
                *("--json", "--data", str(self._installation.path)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, SUPERVISOR_PIPE: str(self._reading)},
            pass_fds=(self._reading,),
            start_new_session=True,  # Ctrl-C at the terminal is the supervisor's, who stops them in order.
        )

    def _ended(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        now = time.monotonic()
        child.failures = 0 if now - child.started > _STEADY_S else child.failures + 1
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** max(0, child.failures - 1))
        child.due = now + pause
        problem = _told(process)
        _kill(child)
        code = process.returncode
        if code == Exit.INSTALLATION and problem is not None:
            if problem.code == TABLES_BEHIND:  # Nobody can work, and only `karnet init` helps.
                raise InstallationProblem(problem.code, problem.what, problem.do)
            if problem.what != child.last_problem:
                self._log.error(f"{child.role} cannot work: {problem.what}", do=problem.do)
            child.last_problem = problem.what
            return
        child.last_problem = ""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        why = {"why": problem.what} if problem else {}
        self._log.error(f"{child.role} {how}; starting it again in {pause:g} s", **why)


def _told(process: subprocess.Popen[bytes]) -> _Problem | None:
    """Return the problem that a command, asked with --json, left on its standard output."""
    assert process.stdout is not None
    handle = process.stdout.fileno()
    os.set_blocking(handle, False)  # A process that it started may hold the other end open.
    said = b""
    with suppress(BlockingIOError):
        while part := os.read(handle, 65536):
            said += part
    try:
        return msgspec.json.decode(said, type=_Told).problem
    except msgspec.DecodeError:
        return None


def _kill(child: _Child) -> None:
    """End whatever is left of a child and of the processes it started."""
    if child.process is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    if child.process.stdout is not None:
        child.process.stdout.close()
    child.process = None


def _unanswered(address: str) -> str:
    """Return why the site is not up, "" if it is."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
        return "" if status == 200 else f"{address}/health answers with status {status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{address} does not answer: {error}"
    finally:
        connection.close()


class _Signals:
    """Signals as a flag and a way to wait for one; a second one raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.caught = 0
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)

    def handle(self, number: int, frame: FrameType | None) -> None:
        with suppress(BlockingIOError):
            os.write(self._writing, b"!")
        if number == signal.SIGCHLD:
            return
        self.caught += 1
        if self.caught > 1:
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> None:
        if select.select([self._reading], [], [], seconds)[0]:
            os.read(self._reading, 4096)

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Signals are counted within the block, and afterwards any is the second: it interrupts what still goes on."""
    signals = _Signals()
    for number in (*SIGNALS, signal.SIGCHLD):
        signal.signal(number, signals.handle)
    try:
        yield signals
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in SIGNALS:
            signal.signal(number, _interrupt)
        signals.close()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

"""Whose process is it? Reading `postmaster.pid` without believing it.

A pid file outlives its process, and its number is given to another. What cannot lie: the lock that every process of our
server inherits (`run/cluster.lock`; the kernel frees it with the last of them), and the process's own working directory.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Postmaster:
    """A live server process of our data directory. `status` is its own word: starting, ready, stopping…"""

    pid: int
    status: str

    def send(self, number: signal.Signals) -> None:
        """Signal it; that it has just ended is no error."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def find_postmaster(data: Path) -> Postmaster | None:
    """The live server of `data`, or None: no pid file, a stale one, or one whose number is another process's now."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    if not serves(pid, data):
        return None
    return Postmaster(pid, lines[7].strip() if len(lines) > 7 else "starting")


def serves(pid: int, data: Path) -> bool:
    """Whether the live process `pid` is a PostgreSQL server process of the cluster in `data`."""
    if pid <= 0:
        return False
    proc = Path(f"/proc/{pid}")
    if not Path("/proc/self/cwd").exists():
        return _serves_by_ps(pid, data)
    try:
        command = (proc / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    if not Path(os.fsdecode(command[0])).name.startswith("postgres"):  # "postgres" or "postgres: checkpointer"
        return False
    try:
        return (proc / "cwd").samefile(data)
    except PermissionError:  # Another user's process: it cannot be one that we could have started.
        return os.fsencode(data) in command
    except OSError:
        return False


def processes_of(data: Path) -> list[int]:
    """Every live process of the cluster in `data`, also those whose postmaster was killed. Empty where there is no /proc."""
    try:
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if serves(pid, data)]


def _serves_by_ps(pid: int, data: Path) -> bool:
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "postgres" in answer.stdout and str(data) in answer.stdout

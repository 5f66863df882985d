"""Real processes: `karnet serve` on installations of their own, watched from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from karnet.wiring.serve.report import Report, read_report
from karnet.wiring.tests.conftest import _shelf, give_cluster

KARNET = (sys.executable, "-P", "-m", "karnet.wiring.cli")
MAY_TAKE_S = 120.0


def until(condition: Callable[[], Any], what: str | Callable[[], str]) -> Any:
    """Wait for something true and return it. Patient: a busy machine is no failure."""
    end = time.monotonic() + MAY_TAKE_S
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain for {what if isinstance(what, str) else what()}"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KARNET_", "DJANGO_", "PG", "DATABASE_URL"))}
    return {**kept, **more}


@dataclass
class Served:
    """A running `karnet serve …` and what it has said so far."""

    process: subprocess.Popen[str]
    installation: Installation
    port: int
    lines: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for stream, lines in ((self.process.stderr, self.lines), (self.process.stdout, self.answers)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def ready(self) -> str:
        """Wait for the line on standard output that says where the site is; return the address."""
        until(lambda: self.answers or self.process.poll() is not None, lambda: f"the ready line, hearing {self.said}")
        assert self.answers, self.said
        assert self.answers[0].startswith("ready "), self.answers
        return self.answers[0].removeprefix("ready ")

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def health(self) -> dict[str, Any]:
        """What /health says; an empty one while nobody answers."""
        try:
            found: dict[str, Any] = json.loads(self.get("/health")[1])
        except (OSError, ValueError):
            return {}
        return found

    def report(self, role: str) -> Report:
        found = read_report(self.installation, role)
        assert found is not None
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(MAY_TAKE_S)


def processes_naming(path: Path) -> list[int]:
    """Every live process (no zombies) whose command line or environment names a directory."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            text = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
            state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if os.fsencode(path) in text and state != "Z" and int(proc.name) != os.getpid():
            found.append(int(proc.name))
    return found


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ks-", dir=_shelf()))
    path.chmod(0o711)
    yield path
    for pid in processes_naming(path):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"postgres" not in command:
                os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    for record in path.rglob("cluster.json"):
        postgres.remove(Installation.load(record.parent, environment={}))
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def _initialised() -> Iterator[Path]:
    """One installation made by `karnet init`; tests get copies."""
    path = Path(tempfile.mkdtemp(prefix="ks-", dir=_shelf()))
    path.chmod(0o711)
    subprocess.run(
        [*KARNET, "init", "--data", path / "data", "--name", "karnet.test/log"],
        check=True,
        capture_output=True,
        env=environment(),
    )
    yield path / "data"
    postgres.remove(Installation.load(path / "data", environment={}))
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def copy(place: Path, _initialised: Path) -> Callable[..., Installation]:
    """Make another copy of an initialised installation, at a free port of its own."""
    return lambda name="data": make_copy(_initialised, place / name)


def make_copy(initialised: Path, path: Path) -> Installation:
    made = Installation.create(path, name="karnet.test/log", environment={})
    give_cluster(made, initialised)
    shutil.copytree(initialised / "keys", made.keys_dir, dirs_exist_ok=True)
    made.config_file.write_text(made.config_file.read_text().replace("port = 8000", f"port = {free_port()}"))
    return Installation.load(made.path, environment={})


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start `karnet serve [role]` on an installation. What still runs at the end is killed."""
    started: list[Served] = []
    yield lambda *arguments: started.append(run_serve(*arguments)) or started[-1]
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait()


def run_serve(installation: Installation, *arguments: str) -> Served:
    process = subprocess.Popen(
        [*KARNET, "serve", *arguments, "--data", str(installation.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    return Served(process, installation, installation.config.http.port)


@pytest.fixture(scope="module")
def site(_initialised: Path) -> Iterator[Served]:
    """One site for the tests that leave it as they found it: everything running."""
    path = Path(tempfile.mkdtemp(prefix="ks-", dir=_shelf()))
    path.chmod(0o711)
    served = run_serve(make_copy(_initialised, path / "data"))
    served.ready()
    yield served
    served.end()
    postgres.remove(served.installation)
    shutil.rmtree(path, ignore_errors=True)

"""An installation with a standby, both on a real disk with fsync on, driven by the commands of docs/operating/standby.md."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from karnet.wiring import postgres
from karnet.wiring.installation import Installation

KARNET = (sys.executable, "-P", "-m", "karnet.wiring.cli")


def karnet(installation: Path, *arguments: str, succeed: bool = True) -> str:
    """Run a command on an installation; return what it answered."""
    done = subprocess.run(
        [*KARNET, *arguments, "--data", str(installation)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert not succeed or done.returncode == 0, f"karnet {arguments}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("KARNET_", "DJANGO_", "PG", "DATABASE_"))}


@contextmanager
def place_on_disk() -> Iterator[Path]:
    """A directory on a disk that every account may pass through; whatever database is made in it is stopped and deleted."""
    place = Path(tempfile.mkdtemp(prefix="kd-"))
    place.chmod(0o711)
    try:
        yield place
    finally:
        for record in place.rglob("cluster.json"):
            postgres.remove(Installation.load(record.parent, environment={}))
        shutil.rmtree(place, ignore_errors=True)


def load(path: Path) -> Installation:
    return Installation.load(path, environment={})


@contextmanager
def standby_served(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`karnet serve standby` while the block runs."""
    log = (path / "logs" / "standby.out").open("ab")
    process = subprocess.Popen(
        [*KARNET, "serve", "standby", "--data", str(path)], stdout=log, stderr=log, env=environment()
    )
    log.close()
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def kill_postmaster(installation: Installation) -> None:
    """SIGKILL, as the end of a machine; return when every process of the server is gone."""
    postmaster = postgres.status(installation)
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGKILL)
    cluster = postgres.load_cluster(installation)
    assert cluster is not None
    while postgres.process.processes_of(cluster.data):
        time.sleep(0.05)

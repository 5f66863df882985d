"""Real installations and real clusters, each in a directory of its own."""

from __future__ import annotations

import os
import pickle
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from karnet.wiring import postgres
from karnet.wiring.files import FileLock
from karnet.wiring.installation import Installation

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand PostgreSQL to another account")


def _shelf() -> Path:
    """In memory where there is room: a new cluster is a thousand files, and here nothing has to outlive the machine."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    return memory if roomy else Path("/tmp")  # noqa: S108


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("KARNET_", "PG")) or name == "DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory with a short path that every account may pass through; its clusters are stopped at the end."""
    path = Path(tempfile.mkdtemp(prefix="kt-", dir=_shelf()))
    path.chmod(0o711)
    yield path
    for record in path.rglob("cluster.json"):
        _end(record.parent)
    shutil.rmtree(path, ignore_errors=True)


def _end(directory: Path) -> None:
    shutil.rmtree(directory / "run" / "start.lock", ignore_errors=True)
    (directory / "karnet.toml").write_text('[server]\nname = "ended"\n')
    os.chown(directory / "karnet.toml", os.geteuid(), -1)
    try:
        postgres.remove(Installation.load(directory, environment={}))
    except Exception as problem:
        print(f"could not remove the cluster of {directory}: {problem}")


@pytest.fixture
def installation(place: Path) -> Installation:
    """A fresh installation without a cluster."""
    return Installation.create(place / "data", name="test")


@pytest.fixture(scope="session")
def _model() -> Iterator[Path]:
    """An installation whose cluster is made and stopped: copying it is much faster than making another."""
    path = Path(tempfile.mkdtemp(prefix="kt-", dir=_shelf()))
    path.chmod(0o711)
    environment: dict[str, str] = {}
    made = Installation.create(path / "data", name="test", environment=environment)
    with postgres.running(made, fsync=False):
        pass
    yield made.path
    _end(made.path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def made(installation: Installation, _model: Path) -> Installation:
    """A fresh installation with a stopped cluster of its own."""
    return give_cluster(installation, _model)


def give_cluster(installation: Installation, model: Path) -> Installation:
    """Give `installation` a copy of the model's cluster."""
    subprocess.run(["cp", "-a", model / "postgres", installation.path], check=True)
    record = (model / "cluster.json").read_text().replace(str(model), str(installation.path))
    (installation.path / "cluster.json").write_text(record)
    (installation.path / "cluster.json").chmod(0o600)
    return installation


def as_nobody(action: Callable[[], Any]) -> Any:
    """Run `action` in a forked child as an unprivileged user; its value, or the exception it raised.

    Forked and not executed, because the interpreter itself may lie where that user cannot go.
    """
    if os.geteuid() != 0:
        return _outcome(action)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(_outcome(action), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        outcome = pickle.load(pipe)  # noqa: S301
    os.waitpid(child, 0)
    return outcome


def _outcome(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except Exception as error:
        return error


def cluster_is_down(cluster: postgres.Cluster) -> bool:
    """Whether no process of the cluster is left, by the lock they all hold."""
    lock = FileLock(cluster.home_dir / "run" / "cluster.lock")
    try:
        return lock.acquire(wait=False)
    finally:
        lock.close()

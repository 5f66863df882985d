"""Installations of their own, in memory where there is room: here nothing has to outlive the machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from karnet.wiring import postgres
from karnet.wiring.tests.conftest import _shelf
from tests.durability import story
from tests.durability.killing import in_child
from tests.durability.standbys import karnet, load


def end(place: Path) -> None:
    """Stop and delete whatever database was made below `place`, and the rest of it."""
    for record in place.rglob("cluster.json"):
        if (record.parent / "karnet.toml").exists():
            postgres.remove(load(record.parent))
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def bare() -> Iterator[Path]:
    """An empty directory that every account may pass through."""
    place = Path(tempfile.mkdtemp(prefix="ko-", dir=_shelf()))
    place.chmod(0o711)
    yield place
    end(place)


@pytest.fixture(scope="module")
def _model() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="ko-", dir=_shelf()))
    place.chmod(0o711)
    karnet(place / "home", "init", "--name", story.NAME)
    with postgres.running(load(place / "home")):
        in_child(load(place / "home"), story.furnish)
        karnet(place / "home", "journal", "seal")
    yield place
    end(place)


@pytest.fixture
def place(_model: Path) -> Iterator[Path]:
    """A directory with a furnished, stopped installation in `home`."""
    place = Path(tempfile.mkdtemp(prefix="ko-", dir=_shelf()))
    place.chmod(0o711)
    subprocess.run(["cp", "-a", _model / "home", place / "home"], check=True)
    record = place / "home" / "cluster.json"
    record.write_text(record.read_text().replace(str(_model), str(place)))
    yield place
    end(place)

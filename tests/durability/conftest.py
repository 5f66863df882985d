"""A cluster with fsync on, on a real disk, for the whole session; what is killed is started again by the tests."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from tests.durability import story
from tests.durability.killing import in_child


@pytest.fixture(scope="session")
def home() -> Iterator[Installation]:
    """An installation made by `karnet init`, furnished for stories, its server running."""
    place = Path(tempfile.mkdtemp(prefix="kd-"))
    place.chmod(0o711)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KARNET_", "DJANGO_", "PG", "DATABASE_"))}
    subprocess.run(
        [sys.executable, "-P", "-m", "karnet.wiring.cli", "init", "--data", place / "data", "--name", story.NAME],
        check=True,
        capture_output=True,
        env=environment,
    )
    installation = Installation.load(place / "data", environment={})
    server = postgres.start(installation)
    in_child(installation, story.furnish)
    yield installation
    server.leave()
    postgres.remove(installation)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def chance() -> random.Random:
    """Chance, repeatable: KARNET_SEED=… plays a failure again."""
    seed = int(os.environ.get("KARNET_SEED") or random.SystemRandom().randrange(2**32))
    sys.stdout.write(f"KARNET_SEED={seed}\n")  # Shown with a failure.
    return random.Random(seed)

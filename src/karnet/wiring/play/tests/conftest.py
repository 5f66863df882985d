"""A stage for tests: empty tables, and a key and checkpoint file of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.wiring.installation import Installation
from karnet.wiring.play.stage import Stage
from karnet.wiring.play.staging import staged


@pytest.fixture
def stage(database: None, tmp_path: Path) -> Stage:
    """A run on an empty database. Its installation has no PostgreSQL of its own: Django is connected already."""
    return staged(Installation.create(tmp_path / "installation", name="play.test/log", environment={}))

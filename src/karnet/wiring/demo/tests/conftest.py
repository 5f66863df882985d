"""Empty tables and an installation's files for the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.wiring.demo.place import NAME
from karnet.wiring.installation import Installation


@pytest.fixture
def demo(database: None, tmp_path: Path) -> Installation:
    """The demo's installation without PostgreSQL of its own: Django is connected already."""
    return Installation.create(tmp_path / "demo", name=NAME, environment={})

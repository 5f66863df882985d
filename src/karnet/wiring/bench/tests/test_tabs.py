"""The visits that are measured are visits: they run in small, so that the measurement cannot rot."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.wiring.bench.tabs import tabs, tabs_batch
from karnet.wiring.bench.tests.test_faces import AGAINST
from karnet.wiring.bench.world import World
from karnet.wiring.installation import Installation

pytestmark = pytest.mark.database


def test_visits_are_measured_singly_and_together(database: None, tmp_path: Path) -> None:
    world = World(
        Installation.create(tmp_path / "installation", name="bench.test/log", environment={}), lambda word: None
    )
    singly = tabs(world, AGAINST, tmp_path, visits=10)
    together = tabs_batch(world, AGAINST, tmp_path, groups=2, together=5)
    assert singly.per_s
    assert together.per_s

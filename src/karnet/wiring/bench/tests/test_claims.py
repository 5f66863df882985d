"""The claims that are measured are claims: they run in small, so that the measurement cannot rot."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.wiring.bench.claims import claims
from karnet.wiring.bench.tests.test_faces import AGAINST
from karnet.wiring.bench.world import World
from karnet.wiring.installation import Installation

pytestmark = pytest.mark.database


def test_claims_are_measured_on_an_empty_hall_and_a_full_one(database: None, tmp_path: Path) -> None:
    world = World(
        Installation.create(tmp_path / "installation", name="bench.test/log", environment={}), lambda word: None
    )
    figure = claims(world, AGAINST, tmp_path, seats=80, sold=50, singly=5, batches=2, together=5)
    assert figure.per_s
    assert set(figure.parts) == {"empty", "empty_batch", "full_batch"}

"""kill -9 of the sealer between its statements, after its commit, and in the middle of writing the checkpoint file."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import partial
from itertools import count as numbers
from typing import Any

import pytest

from karnet.journal.founding import server_id
from karnet.parties.services import EnrolOperator, enrol_operators
from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from tests.durability import story
from tests.durability.killing import Lost, Victim, count, in_child, killed_at, torn
from tests.durability.record import assert_sealed, seal

pytestmark = pytest.mark.durability

_numbers = numbers()


@pytest.fixture
def record(home: Installation) -> Callable[[], None]:
    """Record some operations that wait for the sealer."""

    def some() -> None:
        names = [f"sealed-{next(_numbers)}" for _ in range(5)]
        in_child(home, lambda: enrol_operators([_enrol(name) for name in names]))

    return some


def _enrol(name: str) -> EnrolOperator:
    asked: dict[str, Any] = {"key": name, "at": story.MORNING, "actor": server_id(story.NAME)}
    return EnrolOperator(**asked, facility=story.HOME, code=name)


def seal_and_look(home: Installation) -> int:
    sealed = seal(home)
    assert_sealed(home)
    return sealed


def test_a_sealer_killed_at_any_point_leaves_a_log_that_goes_on(home: Installation, record: Callable[[], None]) -> None:
    in_child(home, partial(seal, home))
    record()
    points = count(home, partial(seal, home))
    assert points > 8
    for at in range(1, points + 1):
        record()
        killed_at(home, partial(seal, home), at, Victim.CLIENT)
        in_child(home, partial(seal_and_look, home))


def test_a_sealer_whose_database_dies_leaves_a_log_that_goes_on(
    home: Installation, record: Callable[[], None], chance: random.Random
) -> None:
    in_child(home, partial(seal, home))
    record()
    points = count(home, partial(seal, home))
    for victim in (Victim.BACKEND, Victim.POSTMASTER):
        for at in chance.sample(range(1, points + 1), 4):
            record()
            killed_at(home, partial(seal, home), at, victim)
            with postgres.running(home):
                in_child(home, partial(seal_and_look, home))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999, 1.0])
def test_a_checkpoint_file_torn_in_the_middle_of_a_line_is_made_whole(
    home: Installation, record: Callable[[], None], share: float
) -> None:
    in_child(home, partial(seal, home))
    record()

    def doomed() -> None:
        os.pwrite = torn(share)  # type: ignore[assignment]
        seal(home)

    with pytest.raises(Lost):
        in_child(home, doomed)
    assert in_child(home, partial(seal_and_look, home)) == 0

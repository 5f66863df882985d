"""Heads inside: whoever passed an entrance and was not seen to leave since, where the way out is counted."""

from __future__ import annotations

import pytest

from karnet.access.figures import heads_inside
from karnet.access.tests.conftest import NORTH, SOUTH, World, at

pytestmark = pytest.mark.database

DAY = (at(0), at(23, 59))


def test_where_nobody_counts_the_way_out_nobody_is_said_to_be_inside(world: World) -> None:
    lift = world.gate("lift")
    world.card("1", days=7)
    world.admit(lift, "1")
    assert heads_inside(*DAY) is None


def test_a_head_is_counted_once_however_often_it_rides_and_leaves_by_the_way_out(world: World) -> None:
    lift, tow = world.gate("lift"), world.gate("tow")
    out = world.gate("exit", direction="out", points=None)
    elsewhere = world.gate("far", facility=SOUTH)
    for number in ("1", "2", "3"):
        world.card(number, days=7)
    assert heads_inside(*DAY) == 0
    for gate, number, hour in ((lift, "1", 9), (tow, "1", 10), (lift, "2", 9), (elsewhere, "3", 9)):
        world.admit(gate, number, at(hour))
    assert heads_inside(*DAY) == heads_inside(*DAY, NORTH) == 2
    assert heads_inside(*DAY, SOUTH) is None
    world.admit(out, "1", at(11))
    assert heads_inside(*DAY) == 1
    world.admit(lift, "1", at(12))
    assert heads_inside(*DAY) == 2
    assert heads_inside(at(13), at(23)) == 0

"""What a till shows before anybody pays is what settling then does."""

from __future__ import annotations

import pytest

from karnet.stays.explaining import explain, foreseen, offered
from karnet.stays.tests.conftest import NOON, POOL, World, when

pytestmark = pytest.mark.database


def test_what_is_foreseen_is_what_settling_takes_and_pays_back(world: World) -> None:
    came = world.came("4001", "4002", pay=3600)
    world.passes("in", "4001", 1)
    world.passes("to-sauna", "4001", 50)
    seen = foreseen(came.tab, came.stays[:1], when(60))
    assert seen is not None
    assert (seen.owed, seen.refund, seen.last) == (500, 0, False)
    assert world.settled(came.stays[0], at=60, pay=seen.owed).paid == 500
    last = foreseen(came.tab, came.stays[1:], when(61))
    assert last is not None
    assert (last.owed, last.refund, last.last) == (0, 0, True)
    assert world.settled(came.stays[1], at=61).closed


def test_a_stay_is_explained_by_its_visits_and_its_price_over_time(world: World) -> None:
    came = world.came("4003", pay=1800)
    world.passes("in", "4003", 0)
    world.passes("to-sauna", "4003", 20)
    world.passes("to-pool", "4003", 30)
    told = explain(came.stays, when(80), curves=True)[came.stays[0]]
    assert told.number == "4003"
    assert [(visit.zone, (visit.end_s - visit.start_s) // 60) for visit in told.visits] == [
        ("pool", 20),
        ("sauna", 10),
        ("pool", 50),
    ]
    amounts = [amount for _at, amount in told.curve]
    assert amounts == sorted(amounts)
    assert told.curve[0] == (NOON, 1800)
    assert amounts[-1] == told.bill.total_minor == 1800 + 500 + 300


def test_packages_are_offered_at_what_they_cost_now(world: World) -> None:
    pool = next(one for one in offered(POOL, NOON) if one.code == "pool")
    assert pool.prices == {("adult", "1h"): 1800, ("child", "1h"): 1200}

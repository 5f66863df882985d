"""A past period through another tariff: the figures are those of the bills, and nothing is recorded (SPEC S16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from karnet.journal.models import Operation
from karnet.stays.bills import bills
from karnet.stays.repricing import reprice_period
from karnet.stays.requests import Band
from karnet.stays.tests.conftest import NOON, POOL, World, pool_tariff
from karnet.tariffs.model import Band as TariffBand
from karnet.tariffs.model import Clock, Tariff

pytestmark = pytest.mark.database


def dearer(**changes: Any) -> Tariff:
    """The hour at 20.00, the pool at 0.40 a minute from then on, the sauna no longer on top but as the pool."""
    prices = {"adult": 40, "child": 10}
    clocks = (
        Clock(code="pool", zones=("pool", "gym", "sauna"), unit_s=60, bands=(TariffBand(code="any", prices=prices),)),
    )
    packages = tuple(
        msgspec.structs.replace(one, bands=(TariffBand(code="any", prices={"adult": 2000, "child": 1000}),))
        for one in pool_tariff().packages
    )
    return pool_tariff(**{"clocks": clocks, "packages": packages, **changes})


def visit(world: World, band: Band, at: int, minutes: int, sauna: int = 0) -> Any:
    """Somebody comes at a minute after NOON, stays so long, part of it in the sauna, and pays; returns the stay."""
    came = world.came(
        band,
        pay=0 if band.prepaid_minor == 0 else 1800 if band.category == "adult" else 1200,
        at=NOON + timedelta(minutes=at),
    )
    (stay,) = came.stays
    world.passes("in", band.number, at)
    if sauna:
        world.passes("to-sauna", band.number, at + 10)
        world.passes("to-pool", band.number, at + 10 + sauna)
    world.settled(stay, at=at + minutes, pay=world.owed(stay, at + minutes))
    return stay


def test_a_period_brings_in_what_its_bills_say_under_either_tariff(world: World) -> None:
    stays = [
        visit(world, Band(number="1", package="1h"), 0, 50),
        visit(world, Band(number="2", package="1h"), 5, 95, sauna=20),
        visit(world, Band(number="3", package="1h", category="child"), 70, 90),
        visit(world, Band(number="4", prepaid_minor=0), 24 * 60, 30),
    ]
    world.came(Band(number="5", package="1h"), pay=1800, at=NOON + timedelta(hours=1))  # goes on: no part of it
    recorded = Operation.objects.count()
    since, until = NOON, NOON + timedelta(days=2)
    found = reprice_period(POOL, dearer(), since, until, chunk=2)
    assert found == reprice_period(POOL, dearer(), since, until), "however it is cut into chunks"
    assert Operation.objects.count() == recorded
    whole = found.compared.whole
    now = bills(stays, NOON + timedelta(days=3))
    assert (whole.stays, whole.before) == (4, sum(now[stay].bill.total_minor for stay in stays))
    # By hand: 20.00; 20.00 + 35 x 0.40; 10.00 + 30 x 0.10; 30 x 0.40.
    assert whole.after == 2000 + 3400 + 1300 + 1200
    assert [(one.name, one.stays) for one in found.compared.days] == [("2026-01-19", 3), ("2026-01-20", 1)]
    assert [(one.name, one.stays) for one in found.compared.zones] == [("pool", 3), ("pool + sauna", 1)]
    assert (whole.more, whole.less, whole.rise, whole.fall) == (3, 1, 200 + 150 + 300, 500)
    assert [one.change for one in found.compared.cheaper] == [-500], "the child's"
    assert reprice_period(POOL, dearer(), since, NOON + timedelta(days=1)).compared.whole.stays == 3
    assert reprice_period(POOL, dearer(), since, until, of="small-pool").compared.whole.stays == 0


def test_stays_of_a_category_that_the_draft_lacks_are_left_out_and_counted(world: World) -> None:
    visit(world, Band(number="1", package="1h"), 0, 50)
    visit(world, Band(number="2", package="1h", category="child"), 0, 50)
    adults = TariffBand(code="any", prices={"adult": 40})
    draft = dearer(
        categories=("adult",),
        clocks=(Clock(code="pool", zones=("pool",), unit_s=60, bands=(adults,)),),
        packages=tuple(msgspec.structs.replace(one, bands=(adults,)) for one in pool_tariff().packages),
    )
    found = reprice_period(POOL, draft, NOON, NOON + timedelta(days=1))
    assert (found.compared.whole.stays, found.left_out) == (1, {"category child": 1})

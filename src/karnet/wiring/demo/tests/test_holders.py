"""The demo's visitors who gave their names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from karnet.entitlements.selectors import media_by_number
from karnet.journal.rebuilding import check
from karnet.orders.tests.conftest import MORNING, World, world
from karnet.parties.people import Looking, find_customers
from karnet.parties.selectors import home_server
from karnet.wiring.demo.holders import name_some

pytestmark = pytest.mark.database

__all__ = ["world"]  # a fixture


def test_somebody_is_found_by_surname_and_by_phone_once_the_demo_is_up(world: World) -> None:
    world.sold(world.line("DAY", "1", "2", "3"), pay=51000)
    evening = MORNING + timedelta(hours=10)
    assert name_some(home_server(), evening) == 3
    assert name_some(home_server(), evening + timedelta(days=1)) == 3  # the next day: nobody loses a card
    (found,) = find_customers("lacki", Looking(by="anna", at=evening))
    assert find_customers(found.details.phone[-4:], Looking(by="anna", at=evening)) == [found]
    assert found.id in {medium.holder for medium in media_by_number(["1", "2", "3"]).values()}
    assert check().sound

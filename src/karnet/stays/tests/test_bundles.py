"""A bundle pays the prepayment of a stay: nothing at the desk, the surcharge at the exit, each of its stays once (N11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from karnet.catalogue.operations import IncludedStay, Validity
from karnet.catalogue.rules import ProductDraft, Publication, Publish
from karnet.catalogue.services import publish
from karnet.entitlements.included import included_on
from karnet.entitlements.requests import Block, BlockPlaced
from karnet.entitlements.rules import medium_id
from karnet.entitlements.services import block
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, Sale, SaleLine, Sell
from karnet.orders.selectors import orders
from karnet.orders.services import sell
from karnet.stays.requests import Band
from karnet.stays.services import enter
from karnet.stays.tests.conftest import (
    ANNA,
    NOON,
    POOL,
    TILL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    race,
    refusal,
    set_house,
)

pytestmark = pytest.mark.database


def bundle(world: World, times: int = 1, **stay: Any) -> UUID:
    """A card 4711 with a day ticket that includes stays in the pool; returns the ticket's id."""
    given = {"facility": POOL, "tariff": "pool", "package": "1h", "times": times, **stay}
    product = ProductDraft(
        code="SKI-SWIM", kind="time", prices={"adult": 20_000, "child": 15_000}, vat_bp=800,
        validity=Validity(kind="days", days=1), stays=(IncludedStay(**given),),
    )  # fmt: skip
    early = NOON - timedelta(hours=5)
    (made,) = publish(
        [Publish(key=world.key(), at=early, actor=ANNA, facility=POOL, on_sale_from=early, products=(product,))]
    )
    assert isinstance(made, Publication), made
    line = SaleLine(product=made.versions["SKI-SWIM"], cards=(Card(number="4711", issue=True),))
    (sale,) = sell(
        [
            Sell(
                key=world.key(), at=early, actor=ANNA, sales_point=TILL, lines=(line,),
                payments=(Payment(kind="cash", amount=20_000),),
            )
        ]
    )  # fmt: skip
    assert isinstance(sale, Sale), sale
    return sale.entitlements[0]


def offered(at: datetime = NOON) -> int:
    return sum(one.times - one.used for one in included_on([medium_id("4711")], POOL, at).get(medium_id("4711"), []))


@pytest.mark.parametrize("receipt", ["exit", "entry"])
def test_what_exceeds_a_bundles_stay_is_paid_at_the_exit_and_nothing_before(
    world: World, superuser: psycopg.Connection, receipt: str
) -> None:
    set_house(world, receipt=receipt)
    ticket = bundle(world)
    came = world.came(Band(number="B1", included=ticket))
    assert (came.prepaid, came.document, offered()) == (0, None, 0)
    world.passes("in", "B1", 1)
    world.passes("to-sauna", "B1", 31)
    world.passes("to-pool", "B1", 41)
    # 70 minutes in the pool, ten over: 3.00; ten in the sauna, always on top: 5.00.
    assert refusal(world.reads("out", "B1", 81)) == "money_owed"
    assert world.owed(came.stays[0], 81) == 800
    done = world.settled(*came.stays, at=81, pay=800)
    assert (done.totals, done.closed, done.refund) == ((2600,), True, 0)
    assert done.order is not None
    document = orders([done.order])[done.order]
    assert (document.total, document.lines) == (800, 2), "what the bundle paid is on the bundle's own receipt"
    assert_books_balance()
    assert_rebuilt_alike(superuser)


def test_who_stays_shorter_gets_nothing_back_and_leaves_without_the_till(world: World) -> None:
    came = world.came(Band(number="4711", included=bundle(world)))
    world.passes("in", "4711", 1)
    assert world.passes("door", "4711", 30).ended
    assert world.total(came.stays[0], 30) == 1800
    assert_books_balance()


def test_each_stay_of_a_bundle_begins_once_also_for_several_on_one_tab(world: World) -> None:
    ticket = bundle(world, times=2)
    three = [Band(number=f"B{n}", included=ticket) for n in range(3)]
    assert refusal(world.enters(*three)) == "no_stay_included"
    assert offered() == 2, "all or none"
    world.came(*three[:2])
    assert refusal(world.enters(three[2])) == "no_stay_included"
    assert offered() == 0


def test_of_many_desks_one_begins_a_bundles_only_stay(world: World) -> None:
    ticket = bundle(world)
    asked = [world.entry(Band(number=f"B{n}", included=ticket)) for n in range(4)]
    answers = race([lambda r=r: enter([r])[0] for r in asked])
    assert sum(not isinstance(answer, Refused) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {"no_stay_included"}
    assert_books_balance()


def test_a_bundle_lets_nobody_in_by_another_tariff_on_another_day_or_when_it_is_blocked(world: World) -> None:
    ticket = bundle(world)
    band = Band(number="B1", included=ticket)
    assert refusal(world.enters(band, tariff="small-pool")) in ("bad_value", "unknown_tariff")
    assert refusal(world.enters(band, at=NOON + timedelta(days=1))) == "expired"
    (answer,) = block([Block(key="block", at=NOON, actor=ANNA, medium=medium_id("4711"), code="lost")])
    assert isinstance(answer, BlockPlaced), answer
    assert refusal(world.enters(band)) == "medium_blocked"
    assert offered() == 0
    assert refusal(world.enters(Band(number="B1", included=UUID(int=7)))) == "no_stay_included"

"""Sales paid with the money on a card, in part or whole: one operation, and settlement sees whose money it was (SPEC N10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from karnet.accounts.facts import drawn_sums
from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.entitlements.requests import Block
from karnet.entitlements.rules import medium_id
from karnet.entitlements.services import block
from karnet.journal.cuts import extent
from karnet.journal.rebuilding import check
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.orders.charging import LoadMoney, MoneyOn, load, money_on
from karnet.orders.operations import Payment
from karnet.orders.receipts import receipt
from karnet.orders.requests import Sale, SaleLine, Sell
from karnet.orders.services import sell
from karnet.orders.tests.agreeing import agreed
from karnet.orders.tests.conftest import (
    ANNA,
    CARLA,
    MORNING,
    NORTH,
    SOUTH,
    SOUTH_TILL,
    TILL,
    World,
    assert_books_balance,
    cash,
    paid,
    race,
    state,
)
from karnet.orders.tests.test_facts import seal

pytestmark = pytest.mark.database
NOON = MORNING + timedelta(hours=4)


@pytest.fixture
def card(world: World) -> World:
    """A card numbered 1, sold at NORTH, with 50.00 of money and 5.00 of bonus that NORTH holds."""
    agreed(world, NORTH, SOUTH)
    world.sold(world.line("P30", "1"), pay=3600)
    put_on(world, 5000, bonus=500)
    return world


def put_on(world: World, amount: int, **changes: Any) -> None:
    given = {"key": world.key(), "at": NOON, "actor": ANNA, "sales_point": TILL, "number": "1", **changes}
    (answer,) = load([LoadMoney(amount=amount, **given)])
    assert isinstance(answer, MoneyOn), answer


def from_card(amount: int, number: str = "1") -> Payment:
    return Payment(kind="stored_money", amount=amount, medium=medium_id(number))


def wax(world: World, pieces: int = 3) -> SaleLine:
    """Goods at SOUTH: 9.99 apiece."""
    return SaleLine(product=world.south["WAX"], quantity=pieces)


def at_south(world: World, *payments: Payment, pieces: int = 3, **changes: Any) -> Sell:
    given = {"key": world.key(), "at": NOON, "actor": CARLA, "sales_point": SOUTH_TILL, **changes}
    return Sell(lines=(wax(world, pieces),), payments=payments, **given)


def house(facility: Any, purpose: Any) -> int:
    account = house_account(facility, purpose, "PLN")
    return balances([account])[account].balance


def test_a_sale_is_paid_partly_with_the_money_that_another_facility_took(card: World) -> None:
    before = house(SOUTH, "revenue") + house(SOUTH, "vat")
    (sale,) = sell([at_south(card, from_card(2000), cash(997, tendered=1000))])
    assert isinstance(sale, Sale), sale
    assert (sale.total, sale.change) == (2997, 3)
    assert money_on("1", "PLN") == (3000, 500)
    assert house(SOUTH, "revenue") + house(SOUTH, "vat") - before == 2997
    assert (house(NORTH, "stored"), house(SOUTH, "stored")) == (2000, -2000), "NORTH owes what SOUTH has to get"
    sums = [tuple(row) for row in drawn_sums(extent(seal()), "PLN", None, NOON + timedelta(days=1))]
    assert sums == [(NORTH, SOUTH, 2000, 0)]
    printed = receipt(sale.order)
    assert printed is not None
    assert [payment.kind for payment in printed.payments] == ["stored_money", "cash"]
    assert_books_balance()
    assert check().sound


def test_what_the_seller_holds_itself_is_drawn_first_and_bonus_money_last(card: World) -> None:
    put_on(card, 400, actor=CARLA, sales_point=SOUTH_TILL)
    (sale,) = sell([at_south(card, from_card(5600), paid("card", 394), pieces=6)])
    assert isinstance(sale, Sale), sale
    assert money_on("1", "PLN") == (0, 300)
    sums = {
        (row.held_by, row.facility): (row.money, row.bonus)
        for row in drawn_sums(extent(seal()), "PLN", None, NOON + timedelta(days=1))
    }
    assert sums == {(SOUTH, SOUTH): (400, 0), (NORTH, SOUTH): (5000, 200)}
    assert_books_balance()


def test_two_cards_pay_one_sale(card: World) -> None:
    card.sold(card.line("P30", "2"), pay=3600)
    put_on(card, 1000, number="2")
    (sale,) = sell([at_south(card, from_card(1997), from_card(1000, "2"))])
    assert isinstance(sale, Sale), sale
    assert (money_on("1", "PLN"), money_on("2", "PLN")) == ((3003, 500), (0, 0))
    assert house(SOUTH, "stored") == -2997
    assert check().sound


def test_a_ticket_goes_onto_the_card_that_pays_for_it(card: World) -> None:
    sale = card.sold(card.line("P30", "1", issue=False), pay=[from_card(2600)])
    assert len(sale.entitlements) == 1
    assert money_on("1", "PLN") == (2400, 500)
    assert house(NORTH, "stored") == 0, "who took the money spent it: nobody owes it"


@pytest.mark.parametrize(
    ("payments", "reason"),
    [
        ([from_card(5501), cash(493)], Reason.INSUFFICIENT_FUNDS),
        ([from_card(1000), from_card(1000), cash(3994)], Reason.BAD_VALUE),
        ([from_card(2000, "9"), cash(3994)], Reason.BAD_VALUE),
        ([Payment(kind="stored_money", amount=5994)], Reason.BAD_VALUE),
        ([Payment(kind="cash", amount=5994, medium=medium_id("1"))], Reason.BAD_VALUE),
        ([from_card(2000)], Reason.PAYMENT_MISMATCH),
    ],
)
def test_what_cannot_be_paid_so_is_refused_and_changes_nothing(
    card: World, payments: list[Payment], reason: Reason
) -> None:
    before = state()
    (answer,) = sell([at_south(card, *payments, pieces=6)])
    assert isinstance(answer, Refused), answer
    assert answer.reason == reason
    assert state() == before


def test_a_refusal_tells_what_is_left_on_the_card(card: World) -> None:
    (answer,) = sell([at_south(card, from_card(5994), pieces=6)])
    assert answer == Refused(
        Reason.INSUFFICIENT_FUNDS, {"available_minor": 5500, "needed_minor": 5994, "currency": "PLN"}
    )


def test_the_money_on_a_blocked_card_pays_nothing(card: World) -> None:
    (blocked,) = block([Block(key=card.key(), at=NOON, actor=ANNA, medium=medium_id("1"), code="lost")])
    assert not isinstance(blocked, Refused)
    (answer,) = sell([at_south(card, from_card(2997))])
    assert isinstance(answer, Refused)
    assert answer.reason == Reason.MEDIUM_BLOCKED


def test_sales_of_one_batch_see_what_the_ones_before_spent(card: World) -> None:
    first, second = sell([at_south(card, from_card(2997)), at_south(card, from_card(2997))])
    assert isinstance(first, Sale)
    assert isinstance(second, Refused)
    assert second.reason == Reason.INSUFFICIENT_FUNDS
    assert second.facts["available_minor"] == 2503


def test_tills_that_race_for_the_money_on_a_card_spend_it_once(card: World) -> None:
    asked = [at_south(card, from_card(2997)) for _ in range(4)]
    answers = race([lambda request=request: sell([request])[0] for request in asked])  # type: ignore[misc]
    assert sum(isinstance(answer, Sale) for answer in answers) == 1
    assert money_on("1", "PLN") == (2003, 500)
    assert_books_balance()

"""What cards paid goes back to them: money to money, bonus to bonus, and only the rest is handed out (SPEC N10, N11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.accounts.operations import stored_account
from karnet.accounts.selectors import stored
from karnet.entitlements.requests import Block
from karnet.entitlements.rules import Desk, MediumState, medium_id
from karnet.entitlements.services import block
from karnet.journal.rebuilding import check
from karnet.kernel.outcomes import Refused
from karnet.orders.charging import LoadMoney, MoneyOn, load, money_on
from karnet.orders.operations import Payment
from karnet.orders.requests import OpenTab, Sale
from karnet.orders.rules.counter import Place
from karnet.orders.rules.putting_back import Paid, PutBack, put_back
from karnet.orders.selectors import takings
from karnet.orders.services import give_back, sell
from karnet.orders.tabs import open_tabs
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
    refusal,
    state,
)
from karnet.orders.tests.test_facts import seal

NOON = MORNING + timedelta(hours=4)
CARD = medium_id("1")


def put_on(world: World, amount: int, number: str = "1", **changes: Any) -> None:
    given_ = {"key": world.key(), "at": NOON, "actor": ANNA, "sales_point": TILL, "number": number, **changes}
    assert isinstance(load([LoadMoney(amount=amount, **given_)])[0], MoneyOn)


def from_card(amount: int) -> Payment:
    return Payment(kind="stored_money", amount=amount, medium=CARD)


def wax(world: World, *payments: Payment, pieces: int = 3, **changes: Any) -> Sale:
    """Goods at 9.99 apiece, each piece a line of its own."""
    lines = tuple(world.line("WAX", quantity=1) for _ in range(pieces))
    return world.sold(*lines, pay=payments, at=NOON, **changes)


def back(world: World, order: UUID, *lines: UUID, **changes: Any) -> Any:
    return give_back([world.returning(order, lines=lines, **changes)])[0]


@pytest.fixture
def card(world: World) -> World:
    """A card numbered 1 with 20.00 of money and 5.00 of bonus on it."""
    world.sold(world.line("P30", "1"), pay=3600)
    put_on(world, 2000, bonus=500)
    return world


@pytest.mark.database
def test_what_a_card_paid_goes_back_to_it_bonus_first_and_the_rest_is_handed_out(card: World) -> None:
    sale = wax(card, from_card(2500), cash(497))
    assert money_on("1", "PLN") == (0, 0)
    first = back(card, sale.order, sale.lines[0])
    assert (first.refund, first.to_cards) == (999, 999)
    assert money_on("1", "PLN") == (499, 500)
    second = back(card, sale.order)
    assert (second.refund, second.to_cards) == (1998, 1501)
    assert money_on("1", "PLN") == (2000, 500)
    shift = takings(card.shifts[TILL])
    assert shift is not None
    assert shift.paid_out == {"cash": 497}
    assert_books_balance()
    seal()
    assert check().differences == []


@pytest.mark.database
def test_what_was_held_elsewhere_is_held_from_then_on_where_it_went_back(card: World) -> None:
    """SOUTH charged what NORTH held, so NORTH owes it that; what SOUTH puts back SOUTH holds."""
    agreed(card, NORTH, SOUTH)
    from karnet.orders.requests import SaleLine, Sell

    line = SaleLine(product=card.south["WAX"], quantity=1)
    asked = Sell(key="south", at=NOON, actor=CARLA, sales_point=SOUTH_TILL, lines=(line,), payments=(from_card(999),))
    (sale,) = sell([asked])
    assert isinstance(sale, Sale)
    answer = back(card, sale.order, actor=CARLA, sales_point=SOUTH_TILL)
    assert answer.to_cards == 999
    held = {(one.facility, one.kind): one.held.balance for one in stored([CARD])[CARD]}
    assert held == {(NORTH, "money"): 1001, (NORTH, "bonus"): 500, (SOUTH, "money"): 999}
    assert_books_balance()


@pytest.mark.database
def test_a_card_that_is_blocked_gets_nothing_back_and_another_one_may(card: World) -> None:
    sale = wax(card, from_card(999), pieces=1)
    card.sold(card.line("P30", "2"), pay=3600)
    block([Block(key="lost", at=NOON, actor=ANNA, sales_point=TILL, medium=CARD, code="lost")])
    before = state()
    assert refusal(back(card, sale.order)) == "medium_blocked"
    assert state() == before
    assert back(card, sale.order, to_card="2").to_cards == 999
    assert money_on("2", "PLN") == (999, 0)


@pytest.mark.database
def test_a_tab_or_sale_that_names_money_on_a_card_as_an_account_is_refused(card: World) -> None:
    account = stored_account(CARD, 0, NORTH, "money", "PLN")
    payment = Payment(kind="internal_account", amount=100, account=account)
    opening = OpenTab(key="tab", at=NOON, actor=ANNA, sales_point=TILL, payments=(payment,))
    before = state()
    assert refusal(open_tabs([opening])[0]) == "bad_value"
    assert refusal(sell([card.sale(card.line("WAX"), pay=(Payment(kind="internal_account", amount=999, account=account),))])[0]) == "bad_value"  # fmt: skip
    assert state() == before


@pytest.mark.database
def test_bonus_money_pays_no_card_deposit(card: World) -> None:
    put_on(card, 1, bonus=2000)
    asked = card.sale(card.line("CARD", "9"), pay=(from_card(1000),), at=NOON)
    assert not isinstance(sell([asked])[0], Refused)
    again = card.sale(card.line("CARD", "8"), pay=(from_card(1000),), at=NOON)
    assert not isinstance(sell([again])[0], Refused)
    bonus = card.sale(card.line("CARD", "7"), pay=(from_card(1000),), at=NOON)
    assert refusal(sell([bonus])[0]) == "bad_value"


PLACE = Place(
    sales_point=TILL, code="K1", kind="till", facility=NORTH, facility_code="NORTH", currency="PLN",
    time_zone="Europe/Warsaw",
)  # fmt: skip
DESK = Desk([MediumState(id=medium_id(n), number=n, chip=n, kind="card", state="in_use") for n in ("1", "2")])

parts = st.builds(
    Paid,
    amount=st.integers(1, 5000),
    medium=st.sampled_from([medium_id("1"), medium_id("2")]),
    kind=st.sampled_from(["money", "bonus"]),
)


@given(st.lists(parts, max_size=5), st.lists(st.integers(1, 3000), max_size=6))
def test_returns_put_back_all_that_was_drawn_and_never_more(paid: list[Paid], returns: list[int]) -> None:
    drawn, total = sum(one.amount for one in paid), 0
    onto: dict[UUID, int] = {}
    for gross in returns:
        made = put_back(paid, total, gross, PLACE, DESK, None)
        assert isinstance(made, PutBack)
        assert made.amount == min(gross, drawn - total)
        total += made.amount
        for account, amount in made.targets:
            onto[account] = onto.get(account, 0) + amount
    for medium in ("1", "2"):
        for kind in ("money", "bonus"):
            account = stored_account(medium_id(medium), 0, NORTH, kind, "PLN")  # type: ignore[arg-type]
            most = sum(one.amount for one in paid if (one.medium, one.kind) == (medium_id(medium), kind))
            assert onto.get(account, 0) <= most
    assert sum(onto.values()) == min(drawn, sum(returns))

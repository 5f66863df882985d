"""Counter sales through the services, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.entitlements.rules import medium_id, points_account
from karnet.entitlements.selectors import holdings, media_by_chip, media_by_number, open_deposits
from karnet.journal.selectors import entries_after
from karnet.orders import selectors
from karnet.orders.operations import Payment, Sold
from karnet.orders.requests import Card, SaleLine, TopUp
from karnet.orders.rules.pricing import drawer
from karnet.orders.services import sell, top_up
from karnet.orders.tests.conftest import (
    ANNA,
    BEN,
    CARLA,
    MACHINE,
    MACHINE_OPERATOR,
    MORNING,
    NORTH,
    SCHOOL,
    SOUTH_TILL,
    TILL,
    TILL2,
    WEB,
    WEB_OPERATOR,
    World,
    assert_books_balance,
    cash,
    paid,
    refusal,
    replaced,
    state,
)
from karnet.parties.selectors import home_server
from karnet.parties.services import Retire, retire

pytestmark = pytest.mark.database


def balance(purpose: Any, unit: str = "PLN") -> int:
    account = house_account(NORTH, purpose, unit)
    return balances([account])[account].balance


def test_a_day_ticket_on_a_new_card_is_one_operation_worth_its_price_and_its_deposit(world: World) -> None:
    sale = world.sold(world.line("DAY", "1001"), pay=[cash(17000, tendered=20000)])
    assert (sale.number, sale.total, sale.vat, sale.deposit, sale.change) == ("K1-000001", 16000, 1185, 1000, 3000)
    assert (balance("revenue"), balance("vat"), balance("deposits")) == (14815, 1185, 1000)
    till = drawer(world.shifts[TILL], "PLN")
    assert balances([till])[till].balance == -17000
    assert_books_balance()
    *_, last = entries_after(0)
    body = last.entry.body
    assert isinstance(body, Sold)
    assert sum(transfer.amount for transfer in body.transfers) == body.total + 1000


def test_the_ticket_is_on_the_card_with_who_sold_it(world: World) -> None:
    sale = world.sold(world.line("DAY", "1001"), pay=17000)
    (ticket,) = holdings([medium_id("1001")])[medium_id("1001")]
    assert ticket.id == sale.entitlements[0]
    assert (ticket.facility, ticket.product_code, ticket.price) == (NORTH, "DAY", 16000)
    assert (ticket.valid_from, ticket.valid_until) == (
        MORNING.replace(hour=0),
        MORNING.replace(hour=0) + timedelta(days=1),
    )
    assert media_by_number(["1001"])["1001"] == media_by_chip(["chip-1001"])["chip-1001"]
    assert [deposit.amount for deposit in open_deposits([medium_id("1001")])[medium_id("1001")]] == [1000]


def test_points_lie_on_an_account_of_the_ticket(world: World) -> None:
    sale = world.sold(world.line("P30", "1001"), pay=3600)
    account = points_account(sale.entitlements[0])
    assert balances([account])[account].available == 30
    assert balance("points_issued", "points") == -30
    (ticket,) = holdings([medium_id("1001")])[medium_id("1001")]
    assert (ticket.points, ticket.available, ticket.valid_until) == (30, 30, None)


def test_two_tickets_on_one_new_card_take_one_deposit(world: World) -> None:
    sale = world.sold(world.line("P30", "1001"), world.line("DAY", "1001"), pay=2600 + 16000 + 1000)
    assert (sale.deposit, len(sale.media), len(sale.entitlements)) == (1000, 1, 2)


def test_a_code_that_nobody_brings_back_takes_no_deposit(world: World) -> None:
    line = SaleLine(product=world.north["DAY"], cards=(Card(number="QR-1", kind="qr", issue=True),))
    sale = world.sold(line, pay=16000)
    assert sale.deposit == 0
    assert media_by_chip(["QR-1"])["QR-1"].number == "QR-1"


def test_a_deposit_card_costs_its_deposit_and_holds_nothing(world: World) -> None:
    sale = world.sold(world.line("CARD", "1001"), pay=1000)
    assert (sale.total, sale.deposit, sale.entitlements) == (0, 1000, ())
    assert holdings([medium_id("1001")])[medium_id("1001")] == []


def test_a_top_up_is_an_entitlement_of_its_own_on_the_card_in_use(world: World) -> None:
    first = world.sold(world.line("P30", "1001"), pay=3600)
    request = TopUp(
        key=world.key(), at=MORNING + timedelta(hours=3), actor=ANNA, sales_point=TILL, number="1001",
        product=world.north["P30"], category="reduced", payments=(cash(2300),),
    )  # fmt: skip
    (second,) = top_up([request])
    found = holdings([medium_id("1001")])[medium_id("1001")]
    assert [ticket.id for ticket in found] == [first.entitlements[0], second.entitlements[0]]  # type: ignore[union-attr]
    assert sum(ticket.available for ticket in found) == 60
    assert second.deposit == 0  # type: ignore[union-attr]


def test_goods_are_sold_by_quantity_and_their_vat_is_reckoned_once(world: World) -> None:
    sale = world.sold(world.line("WAX", quantity=3), pay=2997)
    assert (sale.total, sale.vat, len(sale.lines)) == (2997, 560, 1)


def test_mixed_payment_is_booked_from_each_account(world: World) -> None:
    world.sold(
        world.line("DAY", "1001"),
        pay=[cash(5000, tendered=5000), paid("card", 10000), paid("voucher", 1500), paid("bank_transfer", 500)],
    )
    assert (balance("card_payments"), balance("vouchers"), balance("bank_transfers")) == (-10000, -1500, -500)
    assert_books_balance()


@pytest.mark.parametrize("price", [0, 14500, 17500])
def test_a_facility_may_sell_dearer_or_cheaper_and_even_give_away(world: World, price: int) -> None:
    sale = world.sold(world.line("DAY", "1001", unit_price=price), pay=[cash(price + 1000)] if price else [cash(1000)])
    (ticket,) = holdings([medium_id("1001")])[medium_id("1001")]
    assert (sale.total, ticket.price) == (price, price)
    assert_books_balance()


def test_a_ticket_may_start_later_than_it_is_sold(world: World) -> None:
    start = MORNING + timedelta(days=3)
    world.sold(world.line("DAY", "1001", start=start), pay=17000)
    (ticket,) = holdings([medium_id("1001")])[medium_id("1001")]
    assert ticket.valid_from == start.replace(hour=0)


def test_a_group_of_45_is_one_sale_with_one_payer_and_an_invoice(world: World) -> None:
    line = world.line("DAY", *(f"G{n:02d}" for n in range(45)), category="reduced")
    sale = world.sold(line, pay=[paid("invoice", 45 * 16000)], buyer=SCHOOL, invoice=True)
    assert (sale.total, sale.deposit, len(sale.entitlements), sale.invoice) == (
        675000,
        45000,
        45,
        "NORTH/2026/000001",
    )
    assert sale.vat == 50000  # 8 % inside 6,750.00, rounded once
    bodies = [recorded.entry.body for recorded in entries_after(0)]
    (sold,) = [body for body in bodies if isinstance(body, Sold)]
    assert len(sold.lines) == 45
    assert {line.vat for line in sold.lines} == {1111, 1112}
    assert balance("receivables") == -(675000 + 45000)
    assert_books_balance()
    with connection.cursor() as cursor:  # too large for an entry: it names its contents by their hash
        cursor.execute(
            "SELECT length(data) < 1000, content IS NOT NULL FROM journal_operation WHERE kind = 'orders.sold'"
        )
        assert cursor.fetchall() == [(True, True)]
    found = selectors.orders([sale.order])[sale.order]
    assert (found.number, found.lines, found.buyer, found.invoice) == (sale.number, 45, SCHOOL, sale.invoice)
    assert found.paid == {"invoice": 720000}


def test_numbers_of_a_sales_point_follow_one_another_and_refusals_leave_no_gap(world: World) -> None:
    wrong = world.sale(world.line("DAY", "1001"), pay=1)
    right = [world.sale(world.line("WAX"), pay=999) for _ in range(2)]
    answers = sell([right[0], wrong, right[1]])
    assert [getattr(answer, "number", None) for answer in answers] == ["K1-000001", None, "K1-000002"]
    assert selectors.order_id(NORTH, "K1-000002") == answers[2].order  # type: ignore[union-attr]


def test_the_same_sale_sent_twice_is_sold_once(world: World) -> None:
    request = world.sale(world.line("DAY", "1001"), pay=17000)
    first = sell([request])
    before = state()
    assert sell([request, request]) == first * 2
    assert state() == before


def test_web_and_machine_sell_without_a_shift_but_not_for_cash(world: World) -> None:
    line = SaleLine(product=world.north["DAY"], cards=(Card(number="QR-1", kind="qr", issue=True),))
    sale = world.sold(line, pay=[paid("card", 16000)], actor=WEB_OPERATOR, sales_point=WEB)
    assert sale.number == "WEB-000001"
    request = world.sale(world.line("WAX"), pay=999, actor=MACHINE_OPERATOR, sales_point=MACHINE)
    assert refusal(sell([request])[0]) == "no_open_shift"
    world.open_shift(MACHINE, MACHINE_OPERATOR)
    assert world.sold(world.line("WAX"), pay=999, actor=MACHINE_OPERATOR, sales_point=MACHINE).total == 999


REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("empty_sale", {"lines": ()}),
    ("payment_mismatch", {"payments": (cash(16999),)}),
    ("payment_mismatch", {"payments": (cash(17001),)}),
    ("payment_mismatch", {"payments": ()}),
    ("bad_value", {"payments": (cash(17000, tendered=16999),)}),
    ("bad_value", {"payments": (Payment(kind="card", amount=17000, tendered=17000),)}),
    ("bad_value", {"payments": (cash(18000), cash(-1000))}),
    ("bad_value", {"payments": (Payment(kind="internal_account", amount=17000),)}),
    ("bad_value", {"payments": (Payment(kind="internal_account", amount=17000, account=ANNA),)}),
    ("no_open_shift", {"sales_point": TILL2}),
    ("no_open_shift", {"actor": BEN}),
    ("unknown_actor", {"actor": CARLA}),
    ("unknown_actor", {"actor": MACHINE_OPERATOR, "sales_point": WEB}),
    ("unknown_actor", {"actor": medium_id("nobody")}),
    ("unknown_actor", {"sales_point": SOUTH_TILL}),
    ("unknown_sales_point", {"sales_point": medium_id("nowhere")}),
    ("invoice_data_missing", {"invoice": True}),
    ("invoice_data_missing", {"buyer": medium_id("no company")}),
    ("invoice_data_missing", {"payments": (paid("invoice", 17000),)}),
    ("bad_value", {"payments": (Payment(kind="beads", amount=17000),)}),  # type: ignore[arg-type]
    ("not_on_sale", {"at": MORNING - timedelta(days=90)}),
]


@pytest.mark.parametrize(("reason", "changes"), REFUSALS)
def test_a_sale_that_is_wrong_is_refused_whole(world: World, reason: str, changes: dict[str, Any]) -> None:
    before = state()
    request = replaced(world.sale(world.line("DAY", "1001"), pay=17000), **changes)
    assert refusal(sell([request])[0]) == reason
    assert state() == before


def test_lines_that_are_wrong_are_refused(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    line = world.line("DAY", "1002")
    elsewhere = replaced(line, product=world.south["DAY"])
    wrong = {
        "unknown_product": replaced(line, product=medium_id("nothing")),
        "not_on_sale": elsewhere,
        "unknown_category": replaced(line, category="senior"),
        "medium_in_use": world.line("DAY", "1001"),
        "unknown_medium": world.line("DAY", "1002", issue=False),
    }
    bad = [
        replaced(line, cards=(Card(number="1002", kind="tattoo", issue=True),)),  # type: ignore[arg-type]
        world.line("WAX", "1002"),
        world.line("DAY"),
        world.line("WAX", quantity=0),
        replaced(line, unit_price=-1),
        replaced(line, start=MORNING - timedelta(days=1)),
        replaced(line, cards=(Card(number="", issue=True),)),
        replaced(line, cards=(Card(number="x" * 65, issue=True),)),
    ]
    before = state()
    for reason, refused_line in [*wrong.items(), *(("bad_value", line) for line in bad)]:
        assert refusal(sell([world.sale(refused_line, pay=17000)])[0]) == reason
    assert state() == before


def test_a_season_ticket_is_not_sold_when_the_season_is_over(world: World) -> None:
    over = world.sale(world.line("SEASON", "1001"), pay=90000, at=MORNING + timedelta(days=90))
    assert refusal(sell([over])[0]) == "expired"


def test_a_new_card_cannot_bear_the_chip_of_another(world: World) -> None:
    line = SaleLine(
        product=world.north["DAY"],
        cards=(Card(number="1001", chip="c", issue=True), Card(number="1002", chip="c", issue=True)),
    )
    assert refusal(sell([world.sale(line, pay=34000)])[0]) == "medium_in_use"


def test_one_batch_issues_a_card_once(world: World) -> None:
    requests = [world.sale(world.line("DAY", "1001"), pay=17000) for _ in range(3)]
    answers = sell(requests)
    assert [getattr(answer, "reason", None) for answer in answers] == [None, "medium_in_use", "medium_in_use"]


def test_a_batch_of_sales_costs_the_same_statements_as_one(world: World, django_statements: Any) -> None:
    one = [world.sale(world.line("P30", "A0"), pay=3600)]
    many = [world.sale(world.line("P30", f"B{n}"), pay=3600) for n in range(50)]
    with django_statements() as few:
        sell(one)
    with django_statements() as lots:
        sell(many)
    assert len(lots) == len(few)


def test_a_retired_sales_point_sells_nothing(world: World) -> None:
    at = MORNING + timedelta(minutes=30)
    retire([Retire(key=world.key(), at=at, actor=home_server(), party=TILL)])
    before = state()
    assert refusal(sell([world.sale(world.line("WAX"), pay=999)])[0]) == "actor_retired"
    assert state() == before

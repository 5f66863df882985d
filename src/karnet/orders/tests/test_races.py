"""Many tills at once on what exists once: a card, a deposit, a line, a shift, a number. And attacks by SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.entitlements.requests import Replace, ReplacementIssued
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import holdings, open_deposits
from karnet.entitlements.services import replace
from karnet.kernel.ids import derived_id
from karnet.kernel.outcomes import Refused
from karnet.orders.requests import CloseShift, InvoiceIssued, IssueInvoice, OpenShift, Sale, ShiftOpen, TakenBack
from karnet.orders.services import close_shifts, give_back, issue_invoices, open_shifts, sell
from karnet.orders.tests.conftest import (
    ANNA,
    BEN,
    CARLA,
    MORNING,
    NORTH,
    SCHOOL,
    SOUTH,
    SOUTH_TILL,
    TILL,
    TILL2,
    WEB,
    WEB_OPERATOR,
    World,
    assert_books_balance,
    paid,
    race,
    replaced,
)

pytestmark = pytest.mark.database
CARD = medium_id("1001")


def asking(service: Callable[[Any], list[Any]], *requests: Any) -> list[Callable[[], Any]]:
    return [lambda request=request: service([request])[0] for request in requests]


def reasons(answers: list[Any]) -> list[str]:
    return sorted(str(answer.reason) for answer in answers if isinstance(answer, Refused))


def test_one_new_card_sold_at_eight_tills_at_once_is_sold_once(world: World) -> None:
    world.open_shift(TILL2, BEN)
    tills = [(TILL, ANNA), (TILL2, BEN)] * 4
    requests = [
        world.sale(world.line("DAY", "1001"), pay=17000, sales_point=till, actor=actor) for till, actor in tills
    ]
    answers = race(asking(sell, *requests))
    assert sum(isinstance(answer, Sale) for answer in answers) == 1
    assert reasons(answers) == ["medium_in_use"] * 7
    assert len(holdings([CARD])[CARD]) == 1
    assert_books_balance()


def test_new_cards_sold_in_crossing_orders_do_not_lock_each_other_out(world: World) -> None:
    world.open_shift(TILL2, BEN)
    numbers = [f"C{n}" for n in range(12)]
    there = [world.sale(world.line("DAY", number), pay=17000) for number in numbers]
    back = [
        world.sale(world.line("DAY", number), pay=17000, sales_point=TILL2, actor=BEN) for number in reversed(numbers)
    ]
    answers = [answer for batch in race([lambda: sell(there), lambda: sell(back)]) for answer in batch]
    assert sum(isinstance(answer, Sale) for answer in answers) == 12
    assert reasons(answers) == ["medium_in_use"] * 12


def test_a_deposit_handed_in_at_sixteen_counters_is_paid_once(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    counters = [(TILL, ANNA), (SOUTH_TILL, CARLA)] * 8
    requests = [world.returning(None, cards=("1001",), sales_point=till, actor=actor) for till, actor in counters]
    answers = race(asking(give_back, *requests))
    assert sum(isinstance(answer, TakenBack) for answer in answers) == 1
    assert reasons(answers) == ["medium_returned"] * 15
    accounts = [house_account(facility, "deposits", "PLN") for facility in (NORTH, SOUTH)]
    assert sum(held.balance for held in balances(accounts).values()) == 0
    assert_books_balance()


def test_one_line_returned_by_eight_threads_is_refunded_once(world: World) -> None:
    sale = world.sold(world.line("WAX"), pay=999)
    answers = race(asking(give_back, *(world.returning(sale.order) for _ in range(8))))
    assert sum(isinstance(answer, TakenBack) for answer in answers) == 1
    assert reasons(answers) == ["already_returned"] * 7
    assert_books_balance()


def test_a_ticket_is_returned_or_its_card_replaced_but_never_lost_between(world: World) -> None:
    sale = world.sold(world.line("P30", "1001"), pay=3600)
    swap = Replace(
        key=world.key(), at=MORNING + timedelta(hours=5), actor=BEN, old=CARD, new_number="2002", sales_point=TILL2
    )
    answers = race([*asking(replace, swap), *asking(give_back, world.returning(sale.order))])
    assert isinstance(answers[0], ReplacementIssued)
    assert isinstance(answers[1], TakenBack)
    found = [*holdings([CARD])[CARD], *holdings([medium_id("2002")])[medium_id("2002")]]
    assert all(ticket.voided for ticket in found)
    assert_books_balance()


def test_a_card_replaced_at_eight_tills_at_once_is_replaced_once(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    requests = [
        Replace(
            key=world.key(), at=MORNING + timedelta(hours=5), actor=ANNA, old=CARD, new_number=f"N{n}", sales_point=TILL
        )
        for n in range(8)
    ]
    answers = race(asking(replace, *requests))
    (won,) = [answer for answer in answers if isinstance(answer, ReplacementIssued)]
    assert reasons(answers) == ["medium_replaced"] * 7
    assert [deposit.amount for deposit in open_deposits([won.medium])[won.medium]] == [1000]


def test_two_lost_cards_are_not_replaced_by_one(world: World) -> None:
    world.sold(*(world.line("DAY", f"L{n}") for n in range(8)), pay=8 * 17000)
    requests = [
        Replace(
            key=world.key(), at=MORNING + timedelta(hours=5), actor=ANNA, old=medium_id(f"L{n}"), new_number="2002",
            sales_point=TILL,
        )
        for n in range(8)
    ]  # fmt: skip
    answers = race(asking(replace, *requests))
    assert reasons(answers) == ["medium_in_use"] * 7
    assert len(holdings([medium_id("2002")])[medium_id("2002")]) == 1


def test_one_drawer_is_taken_by_one_of_many(world: World) -> None:
    requests = [OpenShift(key=world.key(), at=MORNING, actor=BEN, sales_point=TILL2) for _ in range(8)]
    answers = race(asking(open_shifts, *requests))
    assert sum(isinstance(answer, ShiftOpen) for answer in answers) == 1
    assert reasons(answers) == ["shift_open"] * 7


def test_a_shift_closed_amid_sales_counts_exactly_those_before_it(world: World) -> None:
    sales = [world.sale(world.line("WAX"), pay=999) for _ in range(12)]
    closing = CloseShift(key=world.key(), at=MORNING, actor=ANNA, shift=world.shifts[TILL], counted=20000)
    answers = race([*asking(sell, *sales[:6]), *asking(close_shifts, closing), *asking(sell, *sales[6:])])
    made = sum(isinstance(answer, Sale) for answer in answers)
    assert answers[6].expected == 20000 + made * 999
    assert reasons(answers) == ["no_open_shift"] * (12 - made)
    assert_books_balance()


def test_numbers_have_no_gap_and_no_double_however_many_sell(world: World) -> None:
    def batch(n: int) -> list[Any]:
        line = world.line("WAX")
        sales = [
            world.sale(
                line,
                pay=[paid("card", 999)],
                actor=WEB_OPERATOR,
                sales_point=WEB,
                buyer=SCHOOL,
                invoice=bool(place % 2),
            )
            for place in range(n)
        ]
        # Every third is wrong: it must take no number with it.
        return [replaced(sale, payments=()) if place % 3 == 0 else sale for place, sale in enumerate(sales)]

    batches = [batch(10) for _ in range(6)]
    answers = [answer for batch in race([lambda b=batch: sell(b) for batch in batches]) for answer in batch]
    made = [answer for answer in answers if isinstance(answer, Sale)]
    assert sorted(sale.number for sale in made) == [f"WEB-{n:06d}" for n in range(1, len(made) + 1)]
    invoices = sorted(sale.invoice for sale in made if sale.invoice)
    assert invoices == [f"NORTH/2026/{n:06d}" for n in range(1, len(invoices) + 1)]
    assert len(invoices) == 18


def test_invoices_issued_afterwards_by_many_have_no_gap_and_one_each(world: World) -> None:
    orders = [world.sold(world.line("WAX"), pay=999).order for _ in range(6)]
    requests = [
        IssueInvoice(key=world.key(), at=MORNING, actor=actor, order=order, buyer=SCHOOL)
        for order in orders
        for actor in (ANNA, BEN)
    ]
    answers = race(asking(issue_invoices, *requests))
    numbers = sorted(answer.number for answer in answers if isinstance(answer, InvoiceIssued))
    assert numbers == [f"NORTH/2026/{n:06d}" for n in range(1, 7)]
    assert reasons(answers) == ["already_invoiced"] * 6


# --- attacks by SQL: nobody gets a ticket into the system without who sold it (SPEC N7) ---

ATTACK = (
    "INSERT INTO entitlements_entitlement (id, medium_id, issue, placed_at, placed_origin, placed_number, operator_id,"
    " sales_point_id, facility_id, product_id, product_code, kind, category, currency, price, list_price, points,"
    " time_zone, validity, facilities, at, origin, number) SELECT %(id)s, medium_id, issue, placed_at, placed_origin,"
    " placed_number, {operator}, {sales_point}, {facility}, product_id, product_code, kind, category, currency, price,"
    " list_price, points, time_zone, validity, facilities, at, origin, number FROM entitlements_entitlement"
)
FORGED = derived_id(MORNING + timedelta(hours=1), "forged")
COLUMNS = {"operator": "operator_id", "sales_point": "sales_point_id", "facility": "facility_id"}


@pytest.mark.parametrize("forged", ["operator", "sales_point", "facility"])
@pytest.mark.parametrize("value", ["NULL", "gen_random_uuid()"])
def test_a_ticket_with_no_seller_or_an_invented_one_is_refused_by_the_database(
    world: World, superuser: psycopg.Connection, forged: str, value: str
) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    attack = ATTACK.format(**{**COLUMNS, forged: value})
    refused_by = psycopg.errors.NotNullViolation if value == "NULL" else psycopg.errors.ForeignKeyViolation
    superuser.execute("SELECT set_config('karnet.recording', 'on', false)")  # even one who passes for a projection
    with pytest.raises(refused_by):
        superuser.execute(attack, {"id": FORGED})
    assert len(holdings([CARD])[CARD]) == 1


def test_a_ticket_whose_id_tells_another_instant_than_its_sale_is_refused_by_the_database(
    world: World, superuser: psycopg.Connection
) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    superuser.execute("SELECT set_config('karnet.recording', 'on', false)")
    for off in (timedelta(milliseconds=-1), timedelta(milliseconds=1), timedelta(days=365)):
        forged = derived_id(MORNING + timedelta(hours=1) + off, "forged")
        with pytest.raises(psycopg.errors.CheckViolation, match="entitlement_id_tells_its_sale"):
            superuser.execute(ATTACK.format(**COLUMNS), {"id": forged})
    assert superuser.execute(ATTACK.format(**COLUMNS), {"id": FORGED}).rowcount == 1, "the true instant is let in"


def test_nobody_writes_a_ticket_past_the_journal(world: World, superuser: psycopg.Connection) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute(ATTACK.format(**COLUMNS), {"id": FORGED})
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute("UPDATE entitlements_entitlement SET valid_until = valid_until + interval '1 year'")
    connection.close()

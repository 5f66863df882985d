"""What comes back: lines, cards, deposits; cards replaced; shifts counted; invoices issued afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.entitlements.requests import Block, BlockLifted, BlockPlaced, Replace, ReplacementIssued, Unblock
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import holdings, media, open_blocks, open_deposits
from karnet.entitlements.services import block, replace, unblock
from karnet.orders.requests import (
    CloseShift,
    InvoiceIssued,
    IssueInvoice,
    OpenShift,
    ReplaceCard,
    ShiftCounted,
)
from karnet.orders.selectors import takings
from karnet.orders.services import close_shifts, give_back, issue_invoices, open_shifts, replace_cards, sell
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
    World,
    assert_books_balance,
    cash,
    paid,
    refusal,
    replaced,
    state,
)

pytestmark = pytest.mark.database
CARD = medium_id("1001")


def balance(facility: UUID, purpose: Any, unit: str = "PLN") -> int:
    account = house_account(facility, purpose, unit)
    return balances([account])[account].balance


def test_an_unused_order_goes_back_with_its_card_and_nothing_is_left_in_the_books(world: World) -> None:
    sale = world.sold(world.line("P30", "1001"), world.line("WAX", quantity=3), pay=2600 + 2997 + 1000)
    back = world.taken_back(sale.order, cards=("1001",))
    assert (back.refund, back.deposit, back.vat, back.lines) == (6597, 1000, sale.vat, sale.lines)
    assert [balance(NORTH, purpose) for purpose in ("revenue", "vat", "deposits")] == [0, 0, 0]
    assert balance(NORTH, "points_issued", "points") == 0
    assert media([CARD])[CARD].state == "returned"
    assert [ticket.voided for ticket in holdings([CARD])[CARD]] == [True]
    assert_books_balance()


def test_one_ticket_of_a_group_goes_back_with_its_own_share_of_the_vat(world: World) -> None:
    sale = world.sold(world.line("DAY", *(f"G{n}" for n in range(7))), pay=7 * 17000)
    parts = [world.taken_back(sale.order, lines=(line,)) for line in sale.lines]
    assert [part.refund for part in parts] == [16000] * 7
    assert sum(part.vat for part in parts) == sale.vat
    assert refusal(give_back([world.returning(sale.order)])[0]) == "already_returned"
    assert_books_balance()


def test_a_line_goes_back_once(world: World) -> None:
    sale = world.sold(world.line("WAX"), world.line("WAX"), pay=2 * 999)
    world.taken_back(sale.order, lines=sale.lines[:1])
    before = state()
    assert refusal(give_back([world.returning(sale.order, lines=sale.lines[:1])])[0]) == "already_returned"
    assert refusal(give_back([world.returning(sale.order, lines=sale.lines)])[0]) == "already_returned"
    assert state() == before
    assert world.taken_back(sale.order).lines == sale.lines[1:]


def test_one_batch_returns_a_line_once(world: World) -> None:
    sale = world.sold(world.line("DAY", "1001"), pay=17000)
    answers = give_back([world.returning(sale.order, cards=("1001",)) for _ in range(2)])
    assert refusal(answers[1]) in ("already_returned", "medium_returned")
    assert_books_balance()


def test_a_deposit_taken_at_one_facility_is_paid_back_at_another(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    back = world.taken_back(cards=("1001",), actor=CARLA, sales_point=SOUTH_TILL)
    assert (back.refund, back.deposit, back.vat) == (1000, 1000, 0)
    # North still owes it, South paid it: the settlement evens it out (SPEC N-f). No revenue, no VAT.
    assert (balance(NORTH, "deposits"), balance(SOUTH, "deposits")) == (1000, -1000)
    assert (balance(SOUTH, "revenue"), balance(SOUTH, "vat")) == (0, 0)
    assert open_deposits([CARD])[CARD] == []
    assert_books_balance()


def test_a_card_without_a_deposit_may_be_handed_in(world: World) -> None:
    world.sold(world.line("FIRST", "1001"), pay=9000)
    back = world.taken_back(cards=("1001",))
    assert (back.refund, media([CARD])[CARD].state) == (0, "returned")


def test_a_card_handed_back_is_given_to_somebody_else_who_gets_none_of_the_old_tickets(world: World) -> None:
    world.sold(world.line("P30", "1001"), pay=3600)
    world.taken_back(cards=("1001",))
    sale = world.sold(world.line("DAY", "1001"), pay=17000, at=MORNING + timedelta(hours=6))
    assert media([CARD])[CARD].issue == 1
    assert [ticket.id for ticket in holdings([CARD])[CARD]] == list(sale.entitlements)
    assert [deposit.amount for deposit in open_deposits([CARD])[CARD]] == [1000]
    assert world.taken_back(cards=("1001",), at=MORNING + timedelta(hours=7)).deposit == 1000


def test_a_card_handed_back_is_not_topped_up_until_it_is_issued_again(world: World) -> None:
    world.sold(world.line("P30", "1001"), pay=3600)
    world.taken_back(cards=("1001",))
    again = world.sale(world.line("P30", "1001", issue=False), pay=2600)
    assert refusal(sell([again])[0]) == "medium_returned"


def test_returns_that_are_wrong_are_refused_and_change_nothing(world: World) -> None:
    sale = world.sold(world.line("DAY", "1001"), pay=17000)
    world.sold(world.line("DAY", "1002"), pay=17000)
    block([Block(key=world.key(), at=MORNING, actor=ANNA, medium=medium_id("1002"), code="stolen")])
    before = state()
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("empty_sale", {}),
        ("unknown_order", {"order": CARD}),
        ("unknown_order", {"order": sale.order, "lines": (CARD,)}),
        ("unknown_order", {"order": sale.order, "actor": CARLA, "sales_point": SOUTH_TILL}),
        ("bad_value", {"lines": sale.lines}),
        ("unknown_medium", {"cards": ("9999",)}),
        ("medium_blocked", {"cards": ("1002",)}),
        ("no_open_shift", {"order": sale.order, "actor": BEN}),
        ("unknown_actor", {"order": sale.order, "actor": CARLA}),
        ("bad_value", {"order": sale.order, "refund_kind": "internal_account"}),
    ]
    for reason, changes in wrong:
        assert refusal(give_back([world.returning(**{"order": None, **changes})])[0]) == reason, changes
    assert state() == before


def test_a_replaced_card_passes_everything_on_and_the_old_one_opens_nothing(world: World) -> None:
    sale = world.sold(world.line("P30", "1001"), world.line("DAY", "1001"), pay=2600 + 16000 + 1000)
    request = Replace(
        key=world.key(), at=MORNING + timedelta(hours=2), actor=ANNA, old=CARD, new_number="2002", sales_point=TILL
    )
    (answer,) = replace([request])
    new = medium_id("2002")
    assert answer == ReplacementIssued(medium=new, entitlements=tuple(sorted(sale.entitlements)))
    assert [ticket.id for ticket in holdings([new])[new]] == sorted(sale.entitlements)
    assert sum(ticket.available for ticket in holdings([new])[new]) == 30
    assert holdings([CARD])[CARD] == []
    assert (media([CARD])[CARD].state, media([CARD])[CARD].blocks) == ("replaced", 1)
    # The deposit went with it: the old card is worth nothing, the new one is.
    assert world.taken_back(cards=("2002",)).deposit == 1000
    assert world.taken_back(cards=("1001",)).deposit == 0
    assert_books_balance()


def test_a_card_replaced_at_a_till_takes_a_new_deposit_and_the_old_one_is_paid_to_the_finder(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    request = ReplaceCard(
        key=world.key(), at=MORNING + timedelta(hours=2), actor=ANNA, old=CARD, new_number="2002", sales_point=TILL,
        deposit_minor=1000,
    )  # fmt: skip
    (answer,) = replace_cards([request])
    assert isinstance(answer, ReplacementIssued)
    assert (answer.deposit, balance(NORTH, "deposits")) == (1000, 2000)
    assert world.taken_back(cards=("1001",), actor=CARLA, sales_point=SOUTH_TILL).deposit == 1000
    assert world.taken_back(cards=("2002",)).deposit == 1000
    assert_books_balance()


def test_replacing_what_cannot_be_replaced_changes_nothing(world: World) -> None:
    world.sold(world.line("DAY", "1001"), world.line("DAY", "1002"), pay=34000)
    world.sold(world.line("DAY", "1003"), pay=17000)
    world.taken_back(cards=("1003",))
    asked = {"key": "", "at": MORNING + timedelta(hours=6), "actor": ANNA, "sales_point": TILL, "new_number": "2002"}
    before = state()
    for reason, old, changes in (
        ("unknown_medium", "9999", {}),
        ("medium_returned", "1003", {}),
        ("medium_in_use", "1001", {"new_number": "1002"}),
        ("medium_in_use", "1001", {"new_number": "1001"}),
        ("bad_value", "1001", {"new_number": ""}),
        ("unknown_sales_point", "1001", {"sales_point": CARD}),
    ):
        given: Any = {**asked, **changes, "key": world.key()}
        assert refusal(replace([Replace(old=medium_id(old), **given)])[0]) == reason
    assert state() == before


def test_a_block_stands_until_it_is_named(world: World) -> None:
    world.sold(world.line("P30", "1001"), pay=3600)
    asked: Any = {"at": MORNING, "actor": ANNA, "medium": CARD}
    placed = block([Block(key=world.key(), code=code, **asked) for code in ("lost", "unpaid")])
    assert isinstance(placed[0], BlockPlaced)
    assert isinstance(placed[1], BlockPlaced)
    assert sorted(found.code for found in open_blocks([CARD])[CARD]) == ["lost", "unpaid"]
    lift = Unblock(key=world.key(), block=placed[0].block, **asked)
    assert unblock([lift]) == [BlockLifted(medium=CARD, blocks_left=1)]
    again = replaced(lift, key=world.key())
    before = state()
    assert refusal(unblock([again])[0]) == "not_blocked"
    assert refusal(sell([world.sale(world.line("P30", "1001", issue=False), pay=2600)])[0]) == "medium_blocked"
    assert state() == before
    assert unblock([Unblock(key=world.key(), block=placed[1].block, **asked)]) == [
        BlockLifted(medium=CARD, blocks_left=0)
    ]
    world.sold(world.line("P30", "1001", issue=False), pay=2600)


def test_a_replaced_card_stays_blocked_for_good(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    asked: Any = {"at": MORNING + timedelta(hours=2), "actor": ANNA}
    replace([Replace(key=world.key(), old=CARD, new_number="2002", sales_point=TILL, **asked)])
    (stands,) = open_blocks([CARD])[CARD]
    assert (
        refusal(unblock([Unblock(key=world.key(), medium=CARD, block=stands.block, **asked)])[0]) == "medium_replaced"
    )


def test_a_shift_counts_its_float_its_cash_and_what_it_paid_out(world: World) -> None:
    sale = world.sold(world.line("DAY", "1001"), pay=[cash(7000), paid("card", 10000)])
    world.taken_back(sale.order, cards=("1001",))
    world.sold(world.line("WAX"), pay=999)
    expected = 20000 + 7000 - 17000 + 999
    request = CloseShift(
        key=world.key(), at=MORNING + timedelta(hours=9), actor=ANNA, shift=world.shifts[TILL], counted=expected - 5
    )
    assert close_shifts([request]) == [
        ShiftCounted(shift=world.shifts[TILL], expected=expected, counted=expected - 5, difference=-5)
    ]
    assert balance(NORTH, "cash_differences") == -5
    found = takings(world.shifts[TILL])
    assert found is not None
    assert (found.taken, found.paid_out) == ({"cash": 7999, "card": 10000}, {"cash": 17000})
    assert (found.expected, found.counted) == (expected, expected - 5)
    assert_books_balance()


def test_a_closed_shift_sells_nothing_and_is_not_closed_twice(world: World) -> None:
    request = CloseShift(key=world.key(), at=MORNING, actor=BEN, shift=world.shifts[TILL], counted=20000)
    answers = close_shifts([request, replaced(request, key=world.key())])
    assert isinstance(answers[0], ShiftCounted)
    assert refusal(answers[1]) == "no_open_shift"
    assert refusal(sell([world.sale(world.line("WAX"), pay=999)])[0]) == "no_open_shift"
    assert refusal(close_shifts([replaced(request, key=world.key())])[0]) == "no_open_shift"


def test_surplus_cash_is_booked_too(world: World) -> None:
    request = CloseShift(
        key=world.key(), at=MORNING, actor=ANNA, shift=world.shifts[TILL], counted=20100,
        counts={"20000": 1, "100": 1},
    )  # fmt: skip
    (counted,) = close_shifts([request])
    assert isinstance(counted, ShiftCounted)
    assert (counted.difference, balance(NORTH, "cash_differences")) == (100, 100)


def test_counting_that_does_not_add_up_is_refused(world: World) -> None:
    before = state()
    given: Any = {"at": MORNING, "shift": world.shifts[TILL]}
    for reason, changes in (
        ("bad_value", {"counted": 20000, "counts": {"20000": 2}}),
        ("bad_value", {"counted": -1}),
        ("bad_value", {"counted": 1, "counts": {"one": 1}}),
        ("unknown_actor", {"counted": 20000, "actor": CARLA}),
        ("no_open_shift", {"counted": 20000, "shift": CARD}),
    ):
        request: Any = {"key": world.key(), "actor": ANNA, **given, **changes}
        assert refusal(close_shifts([CloseShift(**request)])[0]) == reason
    assert state() == before


def test_a_drawer_and_an_operator_have_one_shift_at_a_time(world: World) -> None:
    before = state()
    for actor, sales_point in ((BEN, TILL), (ANNA, TILL2)):
        request = OpenShift(key=world.key(), at=MORNING, actor=actor, sales_point=sales_point)
        assert refusal(open_shifts([request])[0]) == "shift_open"
    assert state() == before
    close_shifts([CloseShift(key=world.key(), at=MORNING, actor=ANNA, shift=world.shifts[TILL], counted=20000)])
    world.open_shift(TILL2, ANNA)
    world.open_shift(TILL, BEN)


def test_one_batch_opens_one_shift_per_drawer(world: World) -> None:
    close_shifts([CloseShift(key=world.key(), at=MORNING, actor=ANNA, shift=world.shifts[TILL], counted=20000)])
    answers = open_shifts(
        [OpenShift(key=world.key(), at=MORNING, actor=actor, sales_point=TILL) for actor in (ANNA, BEN)]
    )
    assert refusal(answers[1]) == "shift_open"


def test_invoices_are_numbered_by_facility_and_local_year(world: World) -> None:
    world.sold(world.line("WAX"), pay=999, buyer=SCHOOL, invoice=True)
    sale = world.sold(world.line("WAX"), pay=999)
    request = IssueInvoice(key=world.key(), at=MORNING, actor=BEN, order=sale.order, buyer=SCHOOL)
    assert issue_invoices([request]) == [InvoiceIssued(order=sale.order, number="NORTH/2026/000002", buyer=SCHOOL)]
    # 31 December, 23:30 in UTC, is next year in Warsaw.
    late = MORNING.replace(year=2026, month=12, day=31, hour=23, minute=30) + timedelta(hours=1)
    sale = world.sold(world.line("WAX"), pay=999)
    (issued,) = issue_invoices([replaced(request, key=world.key(), order=sale.order, at=late)])
    assert isinstance(issued, InvoiceIssued)
    assert issued.number == "NORTH/2027/000001"


def test_an_order_has_one_invoice_and_it_needs_a_buyer(world: World) -> None:
    sale = world.sold(world.line("WAX"), pay=999)
    asked: Any = {"at": MORNING, "actor": ANNA, "order": sale.order}
    before = state()
    for reason, changes in (
        ("invoice_data_missing", {}),
        ("invoice_data_missing", {"buyer": CARD}),
        ("unknown_actor", {"buyer": SCHOOL, "actor": CARLA}),
        ("unknown_order", {"buyer": SCHOOL, "order": CARD}),
    ):
        request: Any = {"key": world.key(), **asked, **changes}
        assert refusal(issue_invoices([IssueInvoice(**request)])[0]) == reason
    assert state() == before
    answers = issue_invoices([IssueInvoice(key=world.key(), buyer=SCHOOL, **asked) for _ in range(2)])
    assert isinstance(answers[0], InvoiceIssued)
    assert refusal(answers[1]) == "already_invoiced"


def test_a_change_that_claims_to_precede_what_it_follows_is_refused_for_its_clock(world: World) -> None:
    world.sold(world.line("DAY", "1001"), pay=17000)
    early: Any = {"key": world.key(), "at": MORNING, "actor": ANNA, "sales_point": TILL}
    before = state()
    assert refusal(replace([Replace(old=CARD, new_number="2002", **early)])[0]) == "bad_value"
    assert refusal(give_back([world.returning(None, cards=("1001",), at=MORNING)])[0]) == "bad_value"
    assert state() == before
    world.taken_back(cards=("1001",))
    assert refusal(sell([world.sale(world.line("DAY", "1001"), pay=17000)])[0]) == "bad_value"


def test_a_ticket_topped_up_later_is_not_left_behind_by_a_slow_clock(world: World) -> None:
    world.sold(world.line("P30", "1001"), pay=3600)
    world.sold(world.line("P30", "1001", issue=False), pay=2600, at=MORNING + timedelta(hours=3))
    request = Replace(
        key=world.key(), at=MORNING + timedelta(hours=2), actor=ANNA, old=CARD, new_number="2002", sales_point=TILL
    )
    assert refusal(replace([request])[0]) == "bad_value"
    assert isinstance(
        replace([replaced(request, key=world.key(), at=MORNING + timedelta(hours=3))])[0], ReplacementIssued
    )

"""Open sales documents: charged and paid over time, booked at once, closed with a document that adds up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.accounts.selectors import balances
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.orders.receipts import receipt
from karnet.orders.requests import ChargeTab, CloseTab, Extra, OpenTab, PayTab, SaleLine, TabNow
from karnet.orders.rules.tab_entries import Entry, TabState, means_for, merged, tab_account
from karnet.orders.tabs import charge_tabs, close_tabs, open_tabs, pay_tabs, tab_by_number, tabs
from karnet.orders.tests.conftest import (
    ANNA,
    BEN,
    MORNING,
    NORTH,
    SCHOOL,
    TILL,
    TILL2,
    World,
    assert_books_balance,
    cash,
    paid,
    race,
    refusal,
    state,
)


class Asked(msgspec.Struct, frozen=True):
    """A request for entries made by hand."""

    key: str = "asked"
    at: Any = MORNING
    actor: UUID = UUID(int=1)


ASKED = Asked()
TAB = TabState(id=UUID(int=2), number="K1-T000001", facility=NORTH, sales_point=TILL, operator=ANNA, currency="PLN")
STAY = UUID(int=3)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12), st.sampled_from((0, 500, 800, 2300)))
def test_whatever_the_steps_a_part_of_a_stay_is_charged_what_it_was_raised_to_last(
    totals: list[int], vat_bp: int
) -> None:
    entry = Entry(ASKED, TAB)
    for total in totals:
        entry.raise_to("stay", UUID(int=4), stay=STAY, amount=total, vat_bp=vat_bp, category="adult")
    lines = merged(entry.state.unbilled)
    assert entry.state.charged == sum(line.amount for line in lines) == totals[-1]
    assert sum(line.vat for line in lines) == vat_included(totals[-1], vat_bp)
    transfers = entry.change().transfers
    moved = sum(t.amount if t.source == entry.account else -t.amount for t in transfers)
    assert moved == totals[-1]
    assert [t.n for t in transfers] == list(range(len(transfers)))


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(("cash", "card", "voucher", "bank_transfer")), st.none()), st.integers(-500, 500)
    ),
    st.integers(0, 1000),
)
def test_a_document_has_exactly_the_payments_that_settle_it(means: Any, wanted: int) -> None:
    there = sum(means.values())
    if there < 0:
        return
    total = min(wanted, there)
    payments, left = means_for(means, total)
    assert sum(payment.amount for payment in payments) == total
    assert sum(left.values()) == there - total
    assert all(payment.amount > 0 for payment in payments)


pytestmark = pytest.mark.database


def opened(world: World, **changes: Any) -> TabNow:
    given = {"key": world.key(), "at": MORNING + timedelta(hours=1), "actor": ANNA, "sales_point": TILL, **changes}
    (answer,) = open_tabs([OpenTab(**given)])
    assert isinstance(answer, TabNow), answer
    return answer


def asked(world: World, tab: UUID, **changes: Any) -> Any:
    return {
        "key": world.key(), "at": MORNING + timedelta(hours=2), "actor": ANNA, "sales_point": TILL, "tab": tab, **changes,
    }  # fmt: skip


def nobody(asked: Any) -> dict[UUID, int]:
    return {}


def test_a_tab_is_charged_paid_and_closed_with_a_document_of_its_own(world: World) -> None:
    tab = opened(world, payments=(paid("voucher", 1000),), buyer=SCHOOL)
    assert (tab.number, tab.balance, tab_by_number(NORTH, tab.number)) == ("K1-T000001", 1000, tab.tab)
    wax = SaleLine(product=world.north["WAX"], quantity=2)
    dish = Extra(code="POS-17", unit_price=2150, vat_bp=500)
    (charged,) = charge_tabs([ChargeTab(**asked(world, tab.tab), lines=(wax,), extras=(dish,))])
    assert isinstance(charged, TabNow)
    assert charged.balance == 1000 - 1998 - 2150
    assert balances([account := tab_account(tab.tab, "PLN")])[account].balance == charged.balance
    assert (
        refusal(close_tabs([CloseTab(**asked(world, tab.tab), payments=(cash(1),))], nobody)[0]) == "payment_mismatch"
    )
    (part,) = pay_tabs([PayTab(**asked(world, tab.tab), payments=(cash(3000, tendered=5000),))])
    assert isinstance(part, TabNow)
    assert part.change == 2000
    (closed,) = close_tabs([CloseTab(**asked(world, tab.tab), payments=(paid("card", 148),))], nobody)
    assert isinstance(closed, TabNow)
    assert (closed.closed, closed.balance) == (True, 0)
    printed = receipt(closed.order) if closed.order else None
    assert printed is not None
    assert [(line.product_code, line.quantity, line.amount, line.vat) for line in printed.lines] == [
        ("WAX", 2, 1998, vat_included(1998, 2300)), ("POS-17", 1, 2150, vat_included(2150, 500)),
    ]  # fmt: skip
    assert {payment.kind: payment.amount for payment in printed.payments} == {
        "voucher": 1000,
        "cash": 3000,
        "card": 148,
    }
    assert tabs([tab.tab])[tab.tab].orders == (closed.order,)
    assert refusal(charge_tabs([ChargeTab(**asked(world, tab.tab), lines=(wax,))])[0]) == "tab_closed"
    assert_books_balance()


def test_what_was_paid_too_much_is_paid_back_when_a_tab_is_closed(world: World) -> None:
    tab = opened(world, payments=(paid("card", 5000),))
    charge_tabs([ChargeTab(**asked(world, tab.tab), extras=(Extra(code="X", unit_price=1200, vat_bp=800),))])
    (closed,) = close_tabs([CloseTab(**asked(world, tab.tab), refund_kind="cash")], nobody)
    assert isinstance(closed, TabNow)
    assert closed.refund == 3800
    printed = receipt(closed.order) if closed.order else None
    assert printed is not None
    assert {payment.kind: payment.amount for payment in printed.payments} == {"card": 1200}
    assert_books_balance()


def test_a_tab_with_people_inside_is_not_closed(world: World) -> None:
    tab = opened(world)
    before = state()
    answer = close_tabs([CloseTab(**asked(world, tab.tab))], lambda ids: dict.fromkeys(ids, 2))[0]
    assert refusal(answer) == "people_inside"
    assert state() == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tab": UUID(int=9)}, "unknown_tab"),
        ({"actor": UUID(int=9)}, "unknown_actor"),
        ({"lines": ()}, "empty_sale"),
        ({"extras": (Extra(code="", unit_price=1, vat_bp=0),)}, "bad_value"),
        ({"extras": (Extra(code="X", unit_price=-1, vat_bp=0),)}, "bad_value"),
        ({"lines": (SaleLine(product=UUID(int=9)),)}, "unknown_product"),
    ],
)
def test_what_cannot_be_charged_changes_nothing(world: World, changes: dict[str, Any], reason: str) -> None:
    tab = opened(world)
    before = state()
    given = {"lines": (SaleLine(product=world.north["WAX"]),), **asked(world, tab.tab), **changes}
    if "extras" in changes:
        given["lines"] = ()
    assert refusal(charge_tabs([ChargeTab(**given)])[0]) == reason
    assert state() == before


def test_two_tills_close_a_tab_at_once_and_one_of_them_does(world: World) -> None:
    world.open_shift(TILL2, BEN)
    tab = opened(world, payments=(paid("card", 1000),))
    charge_tabs([ChargeTab(**asked(world, tab.tab), extras=(Extra(code="X", unit_price=1500, vat_bp=800),))])
    closing = [
        CloseTab(**asked(world, tab.tab, actor=actor, sales_point=point), payments=(Payment(kind="cash", amount=500),))
        for actor, point in ((ANNA, TILL), (BEN, TILL2))
    ]
    answers = race([lambda c=c: close_tabs([c], nobody)[0] for c in closing])
    assert sorted(type(answer).__name__ for answer in answers) == ["Refused", "TabNow"]
    assert [answer.reason for answer in answers if isinstance(answer, Refused)] == ["tab_closed"]
    assert tabs([tab.tab])[tab.tab].paid == {"card": 1000, "cash": 500}
    assert_books_balance()

"""A partner's sales point: its own products, its own limit, no drawer; and cash moved in drawers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from karnet.kernel.outcomes import Refused
from karnet.orders.requests import CloseShift, MoveCash, SetTerms
from karnet.orders.selectors import takings, terms
from karnet.orders.services import close_shifts, move_cash, sell, set_terms
from karnet.orders.tests.conftest import (
    ANNA,
    CARLA,
    MORNING,
    NORTH,
    TILL,
    World,
    assert_books_balance,
    cash,
    paid,
    race,
    refusal,
    state,
)
from karnet.parties.operations import sales_point_id
from karnet.parties.services import EnrolSalesPoint, enrol_sales_points

pytestmark = pytest.mark.database

HOTEL = sales_point_id(NORTH, "HOTEL")


@pytest.fixture
def hotel(world: World) -> World:
    """A partner's sales point beside the tills; nobody opens a shift there."""
    asked: dict[str, Any] = {"key": world.key(), "at": MORNING, "actor": ANNA}
    enrol_sales_points([EnrolSalesPoint(facility=NORTH, code="HOTEL", kind="partner", **asked)])
    return world


def hold(world: World, **terms: Any) -> None:
    (answer,) = set_terms([SetTerms(key=world.key(), at=MORNING, actor=ANNA, sales_point=HOTEL, **terms)])
    assert not isinstance(answer, Refused), answer


def day(world: World, number: str, **changes: Any) -> Any:
    given = {"pay": [paid("on_account", 17000)], "sales_point": HOTEL, **changes}
    return world.sale(world.line("DAY", number), **given)


def test_a_partner_sells_on_account_without_a_shift(hotel: World) -> None:
    (answer,) = sell([day(hotel, "1")])
    assert not isinstance(answer, Refused), answer
    assert_books_balance()
    assert refusal(sell([day(hotel, "2", pay=[cash(17000)])])[0]) == "no_open_shift"


def test_nobody_else_sells_on_account(world: World) -> None:
    before = state()
    assert refusal(sell([world.sale(world.line("DAY", "1"), pay=[paid("on_account", 17000)])])[0]) == "bad_value"
    assert state() == before


def test_what_is_returned_to_a_partner_is_settled_on_account(hotel: World) -> None:
    (sale,) = sell([day(hotel, "1")])
    assert not isinstance(sale, Refused)
    back = hotel.taken_back(sale.order, sales_point=HOTEL, refund_kind="on_account", cards=("1",))
    assert back.refund == 17000
    assert_books_balance()


def test_a_partner_sells_its_own_products_only(hotel: World) -> None:
    hold(hotel, products=("P30",))
    before = state()
    assert refusal(sell([day(hotel, "1")])[0]) == "not_on_sale"
    assert state() == before
    (answer,) = sell([hotel.sale(hotel.line("P30", "1"), pay=[paid("on_account", 3600)], sales_point=HOTEL)])
    assert not isinstance(answer, Refused), answer


def test_the_limit_counts_what_was_sold_that_day_and_no_other(hotel: World) -> None:
    hold(hotel, limit_minor=40000)
    answers = sell([day(hotel, "1"), day(hotel, "2"), day(hotel, "3")])
    assert [isinstance(answer, Refused) for answer in answers] == [False, False, True]
    assert isinstance(answers[2], Refused)
    assert answers[2].facts["left_minor"] == 6000
    (again,) = sell([day(hotel, "3")])
    assert refusal(again) == "limit_reached"
    (tomorrow,) = sell([day(hotel, "4", at=MORNING + timedelta(days=1))])
    assert not isinstance(tomorrow, Refused), tomorrow


def test_racing_sales_never_exceed_the_limit(hotel: World) -> None:
    hold(hotel, limit_minor=17000 * 2)
    requests = [day(hotel, str(n)) for n in range(6)]
    answers = race([lambda request=request: sell([request])[0] for request in requests])  # type: ignore[misc]
    assert sorted(isinstance(answer, Refused) for answer in answers) == [False] * 2 + [True] * 4


def test_the_latest_terms_hold(hotel: World) -> None:
    hold(hotel, limit_minor=1)
    hold(hotel, products=("DAY",))
    assert terms([HOTEL])[HOTEL].limit_minor is None
    assert terms([HOTEL])[HOTEL].products == frozenset(("DAY",))
    wrong = SetTerms(key=hotel.key(), at=MORNING, actor=ANNA, sales_point=HOTEL, limit_minor=-1)
    assert refusal(set_terms([wrong])[0]) == "bad_value"


def moving(world: World, amount: int, **changes: Any) -> MoveCash:
    given = {"key": world.key(), "at": MORNING, "actor": ANNA, "shift": world.shifts[TILL], **changes}
    return MoveCash(amount=amount, **given)


def closing(world: World, counted: int, **changes: Any) -> CloseShift:
    given = {"key": world.key(), "at": MORNING + timedelta(hours=9), "actor": ANNA, "shift": world.shifts[TILL]}
    return CloseShift(counted=counted, **{**given, **changes})


def test_cash_put_in_and_taken_out_is_in_the_count(world: World) -> None:
    world.sold(world.line("DAY", "1"), pay=17000)
    answers = move_cash([moving(world, 10000, reason="change"), moving(world, -40000, reason="bank")])
    assert [answer.expected for answer in answers if not isinstance(answer, Refused)] == [47000, 7000]
    told = takings(world.shifts[TILL])
    assert told is not None
    assert (told.moved_in, told.moved_out) == (10000, 40000)
    (closed,) = close_shifts([closing(world, 7000)])
    assert not isinstance(closed, Refused)
    assert (closed.expected, closed.difference) == (7000, 0)
    assert_books_balance()


@pytest.mark.parametrize(
    ("amount", "changes", "reason"),
    [
        (-20001, {}, "insufficient_funds"),
        (0, {}, "bad_value"),
        (100, {"reason": "holiday"}, "bad_value"),
        (100, {"actor": CARLA}, "unknown_actor"),
        (100, {"shift": UUID(int=7)}, "no_open_shift"),
    ],
)
def test_cash_that_cannot_be_moved_is_refused_and_changes_nothing(
    world: World, amount: int, changes: dict[str, Any], reason: str
) -> None:
    before = state()
    assert refusal(move_cash([moving(world, amount, **changes)])[0]) == reason
    assert state() == before


def test_no_cash_is_moved_in_a_shift_that_is_closed(world: World) -> None:
    close_shifts([closing(world, 20000)])
    assert refusal(move_cash([moving(world, 100)])[0]) == "no_open_shift"


def test_a_shift_is_not_closed_before_it_was_opened(world: World) -> None:
    before = state()
    (answer,) = close_shifts([closing(world, 20000, at=MORNING - timedelta(seconds=1))])
    assert refusal(answer) == "bad_value"
    assert state() == before

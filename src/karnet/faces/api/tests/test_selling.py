"""The partner's till: its products, its limit, its sales point."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from karnet.faces.api.tests.conftest import HOTEL, Api, Clock, World, recorded, sale
from karnet.orders.selectors import running_shifts
from karnet.orders.tests.conftest import assert_books_balance, state

pytestmark = pytest.mark.database


def test_a_sale_sent_twice_is_made_once_even_the_next_day(world: World) -> None:
    _, api = world.token()
    first = api.post("/sales", sale("1001", "1002"), key="sale-1")
    assert first.status_code == 201
    assert (first.json()["total_minor"], first.json()["deposit_minor"]) == (32000, 2000)
    Clock.at += timedelta(hours=20)
    assert api.post("/sales", sale("1001", "1002"), key="sale-1").json() == first.json()
    assert api.get(f"/sales/{first.json()['order']}").json()["paid_minor"] == {"card": 34000}
    assert api.get("/sales", {"number": first.json()["number"]}).json()["id"] == first.json()["order"]
    assert_books_balance()


def test_a_refused_sale_changes_nothing(world: World) -> None:
    _, api = world.token(limit_minor=100000)
    before = state()
    for body, code in (
        (sale("1001", pay=1), "payment_mismatch"),
        ({"lines": [{"product": "NOPE"}], "payments": []}, "unknown_product"),
        ({"lines": [{"product": "WAX", "category": "senior"}], "payments": []}, "unknown_category"),
    ):
        answer = api.post("/sales", body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert state() == before
    assert api.post("/sales", sale(*map(str, range(1001, 1006)))).status_code == 201  # the limit is whole again


def test_a_partner_sells_its_own_products_only(world: World) -> None:
    _, api = world.token(products=("P30",))
    assert [product["code"] for product in api.get("/products").json()["items"]] == ["P30"]
    answer = api.post("/sales", sale("1001"))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_on_sale")
    assert api.post("/sales", sale("1001", product="P30")).status_code == 201
    top_up = {"number": "1001", "product": "DAY", "payments": [{"kind": "card", "amount_minor": 16000}]}
    assert api.post("/top-ups", top_up).json()["code"] == "not_on_sale"
    top_up = {"number": "1001", "product": "P30", "payments": [{"kind": "card", "amount_minor": 2600}]}
    assert api.post("/top-ups", top_up).status_code == 201
    assert len(api.get("/media/1001").json()["entitlements"]) == 2


def test_a_partner_sells_up_to_its_limit_and_again_the_next_day(world: World) -> None:
    _, api = world.token(limit_minor=20000)
    assert api.post("/sales", sale("1001"), key="a").status_code == 201
    assert api.post("/sales", sale("1001"), key="a").status_code == 201  # A repeat is no second sale.
    before = recorded()
    over = api.post("/sales", sale("1002"), **{"Accept-Language": "pl"})
    assert (over.status_code, over.json()["code"], over.json()["facts"]["left_minor"]) == (409, "limit_reached", 3000)
    assert "30,00\u00a0PLN" in over.json()["detail"]
    assert recorded() == before
    Clock.at += timedelta(days=1)
    assert api.post("/sales", sale("1002")).status_code == 201


def test_racing_sales_never_exceed_the_limit(world: World) -> None:
    _, api = world.token(limit_minor=17000 * 3)

    def sell(n: int) -> int:
        try:
            return Api(api.text).post("/sales", sale(str(2000 + n))).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(sell, range(8)))
    assert answers == [201] * 3 + [409] * 5


def test_one_sale_sent_by_many_at_once_is_made_once(world: World) -> None:
    _, api = world.token(limit_minor=17000)

    def sell(_: int) -> tuple[int, str]:
        try:
            answer = Api(api.text).post("/sales", sale("1001"), key="one")
            return answer.status_code, answer.json()["order"]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(sell, range(8)))
    assert len(answers) == 1
    assert_books_balance()


def test_lines_and_cards_come_back_at_the_sales_point_that_sold_them(world: World) -> None:
    _, api = world.token()
    _, south = world.south()
    order = api.post("/sales", sale("1001")).json()["order"]
    for stranger in (south.get(f"/sales/{order}"), south.post("/returns", {"order": order, "refund_kind": "card"})):
        assert (stranger.status_code, stranger.json()["code"]) == (404, "unknown_order")
    answer = api.post("/returns", {"order": order, "cards": ["1001"], "refund_kind": "card"}, key="r")
    assert (answer.status_code, answer.json()["refund_minor"], answer.json()["deposit_minor"]) == (201, 17000, 1000)
    again = api.post("/returns", {"order": order, "cards": ["1001"], "refund_kind": "card"}, key="r")
    assert again.json() == answer.json()
    assert_books_balance()


def test_a_shift_is_opened_counted_and_closed(world: World) -> None:
    _, api = world.token()
    running = api.post("/shifts", {"float_minor": 0})
    assert (running.status_code, running.json()["code"]) == (409, "shift_open")
    body = {**sale("1001"), "payments": [{"kind": "cash", "amount_minor": 17000, "tendered_minor": 20000}]}
    assert api.post("/sales", body).json()["change_minor"] == 3000
    shift = running_shifts([HOTEL])[HOTEL].id
    assert api.get(f"/shifts/{shift}").json()["taken_minor"] == {"cash": 17000}
    closed = api.post(f"/shifts/{shift}/close", {"counted_minor": 16900})
    assert closed.json()["difference_minor"] == -100
    assert api.get(f"/shifts/{uuid4()}").json()["code"] == "unknown_shift"
    opened = api.post("/shifts", {"float_minor": 16900})
    assert opened.status_code == 201

"""A partner charges cards: money and points, once, by the agreement, and reads its own statement (SPEC N10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from karnet.faces.api.tests.conftest import Clock, World, recorded, sale
from karnet.orders.tests.conftest import assert_books_balance, state

pytestmark = pytest.mark.database


def test_money_put_on_at_one_place_is_charged_at_another_and_each_once(world: World) -> None:
    _, north = world.token()
    _, south = world.south()
    north.post("/sales", sale("1001"))
    loaded = north.post("/media/1001/loads", {"amount_minor": 5000, "payment": "card"}, key="load")
    assert (loaded.status_code, loaded.json()["money_minor"]) == (201, 5000)
    Clock.at += timedelta(hours=1)
    assert (
        north.post("/media/1001/loads", {"amount_minor": 5000, "payment": "card"}, key="load").json() == loaded.json()
    )
    charged = south.post("/media/1001/charges", {"amount_minor": 1200, "vat_bp": 800}, key="charge")
    assert (charged.status_code, charged.json()["money_minor"], charged.json()["points_left"]) == (201, 3800, None)
    assert (
        south.post("/media/1001/charges", {"amount_minor": 1200, "vat_bp": 800}, key="charge").json() == charged.json()
    )
    on = north.get("/media/1001/money")
    assert on.json() == {"number": "1001", "currency": "PLN", "money_minor": 3800, "bonus_minor": 0}
    assert north.get("/media/1001/money", **{"If-None-Match": on["ETag"]}).status_code == 304
    assert_books_balance()


def test_a_statement_shows_a_facilitys_own_charges_page_by_page(world: World) -> None:
    _, north = world.token()
    _, south = world.south()
    north.post("/sales", sale("1001", product="P30"))
    north.post("/media/1001/loads", {"amount_minor": 5000, "payment": "card"})
    south.post("/media/1001/loads", {"amount_minor": 300, "payment": "card"})
    made = []
    for body in ({"amount_minor": 700}, {"points": 4}, {"amount_minor": 100}):
        Clock.at += timedelta(minutes=1)
        made.insert(0, south.post("/media/1001/charges", body).json()["id"])
    north.post("/media/1001/charges", {"amount_minor": 1})
    everything = south.get("/charges").json()
    assert [item["id"] for item in everything["items"]] == made
    first, points, latest = reversed(everything["items"])
    assert (first["amount_minor"], first["held_elsewhere_minor"], first["number"]) == (700, 400, "1001")
    assert (points["points"], points["currency"], points["amount_minor"]) == (4, None, 0)
    assert (latest["amount_minor"], latest["held_elsewhere_minor"]) == (100, 100)
    seen, cursor = [], ""
    while cursor is not None:
        page = south.get("/charges", {"limit": 1, "cursor": cursor}).json()
        seen += page["items"]
        cursor = page["next"]
    assert seen == everything["items"]
    between = {"since": points["at"], "until": latest["at"]}
    assert [item["id"] for item in south.get("/charges", between).json()["items"]] == [points["id"]]
    assert south.get("/charges", {"cursor": "AAAA"}).status_code == 422


def test_a_charge_that_cannot_be_says_why_and_changes_nothing(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    before = state()
    for body, status, code in (
        ({"amount_minor": 1}, 409, "insufficient_funds"),
        ({"points": 1}, 409, "nothing_on_medium"),
        ({}, 422, "bad_value"),
        ({"amount_minor": 1, "points": 1}, 422, "bad_value"),
    ):
        answer = api.post("/media/1001/charges", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert api.post("/media/9/charges", {"amount_minor": 1}).json()["code"] == "unknown_medium"
    assert api.get("/media/9/money").status_code == 404
    on_account = api.post("/media/1001/loads", {"amount_minor": 1, "payment": "on_account"})
    assert (on_account.status_code, on_account.json()["code"]) == (422, "bad_value")
    assert state() == before


def test_what_others_took_is_charged_by_the_agreement_in_force_alone(world: World) -> None:
    _, north = world.token()
    _, south = world.south()
    north.post("/sales", sale("1001"))
    north.post("/media/1001/loads", {"amount_minor": 5000, "payment": "card"})
    Clock.at += timedelta(days=100)
    before = recorded()
    answer = south.post("/media/1001/charges", {"amount_minor": 1200}, **{"Accept-Language": "pl"})
    assert (answer.status_code, answer.json()["code"]) == (409, "may_not_charge")
    assert "umowy" in answer.json()["detail"]
    assert recorded() == before


def test_what_is_put_on_cards_stays_within_the_daily_limit(world: World) -> None:
    _, api = world.token(limit_minor=20000)
    api.post("/sales", sale("1001"))
    answer = api.post("/media/1001/loads", {"amount_minor": 3001, "payment": "card"})
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")
    assert api.post("/media/1001/loads", {"amount_minor": 3000, "payment": "card"}).status_code == 201


def test_a_token_without_the_scope_neither_reads_nor_moves_money(world: World) -> None:
    _, api = world.token(scopes=("media:read",))
    for answer in (
        api.get("/media/1001/money"),
        api.get("/charges"),
        api.post("/media/1001/loads", {"amount_minor": 1, "payment": "card"}),
        api.post("/media/1001/charges", {"amount_minor": 1}),
    ):
        assert answer.status_code == 403

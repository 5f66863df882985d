"""Discounts and free entries that cards have earned, over the API: seen on the card, used up by one sale (SPEC N11)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from karnet.entitlements.rules import medium_id
from karnet.faces.api.tests.conftest import NORTH, NOW, Clock, World, recorded, sale
from karnet.loyalty.operations import Reward
from karnet.loyalty.requests import Award, Awarded, PublishedRules, PublishRules, RuleDraft
from karnet.loyalty.services import award, publish_rules
from karnet.orders.tests.conftest import assert_books_balance
from karnet.parties.selectors import home_server

pytestmark = pytest.mark.database


def test_a_free_entry_is_seen_on_the_card_and_used_by_one_sale_at_its_own_facility(world: World) -> None:
    _, north = world.token()
    _, south = world.south()
    north.post("/sales", sale("1001"))
    north.post("/media/1001/loads", {"amount_minor": 5000, "payment": "card"})
    free = RuleDraft(
        code="fifty", event="loaded", threshold=5000,
        reward=Reward(kind="discount", discount_bp=10_000, products=("DAY",), valid_days=30),
    )  # fmt: skip
    asked = {"at": NOW, "actor": home_server()}
    span = {"valid_from": NOW - timedelta(days=1), "valid_until": NOW + timedelta(days=90)}
    (published,) = publish_rules([PublishRules(key="rules", facility=NORTH, rules=(free,), **span, **asked)])
    assert isinstance(published, PublishedRules), published
    (given,) = award([Award(key="award", medium=medium_id("1001"), **asked)])
    assert isinstance(given, Awarded), given
    (right,) = north.get("/media/1001").json()["rights"]
    assert (right["discount_bp"], right["products"], right["event"], right["threshold"]) == (
        10_000, ["DAY"], "loaded", 5000,
    )  # fmt: skip

    def with_right(number: str = "1001") -> dict[str, object]:
        return {"lines": [{"product": "DAY", "cards": [{"number": number}], "right": right["id"]}], "payments": []}

    before = recorded()
    elsewhere = south.post("/sales", with_right())
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "no_right")
    assert recorded() == before, "a refused sale uses nothing up"
    Clock.at += timedelta(minutes=1)
    sold = north.post("/sales", with_right(), key="once")
    assert (sold.status_code, sold.json()["total_minor"]) == (201, 0)
    assert north.post("/sales", with_right(), key="once").json() == sold.json()
    again = north.post("/sales", with_right())
    assert (again.status_code, again.json()["code"]) == (409, "right_used")
    assert north.get("/media/1001").json()["rights"] == []
    assert_books_balance()

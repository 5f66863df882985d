"""Discounts that were earned, at the till: the cashier is told what and why, and uses them by one tap (SPEC N11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import expect

from karnet.entitlements.rules import medium_id
from karnet.loyalty.operations import Reward
from karnet.loyalty.requests import Award, Awarded, PublishedRules, PublishRules, RuleDraft
from karnet.loyalty.selectors import open_rights
from karnet.loyalty.services import award, publish_rules
from karnet.parties.selectors import home_server
from tests.faces.conftest import Visit, check_page, shoot
from tests.faces.test_till import KOPA, MORNING, cash_taken, cashier, read, sell_a_day, shift
from tests.faces.test_till_money import put_on

__all__ = ["cashier", "shift"]


def earn(card: str, discount_bp: int) -> None:
    """Give a card two rights to a day ticket: 200.00 were put on it, one is earned by each hundred."""
    put_on(card, 20_000)
    asked = {"at": MORNING, "actor": home_server()}
    reward = Reward(kind="discount", discount_bp=discount_bp, products=("day",), valid_days=30)
    drafts = (RuleDraft(code="hundred", event="loaded", threshold=10_000, reward=reward),)
    since, until = MORNING - timedelta(days=1), MORNING + timedelta(days=90)
    (published,) = publish_rules(
        [PublishRules(key="rules", facility=KOPA, valid_from=since, valid_until=until, rules=drafts, **asked)]
    )
    assert isinstance(published, PublishedRules), published
    (given,) = award([Award(key="award", medium=medium_id(card), **asked)])
    assert isinstance(given, Awarded), given
    assert len(given.rights) == 2


def test_a_card_that_earned_a_discount_is_sold_the_ticket_by_one_tap(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711001")
    earn("4711001", 2_000)
    read(page, "4711001")
    offer = page.locator(".till-offer")
    expect(offer).to_contain_text("−20")
    expect(offer).to_contain_text("for 100.00 PLN put on the card")
    expect(offer).to_contain_text("1 more on this card")
    check_page(page)
    shoot(page, "till-right-offered")
    offer.get_by_role("button", name="Day ticket").click()
    expect(page.locator(".till-due")).to_contain_text("132.00")
    shoot(page, "till-right-used")
    page.get_by_role("button", name="Usual price on card 4711001").click()
    expect(page.locator(".till-due")).to_contain_text("165.00")
    page.locator(".till-offer").get_by_role("button", name="Day ticket").click()
    expect(page.locator(".till-due")).to_contain_text("132.00")
    check_page(page)
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    assert len(open_rights(medium_id("4711001"), MORNING)) == 1
    assert cash_taken(shift) == 17_500 + 13_200
    page.goto("/till/card?number=4711001")
    expect(page.locator(".notice.good")).to_contain_text("for 100.00")
    check_page(page)

"""The partner's till in a browser: a hotel reception with its own products and its own limit."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from karnet.faces.base.roles import Role
from karnet.kernel.outcomes import Refused
from karnet.orders.selectors import sold_on
from karnet.orders.services import SetTerms, set_terms
from karnet.parties.operations import sales_point_id
from karnet.parties.services import EnrolSalesPoint, enrol_sales_points
from tests.faces.conftest import Staff, Visit, check_page, shoot
from tests.faces.test_till import ANNA, KOPA, MORNING, cashier, tile

__all__ = ["cashier"]

HOTEL = sales_point_id(KOPA, "hotel")


@pytest.fixture
def partner(cashier: Any, staff: Staff) -> Any:
    """A receptionist of the hotel: three products, 500.00 a day."""
    asked: dict[str, Any] = {"at": MORNING, "actor": ANNA}
    enrol_sales_points(
        [EnrolSalesPoint(key="hotel", facility=KOPA, code="hotel", kind="partner", name="Hotel Tatry", **asked)]
    )
    terms = SetTerms(key="terms", sales_point=HOTEL, products=("day", "points-30", "map"), limit_minor=50000, **asked)
    assert not isinstance(set_terms([terms])[0], Refused)
    user = staff(Role.PARTNER, "reception", operator=ANNA)
    user.sales_point_id = HOTEL
    user.save()
    return user


def sold() -> int:
    return sold_on(HOTEL, MORNING.date(), "Europe/Warsaw")


def test_a_partner_sells_a_day_in_two_actions_and_hands_out_a_code(visit: Visit, partner: Any) -> None:
    page = visit("/", partner)
    page.get_by_role("link", name="Partner till").click()
    expect(page.locator(".till-tile")).to_have_count(3)
    expect(page.locator(".till-left-much")).to_contain_text("500.00")
    tile(page, "Day ticket").click()  # one
    check_page(page)
    shoot(page, "partner-sale")
    page.get_by_role("button", name="Sell with a code").click()  # two
    expect(page.get_by_role("heading", name="Hand out")).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    check_page(page)
    shoot(page, "partner-sold")
    answer = page.request.get(str(page.get_by_role("link", name="Receipt").get_attribute("href")))
    assert answer.body().startswith(b"%PDF")
    page.get_by_role("link", name="Next guest").click()
    expect(page.locator(".till-left-much")).to_contain_text("335.00")
    assert sold() == 16500


def test_a_card_that_is_read_is_sold_on_and_what_is_above_the_limit_is_refused_in_words(
    visit: Visit, partner: Any
) -> None:
    page = visit("/till/partner/", partner, language="pl", width="phone")
    for number in ("5001", "5002"):
        tile(page, "Bilet dzienny").click()
        expect(page.locator("#partner-card")).to_be_focused()
        page.keyboard.type(number)
        page.keyboard.press("Enter")
        expect(page.get_by_text(number)).to_be_visible()
        page.locator("a.button.primary").click()
    assert sold() == 35000
    tile(page, "Bilet dzienny").click()
    expect(page.locator(".notice.warn")).to_be_visible()
    page.locator("button[value=code]").click()
    expect(page.get_by_role("alert")).to_contain_text("150,00")
    check_page(page)
    shoot(page, "partner-refused")
    assert sold() == 35000


def test_a_partner_sees_nothing_else(visit: Visit, partner: Any) -> None:
    page = visit("/till/partner/", partner)
    for path in ("/till/", "/till/sales", "/gates/", "/office/"):
        assert page.request.get(path).status == 403

"""A day at the till beyond the sale: by keyboard alone, money in and out of the drawer, the handover to the next cashier."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import Page, expect

from karnet.entitlements.selectors import holdings, media_by_number
from karnet.faces.base.roles import Role
from karnet.orders.selectors import order_id, takings
from karnet.parties.operations import operator_id
from karnet.parties.services import EnrolOperator, enrol_operators
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot
from tests.faces.test_till import ANNA, KOPA, MORNING, cashier, read, sell_a_day, shift, tile

__all__ = ["cashier", "shift"]

BEN = operator_id(KOPA, "ben")


def tab_to(page: Page, name: str, *, most: int = 60) -> None:
    """Press Tab until the focus is on what is called so: everything must be reached by keyboard."""
    for _ in range(most):
        page.keyboard.press("Tab")
        called = page.evaluate(
            "() => { const e = document.activeElement; const l = e.labels?.[0];"
            " return (e.getAttribute('aria-label') || (l ? l.innerText : e.innerText) || '').trim(); }"
        )
        if called.startswith(name):
            return
    raise AssertionError(f"no way to {name!r} by keyboard on {page.url}")


def test_a_shift_is_handed_over_with_its_money_explained(
    site: Site, visit: Visit, staff: Staff, cashier: Any, shift: UUID
) -> None:
    enrol_operators([EnrolOperator(key="ben", at=MORNING, actor=ANNA, facility=KOPA, code="ben", name="Ben")])
    ben = staff(Role.CASHIER, "ben", operator=BEN)
    page = visit("/till/", cashier)
    sell_a_day(page, "4712001")
    page.get_by_role("link", name="Shift").click()
    page.get_by_text("Put cash in or take it out").click()
    page.get_by_label("Amount").fill("150")
    page.get_by_label("What for").select_option("bank")
    page.get_by_role("button", name="Take out").click()
    expect(page.get_by_text("Taken out: 150.00")).to_be_visible()
    check_page(page)
    shoot(page, "till-shift-cash")
    page.get_by_label("Amount").fill("1000")
    page.get_by_role("button", name="Take out").click()
    expect(page.get_by_role("alert")).to_contain_text("225.00")
    page.get_by_label("200.00 PLN", exact=True).fill("1")
    page.get_by_label("20.00 PLN", exact=True).fill("1")
    page.get_by_role("button", name="Close the shift").click()
    expect(page.get_by_text("Taken out by hand")).to_be_visible()
    expect(page.locator(".till-out")).to_contain_text("−5.00")
    check_page(page)
    shoot(page, "till-handover")
    page.get_by_role("button", name="Hand over: log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    site.set_clock(MORNING + timedelta(hours=5))
    page = visit("/till/", ben)
    page.get_by_label("Till 1").check()
    expect(page.get_by_text("last counted: 220.00")).to_be_visible()
    page.get_by_label("Cash in the drawer").fill("220")
    page.get_by_role("button", name="Open the shift").click()
    expect(page.locator(".till-where")).to_contain_text("Ben")
    told = takings(shift)
    assert told is not None
    assert (told.expected, told.counted, told.moved_out) == (22500, 22000, 15000)


def test_cards_returns_and_the_count_by_keyboard_alone(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier, width="desktop")
    for number in ("4712002", "4712003"):
        sell_a_day(page, number)
    tab_to(page, "Card")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check a card")).to_be_visible()
    read(page, "4712002")
    expect(page.get_by_role("heading", name="Card 4712002")).to_be_visible()
    tab_to(page, "New card")
    page.keyboard.type("4712004")
    page.keyboard.press("Tab")  # from the deposit's field on, Enter sends the form
    tab_to(page, "Replace the lost card")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 ticket is on card 4712004 now")).to_be_visible()
    page.goto(f"/till/sales/{order_id(KOPA, 'till-1-000002')}")
    tab_to(page, "Day ticket 4712003")
    page.keyboard.press("Space")
    tab_to(page, "Return what is ticked")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Pay out 165.00")).to_be_visible()
    tab_to(page, "Shift")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Close the shift")).to_be_visible()
    tab_to(page, "100.00")
    page.keyboard.type("3")
    tab_to(page, "Close the shift")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The shift is closed")).to_be_visible()


def test_a_ticket_of_days_is_sold_for_a_day_to_come(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    tile(page, "Day ticket").click()
    page.get_by_label("First day: Day ticket").fill("2026-01-19")
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, "4712005")
    expect(page.locator(".till-card")).to_contain_text("4712005")
    expect(page.get_by_label("First day: Day ticket")).to_have_value("2026-01-19")
    check_page(page)
    shoot(page, "till-first-day")
    page.goto("/till/")  # axe leaves marks
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    medium = media_by_number(["4712005"])["4712005"].id
    (ticket,) = holdings([medium])[medium]
    assert ticket.valid_from is not None
    assert ticket.valid_from.isoformat() == "2026-01-18T23:00:00+00:00"

"""Money on cards and invoices at the till: paid with a card's money, made out to a person, by keyboard alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from playwright.sync_api import Page, expect

from karnet.orders.charging import LoadMoney, MoneyOn, load, money_on
from karnet.orders.receipts import receipt
from karnet.orders.selectors import order_id
from karnet.parties.invoicing import save_seller
from karnet.parties.selectors import companies
from karnet.parties.services import CompanyDetails
from tests.faces.conftest import Visit, check_page
from tests.faces.test_till import ANNA, KOPA, MORNING, TILL, cashier, read, sell_a_day, shift, tile
from tests.faces.test_till_days import tab_to

__all__ = ["cashier", "shift"]


def put_on(card: str, amount: int) -> None:
    (answer,) = load(
        [LoadMoney(key=f"load {card}", at=MORNING, actor=ANNA, sales_point=TILL, number=card, amount=amount)]
    )
    assert isinstance(answer, MoneyOn), answer


def test_money_is_put_on_a_card_and_pays_a_part_of_a_sale(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711001")
    page.goto("/till/card?number=4711001")
    money = page.locator("form[action$='/card/money']")
    money.get_by_label("Amount").fill("50")
    money.get_by_role("button", name="Cash").click()
    expect(page.get_by_text("is on the card now")).to_be_visible()
    check_page(page)
    page.goto("/till/")
    tile(page, "Goggles").click()
    page.get_by_role("button", name="Change, parts, other ways").click()
    page.get_by_label("Card whose money pays").fill("4711001")
    check_page(page)
    page.get_by_role("button", name="Take the money on the card").click()
    expect(page.locator(".till-sums")).to_contain_text("Paid: Money on a card")
    expect(page.locator(".till-due")).to_contain_text("19.00")
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    assert money_on("4711001", "PLN") == (0, 0)
    sold = order_id(KOPA, "till-1-000002")
    assert sold is not None
    printed = receipt(sold)
    assert printed is not None
    assert [(one.kind, one.amount) for one in printed.payments] == [("stored_money", 5000), ("cash", 1900)]


def test_more_than_is_on_a_card_is_refused_in_words_and_the_sale_is_kept(
    visit: Visit, cashier: Any, shift: UUID
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711001")
    put_on("4711001", 1000)
    tile(page, "Goggles").click()
    page.get_by_role("button", name="Change, parts, other ways").click()
    page.get_by_label("Card whose money pays").fill("4711001")
    page.locator("#till-card-amount").fill("20")
    page.get_by_role("button", name="Take the money on the card").click()
    expect(page.get_by_role("alert").filter(has_text="10.00")).to_be_visible()
    expect(page.locator(".till-due")).to_contain_text("69.00")
    assert money_on("4711001", "PLN") == (1000, 0)


def test_an_invoice_is_made_out_to_a_person_by_the_company_that_sells(visit: Visit, cashier: Any, shift: UUID) -> None:
    kept = save_seller(
        KOPA, CompanyDetails(name="Kopa Lifts", tax_number="5260250274", address="Hill Road 1, Kopa"), MORNING
    )
    assert isinstance(kept, CompanyDetails)
    page = visit("/till/", cashier)
    tile(page, "Map").click()
    page.get_by_role("link", name="Invoice", exact=True).click()
    check_page(page)
    person = page.get_by_role("region", name="A person")
    person.get_by_label("Surname").fill("Lacka")
    person.get_by_label("First name").fill("Maria")
    person.get_by_role("button", name="Save and choose").click()
    expect(page.get_by_text("This field is required").first).to_be_visible()
    person.get_by_label("Address").fill("Field Street 3, Krakow")
    person.get_by_role("button", name="Save and choose").click()
    expect(page.get_by_text("Invoice: Maria Lacka")).to_be_visible()
    page.get_by_role("button", name="Cash, exact").click()
    invoice = page.get_by_role("link", name="Invoice kopa/2026/000001")
    expect(invoice).to_be_visible()
    answer = page.request.get(str(invoice.get_attribute("href")))
    assert answer.ok
    assert answer.body().startswith(b"%PDF")
    sold = order_id(KOPA, "till-1-000001")
    assert sold is not None
    printed = receipt(sold)
    assert printed is not None
    assert printed.order.customer is not None
    assert printed.invoice_buyer is not None
    buyer = companies([printed.invoice_buyer])[printed.invoice_buyer]
    assert (buyer.name, buyer.tax_number) == ("Maria Lacka", "")


def press(page: Page, name: str, key: str = "Enter") -> None:
    tab_to(page, name)
    page.keyboard.press(key)


def test_a_group_is_sold_and_paid_from_a_card_by_keyboard_alone(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711001")
    put_on("4711001", 1000)
    page.goto("/till/")
    press(page, "Group")
    expect(page.get_by_role("button", name="Group", exact=True)).to_have_attribute("aria-pressed", "true")
    shortcut = tile(page, "30 points").get_attribute("data-shortcut")
    page.keyboard.press(f"Alt+{shortcut}")
    expect(page.locator(".till-wanted")).to_be_visible()
    for number in ("4712001", "4712002", "4712003"):
        read(page, number)
    expect(page.locator(".till-group")).to_contain_text("3")
    press(page, "Change, parts, other ways…")
    tab_to(page, "Card whose money pays")
    page.keyboard.type("4711001", delay=150)
    page.keyboard.press("Tab")
    press(page, "Take the money on the card")
    expect(page.locator(".till-due")).to_contain_text("98.00")  # 3 × (26 + 10) less 10
    page.keyboard.press("F8")
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()

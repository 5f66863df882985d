"""The till in a browser: a cashier on the first morning of the winter holidays."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from karnet.access.services import EnrolGate, enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.catalogue.operations import Validity
from karnet.catalogue.rules import ProductDraft, Publication, Publish
from karnet.catalogue.services import publish
from karnet.faces.base.roles import Role
from karnet.journal.founding import found_server
from karnet.kernel.time import zone
from karnet.orders.requests import OpenShift, ShiftOpen
from karnet.orders.selectors import order_id, takings
from karnet.orders.services import open_shifts
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.services import (
    EnrolFacility,
    EnrolOperator,
    EnrolSalesPoint,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
)
from tests.faces.conftest import WIDTHS, Site, Staff, Visit, check_page, shoot

KOPA = facility_id("kopa")
TILL, TILL2 = sales_point_id(KOPA, "till-1"), sales_point_id(KOPA, "till-2")
ANNA = operator_id(KOPA, "anna")
MORNING = datetime(2026, 1, 17, 8, 30, tzinfo=zone("Europe/Warsaw"))
DEPOSIT = 1000

expect.set_options(timeout=30_000)  # a busy machine is no failure


def _time(code: str, name: str, polish: str, adult: int, reduced: int, **validity: Any) -> ProductDraft:
    return ProductDraft(
        code=code, kind="time", names={"en": name, "pl": polish}, prices={"adult": adult, "reduced": reduced},
        vat_bp=800, deposit_minor=DEPOSIT, validity=Validity(**validity),
    )  # fmt: skip


PRODUCTS = (
    _time("hours-2", "2 hours", "2 godziny", 9000, 8000, kind="hours", hours=2, starts="first_passage"),
    _time("hours-4", "4 hours", "4 godziny", 13000, 12000, kind="hours", hours=4, starts="first_passage"),
    _time("day", "Day ticket", "Bilet dzienny", 16500, 15500, kind="days", days=1),
    _time("days-2", "2 days", "2 dni", 30500, 28500, kind="days", days=2, starts="first_passage"),
    _time("days-5-of-7", "5 days of 7", "5 z 7 dni", 71000, 66000, kind="days_within", days=5, within_days=7, starts="first_passage"),
    _time("days-7", "7 days", "7 dni", 90500, 84500, kind="days", days=7, starts="first_passage"),
    ProductDraft(code="points-30", kind="points", names={"en": "30 points", "pl": "30 punktów"}, prices={"adult": 2600, "reduced": 2300}, vat_bp=800, points=30, deposit_minor=DEPOSIT),
    ProductDraft(code="points-60", kind="points", names={"en": "60 points", "pl": "60 punktów"}, prices={"adult": 5000, "reduced": 4400}, vat_bp=800, points=60, deposit_minor=DEPOSIT),
    ProductDraft(code="goggles", kind="goods", names={"en": "Goggles", "pl": "Gogle"}, prices={"adult": 6900}, vat_bp=2300),
    ProductDraft(code="map", kind="goods", names={"en": "Map", "pl": "Mapa"}, prices={"adult": 500}, vat_bp=2300),
)  # fmt: skip


@pytest.fixture
def cashier(site: Site, staff: Staff) -> Any:
    """Anna of Kopa, her price list on sale and her facility's books open; the clock stands at half past eight."""
    site.set_clock(MORNING)
    keys = (f"setup {n}" for n in itertools.count())
    early = MORNING - timedelta(minutes=2)
    asked: dict[str, Any] = {"at": early, "actor": found_server("karnet.test/log", early)}
    enrol_facilities(
        [EnrolFacility(key=next(keys), code="kopa", currency="PLN", time_zone="Europe/Warsaw", name="Kopa", **asked)]
    )
    open_books([OpenBooks(key=next(keys), facility=KOPA, currency="PLN", **asked)])
    for code, name in (("till-1", "Till 1"), ("till-2", "Till 2")):
        enrol_sales_points([EnrolSalesPoint(key=next(keys), facility=KOPA, code=code, kind="till", name=name, **asked)])
    enrol_operators([EnrolOperator(key=next(keys), facility=KOPA, code="anna", name="Anna", **asked)])
    enrol_gates([EnrolGate(key=next(keys), facility=KOPA, code="chair", passback_s=60, **asked)])
    (published,) = publish([Publish(key=next(keys), facility=KOPA, on_sale_from=early, products=PRODUCTS, **asked)])
    assert isinstance(published, Publication), published
    return staff(Role.CASHIER, "anna", operator=ANNA)


@pytest.fixture
def shift(cashier: Any) -> UUID:
    """Anna's shift at till 1, 200.00 in the drawer."""
    (opened,) = open_shifts([OpenShift(key="shift", at=MORNING, actor=ANNA, sales_point=TILL, float_minor=20000)])
    assert isinstance(opened, ShiftOpen)
    return opened.shift


def read(page: Page, number: str) -> None:
    """Let the reader type a card, wherever the focus is."""
    page.keyboard.type(number)
    page.keyboard.press("Enter")


def tile(page: Page, name: str) -> Any:
    return page.locator(".till-tile").filter(has=page.get_by_text(name, exact=True))


def sell_a_day(page: Page, card: str) -> None:
    tile(page, "Day ticket").click()
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, card)
    expect(page.locator(".till-card")).to_contain_text(card)
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()


def cash_taken(shift: UUID) -> int:
    found = takings(shift)
    assert found is not None
    return found.taken.get("cash", 0)


def test_a_day_ticket_is_sold_in_three_actions(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    tile(page, "Day ticket").click()  # one
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, "4711001")  # two
    expect(page.get_by_text("To pay", exact=True)).to_be_visible()
    expect(page.locator(".till-due")).to_contain_text("175.00")
    page.get_by_role("button", name="Cash, exact").click()  # three
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    expect(page.get_by_text("till-1-000001")).to_be_visible()
    assert cash_taken(shift) == 17500


def test_a_ticket_is_sold_by_the_keyboard_and_the_reader_alone(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier, width="desktop")
    page.keyboard.press("Tab")
    day = tile(page, "Day ticket").get_attribute("data-shortcut")
    page.keyboard.press(f"Alt+{day}")
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, "4711002")
    expect(page.locator(".till-card")).to_contain_text("4711002")
    page.keyboard.press("F8")
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    assert cash_taken(shift) == 17500


def test_a_card_read_while_an_amount_is_typed_does_not_land_in_the_amount(
    visit: Visit, cashier: Any, shift: UUID
) -> None:
    page = visit("/till/", cashier)
    tile(page, "Map").click()
    page.get_by_role("button", name="Change, parts").click()
    page.get_by_label("Amount handed over").fill("10")
    expect(page.locator(".till-change")).to_contain_text("5.00")
    # One task of the browser, as fast as a reader: keys sent one by one may be slower than any hand on a busy machine.
    page.evaluate(
        """number => { const field = document.activeElement; field.value += number;
           for (const key of [...number, "Enter"])
             field.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true})); }""",
        "4711003",
    )
    expect(page.get_by_text("Card 4711003 is here")).to_be_visible()
    assert cash_taken(shift) == 0


def test_two_kinds_of_money_and_change(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    tile(page, "Goggles").click()
    page.get_by_role("button", name="Change, parts").click()
    page.get_by_label("Amount handed over").fill("40")
    page.get_by_role("dialog").get_by_role("button", name="Payment card").click()
    expect(page.locator(".till-due")).to_contain_text("29.00")
    page.locator(".till-quick").get_by_role("button", name="50.00").click()
    expect(page.locator(".till-change-out")).to_contain_text("21.00")
    assert cash_taken(shift) == 2900


def test_a_part_payment_outlives_a_change_of_the_sale_and_is_never_lost(
    visit: Visit, cashier: Any, shift: UUID
) -> None:
    page = visit("/till/", cashier)
    tile(page, "Goggles").click()
    tile(page, "Map").click()
    expect(page.locator(".till-due")).to_contain_text("74.00")
    page.get_by_role("button", name="Change, parts").click()
    page.get_by_label("Amount handed over").fill("70")
    page.get_by_role("dialog").get_by_role("button", name="Payment card").click()
    expect(page.locator(".till-due")).to_contain_text("4.00")
    page.get_by_role("button", name="One fewer: Map").click()
    expect(page.locator(".till-due")).to_contain_text("−1.00")
    page.locator("#pay-cash").click()
    expect(page.get_by_text("More was paid than is due now")).to_be_visible()
    assert cash_taken(shift) == 0


def test_the_button_that_pays_sells_once_however_often_it_is_pressed(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    tile(page, "Map").click()
    page.get_by_role("button", name="Cash, exact").dblclick()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    page.goto("/till/sales")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert cash_taken(shift) == 500


IS_SEEN = """link => {
    const box = link.getBoundingClientRect();
    return link.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
}"""


def test_a_group_is_sold_card_after_card_to_one_payer_with_an_invoice(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier, width="desktop")
    page.get_by_role("button", name="Group", exact=True).click()
    page.get_by_role("button", name="Reduced").click()
    tile(page, "2 days").click()
    for n in range(45):
        read(page, f"90001{n:02d}")
    expect(page.locator(".till-group")).to_contain_text("45")
    page.get_by_role("link", name="Invoice", exact=True).click()
    check_page(page)
    company = page.get_by_role("region", name="A new company")
    company.get_by_label("Tax number (NIP)").fill("526-025-02-75")
    company.get_by_label("Name", exact=True).fill("School No 1")
    company.get_by_label("Address").fill("Main Street 1, Jawor")
    company.get_by_role("button", name="Save and choose").click()
    expect(page.get_by_text("This is no valid tax number")).to_be_visible()
    company.get_by_label("Tax number (NIP)").fill("526-025-02-74")
    company.get_by_role("button", name="Save and choose").click()
    expect(page.get_by_text("School No 1")).to_be_visible()
    expect(page.locator(".till-due")).to_contain_text("13,275.00")  # 45 × (285 + 10)
    check_page(page)
    shoot(page, "till-group")
    page.set_viewport_size({"width": 1024, "height": 768})
    for name in ("Change the invoice", "Customer: surname, phone"):
        assert page.get_by_role("link", name=name).evaluate(IS_SEEN), "nothing lies over who pays"
    page.goto("/till/")
    page.get_by_role("button", name="Payment card").first.click()
    invoice = page.get_by_role("link", name="Invoice kopa/2026/000001")
    expect(invoice).to_be_visible()
    for link in (invoice, page.get_by_role("link", name="Receipt")):
        answer = page.request.get(str(link.get_attribute("href")))
        assert answer.ok
        assert answer.body().startswith(b"%PDF")


def test_a_lost_card_is_replaced_and_opens_nothing_any_more(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711004")
    page.goto("/till/card?number=4711004")
    page.get_by_label("New card").fill("4711005")
    page.get_by_role("button", name="Replace the lost card").click()
    expect(page.get_by_text("1 ticket is on card 4711005 now")).to_be_visible()
    expect(page.get_by_text("Take the deposit: 10.00")).to_be_visible()
    page.goto("/till/")
    read(page, "4711004")
    expect(page.get_by_role("alert").filter(has_text="replaced by a new one")).to_be_visible()
    page.goto("/till/card?number=4711005")
    expect(page.get_by_role("table")).to_contain_text("Day ticket")


def test_a_deposit_is_paid_back_when_the_card_is_handed_in(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711006")
    page.goto("/till/card?number=4711006")
    page.get_by_role("button", name="Card back, deposit out").click()
    expect(page.get_by_text("Pay out 10.00")).to_be_visible()
    expect(page.get_by_text("handed in")).to_be_visible()
    found = takings(shift)
    assert found is not None
    assert found.paid_out == {"cash": 1000}


def test_an_unused_ticket_is_returned_with_its_card(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4711007")
    order = order_id(KOPA, "till-1-000001")
    page.goto(f"/till/sales/{order}")
    page.get_by_label("Day ticket 4711007").check()
    page.get_by_label("4711007", exact=True).check()
    check_page(page)
    shoot(page, "till-order")
    page.get_by_role("button", name="Return what is ticked").click()
    expect(page.get_by_text("Pay out 175.00")).to_be_visible()
    check_page(page)


def test_a_shift_is_opened_counted_and_closed_with_a_difference_explained(visit: Visit, cashier: Any) -> None:
    page = visit("/till/", cashier)
    check_page(page)
    page.get_by_label("Till 1").check()
    page.get_by_label("Cash in the drawer").fill("200")
    shoot(page, "till-shift-open")
    page.get_by_role("button", name="Open the shift").click()
    tile(page, "Map").click()
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    page.get_by_role("link", name="Shift").click()
    page.get_by_label("100.00 PLN", exact=True).fill("2")
    expect(page.locator("[data-sum]")).to_contain_text("200.00")
    check_page(page)
    shoot(page, "till-shift-count")
    page.get_by_role("button", name="Close the shift").click()
    expect(page.get_by_text("Less is in the drawer than was recorded")).to_be_visible()
    expect(page.get_by_text("−5.00")).to_be_visible()
    expect(page.get_by_text("205.00")).to_be_visible()
    check_page(page)
    shoot(page, "till-shift-closed")


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "This card is blocked"), ("pl", "Ta karta jest zablokowana")],
    ids=["english", "polish"],
)
def test_a_refusal_is_shown_in_words_and_the_sale_is_kept(
    visit: Visit, cashier: Any, shift: UUID, language: str, says: str
) -> None:
    page = visit("/till/", cashier, language=language)
    name = {"en": "Day ticket", "pl": "Bilet dzienny"}[language]
    tile(page, name).click()
    read(page, "4711008")
    page.locator("#pay-cash").click()
    expect(page.locator(".till-sold")).to_be_visible()
    page.goto("/till/card?number=4711008")
    page.locator("form[action$=block] button").click()
    page.goto("/till/")
    tile(page, name).click()
    expect(page.locator(".till-wanted")).to_be_visible()
    read(page, "4711008")
    expect(page.locator(".notice.bad[role=alert]").filter(has_text=says)).to_be_visible()
    expect(page.locator(".till-line")).to_contain_text(name)
    check_page(page)


def test_selling_goes_on_while_the_record_waits_for_its_sealer(
    site: Site, visit: Visit, cashier: Any, shift: UUID
) -> None:
    site.set_clock(MORNING + timedelta(hours=1))
    page = visit("/till/", cashier)
    expect(page.get_by_text("the record is not being sealed")).to_be_visible()
    sell_a_day(page, "4711009")
    check_page(page)


def test_the_sale_screens_are_accessible_in_light_and_dark_on_every_width(
    visit: Visit, cashier: Any, shift: UUID
) -> None:
    """axe looks at pages that nothing is done with afterwards: it leaves marks."""
    page = visit("/till/", cashier)
    shoot(page, "till-empty")
    check_page(page)
    page.goto("/till/")
    sell_a_day(page, "4711010")
    shoot(page, "till-sold")
    check_page(page)
    page.goto("/till/")
    tile(page, "Day ticket").click()
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, "4711011")
    expect(page.locator(".till-card")).to_contain_text("4711011")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for size in WIDTHS.values():
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.goto("/till/")
            check_page(page)
        shoot(page, f"till-sale-{scheme}")
    page.goto("/till/")
    page.get_by_role("button", name="Change, parts").click()
    page.get_by_label("Amount handed over").fill("200")
    check_page(page)
    shoot(page, "till-pay")
    page.goto("/till/card?number=4711010")
    check_page(page)
    shoot(page, "till-card")

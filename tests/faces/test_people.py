"""People and their cards in a browser: a holder named in one small step, found by surname or phone, told why a gate
refused; exported and erased in the back office."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect

from karnet.access.operations import gate_id
from karnet.access.services import Scan, admit
from karnet.entitlements.requests import Block
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media_by_number
from karnet.entitlements.services import block
from karnet.faces.base.roles import Role
from karnet.parties.people import CustomerDetails, KnownCustomer, Looking, looks_at, save_customer
from karnet.parties.services import rename
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot
from tests.faces.test_till import ANNA, KOPA, MORNING, TILL, cashier, read, sell_a_day, shift, tile

__all__ = ["cashier", "shift"]  # fixtures


@pytest.fixture
def jan(site: Site) -> UUID:
    details = CustomerDetails(surname="Łącki", given_name="Jan", phone="+48601234567")
    answer = save_customer(uuid4(), details, Looking(by="anna", at=MORNING - timedelta(hours=1)))
    assert isinstance(answer, KnownCustomer)
    return answer.id


def refused_twice(card: str) -> None:
    """The card is blocked as lost, and held to the chairlift twice."""
    gate, at = gate_id(KOPA, "chair"), MORNING + timedelta(minutes=5)
    rename(gate, "Chairlift, lower station")
    block([Block(key="block", at=at, actor=ANNA, medium=medium_id(card), code="lost", sales_point=TILL)])
    for minute in (10, 12):
        when = MORNING + timedelta(minutes=minute)
        admit([Scan(key=f"scan {minute}", at=when, actor=gate, gate=gate, chip=card)])


def holder(card: str) -> Any:
    return media_by_number([card])[card].holder


def choose_new(page: Page, surname: str, phone: str) -> None:
    page.get_by_label("Surname (optional)").fill(surname)
    page.get_by_label("Phone (optional)").fill(phone)
    page.get_by_role("button", name="Save and choose").click()


def test_a_buyer_is_written_down_in_one_step_and_found_by_surname_and_by_phone(
    visit: Visit, cashier: Any, shift: UUID
) -> None:
    page = visit("/till/", cashier)
    tile(page, "Day ticket").click()
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, "4712001")
    page.get_by_role("link", name="Customer: surname, phone").click()
    check_page(page)
    shoot(page, "till-customer")
    choose_new(page, "Łącki", "12")
    expect(page.get_by_text("This is no phone number")).to_be_visible()
    check_page(page)
    choose_new(page, "Łącki", "601 234 567")
    expect(page.get_by_text("holds card 4712001")).to_be_visible()
    check_page(page)
    shoot(page, "till-sale-customer")
    page.goto("/till/")
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    for asked in ("lacki", "ŁĄCKI", "4567", "601 234 567"):
        page.goto("/till/card")
        page.get_by_label("Card, receipt, surname or phone").fill(asked)
        page.get_by_role("button", name="Look").click()
        expect(page.locator(".till-found")).to_contain_text("Łącki")
        expect(page.locator(".till-found")).to_contain_text("till-1-000001")
    check_page(page)
    shoot(page, "till-found")
    page.get_by_role("link", name="4712001").click()
    expect(page.get_by_role("heading", name="Card 4712001")).to_be_visible()
    expect(page.get_by_text("Holder: Łącki")).to_be_visible()


def test_whoever_is_known_is_picked_and_not_written_down_twice(
    visit: Visit, cashier: Any, shift: UUID, jan: UUID
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4712002")
    page.goto("/till/card?number=4712002")
    page.get_by_role("link", name="Name the holder").click()
    choose_new(page, "lacki", "601234567")
    expect(page.get_by_text("Holder: Jan Łącki")).to_be_visible()
    assert holder("4712002") == jan
    page.get_by_role("link", name="Name somebody else").click()
    page.get_by_role("button", name="Take the name off the card").click()
    expect(page.get_by_text("Nobody's name is on this card.")).to_be_visible()
    page.get_by_role("link", name="Name the holder").click()
    page.get_by_label("Surname, or last digits of the phone").fill("567")
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="Jan Łącki").click()
    expect(page.get_by_text("Holder: Jan Łącki")).to_be_visible()
    check_page(page)
    assert holder("4712002") == jan


def test_the_card_check_tells_when_where_and_why_gates_refused(
    site: Site, visit: Visit, cashier: Any, shift: UUID
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4712003")
    refused_twice("4712003")
    site.set_clock(MORNING + timedelta(minutes=15))
    page.goto("/till/card?number=4712003")
    told = page.get_by_role("region", name="Last refusals")
    expect(told.locator("dt")).to_have_count(2)
    expect(told).to_contain_text("2026-01-17 08:42 · Kopa · Chairlift, lower station")
    expect(told).to_contain_text("This card is blocked. Please go to the ticket office.")
    check_page(page)
    shoot(page, "till-card-refused")


def test_a_text_that_means_nothing_is_told_so(visit: Visit, cashier: Any, shift: UUID) -> None:
    page = visit("/till/card?number=Nobody", cashier)
    expect(page.get_by_text("This card is not known here")).to_be_visible()
    check_page(page)


def test_a_person_is_found_exported_and_erased_in_the_back_office(
    site: Site, visit: Visit, staff: Staff, cashier: Any, shift: UUID, jan: UUID
) -> None:
    page = visit("/till/", cashier)
    tile(page, "Day ticket").click()
    expect(page.get_by_text("Scan card 1 of 1: Day ticket")).to_be_visible()
    read(page, "4712004")
    page.get_by_role("link", name="Customer: surname, phone").click()
    page.get_by_label("Surname, or last digits of the phone").fill("lacki")
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="Jan Łącki").click()
    expect(page.get_by_text("holds card 4712004")).to_be_visible()
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_role("heading", name="Sold")).to_be_visible()
    refused_twice("4712004")
    site.set_clock(MORNING + timedelta(hours=1))
    page = visit("/office/search/?q=lacki", staff(Role.SUPERVISOR, "sofia"), width="desktop")
    customers = page.get_by_role("region", name="Customers")
    expect(customers).to_contain_text("4712004")
    check_page(page)
    shoot(page, "office-search-person")
    customers.get_by_role("link", name="Jan Łącki").click()
    expect(page.get_by_role("region", name="Who looked")).to_contain_text("sofia")
    page.get_by_label("Phone").fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is no phone number")).to_be_visible()
    check_page(page)
    page.get_by_label("Phone").fill("602 345 678")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Phone")).to_have_value("+48602345678")
    expect(page.get_by_role("region", name="Orders")).to_contain_text("till-1-000001")
    check_page(page)
    page.goto(page.url)
    shoot(page, "office-person")
    link = page.get_by_role("link", name="Export everything").get_attribute("href")
    data = json.loads(page.request.get(str(link)).text())
    assert data["person"]["details"]["surname"] == "Łącki"
    (card,) = data["cards"]
    assert (card["card"]["number"], len(card["tickets"]), len(card["refusals"])) == ("4712004", 1, 2)
    page.get_by_role("region", name="Cards").get_by_role("link", name="4712004").click()
    expect(page.get_by_role("region", name="Last refusals")).to_contain_text("Chairlift, lower station")
    expect(page.get_by_role("link", name="Jan Łącki")).to_be_visible()
    check_page(page)
    shoot(page, "office-card")
    page.get_by_role("link", name="Jan Łącki").click()
    page.get_by_role("button", name="Erase…").click()
    check_page(page)
    shoot(page, "office-erase")
    page.get_by_role("button", name="Erase for good").click()  # the box is not ticked: the browser asks for it
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("heading", name="Erased person")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("Łącki")
    check_page(page)
    shoot(page, "office-erased")
    assert [look.what for look in looks_at(jan)][:2] == ["erased", "exported"]
    page.goto("/office/search/?q=lacki")
    expect(page.get_by_text("Nothing is called that")).to_be_visible()
    page.goto("/office/cards/4712004/")
    expect(page.get_by_role("link", name="Erased person")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "pl"])
def test_an_auditor_reads_and_exports_a_person_and_changes_nothing(
    visit: Visit, staff: Staff, cashier: Any, jan: UUID, language: str
) -> None:
    page = visit(f"/office/people/{jan}/", staff(Role.AUDITOR, "greta"), language=language)
    expect(page.get_by_role("heading", name="Jan Łącki")).to_be_visible()
    assert page.locator("main form").count() == 0
    check_page(page)
    token = {"csrfmiddlewaretoken": "x"}
    assert page.request.post(f"/office/people/{jan}/erase/", form={**token, "sure": "yes"}).status == 403
    assert page.request.get(f"/office/people/{jan}/person.json").ok
    assert [look.what for look in looks_at(jan)] == ["exported", "read", "saved"]

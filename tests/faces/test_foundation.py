"""The foundation in a browser: accessible in light and dark, at every width, by keyboard, in five languages."""

from __future__ import annotations

import re
from base64 import b32decode

import pytest
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from karnet.faces.base.roles import Role
from tests.faces.conftest import PASSWORD, Site, Staff, Trouble, Visit, check_fits, check_page, shoot


def log_in(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def check_at_every_width(page: Page, name: str) -> None:
    """Check a page in light on a phone, in dark on a desktop, and between."""
    for theme, width in (("light", 390), ("dark", 1440)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        check_page(page)
        shoot(page, f"{name}-{theme}")
    page.set_viewport_size({"width": 1024, "height": 768})
    check_fits(page)


def test_logging_in_leads_to_what_was_asked_for(visit: Visit, staff: Staff) -> None:
    staff(Role.CASHIER, "anna")
    page = visit("/second-factor")
    check_at_every_width(page, "log-in")
    log_in(page, "anna")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    check_at_every_width(page, "second-factor")


def test_a_wrong_password_is_told_beside_the_form(visit: Visit, staff: Staff) -> None:
    staff(Role.CASHIER, "anna")
    page = visit("/login")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Check both and try again")
    expect(page.get_by_label("User name")).to_have_value("anna")
    check_page(page)
    shoot(page, "log-in-refused")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_finds_its_way_from_the_first_page(visit: Visit, staff: Staff, role: Role) -> None:
    page = visit("/", staff(role))
    expect(page.get_by_role("heading", name=f"Welcome, {role}")).to_be_visible()
    if role in (Role.CASHIER, Role.MANAGER):
        check_at_every_width(page, f"home-{role}")
    for link in page.locator("a.tile").all():
        answer = page.request.get(str(link.get_attribute("href")))
        assert answer.ok, link.text_content()


def test_a_second_factor_is_set_up_and_asked_for(visit: Visit, staff: Staff) -> None:
    user = staff(Role.MANAGER, "boss")
    page = visit("/second-factor", user)
    shown = page.locator(".secret").inner_text().replace(" ", "")
    secret = b32decode(shown + "=" * (-len(shown) % 8))
    page.get_by_label("Code").fill(f"{totp(secret):06}")
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("From now on a code is asked for")).to_be_visible()
    check_at_every_width(page, "recovery-codes")
    recovery = page.locator(".codes li").first.inner_text()
    page = visit("/login")
    log_in(page, "boss")
    expect(page.get_by_role("heading", name="Enter the code")).to_be_visible()
    check_at_every_width(page, "log-in-code")
    page.get_by_label("Code").fill(recovery.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome, boss")).to_be_visible()
    page.goto("/second-factor")
    expect(page.get_by_text("7 recovery codes are left")).to_be_visible()
    check_at_every_width(page, "second-factor-on")


def test_the_state_of_the_server_is_a_page(visit: Visit, staff: Staff) -> None:
    page = visit("/", staff(Role.MANAGER, "boss"))
    page.locator("summary").click()
    page.get_by_role("link", name="This server").click()
    expect(page.get_by_role("table", name="Processes")).to_be_visible()
    check_at_every_width(page, "status")


def test_components_are_accessible(visit: Visit) -> None:
    check_at_every_width(visit("/design"), "design")


def test_the_menu_works_by_keyboard_alone(visit: Visit, staff: Staff) -> None:
    page = visit("/", staff(Role.AUDITOR, "piotr"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Polski")).to_be_visible()
    check_page(page)
    shoot(page, "menu")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Polski")).to_be_hidden()
    expect(page.locator("summary")).to_be_focused()


def test_a_language_is_chosen_and_stays(visit: Visit, staff: Staff) -> None:
    page = visit("/", staff(Role.CASHIER, "anna"))
    page.locator("summary").click()
    page.get_by_role("button", name="Polski").click()
    expect(page.get_by_role("heading", name="Witaj, anna")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    page.goto("/second-factor")
    expect(page.get_by_role("heading", name="Drugi składnik logowania")).to_be_visible()


@pytest.mark.parametrize("language", ["pl", "ru", "it", "de"])
def test_no_language_breaks_the_page(visit: Visit, staff: Staff, language: str) -> None:
    page = visit("/second-factor", staff(Role.CASHIER), width="phone", language=language)
    check_fits(page)
    page.locator("summary").click()
    check_fits(page)
    shoot(page, f"second-factor-{language}")


def test_dark_is_chosen_against_what_the_device_says(visit: Visit) -> None:
    page = visit("/login", theme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.locator("summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) != light


def test_tabs_dialogs_and_the_keypad_work_by_keyboard(visit: Visit) -> None:
    page = visit("/design")
    page.get_by_role("tab", name="On the card").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Last passages")).to_be_focused()
    expect(page.get_by_text("Kopa chairlift")).to_be_visible()
    expect(page.get_by_text("30 points, 14 left.")).to_be_hidden()
    opener = page.get_by_role("button", name="Block the card…")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Block this card?")).to_be_visible()
    check_page(page)
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    keypad = page.get_by_role("group", name="Keypad")
    for key in ("1", "6", "0", ".", "5"):
        keypad.get_by_role("button", name=key, exact=True).press("Enter")
    keypad.get_by_role("button", name="Delete the last digit").press("Enter")
    expect(page.get_by_label("Cash taken")).to_have_value("160.")
    page.get_by_role("button", name="Show a toast").press("Enter")
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()


def test_a_form_sent_twice_in_a_hurry_goes_once(visit: Visit, staff: Staff) -> None:
    staff(Role.CASHIER, "anna")
    page = visit("/login")
    sent: list[str] = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").dblclick()
    expect(page.get_by_role("heading", name="Welcome, anna")).to_be_visible()
    assert len(sent) == 1


def test_error_pages_are_pages_too(visit: Visit, staff: Staff) -> None:
    page = visit("/nowhere", language="pl")
    expect(page.get_by_role("heading", name="Nie ma takiej strony")).to_be_visible()
    check_at_every_width(page, "not-found")
    page.get_by_role("link", name="Pierwsza strona").click()
    expect(page).to_have_url(re.compile(r"/login"))


def test_a_lost_server_is_told(visit: Visit, site: Site, trouble: Trouble) -> None:
    page = visit("/design")
    page.context.set_offline(True)
    page.evaluate("htmx.ajax('GET', '/login', {target: '#main'}).catch(() => {})")
    expect(page.get_by_role("status").get_by_text("The server does not answer.")).to_be_visible()
    trouble.said.clear()

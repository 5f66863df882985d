"""The foundation in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from karnet.faces.base.roles import Role
from tests.faces.conftest import PASSWORD, Staff, Visit, check_page, shoot


def test_logging_in_leads_home(visit: Visit, staff: Staff) -> None:
    staff(Role.CASHIER, "anna")
    page = visit("/")
    check_page(page)
    shoot(page, "log-in")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome, anna")).to_be_visible()
    check_page(page)
    shoot(page, "home")


def test_every_component_is_accessible_in_light_and_dark(visit: Visit) -> None:
    for theme in ("light", "dark"):
        page = visit("/design", theme=theme)
        check_page(page)
        shoot(page, f"design-{theme}")

"""A lost connection, at the till and at a gate: our page comes, not the browser's, and the screen comes back by itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from playwright.sync_api import Page, expect

from karnet.access.operations import gate_id
from karnet.faces.displays import pairing
from tests.faces.conftest import Site, Trouble, Visit, check_page, shoot
from tests.faces.test_till import KOPA, MORNING, cashier, shift, tile

__all__ = ["cashier", "shift"]


def prepared(page: Page) -> None:
    """Wait until the service worker has kept its page and answers for this one."""
    page.wait_for_function(
        "async () => !!navigator.serviceWorker.controller && !!(await caches.match('/offline'))", polling=100
    )


def away(page: Page, trouble: Trouble, *, yes: bool) -> None:
    page.context.set_offline(yes)
    trouble.said = [said for said in trouble.said if "ERR_INTERNET_DISCONNECTED" not in said]


def test_a_till_that_is_loaded_without_a_connection_says_so_and_comes_back_with_its_sale(
    visit: Visit, trouble: Trouble, cashier: Any, shift: UUID
) -> None:
    page = visit("/till/", cashier, language="pl", offline=True)
    tile(page, "Bilet dzienny").click()
    expect(page.locator(".till-line")).to_have_count(1)
    prepared(page)
    away(page, trouble, yes=True)
    expect(page.locator("[data-lost]")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Brak połączenia z serwerem")).to_be_visible()
    check_page(page)
    shoot(page, "offline")
    away(page, trouble, yes=False)
    expect(page.locator(".till-line")).to_have_count(1)


def test_a_form_that_was_sent_into_the_void_leads_back_to_its_page(
    visit: Visit, trouble: Trouble, cashier: Any
) -> None:
    page = visit("/till/", cashier, offline=True)
    prepared(page)
    page.get_by_label("Till 1").check()
    page.context.set_offline(True)
    page.get_by_role("button", name="Open the shift").click()
    expect(page.get_by_role("heading", name="No connection to the server")).to_be_visible()
    away(page, trouble, yes=False)
    expect(page.get_by_role("heading", name="Open a shift")).to_be_visible()


def test_a_gate_display_comes_back_by_itself(site: Site, visit: Visit, trouble: Trouble, cashier: Any) -> None:
    gate = gate_id(KOPA, "chair")
    code = pairing.offer(gate, ("pl", "en", "de"), reads=True, at=MORNING)
    token = pairing.claim(code, "display", MORNING)
    assert token is not None
    page = visit("/gates/display", cookies={"karnet_device": token}, language="de", offline=True)
    expect(page.locator("[data-display]")).to_be_visible()
    prepared(page)
    away(page, trouble, yes=True)
    page.reload()
    expect(page.get_by_role("heading", name="Keine Verbindung zum Server")).to_be_visible()
    away(page, trouble, yes=False)
    expect(page.locator("[data-display]")).to_be_visible()


def test_a_screen_that_is_not_paired_says_how_to_pair_it(visit: Visit) -> None:
    page = visit("/gates/display")
    expect(page.get_by_role("heading", name="This screen is not paired yet")).to_be_visible()
    expect(page.get_by_text("Pair a display")).to_be_visible()
    check_page(page)
    shoot(page, "not-paired")

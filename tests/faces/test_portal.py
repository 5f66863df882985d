"""What is on a pass, on a phone: number and code in, balance and statement out."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from karnet.faces.base.clock import wall_now
from karnet.passes.codes import new_code
from karnet.passes.tests.conftest import Till, till, world
from tests.faces.conftest import Site, Visit, check_page, shoot

__all__ = ["till", "world"]


def test_the_holder_of_a_pass_looks_at_it_on_a_phone(site: Site, till: Till, visit: Visit) -> None:
    sold = till.sold("VALUE", "P1", 30000, pay=31000)
    till.charged("P1", 12)
    code = new_code(sold.id, wall_now())
    site.set_clock(till.asked()["at"] + timedelta(hours=2))
    page = visit("/pass/")
    page.set_viewport_size({"width": 390, "height": 844})
    check_page(page)
    page.get_by_label("Number on the card").fill("P1")
    page.get_by_label("Code").fill("000000" if code != "000000" else "111111")
    page.get_by_role("button", name="Show what is on it").click()
    expect(page.get_by_text("do not belong together")).to_be_visible()
    page.get_by_label("Code").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="VALUE")).to_be_visible()
    expect(page.get_by_text("180.12")).to_be_visible()
    check_page(page)
    shoot(page, "pass")

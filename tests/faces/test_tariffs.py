"""The editor of tariffs in a browser: a stay is tried while prices are typed, then the draft is published."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from karnet.catalogue.tariffs import publish_tariffs, tariffs_of
from karnet.faces.backoffice.tests.test_tariff_editor import S_D
from karnet.faces.base.roles import Role
from karnet.stays.tests.conftest import ANNA, EARLY, NOON, POOL, PublishTariff
from karnet.stays.tests.conftest import World as Pool
from karnet.stays.tests.conftest import world as pool
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

__all__ = ["pool"]
pytestmark = pytest.mark.database


def test_a_manager_changes_prices_sees_a_stay_priced_and_publishes(
    pool: Pool, site: Site, staff: Staff, visit: Visit
) -> None:
    site.set_clock(NOON)
    published: Any = PublishTariff(
        key="two zones", at=EARLY, actor=ANNA, facility=POOL, in_force_from=EARLY, tariff=S_D
    )
    publish_tariffs([published])
    page = visit("/office/tariffs/?facility=POOL", staff(Role.MANAGER, "maria", operator=ANNA), width="desktop")
    shoot(page, "office-tariffs")
    check_page(page)
    page.get_by_role("button", name="Change it pool").click()
    expect(page.get_by_text("The bill, explained")).to_be_visible()
    page.get_by_label("Package", exact=True).select_option("1h")
    page.get_by_label("Where they go, and when").fill("10:00 pool\n10:50 sauna\n11:15 pool\n11:45 out")
    expect(page.locator("#preview .much").first).to_have_text("36.50 PLN")
    page.locator("[name=c0-b0-p0]").fill("0.60")
    expect(page.locator("#preview .much").first).to_have_text("42.50 PLN")
    shoot(page, "office-tariff")
    check_page(page)
    page.locator("[name=do][value='add-band:c0']").click()
    page.locator("[name=c0-b1-code]").fill("evening")  # Waits for the row.
    page.locator("[name='do'][value='up:c0-b1']").click()
    expect(page.locator("[name=c0-b0-code]")).to_have_value("evening")
    page.locator("[name=c0-b0-from]").fill("17:00")
    page.locator("[name=c0-b0-p0]").fill("0.80")
    page.get_by_role("button", name="Save and see what it changes").click()
    expect(page.get_by_text("Tariff pool against the one in force")).to_be_visible()
    shoot(page, "office-tariff-consequences")
    check_page(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("coming")).to_be_visible()
    latest = next(one for one in tariffs_of(POOL) if one.code == "pool")
    assert [band.prices["adult"] for band in latest.tariff.clocks[0].bands] == [80, 60]

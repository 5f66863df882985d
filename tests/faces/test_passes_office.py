"""Passes in the back office: whom to remind, and the month's list of a benefit card's issuer."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from karnet.faces.base.roles import Role
from karnet.orders.tests.conftest import ANNA, NORTH
from karnet.passes.kinds import Programme
from karnet.passes.requests import ProgrammesHold, SetProgrammes
from karnet.passes.services import set_programmes
from karnet.passes.tests.conftest import LATER, Till, till, world
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

__all__ = ["till", "world"]


def test_a_supervisor_sees_who_is_late_and_takes_the_months_list(
    site: Site, till: Till, staff: Staff, visit: Visit
) -> None:
    till.sold("OPEN", "O1", pay=10000)
    fit = Programme(code="FIT", package="1h", names={"en": "FitForAll"})
    asked = SetProgrammes(key="fit", at=LATER, actor=ANNA, facility=NORTH, programmes=(fit,))
    assert isinstance(set_programmes([asked])[0], ProgrammesHold)
    site.set_clock(LATER + timedelta(days=35))
    page = visit("/office/passes/?month=2026-01", staff(Role.SUPERVISOR))
    expect(page.get_by_text("4 days late")).to_be_visible()
    expect(page.get_by_role("row", name="FitForAll")).to_contain_text("0.00")
    check_page(page)
    shoot(page, "office-passes")
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    assert started.value.suggested_filename == "FIT-2026-01.csv"

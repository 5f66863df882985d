"""Lockers in a browser: a band at the display of a section, and staff at the plan."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from karnet.access.operations import gate_id
from karnet.access.requests import EnrolGate
from karnet.access.services import enrol_gates
from karnet.faces.base.clock import wall_now
from karnet.faces.displays import pairing
from karnet.lockers.requests import Furnish, Grid, LockersReady, Section
from karnet.lockers.services import furnish
from tests.faces.conftest import Visit, check_page, shoot
from tests.faces.test_pool import ANNA, POOL, Evening
from tests.faces.test_pool import anna as anna
from tests.faces.test_pool import evening as evening

READER = gate_id(POOL, "lockers-a")


@pytest.fixture
def hall(evening: Evening) -> Evening:
    """Two sections, the first one with a reader."""
    at = evening.clock(0)
    enrol_gates([EnrolGate(key="a", at=at, actor=ANNA, facility=POOL, code="lockers-a", name="Section A")])
    sections = (
        Section(code="A", grid=Grid(aisles=3, positions=14, rows=2, first=101), readers=(READER,), exit_waits=True),
        Section(code="B", grid=Grid(positions=4, rows=2, first=201)),
    )
    (ready,) = furnish([Furnish(key="lockers", at=at, actor=ANNA, facility=POOL, sections=sections)])
    assert isinstance(ready, LockersReady), ready
    return evening


def touch(page: Page, band: str) -> None:
    page.keyboard.type(band)
    page.keyboard.press("Enter")


def test_a_family_gets_its_lockers_and_staff_open_block_and_free_one(visit: Visit, anna: Any, hall: Evening) -> None:
    hall.comes("700101", "700102")
    hall.comes("700103", minute=1)
    code = pairing.offer(READER, ("en", "pl", "de"), reads=True, at=wall_now())
    display = visit(f"/gates/claim/{code}")
    display.get_by_role("button").last.click()
    expect(display.get_by_text("Hold your band to the reader: it shows and opens your locker.")).to_be_visible()
    shoot(display, "locker-reader")
    check_page(display)
    touch(display, "700103")
    expect(display.locator(".scene-word")).to_have_text("101")
    touch(display, "700101")
    expect(display.locator(".scene-word")).to_have_text("129")
    touch(display, "700102")
    expect(display.locator(".scene-word")).to_have_text("130")
    expect(display.get_by_text("This is your locker. Aisle 2, place 1, row 2 from below.")).to_be_visible()
    shoot(display, "locker")
    check_page(display)
    touch(display, "stranger")
    expect(display.locator(".scene-word")).to_have_text("Stop")

    page = visit("/till/lockers/", anna)
    expect(page.get_by_role("navigation", name="Sections").get_by_role("link", name="A free: 81")).to_be_visible()
    expect(page.locator(".door.taken")).to_have_count(3)
    shoot(page, "lockers")
    check_page(page)
    touch(page, "700102")
    expect(page.get_by_role("heading", name="Locker 130")).to_be_visible()
    page.get_by_role("button", name="Open the locker").click()
    expect(page.get_by_text("opened by Anna: Something was left inside")).to_be_visible()
    shoot(page, "locker-staff")
    check_page(page)
    page.get_by_role("button", name="Free the locker").click()
    expect(page.get_by_text("freed by staff")).to_be_visible()
    page.get_by_label("Why").last.select_option("broken")
    page.get_by_role("button", name="Block the locker").click()
    expect(page.locator(".badge.bad")).to_have_text("blocked: Broken")

    hall.clock(60)
    display.goto("/gates/display")
    display.get_by_role("button", name="I am leaving").click()
    touch(display, "700101")
    expect(display.get_by_text("Locker 129 is free again.")).to_be_visible()
    page.get_by_role("link", name="Section A").click()
    expect(page.locator(".door.taken")).to_have_count(1)
    expect(page.locator(".door.blocked")).to_have_count(1)

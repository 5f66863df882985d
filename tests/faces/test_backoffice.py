"""The back office in a browser, on a morning of the demo's day."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect

from karnet.faces.base.roles import Role
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

DAY = date(2026, 1, 17)
SKIERS = 60


@dataclass
class Morning:
    """The demo's network at noon: `kopa` and `anna` by id, the moment at which the day stands."""

    at: datetime
    kopa: UUID
    anna: UUID


@pytest.fixture
def morning(site: Site, installation: Any) -> Morning:
    """The demo's day until noon, sealed, and the server's clock at that moment."""
    from karnet.parties.operations import facility_id, operator_id
    from karnet.wiring.demo import network
    from karnet.wiring.demo.day import generate
    from karnet.wiring.play.acts_record import seal_now
    from karnet.wiring.play.player import play
    from karnet.wiring.play.reading import numbered
    from karnet.wiring.play.staging import staged

    noon = network.instant(DAY, time(12))
    steps = [step for step in generate(2026, SKIERS, DAY) if step.at <= noon]
    for _ in play(staged(installation), numbered(enumerate(steps, start=1))):
        pass
    seal_now(installation)
    site.set_clock(noon)
    kopa = facility_id("kopa")
    return Morning(noon, kopa, operator_id(kopa, "anna"))


PAGES = {
    "today": "/office/",
    "search": "/office/search/?q=kopa",
    "record": "/office/record/",
    "settlement": "/office/settlement/",
    "pair": "/office/settlement/pair/kopa/polana/",
    "close": "/office/settlement/close/",
    "catalogue": "/office/catalogue/?facility=kopa",
    "places": "/office/places/",
    "staff": "/office/staff/",
    "tables": "/office/tables/",
    "table": "/office/tables/access_passage",
}


def test_every_page_is_accessible_and_fits(visit: Visit, staff: Staff, morning: Morning) -> None:
    manager = staff(Role.MANAGER, "maria", operator=morning.anna)
    page = visit("/office/", manager, width="desktop")
    for name, path in PAGES.items():
        page.goto(path)
        check_page(page)
        shoot(page, f"office-{name}")

"""A manager looks at what a draft of a tariff would bring in, before publishing it (SPEC S16)."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from karnet.catalogue.drafts import SaveDraft
from karnet.catalogue.tariffs import save_tariff_draft
from karnet.faces.base.roles import Role
from karnet.kernel.ids import derived_id
from karnet.kernel.outcomes import Refused
from karnet.stays.requests import Band
from karnet.stays.tests.conftest import NOON, POOL, World, world
from karnet.stays.tests.test_repricing import dearer
from karnet.stays.tests.test_repricing import visit as come
from karnet.tariffs.model import to_json
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

__all__ = ["world"]


def test_a_draft_is_compared_with_a_past_period_and_taken_away_as_a_file(
    site: Site, world: World, staff: Staff, visit: Visit
) -> None:
    for n in range(12):
        band = Band(number=f"{n}", package="1h", category="child" if n % 3 == 0 else "adult")
        come(world, band, (n // 4) * 24 * 60 + n % 4 * 60, 40 + 9 * n, sauna=20 if n % 2 else 0)
    site.set_clock(NOON + timedelta(days=10))
    saved_at = NOON + timedelta(days=9)
    id_ = derived_id(saved_at, "draft")
    draft = SaveDraft(
        id=id_, facility=POOL, title="Dearer hours", document=to_json(dearer()).decode(), saved_at=saved_at
    )
    assert not isinstance(save_tariff_draft(draft), Refused)
    page = visit(f"/office/tariffs/{id_}/reprice/", staff(Role.MANAGER), width="desktop")
    expect(page.locator("[data-figure=more]")).to_be_visible()
    expect(page.get_by_text("12 stays")).to_be_visible()
    check_page(page)
    shoot(page, "tariff-reprice")
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    assert download.value.suggested_filename == "reprice-pool-2026-01-01-2026-01-29.xlsx"
    page.get_by_label("Before").fill("2026-01-19")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("No stay of this period is over")).to_be_visible()
    check_page(page)

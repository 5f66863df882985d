"""The back office in a browser, on a morning of the demo's day."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from karnet.faces.base.roles import Role
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

DAY = date(2026, 1, 17)
SKIERS = 30


@dataclass
class Morning:
    """The demo's network at noon: `kopa` and `anna` by id, the moment at which the day stands, a card somebody used."""

    at: datetime
    kopa: UUID
    anna: UUID
    number: str


@pytest.fixture
def morning(site: Site, installation: Any) -> Morning:
    """The demo's day until noon, sealed, and the server's clock at that moment."""
    from karnet.journal.sealing import Sealer
    from karnet.parties.operations import facility_id, operator_id
    from karnet.wiring.demo import network
    from karnet.wiring.demo.day import generate
    from karnet.wiring.log_keys import ensure_log_key
    from karnet.wiring.play.player import play
    from karnet.wiring.play.reading import numbered
    from karnet.wiring.play.staging import staged
    from karnet.wiring.play.steps import Scan

    noon = network.instant(DAY, time(12))
    steps = [step for step in generate(2026, SKIERS, DAY) if step.at <= noon]
    for _ in play(staged(installation), numbered(enumerate(steps, start=1))):
        pass
    # No checkpoint file is written: the next test starts a new log under the same key.
    with Sealer(ensure_log_key(installation), clock=lambda: noon, witness=lambda *_: None) as sealer:
        sealer.seal_all()
    site.set_clock(noon)
    kopa = facility_id("kopa")
    number = next(step.card for step in steps if isinstance(step, Scan) and step.expect and step.expect.get("ok"))
    return Morning(noon, kopa, operator_id(kopa, "anna"), number)


@pytest.fixture
def manager(staff: Staff, morning: Morning) -> Any:
    """A manager whose operations name kopa/anna."""
    return staff(Role.MANAGER, "maria", operator=morning.anna)


def figure(page: Page, name: str) -> int:
    """The whole number that a page shows under a name."""
    return int(re.sub(r"\D", "", page.locator(f"[data-figure={name}]").inner_text()))


PAGES = {
    "today": "/office/",
    "search": "/office/search/?q=kopa",
    "record": "/office/record/",
    "settlement": "/office/settlement/",
    "pair": "/office/settlement/pair/kopa/polana/",
    "figure": "/office/settlement/figure/kopa/balance/",
    "close": "/office/settlement/close/",
    "agreements": "/office/settlement/agreements/",
    "what-if": "/office/settlement/what-if/",
    "catalogue": "/office/catalogue/?facility=kopa",
    "places": "/office/places/",
    "partners": "/office/partners/",
    "staff": "/office/staff/",
    "tables": "/office/tables/",
    "table": "/office/tables/access_passage",
}


def test_every_page_is_accessible_and_fits_at_any_width(visit: Visit, manager: Any, morning: Morning) -> None:
    page = visit("/office/", manager, width="desktop")
    more = {"card": f"/office/cards/{morning.number}/", "explained": f"/office/settlement/tickets/{morning.number}/"}
    for name, path in {**PAGES, **more}.items():
        page.goto(path)
        check_page(page)
        shoot(page, f"office-{name}")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    for path in PAGES.values():
        page.goto(path)
        check_page(page)


def test_the_day_moves_when_somebody_passes_a_gate(visit: Visit, manager: Any, morning: Morning) -> None:
    from karnet.access.operations import gate_id
    from karnet.access.services import Scan, admit
    from karnet.entitlements.selectors import media_by_number
    from karnet.parties.operations import facility_id

    page = visit("/office/", manager)
    entered, recorded = figure(page, "entered"), figure(page, "recorded")
    assert entered > 0
    chip = media_by_number([morning.number])[morning.number].chip
    carpet = gate_id(facility_id("jawor"), "carpet")  # It does not report turns: a scan is a passage.
    (answer,) = admit([Scan(key="now", at=morning.at, actor=carpet, gate=carpet, chip=chip)])
    moved = 1 if type(answer).__name__ == "Verdict" else 0
    assert moved, answer
    expect(page.locator("[data-figure=entered]")).to_have_text(str(entered + 1))
    expect(page.locator("[data-figure=recorded]")).to_have_text(str(recorded + 1))


def test_a_price_list_is_drafted_previewed_and_published(visit: Visit, manager: Any, morning: Morning) -> None:
    from karnet.catalogue.selectors import on_sale

    page = visit("/office/catalogue/?facility=kopa", manager)
    page.get_by_label("Title").fill("February")
    page.get_by_role("button", name="Start a draft").click()
    page.get_by_role("link", name="Day ticket", exact=True).click()
    prices = page.get_by_label("Prices")
    assert "adult 165.00" in prices.input_value()
    prices.fill("adult 170,00\nreduced 155.00")
    check_page(page)
    shoot(page, "office-product")
    page.get_by_role("button", name="Save the product").click()
    check_page(page)
    shoot(page, "office-draft")
    page.get_by_role("link", name="See what it changes").click()
    row = page.get_by_role("row").filter(has_text="prices.adult")
    expect(row).to_contain_text("165.00")
    expect(row).to_contain_text("170.00")
    check_page(page)
    shoot(page, "office-consequences")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("published", exact=True)).to_be_visible()
    tomorrow = morning.at + timedelta(days=1)
    assert on_sale(morning.kopa, ["day"], tomorrow)["day"].product.prices == {"adult": 17000, "reduced": 15500}
    assert on_sale(morning.kopa, ["day"], morning.at)["day"].product.prices["adult"] == 16500


def test_a_product_that_is_wrong_says_so_and_keeps_what_was_typed(visit: Visit, manager: Any) -> None:
    page = visit("/office/catalogue/?facility=kopa", manager)
    page.get_by_role("button", name="Start a draft").click()
    page.get_by_role("link", name="Day ticket", exact=True).click()
    page.get_by_label("Prices").fill("adult a lot")
    page.get_by_role("button", name="Save the product").click()
    expect(page.get_by_text("“adult a lot” is no price")).to_be_visible()
    expect(page.get_by_label("Prices")).to_have_value("adult a lot")


def test_a_facilitys_figure_leads_to_the_facts_that_add_up_to_it(visit: Visit, manager: Any, morning: Morning) -> None:
    page = visit("/office/settlement/", manager, width="desktop")
    page.get_by_role("link", name=re.compile("^Polana, By passages: ")).click()
    shown = figure(page, "total")
    found = 0
    while True:
        cells = page.locator("table[class=table] tbody tr td:last-child").all_inner_texts()
        found += sum(int(re.sub(r"\D", "", cell)) for cell in cells)
        if not page.get_by_role("link", name="More").count():
            break
        page.get_by_role("link", name="More").click()
    assert found == shown > 0
    page.get_by_role("region", name="What is behind it").get_by_role("link").first.click()
    expect(page.get_by_role("table", name="Passages")).to_contain_text("Polana, ")


def test_the_settlement_leads_down_to_tickets_and_passages(visit: Visit, manager: Any, morning: Morning) -> None:
    from karnet.settlement.rules.report import Report
    from karnet.settlement.services import settle
    from karnet.settlement.tracing import all_traced_tickets

    page = visit("/office/settlement/", manager, width="desktop")
    page.get_by_role("link", name="Kopa → Polana").click()
    owed = figure(page, "tickets")
    page.get_by_role("region", name="Tickets sold by Kopa").get_by_role("link").first.click()
    expect(page.get_by_role("table", name="Passages")).to_contain_text("Polana, ")
    # What the page shows is what the tickets come to.
    report = settle(at=morning.at)
    assert isinstance(report, Report)
    from karnet.journal.cuts import Cut
    from karnet.parties.operations import facility_id

    tickets = all_traced_tickets(
        morning.kopa, facility_id("polana"), at=morning.at, cut=Cut(report.cut), until=report.until
    )
    shares = sum(s.share + s.unused for t in tickets for s in t.shares if s.facility == "polana")
    assert owed == shares == next(p.tickets for p in report.pairs if (p.debtor, p.creditor) == ("kopa", "polana"))


def test_an_accountant_closes_a_period_and_sees_it(visit: Visit, staff: Staff, morning: Morning) -> None:
    page = visit("/office/settlement/", staff(Role.ACCOUNTANT, "olga", operator=morning.anna))
    page.get_by_role("link", name="Close the period").click()
    page.get_by_role("button", name="Close the period").click()
    expect(page.get_by_text("Period 1 is closed.")).to_be_visible()
    expect(page.get_by_role("link", name="Period 1")).to_have_attribute("aria-current", "true")
    page.goto("/office/settlement/close/")
    page.get_by_role("button", name="Close the period").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_exports_open_and_say_what_the_page_says(visit: Visit, manager: Any, morning: Morning) -> None:
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    from karnet.settlement.rules.report import Report
    from karnet.settlement.services import settle

    page = visit("/office/settlement/", manager)
    report = settle(at=morning.at)
    assert isinstance(report, Report)
    for where in ("report", "pairs", "pair/kopa/polana/passages"):
        forms = ("csv", "xlsx", "pdf", "html")
        files = {form: page.request.get(f"/office/settlement/{where}.{form}") for form in forms}
        assert all(file.status == 200 for file in files.values()), where
        pdf = files["pdf"].body()
        assert pdf.startswith(b"%PDF-")
        assert re.search(rb"/Type\s*/Page\b", pdf) or b"/ObjStm" in pdf
        assert b"<script" not in files["html"].body()
        lines = files["csv"].body().decode("utf-8-sig").splitlines()
        rows = list(load_workbook(io.BytesIO(files["xlsx"].body())).worksheets[0].iter_rows(values_only=True))
        assert len(rows) == len(lines) > 1
    book = load_workbook(io.BytesIO(page.request.get("/office/settlement/report.xlsx").body()))
    kopa = next(row for row in book.worksheets[0].iter_rows(values_only=True) if row[0] == "Kopa")
    line = next(line for line in report.facilities if line.code == "kopa")
    assert round(kopa[-1] * 100) == line.balance
    assert kopa[1] == line.tickets


def test_a_manager_proposes_a_change_reads_what_it_changes_and_signs_it(
    visit: Visit, manager: Any, morning: Morning
) -> None:
    import json

    page = visit("/office/settlement/", manager, width="desktop")
    page.get_by_role("link", name="Agreements").click()
    page.get_by_text("Propose an agreement").click()
    box = page.get_by_label("The text")
    text = json.loads(box.input_value())
    gate, terms = next((gate, terms) for gate, terms in text["gates"].items() if float(terms["weight"]))
    replaced = page.locator("tbody tr").first.get_by_role("link").get_attribute("href")
    assert replaced is not None
    changed = {
        **text, "season": "spring", "first_day": "2026-02-01", "replaces": replaced.rstrip("/").rsplit("/", 1)[1],
        "gates": {**text["gates"], gate: {**terms, "weight": "9.50"}},
    }  # fmt: skip
    box.fill(json.dumps({**changed, "members": ["nowhere"]}))
    page.get_by_role("button", name="Propose it to the members").click()
    expect(page.get_by_role("alert")).to_contain_text("no active facility has the code 'nowhere'")
    page.get_by_label("The text").fill(json.dumps(changed))
    page.get_by_role("button", name="Propose it to the members").click()
    changes = page.get_by_role("region", name="What changes")
    expect(changes).to_contain_text(gate)
    expect(changes).to_contain_text("9.50")
    check_page(page)
    page.set_viewport_size({"width": 390, "height": 844})
    check_page(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator("[data-toast]")).to_have_count(0, timeout=15_000)
    shoot(page, "office-agreement")
    page.get_by_role("button", name="Sign for Kopa").click()
    expect(page.get_by_text("Signed.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign for Kopa")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("awaits signatures")


def test_rules_are_tried_side_by_side(visit: Visit, manager: Any, morning: Morning) -> None:
    page = visit("/office/settlement/what-if/", manager, width="desktop")
    page.get_by_role("checkbox", name="equal parts among places visited").uncheck()
    page.get_by_role("button", name="Try").click()
    expect(page.locator("svg.winners")).to_have_count(2)
    expect(page.get_by_role("region", name="What each facility would end up with")).to_contain_text("Kopa")


def test_search_finds_a_card_and_its_operations(visit: Visit, manager: Any, morning: Morning) -> None:
    page = visit("/office/search/", manager)
    page.get_by_label("Card, order").fill(morning.number[:-1])
    page.keyboard.press("Enter")
    page.get_by_role("link", name=morning.number, exact=True).click()
    expect(page.get_by_role("heading", name=morning.number)).to_be_visible()
    page.goto("/office/record/?kind=catalogue.published")
    page.get_by_role("link", name="catalogue.published").first.click()
    expect(page.get_by_text("Leaf hash")).to_be_visible()
    check_page(page)
    shoot(page, "office-operation")


def test_an_auditor_sees_everything_and_is_offered_no_change(visit: Visit, staff: Staff, morning: Morning) -> None:
    auditor = staff(Role.AUDITOR, "piotr")
    page = visit("/office/", auditor)
    for path in PAGES.values():
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        # Forms that ask (GET) may be there; of those that send, only the settings menu's own.
        assert page.locator("main form[method=post] button").count() == 0, path
    sent = page.evaluate(
        "() => fetch('/office/staff/', {method: 'POST', headers: {'X-CSRFToken':"
        " JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']}}).then((answer) => answer.status)"
    )
    assert sent == 403


def test_the_office_speaks_polish(visit: Visit, manager: Any) -> None:
    page = visit("/office/", manager, language="pl")
    expect(page.get_by_role("heading", name="Dzisiaj", level=1)).to_be_visible()
    expect(page.get_by_text("Wejścia dzisiaj")).to_be_visible()
    page.goto("/office/settlement/")
    expect(page.get_by_role("heading", name="Kto komu jest winien")).to_be_visible()

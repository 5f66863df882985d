"""The pool in a browser: an evening at the desk, in the hall, and out again."""

from __future__ import annotations

import itertools
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import urllib3
from playwright.sync_api import Page, expect

from karnet.access.operations import gate_id
from karnet.access.requests import EnrolGate
from karnet.access.services import enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.accounts.top_ups import Tier
from karnet.catalogue.rules import ProductDraft, Publication, Publish, PublishTariff
from karnet.catalogue.selectors import on_sale
from karnet.catalogue.services import publish
from karnet.catalogue.tariffs import TariffInForce, publish_tariffs
from karnet.faces.api import tokens
from karnet.faces.base.clock import wall_now
from karnet.faces.base.devices import COOKIE as DEVICE_COOKIE
from karnet.faces.base.roles import Role
from karnet.faces.displays import pairing
from karnet.journal.founding import found_server
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import zone
from karnet.orders.operations import Payment
from karnet.orders.requests import OpenShift, SaleLine, TabNow
from karnet.orders.services import open_shifts
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.parties.services import (
    EnrolFacility,
    EnrolOperator,
    EnrolSalesPoint,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
)
from karnet.passes.kinds import Contract, PassKind
from karnet.passes.requests import OfferPasses, PassesOffered
from karnet.passes.services import offer as offer_passes
from karnet.stays.requests import Band, Border, ChargeBand, Enter, Entered, Furnish, HouseRules, Ready
from karnet.stays.services import charge_bands, enter, furnish
from karnet.tariffs.model import Band as Prices
from karnet.tariffs.model import Clock, Package, Tariff
from tests.faces.conftest import Site, Staff, Visit, check_page, shoot

POOL = facility_id("fale")
TILL = sales_point_id(POOL, "K1")
ANNA = operator_id(POOL, "anna")
NOON = datetime(2026, 1, 19, 15, 30, tzinfo=zone("Europe/Warsaw"))
GATES = {
    "in": Border(gate=gate_id(POOL, "in"), into="pool"),
    "to-sauna": Border(gate=gate_id(POOL, "to-sauna"), out_of="pool", into="sauna"),
    "to-pool": Border(gate=gate_id(POOL, "to-pool"), out_of="sauna", into="pool"),
    "to-restaurant": Border(gate=gate_id(POOL, "to-restaurant"), out_of="pool", into="restaurant"),
    "from-restaurant": Border(gate=gate_id(POOL, "from-restaurant"), out_of="restaurant", into="pool"),
    "out": Border(gate=gate_id(POOL, "out"), out_of="pool", keeps_band=True),
}
TARIFF = Tariff(
    code="pool", currency="PLN", time_zone="Europe/Warsaw", categories=("adult", "child"),
    zones=("pool", "sauna", "restaurant"),
    clocks=(
        Clock(
            code="pool", zones=("pool",), unit_s=60, bands=(
                Prices(code="day", end_minute=960, prices={"adult": 30, "child": 20}),
                Prices(code="evening", start_minute=960, prices={"adult": 40, "child": 30}),
            ),
        ),
        Clock(code="sauna", zones=("sauna",), unit_s=300, on_top=True, bands=(Prices(code="any", prices={"adult": 250, "child": 250}),)),
    ),
    packages=(
        Package(code="1h", included_s={"pool": 3600}, bands=(Prices(code="any", prices={"adult": 1800, "child": 1200}),)),
        Package(code="2h", included_s={"pool": 7200}, bands=(Prices(code="any", prices={"adult": 3200, "child": 2200}),)),
    ),
)  # fmt: skip

expect.set_options(timeout=30_000)  # a busy machine is no failure


class Evening:
    """What the tests say: minutes after half past three."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.keys = (f"pool-evening-{n:04}" for n in itertools.count())
        self.token = ""

    def clock(self, minute: int) -> datetime:
        at = NOON + timedelta(minutes=minute)
        self.site.set_clock(at)
        return at

    def reads(self, gate: str, band: str, minute: int) -> tuple[int, dict[str, Any]]:
        """A band is read at a gate, whose controller asks over HTTP: the status and what it is told."""
        self.clock(minute)
        answer = urllib3.request(
            "POST",
            f"{self.site.url}/api/v1/gates/{gate_id(POOL, gate)}/reads",
            json={"chip": band},
            headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": next(self.keys)},
        )
        told: dict[str, Any] = answer.json()
        return answer.status, told

    def passes(self, gate: str, band: str, minute: int) -> None:
        status, told = self.reads(gate, band, minute)
        assert status == 200, told

    def comes(self, *bands: str, minute: int = 0) -> Entered:
        at = self.clock(minute)
        wanted = tuple(Band(number=band, package="1h") for band in bands)
        paid = (Payment(kind="cash", amount=1800 * len(bands)),)
        (answer,) = enter(
            [
                Enter(
                    key=next(self.keys), at=at, actor=ANNA, sales_point=TILL, tariff="pool", bands=wanted, payments=paid
                )
            ]
        )
        assert isinstance(answer, Entered), answer
        return answer


@pytest.fixture
def evening(site: Site) -> Evening:
    """A pool with a sauna and a restaurant, its tariff and its dishes; Anna's shift at the desk is open."""
    told = Evening(site)
    early = told.clock(0) - timedelta(hours=2)
    asked: dict[str, Any] = {"at": early, "actor": found_server("karnet.test/log", early)}
    enrol_facilities(
        [EnrolFacility(key="f", code="fale", currency="PLN", time_zone="Europe/Warsaw", name="Fale", **asked)]
    )
    open_books([OpenBooks(key="books", facility=POOL, currency="PLN", **asked)])
    enrol_sales_points([EnrolSalesPoint(key="k1", facility=POOL, code="K1", kind="till", name="Desk 1", **asked)])
    enrol_operators([EnrolOperator(key="anna", facility=POOL, code="anna", name="Anna", **asked)])
    enrol_gates([EnrolGate(key=f"gate {code}", facility=POOL, code=code, name=code.title(), **asked) for code in GATES])
    zones = {"*": 300, "pool": 200, "sauna": 2, "restaurant": None}
    rules = HouseRules(vat_bp=800, on_top_vat_bp=2300, lost_band_minor=5000)
    (ready,) = furnish(
        [Furnish(key="furnish", facility=POOL, zones=zones, borders=tuple(GATES.values()), rules=rules, **asked)]
    )
    assert isinstance(ready, Ready), ready
    (made,) = publish_tariffs([PublishTariff(key="tariff", facility=POOL, in_force_from=early, tariff=TARIFF, **asked)])
    assert isinstance(made, TariffInForce), made
    goods = (
        ProductDraft(code="SOUP", kind="goods", names={"en": "Tomato soup"}, prices={"adult": 1500}, vat_bp=800),
        ProductDraft(code="MASSAGE", kind="goods", names={"en": "Massage"}, prices={"adult": 9000}, vat_bp=2300),
    )
    (published,) = publish([Publish(key="goods", facility=POOL, on_sale_from=early, products=goods, **asked)])
    assert isinstance(published, Publication), published
    open_shifts([OpenShift(key="shift", at=early, actor=ANNA, sales_point=TILL, float_minor=20000)])
    issued = tokens.create(tokens.NewToken(name="gates", kind="device", scopes=("gates:scan",), facility=POOL), early)
    assert not isinstance(issued, Refused), issued
    told.token = issued.text
    return told


@pytest.fixture
def anna(evening: Evening, staff: Staff) -> Any:
    return staff(Role.CASHIER, "anna", operator=ANNA)


def read_band(page: Page, number: str) -> None:
    """Let the desk's reader type a band."""
    page.keyboard.type(number)
    page.keyboard.press("Enter")


def test_a_guest_comes_changes_zones_eats_pays_and_leaves(visit: Visit, anna: Any, evening: Evening) -> None:
    page = visit("/till/pool/", anna)
    shoot(page, "pool-desk-empty")
    check_page(page)
    read_band(page, "700101")
    expect(page.locator(".till-line")).to_contain_text("700101")
    expect(page.locator(".till-due")).to_contain_text("18.00")
    shoot(page, "pool-coming")
    check_page(page)
    page.get_by_role("button", name="20.00").click()
    expect(page.get_by_text("1 band is given out")).to_be_visible()
    expect(page.locator(".till-change-out")).to_contain_text("2.00")

    evening.passes("in", "700101", 2)
    evening.passes("to-sauna", "700101", 52)
    evening.passes("to-pool", "700101", 74)
    status, refused = evening.reads("out", "700101", 94)
    assert (status, refused["code"]) == (409, "money_owed")
    assert refused["facts"]["owed_minor"] == 1400  # the sauna 4 × 2.50, and ten minutes of the evening at 0.40

    evening.passes("to-restaurant", "700101", 94)
    (soup,) = charge_bands([dish(evening, "700101", 95)])
    assert isinstance(soup, TabNow), soup
    evening.passes("from-restaurant", "700101", 110)

    evening.clock(112)
    read_band(page, "700101")
    expect(page.get_by_role("heading", name="Tab K1-T000001", exact=True)).to_be_visible()
    expect(page.locator(".till-due").first).to_contain_text("29.80")
    page.get_by_text("4 units, one by one").click()
    expect(page.locator(".pool-steps[open] li").first).to_contain_text("16:22")
    page.evaluate("scrollTo(0, 0)")
    shoot(page, "pool-bill")
    check_page(page)
    page.get_by_text("They leave by the gate").click()
    page.get_by_role("button", name="Payment card").click()
    expect(page.get_by_text("The exit lets them out for 10 min")).to_be_visible()
    status, out = evening.reads("out", "700101", 116)
    assert (status, out["ended"], out["document"]) == (200, True, "K1-000001"), out
    page.goto("/till/sales")
    page.get_by_role("link", name="K1-000001").click()
    for what in ("Stay", "Zones charged on top", "Tomato soup", "Payment card"):
        expect(page.get_by_role("rowheader", name=what)).to_be_visible()
    paper = page.request.get(page.get_by_role("link", name="Receipt").get_attribute("href") or "")
    assert paper.body().startswith(b"%PDF")


def dish(evening: Evening, band: str, minute: int) -> ChargeBand:
    """A bowl of soup, charged through a band at the restaurant."""
    at = evening.clock(minute)
    soup = on_sale(POOL, None, at)["SOUP"].product.id
    lines = (SaleLine(product=soup, category="adult"),)
    return ChargeBand(key="soup", at=at, actor=ANNA, sales_point=TILL, band=band, lines=lines)


def test_a_family_leaves_one_by_one_and_what_went_wrong_is_put_right(visit: Visit, anna: Any, evening: Evening) -> None:
    page = visit("/till/pool/", anna)
    for band in ("700201", "700202", "700203"):
        read_band(page, band)
        expect(page.locator(".till-line")).to_have_count(int(band[-1]))
    page.get_by_role("button", name="Child").click()
    page.get_by_role("button", name="Make it Child, 1 h").last.click()
    expect(page.locator(".till-due")).to_contain_text("48.00")
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_text("3 bands are given out")).to_be_visible()
    for minute, band in enumerate(("700201", "700202", "700203")):
        evening.passes("in", band, minute)

    # One of them went to the sauna and no reader saw it; another lost the band.
    evening.clock(40)
    read_band(page, "700201")
    expect(page.get_by_role("heading", name="Tab K1-T000001", exact=True)).to_be_visible()
    page.get_by_text("Something is wrong with this stay").first.click()
    page.get_by_label("From then on in").first.select_option("sauna")
    page.get_by_label("Time, such as 14:05").first.fill("15:50")
    page.get_by_role("button", name="Put it right").first.click()
    expect(page.get_by_text("Put right. Now: Sauna")).to_be_visible()
    expect(page.locator(".till-due").first).to_contain_text("10.00")
    page.get_by_role("link", name="700202").click()
    expect(page.get_by_role("link", name="700202")).to_have_attribute("aria-current", "true")
    second = page.locator(".pool-bill").filter(has_text="700202")
    second.get_by_text("Something is wrong with this stay").click()
    page.evaluate("scrollTo(0, 0)")
    shoot(page, "pool-mend")
    check_page(page)
    second.get_by_label("New band, if they stay").fill("700299")
    second.get_by_role("button", name="Block the lost band").click()
    expect(page.get_by_text("The stay goes on on band 700299")).to_be_visible()

    # Two leave now and pay the lost band as well; the child stays.
    read_band(page, "700201")
    expect(page.locator(".pool-who [aria-current=true]")).to_have_count(2)
    expect(page.locator(".till-due").first).to_contain_text("60.00")
    page.get_by_role("button", name="100.00").click()
    expect(page.locator(".till-change-out")).to_contain_text("40.00")

    page.get_by_role("link", name="Who is inside").click()
    expect(page.get_by_role("row").filter(has_text="700203")).to_contain_text("Pool")
    expect(page.locator("tbody tr")).to_have_count(1)
    shoot(page, "pool-inside")
    check_page(page)
    page.get_by_role("link", name="Evacuation").click()
    page.get_by_role("button", name="Evacuate now").click()
    expect(page.get_by_text("Tick the box as well")).to_be_visible()
    page.get_by_label("Yes, everybody has to leave now.").check()
    page.get_by_role("button", name="Evacuate now").click()
    expect(page.get_by_role("heading", name="Still inside")).to_be_visible()
    shoot(page, "pool-evacuation")
    check_page(page)
    paper = page.request.get("/till/pool/inside.pdf")
    assert paper.body().startswith(b"%PDF")
    evening.passes("out", "700203", 41)
    page.reload()
    expect(page.get_by_text("Nobody is inside.")).to_be_visible()


def test_a_school_enters_on_its_tab_and_the_bands_of_who_left_are_taken_back(
    visit: Visit, anna: Any, evening: Evening
) -> None:
    page = visit("/till/pool/", anna)
    for band in ("700301", "700302"):
        read_band(page, band)
    expect(page.locator(".till-line")).to_have_count(2)
    page.get_by_text("School, company, voucher").click()
    page.get_by_label("How much the tab may owe").fill("500")
    page.get_by_label("How much the tab may owe").press("Enter")
    page.get_by_role("button", name="Let in unpaid, on the tab").click()
    expect(page.get_by_text("2 bands are given out")).to_be_visible()
    evening.passes("in", "700301", 1)
    evening.passes("in", "700302", 1)
    evening.clock(30)
    read_band(page, "700301")
    expect(page.locator(".till-due").first).to_contain_text("36.00")  # neither has paid in advance
    page.get_by_role("button", name="Leave unpaid, on the tab").click()
    expect(page.get_by_role("heading", name="Desk")).to_be_visible()
    read_band(page, "700302")
    expect(page.locator(".till-due").first).to_contain_text("36.00")
    page.get_by_role("button", name="Change, parts").click()
    page.get_by_label("Amount handed over").fill("30")
    page.get_by_role("dialog").get_by_role("button", name="Voucher").click()
    expect(page.locator(".till-due").first).to_contain_text(re.compile(r"pay6\.00"))
    page.keyboard.press("F8")
    expect(page.get_by_text("K1-000001")).to_be_visible()
    # Read once more by mistake, a band that is back is not given out again.
    read_band(page, "700302")
    expect(page.locator(".till-line")).to_have_count(1)


def paired(gate: str, kind: str, *, reads: bool) -> str:
    """Return the token of a display that stands at a gate."""
    code = pairing.offer(gate_id(POOL, gate), ("en", "pl", "de"), reads=reads, at=wall_now(), kind=kind)
    token = pairing.claim(code, f"{kind} display", wall_now())
    assert token is not None
    return token


def test_the_hall_tells_guests_how_they_stand_and_shows_slides_beside_the_gate(
    visit: Visit, staff: Staff, evening: Evening
) -> None:
    evening.comes("700401", "700402")
    evening.passes("in", "700401", 1)
    evening.clock(43)
    info = visit("/gates/display", cookies={DEVICE_COOKIE: paired("to-sauna", "info", reads=True)})
    expect(info.get_by_text("Touch the reader with your band").first).to_be_visible()
    read_band(info, "700401")
    scene = info.locator(".scene")
    expect(scene).to_contain_text("0:18")
    expect(scene).to_contain_text("18.00")
    expect(scene).to_contain_text("Paid until 16:31. Longer costs extra: one hour from now 16.80")
    check_page(info)
    shoot(info, "info-point")
    evening.clock(55)
    read_band(info, "700401")
    expect(info.locator(".display")).to_have_attribute("data-kind", "warn")
    read_band(info, "700999")
    expect(info.locator(".display")).to_have_attribute("data-kind", "stop")

    office = visit(f"/gates/slides/{POOL}", staff(Role.MANAGER))
    office.get_by_label("Title, English").fill("Aqua aerobics at six")
    office.get_by_label("Title, polski").fill("Aqua aerobik o szóstej")
    office.get_by_label("Seconds at a time").fill("600")
    office.get_by_role("button", name="Add the slide").click()
    expect(office.get_by_role("listitem").filter(has_text="Aqua aerobics at six")).to_contain_text("on now")
    morning = b'[{"title": {"en": "Mornings only"}, "until_minute": 720}]'
    office.get_by_label("File of slides (JSON)").set_input_files(
        {"name": "slides.json", "mimeType": "application/json", "buffer": morning}
    )
    office.get_by_role("button", name="Load it").click()
    expect(office.get_by_role("listitem").filter(has_text="Mornings only")).to_contain_text("not now")
    shoot(office, "slides")
    check_page(office)
    hall = visit("/gates/display", cookies={DEVICE_COOKIE: paired("out", "split", reads=True)})
    expect(hall.get_by_role("heading", name="Aqua aerobics at six")).to_be_visible()
    expect(hall.locator(".slide")).to_have_count(1)
    evening.clock(75)
    read_band(hall, "700401")
    expect(hall.locator(".display")).to_have_attribute("data-kind", "stop")
    expect(hall.locator(".scene")).to_contain_text("Please pay at the till, then come back.")
    shoot(hall, "split-display")
    check_page(hall)


def test_a_pass_is_sold_and_pays_for_its_guests(visit: Visit, anna: Any, evening: Evening) -> None:
    tiers = (Tier(from_minor=10000, bonus_bp=500), Tier(from_minor=30000, bonus_bp=1500))
    kind = PassKind(
        code="value", names={"en": "Value card"}, amounts=(10000, 30000), tiers=tiers, card_price_minor=1000, hold_minor=4000
    )  # fmt: skip
    (offered,) = offer_passes(
        [OfferPasses(key="passes", at=evening.clock(0), actor=ANNA, facility=POOL, kinds=(kind,))]
    )
    assert isinstance(offered, PassesOffered), offered
    page = visit("/till/pool/passes", anna)
    read_band(page, "900001")
    expect(page.get_by_role("heading", name="Sell: Value card")).to_be_visible()
    page.get_by_text("310.00").click()
    shoot(page, "pool-pass-sell")
    check_page(page)
    page.get_by_role("button", name="Payment card").click()
    expect(page.get_by_text("with a bonus of 45.00")).to_be_visible()

    page.goto("/till/pool/")
    read_band(page, "900001")
    expect(page.get_by_text("Pass 900001 pays: 345.00")).to_be_visible()
    read_band(page, "700501")
    expect(page.locator(".till-due")).to_contain_text("0.00")
    page.get_by_role("button", name="Give out the bands").click()
    expect(page.get_by_text("1 band is given out")).to_be_visible()
    evening.passes("in", "700501", 0)
    evening.clock(70)
    read_band(page, "700501")
    expect(page.get_by_text("From the pass")).to_be_visible()
    page.get_by_role("button", name="End without payment").click()
    expect(page.get_by_text("K1-000002")).to_be_visible()

    # A friend who came without it stayed longer: the same pass, read at the bill, pays.
    evening.comes("700502", minute=71)
    evening.passes("in", "700502", 71)
    evening.clock(150)
    read_band(page, "700502")
    due = page.locator(".till-due").first
    expect(due).to_contain_text("7.60")
    page.get_by_label("A pass pays").fill("900009")
    page.get_by_role("button", name="Show the bill").click()
    expect(page.get_by_role("alert").filter(has_text="900009")).to_be_visible()
    read_band(page, "900001")
    expect(page.get_by_text("Pass 900001 pays first")).to_be_visible()
    expect(due).to_contain_text("0.00")
    shoot(page, "pool-bill-by-pass")
    check_page(page)
    page.get_by_role("button", name="Without the pass").click()
    expect(due).to_contain_text("7.60")
    page.get_by_label("A pass pays").fill("900001")
    page.get_by_role("button", name="Show the bill").click()
    expect(due).to_contain_text("0.00")
    page.get_by_role("button", name="Take it from the pass").click()
    expect(page.get_by_text("K1-000003")).to_be_visible()

    page.goto("/till/pool/passes?number=900001")
    expect(page.get_by_role("term").filter(has_text="Money")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Paid").first).to_contain_text("7.60")
    page.get_by_role("button", name="Show a new code").click()
    expect(page.locator(".pool-code")).to_have_text(re.compile(r"[0-9]{3} [0-9]{3}"))
    shoot(page, "pool-pass")
    check_page(page)
    # Blocking is no cashier's business, whatever form is sent.
    expect(page.get_by_role("button", name="Block the pass")).to_have_count(0)
    page.locator("form[action$='passes/code']").last.evaluate("form => { form.action = '/till/pool/passes/block' }")
    page.get_by_role("button", name="Show a new code").click()
    expect(page.get_by_text("Only a supervisor or manager blocks passes")).to_be_visible()


def test_an_open_pass_is_paid_in_instalments_renewed_and_blocked(visit: Visit, staff: Staff, evening: Evening) -> None:
    contract = Contract(months=3, price_minor=30000, vat_bp=800, instalments=3)
    kind = PassKind(code="season", names={"en": "Three months"}, contract=contract, hold_minor=0)
    (offered,) = offer_passes(
        [OfferPasses(key="passes", at=evening.clock(0), actor=ANNA, facility=POOL, kinds=(kind,))]
    )
    assert isinstance(offered, PassesOffered), offered
    page = visit("/till/pool/passes?number=900002", staff(Role.SUPERVISOR, "eva", operator=ANNA))
    page.get_by_role("button", name="Payment card").click()
    expect(page.get_by_text("the next one, due")).to_be_visible()
    expect(page.get_by_role("heading", name="Renew the contract")).to_have_count(0)
    shoot(page, "pool-pass-instalments")
    check_page(page)
    page.get_by_text("2 of them, due up to").click()
    page.get_by_role("button", name="Cash").click()
    expect(page.get_by_text("Take 200.00 PLN. The instalments are paid.")).to_be_visible()
    expect(page.get_by_role("link", name="Receipt")).to_be_visible()
    page.get_by_role("region", name="Renew the contract").get_by_role("button", name="Cash").click()
    expect(page.get_by_text("Take 100.00 PLN. The contract is renewed.")).to_be_visible()
    page.get_by_label("Why").select_option("lost")
    page.get_by_role("button", name="Block the pass").click()
    expect(page.get_by_text("The pass is blocked.")).to_be_visible()
    expect(page.locator(".badge.bad").filter(has_text="Lost")).to_be_visible()
    page.get_by_role("button", name="Lift the blocks").click()
    expect(page.get_by_text("The blocks are lifted.")).to_be_visible()
    expect(page.get_by_text("the next one, due")).to_be_visible()

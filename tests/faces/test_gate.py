"""Gate displays and the gate simulator in a browser."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from playwright.sync_api import Page, expect

from karnet.access.tests.conftest import NORTH, PutOnCard, World
from karnet.access.tests.conftest import world as world
from karnet.access.tests.small import at
from karnet.accounts.operations import AccountOpened, Transfer, house_account
from karnet.catalogue.operations import Product, Published
from karnet.entitlements.operations import MediumIssued
from karnet.entitlements.rules import medium_id, points_account
from karnet.faces.base.roles import Role
from karnet.kernel.ids import named_id
from karnet.parties.services import EnrolOperator, enrol_operators
from tests.faces.conftest import Site, Staff, Trouble, Visit, check_page, shoot

CARD = "4711-0042"
TEN = at(10)


@pytest.fixture
def lift(site: Site, world: World) -> UUID:
    """A gate that reports its turn and takes three points, and a card with a reduced ticket of thirty."""
    names = {
        "en": "30 points", "pl": "30 punktów", "ru": "30 баллов", "it": "30 punti", "de": "30 Punkte",
    }  # fmt: skip
    product = Product(
        id=named_id("product", "points-30"), code="points-30", kind="points", names=names, prices={"reduced": 12800},
        vat_bp=800, points=30,
    )  # fmt: skip
    world.do(Published(facility=NORTH, currency="PLN", on_sale_from=at(6), products=(product,)))
    medium = MediumIssued(id=medium_id(CARD), number=CARD, chip=f"chip-{CARD}", kind="card", facility=NORTH)
    ticket = msgspec.structs.replace(
        world._ticket(CARD, medium.id, "points", points=30),
        product=product.id, product_code=product.code, category="reduced",
    )  # fmt: skip
    account = points_account(ticket.id)
    issued = house_account(NORTH, "points_issued", "points")
    world.do(
        PutOnCard(
            media=(medium,),
            tickets=(ticket,),
            accounts=(AccountOpened(id=account, owner=ticket.id, purpose="points", unit="points", overdraft=0),),
            transfers=(Transfer(source=issued, target=account, amount=30, unit="points"),),
        )
    )
    gate = world.gate("Chairlift-1", reports_turn=True)
    site.set_clock(TEN)
    return gate


def kind(page: Page, expected: str) -> None:
    expect(page.locator("[data-display]")).to_have_attribute("data-kind", expected)


def paired(page: Page, gate: UUID, *, reads: bool = False) -> None:
    """Pair a display: the manager's page makes the address, and the same browser opens it."""
    page.goto(f"/gates/{gate}/pair")
    if reads:
        page.get_by_label("A reader is connected to the display").check()
    page.get_by_role("button", name="Show the address for the tablet").click()
    check_page(page)
    address = page.locator("[data-address]").inner_text()
    page.goto(address)
    check_page(page)
    page.get_by_role("button", name="Make it the display").click()
    kind(page, "idle")


def type_chip(page: Page, number: str) -> None:
    page.keyboard.type(f"chip-{number}")
    page.keyboard.press("Enter")


def test_a_tap_turns_the_display_green_and_a_turn_takes_the_points(
    lift: UUID, world: World, visit: Visit, staff: Staff
) -> None:
    page = visit("/gates/simulator", staff(Role.MANAGER))
    kind(page, "idle")
    shoot(page, "gate-simulator-idle")
    check_page(page)
    page.get_by_role("button", name=CARD).click()
    kind(page, "go")
    shown = page.locator("[data-scene]")
    expect(shown).to_contain_text("−3")
    expect(shown).to_contain_text("27")
    expect(shown).to_contain_text("reduced")
    expect(page.get_by_role("button", name=CARD)).to_contain_text("30 points: 27 left")
    shoot(page, "gate-simulator-go")
    check_page(page)
    page.get_by_role("button", name="Turn", exact=True).click()
    kind(page, "taken")
    expect(page.get_by_role("button", name="Turn", exact=True)).to_have_count(0)
    expect(shown).to_contain_text("27")


def test_nobody_turns_the_gate_and_the_points_are_back(lift: UUID, world: World, visit: Visit, staff: Staff) -> None:
    page = visit("/gates/simulator", staff(Role.MANAGER))
    page.get_by_label("Card number").fill(CARD)
    page.get_by_role("button", name="Tap").click()
    kind(page, "go")
    page.get_by_role("button", name="Do not turn").click()
    kind(page, "back")
    expect(page.locator("[data-scene]")).to_contain_text("3 points are back on the card")
    expect(page.get_by_role("button", name=CARD)).to_contain_text("30 points: 30 left")
    shoot(page, "gate-simulator-back")
    check_page(page)


def test_passback_is_refused_in_three_languages_with_the_time_to_wait_for(
    lift: UUID, world: World, visit: Visit, staff: Staff, site: Site
) -> None:
    first = world.admit(lift, CARD, TEN)
    world.turn(lift, first.id, TEN + timedelta(seconds=4))
    site.set_clock(TEN + timedelta(seconds=60))
    page = visit(f"/gates/simulator?gate={lift}&languages=en,pl,de", staff(Role.SUPERVISOR))
    page.get_by_role("button", name=CARD).click()
    kind(page, "stop")
    lines = page.locator(".scene-lines li")
    expect(lines).to_have_count(3)
    for number, (language, words) in enumerate(
        {"en": "opens again at", "pl": "ponownie o", "de": "öffnet wieder um"}.items()
    ):
        expect(lines.nth(number)).to_have_attribute("lang", language)
        expect(lines.nth(number)).to_contain_text(words)
        expect(lines.nth(number)).to_contain_text("11:05")  # by the facility's clock, not the server's
    check_page(page)


def test_a_paired_display_reads_cards_itself_and_tells_the_other_displays(
    lift: UUID, world: World, visit: Visit, staff: Staff, site: Site
) -> None:
    manager = staff(Role.MANAGER)
    other = visit(f"/gates/{lift}/display?languages=it,ru,de", manager)
    page = visit("/gates/", manager)
    paired(page, lift, reads=True)
    shoot_display(page, "gate-idle")
    check_page(page)
    type_chip(page, CARD)
    kind(page, "go")
    shoot_display(page, "gate-go")
    check_page(page)
    kind(other, "go")
    expect(other.locator(".scene-word")).to_have_text("Avanti")
    site.set_clock(TEN + timedelta(seconds=2))
    type_chip(page, "nobody-knows")
    kind(page, "stop")
    expect(page.locator("[data-scene]")).to_contain_text("Ta karta nie jest tu znana")
    shoot_display(page, "gate-stop")
    check_page(page)
    kind(other, "stop")
    expect(other.locator("[data-scene]")).to_contain_text("Questa tessera non è conosciuta qui")


def test_a_passage_decided_elsewhere_appears(lift: UUID, world: World, visit: Visit, staff: Staff) -> None:
    page = visit(f"/gates/{lift}/display", staff(Role.CASHIER))
    kind(page, "idle")
    verdict = world.admit(lift, CARD, TEN)
    kind(page, "go")
    world.turn(lift, verdict.id, TEN + timedelta(seconds=4))
    kind(page, "taken")


def test_the_large_word_fits_in_every_language(lift: UUID, world: World, visit: Visit, staff: Staff) -> None:
    user = staff(Role.CASHIER)
    pages = [visit(f"/gates/{lift}/display?languages={language}", user) for language in ("en", "pl", "ru", "it", "de")]
    for page in pages:
        assert fits(page)
    world.admit(lift, CARD, TEN)
    for page in pages:
        kind(page, "go")
        for width, height in ((1024, 600), (390, 844), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            assert fits(page)


def fits(page: Page) -> bool:
    """Tell whether the large word is whole, and no column runs into another."""
    return bool(
        page.evaluate(
            "async () => { await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
            " const word = document.querySelector('.scene-word'), light = document.querySelector('.scene-light span');"
            " return [word, light].every((one) => !one || one.scrollWidth <= one.clientWidth + 1 || !one.clientWidth); }"
        )
    )


def test_a_display_that_is_cut_off_says_so_and_recovers(
    lift: UUID, world: World, visit: Visit, staff: Staff, trouble: Trouble
) -> None:
    page = visit("/gates/", staff(Role.MANAGER))
    paired(page, lift, reads=True)
    banner = page.locator("[data-offline]")
    expect(banner).to_be_hidden()
    page.route(re.compile("/gates/display/"), lambda route: route.abort())
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("No connection")
    expect(banner).to_contain_text("Brak połączenia")
    expect(banner).to_contain_text("Keine Verbindung")
    type_chip(page, CARD)
    kind(page, "lost")
    shoot_display(page, "gate-lost")
    check_page(page)
    page.unroute(re.compile("/gates/display/"))
    expect(banner).to_have_attribute("hidden", "", timeout=15_000)  # By itself; the last scene stays a while.
    type_chip(page, CARD)
    kind(page, "go")
    trouble.said = [said for said in trouble.said if "ERR_FAILED" not in said]


def test_a_scan_whose_answer_was_lost_takes_the_points_once(
    lift: UUID, world: World, visit: Visit, staff: Staff, site: Site, trouble: Trouble
) -> None:
    page = visit("/gates/", staff(Role.MANAGER))
    paired(page, lift, reads=True)
    asked: list[str] = []

    def lose_the_first(route) -> None:  # type: ignore[no-untyped-def]
        asked.append(route.request.post_data)
        if len(asked) == 1:
            route.fetch()
            site.set_clock(TEN + timedelta(seconds=2))
            route.abort()
        else:
            route.continue_()

    page.route(re.compile("/gates/display/scan"), lose_the_first)
    type_chip(page, CARD)
    kind(page, "go")
    expect(page.locator("[data-scene]")).to_contain_text("27")
    assert len(asked) == 2
    assert asked[0] == asked[1]
    trouble.said = [said for said in trouble.said if "ERR_FAILED" not in said]


def test_a_display_follows_its_settings_and_a_retired_one_shows_nothing(
    lift: UUID, world: World, visit: Visit, staff: Staff
) -> None:
    manager = staff(Role.MANAGER)
    display = visit("/gates/", manager)
    paired(display, lift)
    office = visit("/gates/", manager)
    check_page(office)
    shoot(office, "gates")
    office.get_by_role("link", name="Settings").click()
    expect(office.get_by_label("First, the largest")).to_be_visible()
    check_page(office)
    office.get_by_label("First, the largest").select_option("it")
    office.get_by_role("button", name="Save").click()
    expect(display.locator(".scene-word")).to_have_text("Benvenuti")
    office.get_by_role("button", name="Retire").click()
    kind(display, "unpaired")
    expect(display.locator("[data-scene]")).to_contain_text("Un responsabile")


def test_a_code_pairs_one_device_only(lift: UUID, visit: Visit, staff: Staff) -> None:
    page = visit(f"/gates/{lift}/pair", staff(Role.MANAGER))
    page.get_by_role("button", name="Show the address for the tablet").click()
    address = page.locator("[data-address]").inner_text()
    tablet, late = visit(address), visit(address)
    tablet.get_by_role("button", name="Make it the display").click()
    kind(tablet, "idle")
    late.get_by_role("button", name="Make it the display").click()
    expect(late.get_by_role("heading", name="This address is no good any more")).to_be_visible()
    check_page(late)


def test_an_operator_who_taps_for_somebody_is_on_the_record(
    lift: UUID, world: World, visit: Visit, staff: Staff
) -> None:
    asked = {"at": at(6), "actor": world.server}
    enrolled = enrol_operators([EnrolOperator(key="ewa", facility=NORTH, code="ewa", **asked)])[0]
    page = visit("/gates/simulator", staff(Role.SUPERVISOR, operator=enrolled.id))
    page.get_by_role("button", name=CARD).click()
    kind(page, "go")


def shoot_display(page: Page, name: str) -> None:
    """Pictures of a display: besides the usual widths, the 7 inch tablet of 1024 by 600."""
    shoot(page, name)
    before = page.viewport_size
    page.set_viewport_size({"width": 1024, "height": 600})
    if folder := os.environ.get("KARNET_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}-7inch.png"))
    if before:
        page.set_viewport_size(before)

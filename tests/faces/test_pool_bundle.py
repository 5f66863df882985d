"""Cards that pay at the pool's desk: a bundle (SPEC N11), a benefit card (SPEC S17); nothing is paid, a band is given out."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from karnet.catalogue.operations import IncludedStay, Validity
from karnet.catalogue.rules import ProductDraft, Publication, Publish
from karnet.catalogue.services import publish
from karnet.entitlements.rules import medium_id
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, Sale, SaleLine, Sell
from karnet.orders.services import sell
from karnet.passes.kinds import Programme
from karnet.passes.requests import ProgrammesHold, SetProgrammes
from karnet.passes.services import set_programmes
from karnet.stays.selectors import stay_states, stays_on
from tests.faces.conftest import Visit, check_page, shoot
from tests.faces.test_pool import ANNA, POOL, TILL, Evening, anna, evening, read_band

__all__ = ["anna", "evening"]


def a_bundle(evening: Evening, card: str) -> None:
    """Sell a day on the lifts and two hours in the pool on a card."""
    at = evening.clock(-60)
    swim = IncludedStay(facility=POOL, tariff="pool", package="2h")
    product = ProductDraft(
        code="ski-swim", kind="time", names={"en": "Ski and swim"}, prices={"adult": 20_000}, vat_bp=800,
        validity=Validity(kind="days", days=1), stays=(swim,),
    )  # fmt: skip
    (made,) = publish([Publish(key="bundle", at=at, actor=ANNA, facility=POOL, on_sale_from=at, products=(product,))])
    assert isinstance(made, Publication), made
    line = SaleLine(product=made.versions["ski-swim"], cards=(Card(number=card, issue=True),))
    paid = (Payment(kind="card", amount=20_000),)
    (sale,) = sell([Sell(key="bundle sold", at=at, actor=ANNA, sales_point=TILL, lines=(line,), payments=paid)])
    assert isinstance(sale, Sale), sale
    evening.clock(0)


def test_a_card_with_a_bundle_is_let_in_for_nothing_on_a_band(visit: Visit, anna: Any, evening: Evening) -> None:
    a_bundle(evening, "4711001")
    page = visit("/till/pool/", anna)
    read_band(page, "4711001")
    expect(page.get_by_text("paid with Ski and swim")).to_be_visible()
    expect(page.locator(".till-due")).to_contain_text("0.00")
    page.get_by_role("button", name="Give a band").click()
    expect(page.get_by_text("Read the band to give out for this card.")).to_be_visible()
    check_page(page)
    read_band(page, "700201")
    expect(page.locator(".till-line")).to_have_count(1)
    expect(page.locator(".till-line")).to_contain_text("700201")
    shoot(page, "pool-bundle")
    page.get_by_role("button", name="Give out the bands").click()
    expect(page.get_by_text("1 band is given out")).to_be_visible()
    (stay, _tab) = stays_on([medium_id("700201")])[medium_id("700201")]
    assert (stay_states([stay])[stay].package, stay_states([stay])[stay].prepaid_minor) == ("2h", 3200)
    read_band(page, "4711001")
    expect(page.locator(".till-line")).to_contain_text("18.00")
    expect(page.get_by_text("paid with Ski and swim")).to_have_count(0)

    # A friend has a benefit card of an employer; both are on one tab, and the friend's card opens once a day.
    take_benefit_cards(evening)
    page.reload()
    page.keyboard.press("Alt+Digit3")
    expect(page.get_by_role("button", name="Fit card", pressed=True)).to_be_visible()
    read_band(page, "700301")
    expect(page.get_by_text("Read or type the benefit card for band 700301")).to_be_visible()
    shoot(page, "pool-benefit")
    check_page(page)
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_text("Read the benefit card for band 700301 first.")).to_be_visible()
    page.get_by_placeholder("Read or type a number").fill("88 01")
    page.get_by_placeholder("Read or type a number").press("Enter")
    expect(page.locator(".till-line").last).to_contain_text("88 01")
    expect(page.locator(".till-due")).to_contain_text("18.00")
    page.get_by_role("button", name="Cash, exact").click()
    expect(page.get_by_text("2 bands are given out")).to_be_visible()
    (stay, _tab) = stays_on([medium_id("700301")])[medium_id("700301")]
    assert stay_states([stay])[stay].prepaid_minor == 1800
    page.get_by_role("button", name="Fit card").click()
    read_band(page, "700302")
    expect(page.get_by_text("Read or type the benefit card for band 700302")).to_be_visible()
    read_band(page, "8801")
    expect(page.get_by_text("This benefit card was used today already.")).to_be_visible()
    page.get_by_role("button", name="Without the card").click()
    expect(page.locator(".till-due")).to_contain_text("18.00")
    page.get_by_role("button", name="Make it Adult, Fit card").click()
    read_band(page, "8802")
    expect(page.locator(".till-line").last).to_contain_text("8802")
    take_benefit_cards(evening, stopped=True)
    page.get_by_role("button", name="Give out the bands").click()
    expect(page.get_by_text("Cards of this issuer FIT are not taken here.")).to_be_visible()
    expect(page.locator(".till-line")).to_have_count(1)


def take_benefit_cards(evening: Evening, *, stopped: bool = False) -> None:
    """The pool takes benefit cards, whose issuer pays an hour; or, `stopped`, takes them no more."""
    fit = Programme(code="FIT", package="1h", names={"en": "Fit card"}, stopped=stopped)
    (held,) = set_programmes(
        [SetProgrammes(key=f"fit {stopped}", at=evening.clock(0), actor=ANNA, facility=POOL, programmes=(fit,))]
    )
    assert isinstance(held, ProgrammesHold), held

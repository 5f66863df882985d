"""The pool's desk: who comes, and money as it is typed."""

from __future__ import annotations

from uuid import UUID

from karnet.entitlements.bundles import Included
from karnet.entitlements.rules import MediumState
from karnet.faces.till.papers import set_sheet
from karnet.faces.till.pool import arrivals, paying
from karnet.faces.till.pool.arrivals import Arrivals
from karnet.orders.operations import Payment
from karnet.stays.explaining import Offered
from karnet.stays.requests import Benefit, HouseRules

POOL = Offered(
    code="pool", categories=("adult", "child"), packages=("1h", "2h"), tariff=UUID(int=1),
    prices={("adult", "1h"): 1800, ("adult", "2h"): 3200, ("child", "1h"): 1200, ("child", "2h"): 2200},
)  # fmt: skip


def comes(*bands: str) -> Arrivals:
    coming = Arrivals()
    arrivals.settle_choice(coming, [POOL], HouseRules())
    for band in bands:
        assert arrivals.add(coming, band, None) == "added"
    return coming


def test_a_band_gets_what_is_chosen_when_it_is_read() -> None:
    coming = comes("1")
    coming.category, coming.package = "child", "2h"
    arrivals.add(coming, "2", None)
    assert [one.price(POOL) for one in coming.bands] == [1800, 2200]
    assert arrivals.add(coming, "2", None) == "twice"
    arrivals.alter(coming, "1", "chosen")
    assert arrivals.due(coming, POOL, 0) == 4400
    arrivals.alter(coming, "1", "remove")
    assert arrivals.due(coming, POOL, 500) == 1700


def test_a_card_in_its_holders_hands_is_not_given_out_and_keeps_its_kind() -> None:
    coming = comes()
    card = MediumState(id=UUID(int=7), number="C7", chip="AB", kind="card", state="in_use", issue=1)
    arrivals.add(coming, "AB", card)
    (band,) = arrivals.asked_bands(coming)
    assert (band.number, band.chip, band.kind) == ("C7", "AB", "card")
    assert coming.bands[0].own


def test_a_choice_that_is_offered_no_more_becomes_one_that_is() -> None:
    coming = Arrivals(tariff="old", category="senior", package="4h")
    assert arrivals.settle_choice(coming, [POOL], HouseRules()) is POOL
    assert (coming.tariff, coming.category, coming.package) == ("pool", "adult", "1h")
    assert arrivals.settle_choice(Arrivals(), [], HouseRules()) is None


def test_a_tariff_without_packages_begins_with_the_houses_first_prepayment() -> None:
    plain = Offered(code="rink", categories=("adult",), packages=(), prices={}, tariff=UUID(int=2))
    coming = Arrivals()
    arrivals.settle_choice(coming, [plain], HouseRules(prepayments=(2000, 4000)))
    arrivals.add(coming, "1", None)
    assert arrivals.due(coming, plain, 0) == 2000


def test_on_a_pass_nobody_prepays() -> None:
    coming = comes("1")
    coming.on_pass = "900001"  # noqa: S105 (a card's number)
    assert arrivals.due(coming, POOL, 0) == 0


def test_payments_come_in_parts_and_only_cash_gets_change() -> None:
    card = paying.take((), 5000, "card", "30", "PLN", invoiced=False)
    assert not card.settled
    cash = paying.take(card.payments, 2000, "cash", "50", "PLN", invoiced=False)
    assert cash.settled
    assert cash.payments == (Payment(kind="card", amount=3000), Payment(kind="cash", amount=2000, tendered=5000))
    assert paying.take((), 2000, "card", "50", "PLN", invoiced=False).problem
    assert paying.take((), 2000, "invoice", "", "PLN", invoiced=False).problem
    assert paying.take((), 2000, "internal_account", "", "PLN", invoiced=True).problem
    assert paying.take((), 0, "", "", "PLN", invoiced=False).settled
    assert paying.take(cash.payments, -500, "cash", "", "PLN", invoiced=False).problem


def test_a_bundle_on_a_card_pays_for_its_holder_until_something_else_is_chosen() -> None:
    coming = comes()
    card = MediumState(id=UUID(int=7), number="C7", chip="AB", kind="card", state="in_use", issue=1)
    bundle = Included(
        entitlement=UUID(int=9), medium=card.id, card="C7", product=UUID(int=8), product_code="ski-swim", category="child",
        facility=UUID(int=3), tariff="pool", package="2h", prepaid_minor=0, times=1, used=0, time_zone="Europe/Warsaw",
    )  # fmt: skip
    arrivals.add(coming, "AB", card, bundle)
    assert arrivals.due(coming, POOL, 0) == 0
    arrivals.alter(coming, "C7", "band")
    assert arrivals.add(coming, "700", None) == "added"
    (band,) = arrivals.asked_bands(coming)
    assert (band.number, band.kind, band.included, band.package) == ("700", "wristband", UUID(int=9), "2h")
    arrivals.alter(coming, "700", "chosen")
    assert (arrivals.due(coming, POOL, 0), arrivals.asked_bands(coming)[0].included) == (1800, None)


def test_a_benefit_card_pays_its_package_for_the_band_it_is_read_for() -> None:
    coming = comes("1")
    coming.programme = "FIT"
    arrivals.settle_choice(coming, [POOL], HouseRules(), {"FIT": "2h"})
    arrivals.add(coming, "2", None, issuer_pays="2h")
    assert [one.number for one in coming.bands if one.lacks_benefit] == ["2"]
    coming.bands[1].benefit = "88 01"
    assert coming.benefit_wanted is None
    assert arrivals.due(coming, POOL, 0) == 1800
    before, after = arrivals.asked_bands(coming)
    assert (before.benefit, after.benefit, after.package) == (None, Benefit(programme="FIT", card="88 01"), "2h")
    arrivals.alter(coming, "2", "without")
    assert (arrivals.due(coming, POOL, 0), arrivals.asked_bands(coming)[1].benefit) == (1800 + 3200, None)
    arrivals.alter(coming, "1", "chosen", "2h")
    assert (coming.bands[0].programme, coming.bands[0].package) == ("FIT", "2h")


def test_a_benefit_card_is_offered_only_where_its_package_is_and_never_beside_a_pass() -> None:
    coming = comes()
    coming.programme = "FIT"
    arrivals.settle_choice(coming, [POOL], HouseRules(), {"FIT": "4h"})
    assert coming.programme == ""
    coming.programme, coming.on_pass = "FIT", "900001"
    arrivals.settle_choice(coming, [POOL], HouseRules(), {"FIT": "1h"})
    assert coming.programme == ""


def test_the_slip_with_a_code_is_one_small_sheet() -> None:
    said = {
        "language": "en", "facility": "Fale", "name": "Value card", "number": "900001", "code": "012 345",
        "words": {"card": "Card", "code": "Code", "use": "Look at your pass."},
    }  # fmt: skip
    assert set_sheet("code", said).startswith(b"%PDF")

"""A bundle sold at one server and swum at another: the pool lets people in on it, and its share is the agreed one (N11)."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from karnet.catalogue.operations import IncludedStay, Validity
from karnet.catalogue.rules import ProductDraft, Publication, Publish, PublishTariff
from karnet.catalogue.services import publish
from karnet.catalogue.tariffs import TariffInForce, publish_tariffs
from karnet.entitlements.included import included_on
from karnet.entitlements.rules import medium_id
from karnet.journal.cuts import latest_cut
from karnet.journal.rebuilding import check
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, Sale, SaleLine, Sell, TakenBack
from karnet.orders.services import sell
from karnet.orders.tests.conftest import assert_books_balance
from karnet.settlement.rules.report import Report, TaxedAmount, digest
from karnet.settlement.settling import settle as division
from karnet.stays.requests import Band, Border, Enter, Entered, Furnish, HouseRules, Ready, Settle, StaysSettled
from karnet.stays.services import enter, furnish, settle
from karnet.stays.tests.conftest import pool_tariff
from karnet.tariffs.model import Band as TariffBand
from karnet.tariffs.model import Package
from tests.card import test_agreement
from tests.card.conftest import EARLY, MORNING, Server
from tests.card.test_arrivals import exchange

pytestmark = pytest.mark.database

BUNDLE = "SKI-SWIM"
AGREED = {
    **json.loads(test_agreement.TEXT),
    "prices": [
        {
            "product": BUNDLE,
            "price": "200.00",
            "vat": "8",
            "parts": [{"facility": "SOUTH", "amount": "60.00", "vat": "23"}],
        }
    ],
}
TWO_HOURS = Package(
    code="2h", included_s={"pool": 7200}, bands=(TariffBand(code="any", prices={"adult": 6800, "child": 5000}),)
)
CARDS = ("N-1", "N-2", "N-3")
EVENING = 600
"""Minutes after MORNING: the tickets of four hours, sold an hour after it, have ended, but their day has not."""


@pytest.fixture
def orders(north: Server, south: Server, hub: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, UUID]:
    """North sells bundles at 210.00, one on each card: four hours on its lift, and two in South's pool."""
    monkeypatch.setattr(test_agreement, "TEXT", json.dumps(AGREED))
    test_agreement.a_signed_season(north, south, hub)
    with south:
        furnished = Furnish(
            **south.asked(),
            facility=south.facility,
            zones={"pool": None},
            borders=(Border(gate=south.gate, into="pool"),),
            rules=HouseRules(metered_from="pool", vat_bp=800, on_top_vat_bp=2300),
        )
        assert isinstance(furnish([furnished])[0], Ready)
        tariff = pool_tariff(packages=(TWO_HOURS,))
        asked = PublishTariff(**south.asked(), facility=south.facility, in_force_from=EARLY, tariff=tariff)
        assert isinstance(publish_tariffs([asked])[0], TariffInForce)
    with north:
        bundle = ProductDraft(
            code=BUNDLE,
            kind="time",
            prices={"adult": 21_000},
            vat_bp=800,
            validity=Validity(kind="hours", hours=4),
            stays=(IncludedStay(facility=south.facility, tariff="pool", package="2h"),),
        )
        (made,) = publish([Publish(**north.asked(), facility=north.facility, on_sale_from=EARLY, products=(bundle,))])
        assert isinstance(made, Publication), made
        sold = {number: bought(north, made.versions[BUNDLE], number) for number in CARDS}
    exchange(north, south, hub)
    return sold


def bought(north: Server, product: UUID, number: str) -> UUID:
    line = SaleLine(product=product, cards=(Card(number=number, issue=True),))
    asked = north.asked(north.anna, MORNING + timedelta(minutes=60))
    payments = (Payment(kind="cash", amount=21_000),)
    (sale,) = sell([Sell(**asked, sales_point=north.till, lines=(line,), payments=payments)])
    assert isinstance(sale, Sale), sale
    return sale.order


def came(south: Server, card: str, band: str, minutes: int = EVENING) -> Entered | Refused:
    """Let somebody in at South's desk on the bundle that is on a card."""
    at = MORNING + timedelta(minutes=minutes)
    offered = included_on([medium_id(card)], south.facility, at).get(medium_id(card), [])
    bundle = offered[0].entitlement if offered else UUID(int=1)
    bands = (Band(number=band, included=bundle),)
    return enter([Enter(**south.asked(south.anna, at), sales_point=south.till, tariff="pool", bands=bands)])[0]


def leaves(south: Server, entered: Entered | Refused, after: int, pay: int) -> StaysSettled:
    assert isinstance(entered, Entered), entered
    asked = south.asked(south.anna, MORNING + timedelta(minutes=EVENING + after))
    payments = (Payment(kind="cash", amount=pay),) if pay else ()
    (done,) = settle([Settle(**asked, sales_point=south.till, stays=entered.stays, payments=payments)])
    assert isinstance(done, StaysSettled), done
    return done


def settled(server: Server) -> Report:
    with server:
        server.seal()
        report = division(latest_cut(), at=MORNING)
    assert isinstance(report, Report), report
    return report


def figures(report: Report, code: str) -> dict[str, int]:
    line = next(line for line in report.facilities if line.code == code)
    named = ("collected", "time", "bundles", "unused", "over_price", "deferred", "balance")
    return {name: value for name in named if (value := getattr(line, name))}


def test_a_bundle_sold_here_is_swum_there_and_divided_as_agreed(
    north: Server, south: Server, hub: Server, orders: dict[str, UUID]
) -> None:
    with north:
        north.scan("N-1")
    with south:
        first = came(south, "N-1", "B-1")
        assert isinstance(first, Entered), first
        assert first.prepaid == 0, "nothing is paid at the desk: the bundle was"
        again = came(south, "N-1", "B-9")
        assert isinstance(again, Refused)
        assert again.reason == Reason.NO_STAY_INCLUDED
        late = came(south, "N-2", "B-9", EVENING + 24 * 60)
        assert isinstance(late, Refused), "the day after, it has ended"
        # Two hours are the bundle's; 20 minutes more are South's own: 20 x 0.30.
        assert leaves(south, first, 140, 600).totals == (7400,)
        leaves(south, came(south, "N-3", "B-3"), 90, 0)
    exchange(north, south, hub)
    with south:
        leaves(south, came(south, "N-2", "B-2"), 60, 0)
    with north:
        known = north.give_back(order=orders["N-3"], minutes=EVENING + 200)
        assert isinstance(known, Refused)
        assert known.reason == Reason.USED_CANNOT_RETURN, "North has heard that it was swum"
        assert isinstance(north.give_back(order=orders["N-2"], minutes=EVENING + 200), TakenBack), "and of this not yet"
    exchange(north, south, hub)
    reports = [settled(server) for server in (north, south, hub)]
    # By hand. N-1: 60.00 to South, 140.00 by passages to North, 10.00 over price. N-3: never skied, so its 140.00 are the
    # seller's. N-2: given back unheard of, so South is still owed its 60.00, and North bears it.
    assert figures(reports[0], "SOUTH") == {"bundles": 18_000, "balance": 18_000}
    assert figures(reports[0], "NORTH") == {
        "collected": 42_000, "time": 14_000, "unused": 14_000, "over_price": 1000 + 1000 - 6000, "balance": -18_000,
    }  # fmt: skip
    (pair,) = reports[0].pairs
    assert (pair.debtor, pair.creditor, pair.taxed) == ("NORTH", "SOUTH", (TaxedAmount(vat_bp=2300, gross=18_000),))
    assert {figures_of(report) for report in reports} == {figures_of(reports[0])}, "everybody gets the same"
    for server in (north, south):
        with server:
            assert_books_balance()
            assert check().sound


def figures_of(report: Report) -> str:
    return digest(msgspec.structs.replace(report, cut={}))

"""A metered place on a common card: stays stay at home; bands, documents and tariffs travel, and rest on nothing at home."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from karnet.catalogue.rules import PublishTariff
from karnet.catalogue.tariffs import publish_tariffs, tariffs_in_force
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media
from karnet.journal import arrivals
from karnet.kernel.ids import named_id
from karnet.orders.operations import Payment
from karnet.orders.receipts import receipt
from karnet.orders.requests import InvoiceIssued, IssueInvoice
from karnet.orders.services import issue_invoices
from karnet.parties.services import CompanyDetails, save_company
from karnet.stays.requests import Band, Border, Enter, Entered, Furnish, Ready, Settle, StaysSettled
from karnet.stays.services import enter, furnish, settle
from karnet.stays.tests.conftest import pool_tariff
from tests.card.conftest import EARLY, MORNING, Server, carry

pytestmark = pytest.mark.database

SCHOOL = named_id("company", "PL", "5260250274")


def a_visit(server: Server) -> StaysSettled:
    """A band, an hour and ten minutes, a ticket sold onto the band, settled and invoiced."""
    desk: Any = {"sales_point": server.till}
    zones = {"pool": None}
    borders = (Border(gate=server.gate, into="pool"),)
    rooms = Furnish(**server.asked(), facility=server.facility, zones=zones, borders=borders)
    assert isinstance(furnish([rooms])[0], Ready)
    tariff = PublishTariff(**server.asked(), facility=server.facility, in_force_from=EARLY, tariff=pool_tariff())
    publish_tariffs([tariff])
    cash = (Payment(kind="cash", amount=1800),)
    asked = Enter(
        **server.asked(server.anna, MORNING),
        **desk,
        tariff="pool",
        bands=(Band(number="B1", package="1h"),),
        payments=cash,
    )
    (came,) = enter([asked])
    assert isinstance(came, Entered), came
    server.sold("DAY", "B1", issue=False, minutes=10)
    (done,) = settle([Settle(**server.asked(server.anna, MORNING + timedelta(minutes=70)), **desk, stays=came.stays)])
    assert isinstance(done, StaysSettled), done
    save_company(SCHOOL, CompanyDetails(name="School", tax_number="5260250274", address="Main Street 1"))
    assert done.order is not None
    invoice = IssueInvoice(**server.asked(server.anna, MORNING + timedelta(minutes=80)), order=done.order, buyer=SCHOOL)
    assert isinstance(issue_invoices([invoice])[0], InvoiceIssued)
    return done


def test_bands_documents_and_tariffs_travel_and_stays_do_not(north: Server, south: Server) -> None:
    with north:
        done = a_visit(north)
    carry(north, south)
    with south:
        assert arrivals.quarantines() == []
        assert done.order is not None
        there = receipt(done.order)
        assert there is not None
        assert (there.total, there.order.invoice is not None) == (1800, True)
        assert media([medium_id("B1")])[medium_id("B1")].state == "returned"
        assert set(tariffs_in_force(north.facility, MORNING)) == {"pool"}
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT count(*) FROM stays_stay), (SELECT count(*) FROM orders_tab)")
            assert cursor.fetchone() == (0, 0)

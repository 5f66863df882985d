"""A card that another facility gave out, at the till: its server is asked, and the cashier sees that it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from django.db import connection
from playwright.sync_api import expect

from karnet.entitlements.requests import ReplacementIssued
from karnet.entitlements.rules import medium_id
from karnet.faces.base.clock import wall_now
from karnet.federation.asks import Waiting, own_answer, own_asks
from karnet.federation.invoices import InvoicedElsewhere
from karnet.federation.refunds import RefundAsked, RefundGranted
from karnet.kernel import canonical
from karnet.orders.selectors import takings
from karnet.parties.operations import facility_id
from tests.faces.conftest import Visit
from tests.faces.test_till import cashier, sell_a_day, shift

__all__ = ["cashier", "shift"]

JAWOR = facility_id("jawor")


@pytest.fixture
def given_out_by_jawor(superuser: psycopg.Connection) -> Callable[[str], None]:
    """Let a card be one that JAWOR's server gave out, of the same common card."""

    def given_out(number: str) -> None:
        with superuser.transaction():
            superuser.execute("SET LOCAL karnet.recording = 'on'")
            superuser.execute("INSERT INTO journal_origin (id, name, server) VALUES (2, 'jawor/log', %s)", [uuid4()])
            superuser.execute("INSERT INTO federation_hub (server, log, \"only\") VALUES (%s, 'hub/log', 1)", [uuid4()])
            superuser.execute(
                "INSERT INTO journal_actor (id, kind, parent_id, origin, enrolled_at)"
                " SELECT %s, kind, parent_id, 2, enrolled_at FROM journal_actor WHERE kind = 'facility'",
                [JAWOR],
            )
            superuser.execute(
                "INSERT INTO parties_facility (id, code, currency, time_zone) VALUES (%s, 'jawor', 'PLN', 'Europe/Warsaw')",
                [JAWOR],
            )
            superuser.execute(
                "UPDATE entitlements_medium SET issued_origin = 2, facility_id = %s WHERE number = %s", [JAWOR, number]
            )

    return given_out


@contextmanager
def a_relay(answer: Callable[[Waiting], bytes | None]) -> Iterator[list[Waiting]]:
    """Carry asks as the relay does, to a home server that answers this."""
    carried: list[Waiting] = []
    end = threading.Event()

    def carry() -> None:
        while not end.wait(0.05):
            for ask in own_asks(wall_now()):
                carried.append(ask)
                own_answer(ask, answer(ask), wall_now())
        connection.close()

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield carried
    finally:
        end.set()
        thread.join()


def test_a_card_from_elsewhere_is_replaced_by_asking_its_server(
    visit: Visit, cashier: Any, shift: UUID, given_out_by_jawor: Callable[[str], None]
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4712001")
    given_out_by_jawor("4712001")
    done = canonical.encode(ReplacementIssued(medium=medium_id("4712002"), entitlements=(uuid4(),)))
    page.goto("/till/card?number=4712001")
    expect(page.get_by_text("This card was given out by jawor")).to_be_visible()
    page.get_by_label("New card").fill("4712002")
    with a_relay(lambda ask: done) as carried:
        page.get_by_role("button", name="Replace the lost card").click()
        expect(page.get_by_text("1 ticket is on card 4712002 now")).to_be_visible()
    assert [(ask.home, ask.kind) for ask in carried] == [("jawor/log", "replace_card")]
    assert b"4712002" in carried[0].body


def test_a_cashier_sees_that_another_server_is_asked(
    visit: Visit, cashier: Any, shift: UUID, given_out_by_jawor: Callable[[str], None]
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4712005")
    given_out_by_jawor("4712005")
    page.goto("/till/card?number=4712005")
    page.get_by_label("New card").fill("4712006")
    # The page as it is while the answer is under way: nothing is sent.
    page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
    expect(page.get_by_text("Asking jawor")).to_be_hidden()
    page.get_by_role("button", name="Replace the lost card").click()
    expect(page.get_by_text("Asking jawor")).to_be_visible()
    expect(page.get_by_role("button", name="Replace the lost card")).to_be_disabled()


def test_where_nobody_answers_the_same_request_can_be_sent_again(
    visit: Visit, cashier: Any, shift: UUID, given_out_by_jawor: Callable[[str], None]
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4712003")
    given_out_by_jawor("4712003")
    page.goto("/till/card?number=4712003")
    page.get_by_label("New card").fill("4712004")
    with a_relay(lambda ask: None) as carried:
        page.get_by_role("button", name="Replace the lost card").click()
        expect(page.get_by_role("alert").filter(has_text="does not answer now")).to_be_visible()
        expect(page.get_by_label("New card")).to_have_value("4712004")
        page.get_by_role("button", name="Replace the lost card").click()
        expect(page.get_by_role("alert").filter(has_text="does not answer now")).to_be_visible()
    assert len(carried) == 2
    assert carried[0].key == carried[1].key


@pytest.fixture
def sold_by_jawor(superuser: psycopg.Connection, given_out_by_jawor: Callable[[str], None]) -> Callable[[str], UUID]:
    """Let the sale of a card's ticket be one that JAWOR's server made; return the order."""

    def sold(number: str) -> UUID:
        given_out_by_jawor(number)
        with superuser.transaction():
            superuser.execute("SET LOCAL karnet.recording = 'on'")
            found = superuser.execute(
                "UPDATE orders_order SET origin = 2, facility_id = %s WHERE id IN (SELECT l.order_id FROM orders_line l"
                " JOIN entitlements_entitlement e ON e.id = l.entitlement JOIN entitlements_medium m ON m.id = e.medium_id"
                " WHERE m.number = %s) RETURNING id",
                [JAWOR, number],
            ).fetchone()
        assert found is not None
        order: UUID = found[0]
        return order

    return sold


def test_a_sale_of_another_facility_is_refunded_here_by_asking_its_server(
    visit: Visit, cashier: Any, shift: UUID, sold_by_jawor: Callable[[str], UUID]
) -> None:
    page = visit("/till/", cashier)
    sell_a_day(page, "4712007")
    order = sold_by_jawor("4712007")
    page.goto("/till/card?number=4712007")
    page.get_by_role("link", name="Show, return").click()
    expect(page.get_by_text("Sold at jawor. Its server is asked")).to_be_visible()
    page.get_by_role("checkbox", name="Day ticket 4712007").check()
    ask = page.get_by_role("button", name="Ask jawor and return what is ticked")

    def granted(asked: Waiting) -> bytes:
        body = msgspec.json.decode(asked.body, type=RefundAsked)
        return canonical.encode(RefundGranted(refund=body.refund, amount=12000, currency="PLN"))

    with a_relay(lambda asked: None) as carried:
        ask.click()
        expect(page.get_by_role("alert").filter(has_text="does not answer now")).to_be_visible()
        expect(page.get_by_role("checkbox", name="Day ticket 4712007")).to_be_checked()
    page.locator("input[name=card]").check()
    with a_relay(granted) as again:
        ask.click()
        expect(page.get_by_role("status").filter(has_text="Pay out 130.00")).to_be_visible()
    assert (carried[0].home, carried[0].kind) == ("jawor/log", "refund")
    assert carried[0].key == again[0].key, "the same request again"
    found = takings(shift)
    assert found is not None
    assert found.paid_out == {"cash": 13000}
    page.goto(f"/till/sales/{order}")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    issued = InvoicedElsewhere(order=order, number="JAWOR/2027/000009", buyer=uuid4(), issued_at=wall_now())
    page.get_by_role("link", name="Choose whom it is for").click()
    page.get_by_label("Name", exact=True).fill("School No 1")
    page.get_by_label("Tax number (NIP)").fill("5260250274")
    page.get_by_label("Address").first.fill("Main Street 1")
    page.get_by_role("button", name="Save and choose").first.click()
    page.goto(f"/till/sales/{order}")
    with a_relay(lambda asked: canonical.encode(issued)) as invoices:
        page.get_by_role("button", name="Have jawor issue the invoice for School No 1").click()
        expect(page.get_by_role("status").filter(has_text="Invoice JAWOR/2027/000009")).to_be_visible()
    assert b"5260250274" in invoices[0].body
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM federation_ask WHERE encode(body, 'escape') LIKE '%School%'")
        assert cursor.fetchone() == (0,), "who it was for is not kept with the ask"

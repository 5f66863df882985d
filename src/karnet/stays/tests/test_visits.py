"""Visits: families, a school, the restaurant, leaving with and without money owed, documents at entry and exit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import media
from karnet.orders.operations import Payment
from karnet.orders.receipts import receipt
from karnet.orders.requests import CloseTab, Extra, OpenTab, SaleLine, TabNow
from karnet.orders.selectors import running_shifts, takings
from karnet.orders.tabs import open_tabs, tabs, unsettled_tabs
from karnet.stays.bills import look_at_bands, owed_together, warnings
from karnet.stays.requests import Band, BandTaken, ChargeBand, TakeBand
from karnet.stays.selectors import heads, who_is_inside
from karnet.stays.services import charge_bands, close_tabs, enter, read, take_bands
from karnet.stays.tests.conftest import (
    ANNA,
    BAR,
    BEN,
    NOON,
    POOL,
    SCHOOL,
    TILL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    refusal,
    set_house,
    state,
    when,
)

pytestmark = pytest.mark.database


def charge(world: World, band: str, *lines: SaleLine, extras: tuple[Extra, ...] = (), at: int = 30, **more: Any) -> Any:
    given = {"key": world.key(), "at": when(at), "actor": BEN, "sales_point": BAR, **more}
    return charge_bands([ChargeBand(band=band, lines=lines, extras=extras, **given)])[0]


def test_a_visit_within_the_paid_hour_ends_at_the_gate_with_its_document(world: World) -> None:
    came = world.came("1", pay=1800)
    assert world.passes("in", "1", 0).zone == "pool"
    left = world.passes("out", "1", 60)
    assert left.ended
    printed = receipt(tabs([came.tab])[came.tab].orders[0])
    assert printed is not None
    assert (printed.order.number, printed.total, printed.order.vat) == (left.document, 1800, 133)
    assert {payment.kind: payment.amount for payment in printed.payments} == {"cash": 1800}
    assert media([medium_id("1")])[medium_id("1")].state == "returned"
    assert [zone.heads for zone in heads(POOL)] == [0] * len(heads(POOL))
    assert world.came("1", pay=1800, at=when(90)).tab != came.tab
    assert_books_balance()


def test_who_owes_money_is_told_how_much_pays_and_has_the_grace_to_leave(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    before = state()
    answer = world.reads("out", "1", 83)
    assert refusal(answer) == "money_owed"
    assert (answer.facts["owed_minor"], answer.facts["currency"]) == (23 * 30, "PLN")
    assert state() == before
    assert refusal(world.settles(stay, at=85, pay=23 * 30, mode="pay")) == "payment_mismatch"
    done = world.settled(stay, at=85, pay=23 * 30, mode="pay", as_of=when(83))
    assert (done.closed, done.balance) == (False, 0)
    assert world.passes("out", "1", 93).ended
    assert tabs([done.tab])[done.tab].charged == 1800 + 23 * 30


def test_after_the_grace_the_clock_goes_on_and_only_the_difference_is_due(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    world.settled(stay, at=80, pay=20 * 30, mode="pay")
    assert refusal(world.reads("out", "1", 91)) == "money_owed"
    assert world.owed(stay, 91) == 11 * 30
    done = world.settled(stay, at=91, pay=11 * 30)
    assert (done.totals, done.closed) == ((1800 + 31 * 30,), True)
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert [(line.product_code, line.amount) for line in printed.lines] == [("stay", 1800 + 31 * 30)]
    assert_books_balance()


def test_the_sauna_is_always_on_top_with_a_rate_of_its_own(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    world.passes("to-sauna", "1", 10)
    world.passes("to-pool", "1", 30)
    done = world.settled(stay, at=40, pay=20 * 50)
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert [(line.product_code, line.amount, line.vat_bp) for line in printed.lines] == [
        ("stay", 1800, 800), ("on_top", 1000, 2300),
    ]  # fmt: skip


def test_the_restaurant_charges_the_band_and_nobody_leaves_before_it_is_paid(world: World) -> None:
    came = world.came("1", "2", pay=3600)
    for band in ("1", "2"):
        world.passes("in", band, 0)
    soup = SaleLine(product=world.goods["SOUP"], quantity=2)
    assert charge(world, "1", soup, extras=(Extra(code="POS-17", unit_price=2150, vat_bp=800),)).balance == 3600 - 5150
    assert refusal(world.reads("out", "2", 40)) == "money_owed"
    assert owed_together(came.stays, when(45)) == 5150
    done = world.settled(*came.stays, at=45, pay=[Payment(kind="card", amount=5150)])
    assert (done.closed, done.totals) == (True, (1800, 1800))
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert printed.total == 3600 + 5150
    assert charge(world, "1", soup, at=50).reason == "no_stay"
    assert_books_balance()


def test_a_band_is_charged_no_further_than_its_tab_may_owe(world: World) -> None:
    set_house(world, unpaid_limit_minor=2000)
    world.came("1", pay=1800)
    soup = SaleLine(product=world.goods["SOUP"])
    assert isinstance(charge(world, "1", soup), TabNow)
    before = state()
    assert refusal(charge(world, "1", soup)) == "money_owed"
    assert state() == before


def test_a_family_leaves_one_by_one_and_the_last_takes_the_document(world: World) -> None:
    child = Band(number="C", category="child", package="1h")
    came = world.came("A", "B", child, pay=1800 + 1800 + 1200)
    for band in ("A", "B", "C"):
        world.passes("in", band, 0)
    assert world.passes("out", "A", 50).document is None
    assert (
        refusal(world.reads("out", "C", 70)) == "money_owed"
    )  # its own ten minutes: others' advances are not its money
    world.settled(came.stays[2], at=70, pay=10 * 20)
    assert refusal(world.reads("out", "B", 75)) == "money_owed"
    done = world.settled(came.stays[1], at=75, pay=15 * 30)
    assert done.closed
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert printed.total == 4800 + 200 + 450
    assert unsettled_tabs(POOL) == []


def test_a_school_of_28_leaves_separately_on_one_voucher(world: World, superuser: psycopg.Connection) -> None:
    voucher = Payment(kind="voucher", amount=28 * 1200)
    (tab,) = open_tabs(
        [
            OpenTab(
                key="tab", at=NOON, actor=ANNA, sales_point=TILL, payments=(voucher,), limit_minor=20000, buyer=SCHOOL
            )
        ]
    )
    assert isinstance(tab, TabNow)
    bands = [Band(number=f"S{n}", category="child", package="1h") for n in range(28)]
    came = world.came(*bands, tab=tab.tab)
    assert came.prepaid == 28 * 1200
    for n in range(28):
        world.passes("in", f"S{n}", 1)
    assert (heads(POOL)[0].heads, len(who_is_inside(POOL, "pool"))) == (28, 28)
    # Eight stay ten minutes longer: within what the school may owe.
    for n in range(28):
        assert world.passes("out", f"S{n}", 60 if n < 20 else 71).ended
    assert unsettled_tabs(POOL) == [tab.tab]
    owed = 8 * 10 * 20
    closing = CloseTab(
        key="close",
        at=when(90),
        actor=ANNA,
        sales_point=TILL,
        tab=tab.tab,
        payments=(Payment(kind="invoice", amount=owed),),
    )
    (closed,) = close_tabs([closing])
    assert isinstance(closed, TabNow), closed
    assert closed.closed
    printed = receipt(closed.order) if closed.order else None
    assert printed is not None
    assert {p.kind: p.amount for p in printed.payments} == {"voucher": 28 * 1200, "invoice": owed}
    assert (printed.total, len(printed.lines)) == (28 * 1200 + owed, 28)
    assert printed.order.buyer == SCHOOL
    assert_books_balance()
    assert_rebuilt_alike(superuser, 50)


def test_a_prepayment_may_have_its_document_on_entry_and_the_rest_at_the_exit(world: World) -> None:
    set_house(world, receipt="entry")
    came = world.came("1", pay=1800)
    first = receipt(came.order) if came.order else None
    assert first is not None
    assert (first.total, first.order.number) == (1800, came.document)
    world.passes("in", "1", 0)
    assert refusal(world.reads("out", "1", 70)) == "money_owed"
    done = world.settled(came.stays[0], at=70, pay=10 * 30)
    second = receipt(done.order) if done.order else None
    assert second is not None
    assert (second.total, done.totals) == (300, (2100,))
    world.came("2", pay=1800, at=when(71))
    assert world.passes("out", "2", 72).document is None  # All of it has its document: nothing is left for another.
    assert_books_balance()


def test_what_shifts_took_on_tabs_is_in_their_drawers(world: World) -> None:
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    world.settled(stay, at=70, pay=[Payment(kind="cash", amount=200), Payment(kind="card", amount=100)])
    (shift,) = running_shifts([TILL]).values()
    found = takings(shift.id)
    assert found is not None
    assert found.taken == {"cash": 2000, "card": 100}


def test_the_desk_reader_tells_issue_from_return(world: World) -> None:
    came = world.came("1", pay=1800)
    world.passes("in", "1", 0)
    new, going, unknown = look_at_bands(["9", "1", "?"], when(70))
    assert (new.to_do, going.to_do, unknown.to_do) == ("issue", "settle", "issue")
    assert going.bill is not None
    assert (going.bill.owed_minor, going.bill.bill.total_minor) == (300, 2100)
    world.settled(came.stays[0], at=70, pay=300, mode="pay")
    world.passes("door", "1", 71)  # out, but the band is still in the guest's hands
    assert look_at_bands(["1"], when(72))[0].to_do == "take_back"
    asked = TakeBand(key="back", at=when(73), actor=ANNA, sales_point=TILL, band="1")
    assert isinstance(take_bands([asked])[0], BandTaken)
    assert look_at_bands(["1"], when(74))[0].to_do == "issue"


def test_displays_warn_before_paid_time_ends(world: World) -> None:
    (stay, _) = world.came("1", "2", pay=3600).stays
    world.passes("in", "1", 0)
    assert warnings(POOL, when(45)) == []
    (soon,) = warnings(POOL, when(52))
    assert (soon.stay, soon.over) == (stay, False)
    assert soon.covered_until == when(61) - timedelta(seconds=1)
    assert warnings(POOL, when(62))[0].over


def test_a_request_sent_again_takes_nothing_again(world: World) -> None:
    asked = world.entry("1", pay=1800)
    assert enter([asked]) == enter([asked])
    reading = world.reading("in", "1", 0)
    assert read([reading, reading]) == [read([reading])[0]] * 2
    assert heads(POOL)[0].heads == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pay": 1700}, "payment_mismatch"),
        ({"pay": 1800, "tariff": "rink"}, "unknown_tariff"),
        ({"pay": 1800, "actor": BEN}, "no_open_shift"),
        ({"pay": 1800, "limit_minor": -1}, "bad_value"),
    ],
)
def test_an_entry_that_cannot_be_changes_nothing(world: World, changes: dict[str, Any], reason: str) -> None:
    before = state()
    answer = world.enters("1", **changes)
    assert refusal(answer) == reason
    assert state() == before


def test_a_band_in_use_is_not_given_out_twice_nor_read_in_twice(world: World) -> None:
    world.came("1", pay=1800)
    assert refusal(world.enters("1", pay=1800)) == "medium_in_use"
    world.passes("in", "1", 0)
    assert refusal(world.reads("in", "1", 1)) == "already_inside"
    assert refusal(world.reads("in", "7", 1)) == "no_stay"


def test_what_may_be_given_back_has_no_document_on_entry(world: World) -> None:
    set_house(world, receipt="entry")
    before = state()
    assert refusal(world.enters(Band(number="1"), tariff="stop")) == "bad_value"
    assert state() == before


def test_only_the_amounts_of_the_house_may_be_prepaid_beside_a_packages_price(world: World) -> None:
    set_house(world, prepayments=(2000, 5000))
    assert refusal(world.enters(Band(number="1", package="1h", prepaid_minor=1900), pay=1900)) == "bad_value"
    assert world.came(Band(number="1", package="1h", prepaid_minor=2000), pay=2000).prepaid == 2000
    assert world.came(Band(number="2", package="1h"), pay=1800).prepaid == 1800


def test_a_card_in_its_holders_hands_carries_a_stay_and_is_not_taken_back(world: World) -> None:
    card = Band(number="7", kind="card", package="1h")
    world.came(card, pay=1800)
    world.passes("in", "7", 0)
    world.passes("door", "7", 30)  # out with the card in hand
    own = world.came(card, pay=1800, at=when(40))
    world.passes("in", "7", 41)
    world.passes("out", "7", 50)
    assert media([medium_id("7")])[medium_id("7")].state == "in_use"
    assert tabs([own.tab])[own.tab].closed_at is not None

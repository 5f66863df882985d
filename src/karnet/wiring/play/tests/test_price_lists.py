"""What a sale of a scenario comes to, when a payment says "the rest"."""

from __future__ import annotations

from typing import get_args

import pytest

from karnet.catalogue.operations import Product
from karnet.entitlements.operations import MediumKind
from karnet.kernel.ids import named_id
from karnet.orders.requests import Card, SaleLine
from karnet.wiring.play.price_lists import due

DAY, CHEAP = (
    Product(id=named_id("product", deposit), code="day", kind="time", names={}, prices={"adult": 16000}, vat_bp=800,
            deposit_minor=deposit)
    for deposit in (1000, 500)
)  # fmt: skip


def line(product: Product, *cards: Card) -> SaleLine:
    return SaleLine(product=product.id, cards=cards)


@pytest.mark.parametrize("kind", get_args(MediumKind))
def test_a_deposit_is_due_on_what_comes_back_and_on_no_printed_or_shown_code(kind: MediumKind) -> None:
    card = Card(number="1", kind=kind, issue=True)
    assert due([DAY], [line(DAY, card)]) == 16000 + (1000 if kind in ("card", "wristband") else 0)


def test_a_card_given_out_bears_one_deposit_the_highest_of_its_tickets() -> None:
    given_out, then = Card(number="1", issue=True), Card(number="1")
    assert due([CHEAP, DAY], [line(CHEAP, given_out), line(DAY, then)]) == 2 * 16000 + 1000
    assert due([DAY, CHEAP], [line(DAY, given_out), line(CHEAP, then)]) == 2 * 16000 + 1000


def test_a_card_in_its_holders_hands_bears_none_nor_does_one_named_twice_by_a_code() -> None:
    assert due([DAY], [line(DAY, Card(number="1"))]) == 16000
    code, then = Card(number="1", kind="qr", issue=True), Card(number="1")
    assert due([DAY, DAY], [line(DAY, code), line(DAY, then)]) == 2 * 16000

"""What a sale in a scenario comes to: products by code, as they are on sale at that instant, and the payments for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from karnet.catalogue.operations import Product
from karnet.catalogue.selectors import Version, on_sale, why_not_on_sale
from karnet.entitlements.operations import MediumKind
from karnet.entitlements.rules import medium_id
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import Payment
from karnet.orders.requests import SaleLine
from karnet.orders.rules.selling import card_deposit
from karnet.wiring.play import words
from karnet.wiring.play.stage import Stage, Unplayable


class Prices:
    """Products as they are on sale, looked up once for a batch of sales."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._found: dict[tuple[str, str], Version] = {}

    def product(self, facility: str, code: str, at: datetime) -> Product:
        """Return the version of a product that a facility sells at an instant. Raises Unplayable when it sells none."""
        found = self._found.get((facility, code))
        if found is not None and found.on_sale_from <= at and (found.on_sale_until is None or at < found.on_sale_until):
            return found.product
        seller = self._stage.facility(facility)
        found = on_sale(seller, [code], at).get(code)
        if found is None:
            raise Unplayable(why_not_on_sale(seller, code, at) or refused(Reason.NOT_ON_SALE, product=code))
        self._found[facility, code] = found
        return found.product


def due(products: Sequence[Product], lines: Sequence[SaleLine]) -> int:
    """Return what lines and the deposits of cards they give out come to, in minor units.

    Only for payments that say "the rest": what is really due, the service reckons for itself. It knows of what kind a
    card is that was handed back; here it is of the kind the line says.
    """
    deposits: dict[str, int] = {}
    given_out: dict[str, MediumKind] = {}
    total = 0
    for sold, line in zip(products, lines, strict=True):
        price = sold.prices.get(line.category, 0) if line.unit_price is None else line.unit_price
        total += price * (len(line.cards) or line.quantity)
        for card in line.cards:
            if card.issue or card.number in given_out:
                given_out.setdefault(card.number, card.kind)
                asked = card_deposit(given_out[card.number], sold.deposit_minor)
                deposits[card.number] = max(deposits.get(card.number, 0), asked)
    return total + sum(deposits.values())


def payments(
    stage: Stage, facility: str, pay: tuple[words.Payment, ...] | words.PaymentKind, total: int
) -> tuple[Payment, ...]:
    """Return the payments of a sale; the one without an amount is what the others leave of `total` (none: if nothing)."""
    if isinstance(pay, str):
        pay = (words.Payment(kind=pay),)
    amounts = [None if p.amount is None else stage.minor(p.amount, facility, "pay.amount") for p in pay]
    rest = total - sum(amount for amount in amounts if amount is not None)
    return tuple(
        Payment(
            kind=payment.kind,
            amount=rest if amount is None else amount,
            tendered=None if payment.tendered is None else stage.minor(payment.tendered, facility, "pay.tendered"),
            medium=None if payment.card is None else medium_id(payment.card),
        )
        for payment, amount in zip(pay, amounts, strict=True)
        if amount is not None or rest > 0
    )

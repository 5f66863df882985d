"""What a sale costs: positions, VAT, payments, and the transfers that book them. Every sum is exact (SPEC X1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import HousePurpose, Transfer, house_account, owned_account
from karnet.catalogue.operations import Product
from karnet.kernel.money import divide, vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import PaidWith, Payment, RefundKind
from karnet.orders.requests import SaleLine

MAX_QUANTITY = 10_000
MAX_AMOUNT = 10**12
"""Minor units; far above any sale and far below where sums would leave the journal's integers."""

CASH_ACCOUNTS: dict[RefundKind, HousePurpose] = {
    "card": "card_payments",
    "bank_transfer": "bank_transfers",
    "voucher": "vouchers",
    "invoice": "receivables",
    "on_account": "receivables",
    "elsewhere": "refunds",
}


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A published product version: whose it is, in which currency, and when it is on sale [from, until)."""

    product: Product
    facility: UUID
    currency: str
    on_sale_from: datetime
    on_sale_until: datetime | None = None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A priced line: `pieces` of (quantity, amount, vat), one per ticket or one for goods."""

    product: Product
    line: SaleLine
    unit_price: int
    list_price: int
    amount: int
    vat: int
    pieces: tuple[tuple[int, int, int], ...]


def price(line: SaleLine, offer: Offer | None, facility: UUID, at: datetime) -> Position | Refused:
    """Price one line at a sales point of `facility`; VAT is reckoned on the position and divided among its tickets."""
    if offer is None:
        return refused(Reason.UNKNOWN_PRODUCT, product=str(line.product))
    product = offer.product
    if offer.facility != facility or at < offer.on_sale_from or (offer.on_sale_until and at >= offer.on_sale_until):
        return refused(Reason.NOT_ON_SALE, product=product.code)
    # A deposit card may have no price at all: its deposit is all that it costs.
    prices = product.prices or ({line.category: 0} if product.kind == "deposit_card" else {})
    if line.category not in prices:
        return refused(Reason.UNKNOWN_CATEGORY, product=product.code, category=line.category)
    problems = _problems(line, product)
    if problems:
        return bad_values(problems)
    list_price = prices[line.category]
    unit = list_price if line.unit_price is None else line.unit_price
    tickets = len(line.cards)
    amount = unit * (tickets or line.quantity)
    vat = vat_included(amount, product.vat_bp)
    if tickets:
        shares = divide(vat, dict.fromkeys(range(tickets), 1))
        pieces = tuple((1, unit, shares[n]) for n in range(tickets))
    else:
        pieces = ((line.quantity, amount, vat),)
    return Position(
        product=product, line=line, unit_price=unit, list_price=list_price, amount=amount, vat=vat, pieces=pieces
    )


def _problems(line: SaleLine, product: Product) -> dict[str, str]:
    problems = {}
    if product.kind == "goods":
        if line.cards:
            problems["cards"] = "goods go on no card; leave it out"
        if not 0 < line.quantity <= MAX_QUANTITY:
            problems["quantity"] = f"must be 1 to {MAX_QUANTITY}"
    elif not line.cards:
        problems["cards"] = "a ticket needs the card it goes on"
    elif line.quantity not in (1, len(line.cards)):
        problems["quantity"] = "is the number of cards; leave it out"
    if line.unit_price is not None and not 0 <= line.unit_price <= MAX_AMOUNT:
        problems["unit_price"] = f"must be 0 to {MAX_AMOUNT} minor units"
    return problems


def check_payments(payments: Sequence[Payment], due: int, currency: str) -> Refused | None:
    """Return why the payments do not settle what is due (lines and deposits), or None when they do, exactly."""
    problems = {}
    for n, payment in enumerate(payments):
        if payment.kind not in get_args(PaidWith):
            problems[f"payments[{n}].kind"] = f"must be one of {', '.join(get_args(PaidWith))}"
        if payment.amount <= 0:
            problems[f"payments[{n}].amount"] = "must be more than 0"
        if payment.tendered is not None and (payment.kind != "cash" or payment.tendered < payment.amount):
            problems[f"payments[{n}].tendered"] = "is cash handed over: at least the amount, and only with cash"
        if (payment.account is None) == (payment.kind == "internal_account"):
            problems[f"payments[{n}].account"] = "goes with an internal account, and only with that"
        if (payment.medium is None) == (payment.kind == "stored_money"):
            problems[f"payments[{n}].medium"] = "goes with the money on a card, and only with that"
    paying = [payment.medium for payment in payments if payment.medium is not None]
    if len(set(paying)) < len(paying):
        problems["payments"] = "name each card whose money is taken once"
    if problems:
        return bad_values(problems)
    paid = sum(payment.amount for payment in payments)
    if paid != due:
        return refused(Reason.PAYMENT_MISMATCH, total_minor=due, paid_minor=paid, currency=currency)
    return None


def change(payments: Iterable[Payment]) -> int:
    """Return the change to hand out for the cash tendered."""
    return sum((payment.tendered or payment.amount) - payment.amount for payment in payments)


def payment_account(
    kind: RefundKind, *, facility: UUID, shift: UUID | None, account: UUID | None, currency: str
) -> UUID | None:
    """Return the account that money of this kind comes from (sale) or goes to (refund); None for cash with no shift."""
    if kind == "cash":
        return drawer(shift, currency) if shift else None
    if kind == "internal_account":
        return account
    return house(facility, CASH_ACCOUNTS[kind], currency)


def drawer(shift: UUID, currency: str) -> UUID:
    """Return the account of a shift's cash."""
    return owned_account(shift, "drawer", currency)


def allocate(
    sources: Iterable[tuple[UUID, int]], targets: Iterable[tuple[UUID, int]], unit: str, first: int = 0
) -> list[Transfer]:
    """Return the transfers that move the sources' amounts to the targets, in order: one per pair of accounts, numbered
    from `first`. Both sides must add up to the same; amounts of 0 move nothing.
    """
    flows: dict[tuple[UUID, UUID], int] = {}
    waiting = [(account, amount) for account, amount in sources if amount]
    for target, wanted in targets:
        while wanted:
            assert waiting, "sources fall short of targets"
            source, there = waiting[0]
            moved = min(there, wanted)
            flows[source, target] = flows.get((source, target), 0) + moved
            wanted -= moved
            if moved == there:
                waiting.pop(0)
            else:
                waiting[0] = (source, there - moved)
    assert not waiting, "sources exceed targets"
    return [
        Transfer(source=source, target=target, amount=amount, unit=unit, n=first + n)
        for n, ((source, target), amount) in enumerate(flows.items())
    ]


def earned(facility: UUID, currency: str, *, gross: int, vat: int, deposit: int) -> list[tuple[UUID, int]]:
    """Return what a sale owes to which house account: net revenue, VAT, card deposits. A refund reads it backwards."""
    purposes: list[tuple[HousePurpose, int]] = [("revenue", gross - vat), ("vat", vat), ("deposits", deposit)]
    return [(house(facility, purpose, currency), amount) for purpose, amount in purposes]


@lru_cache(maxsize=4096)
def house(facility: UUID, purpose: HousePurpose, unit: str) -> UUID:
    """Return the id of a facility's house account; remembered, for every sale asks for the same few."""
    return house_account(facility, purpose, unit)

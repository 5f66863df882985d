"""Payments as they are typed at the pool's desk: cash with change, payment card, voucher, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from karnet.faces.till import amounts
from karnet.faces.till.words import PAYMENTS, called
from karnet.orders.operations import Payment

KINDS = ("cash", "card", "voucher", "bank_transfer", "invoice")


class Taken(NamedTuple):
    """The payments so far, and whether they settle what is due; or the problem, and nothing taken."""

    payments: tuple[Payment, ...]
    settled: bool = False
    problem: str = ""


def take(parts: Sequence[Payment], due: int, kind: str, entered: str, currency: str, *, invoiced: bool) -> Taken:
    """Add what was entered ("" = all that is due) to the parts. `due`: still to be paid, minor units, parts taken off.

    Cash beyond what is due gets change; anything else may not exceed it.
    """
    before = tuple(parts)
    if due == 0:
        return Taken(before, settled=True)
    if due < 0:
        return Taken(before, problem=_("More was paid than is due now. Take the part payments back first."))
    amount = amounts.minor_units(entered, currency) if entered else due
    if kind not in KINDS:
        return Taken(before, problem=_("Choose how it is paid."))
    if not amount:
        return Taken(before, problem=_("Write an amount such as 200 or 12.50."))
    if kind != "cash" and amount > due:
        return Taken(before, problem=_("That is more than is due. Only cash gets change."))
    if kind == "invoice" and not invoiced:
        return Taken(before, problem=_("Choose whom the invoice is for first: whoever pays later needs one."))
    kept = min(amount, due)
    paid: Any = kind
    payment = Payment(kind=paid, amount=kept, tendered=amount if amount > kept else None)
    return Taken((*before, payment), settled=kept == due)


def said(payments: Sequence[Payment]) -> list[tuple[str, Payment]]:
    """Return payments with their kinds in words."""
    return [(called(PAYMENTS, payment.kind), payment) for payment in payments]

"""Invoices issued after the sale."""

from __future__ import annotations

from uuid import UUID

import msgspec

from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import Invoiced
from karnet.orders.requests import InvoiceIssued, IssueInvoice
from karnet.orders.rules.counter import Counter


class Billable(msgspec.Struct, frozen=True, kw_only=True):
    """An order as invoicing sees it. `invoice`: the number of the one it has. `home`: this server sold it."""

    order: UUID
    facility: UUID
    facility_code: str
    time_zone: str
    buyer: UUID | None = None
    invoice: str | None = None
    home: bool = True


def decide_invoice(
    request: IssueInvoice, counter: Counter, orders: dict[UUID, Billable], companies: set[UUID]
) -> tuple[InvoiceIssued | Refused, tuple[Invoiced, ...]]:
    """Issue the invoice of an order, by an operator of its facility. An order has one invoice; asking again refuses
    and names it. Folds into counter and orders."""
    order = orders.get(request.order)
    if order is None:
        return refused(Reason.UNKNOWN_ORDER, order=str(request.order)), ()
    if not order.home:
        return refused(Reason.HOME_ONLY, facility=order.facility_code, order=str(request.order)), ()
    if counter.operators.get(request.actor) != order.facility:
        return refused(Reason.UNKNOWN_ACTOR, actor=str(request.actor)), ()
    if order.invoice is not None:
        return refused(Reason.ALREADY_INVOICED, invoice=order.invoice), ()
    buyer = request.buyer or order.buyer
    if buyer is None or buyer not in companies:
        return refused(Reason.INVOICE_DATA_MISSING, field="buyer"), ()
    invoice = counter.invoice(order=order.order, place=order, at=request.at, buyer=buyer)
    orders[order.order] = msgspec.structs.replace(order, invoice=invoice.number)
    return InvoiceIssued(order=order.order, number=invoice.number, buyer=buyer), (invoice,)

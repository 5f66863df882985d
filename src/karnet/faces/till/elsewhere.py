"""Sales of other facilities at the till: their servers are asked for the refund and the invoice, and the money goes out here."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest

from karnet.faces.base.clock import now, wall_now
from karnet.faces.till.asking import key_of
from karnet.faces.till.desk import Desk
from karnet.federation.homes import home_log, home_of
from karnet.federation.invoices import Invoice, InvoicedElsewhere, invoice_again, invoice_elsewhere
from karnet.federation.refunds import Refund, refund_elsewhere
from karnet.kernel.outcomes import Refused
from karnet.orders.elsewhere import Owed, refunds_of
from karnet.orders.figures import orders_called
from karnet.orders.receipts import Receipt
from karnet.orders.requests import TakenBack
from karnet.orders.selectors import OrderSummary, orders
from karnet.parties.selectors import facilities, names

MOST = 12


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """The facility that made a sale, where it is not the till's. `away`: another server's, so that one is asked."""

    code: str
    title: str
    away: bool


def seller_of(sold: Receipt, desk: Desk) -> Seller | None:
    """Return who sold, None where it was this facility."""
    facility = sold.order.facility
    if facility == desk.facility.id:
        return None
    code = facilities([facility])[facility].code
    return Seller(code=code, title=names([facility]).get(facility) or code, away=home_of(code) != home_log())


def refund(
    request: HttpRequest, desk: Desk, sold: Receipt, seller: Seller, lines: tuple[UUID, ...], cards: tuple[str, ...]
) -> TakenBack | Refused:
    """Refund lines of another server's sale here. The relay and the other server go by the real clock, also where a
    demonstration runs faster."""
    kind: Any = request.POST.get("kind", "cash")
    asked = Refund(
        facility=seller.code, order=sold.order.id, lines=lines, cards=cards, operator=desk.operator.id,
        sales_point=desk.place, refund_kind=kind,
    )  # fmt: skip
    # Sent again with other lines ticked it is another request; with a card ticked besides, the same one.
    said = sha256(repr(sorted(map(str, lines))).encode()).hexdigest()[:12]
    return refund_elsewhere(asked, key=f"{key_of(request)}:{said}", now=wall_now(), at=now())


def invoice(
    request: HttpRequest, desk: Desk, sold: Receipt, seller: Seller, buyer: UUID
) -> InvoicedElsewhere | Refused:
    """Have the server that sold issue the invoice."""
    return invoice_elsewhere(_invoice(desk, sold, seller, buyer), key=key_of(request), now=wall_now(), at=now())


def printed(desk: Desk, sold: Receipt, seller: Seller, buyer: UUID) -> InvoicedElsewhere | Refused:
    """Return what an invoice of another server says of its seller."""
    return invoice_again(_invoice(desk, sold, seller, buyer), now=wall_now())


def _invoice(desk: Desk, sold: Receipt, seller: Seller, buyer: UUID) -> Invoice:
    return Invoice(
        facility=seller.code, order=sold.order.id, buyer=buyer, operator=desk.operator.id, sales_point=desk.place
    )  # fmt: skip


def let_and_unpaid(sold: Receipt, desk: Desk) -> list[Owed]:
    """Return the refunds of a sale that its server let this facility pay out and that were not paid out yet."""
    return [one for one in refunds_of(sold.order.id) if one.payer == desk.facility.id and not one.paid]


def called_elsewhere(number: str, desk: Desk) -> list[tuple[OrderSummary, str]]:
    """Return the sales of other facilities that bear a number, with what those are called, the latest first."""
    found = orders(orders_called([number, number.upper()], MOST))
    others = [order for order in found.values() if order.facility != desk.facility.id]
    titles = names({order.facility for order in others})
    codes = facilities({order.facility for order in others})
    return [
        (order, titles.get(order.facility) or codes[order.facility].code)
        for order in sorted(others, key=lambda order: order.at, reverse=True)
    ]

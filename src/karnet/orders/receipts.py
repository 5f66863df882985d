"""Reading sales as people look at them again: what a receipt says, the last sales of a till, whose ticket was sold where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.orders.selectors import OrderSummary, orders, rows


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was sold. Minor units; `vat` inside `amount`;
    `back`: it was returned."""

    id: UUID
    product: UUID
    product_code: str
    category: str
    quantity: int
    unit_price: int
    amount: int
    vat_bp: int
    vat: int
    entitlement: UUID | None = None
    back: bool = False


class ReceiptPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment; `tendered` is the cash handed over, None where it was exact."""

    kind: str
    amount: int
    tendered: int | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a receipt or an invoice says of an order."""

    order: OrderSummary
    lines: tuple[ReceiptLine, ...]
    payments: tuple[ReceiptPayment, ...]
    invoiced_at: datetime | None = None
    invoice_buyer: UUID | None = None

    @property
    def total(self) -> int:
        """Lines and card deposits, minor units."""
        return self.order.total + self.order.deposit

    @property
    def change(self) -> int:
        """The change that was handed out, minor units."""
        return sum((payment.tendered or payment.amount) - payment.amount for payment in self.payments)

    @property
    def by_rate(self) -> dict[int, tuple[int, int]]:
        """(gross, VAT) by VAT rate in basis points, in the order of the rates."""
        sums: dict[int, tuple[int, int]] = {}
        for line in sorted(self.lines, key=lambda line: line.vat_bp):
            gross, vat = sums.get(line.vat_bp, (0, 0))
            sums[line.vat_bp] = (gross + line.amount, vat + line.vat)
        return sums


def receipt(order: UUID) -> Receipt | None:
    """Return what a receipt of an order says, None for an unknown order. Four statements."""
    summary = orders([order]).get(order)
    if summary is None:
        return None
    lines = rows(
        "SELECT l.id, l.product, l.product_code, l.category, l.quantity, l.unit_price, l.amount, l.vat_bp, l.vat,"
        " l.entitlement, b.line_id IS NOT NULL FROM orders_line l LEFT JOIN orders_line_back b ON b.line_id = l.id"
        " WHERE l.order_id = %s ORDER BY l.n",
        [order],
    )
    payments = rows('SELECT kind, amount, tendered FROM orders_payment WHERE "order" = %s ORDER BY n', [order])
    invoices = rows("SELECT at, buyer FROM orders_invoice WHERE order_id = %s", [order])
    invoiced_at, buyer = invoices[0] if invoices else (None, None)
    return Receipt(
        order=summary,
        lines=tuple(
            ReceiptLine(
                id=row[0], product=row[1], product_code=row[2], category=row[3], quantity=row[4], unit_price=row[5],
                amount=row[6], vat_bp=row[7], vat=row[8], entitlement=row[9], back=row[10],
            )
            for row in lines
        ),
        payments=tuple(ReceiptPayment(kind=kind, amount=amount, tendered=tendered) for kind, amount, tendered in payments),
        invoiced_at=invoiced_at,
        invoice_buyer=buyer,
    )  # fmt: skip


def last_orders(sales_point: UUID, limit: int) -> list[OrderSummary]:
    """Return the last sales of a sales point, the newest first."""
    ids = [
        id_
        for (id_,) in rows(
            "SELECT id FROM orders_order WHERE sales_point_id = %s ORDER BY sequence DESC LIMIT %s",
            [sales_point, limit],
        )
    ]
    found = orders(ids)
    return [found[id_] for id_ in ids]


def orders_of_tickets(sold_at: Mapping[UUID, datetime]) -> dict[UUID, UUID]:
    """Return the order of each ticket that was sold here, given when each was sold (which is when its order was)."""
    return dict(
        rows(
            "SELECT l.entitlement, o.id FROM orders_order o JOIN orders_line l ON l.order_id = o.id"
            " WHERE o.at = ANY(%s::timestamptz[]) AND l.entitlement = ANY(%s::uuid[])",
            [list(sold_at.values()), list(sold_at)],
        )
    )


def last_counts(sales_points: Collection[UUID]) -> dict[UUID, int]:
    """Return what was in each sales point's drawer when its last shift was counted, minor units."""
    return dict(
        rows(
            "SELECT DISTINCT ON (sales_point_id) sales_point_id, counted FROM orders_shift"
            " WHERE sales_point_id = ANY(%s) AND counted IS NOT NULL ORDER BY sales_point_id, sequence DESC",
            [list(sales_points)],
        )
    )

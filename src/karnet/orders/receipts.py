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
    return receipts([order]).get(order)


def receipts(ids: Collection[UUID]) -> dict[UUID, Receipt]:
    """Return what the receipts of orders say; unknown ids are left out. Four statements, however many orders."""
    summaries = orders(ids)
    asked = list(summaries)
    lines: dict[UUID, list[ReceiptLine]] = {}
    for row in rows(
        "SELECT l.order_id, l.id, l.product, l.product_code, l.category, l.quantity, l.unit_price, l.amount, l.vat_bp,"
        " l.vat, l.entitlement, b.line_id IS NOT NULL FROM orders_line l"
        " LEFT JOIN orders_line_back b ON b.line_id = l.id WHERE l.order_id = ANY(%s) ORDER BY l.order_id, l.n",
        [asked],
    ):
        line = ReceiptLine(
            id=row[1], product=row[2], product_code=row[3], category=row[4], quantity=row[5], unit_price=row[6],
            amount=row[7], vat_bp=row[8], vat=row[9], entitlement=row[10], back=row[11],
        )  # fmt: skip
        lines.setdefault(row[0], []).append(line)
    payments: dict[UUID, list[ReceiptPayment]] = {}
    for order, kind, amount, tendered in rows(
        'SELECT "order", kind, amount, tendered FROM orders_payment WHERE "order" = ANY(%s) ORDER BY "order", n',
        [asked],
    ):
        payments.setdefault(order, []).append(ReceiptPayment(kind=kind, amount=amount, tendered=tendered))
    invoices = {
        order: (at, buyer)
        for order, at, buyer in rows("SELECT order_id, at, buyer FROM orders_invoice WHERE order_id = ANY(%s)", [asked])
    }
    found = {}
    for order, summary in summaries.items():
        invoiced_at, buyer = invoices.get(order, (None, None))
        found[order] = Receipt(
            order=summary,
            lines=tuple(lines.get(order, ())),
            payments=tuple(payments.get(order, ())),
            invoiced_at=invoiced_at,
            invoice_buyer=buyer,
        )
    return found


class MadeReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return as its slip says it; minor units. `order` None: only card deposits were paid back."""

    id: UUID
    facility: UUID
    sales_point: UUID
    operator: UUID
    at: datetime
    currency: str
    refund: int
    refund_kind: str
    order: UUID | None


class Made(msgspec.Struct, frozen=True):
    """What operations made: the sales point of each order, and returns; both by the operation's number."""

    orders: dict[int, tuple[UUID, UUID]]
    returns: dict[int, MadeReturn]


def made_by(operations: Mapping[int, datetime]) -> Made:
    """Return what operations recorded here made, given by their numbers and instants: (order, sales point), and returns.

    Whatever kind of operation made an order, it is found. The instants keep the cost from growing with history.
    """
    numbers, instants = list(operations), list(set(operations.values()))
    which = "origin = 1 AND at = ANY(%s::timestamptz[]) AND number = ANY(%s::bigint[])"
    sold = rows(f"SELECT number, id, sales_point_id FROM orders_order WHERE {which}", [instants, numbers])
    back = rows(
        "SELECT number, id, facility_id, sales_point_id, operator_id, at, currency, refund, refund_kind,"
        f' "order" FROM orders_given_back WHERE {which}',
        [instants, numbers],
    )
    return Made(
        orders={number: (order, point) for number, order, point in sold},
        returns={
            row[0]: MadeReturn(
                id=row[1], facility=row[2], sales_point=row[3], operator=row[4], at=row[5], currency=row[6],
                refund=row[7], refund_kind=row[8], order=row[9],
            )
            for row in back
        },
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

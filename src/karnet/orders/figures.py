"""Figures of a span of time, for those who run the place. Cost follows the span, not history: BRIN indexes on `at`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from karnet.orders.selectors import rows


class Sold(NamedTuple):
    """What a sales point sold of a product: pieces and gross minor units."""

    facility: UUID
    sales_point: UUID
    product_code: str
    quantity: int
    amount: int
    currency: str


def sales_by_product(since: datetime, until: datetime, facility: UUID | None = None) -> list[Sold]:
    """Return the sales of [since, until) by sales point and product, of a facility or of all. Returns not deducted."""
    found = rows(
        "SELECT o.facility_id, o.sales_point_id, l.product_code, sum(l.quantity)::bigint, sum(l.amount)::bigint,"
        " o.currency FROM orders_order o JOIN orders_line l ON l.order_id = o.id"
        " WHERE o.at >= %s AND o.at < %s AND (%s::uuid IS NULL OR o.facility_id = %s)"
        " GROUP BY 1, 2, 3, 6 ORDER BY 1, 2, 3",
        [since, until, facility, facility],
    )
    return [Sold._make(row) for row in found]


class Refunded(NamedTuple):
    """What a facility paid back of its own sales, wherever it was paid out: how often, and minor units, card deposits that
    it paid included."""

    facility: UUID
    times: int
    amount: int
    currency: str


def refunds(since: datetime, until: datetime, facility: UUID | None = None) -> list[Refunded]:
    """Return what was paid back in [since, until), by facility and currency."""
    found = rows(
        "SELECT g.facility_id, count(*), sum(g.refund - coalesce(p.amount, 0))::bigint, g.currency"
        " FROM orders_given_back g LEFT JOIN orders_refund_paid p ON p.number = g.number AND p.at >= %s AND p.at < %s"
        " WHERE g.at >= %s AND g.at < %s AND (%s::uuid IS NULL OR g.facility_id = %s) GROUP BY 1, 4 ORDER BY 1",
        [since, until, since, until, facility, facility],
    )
    return [Refunded._make(row) for row in found]


def orders_matching(numbers: list[str], buyers: list[UUID], facilities: list[UUID], limit: int) -> list[UUID]:
    """Return the orders that bear one of these numbers (of the order or its invoice) or were bought by one of these
    companies, the latest first. Every part is answered by an index."""
    found = rows(
        "SELECT id FROM (SELECT id, at FROM orders_order WHERE facility_id = ANY(%s) AND document = ANY(%s)"
        " UNION SELECT o.id, o.at FROM orders_invoice i JOIN orders_order o ON o.id = i.order_id"
        " WHERE i.facility_id = ANY(%s) AND i.document = ANY(%s)"
        " UNION SELECT id, at FROM orders_order WHERE buyer = ANY(%s)) f ORDER BY at DESC, id LIMIT %s",
        [facilities, numbers, facilities, numbers, buyers, limit],
    )
    return [row[0] for row in found]


def orders_called(numbers: list[str], limit: int) -> list[UUID]:
    """Return the orders of any facility that bear one of these numbers, the latest first: found by facility, of which
    there are few."""
    found = rows(
        "SELECT o.id FROM parties_facility f JOIN orders_order o ON o.facility_id = f.id AND o.document = ANY(%s)"
        " ORDER BY o.at DESC, o.id LIMIT %s",
        [numbers, limit],
    )
    return [row[0] for row in found]


class Bought(NamedTuple):
    """One line of an order, and the medium its ticket was put on (None for goods). `back`: it was returned."""

    product_code: str
    category: str
    quantity: int
    amount: int
    entitlement: UUID | None
    back: bool


def lines_of(order: UUID) -> list[Bought]:
    """Return the lines of an order as they were sold."""
    found = rows(
        "SELECT l.product_code, l.category, l.quantity, l.amount, l.entitlement, b.line_id IS NOT NULL"
        " FROM orders_line l LEFT JOIN orders_line_back b ON b.line_id = l.id WHERE l.order_id = %s ORDER BY l.n",
        [order],
    )
    return [Bought._make(row) for row in found]

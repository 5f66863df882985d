"""What settlement reads of orders: refunds that one facility paid out for another inside a cut, never what came later."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from karnet.journal.cuts import Extent
from karnet.orders.selectors import rows


class RefundSum(NamedTuple):
    """What `facility` paid out for sales of `home`: minor units. `disputed`: alone, and `home` does not stand for it."""

    home: UUID
    facility: UUID
    disputed: bool
    amount: int


def refund_sums(extent: Extent, currency: str, since: datetime | None, until: datetime) -> list[RefundSum]:
    """Return what was paid out in [since, until) for others' sales, by who sold and who paid.

    It counts once both are in the cut: that it was paid, and the word of the server that sold. Of one refund no more counts
    than it let be paid; nor more than once, whoever names it twice.
    """
    return [
        RefundSum(*row)
        for kind in (_STOOD_FOR, _DISPUTED)
        for row in rows(*_within(kind, extent, currency, since, until))
    ]


_STOOD_FOR = (
    "SELECT home, payer, false, sum(amount)::bigint FROM (SELECT DISTINCT ON (p.refund, p.home_id, p.facility_id)"
    " p.home_id AS home, p.facility_id AS payer, least(p.amount, w.amount) AS amount FROM orders_refund_paid p"
    " JOIN orders_refund_owed w ON w.refund = p.refund AND w.facility_id = p.home_id AND w.payer_id = p.facility_id"
    " AND w.currency = p.currency WHERE {paid} AND {said}"
    " AND p.currency = %s AND p.at < %s AND (%s::timestamptz IS NULL OR p.at >= %s)"
    " ORDER BY p.refund, p.home_id, p.facility_id, p.at, p.amount, w.amount) r GROUP BY home, payer ORDER BY home, payer",
    "w",
)
_DISPUTED = (
    "SELECT home, payer, true, sum(amount)::bigint FROM (SELECT DISTINCT ON (p.refund, p.home_id, p.facility_id)"
    " p.home_id AS home, p.facility_id AS payer, p.amount FROM orders_refund_paid p"
    " JOIN orders_refund_refused w ON w.refund = p.refund AND w.facility_id = p.home_id AND w.payer_id = p.facility_id"
    " WHERE {paid} AND {said} AND p.alone"
    " AND p.currency = %s AND p.at < %s AND (%s::timestamptz IS NULL OR p.at >= %s)"
    " ORDER BY p.refund, p.home_id, p.facility_id, p.at, p.amount) r GROUP BY home, payer ORDER BY home, payer",
    "w",
)


def _within(
    kind: tuple[str, str], extent: Extent, currency: str, since: datetime | None, until: datetime
) -> tuple[str, list[object]]:
    sql, word = kind
    paid, paid_parameters = extent.where("p")
    said, said_parameters = extent.where(word)
    parameters = [*paid_parameters, *said_parameters, currency, until, since, since]
    return sql.format(paid=paid, said=said), parameters


class RefundMade(NamedTuple):
    """A refund paid out at one facility for a sale of another: when, which sale, how much (minor units)."""

    at: datetime
    order: UUID
    document: str
    amount: int


def last_refunds(extent: Extent, home: UUID, payer: UUID, limit: int) -> list[RefundMade]:
    """Return the last refunds that `payer` paid out for sales of `home` and that `home` stands for, the newest first."""
    paid, paid_parameters = extent.where("p")
    said, said_parameters = extent.where("w")
    return [
        RefundMade(*row)
        for row in rows(
            'SELECT at, "order", document, amount FROM (SELECT DISTINCT ON (p.refund) p.at, p."order", o.document,'
            " least(p.amount, w.amount) AS amount FROM orders_refund_paid p JOIN orders_refund_owed w"
            " ON w.refund = p.refund AND w.facility_id = p.home_id AND w.payer_id = p.facility_id"
            ' AND w.currency = p.currency JOIN orders_order o ON o.id = p."order"'
            f" WHERE {paid} AND {said} AND p.home_id = %s AND p.facility_id = %s"
            " ORDER BY p.refund, p.at, p.amount, w.amount) r ORDER BY at DESC, document LIMIT %s",
            [*paid_parameters, *said_parameters, home, payer, limit],
        )
    ]

"""What a sales point charged to tabs: dishes, goods, services; its own statement, against which it checks what it is paid."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.orders.selectors import rows


class DishMark(NamedTuple):
    """The place of a dish in a statement: no two have the same."""

    at: datetime
    id: UUID


class Dish(msgspec.Struct, frozen=True, kw_only=True):
    """Something charged to a tab, or (`quantity` and `amount` below zero) taken off it again. Minor units of `currency`,
    VAT inside. `tab`: the tab's number."""

    id: UUID
    at: datetime
    tab: str
    currency: str
    code: str
    quantity: int
    unit_price: int
    vat_bp: int
    amount: int
    vat: int

    @property
    def mark(self) -> DishMark:
        """Its place."""
        return DishMark(self.at, self.id)


def dishes_at(
    sales_point: UUID, since: datetime | None, until: datetime | None, before: DishMark | None, limit: int
) -> list[Dish]:
    """Return what a sales point charged to tabs in [since, until), the newest first; `before`: those after this one of the
    page before. One statement, by the index of its lines."""
    asked = [sales_point, since or "-infinity", until or "infinity"]
    after = "" if before is None else " AND (l.at, l.id) < (%s, %s)"
    found = rows(
        "SELECT l.id, l.at, t.document, t.currency, l.code, l.quantity, l.unit_price, l.vat_bp, l.amount, l.vat"
        " FROM orders_tab_line l JOIN orders_tab t ON t.id = l.tab"
        f" WHERE l.sales_point = %s AND l.stay IS NULL AND l.at >= %s AND l.at < %s{after}"
        " ORDER BY l.at DESC, l.id DESC LIMIT %s",
        [*asked, *(before or ()), limit],
    )
    return [
        Dish(
            id=row[0], at=row[1], tab=row[2], currency=row[3], code=row[4], quantity=row[5], unit_price=row[6],
            vat_bp=row[7], amount=row[8], vat=row[9],
        )
        for row in found
    ]  # fmt: skip

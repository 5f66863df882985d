"""Taking goods and dishes off an open tab again: what one sales point charged there, and never more than that. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.requests import Extra
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import MAX_QUANTITY
from karnet.orders.rules.tab_entries import Entry


def take_off(entry: Entry, items: Sequence[Extra], place: Place) -> Refused | None:
    """Take items off a tab, all or none; return why not.

    An item is known by its code, price and VAT rate. Only what this sales point charged, and no document has yet, comes
    off. The last of them takes the rest of its VAT along, so that nothing is left of what was charged and taken off.
    """
    if not items:
        return refused(Reason.EMPTY_SALE)
    problems = {
        f"extras[{n}].quantity": f"must be 1 to {MAX_QUANTITY}"
        for n, item in enumerate(items)
        if not 0 < item.quantity <= MAX_QUANTITY
    }
    if problems:
        return bad_values(problems)
    for item in items:
        charged = [
            line
            for line in entry.state.unbilled
            if line.stay is None
            and line.sales_point == place.sales_point
            and (line.code, line.unit_price, line.vat_bp) == (item.code, item.unit_price, item.vat_bp)
        ]
        left = sum(line.quantity for line in charged)
        if item.quantity > left:
            return refused(Reason.ALREADY_RETURNED, product=item.code, left=left)
        amount, posted_vat = item.quantity * item.unit_price, sum(line.vat for line in charged)
        entry.charge(
            item.code,
            charged[0].product,
            amount=-amount,
            vat=-posted_vat if item.quantity == left else -min(posted_vat, vat_included(amount, item.vat_bp)),
            vat_bp=item.vat_bp,
            sales_point=place.sales_point,
            category=charged[0].category,
            quantity=-item.quantity,
        )
    return None

"""What orders of another server claim: that who sold it, where, and for whom are its own (SPEC N7), and
that what it makes has ids of its making."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from karnet.journal.rules.arrivals import Claim, Made, Own, Place, claims
from karnet.orders.operations import (
    Invoiced,
    RefundOwed,
    RefundPaid,
    RefundRefused,
    Returned,
    ShiftOpened,
    Sold,
    TabBilled,
)


@claims(Sold)
@claims(Returned)
@claims(ShiftOpened)
@claims(TabBilled)
def at_the_counter(part: Sold | Returned | ShiftOpened | TabBilled, place: Place) -> Sequence[Claim]:
    seller = Own(part.sales_point, ("sales_point",), under=part.facility)
    return [Own(part.facility, ("facility",)), seller, Own(part.operator, ("operator",)), *map(Made, _made(part))]


def _made(part: Sold | Returned | ShiftOpened | TabBilled) -> Sequence[UUID]:
    match part:
        case Returned():
            return [part.id]
        case ShiftOpened():
            return [part.shift]
        case _:
            tab = [part.tab] if isinstance(part, TabBilled) else []
            return [part.order, *tab, *(line.id for line in part.lines)]


@claims(RefundOwed)
@claims(RefundPaid)
@claims(RefundRefused)
@claims(Invoiced)
def of_its_facility(part: RefundOwed | RefundPaid | RefundRefused | Invoiced, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]

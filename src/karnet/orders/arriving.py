"""What orders of another server claim: that who sold it, where, and for whom are its own (SPEC N7)."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, claims
from karnet.orders.operations import Invoiced, Returned, ShiftOpened, Sold, TabBilled


@claims(Sold)
@claims(Returned)
@claims(ShiftOpened)
@claims(TabBilled)
def at_the_counter(part: Sold | Returned | ShiftOpened | TabBilled, place: Place) -> Sequence[Claim]:
    seller = Own(part.sales_point, ("sales_point",), under=part.facility)
    return [Own(part.facility, ("facility",)), seller, Own(part.operator, ("operator",))]


@claims(Invoiced)
def invoiced(part: Invoiced, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]

"""What cards of passes of another server claim: that the facility that gave them out is its own."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, claims
from karnet.passes.operations import CardsIssued


@claims(CardsIssued)
def at_the_desk(part: CardsIssued, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]
